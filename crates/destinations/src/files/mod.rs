//! Files: which shape they have, how they are called, and when one is full. What is the same wherever they are kept.
//!
//! One file holds the rows of a batch. It is called `<prefix>/v1/date=2026-11-20/hour=09/<batch>.jsonl.gz`: date and hour, in UTC, are those at which
//! its first event was recorded, so that what was read once has no files added later, but those of an hour that is not over. The batch is called
//! by the id of its first event and, of more, by a digest of all their ids: the same events make the same file, and a repetition overwrites it. A
//! file is never overwritten by one that holds less, be it of a replay. Where the same event is in two files, as after an answer that was lost,
//! go by the column `id`. `v1` is the edition of the columns, to which others may be added.

mod filing;
mod format;
mod store;

pub(crate) use filing::{FIELDS, File};
pub(crate) use format::lines;
pub(crate) use store::{Store, configure};
