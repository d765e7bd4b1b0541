//! As much of CBOR (RFC 8949) as authenticators write: whole numbers, bytes, texts, lists, maps, true, false and null, each of
//! a definite length. Nested four deep at most, and no key twice, as CTAP2 demands of them. Everything else cannot be read.

/// How deep things may be nested.
const DEPTH_MAX: u8 = 4;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Integer(i64),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Item>),
    Map(Vec<(Item, Item)>),
    Boolean(bool),
    Null,
}

impl Item {
    /// A value of a map by a key that is a text.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.find(|known| matches!(known, Self::Text(text) if text == key))
    }

    /// A value of a map by a key that is a number.
    pub(super) fn at(&self, key: i64) -> Option<&Self> {
        self.find(|known| *known == Self::Integer(key))
    }

    fn find(&self, is_key: impl Fn(&Self) -> bool) -> Option<&Self> {
        let Self::Map(pairs) = self else { return None };
        pairs.iter().find(|(key, _)| is_key(key)).map(|(_, value)| value)
    }
}

/// A value and nothing after it.
pub(super) fn read_whole(bytes: &[u8]) -> Option<Item> {
    let (item, rest) = read(bytes)?;
    rest.is_empty().then_some(item)
}

/// A value, and what stands after it.
pub(super) fn read(bytes: &[u8]) -> Option<(Item, &[u8])> {
    let mut reader = Reader(bytes);
    let item = reader.item(DEPTH_MAX)?;
    Some((item, reader.0))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, short: u8) -> Option<u64> {
        let mut wide = [0; 8];
        let count = match short {
            0..=23 => return Some(u64::from(short)),
            24..=27 => 1 << (short - 24),
            _ => return None,
        };
        wide[8 - count..].copy_from_slice(self.take(count)?);
        Some(u64::from_be_bytes(wide))
    }

    fn length(&mut self, short: u8) -> Option<usize> {
        let length = usize::try_from(self.number(short)?).ok()?;
        // A length beyond what is there reserves nothing.
        (length <= self.0.len()).then_some(length)
    }

    fn item(&mut self, depth: u8) -> Option<Item> {
        let first = *self.take(1)?.first()?;
        let (major, short) = (first >> 5, first & 31);
        Some(match major {
            0 => Item::Integer(i64::try_from(self.number(short)?).ok()?),
            1 => Item::Integer(-1 - i64::try_from(self.number(short)?).ok()?),
            2 => {
                let length = self.length(short)?;
                Item::Bytes(self.take(length)?.to_vec())
            }
            3 => {
                let length = self.length(short)?;
                Item::Text(String::from_utf8(self.take(length)?.to_vec()).ok()?)
            }
            4 => {
                let (length, depth) = (self.length(short)?, depth.checked_sub(1)?);
                Item::List((0..length).map(|_| self.item(depth)).collect::<Option<_>>()?)
            }
            5 => {
                let (length, depth) = (self.length(short)?, depth.checked_sub(1)?);
                let mut pairs: Vec<(Item, Item)> = Vec::new();
                for _ in 0..length {
                    let (key, value) = (self.item(0)?, self.item(depth)?);
                    if pairs.iter().any(|(known, _)| *known == key) {
                        return None;
                    }
                    pairs.push((key, value));
                }
                Item::Map(pairs)
            }
            7 => match short {
                20 => Item::Boolean(false),
                21 => Item::Boolean(true),
                22 => Item::Null,
                _ => return None,
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_authenticators_write_is_read() {
        let check = |bytes: &[u8], expected: Item| assert_eq!(read_whole(bytes), Some(expected), "{bytes:x?}");
        check(&[0x17], Item::Integer(23));
        check(&[0x18, 0x64], Item::Integer(100));
        check(&[0x39, 0x01, 0x00], Item::Integer(-257));
        check(&[0x1a, 0, 1, 0, 0], Item::Integer(65_536));
        check(&[0x42, 1, 2], Item::Bytes(vec![1, 2]));
        check(&[0x63, b'f', b'm', b't'], Item::Text("fmt".to_owned()));
        check(&[0x82, 0xf5, 0xf6], Item::List(vec![Item::Boolean(true), Item::Null]));
        check(
            &[0xa2, 0x01, 0x02, 0x20, 0xf4],
            Item::Map(vec![
                (Item::Integer(1), Item::Integer(2)),
                (Item::Integer(-1), Item::Boolean(false)),
            ]),
        );
        assert_eq!(read(&[0x01, 0x02]), Some((Item::Integer(1), &[0x02][..])));
    }

    #[test]
    fn everything_else_is_not() {
        for bytes in [
            &[][..],
            &[0x18],
            &[0x01, 0x02],
            // A length that is not there, one that is more than memory, and one that is left open.
            &[0x42, 1],
            &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x5f, 0x41, 1, 0xff],
            // A key twice, and a key that is a list.
            &[0xa2, 0x01, 0x02, 0x01, 0x03],
            &[0xa1, 0x80, 0x01],
            // Five deep.
            &[0x81, 0x81, 0x81, 0x81, 0x81, 0x01],
            // A text that is none, a tag, a fraction, a number beyond all.
            &[0x61, 0xff],
            &[0xc0, 0x01],
            &[0xf9, 0x3c, 0x00],
            &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(read_whole(bytes), None, "{bytes:x?}");
        }
    }
}
