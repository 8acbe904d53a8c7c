//! Reading BER, element after element, as certificates' answers and receipts are written in it. Source: ITU-T X.690.
//!
//! Every length is checked against what is there, and nesting is bounded. What an element means is its reader's business, and so is
//! whether it was signed.

/// Nesting of elements of unknown length beyond this is refused.
const DEEPEST: usize = 16;
/// Ends an element of unknown length.
const END: [u8; 2] = [0, 0];

/// It is not well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// One element: its tag, its content, and all of its bytes.
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    pub(super) whole: &'a [u8],
}

/// Reads elements one after the other.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the next element has this tag.
    pub(super) fn is_at(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    pub(super) fn next(&mut self) -> Option<Element<'a>> {
        let (element, rest) = read(self.0, 0)?;
        self.0 = rest;
        Some(element)
    }

    /// The next element, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Element<'a>, Malformed> {
        self.next()
            .filter(|element| element.tag == tag)
            .ok_or(Malformed)
    }

    /// The next element, if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Option<Element<'a>> {
        if self.is_at(tag) { self.next() } else { None }
    }
}

fn read(bytes: &[u8], depth: usize) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    // Tags of several bytes occur in nothing that is read here.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (content, rest) = match first {
        0..=0x7f => rest.split_at_checked(usize::from(first))?,
        0x80 if tag & 0x20 != 0 && depth < DEEPEST => {
            let end = up_to_end(rest, depth)?;
            let (content, rest) = rest.split_at_checked(end)?;
            (content, rest.get(END.len()..)?)
        }
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = length
                .iter()
                .fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
            rest.split_at_checked(length)?
        }
        _ => return None,
    };
    let whole = bytes.get(..bytes.len() - rest.len())?;
    let element = Element {
        tag,
        content,
        whole,
    };
    Some((element, rest))
}

/// Where the content of an element of unknown length ends.
fn up_to_end(bytes: &[u8], depth: usize) -> Option<usize> {
    let mut rest = bytes;
    while !rest.starts_with(&END) {
        (_, rest) = read(rest, depth + 1)?;
    }
    Some(bytes.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_long_or_up_to_an_end_and_never_beyond_what_is_there() {
        let long = [&[0x04, 0x82, 1, 0][..], &[7; 256]].concat();
        let rows: [(&[u8], Option<usize>); 10] = [
            (&[0x04, 2, 8, 9], Some(2)),
            (&[0x04, 0x81, 2, 8, 9], Some(2)),
            (&long, Some(256)),
            (&[0x30, 0x80, 0x04, 1, 8, 0, 0], Some(3)),
            (&[0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0], Some(4)),
            // Too short, without an end, primitive without a length, a length of more bytes than lengths have.
            (&[0x04, 3, 8, 9], None),
            (&[0x30, 0x80, 0x04, 1, 8], None),
            (&[0x04, 0x80, 8, 0, 0], None),
            (&[0x04, 0x85, 0, 0, 0, 0, 1, 8], None),
            (&[0x1f, 0x81, 1, 1, 8], None),
        ];
        for (bytes, expected) in rows {
            let found = Reader(bytes).next().map(|element| element.content.len());
            assert_eq!(found, expected, "{bytes:02x?}");
        }
        let deep = [[0x30, 0x80].repeat(99), [0, 0].repeat(99)].concat();
        assert!(Reader(&deep).next().is_none());
    }
}
