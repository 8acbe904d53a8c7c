//! A database is a file of one name.

use ledger::{LedgerError, Result};
use std::{io::ErrorKind, os::unix::fs::MetadataExt, path::Path};

/// Errors: the file has several names. Its log is found by its name, so two programs that open it under different ones write over each other, and
/// a second server would not be seen. Source: `SQLite`, "How To Corrupt An SQLite Database File", 2.5.
pub(crate) fn has_one_name(path: &Path) -> Result<()> {
    let links = match path.metadata() {
        Ok(file) => file.nlink(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let path = path.display();
            return Err(LedgerError::Unavailable(format!("{path}: {error}")));
        }
    };
    if links > 1 {
        let path = path.display();
        return Err(LedgerError::Refused(format!(
            "{path} has {links} names (hard links), and is written over by whoever opens it under another; remove the others, which `find -samefile \
             {path}` finds"
        )));
    }
    Ok(())
}
