//! What the program says to the person at the terminal; logs go elsewhere.

use std::{io::Write, process::ExitCode};

/// One line on standard output. A closed pipe is no reason to stop.
pub(crate) fn line(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{}", text.as_ref())
        .and_then(|()| out.flush())
        .is_err()
    {
        tracing::debug!("standard output is closed");
    }
}

/// An error with its causes, on standard error.
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    let causes: String = error
        .chain()
        .skip(1)
        .map(|cause| {
            format!(
                "
  because: {cause}"
            )
        })
        .collect();
    let text = format!("tidings: {error}{causes}");
    if writeln!(std::io::stderr(), "{text}").is_err() {
        tracing::debug!("standard error is closed");
    }
    ExitCode::FAILURE
}
