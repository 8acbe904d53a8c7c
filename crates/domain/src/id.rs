//! Identifiers: one type per entity, stored as 16 bytes, shown as a `TypeID` (`evt_01h455vb4pex5vsknk084sn02q`).
//!
//! An id is made from a UUID that an id source supplies, or derived from what it names ([`EventId::derived`]) so that
//! re-deriving gives the same id. Source of the text form: the `TypeID` specification 0.3 (Crockford base 32, lower case).

use jiff::Timestamp;
use std::{fmt, str::FromStr};
use uuid::{Builder, Uuid};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Why a text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form {prefix}_ followed by 26 base-32 characters")]
pub struct ParseIdError {
    text: String,
    prefix: &'static str,
}

fn encode(uuid: Uuid) -> [u8; 26] {
    let mut bits = uuid.as_u128();
    let mut text = [0; 26];
    for slot in text.iter_mut().rev() {
        *slot = ALPHABET[usize::try_from(bits & 31).unwrap_or(0)];
        bits >>= 5;
    }
    text
}

fn decode(text: &str) -> Option<Uuid> {
    let digits = text.as_bytes();
    if digits.len() != 26 || digits[0] > b'7' {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u128, |bits, digit| {
            let value = ALPHABET.iter().position(|letter| letter == digit)?;
            Some((bits << 5) | u128::try_from(value).ok()?)
        })
        .map(Uuid::from_u128)
}

/// A `UUIDv7` whose time part is `at` and whose other bits are a digest of `name`: the same inputs give the same id.
pub fn derive_uuid(namespace: Uuid, name: &str, at: Timestamp) -> Uuid {
    let digest = Uuid::new_v5(&namespace, name.as_bytes());
    let mut tail = [0; 10];
    tail.copy_from_slice(&digest.as_bytes()[..10]);
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of the text form.
            pub const PREFIX: &'static str = $prefix;
            /// Wraps a UUID made by an id source.
            pub const fn new(uuid: Uuid) -> Self { Self(uuid) }
            /// The id of the thing called `name` in `namespace`, sortable by `at`. Same inputs, same id.
            pub fn derived(namespace: Uuid, name: &str, at: Timestamp) -> Self { Self(derive_uuid(namespace, name, at)) }
            /// The 16 stored bytes as a UUID.
            pub const fn uuid(self) -> Uuid { self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let digits = encode(self.0);
                write!(f, "{}_{}", $prefix, std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix($prefix)
                    .and_then(|rest| rest.strip_prefix('_'))
                    .and_then(decode)
                    .map(Self)
                    .ok_or_else(|| ParseIdError { text: text.chars().take(64).collect(), prefix: $prefix })
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> { serializer.collect_str(self) }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        #[cfg(feature = "schema")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
                text.pattern(Some(concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$"))).into()
            }
        }
        #[cfg(feature = "schema")]
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> { stringify!($name).into() }
        }
    )*};
}

ids! {
    /// A project: one product with its apps and integrations.
    ProjectId = "prj";
    /// An app of a project in one store.
    AppId = "app";
    /// A customer.
    CustomerId = "cus";
    /// A product sold in an app.
    ProductId = "prd";
    /// An entitlement (access level).
    EntitlementId = "ent";
    /// An integration: a destination configured in a project.
    IntegrationId = "itg";
    /// An event.
    EventId = "evt";
    /// A delivery: one message of one event to one integration.
    DeliveryId = "dlv";
    /// An API key.
    ApiKeyId = "key";
    /// Somebody who may sign in.
    UserId = "usr";
    /// A replay: past events sent to an integration again.
    ReplayId = "rpl";
    /// A raw message from outside.
    InboxId = "inb";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_matches_the_specification() {
        // Example of the TypeID specification.
        let uuid = Uuid::parse_str("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let id = EventId::new(uuid);
        assert_eq!(id.to_string(), "evt_01h455vb4pex5vsknk084sn02q");
        assert_eq!(
            "evt_01h455vb4pex5vsknk084sn02q".parse::<EventId>().unwrap(),
            id
        );
    }

    #[test]
    fn foreign_or_malformed_text_is_refused() {
        for text in [
            "",
            "evt_",
            "cus_01h455vb4pex5vsknk084sn02q",
            "evt_81h455vb4pex5vsknk084sn02q",
            "evt_01h455vb4pex5vsknk084sn02u",
            "evt_01H455VB4PEX5VSKNK084SN02Q",
        ] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }

    #[test]
    fn derived_ids_repeat_and_sort_by_time() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let id = |name, ms| EventId::derived(Uuid::nil(), name, at(ms));
        assert_eq!(id("charged:1", 5), id("charged:1", 5));
        assert_ne!(id("charged:1", 5), id("charged:2", 5));
        assert!(id("z", 5) < id("a", 6));
    }
}
