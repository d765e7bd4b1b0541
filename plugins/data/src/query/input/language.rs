//! `search.language`: which languages there are. Words are read the same in every one of them, whichever the database: without
//! case and marks, from their beginning, and none is brought back to its stem. So a language changes no answer; what is none is
//! refused, since whoever wrote it meant something else. Called by `search`.

use serde_json::Value;

use super::values::wrong;
use crate::error::Result;

/// ISO 639-1.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de \
    dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is \
    it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na \
    nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr \
    ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";
/// Characters of one part of a tag at most.
const PART_MAX: usize = 8;

/// A tag such as `en`, `zh` or `pt-BR`.
pub(super) fn read_language(value: &Value) -> Result<String> {
    let tag = value.as_str().map(str::trim);
    tag.filter(|tag| is_language(tag)).map(str::to_owned).ok_or_else(|| {
        wrong(format!(
            "'search.language' is the tag of a language, as in 'en', 'zh' or 'pt-BR', found {value}; words are read the same in \
             every language, so it may be left out"
        ))
    })
}

/// Two letters of a known language, or three of one that has no two, and what may follow: script, region, variant.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split(['-', '_']);
    let language = parts.next().unwrap_or_default().to_ascii_lowercase();
    let known = match language.len() {
        2 => LANGUAGES.split_ascii_whitespace().any(|known| known == language),
        3 => language.bytes().all(|byte| byte.is_ascii_lowercase()),
        _ => false,
    };
    known
        && parts.all(|part| {
            let letters = part.bytes().all(|byte| byte.is_ascii_alphanumeric());
            letters && (1..=PART_MAX).contains(&part.len())
        })
}

#[cfg(test)]
mod tests {
    use super::is_language;

    #[test]
    fn languages_are_known_by_their_tags() {
        let check = |tag: &str, expected: bool| assert_eq!(is_language(tag), expected, "{tag}");
        for tag in [
            "en",
            "zh",
            "es",
            "DE",
            "pt-BR",
            "zh-Hant-TW",
            "sr_Latn",
            "haw",
            "de-1996",
        ] {
            check(tag, true);
        }
        for tag in [
            "",
            "e",
            "xx",
            "english",
            "en-",
            "en-longerthan8",
            "12",
            "e1n",
            "en US",
            "en/us",
        ] {
            check(tag, false);
        }
    }
}
