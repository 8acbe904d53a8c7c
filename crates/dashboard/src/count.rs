//! How many there are of something, as pages list it.

/// How many there are of something.
pub(crate) struct Count {
    pub(crate) what: &'static str,
    pub(crate) number: u64,
}
