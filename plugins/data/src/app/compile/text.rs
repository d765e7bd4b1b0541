//! Patterns in texts: titles and autonumbers.

use objectos_plugin_api::protocol::data::Field;

use super::draft::{Draft, Drafts};
use super::kind::{is_secret, kind_of, target_of};
use crate::app::problem::Problems;
use crate::model::{AutonumberFormat, AutonumberPart, FieldKind, Period, SystemField, TitleFormat, TitlePart, nearest};

/// Fields that records are called by when the object does not say.
const TITLE_FIELDS: [&str; 5] = ["name", "title", "label", "subject", "full_name"];
/// Autonumbers without a pattern.
const AUTONUMBER: &str = "{0000}";
/// Most digits of a counter.
const WIDTH_MAX: usize = 18;

/// A piece of a pattern: text, or what stood in braces.
enum Piece<'a> {
    Literal(&'a str),
    Braced(&'a str),
}

/// Takes `a {b} c` apart; `{{b}}` means the same as `{b}`. `Err` is a brace without its other.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, &'static str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        if rest[..open].contains('}') {
            return Err("a `}` has no `{` before it");
        }
        if open > 0 {
            pieces.push(Piece::Literal(&rest[..open]));
        }
        let double = rest[open..].starts_with("{{");
        let (begin, end) = if double { ("{{", "}}") } else { ("{", "}") };
        let inner = &rest[open + begin.len()..];
        let close = inner.find(end).ok_or("a `{` has no `}` after it")?;
        pieces.push(Piece::Braced(inner[..close].trim()));
        rest = &inner[close + end.len()..];
    }
    if rest.contains('}') {
        return Err("a `}` has no `{` before it");
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    Ok(pieces)
}

/// The title of an object's records.
pub(super) fn title(draft: &Draft, drafts: &Drafts, problems: &mut Problems) -> TitleFormat {
    let Some(format) = &draft.object.title_format else {
        return TitleFormat {
            parts: default_title(draft),
        };
    };
    let pieces = match pieces(format) {
        Ok(pieces) => pieces,
        Err(message) => {
            problems.push(
                draft
                    .error(&["titleFormat"], message)
                    .hint("write field names in braces, as in `{name}`"),
            );
            return TitleFormat::default();
        }
    };
    let part = |piece| match piece {
        Piece::Literal(text) => TitlePart::Literal(text.to_owned()),
        Piece::Braced(path) => {
            let path: Vec<&str> = path.split('.').collect();
            check_title_path(draft, drafts, &path, problems);
            TitlePart::Field(path.into_iter().map(str::to_owned).collect())
        }
    };
    TitleFormat {
        parts: pieces.into_iter().map(part).collect(),
    }
}

fn default_title(draft: &Draft) -> Vec<TitlePart> {
    let fields = &draft.object.fields;
    let first_text = || {
        fields
            .iter()
            .find(|(_, field)| kind_of(field) == FieldKind::Text && !is_secret(field))
            .map(|(name, _)| name.as_str())
    };
    let name = TITLE_FIELDS
        .into_iter()
        .find(|name| fields.get(*name).is_some_and(|field| !is_secret(field)))
        .or_else(first_text);
    vec![TitlePart::Field(vec![
        name.unwrap_or(SystemField::Id.name()).to_owned(),
    ])]
}

fn check_title_path(draft: &Draft, drafts: &Drafts, path: &[&str], problems: &mut Problems) {
    let mut at = draft;
    for (depth, name) in path.iter().enumerate() {
        let last = depth + 1 == path.len();
        let field = at.object.fields.get(*name);
        let system = SystemField::ALWAYS.iter().any(|part| part.name() == *name);
        if field.is_none() && !(system && last) {
            if !at.is_broken_field(name) {
                let nearest = nearest(name, at.object.fields.keys().map(String::as_str));
                let message = format!("`{}` has no field `{name}`", at.object.name);
                problems.push(draft.error(&["titleFormat"], message).suggest(nearest));
            }
            return;
        }
        if field.is_some_and(is_secret) {
            let message = format!("`{name}` is a secret and cannot be part of a title");
            problems.push(draft.error(&["titleFormat"], message).hint("leave it out"));
            return;
        }
        if last || depth == 1 {
            if !last {
                let message = format!("`{}` leads over more than one reference", path.join("."));
                problems.push(
                    draft
                        .error(&["titleFormat"], message)
                        .hint("name a field of this object or of one it points to"),
                );
            }
            return;
        }
        let target = field.and_then(|field| target_of(&at.object, field));
        match target.and_then(|target| drafts.get(target)) {
            Some(target) => at = target,
            None if target.is_some_and(|target| drafts.is_broken(target)) => return,
            None => {
                let message = format!("`{name}` is no reference, so `{}` leads nowhere", path.join("."));
                problems.push(draft.error(&["titleFormat"], message));
                return;
            }
        }
    }
}

/// The pattern of an autonumber.
pub(super) fn autonumber(draft: &Draft, name: &str, field: &Field, problems: &mut Problems) -> AutonumberFormat {
    let start = draft.own.start_numbers.get(name).copied().unwrap_or(1);
    let fallback = || AutonumberFormat {
        parts: vec![AutonumberPart::Counter {
            width: 4,
            restarts: None,
        }],
        start,
    };
    let format = field.autonumber_format.as_deref().unwrap_or(AUTONUMBER);
    let parts = pieces(format).map_err(str::to_owned).and_then(|pieces| {
        pieces
            .into_iter()
            .map(autonumber_part)
            .collect::<Result<Vec<_>, String>>()
    });
    let hint = "write one counter in braces, and dates if you like, as in `INV-{YYYY}-{00000}`";
    match parts {
        Ok(parts)
            if parts
                .iter()
                .filter(|part| matches!(part, AutonumberPart::Counter { .. }))
                .count()
                == 1 =>
        {
            let format = AutonumberFormat { parts, start };
            if let Some(missing) = repeats(&format) {
                let message = format!("the numbers come again, since the {missing} is not part of them");
                problems.push(draft.field_error(name, "autonumberFormat", message).hint(hint));
            }
            format
        }
        Ok(_) => {
            let message = format!("`{format}` needs exactly one counter");
            problems.push(draft.field_error(name, "autonumberFormat", message).hint(hint));
            fallback()
        }
        Err(message) => {
            problems.push(draft.field_error(name, "autonumberFormat", message).hint(hint));
            fallback()
        }
    }
}

#[allow(clippy::needless_pass_by_value)]
fn autonumber_part(piece: Piece<'_>) -> Result<AutonumberPart, String> {
    Ok(match piece {
        Piece::Literal(text) => AutonumberPart::Literal(text.to_owned()),
        Piece::Braced("YYYY") => AutonumberPart::Year,
        Piece::Braced("YY") => AutonumberPart::ShortYear,
        Piece::Braced("MM") => AutonumberPart::Month,
        Piece::Braced("DD") => AutonumberPart::Day,
        Piece::Braced(other) => {
            let (zeros, period) = match other.split_once(':') {
                Some((zeros, period)) => (zeros.trim_end(), Some(period.trim_start())),
                None => (other, None),
            };
            let restarts = match period {
                None => Some(None),
                Some("YYYY" | "YY") => Some(Some(Period::Year)),
                Some("MM") => Some(Some(Period::Month)),
                Some("DD") => Some(Some(Period::Day)),
                Some(_) => None,
            };
            let counts = !zeros.is_empty() && zeros.len() <= WIDTH_MAX && zeros.bytes().all(|byte| byte == b'0');
            match restarts.filter(|_| counts) {
                Some(restarts) => AutonumberPart::Counter {
                    width: zeros.len(),
                    restarts,
                },
                None => return Err(format!("`{{{other}}}` is no piece of an autonumber")),
            }
        }
    })
}

/// What a number must show so that a counter that begins anew gives none twice.
fn repeats(format: &AutonumberFormat) -> Option<&'static str> {
    let shows = |part: &AutonumberPart| format.parts.contains(part);
    let year = shows(&AutonumberPart::Year) || shows(&AutonumberPart::ShortYear);
    let period = format.restarts()?;
    if !year {
        return Some("year");
    }
    if period != Period::Year && !shows(&AutonumberPart::Month) {
        return Some("month");
    }
    (period == Period::Day && !shows(&AutonumberPart::Day)).then_some("day")
}
