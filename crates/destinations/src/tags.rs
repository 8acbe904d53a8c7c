//! What is kept of a customer where vendors keep a state and not a stream: tags, of which each event sets those that it knows.
//!
//! Only the newest state matters, so what was learned after something newer is not told, and one customer's events leave in their order. Tags
//! can be renamed or left out, because plans limit how many there are. Purchases that do not renew leave the subscription's tags alone: they
//! are not sent at all.

use crate::{Field, FieldKind, Group, Invalid, common::LIFECYCLE};
use domain::{Event, EventKind, NotSent};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which tags are sent, under which names.
pub(crate) const FIELDS: &[Field] = &[Field::new(
    "tags",
    FieldKind::Lines,
    "Tags under other names, one a line: `product_id=plan`; with nothing behind the `=` one is not sent.",
)
.of(Group::Events)];

/// What changes how a subscription stands.
pub(crate) const EVENTS: &[EventKind] = &renewing();

const fn is_once(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::NonSubscriptionPurchase | EventKind::NonSubscriptionPurchaseRefunded
    )
}

const fn renewing() -> [EventKind; LIFECYCLE.len() - 2] {
    let mut all = [EventKind::Test; LIFECYCLE.len() - 2];
    let (mut from, mut to) = (0, 0);
    while from < LIFECYCLE.len() {
        if !is_once(LIFECYCLE[from]) {
            all[to] = LIFECYCLE[from];
            to += 1;
        }
        from += 1;
    }
    all
}

/// Whether an event still says how things stand.
pub(crate) fn check_newest(event: &Event) -> Result<(), NotSent> {
    if event.late {
        return Err(NotSent::Historical);
    }
    Ok(())
}

/// Other names of tags; one that is empty is not sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Renamed(Vec<String>);

impl Renamed {
    /// The names that are said, by the tags that they are for.
    fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.0.iter();
        lines.map(|line| {
            let (tag, name) = line.split_once('=').unwrap_or((line, line));
            (tag.trim(), name.trim())
        })
    }

    /// Lines that are of no tag, or say nothing of one.
    pub(crate) fn problems(&self, known: &[&str]) -> Vec<Invalid> {
        let lines = self.0.iter();
        let wrong = lines.filter(|line| {
            let tag = line.split_once('=').map(|(tag, _)| tag.trim());
            tag.is_none_or(|tag| !known.contains(&tag))
        });
        wrong
            .map(|line| {
                let known = known.join(", ");
                let problem = format!("has {line:?}, which is not `tag=name` of one of {known}");
                Invalid::new("tags", problem)
            })
            .collect()
    }

    /// Tags under the names that they are sent under. Of two under one name the later stays.
    pub(crate) fn apply<T>(
        &self,
        tags: impl IntoIterator<Item = (&'static str, T)>,
    ) -> BTreeMap<String, T> {
        let renamed: BTreeMap<_, _> = self.names().collect();
        let named = tags.into_iter().filter_map(|(tag, value)| {
            let name = renamed.get(tag).copied().unwrap_or(tag);
            (!name.is_empty()).then(|| (name.to_owned(), value))
        });
        named.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_renamed_or_left_out() {
        let renamed = Renamed(vec!["product_id = plan".into(), "store=".into()]);
        let tags = [("product_id", 1), ("store", 2), ("environment", 3)];
        let named = renamed.apply(tags);
        let expected = [("environment".to_owned(), 3), ("plan".to_owned(), 1)];
        assert_eq!(named.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn lines_of_no_tag_are_told() {
        let lines = ["product_id=plan", "colour=red", "store"];
        let renamed = Renamed(lines.map(str::to_owned).to_vec());
        let problems = renamed.problems(&["product_id", "store"]);
        let said: Vec<_> = problems.iter().map(|one| one.problem.as_str()).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("has \"colour=red\"") && said[1].starts_with("has \"store\""));
    }
}
