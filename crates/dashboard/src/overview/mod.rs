//! How a project goes: events by the hour, money by the day, what runs, and who is heard and reached.

mod chart;
pub(crate) mod counted;
mod lines;
mod page;

pub(crate) use page::routes;
