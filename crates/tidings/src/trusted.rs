//! Whom this installation trusts beside those that its system does.

use anyhow::{Context, Result};
use clap::Args;
use engine::Authorities;
use std::path::PathBuf;

/// Certificate authorities of one's own.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Trusted {
    /// A file of certificate authorities, in PEM, that stores and destinations may be certified by, beside those that the system trusts.
    #[arg(long, env = "TIDINGS_CA_FILE")]
    ca_file: Option<PathBuf>,
}

impl Trusted {
    /// What the file holds.
    pub(crate) fn read(&self) -> Result<Authorities> {
        let Some(path) = &self.ca_file else {
            return Ok(Authorities::default());
        };
        let name = || format!("--ca-file {}", path.display());
        let text = std::fs::read_to_string(path).with_context(name)?;
        Authorities::read(&text).with_context(name)
    }
}
