//! What the program says to the person at the terminal; logs go elsewhere.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

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

/// How far something is: on a terminal in place of what was said of it before, so that what stands above stays in sight.
pub(crate) fn progress(text: &str) {
    let mut out = std::io::stdout().lock();
    let said = if out.is_terminal() {
        write!(out, "\r{text}\x1b[K")
    } else {
        writeln!(out, "{text}")
    };
    if said.and_then(|()| out.flush()).is_err() {
        tracing::debug!("standard output is closed");
    }
}

/// Between one [`progress`] and the next: a file of them should stay short.
pub(crate) fn pause() -> Duration {
    Duration::from_secs(if std::io::stdout().is_terminal() {
        1
    } else {
        5
    })
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
