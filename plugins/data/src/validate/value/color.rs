//! Colours as text: `#rgb`, `#rrggbb`, `rgb(…)`, `hsl(…)`, each also with a part for transparency.

use objectos_plugin_api::protocol::data::ColorFormat;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    Hex,
    Rgb,
    Hsl,
}

/// Whether a text is a colour of the form. Without `alpha` only `rgba`, and no form at all, take transparent ones.
pub(super) fn is_color(text: &str, format: Option<ColorFormat>, alpha: Option<bool>) -> bool {
    let Some((notation, transparent)) = read(text.trim()) else {
        return false;
    };
    let fits = match format {
        None => true,
        Some(ColorFormat::Hex) => notation == Notation::Hex,
        Some(ColorFormat::Rgb | ColorFormat::Rgba) => notation == Notation::Rgb,
        Some(ColorFormat::Hsl) => notation == Notation::Hsl,
    };
    fits && (!transparent || alpha.unwrap_or(matches!(format, None | Some(ColorFormat::Rgba))))
}

/// One that fits, for messages.
pub(super) const fn example(format: Option<ColorFormat>, alpha: Option<bool>) -> &'static str {
    match (format, alpha) {
        (None | Some(ColorFormat::Hex), Some(true)) => "#ff8800cc",
        (None | Some(ColorFormat::Hex), _) => "#ff8800",
        (Some(ColorFormat::Rgb), Some(true)) | (Some(ColorFormat::Rgba), None | Some(true)) => "rgba(255, 136, 0, 0.8)",
        (Some(ColorFormat::Rgb | ColorFormat::Rgba), _) => "rgb(255, 136, 0)",
        (Some(ColorFormat::Hsl), Some(true)) => "hsla(32, 100%, 50%, 0.8)",
        (Some(ColorFormat::Hsl), _) => "hsl(32, 100%, 50%)",
    }
}

/// The notation, and whether there is a part for transparency.
fn read(text: &str) -> Option<(Notation, bool)> {
    if let Some(digits) = text.strip_prefix('#') {
        let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        return match digits.len() {
            3 | 6 if hex => Some((Notation::Hex, false)),
            4 | 8 if hex => Some((Notation::Hex, true)),
            _ => None,
        };
    }
    let (name, rest) = text.split_once('(')?;
    let parts: Vec<&str> = rest.strip_suffix(')')?.split(',').map(str::trim).collect();
    let (notation, transparent) = match name.trim().to_ascii_lowercase().as_str() {
        "rgb" => (Notation::Rgb, false),
        "rgba" => (Notation::Rgb, true),
        "hsl" => (Notation::Hsl, false),
        "hsla" => (Notation::Hsl, true),
        _ => return None,
    };
    let (colour, rest) = parts.split_at_checked(3)?;
    let alpha = match rest {
        [] => !transparent,
        [alpha] => transparent && (within(alpha, 1.0) || percent(alpha)),
        _ => false,
    };
    let fits = match notation {
        Notation::Rgb => colour.iter().all(|part| part.parse::<u8>().is_ok()),
        _ => within(colour[0], 360.0) && colour[1..].iter().all(|part| percent(part)),
    };
    (alpha && fits).then_some((notation, transparent))
}

fn within(text: &str, most: f64) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain && text.parse::<f64>().is_ok_and(|number| number <= most)
}

fn percent(text: &str) -> bool {
    text.strip_suffix('%').is_some_and(|number| within(number, 100.0))
}
