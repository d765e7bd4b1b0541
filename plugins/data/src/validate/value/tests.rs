use super::*;

#[test]
fn a_stamp_is_a_moment() {
    assert_eq!(stamp(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(moment::to_ms(&stamp(1_772_280_000_123)), Some(1_772_280_000_123));
}
