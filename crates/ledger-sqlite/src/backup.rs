//! A copy of the file while a server writes to it.

use crate::{codec::failed, one_name::has_one_name};
use ledger::{LedgerError, Result};
use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};
use std::{fs, path::Path, thread, time::Duration};

/// How often a copy is begun again because the file was locked for a moment.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// Copies a ledger as it stands at one moment to a file that does not exist yet. Whoever writes to it meanwhile is not held up.
///
/// # Errors
///
/// When `to` exists, or either cannot be read or written; nothing is left of a copy that was begun.
pub fn backup(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        return Err(LedgerError::Refused(format!(
            "{} exists already",
            to.display()
        )));
    }
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = to.with_file_name(name);
    let unavailable = |error: std::io::Error| {
        LedgerError::Unavailable(format!("{} cannot be written: {error}", to.display()))
    };
    if part.exists() {
        fs::remove_file(&part).map_err(unavailable)?;
    }
    let copied = copy(from, &part).and_then(|()| fs::rename(&part, to).map_err(unavailable));
    if copied.is_err() && part.exists() {
        fs::remove_file(&part).map_err(unavailable)?;
    }
    copied
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    has_one_name(from)?;
    let source = Connection::open_with_flags(from, flags).map_err(failed)?;
    let mut target = Connection::open(to).map_err(failed)?;
    let backup = Backup::new(&source, &mut target).map_err(failed)?;
    for _ in 0..TRIES {
        // All pages in one step: between steps a writer would make it begin again.
        match backup.step(-1).map_err(failed)? {
            StepResult::Done => return Ok(()),
            _ => thread::sleep(PAUSE),
        }
    }
    Err(LedgerError::Unavailable(format!(
        "{} stayed locked",
        from.display()
    )))
}
