//! Where a message of the inbox comes from.

use domain::Store;
use std::fmt;

/// Where a message comes from. Kept as text, beside the message; a part of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A store told it, or a key of the project stated it: `play_store`.
    Store(Store),
    /// A store answered it when it was asked: `play_store/answer`.
    Answer(Store),
    /// A client sent in a purchase: `receipt`.
    Receipt,
    /// A purchase was imported without telling: `import`.
    Import,
    /// Something was done to two customers: `customer`.
    Operation,
    /// The clock decided it, because time had passed: `clock`.
    Clock,
}

impl Origin {
    const ANSWER: &'static str = "/answer";
    const RECEIPT: &'static str = "receipt";
    const IMPORT: &'static str = "import";
    const OPERATION: &'static str = "customer";
    const CLOCK: &'static str = "clock";

    /// Parses what [`Display`](fmt::Display) writes.
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            Self::RECEIPT => Some(Self::Receipt),
            Self::IMPORT => Some(Self::Import),
            Self::OPERATION => Some(Self::Operation),
            Self::CLOCK => Some(Self::Clock),
            _ => match text.strip_suffix(Self::ANSWER) {
                Some(store) => Store::from_id(store).map(Self::Answer),
                None => Store::from_id(text).map(Self::Store),
            },
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(store) => f.write_str(store.id()),
            Self::Answer(store) => write!(f, "{}{}", store.id(), Self::ANSWER),
            Self::Receipt => f.write_str(Self::RECEIPT),
            Self::Import => f.write_str(Self::IMPORT),
            Self::Operation => f.write_str(Self::OPERATION),
            Self::Clock => f.write_str(Self::CLOCK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As rows of the inbox have it since the first release.
    const STORED: [(Origin, &str); 14] = [
        (Origin::Store(Store::AppStore), "app_store"),
        (Origin::Store(Store::PlayStore), "play_store"),
        (Origin::Store(Store::Stripe), "stripe"),
        (Origin::Store(Store::External), "external"),
        (Origin::Store(Store::Promotional), "promotional"),
        (Origin::Answer(Store::AppStore), "app_store/answer"),
        (Origin::Answer(Store::PlayStore), "play_store/answer"),
        (Origin::Answer(Store::Stripe), "stripe/answer"),
        (Origin::Answer(Store::External), "external/answer"),
        (Origin::Answer(Store::Promotional), "promotional/answer"),
        (Origin::Receipt, "receipt"),
        (Origin::Import, "import"),
        (Origin::Operation, "customer"),
        (Origin::Clock, "clock"),
    ];

    #[test]
    fn origins_are_read_back_as_they_are_stored_and_nothing_else_is_one() {
        for (origin, text) in STORED {
            assert_eq!(origin.to_string(), text);
            assert_eq!(Origin::from_text(text), Some(origin));
        }
        for text in [
            "",
            "/answer",
            "Receipt",
            "amazon",
            "receipt/answer",
            "app_store/answer/answer",
        ] {
            assert_eq!(Origin::from_text(text), None, "{text:?}");
        }
    }
}
