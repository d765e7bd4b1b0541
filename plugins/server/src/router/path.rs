//! Paths as they are sent: what is refused before anything looks at them, and how one segment is decoded. An encoded slash
//! stays inside its segment: segments are split first and decoded afterwards.

use std::borrow::Cow;

const SEGMENTS_MAX: usize = 64;

/// Refuses what cannot be meant: broken escapes, bytes that are not text, control characters, and `.` and `..`, which a
/// handler might take for a way out of its folder.
pub(super) fn check(path: &str) -> Result<(), &'static str> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err("the path does not begin with `/`");
    };
    let mut segments = rest.split('/').peekable();
    let mut count = 0;
    while let Some(segment) = segments.next() {
        count += 1;
        if segment.is_empty() && segments.peek().is_some() {
            return Err("the path has an empty segment");
        }
        if segment.contains('%') {
            check_decoded(&decode(segment).ok_or("the path has a broken escape")?)?;
        } else if segment == "." || segment == ".." {
            return Err(DOTS);
        }
    }
    if count > SEGMENTS_MAX {
        Err("the path has too many segments")
    } else {
        Ok(())
    }
}

const DOTS: &str = "the path has a segment of dots";

fn check_decoded(segment: &str) -> Result<(), &'static str> {
    if segment.chars().any(char::is_control) {
        return Err("the path has a control character");
    }
    // `a%2F..%2Fb` is one segment here and three to whoever joins it to a folder.
    let parts = |part: &str| part == "." || part == "..";
    if segment.split(['/', '\\']).any(parts) {
        Err(DOTS)
    } else {
        Ok(())
    }
}

/// A segment without its escapes; `None` for a broken escape or bytes that are not UTF-8.
pub(crate) fn decode(segment: &str) -> Option<Cow<'_, str>> {
    if !segment.contains('%') {
        return Some(Cow::Borrowed(segment));
    }
    let mut out = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
            out.push(high << 4 | low);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
