//! The answer of both halves: neither hides the other, and anything but two clean ones is a failure.

use super::*;
use anyhow::anyhow;

fn plugins(sound: bool) -> Half {
    Half::plugins(if sound {
        Ok(audit_plugins::Report::default())
    } else {
        Err(anyhow!("no library").context("start the plugins"))
    })
}

fn protocol(sound: bool) -> Half {
    Half::protocol(if sound {
        Ok(audit_protocol::Report::default())
    } else {
        Err(anyhow!("no schema"))
    })
}

#[test]
fn an_error_of_one_half_fails_and_hides_nothing_of_the_other() {
    let check = |plugins_sound: bool, protocol_sound: bool, code: u8| {
        let (plugins, protocol) = (plugins(plugins_sound), protocol(protocol_sound));
        let (text, found) = answer(&plugins, &protocol, false);
        assert_eq!(found, code, "{text}");
        assert_eq!(
            text.contains("error: start the plugins: no library"),
            !plugins_sound,
            "{text}"
        );
        assert_eq!(text.contains("HEALTH"), plugins_sound, "{text}");
        assert_eq!(text.contains("error: no schema"), !protocol_sound, "{text}");
        assert_eq!(text.contains("types compared"), protocol_sound, "{text}");
        let (text, found) = answer(&plugins, &protocol, true);
        assert_eq!(found, code, "{text}");
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["plugins"]["findings"].is_array(), plugins_sound, "{text}");
        assert_eq!(document["plugins"]["error"].is_string(), !plugins_sound, "{text}");
        assert_eq!(document["protocol"]["findings"].is_array(), protocol_sound, "{text}");
        assert_eq!(document["protocol"]["error"].is_string(), !protocol_sound, "{text}");
    };
    check(true, true, 0);
    check(true, false, 1);
    check(false, true, 1);
    check(false, false, 1);
}
