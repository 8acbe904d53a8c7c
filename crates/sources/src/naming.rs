//! Names of the lines of a purchase, where a store tells its items as a list that changes over time.
//!
//! An item that takes the place of the unnamed line goes on under it: a change of plan. Every other item is a line of its own under
//! its own name, so that what is seen of a purchase late is called as it was when it was seen whole.

use std::collections::{BTreeMap, BTreeSet};

/// The names given so far.
#[derive(Debug, Default)]
pub(crate) struct Naming {
    names: BTreeMap<String, String>,
    /// What each was called on an occasion, by that and the item: one that lost the unnamed line and joins again later is another line then.
    then: BTreeMap<(String, String), String>,
    present: BTreeSet<String>,
}

impl Naming {
    /// The purchase has these items next, as is shown on that occasion. Of several that are new and of which one goes on under the unnamed
    /// line, the first does.
    pub(crate) fn step<'a>(&mut self, occasion: &str, items: impl IntoIterator<Item = &'a str>) {
        let items: Vec<&str> = items.into_iter().collect();
        let was_there = |item: &str| self.present.contains(item);
        let has_place = |item: &str| self.names.get(item).is_some_and(String::is_empty);
        // Of several that have had the place, the one that was there a moment ago.
        let mut holder = items
            .iter()
            .copied()
            .filter(|item| has_place(item))
            .max_by_key(|item| was_there(item));
        let was_held = self.present.iter().any(|item| has_place(item));
        if holder.is_none() && (self.present.is_empty() || was_held) {
            holder = items.iter().copied().find(|item| !was_there(item));
        }
        for item in &items {
            if holder == Some(item) {
                self.names.insert((*item).to_owned(), String::new());
            } else if is_nameless(&self.names, item) {
                self.names.insert((*item).to_owned(), (*item).to_owned());
            }
        }
        for item in &items {
            let of_item = (occasion.to_owned(), (*item).to_owned());
            self.then.insert(of_item, self.name(item));
        }
        self.present = items.into_iter().map(str::to_owned).collect();
    }

    /// The name of an item's line on an occasion.
    pub(crate) fn name_then(&self, occasion: &str, item: &str) -> String {
        let then = self.then.get(&(occasion.to_owned(), item.to_owned()));
        then.cloned().unwrap_or_else(|| self.name(item))
    }

    /// Every name that there was.
    pub(crate) fn all(&self) -> impl Iterator<Item = &String> {
        self.names.values().chain(self.then.values())
    }

    /// The name of an item's line.
    pub(crate) fn name(&self, item: &str) -> String {
        self.names
            .get(item)
            .cloned()
            .unwrap_or_else(|| item.to_owned())
    }
}

/// Whether an item has no name yet, or that of the unnamed line.
fn is_nameless(names: &BTreeMap<String, String>, item: &str) -> bool {
    names.get(item).is_none_or(String::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of `items` after the steps.
    fn check(steps: &[&[&str]], expected: &[(&str, &str)]) {
        let mut naming = Naming::default();
        for step in steps {
            naming.step("", step.iter().copied());
        }
        for (item, name) in expected {
            assert_eq!(naming.name(item), *name, "{item} after {steps:?}");
        }
    }

    #[test]
    fn one_item_has_no_name_and_further_ones_have_their_own() {
        check(&[&["base"]], &[("base", "")]);
        check(
            &[&["base"], &["addon", "base"]],
            &[("base", ""), ("addon", "addon")],
        );
        check(
            &[&["addon", "base"], &["base"]],
            &[("addon", ""), ("base", "base")],
        );
    }

    #[test]
    fn what_takes_the_place_of_the_unnamed_line_goes_on_under_it() {
        check(&[&["gold"], &["silver"]], &[("gold", ""), ("silver", "")]);
        check(
            &[&["gold", "hd"], &["hd", "silver"]],
            &[("silver", ""), ("hd", "hd")],
        );
        check(
            &[&["gold"], &["silver"], &["gold"]],
            &[("gold", ""), ("silver", "")],
        );
    }

    #[test]
    fn one_that_comes_back_beside_what_took_its_place_is_a_further_line_from_then_on() {
        let mut naming = Naming::default();
        let steps: [&[&str]; 3] = [&["gold"], &["silver"], &["gold", "silver"]];
        for (index, step) in steps.into_iter().enumerate() {
            naming.step(&index.to_string(), step.iter().copied());
        }
        let names = |occasion| ["gold", "silver"].map(|item| naming.name_then(occasion, item));
        assert_eq!(names("0")[0], "");
        assert_eq!(names("1")[1], "");
        assert_eq!(names("2"), ["gold", ""]);
    }

    #[test]
    fn a_further_line_does_not_become_the_unnamed_one() {
        let steps: [&[&str]; 3] = [&["a", "hd"], &["hd"], &["hd", "new"]];
        check(&steps, &[("hd", "hd"), ("new", "new")]);
    }
}
