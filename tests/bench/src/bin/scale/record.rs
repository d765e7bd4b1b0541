//! The records that the table is filled with: spread without order, and the same in every run. Called by `world`.

use anyhow::Result;
use objectos_data::store::SqlValue;

const STAGES: [&str; 5] = ["new", "proposal", "negotiation", "won", "lost"];
const WORDS: [&str; 16] = [
    "anvil", "rocket", "spring", "magnet", "skate", "tunnel", "paint", "glue", "rope", "piano", "kite", "boulder",
    "engine", "wheel", "ladder", "umbrella",
];

/// The values of one record, in the order of the insert's columns.
pub(crate) fn record(number: u64) -> Result<Vec<SqlValue>> {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    let pick = |shift: u32, count: u64| (mixed >> shift) % count;
    let word = |shift: u32| -> Result<&str> { Ok(WORDS[usize::try_from(pick(shift, 16))?]) };
    let day = pick(8, 28) + 1;
    let month = pick(13, 12) + 1;
    let year = 2020 + pick(17, 7);
    let moment = format!(
        "{year}-{month:02}-{day:02}T{:02}:{:02}:00.000Z",
        pick(21, 24),
        pick(3, 60)
    );
    let amount = i64::try_from(pick(5, 1_000_000))?;
    Ok(vec![
        format!("d{number:09}").into(),
        format!("{} {} {number}", word(1)?, word(7)?).into(),
        format!("a {} and a {} for {}", word(11)?, word(15)?, word(19)?).into(),
        STAGES[usize::try_from(pick(2, 5))?].into(),
        if number.is_multiple_of(20) {
            SqlValue::Null
        } else {
            SqlValue::Integer(amount)
        },
        format!("{year}-{month:02}-{day:02}").into(),
        moment.clone().into(),
        moment.into(),
    ])
}
