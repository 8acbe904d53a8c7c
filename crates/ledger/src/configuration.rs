//! Configuration as rows: one for each thing, its content as JSON. What backends store and read of it is said here once.

use crate::{
    Configuration, ConfigurationChange as Change, LedgerError, Result, User, UserPart,
    codec::{Stored, to_json},
};
use domain::ProjectId;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A table of configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Projects.
    Projects,
    /// Their apps.
    Apps,
    /// What is sold in them.
    Products,
    /// What that unlocks.
    Entitlements,
    /// What is shown to be sold together.
    Offerings,
    /// Destinations configured in a project.
    Integrations,
    /// API keys.
    ApiKeys,
    /// Members.
    Users,
    /// Who is to become one.
    Invitations,
}

/// A column beside `body`, which every table has: its name, and what of a row stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// `id`: [`Row::id`].
    Id,
    /// `project`: [`Row::project`].
    Project,
    /// Of this name: [`Row::name`].
    Name(&'static str),
}

use Column::{Id, Name, Project};

impl Column {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Id => "id",
            Project => "project",
            Name(name) => name,
        }
    }
}

impl Table {
    /// All of them, what is referred to before what refers to it.
    pub const ALL: [Self; 9] = [
        Self::Projects,
        Self::Apps,
        Self::Products,
        Self::Entitlements,
        Self::Offerings,
        Self::Integrations,
        Self::ApiKeys,
        Self::Users,
        Self::Invitations,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Projects => "projects",
            Self::Apps => "apps",
            Self::Products => "products",
            Self::Entitlements => "entitlements",
            Self::Offerings => "offerings",
            Self::Integrations => "integrations",
            Self::ApiKeys => "api_keys",
            Self::Users => "users",
            Self::Invitations => "invitations",
        }
    }

    /// What a row is found by.
    pub const fn key(self) -> &'static [Column] {
        match self {
            Self::Projects | Self::Apps | Self::Integrations | Self::ApiKeys | Self::Users => &[Id],
            Self::Products | Self::Entitlements | Self::Offerings => &[Project, Name("key")],
            Self::Invitations => &[Name("digest")],
        }
    }

    /// The other columns.
    pub const fn others(self) -> &'static [Column] {
        match self {
            Self::Projects => &[Name("key")],
            Self::Apps | Self::Integrations => &[Project, Name("key")],
            Self::ApiKeys => &[Project, Name("digest")],
            Self::Users => &[Name("email")],
            Self::Products | Self::Entitlements | Self::Offerings | Self::Invitations => &[],
        }
    }

    /// What rows are ordered by when all are read.
    pub const fn order(self) -> &'static [Column] {
        match self {
            Self::Projects => &[Name("key")],
            Self::Apps
            | Self::Products
            | Self::Entitlements
            | Self::Offerings
            | Self::Integrations => &[Project, Name("key")],
            Self::ApiKeys => &[Id],
            Self::Users => &[Name("email"), Id],
            Self::Invitations => &[Name("digest")],
        }
    }

    /// Whether a row may take the place of one with its key. What is not replaced is refused when it is there.
    pub const fn is_replaced(self) -> bool {
        !matches!(self, Self::ApiKeys | Self::Invitations)
    }
}

/// What a change writes, or removes. What its table has no column for is empty, and so is what the key of a removed row does not need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where.
    pub table: Table,
    /// Its id.
    pub id: Option<Uuid>,
    /// Its project.
    pub project: Option<Uuid>,
    /// What it is called where that is unique: a key, an address, a digest.
    pub name: String,
    /// Its content; `None` removes it.
    pub body: Option<String>,
}

impl Row {
    /// What a change writes, or removes.
    pub fn of(change: &Change) -> Result<Self> {
        use Table::{
            ApiKeys, Apps, Entitlements, Integrations, Invitations, Offerings, Products, Projects,
            Users,
        };
        match change {
            Change::PutProject(it) => put(Projects, Some(it.id.uuid()), None, &it.key, it),
            Change::PutApp(it) => put(Apps, Some(it.id.uuid()), Some(it.project), &it.key, it),
            Change::PutProduct(it) => put(Products, None, Some(it.project), &it.id, it),
            Change::PutEntitlement(it) => put(Entitlements, None, Some(it.project), &it.key, it),
            Change::PutOffering(it) => put(Offerings, None, Some(it.project), &it.key, it),
            Change::PutIntegration(it) => {
                let id = Some(it.id.uuid());
                put(Integrations, id, Some(it.project), &it.key, it)
            }
            Change::PutApiKey(it) => put(ApiKeys, Some(it.id.uuid()), it.project, &it.digest, it),
            Change::PutUser(it) => put(Users, Some(it.id.uuid()), None, &it.email, it),
            Change::PutInvitation(it) => put(Invitations, None, None, &it.digest, it),
            Change::RemoveProduct(project, id) => Ok(gone(Products, None, Some(*project), id)),
            Change::RemoveEntitlement(project, key) => {
                Ok(gone(Entitlements, None, Some(*project), key))
            }
            Change::RemoveOffering(project, key) => Ok(gone(Offerings, None, Some(*project), key)),
            Change::RemoveIntegration(id) => Ok(gone(Integrations, Some(id.uuid()), None, "")),
            Change::RemoveApiKey(id) => Ok(gone(ApiKeys, Some(id.uuid()), None, "")),
            Change::RemoveUser(id) => Ok(gone(Users, Some(id.uuid()), None, "")),
            Change::ChangeUser(id, email, _) => Ok(gone(Users, Some(id.uuid()), None, email)),
            Change::RemoveInvitation(it) => Ok(gone(Invitations, None, None, &it.digest)),
        }
    }

    /// What a change of a part leaves of the whole that stands there; other changes do not look at it.
    ///
    /// Errors: there is nothing that could be changed.
    pub fn upon(mut self, change: &Change, before: Option<&str>) -> Result<Self> {
        if let Change::ChangeUser(_, email, part) = change {
            let refused = || LedgerError::Refused(format!("there is no user {email} any more"));
            let body = before.ok_or_else(refused)?;
            let mut user: User =
                Stored::new(Table::Users.name(), email).json("body", body.as_bytes())?;
            match part {
                UserPart::Role(role) => user.role = *role,
                UserPart::Password(hash) | UserPart::Rehashed(hash) => {
                    user.password.clone_from(hash);
                }
            }
            self.body = Some(to_json(&user)?);
        }
        Ok(self)
    }
}

fn put(
    table: Table,
    id: Option<Uuid>,
    project: Option<ProjectId>,
    name: &str,
    content: &impl Serialize,
) -> Result<Row> {
    Ok(Row {
        body: Some(to_json(content)?),
        ..gone(table, id, project, name)
    })
}

fn gone(table: Table, id: Option<Uuid>, project: Option<ProjectId>, name: &str) -> Row {
    Row {
        table,
        id,
        project: project.map(ProjectId::uuid),
        name: name.into(),
        body: None,
    }
}

/// A row as it is stored.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What it is known by, should it not be readable.
    pub key: String,
    /// Its content.
    pub body: String,
}

impl Configuration {
    /// What the rows of each table add up to, in their order.
    pub fn of(revision: u64, rows: &BTreeMap<Table, Vec<Kept>>) -> Result<Self> {
        Ok(Self {
            revision,
            projects: all(rows, Table::Projects)?,
            apps: all(rows, Table::Apps)?,
            products: all(rows, Table::Products)?,
            entitlements: all(rows, Table::Entitlements)?,
            offerings: all(rows, Table::Offerings)?,
            integrations: all(rows, Table::Integrations)?,
            api_keys: all(rows, Table::ApiKeys)?,
            users: all(rows, Table::Users)?,
            invitations: all(rows, Table::Invitations)?,
        })
    }
}

fn all<T: DeserializeOwned>(rows: &BTreeMap<Table, Vec<Kept>>, table: Table) -> Result<Vec<T>> {
    let rows = rows.get(&table).into_iter().flatten();
    rows.map(|row| Stored::new(table.name(), &row.key).json("body", row.body.as_bytes()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::TABLES;

    #[test]
    fn tables_are_copied_with_all_their_columns() {
        for table in Table::ALL {
            let copied = TABLES
                .iter()
                .find(|copied| copied.name.text() == table.name());
            let copied = copied.map(|copied| {
                let names = copied.columns.iter().map(|(name, _)| *name);
                names.collect::<Vec<_>>()
            });
            let columns = table.key().iter().chain(table.others());
            let columns: Vec<_> = columns
                .map(|column| column.name())
                .chain(["body"])
                .collect();
            assert_eq!(copied, Some(columns), "{}", table.name());
        }
    }
}
