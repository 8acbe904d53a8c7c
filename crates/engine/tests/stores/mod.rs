//! Every store and every customer through a whole engine.

mod apple;
mod buyers;
mod claims;
mod crowd;
mod customers;
mod dialect;
mod google;
mod late;
mod lines;
mod outage;
mod quiet;
mod refunds;
mod requests;
mod shared;
mod stated;
mod stripe;
mod stripe_papers;
mod stripe_parts;
mod terms;
