//! What becomes of each commit of a batch, as far as it is known while that is written.

use crate::batch::Stop;
use ledger::{Committed, codec::Prepared};

/// What becomes of each commit of a batch.
pub(super) struct Verdicts<'a> {
    pub(super) works: &'a [Prepared],
    pub(super) stopped: Vec<Option<Committed>>,
}

impl<'a> Verdicts<'a> {
    /// Those that are still to be written.
    pub(super) fn going(&self) -> impl Iterator<Item = (usize, &'a Prepared)> {
        let stopped: Vec<bool> = self.stopped.iter().map(Option::is_some).collect();
        let works = self.works.iter().enumerate();
        works.filter(move |(number, _)| !stopped[*number])
    }

    /// Ends one that has written something already: alone it is undone and answered, among others all are done apart.
    pub(super) fn undo(&self, verdict: Committed) -> Result<Committed, Stop> {
        if self.works.len() == 1 {
            Ok(verdict)
        } else {
            Err(Stop::Apart)
        }
    }
}
