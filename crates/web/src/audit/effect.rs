//! What routes do.

use super::Names;

/// What a route does, for the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// This, as it is read in the log (`resend delivery`), to that.
    Does(&'static str, Subject),
    /// Changes configuration: the commit writes an entry for each change, in one transaction with it.
    Configures,
    /// Changes nothing that is to be written down here; why.
    Nothing(&'static str),
}

/// To what a route does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// To nothing in particular.
    None,
    /// To what a name in its path stands for.
    Path(&'static str),
    /// To the same, whenever it is called.
    Always(&'static str),
    /// To whoever calls.
    Caller,
    /// Only the handler knows, and says so.
    Said,
}

impl Subject {
    /// In words, for a call with these names in its path.
    pub(super) fn named(self, names: &Names, who: &str) -> String {
        match self {
            Self::None | Self::Said => String::new(),
            Self::Path(name) => names.get(name).cloned().unwrap_or_default(),
            Self::Always(word) => word.to_owned(),
            Self::Caller => who.to_owned(),
        }
    }
}
