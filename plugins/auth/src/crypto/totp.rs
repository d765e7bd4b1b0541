//! Time-based one-time passwords, RFC 6238 on RFC 4226: HMAC-SHA1, steps of 30 seconds, six digits. What every
//! authenticator app knows.

use ring::hmac;

use super::base32;

/// Bytes of a secret, as RFC 4226 recommends.
pub(crate) const SECRET_BYTES: usize = 20;
/// Seconds of a step.
pub(crate) const PERIOD_S: i64 = 30;
/// Digits of a code.
pub(crate) const DIGITS: u32 = 6;
/// Steps that a clock may be off, either way.
const SLACK_STEPS: i64 = 1;

/// The code of one step (RFC 4226, section 5.3).
fn code_at(secret: &[u8], step: i64, digits: u32) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 15);
    let number = tag[offset..offset + 4]
        .iter()
        .fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    (number & 0x7fff_ffff) % 10_u32.pow(digits)
}

/// The step of a moment.
pub(crate) fn step_of(now_ms: i64) -> i64 {
    now_ms.div_euclid(PERIOD_S * 1000)
}

/// The code an app shows at a moment.
#[cfg(test)]
pub(crate) fn code(secret: &[u8], now_ms: i64) -> String {
    format!("{:06}", code_at(secret, step_of(now_ms), DIGITS))
}

/// The step to which a code belongs, if it is good now and later than `last_step`: a code counts once.
pub(crate) fn accept(secret: &[u8], code: &str, now_ms: i64, last_step: i64) -> Option<i64> {
    let digits = code.len() == usize::try_from(DIGITS).ok()? && code.bytes().all(|byte| byte.is_ascii_digit());
    let given: u32 = code.parse().ok().filter(|_| digits)?;
    let now = step_of(now_ms);
    // All are computed, whichever fits, so that the time taken tells nothing.
    (now - SLACK_STEPS..=now + SLACK_STEPS).fold(None, |found, step| {
        let fits = code_at(secret, step, DIGITS) == given && step > last_step;
        if fits { Some(step) } else { found }
    })
}

/// What stands in the QR code.
pub(crate) fn uri(issuer: &str, account: &str, secret: &[u8]) -> String {
    let (issuer, account) = (escape(issuer), escape(account));
    format!(
        "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&digits={DIGITS}&period={PERIOD_S}",
        base32::encode(secret)
    )
}

fn escape(text: &str) -> String {
    crate::http::percent::encode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the rows of SHA-1.
    #[test]
    fn the_vectors_of_rfc_6238_hold() {
        let secret = b"12345678901234567890";
        let check = |seconds: i64, expected: u32| {
            assert_eq!(code_at(secret, step_of(seconds * 1000), 8), expected, "{seconds}");
        };
        check(59, 94_287_082);
        check(1_111_111_109, 7_081_804);
        check(1_111_111_111, 14_050_471);
        check(1_234_567_890, 89_005_924);
        check(2_000_000_000, 69_279_037);
        check(20_000_000_000, 65_353_130);
    }

    /// RFC 4226, appendix D.
    #[test]
    fn the_vectors_of_rfc_4226_hold() {
        let expected = [
            755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489,
        ];
        for (step, expected) in (0..).zip(expected) {
            assert_eq!(code_at(b"12345678901234567890", step, 6), expected, "{step}");
        }
    }

    #[test]
    fn a_code_counts_once_and_for_a_short_time() {
        let secret = b"12345678901234567890";
        let now = 1_700_000_000_000;
        let good = code(secret, now);
        let step = accept(secret, &good, now, 0).unwrap();
        assert_eq!(step, step_of(now));
        assert_eq!(accept(secret, &good, now, step), None, "no replay");
        assert_eq!(accept(secret, &good, now + 29_000, 0), Some(step), "a slow hand");
        assert_eq!(accept(secret, &good, now + 90_000, 0), None, "too late");
        assert_eq!(accept(secret, "12345", now, 0), None);
        assert_eq!(accept(secret, "+12345", now, 0), None);
        assert_eq!(accept(secret, "", now, 0), None);
    }

    #[test]
    fn the_uri_is_what_apps_read() {
        assert_eq!(
            uri("Object OS", "ada@example.com", b"12345678901234567890"),
            "otpauth://totp/Object%20OS:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Object%20OS&digits=6&period=30"
        );
    }
}
