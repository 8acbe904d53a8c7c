//! Customer attributes: what may be written, and which write wins. Source: RevenueCat docs, "Setting Attributes". Which keys are reserved is in
//! `attribute/key.rs`.

mod key;

pub use key::{DEVICE_VERSION, FROM_REQUEST, IP, RESERVED};

use crate::customer::Customer;
use jiff::Timestamp;
use key::{WRITTEN_ONCE, is_counted, says_nothing};

/// Most custom attributes of a customer.
pub const MOST: usize = 50;
/// Longest key, in characters.
pub const LONGEST_KEY: usize = 40;
/// Longest value, in characters.
pub const LONGEST_VALUE: usize = 500;

/// Most custom attributes that are remembered to have been deleted; beyond, the oldest deletion is forgotten.
pub const MOST_DELETED: usize = 50;

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: String,
    /// The value; `None` deletes.
    pub value: Option<String>,
    /// When its writer wrote it; now when absent.
    pub written_at: Option<Timestamp>,
}

/// Why a write was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The key.
    pub key: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

/// What is wrong with a write by itself.
fn problem(write: &Write) -> Option<String> {
    let key = &write.key;
    let mut characters = key.strip_prefix('$').unwrap_or(key).chars();
    let is_key = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|rest| rest.is_ascii_alphanumeric() || rest == '_' || rest == '-');
    if !is_key || key.chars().count() > LONGEST_KEY {
        return Some(format!(
            "a key begins with a letter, a reserved one with $ before it, and has at most {LONGEST_KEY} letters, digits, - and _"
        ));
    }
    let value = write.value.as_deref()?;
    if value.chars().count() > LONGEST_VALUE {
        return Some(format!("a value has at most {LONGEST_VALUE} characters"));
    }
    // No JSON of a database can hold it.
    if value.contains('\0') {
        return Some("a value has no character U+0000".into());
    }
    let is_email = |text: &str| {
        text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && host.contains('.') && !host.contains('@')
        })
    };
    if key == "$email" && !value.is_empty() && !is_email(value) {
        return Some("is not an e-mail address".into());
    }
    None
}

/// Applies writes. Per key the newest wins; an older or equally old one changes nothing. What is refused is told, and the
/// rest is applied.
pub fn apply(customer: &mut Customer, writes: &[Write], now: Timestamp) -> Vec<Refused> {
    let mut refused = Vec::new();
    for write in writes {
        if let Some(problem) = problem(write) {
            refused.push(Refused {
                key: write.key.clone(),
                problem,
            });
            continue;
        }
        let key = &write.key;
        let nothing = |value: &String| says_nothing(key, value);
        if write.value.as_ref().is_some_and(nothing) {
            continue;
        }
        let known = customer.attributes.get(key);
        // Written by a release that took it for a value.
        let was_nothing = known.is_some_and(nothing);
        // A writer's clock may be ahead; that must not lock the attribute.
        let at = write.written_at.unwrap_or(now).min(now);
        let is_older = customer
            .written
            .get(key)
            .is_some_and(|known| *known > at || (*known == at && write.written_at.is_some()));
        let is_fixed = WRITTEN_ONCE.contains(&key.as_str()) && known.is_some();
        if (is_older || is_fixed) && !was_nothing {
            continue;
        }
        let value = write.value.as_ref().filter(|value| !value.is_empty());
        let is_new = known.is_none();
        let custom = customer.attributes.keys();
        let custom = custom.filter(|known| is_counted(known)).count();
        if value.is_some() && is_new && is_counted(key) && custom >= MOST {
            refused.push(Refused {
                key: key.clone(),
                problem: format!("a customer has at most {MOST} custom attributes"),
            });
            continue;
        }
        match value {
            Some(value) => customer.attributes.insert(key.clone(), value.clone()),
            None => customer.attributes.remove(key),
        };
        customer.written.insert(key.clone(), at);
        if value.is_none() {
            forget_oldest_deletion(customer);
        }
    }
    refused
}

/// Keeps as many deletions of custom attributes as are remembered.
fn forget_oldest_deletion(customer: &mut Customer) {
    let is_deletion = |key: &String| is_counted(key) && !customer.attributes.contains_key(key);
    let deletions = || customer.written.iter().filter(|(key, _)| is_deletion(key));
    if deletions().count() <= MOST_DELETED {
        return;
    }
    let oldest = deletions().min_by_key(|(_, at)| **at);
    if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
        customer.written.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CustomerId;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn somebody() -> Customer {
        Customer::new(CustomerId::new(uuid::Uuid::nil()), "somebody".into(), at(0))
    }

    fn write(key: &str, value: Option<&str>, second: Option<i64>) -> Write {
        Write {
            key: key.into(),
            value: value.map(str::to_owned),
            written_at: second.map(at),
        }
    }

    #[test]
    fn the_newest_write_wins_whatever_the_order() {
        let writes = [
            write("color", Some("red"), Some(1)),
            write("color", Some("blue"), Some(3)),
            write("color", None, Some(2)),
        ];
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            let mut customer = somebody();
            for index in order {
                assert_eq!(apply(&mut customer, &writes[index..=index], at(10)), []);
            }
            assert_eq!(customer.attributes["color"], "blue", "{order:?}");
        }
        let mut customer = somebody();
        apply(
            &mut customer,
            &[
                write("color", Some("red"), Some(1)),
                write("color", Some(""), Some(2)),
            ],
            at(10),
        );
        assert!(customer.attributes.is_empty(), "an empty value deletes");
        apply(
            &mut customer,
            &[write("color", Some("late"), Some(1))],
            at(10),
        );
        assert!(
            customer.attributes.is_empty(),
            "a late write does not bring it back"
        );
        apply(
            &mut customer,
            &[write("color", Some("future"), Some(99))],
            at(10),
        );
        apply(
            &mut customer,
            &[write("color", Some("now"), Some(11))],
            at(11),
        );
        assert_eq!(
            customer.attributes["color"], "now",
            "a clock that is ahead locks nothing"
        );
    }

    #[test]
    fn deletions_are_remembered_up_to_a_limit_the_newest_of_them() {
        let mut customer = somebody();
        for number in 0..10_000 {
            let deleted = write(&format!("k{number}"), None, Some(number));
            assert_eq!(apply(&mut customer, &[deleted], at(20_000)), []);
        }
        assert_eq!(customer.written.len(), MOST_DELETED);
        apply(
            &mut customer,
            &[
                write("k9999", Some("late"), Some(5)),
                write("kept", Some("a"), Some(1)),
            ],
            at(20_000),
        );
        assert!(
            !customer.attributes.contains_key("k9999"),
            "an older write does not bring it back"
        );
        apply(&mut customer, &[write("last", None, None)], at(20_000));
        assert!(
            customer.written.contains_key("kept"),
            "what is there is no deletion, however old"
        );
    }

    #[test]
    fn keys_values_and_limits_are_checked_and_the_rest_is_kept() {
        let mut customer = somebody();
        let long = "x".repeat(501);
        let refused = apply(
            &mut customer,
            &[
                write("1st", Some("a"), None),
                write("$", Some("a"), None),
                write("$1st", Some("a"), None),
                write("note", Some(&long), None),
                write("zero", Some("a\0"), None),
                write("$email", Some("nobody"), None),
                write("good", Some("a"), None),
                write("$email", Some("a@example.com"), None),
            ],
            at(1),
        );
        let keys: Vec<_> = refused.iter().map(|refused| refused.key.as_str()).collect();
        assert_eq!(keys, ["1st", "$", "$1st", "note", "zero", "$email"]);
        assert_eq!(customer.attributes.len(), 2);
        for number in 0..60 {
            apply(
                &mut customer,
                &[write(&format!("k{number}"), Some("v"), None)],
                at(2),
            );
        }
        assert_eq!(
            customer.attributes.len(),
            MOST + 1,
            "one of them is reserved"
        );
        apply(
            &mut customer,
            &[write("$idfa", Some("first"), Some(3))],
            at(5),
        );
        apply(
            &mut customer,
            &[write("$idfa", Some("second"), Some(4))],
            at(5),
        );
        assert_eq!(customer.attributes["$idfa"], "first", "written once");
    }

    #[test]
    fn reserved_keys_of_later_releases_are_kept_as_many_as_custom_ones() {
        let mut customer = somebody();
        assert_eq!(
            apply(
                &mut customer,
                &[write("$newsletterId", Some("a"), None)],
                at(1)
            ),
            []
        );
        assert_eq!(customer.attributes["$newsletterId"], "a");
        for number in 0..2 * MOST {
            let write = write(&format!("$k{number}"), Some("v"), None);
            apply(&mut customer, &[write], at(2));
        }
        assert_eq!(customer.attributes.len(), MOST);
        assert_eq!(
            apply(
                &mut customer,
                &[write("$email", Some("a@example.com"), None)],
                at(3)
            ),
            []
        );
    }

    /// Apple, `advertisingIdentifier`: all zeros where tracking is not allowed; RevenueCat, "Kochava": `$ip` and `$deviceVersion` are "true"
    /// where the server is to fill them in.
    #[test]
    fn what_stands_for_no_value_is_none_and_blocks_none() {
        let zero = "00000000-0000-0000-0000-000000000000";
        let real = "6d92078a-8246-4ba4-ae5b-76104861e7dc";
        for (key, nothing, value) in [
            ("$idfa", zero, real),
            ("$gpsAdId", zero, real),
            ("$amazonAdId", zero, real),
            ("$ip", "true", "203.0.113.7"),
            ("$deviceVersion", "true", "android 34"),
        ] {
            let mut customer = somebody();
            let none = write(key, Some(nothing), Some(5));
            assert_eq!(
                apply(&mut customer, std::slice::from_ref(&none), at(10)),
                [],
                "{key}"
            );
            assert!(customer.attributes.is_empty(), "{key}");
            // What an earlier release has kept.
            customer.attributes.insert(key.into(), nothing.into());
            customer.written.insert(key.into(), at(5));
            apply(&mut customer, &[write(key, Some(value), Some(4))], at(10));
            assert_eq!(customer.attributes[key], value);
            apply(&mut customer, &[none], at(11));
            assert_eq!(customer.attributes[key], value);
        }
        let mut customer = somebody();
        apply(
            &mut customer,
            &[
                write("tracked", Some("true"), None),
                write("zip", Some("000"), None),
            ],
            at(1),
        );
        assert_eq!(
            customer.attributes.len(),
            2,
            "of other keys these are values"
        );
    }
}
