//! Numbers in PostgreSQL's binary form of `numeric`: digits to the base of 10,000.
//!
//! Whole numbers of 64 bits and doubles go in as the decimal text that stands for them, and come out as they went in. What
//! a foreign hand stored beyond that comes out as the nearest double.

use crate::store::Cell;

const NEGATIVE: u16 = 0x4000;
/// Decimal digits of one digit.
const GROUP: usize = 4;

/// A number written with digits, at most one sign and one point, without an exponent; as bytes to send.
pub(super) fn encode(text: &str) -> Vec<u8> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    let mut padded = "0".repeat((GROUP - whole.len() % GROUP) % GROUP);
    padded.push_str(whole);
    let groups_whole = padded.len() / GROUP;
    padded.push_str(fraction);
    let missing = (GROUP - fraction.len() % GROUP) % GROUP;
    padded.push_str(&"0".repeat(missing));
    let mut digits: Vec<u16> = padded
        .as_bytes()
        .chunks(GROUP)
        .map(|group| group.iter().fold(0, |sum, byte| sum * 10 + u16::from(byte - b'0')))
        .collect();
    let mut weight = i16::try_from(groups_whole).unwrap_or(i16::MAX) - 1;
    while digits.last() == Some(&0) {
        digits.pop();
    }
    let leading = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..leading);
    weight -= i16::try_from(leading).unwrap_or_default();
    if digits.is_empty() {
        weight = 0;
    }
    let sign = if negative && !digits.is_empty() { NEGATIVE } else { 0 };
    let mut out = Vec::with_capacity(8 + digits.len() * 2);
    out.extend(i16::try_from(digits.len()).unwrap_or(i16::MAX).to_be_bytes());
    out.extend(weight.to_be_bytes());
    out.extend(sign.to_be_bytes());
    out.extend(i16::try_from(fraction.len()).unwrap_or(i16::MAX).to_be_bytes());
    digits.iter().for_each(|digit| out.extend(digit.to_be_bytes()));
    out
}

/// A double as the shortest decimal that stands for it.
pub(super) fn encode_double(real: f64) -> Vec<u8> {
    // Rust writes doubles without an exponent here.
    encode(&format!("{real}"))
}

/// What came; null for what is no number.
pub(super) fn decode(bytes: &[u8]) -> Cell<'static> {
    let word = |index: usize| -> Option<[u8; 2]> { bytes.get(index * 2..index * 2 + 2)?.try_into().ok() };
    let (Some(count), Some(weight), Some(sign)) = (word(0), word(1), word(2)) else {
        return Cell::Null;
    };
    let (count, weight, sign) = (
        usize::try_from(i16::from_be_bytes(count)).unwrap_or_default(),
        i64::from(i16::from_be_bytes(weight)),
        u16::from_be_bytes(sign),
    );
    if sign != 0 && sign != NEGATIVE {
        return Cell::Null;
    }
    let digits = (0..count).filter_map(|index| word(4 + index)).map(u16::from_be_bytes);
    let places = i64::try_from(count).unwrap_or(i64::MAX) - 1;
    if weight >= places
        && let Some(whole) = whole(digits.clone(), weight - places, sign == NEGATIVE)
    {
        return Cell::Integer(whole);
    }
    let mut text = String::with_capacity(count * GROUP + 8);
    if sign == NEGATIVE {
        text.push('-');
    }
    digits.for_each(|digit| text.push_str(&format!("{digit:04}")));
    text.push_str(&format!("e{}", (weight - places) * 4));
    text.parse().map_or(Cell::Null, Cell::Real)
}

/// The digits with so many zero digits behind them, when that is a whole number of 64 bits.
fn whole(digits: impl Iterator<Item = u16>, zeros: i64, negative: bool) -> Option<i64> {
    let zeros = usize::try_from(zeros).ok()?;
    // No whole number of 64 bits has more than five digits to the base of 10,000.
    let mut sum: i128 = 0;
    for digit in digits.chain(std::iter::repeat_n(0, zeros.min(6))) {
        sum = sum.checked_mul(10_000)?.checked_add(i128::from(digit))?;
    }
    i64::try_from(if negative { -sum } else { sum }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_come_back_as_they_went() {
        for number in [
            0,
            1,
            -1,
            9_999,
            10_000,
            100_000_000,
            -12_345_678,
            9_007_199_254_740_993,
            i64::MAX,
            i64::MIN,
        ] {
            assert_eq!(decode(&encode(&number.to_string())), Cell::Integer(number), "{number}");
        }
    }

    #[test]
    fn doubles_come_back_as_they_went() {
        for real in [
            0.1,
            -0.1,
            3.5,
            1e-7,
            1.005,
            123_456.789,
            1e300,
            5e-324,
            f64::MAX,
            0.000_012_345,
            1e22,
        ] {
            assert_eq!(decode(&encode_double(real)), Cell::Real(real), "{real}");
        }
        // A double without a fraction is a whole number, as it is on SQLite.
        assert_eq!(decode(&encode_double(3.0)), Cell::Integer(3));
        assert_eq!(decode(&encode_double(-0.0)), Cell::Integer(0));
        assert_eq!(decode(&encode_double(1e17)), Cell::Integer(100_000_000_000_000_000));
    }

    #[test]
    fn the_bytes_are_those_of_the_database() {
        // SELECT numeric_send(-12345.678)
        let expected = [0, 3, 0, 1, 0x40, 0, 0, 3, 0, 1, 0x09, 0x29, 0x1a, 0x7c];
        assert_eq!(encode("-12345.678"), expected);
        assert_eq!(encode("0"), [0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_no_number_is_null() {
        assert_eq!(decode(&[0, 0, 0, 0, 0xc0, 0, 0, 0]), Cell::Null);
        assert_eq!(decode(&[]), Cell::Null);
    }
}
