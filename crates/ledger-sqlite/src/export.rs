//! Everything, table by table, for another backend.

use crate::{codec::failed, one_name::has_one_name};
use ledger::{
    Result,
    codec::Stored,
    copy::{Cell, Kind, Name, Sum, Table},
};
use rusqlite::{
    Connection, OpenFlags,
    functions::FunctionFlags,
    types::{Value, ValueRef},
};
use serde::Deserialize;
use std::{fmt, path::Path};
use uuid::Uuid;

/// A file that is only read.
#[derive(Debug)]
pub struct Export {
    connection: Connection,
}

/// Where a table's rows come from: the columns of [`Table`] in order, the tables, and what rows are ordered by.
struct Origin {
    select: &'static str,
    from: &'static str,
    by: &'static [&'static str],
}

fn origin(table: &Table) -> Origin {
    let plain = |from, by| Origin {
        select: "",
        from,
        by,
    };
    match table.name {
        Name::Products => plain("products", &["project", "key"]),
        Name::Entitlements => plain("entitlements", &["project", "key"]),
        Name::Offerings => plain("offerings", &["project", "key"]),
        Name::Invitations => plain("invitations", &["digest"]),
        Name::Sessions => Origin {
            select: "digest, user, created_at, expires_at, agent",
            from: "sessions",
            by: &["digest"],
        },
        Name::SecondFactors => plain("second_factors", &["owner"]),
        Name::RecoveryCodes => plain("recovery_codes", &["owner", "digest"]),
        Name::AuditLog => plain("audit_log", &["position"]),
        Name::Marks => plain("marks", &["app", "name"]),
        Name::Outcomes => plain("outcomes", &["integration", "endpoint"]),
        Name::ExchangeRates => plain("exchange_rates", &["day", "currency"]),
        Name::Inbox => plain("inbox", &["rowid"]),
        Name::Aliases => plain("aliases", &["project", "app_user_id"]),
        Name::Chains => plain("chains", &["app", "environment", "id"]),
        Name::Purchases => Origin {
            select: "customer, app, environment, chain, store, project, unlocking, snapshot, coalesce(terms, '{}'), coalesce(formers, '[]'), check_at",
            from: "purchases",
            by: &["customer", "app", "environment", "chain"],
        },
        Name::Transactions => plain(
            "transactions",
            &["customer", "app", "environment", "chain", "id"],
        ),
        Name::Events => plain("events", &["position"]),
        Name::Feed => Origin {
            select: "position, id, customer, project, kind, app, environment, recorded_at",
            from: "events",
            by: &["position"],
        },
        Name::Tallies => Origin {
            select: "project, hour, environment, kind, 0, count, usd_micros",
            from: "tallies",
            by: &["project", "hour", "environment", "kind"],
        },
        Name::Deliveries => Origin {
            select: "d.customer, d.id, d.project, e.id, event_seq(e.body), d.integration, d.endpoint, d.message, d.status, d.attempts, d.round, d.accepted_at, d.due_at, d.turn, d.tried_at, d.reason, d.detail, d.position, d.trace",
            from: "deliveries d JOIN events e ON e.position = d.event",
            by: &["d.position"],
        },
        Name::Attempts => Origin {
            select: "d.customer, a.delivery, a.number, a.at, a.took_ms, a.status, a.reason, a.detail, a.response, a.request, a.headers",
            from: "attempts a JOIN deliveries d ON d.id = a.delivery",
            by: &["a.position"],
        },
        name => plain(name.text(), &["id"]),
    }
}

/// A value of a key, as it is kept between two steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Key(Vec<Value>);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, value) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(" ")?;
            }
            match value {
                Value::Integer(number) => write!(f, "n{number}")?,
                Value::Text(text) => write!(f, "t{}", hex(text.as_bytes()))?,
                Value::Blob(bytes) => write!(f, "b{}", hex(bytes))?,
                Value::Null | Value::Real(_) => f.write_str("0")?,
            }
        }
        Ok(())
    }
}

impl Key {
    /// Reads back what it is displayed as; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let part = |part: &str| match part.split_at_checked(1)? {
            ("n", number) => number.parse().ok().map(Value::Integer),
            ("t", digits) => String::from_utf8(unhex(digits)?).ok().map(Value::Text),
            ("b", digits) => unhex(digits).map(Value::Blob),
            _ => None,
        };
        text.split(' ').map(part).collect::<Option<_>>().map(Self)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect()
}

#[derive(Deserialize)]
struct Numbered {
    customer_seq: i64,
}

fn cell(of: &Stored<'_>, column: &str, value: ValueRef<'_>, kind: Kind) -> Result<Cell> {
    let unfit = || of.corrupt(column, format!("it holds {:?}", value.data_type()));
    Ok(match (value, kind) {
        (ValueRef::Null, _) => Cell::Null,
        (ValueRef::Blob(bytes), Kind::Id) => {
            Cell::Id(Uuid::from_slice(bytes).map_err(|error| of.corrupt(column, error))?)
        }
        (ValueRef::Integer(number), Kind::Number) => Cell::Number(number),
        (ValueRef::Integer(number), Kind::Flag) => Cell::Flag(number != 0),
        (ValueRef::Text(text), Kind::Text) => {
            Cell::Text(String::from_utf8(text.to_vec()).map_err(|error| of.corrupt(column, error))?)
        }
        (ValueRef::Blob(bytes), Kind::Bytes) => Cell::Bytes(bytes.to_vec()),
        _ => return Err(unfit()),
    })
}

impl Export {
    /// Opens a file, which is not changed.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        has_one_name(path)?;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        let seq = |context: &rusqlite::functions::Context<'_>| {
            let packed: Vec<u8> = context.get(0)?;
            let read = Stored::new("events", &"of a delivery").body::<Numbered>("body", &packed);
            read.map(|event| event.customer_seq)
                .map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error)))
        };
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection
            .create_scalar_function("event_seq", 1, flags, seq)
            .map_err(failed)?;
        Ok(Self { connection })
    }

    /// How many rows there are.
    pub fn count(&self, table: &Table) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM {}", origin(table).from);
        self.connection
            .query_row(&sql, [], |row| row.get(0))
            .map_err(failed)
    }

    /// Up to `limit` rows after a key, and the key of the last of them.
    pub fn rows(
        &self,
        table: &Table,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<(Vec<Vec<Cell>>, Option<Key>)> {
        let Origin { select, from, by } = origin(table);
        let columns = match select {
            "" => table
                .columns
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(", "),
            select => select.to_owned(),
        };
        let keys = by.join(", ");
        let condition = match after {
            None => String::new(),
            Some(key) => {
                let marks: Vec<_> = (1..=key.0.len())
                    .map(|number| format!("?{number}"))
                    .collect();
                format!("WHERE ({keys}) > ({})", marks.join(", "))
            }
        };
        let sql = format!(
            "SELECT {columns}, {keys} FROM {from} {condition} ORDER BY {keys} LIMIT {limit}"
        );
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed)?;
        let values = after.iter().flat_map(|key| &key.0);
        let mut found = statement
            .query(rusqlite::params_from_iter(values))
            .map_err(failed)?;
        let (mut rows, mut last) = (Vec::new(), None);
        while let Some(row) = found.next().map_err(failed)? {
            let first = table.columns.len();
            let key = (first..first + by.len()).map(|index| row.get(index));
            let key = Key(key.collect::<rusqlite::Result<_>>().map_err(failed)?);
            let of = Stored::new(table.name.text(), &key);
            let columns = table.columns.iter().enumerate();
            let cells = columns.map(|(index, (name, kind))| {
                cell(&of, name, row.get_ref(index).map_err(failed)?, *kind)
            });
            rows.push(cells.collect::<Result<Vec<_>>>()?);
            last = Some(key);
        }
        Ok((rows, last))
    }

    /// What a table adds up to.
    pub fn sum(&self, table: &Table) -> Result<Sum> {
        let (mut sum, mut after) = (Sum::default(), None);
        loop {
            let (rows, last) = self.rows(table, after.as_ref(), 5_000)?;
            if rows.is_empty() {
                return Ok(sum);
            }
            for row in &rows {
                sum.add(row);
            }
            after = last;
        }
    }

    /// The revision of the configuration.
    pub fn revision(&self) -> Result<u64> {
        crate::configuration::revision(&self.connection)
    }

    /// Which key took the place of a lost one.
    pub fn replaced_key(&self) -> Result<Option<u64>> {
        crate::settings::replaced_key(&self.connection)
    }
}
