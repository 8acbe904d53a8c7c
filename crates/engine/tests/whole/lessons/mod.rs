//! Situations in which existing systems lose, double, reorder or misname events: those that an App Store and webhooks can
//! produce. Each has a name, and each is played through a whole engine.

mod endpoints;
mod stores;

const USER: &str = "7e3fb20b-4cdb-47cc-936d-99d65f608138";
