//! Reading what is written down.

use serde_json::Value;
use std::{fs, path::PathBuf};

/// What a file holds; `None` where there is none.
pub(crate) fn read(path: PathBuf) -> Option<Value> {
    let text = fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}
