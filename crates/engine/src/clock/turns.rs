//! Apps by turns: what one has many of keeps nothing of another waiting. A value.
//!
//! Work is taken up in steps. In each, the oldest of all that is due is asked for, then the oldest of those apps of which nothing was among that, and so on, up to
//! a bound; apps that had their turn in a step that met it are left out of the next.

use super::AT_ONCE;
use domain::AppId;
use std::collections::BTreeSet;

/// Rows taken up in one step, after which no more are asked for.
const MOST: usize = 1_000;

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Those of which nothing can be done.
    never: BTreeSet<AppId>,
    /// Those that had theirs.
    had: BTreeSet<AppId>,
    /// Rows of this step.
    taken: usize,
    is_over: bool,
}

impl Turns {
    /// Turns of all but these.
    pub(super) fn without(never: impl IntoIterator<Item = AppId>) -> Self {
        Self {
            never: never.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Whom to leave out when the oldest [`AT_ONCE`] rows are asked for next; `None` once this step has all it takes, and begins another.
    pub(super) fn except(&mut self) -> Option<Vec<AppId>> {
        if self.is_over || self.taken >= MOST {
            (self.taken, self.is_over) = (0, false);
            return None;
        }
        Some(self.never.union(&self.had).copied().collect())
    }

    /// These were due: the app of each row.
    pub(super) fn note(&mut self, apps: impl ExactSizeIterator<Item = AppId>) {
        let is_last = apps.len() < AT_ONCE;
        let were_left_out = !self.had.is_empty();
        self.taken += apps.len();
        self.had.extend(apps);
        if is_last {
            self.had.clear();
            // Where there is nothing of others, those come that had their turn.
            self.is_over = self.taken > 0 || !were_left_out;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use uuid::Uuid;

    fn app(number: u128) -> AppId {
        AppId::new(Uuid::from_u128(number))
    }

    /// Takes up all of a backlog, oldest first, in steps. Answers what each took of whom, and how often it asked.
    fn steps(mut backlog: Vec<AppId>, turns: &mut Turns) -> Vec<(BTreeMap<AppId, usize>, usize)> {
        let mut steps = Vec::new();
        loop {
            let (mut of, mut asked) = (BTreeMap::new(), 0);
            let mut left = backlog.clone();
            while let Some(except) = turns.except() {
                asked += 1;
                let due = left.iter().filter(|app| !except.contains(app));
                let due: Vec<AppId> = due.take(AT_ONCE).copied().collect();
                for app in &due {
                    let first = left.iter().position(|other| other == app);
                    left.remove(first.expect("it was due"));
                    *of.entry(*app).or_default() += 1;
                }
                turns.note(due.into_iter());
            }
            if of.is_empty() {
                return steps;
            }
            backlog = left;
            steps.push((of, asked));
        }
    }

    #[test]
    fn ten_thousand_of_one_app_keep_nothing_of_another_waiting() {
        let mut backlog = vec![app(1); 10_000];
        backlog.extend((2..=30).map(app));
        let steps = steps(backlog, &mut Turns::default());
        assert_eq!(steps.len(), 50);
        assert!((2..=30).all(|number| steps[0].0[&app(number)] == 1));
        assert!(
            steps
                .iter()
                .all(|(of, asked)| of[&app(1)] == AT_ONCE && *asked <= 2)
        );
    }

    #[test]
    fn of_many_that_have_many_each_has_its_turn_and_no_step_takes_all() {
        let mut backlog = Vec::new();
        for number in 1..=12 {
            backlog.extend(vec![app(number); 1_000]);
        }
        let steps = steps(backlog, &mut Turns::default());
        let of_step = |step: usize| steps[step].0.keys().copied().collect::<Vec<_>>();
        let all = |numbers: std::ops::RangeInclusive<u128>| numbers.map(app).collect::<Vec<_>>();
        assert_eq!(of_step(0), all(1..=5));
        assert_eq!(of_step(1), all(6..=10));
        assert_eq!(of_step(2), all(11..=12));
        assert!(
            steps
                .iter()
                .all(|(of, _)| of.values().sum::<usize>() <= MOST)
        );
        let taken: usize = steps.iter().flat_map(|(of, _)| of.values()).sum();
        assert_eq!(taken, 12_000);
    }

    #[test]
    fn those_of_which_nothing_can_be_done_are_passed_over() {
        let mut backlog = vec![app(1); 10_000];
        backlog.push(app(2));
        let steps = steps(backlog, &mut Turns::without([app(1)]));
        assert_eq!(steps, [(BTreeMap::from([(app(2), 1)]), 1)]);
    }
}
