//! What is parted of a batch that was refused as a whole. A value.
//!
//! **How.** Each half goes alone, and all halves before any quarter, so that what is learned is of the whole: one that is refused among thousands is found
//! with some thirty requests. [`MOST`] are made so in an attempt. What was not reached then is put off, and goes in the parts that it is in by then, each in
//! an attempt of its own, which its lane's pace admits. Where nothing at all was accepted, [`ALONE`] more go, one message each from all over the rest: if
//! those are refused too, it is not one of them that is meant, and the rest is refused as they were.

use std::collections::VecDeque;

/// Requests that an attempt makes beyond the first to find what is meant: enough for one among ten thousand.
const MOST: usize = 32;
/// Messages that go alone before the rest is given up.
const ALONE: usize = 8;

/// What goes in one request, and how it was refused when it went with more.
pub(super) struct Part<M, R> {
    pub(super) members: Vec<M>,
    pub(super) refused: Option<R>,
}

/// What waits to go, and what is known of what went.
pub(super) struct Parting<M, R> {
    waiting: VecDeque<Part<M, R>>,
    asked: usize,
    /// Whether anything else was heard than that all is refused.
    is_unclear: bool,
}

impl<M, R: Clone> Parting<M, R> {
    /// These go, each in a request.
    pub(super) fn of(all: impl IntoIterator<Item = Vec<M>>) -> Self {
        let waiting = all.into_iter().map(|members| Part {
            members,
            refused: None,
        });
        Self {
            waiting: waiting.collect(),
            asked: 0,
            is_unclear: false,
        }
    }

    /// What goes next.
    pub(super) fn next(&mut self) -> Option<Part<M, R>> {
        let may_go = |part: &Part<M, R>| part.refused.is_none() || self.asked < MOST;
        let at = self.waiting.iter().position(may_go)?;
        let part = self.waiting.remove(at)?;
        self.asked += usize::from(part.refused.is_some());
        Some(part)
    }

    /// It is too long for a request: its halves go first of all.
    pub(super) fn halve(&mut self, part: Part<M, R>) {
        let (first, second) = halves(part.members);
        for members in [second, first] {
            let refused = part.refused.clone();
            self.waiting.push_front(Part { members, refused });
        }
    }

    /// It was refused as a whole: its halves go when all of this size have gone.
    pub(super) fn refused(&mut self, members: Vec<M>, refusal: &R) {
        let (first, second) = halves(members);
        for members in [first, second] {
            let refused = Some(refusal.clone());
            self.waiting.push_back(Part { members, refused });
        }
    }

    /// It is kept for later, and so is all that is left then.
    pub(super) fn leave(&mut self, part: Part<M, R>) {
        self.waiting.push_front(part);
        self.asked = MOST;
        self.is_unclear = true;
    }

    /// Something else was heard than that all is refused.
    pub(super) const fn is_heard(&mut self) {
        self.is_unclear = true;
    }

    /// Some of what is left, from all over it, each to go alone.
    pub(super) fn alone(&mut self) -> Vec<Part<M, R>> {
        if self.is_unclear {
            return Vec::new();
        }
        let apart = self.waiting.len().div_ceil(ALONE).max(1);
        let mut alone = Vec::new();
        for part in self.waiting.iter_mut().step_by(apart) {
            alone.extend(part.members.pop().map(|member| Part {
                members: vec![member],
                refused: part.refused.clone(),
            }));
        }
        self.waiting.retain(|part| !part.members.is_empty());
        alone
    }

    /// What is left, and whether it is refused like all that went: else it is put off.
    pub(super) fn left(self) -> (Vec<Part<M, R>>, bool) {
        (self.waiting.into(), !self.is_unclear)
    }
}

fn halves<M>(mut members: Vec<M>) -> (Vec<M>, Vec<M>) {
    let second = members.split_off(members.len() / 2);
    (members, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends so many of which some are refused, and a request with them. Answers how many requests were made, and what became of each.
    fn sent(many: usize, is_bad: impl Fn(usize) -> bool) -> (usize, Vec<&'static str>) {
        let mut became = vec!["?"; many];
        let mut parting = Parting::of([(0..many).collect()]);
        let mut requests = 0;
        let mut go = |parting: &mut Parting<usize, ()>, members: Vec<usize>| {
            requests += 1;
            let is_refused = members.iter().any(|member| is_bad(*member));
            if is_refused && members.len() > 1 {
                return parting.refused(members, &());
            }
            for member in members {
                became[member] = if is_refused { "refused" } else { "accepted" };
            }
            if !is_refused {
                parting.is_heard();
            }
        };
        while let Some(part) = parting.next() {
            go(&mut parting, part.members);
        }
        for part in parting.alone() {
            go(&mut parting, part.members);
        }
        let (left, are_refused) = parting.left();
        for member in left.into_iter().flat_map(|part| part.members) {
            became[member] = if are_refused { "refused" } else { "put off" };
        }
        (requests, became)
    }

    fn count(became: &[&str], what: &str) -> usize {
        became.iter().filter(|one| **one == what).count()
    }

    #[test]
    fn one_among_ten_thousand_is_found_in_one_attempt() {
        let (requests, became) = sent(10_000, |member| member == 4_711);
        assert!(requests <= 1 + MOST, "{requests}");
        assert_eq!(became[4_711], "refused");
        assert_eq!(count(&became, "accepted"), 9_999);
    }

    #[test]
    fn all_of_them_are_given_up_after_some_requests() {
        for many in [2, 3, 64, 10_000] {
            let (requests, became) = sent(many, |_| true);
            assert!(requests <= 1 + MOST + ALONE, "{requests}");
            assert_eq!(count(&became, "refused"), many);
        }
    }

    #[test]
    fn what_may_be_good_is_put_off_and_never_refused_for_others() {
        // In each of the parts that are tried is one that is refused.
        for apart in [3, 40, 200] {
            let (requests, became) = sent(10_000, |member| member % apart == 0);
            assert!(requests <= 1 + MOST + ALONE, "{requests}");
            assert!(count(&became, "put off") > 0);
            for (member, became) in became.iter().enumerate() {
                let is_refused = *became == "refused";
                assert!(!is_refused || member % apart == 0, "{member}");
            }
        }
    }
}
