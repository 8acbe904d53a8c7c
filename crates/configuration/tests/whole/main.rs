//! Documents, planned and applied one after the other.
#![expect(clippy::unwrap_used, reason = "tests")]

mod given;
mod names;
mod project;
mod reference;
mod secrets;
