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

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say what they hold")]
pub enum Name {
    Projects,
    Apps,
    Products,
    Entitlements,
    Offerings,
    Integrations,
    Outcomes,
    ApiKeys,
    Users,
    Invitations,
    Sessions,
    SecondFactors,
    RecoveryCodes,
    AuditLog,
    Marks,
    ExchangeRates,
    Replays,
    Inbox,
    Customers,
    Aliases,
    Chains,
    Purchases,
    Transactions,
    Events,
    Feed,
    Tallies,
    Deliveries,
    Attempts,
}

impl Name {
    /// As SQL has it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Projects => "projects",
            Self::Apps => "apps",
            Self::Products => "products",
            Self::Entitlements => "entitlements",
            Self::Offerings => "offerings",
            Self::Integrations => "integrations",
            Self::Outcomes => "outcomes",
            Self::ApiKeys => "api_keys",
            Self::Users => "users",
            Self::Invitations => "invitations",
            Self::Sessions => "sessions",
            Self::SecondFactors => "second_factors",
            Self::RecoveryCodes => "recovery_codes",
            Self::AuditLog => "audit_log",
            Self::Marks => "marks",
            Self::ExchangeRates => "exchange_rates",
            Self::Replays => "replays",
            Self::Inbox => "inbox",
            Self::Customers => "customers",
            Self::Aliases => "aliases",
            Self::Chains => "chains",
            Self::Purchases => "purchases",
            Self::Transactions => "transactions",
            Self::Events => "events",
            Self::Feed => "feed",
            Self::Tallies => "tallies",
            Self::Deliveries => "deliveries",
            Self::Attempts => "attempts",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

/// A table, as it is written.
#[derive(Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: Name,
    /// Its columns.
    pub columns: &'static [(&'static str, Kind)],
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.text())
    }
}

use Kind::{Bytes, Flag, Id, Number, Text};

const PLAIN: &[(&str, Kind)] = &[("id", Id), ("project", Id), ("key", Text), ("body", Text)];
const KEYED: &[(&str, Kind)] = &[("project", Id), ("key", Text), ("body", Text)];

/// Every table, what is referred to before what refers to it.
pub const TABLES: [Table; 28] = [
    Table {
        name: Name::Projects,
        columns: &[("id", Id), ("key", Text), ("body", Text)],
    },
    Table {
        name: Name::Apps,
        columns: PLAIN,
    },
    Table {
        name: Name::Products,
        columns: KEYED,
    },
    Table {
        name: Name::Entitlements,
        columns: KEYED,
    },
    Table {
        name: Name::Offerings,
        columns: KEYED,
    },
    Table {
        name: Name::Integrations,
        columns: PLAIN,
    },
    Table {
        name: Name::Outcomes,
        columns: &[
            ("integration", Id),
            ("endpoint", Text),
            ("heard_at", Number),
            ("body", Text),
        ],
    },
    Table {
        name: Name::ApiKeys,
        columns: &[
            ("id", Id),
            ("project", Id),
            ("digest", Text),
            ("body", Text),
        ],
    },
    Table {
        name: Name::Users,
        columns: &[("id", Id), ("email", Text), ("body", Text)],
    },
    Table {
        name: Name::Invitations,
        columns: &[("digest", Text), ("body", Text)],
    },
    Table {
        name: Name::Sessions,
        columns: &[
            ("digest", Text),
            ("owner", Id),
            ("created_at", Number),
            ("expires_at", Number),
            ("agent", Text),
        ],
    },
    Table {
        name: Name::SecondFactors,
        columns: &[
            ("owner", Id),
            ("secret", Bytes),
            ("step", Number),
            ("made_at", Number),
        ],
    },
    Table {
        name: Name::RecoveryCodes,
        columns: &[("owner", Id), ("digest", Text)],
    },
    Table {
        name: Name::AuditLog,
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
        name: Name::Marks,
        columns: &[("app", Id), ("name", Text), ("at", Number)],
    },
    Table {
        name: Name::ExchangeRates,
        columns: &[("day", Text), ("currency", Text), ("micros", Number)],
    },
    Table {
        name: Name::Replays,
        columns: &[
            ("id", Id),
            ("project", Id),
            ("running", Flag),
            ("body", Text),
        ],
    },
    Table {
        name: Name::Inbox,
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
        name: Name::Customers,
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
        name: Name::Aliases,
        columns: &[("project", Id), ("app_user_id", Text), ("customer", Id)],
    },
    Table {
        name: Name::Chains,
        columns: &[
            ("app", Id),
            ("environment", Text),
            ("id", Text),
            ("chain", Text),
            ("customer", Id),
        ],
    },
    Table {
        name: Name::Purchases,
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
        name: Name::Transactions,
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
        name: Name::Events,
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
        name: Name::Feed,
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
        name: Name::Tallies,
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
        name: Name::Deliveries,
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
        name: Name::Attempts,
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
