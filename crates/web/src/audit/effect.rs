//! What routes do.

use super::Names;
use crate::access::Caller;
use ledger::About;

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
    /// To a customer, whose name stands in its path.
    Customer(&'static str),
    /// Only the handler knows, and says so.
    Said,
    /// To a customer, and only the handler knows which.
    SaidCustomer,
}

impl Subject {
    /// What an entry is about, when this one does it.
    pub(super) fn about(self, caller: Option<&Caller>) -> About {
        match self {
            Self::None | Self::Path(_) | Self::Always(_) | Self::Caller | Self::Said => {
                About::Installation
            }
            Self::Customer(_) | Self::SaidCustomer => match caller {
                Some(caller) if caller.role.is_none() => About::CustomerByProgram,
                _ => About::Customer,
            },
        }
    }

    /// In words, for a call with these names in its path.
    pub(super) fn named(self, names: &Names, who: &str) -> String {
        match self {
            Self::None | Self::Said | Self::SaidCustomer => String::new(),
            Self::Path(name) | Self::Customer(name) => names.get(name).cloned().unwrap_or_default(),
            Self::Always(word) => word.to_owned(),
            Self::Caller => who.to_owned(),
        }
    }
}
