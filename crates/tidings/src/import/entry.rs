//! What a line of a file says of a customer, whoever wrote the file.

use domain::Store;

/// A line of a file, from 1, and what it says, or why it cannot be read.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) entry: Result<Entry, String>,
}

/// A customer, with what else the line knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) app_user_id: String,
    /// Other names of the same customer.
    pub(super) names: Vec<String>,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) purchase: Option<Bought>,
}

/// A purchase, by what its store knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bought {
    pub(super) shop: Shop,
    pub(super) token: String,
}

/// Where something was bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shop {
    /// In the app with this key.
    App(String),
    /// In the one app that the project has of a store.
    Of(Store),
}

impl Entry {
    /// The same customer without what was bought.
    pub(super) fn of(app_user_id: impl Into<String>) -> Self {
        Self {
            app_user_id: app_user_id.into(),
            ..Self::default()
        }
    }
}
