//! Which event of theirs is which of ours: the same transaction, called the same, told at about the same time.

use super::theirs::Told;
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What came of an event.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub(super) enum Found {
    /// Both told the same.
    Equal {
        kind: String,
        subject: String,
        delay_seconds: i64,
    },
    /// Both told it, and not alike: for each field theirs and ours.
    Different {
        kind: String,
        subject: String,
        delay_seconds: i64,
        fields: BTreeMap<&'static str, Value>,
    },
    /// We told nothing like it.
    OnlyTheirs {
        kind: String,
        subject: String,
        at: String,
    },
    /// They told nothing like it.
    OnlyOurs {
        kind: String,
        subject: String,
        at: String,
    },
}

impl Found {
    pub(super) const fn is_equal(&self) -> bool {
        matches!(self, Self::Equal { .. })
    }
}

/// Every event of both sides once. Of several that could be the other, the nearest in time is.
pub(super) fn paired(theirs: Vec<Told>, ours: Vec<Told>, window: SignedDuration) -> Vec<Found> {
    let mut waiting: BTreeMap<(String, String), Vec<Told>> = BTreeMap::new();
    for told in ours {
        let key = (told.kind.clone(), told.subject.clone());
        waiting.entry(key).or_default().push(told);
    }
    let mut found = Vec::new();
    for their in theirs {
        let key = (their.kind.clone(), their.subject.clone());
        let same = waiting.entry(key).or_default();
        let apart = |our: &Told| their.at.duration_until(our.at);
        let near = same.iter().enumerate();
        let near = near.filter(|(_, our)| apart(our).abs() <= window);
        let nearest = near.min_by_key(|(_, our)| apart(our).abs());
        match nearest.map(|(place, _)| place) {
            Some(place) => found.push(compared(their, &same.remove(place))),
            None => found.push(Found::OnlyTheirs {
                at: their.at.to_string(),
                kind: their.kind,
                subject: their.subject,
            }),
        }
    }
    let left = waiting.into_values().flatten();
    found.extend(left.map(|our| Found::OnlyOurs {
        at: our.at.to_string(),
        kind: our.kind,
        subject: our.subject,
    }));
    found
}

/// What one side does not say is no difference: each leaves out what it does not know.
fn compared(their: Told, our: &Told) -> Found {
    let delay_seconds = their.at.duration_until(our.at).as_secs();
    let both = their.fields.iter().filter_map(|(field, theirs)| {
        let ours = our.fields.get(field)?;
        (ours != theirs).then(|| (*field, json!({ "theirs": theirs, "ours": ours })))
    });
    let fields: BTreeMap<_, _> = both.collect();
    let Told { kind, subject, .. } = their;
    if fields.is_empty() {
        Found::Equal {
            kind,
            subject,
            delay_seconds,
        }
    } else {
        Found::Different {
            kind,
            subject,
            delay_seconds,
            fields,
        }
    }
}

/// How much of each was found.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pairs {
    pub(super) equal: usize,
    pub(super) different: usize,
    pub(super) only_theirs: usize,
    pub(super) only_ours: usize,
    /// How often each field differs.
    pub(super) fields: BTreeMap<&'static str, usize>,
    /// By how many seconds ours came later: in the middle, and at most.
    pub(super) delays: Option<(i64, i64)>,
}

impl Pairs {
    pub(super) fn of(found: &[Found]) -> Self {
        let (mut pairs, mut delays) = (Self::default(), Vec::new());
        for one in found {
            match one {
                Found::Equal { delay_seconds, .. } => {
                    pairs.equal += 1;
                    delays.push(*delay_seconds);
                }
                Found::Different {
                    delay_seconds,
                    fields,
                    ..
                } => {
                    pairs.different += 1;
                    delays.push(*delay_seconds);
                    for field in fields.keys() {
                        *pairs.fields.entry(field).or_default() += 1;
                    }
                }
                Found::OnlyTheirs { .. } => pairs.only_theirs += 1,
                Found::OnlyOurs { .. } => pairs.only_ours += 1,
            }
        }
        delays.sort_unstable();
        let middle = delays.get(delays.len() / 2);
        pairs.delays = middle
            .zip(delays.last())
            .map(|(middle, most)| (*middle, *most));
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn told(kind: &str, subject: &str, at: i64, product: &str) -> Told {
        Told {
            kind: kind.into(),
            subject: subject.into(),
            at: Timestamp::from_second(at).unwrap(),
            fields: BTreeMap::from([("product_id", json!(product))]),
        }
    }

    #[test]
    fn exactly_the_planted_differences_are_found() {
        let theirs = vec![
            told("INITIAL_PURCHASE", "1", 100, "gold"),
            told("RENEWAL", "2", 200, "gold"),
            told("RENEWAL", "3", 300, "gold"),
            told("EXPIRATION", "3", 400, "gold"),
            told("CANCELLATION", "4", 500, "gold"),
            told("CANCELLATION", "4", 900, "gold"),
        ];
        let ours = vec![
            told("INITIAL_PURCHASE", "1", 95, "gold"),
            told("RENEWAL", "2", 205, "silver"),
            told("RENEWAL", "3", 10_000, "gold"),
            told("CANCELLATION", "4", 901, "gold"),
            told("CANCELLATION", "4", 503, "gold"),
            told("UNCANCELLATION", "4", 600, "gold"),
        ];
        let found = paired(theirs, ours, SignedDuration::from_mins(10));
        let pairs = Pairs::of(&found);
        assert_eq!((pairs.equal, pairs.different), (3, 1));
        assert_eq!((pairs.only_theirs, pairs.only_ours), (2, 2));
        assert_eq!(pairs.fields, BTreeMap::from([("product_id", 1)]));
        assert_eq!(pairs.delays, Some((3, 5)));
        let only_ours = found.iter().filter_map(|one| match one {
            Found::OnlyOurs { kind, subject, .. } => Some((kind.as_str(), subject.as_str())),
            _ => None,
        });
        assert_eq!(
            only_ours.collect::<Vec<_>>(),
            [("RENEWAL", "3"), ("UNCANCELLATION", "4")]
        );
    }

    #[test]
    fn what_one_side_does_not_say_is_no_difference() {
        let mut ours = told("RENEWAL", "2", 200, "gold");
        ours.fields.insert("currency", json!("USD"));
        let found = paired(
            vec![told("RENEWAL", "2", 200, "gold")],
            vec![ours],
            SignedDuration::from_mins(1),
        );
        assert!(found[0].is_equal());
    }
}
