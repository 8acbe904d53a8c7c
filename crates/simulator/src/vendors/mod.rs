//! Vendors: each answers as its own documents say, and sees whether it was asked as they say.
//!
//! One listener plays all of them. The first segment of the path is the key of a destination, so that its `endpoint` is
//! `http://127.0.0.1:PORT/KEY`; what follows is the vendor's own path. How each is asked and what it answers is data, `vendors.json`: taken
//! from the vendors' documents, as read in 2026-11, where they say, and from what is common among them where they do not; not from what
//! destinations expect. A vendor whose documents say nothing of a mode does not
//! have it, and answers as if it accepted: who does not check keys accepts a wrong one.
//!
//! Whoever has no hold of the [`Vendors`] asks over HTTP: `GET /_vendors` tells how each behaves and what it was sent last, `PUT
//! /_vendors/KEY` with `{"mode":"throttled"}` changes it.

mod answers;
mod asked;
mod desk;
mod running;
mod server;

pub use answers::Mode;
pub use desk::Seen;
pub use running::Vendors;
