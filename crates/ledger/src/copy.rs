//! Moving everything from one backend to another: tables of plain cells, in the order in which they have to be written.
//!
//! The columns are those of the database of many nodes; the embedded one answers them from what it has.

use std::fmt;
use uuid::Uuid;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An id.
    Id,
    /// A number.
    Number,
    /// A truth.
    Flag,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// None.
    Null,
    /// An id.
    Id(Uuid),
    /// A number.
    Number(i64),
    /// A truth.
    Flag(bool),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A table, as it is written.
#[derive(Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [(&'static str, Kind)],
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

use Kind::{Bytes, Flag, Id, Number, Text};

const PLAIN: &[(&str, Kind)] = &[("id", Id), ("project", Id), ("key", Text), ("body", Text)];
const KEYED: &[(&str, Kind)] = &[("project", Id), ("key", Text), ("body", Text)];

/// Every table, what is referred to before what refers to it.
pub const TABLES: [Table; 26] = [
    Table {
        name: "projects",
        columns: &[("id", Id), ("key", Text), ("body", Text)],
    },
    Table {
        name: "apps",
        columns: PLAIN,
    },
    Table {
        name: "products",
        columns: KEYED,
    },
    Table {
        name: "entitlements",
        columns: KEYED,
    },
    Table {
        name: "integrations",
        columns: PLAIN,
    },
    Table {
        name: "api_keys",
        columns: &[
            ("id", Id),
            ("project", Id),
            ("digest", Text),
            ("body", Text),
        ],
    },
    Table {
        name: "users",
        columns: &[("id", Id), ("email", Text), ("body", Text)],
    },
    Table {
        name: "invitations",
        columns: &[("digest", Text), ("body", Text)],
    },
    Table {
        name: "sessions",
        columns: &[
            ("digest", Text),
            ("owner", Id),
            ("created_at", Number),
            ("expires_at", Number),
            ("agent", Text),
        ],
    },
    Table {
        name: "second_factors",
        columns: &[
            ("owner", Id),
            ("secret", Bytes),
            ("step", Number),
            ("made_at", Number),
        ],
    },
    Table {
        name: "recovery_codes",
        columns: &[("owner", Id), ("digest", Text)],
    },
    Table {
        name: "audit_log",
        columns: &[
            ("position", Number),
            ("at", Number),
            ("who", Text),
            ("what", Text),
            ("subject", Text),
            ("project", Id),
            ("before", Text),
            ("after", Text),
            ("about", Text),
        ],
    },
    Table {
        name: "marks",
        columns: &[("app", Id), ("name", Text), ("at", Number)],
    },
    Table {
        name: "exchange_rates",
        columns: &[("day", Text), ("currency", Text), ("micros", Number)],
    },
    Table {
        name: "replays",
        columns: &[
            ("id", Id),
            ("project", Id),
            ("running", Flag),
            ("body", Text),
        ],
    },
    Table {
        name: "inbox",
        columns: &[
            ("id", Id),
            ("project", Id),
            ("app", Id),
            ("source", Text),
            ("key", Text),
            ("title", Text),
            ("received_at", Number),
            ("body", Bytes),
            ("parked", Text),
            ("retry_at", Number),
            ("tries", Number),
            ("processed", Number),
        ],
    },
    Table {
        name: "customers",
        columns: &[
            ("id", Id),
            ("project", Id),
            ("version", Number),
            ("seq", Number),
            ("body", Text),
            ("merged_into", Id),
        ],
    },
    Table {
        name: "aliases",
        columns: &[("project", Id), ("app_user_id", Text), ("customer", Id)],
    },
    Table {
        name: "chains",
        columns: &[
            ("app", Id),
            ("environment", Text),
            ("id", Text),
            ("chain", Text),
            ("customer", Id),
        ],
    },
    Table {
        name: "purchases",
        columns: &[
            ("customer", Id),
            ("app", Id),
            ("environment", Text),
            ("chain", Text),
            ("store", Text),
            ("project", Id),
            ("unlocking", Flag),
            ("snapshot", Text),
            ("terms", Text),
            ("formers", Text),
            ("check_at", Number),
        ],
    },
    Table {
        name: "transactions",
        columns: &[
            ("customer", Id),
            ("app", Id),
            ("environment", Text),
            ("chain", Text),
            ("id", Text),
            ("body", Text),
        ],
    },
    Table {
        name: "events",
        columns: &[
            ("customer", Id),
            ("id", Id),
            ("project", Id),
            ("key", Text),
            ("kind", Text),
            ("recorded_at", Number),
            ("body", Bytes),
            ("not_sent", Text),
        ],
    },
    Table {
        name: "feed",
        columns: &[
            ("position", Number),
            ("event", Id),
            ("customer", Id),
            ("project", Id),
            ("kind", Text),
            ("app", Id),
            ("environment", Text),
            ("recorded_at", Number),
        ],
    },
    Table {
        name: "tallies",
        columns: &[
            ("project", Id),
            ("hour", Number),
            ("environment", Text),
            ("kind", Text),
            ("node", Number),
            ("count", Number),
            ("usd_micros", Number),
        ],
    },
    Table {
        name: "deliveries",
        columns: &[
            ("customer", Id),
            ("id", Id),
            ("project", Id),
            ("event", Id),
            ("seq", Number),
            ("integration", Id),
            ("endpoint", Text),
            ("message", Text),
            ("status", Number),
            ("attempts", Number),
            ("round", Number),
            ("accepted_at", Number),
            ("due_at", Number),
            ("turn", Number),
            ("tried_at", Number),
            ("reason", Text),
            ("detail", Text),
            ("position", Number),
            ("trace", Text),
        ],
    },
    Table {
        name: "attempts",
        columns: &[
            ("customer", Id),
            ("delivery", Id),
            ("number", Number),
            ("at", Number),
            ("took_ms", Number),
            ("status", Number),
            ("reason", Text),
            ("detail", Text),
            ("response", Bytes),
            ("request", Bytes),
            ("headers", Text),
        ],
    },
];

/// How many rows a table has, and what they add up to, in whatever order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// Rows.
    pub rows: u64,
    /// Their digests, added.
    pub digest: u128,
}

impl Sum {
    /// Adds a row.
    pub fn add(&mut self, row: &[Cell]) {
        let mut bytes = Vec::with_capacity(256);
        for cell in row {
            let (tag, content): (u8, &[u8]) = match cell {
                Cell::Null => (0, &[]),
                Cell::Id(id) => (1, id.as_bytes()),
                Cell::Number(number) => (2, &number.to_be_bytes()),
                Cell::Flag(flag) => (3, &[u8::from(*flag)]),
                Cell::Text(text) => (4, text.as_bytes()),
                Cell::Bytes(content) => (5, content),
            };
            bytes.push(tag);
            bytes.extend((content.len() as u64).to_be_bytes());
            bytes.extend(content);
        }
        self.rows += 1;
        let digest = Uuid::new_v5(&Uuid::nil(), &bytes).as_u128();
        self.digest = self.digest.wrapping_add(digest);
    }
}
