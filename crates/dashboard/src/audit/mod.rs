//! The log of what was done: who, what, and what it was before and after.

mod page;

pub(crate) use page::routes;
