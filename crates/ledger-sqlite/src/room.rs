//! Whether writes go through: what failed is remembered until there is room again.
//!
//! A full disk takes small writes for a while, because the log is written over from its beginning. So a small one that goes through says nothing
//! about room once a larger one failed for want of it.

use ledger::{LedgerError, Result};
use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// As much as is written at once, but for the largest messages.
const AT_ONCE: usize = 1 << 20;

/// Whether a write failed since it was last found out that they go through.
#[derive(Debug, Clone, Default)]
pub(crate) struct Failed(Arc<AtomicBool>);

impl Failed {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Takes note of what came of a write.
    pub(crate) fn note<T>(&self, written: &Result<T>) {
        if matches!(written, Err(LedgerError::Unavailable(_))) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    /// Forgets it, to find out anew; whether there was anything to forget.
    pub(crate) fn forget(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

/// Writes a file beside the database, as large as what is written at once, and removes it.
///
/// Errors: there is no room for it.
pub(crate) fn prove(database: &Path) -> Result<()> {
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push("-room");
    let beside = database.with_file_name(name);
    let written = fill(&beside);
    let removed = std::fs::remove_file(&beside);
    written
        .and(removed)
        .map_err(|error| LedgerError::Unavailable(format!("{}: {error}", beside.display())))
}

fn fill(path: &Path) -> std::io::Result<()> {
    // No two words are the same: some file systems keep no room for what repeats. The step is SplitMix64's.
    let words = (1..=AT_ONCE as u64 / 8).map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    let mut file = File::create(path)?;
    file.write_all(&bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_proved_by_what_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("tidings.db");
        prove(&database).unwrap();
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
        let nowhere = directory.path().join("none/tidings.db");
        let refused = prove(&nowhere).unwrap_err();
        assert!(
            matches!(refused, LedgerError::Unavailable(_)),
            "{refused:?}"
        );
    }
}
