//! The real binary, end to end: as a stranger runs it, with real receivers, and with everything that can go wrong.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod accounts;
mod autopsy;
mod backups;
mod bad_input;
mod bounds;
mod browser;
mod chromium;
mod command_line;
mod crash;
mod deployment;
mod disk_full;
mod encrypted;
mod every_page;
mod halfway;
mod harm;
mod health;
mod journey;
mod lanes;
mod limits;
mod nats;
mod networks;
mod nodes;
mod pages;
mod receipts;
mod scenarios;
mod screenshots;
mod sdk;
mod server;
mod soak;
mod stores;
mod tenancy;
mod tested;
mod told;
mod traces;
mod trial;
