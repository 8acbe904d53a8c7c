//! Every store and every customer through a whole engine.

mod apple;
mod google;
mod outage;
mod people;
mod stated;
mod stripe;
