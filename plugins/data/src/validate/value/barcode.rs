//! Whether a text can be printed as a code of lines or squares, check digits included.

use objectos_plugin_api::protocol::data::BarcodeFormat;

/// Bytes that the largest QR code holds at the lowest correction.
const QR_BYTES_MAX: usize = 2_953;
/// Characters that readers take in one line.
const LINE_CHARACTERS_MAX: usize = 80;

pub(super) fn fits(text: &str, format: BarcodeFormat) -> bool {
    match format {
        BarcodeFormat::Qr => text.len() <= QR_BYTES_MAX,
        BarcodeFormat::Ean13 => has_check_digit(text, 13),
        BarcodeFormat::Ean8 => has_check_digit(text, 8),
        BarcodeFormat::Upca => has_check_digit(text, 12),
        BarcodeFormat::Upce => matches!(text.len(), 6..=8) && text.bytes().all(|byte| byte.is_ascii_digit()),
        BarcodeFormat::Code128 => text.is_ascii() && text.len() <= LINE_CHARACTERS_MAX,
        BarcodeFormat::Code39 => {
            let known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" -.$/+%".contains(&byte);
            text.len() <= LINE_CHARACTERS_MAX && text.bytes().all(known)
        }
    }
}

/// So many digits, the last of which makes the weighted sum a multiple of ten.
fn has_check_digit(text: &str, digits: usize) -> bool {
    if text.len() != digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let weighted = text
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| u32::from(digit - b'0') * if place % 2 == 1 { 3 } else { 1 });
    weighted.sum::<u32>() % 10 == 0
}
