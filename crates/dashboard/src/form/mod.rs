//! Forms, of two kinds.
//!
//! **Settings** are described: a [`Field`] per setting, which is shown ([`Shown`]), read from what was [`Sent`], saved, and shown
//! again where something is wrong ([`Submitted`]). Whatever is configured goes through [`configuration::plan`], pages included: a form only turns
//! fields into the JSON that the API takes. Secrets are written and never shown: an empty field keeps what is stored.
//!
//! **Every other form** is a struct of its own, read by [`Form`]: it says which fields there are, and any other is refused.
//!
//! A form whose repetition does harm carries the id of the page that showed it ([`FormId`]): pressed twice, it is done once.
//!
//! What is wrong stands beside the field it is about ([`Placed`]); a form of settings is long, so its page begins with all of it ([`Wrong`]).

mod field;
mod form_id;
mod given;
mod plain;
mod problems;
#[cfg(test)]
mod samples;
mod sent;
mod shown;
mod submitted;
mod unknown;

pub(crate) use field::{Field, Kind, Told};
pub(crate) use form_id::FormId;
pub(crate) use plain::{Form, Ticked, Trimmed, asked, given, parsed};
pub(crate) use problems::{Placed, wrong};
pub(crate) use sent::Sent;
pub(crate) use shown::Grouped;
pub(crate) use submitted::{Described, Draft, MadeFor, Part, Saved, Submitted, Wrong, save};
