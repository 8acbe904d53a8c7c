//! Moments, addresses and documents as text on a page.

use jiff::{Timestamp, tz::Offset};

/// `Nov 20, 10:00:00`, in UTC.
pub(crate) fn clock(at: Timestamp) -> String {
    let civil = Offset::UTC.to_datetime(at);
    format!(
        "{} {:02}, {:02}:{:02}:{:02}",
        civil.strftime("%b"),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second()
    )
}

/// An instant for machines, and for whoever wants to know exactly.
pub(crate) fn exact(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// One segment of a path, or one value of a query.
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// JSON, laid out to be read; anything else as it is.
pub(crate) fn indented(text: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => format!("{value:#}"),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_customer_is_called_is_one_segment() {
        for (name, segment) in [
            ("ann", "ann"),
            ("a/b c?", "a%2Fb%20c%3F"),
            ("größe", "gr%C3%B6%C3%9Fe"),
        ] {
            assert_eq!(encode(name), segment);
        }
    }

    #[test]
    fn what_is_no_document_stays_as_it_is() {
        assert_eq!(indented("{\"a\":1}"), "{\n  \"a\": 1\n}");
        assert_eq!(indented("a=1&b"), "a=1&b");
    }
}
