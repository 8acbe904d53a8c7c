//! How a project goes: events by the hour, money by the day, what runs, and who is heard and reached.

mod chart;
mod counted;
mod lines;
mod page;

pub(crate) use counted::Counted;
pub(crate) use page::routes;
