//! Lives whose truth is written down while they are lived, and what a listener should have made of them.
//!
//! **How it works.** A [`Life`] is a list of [`Deed`]s. [`Life::live`] walks through them: what each comes to is told in plain
//! words ([`Told`]), and the store it happens in makes its own of it: the objects its API shows from then on, and the messages
//! it sends. From the plain words, and from nothing else, follows what should have been heard ([`Expected`]) and who had
//! access at any instant ([`History::has_access`]).
//!
//! **What it does not do.** Nothing here knows how Tidings derives events: the rules of `expect` are written from the stores'
//! documents and `docs/lifecycle.md`, apart from the crate that implements them, which no file here may import (a test looks).
//!
//! A deed that cannot be done where the life stands is left out, so any part of a life is a life: that is how
//! [`shrink`](Life::smaller) finds the smallest one that shows a difference.

mod act;
mod apple;
mod deed;
mod door;
mod draw;
mod expect;
mod habits;
mod info;
mod life;
mod live;
mod maker;
mod names;
mod play;
mod purse;
mod shrink;
mod stated;
mod stripe;
mod told;
mod walk;

pub use act::{Act, Change, Receipt, Said, Word};
pub use deed::{Deed, PlayDeed, StripeDeed};
pub use door::Level;
pub use draw::Kinds;
pub use expect::{Expected, First, Lasting, When};
pub use info::Info;
pub use life::{Beginning, Form, Life, Market};
pub use live::Lived;
pub use purse::{Purse, Worth, rates};
pub use told::{Charge, Happened, History, How, Told, Why};
