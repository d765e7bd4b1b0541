//! Units of the loader that need no library.

use super::linker_words;

#[test]
fn the_linkers_words_come_without_the_copys_name() {
    for (text, expected) in [
        ("/run/x/a-1-2.so: undefined symbol: foo", "undefined symbol: foo"),
        ("/run/x/a-1-2.so: file too short", "file too short"),
        ("something else", "something else"),
    ] {
        assert_eq!(linker_words(text), expected);
    }
}
