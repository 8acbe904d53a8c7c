//! What lists on pages offer to choose from.

use domain::{EventKind, NotSent};
use web::{problem::Problem, project::InProject};

/// An entry of a list.
pub(crate) struct Choice {
    /// What is sent.
    pub(crate) value: String,
    /// What people read.
    pub(crate) name: String,
}

impl Choice {
    pub(crate) fn new(value: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            name: name.into(),
        }
    }

    /// A kind of event.
    pub(crate) fn kind(kind: EventKind) -> Self {
        Self::new(kind.id(), kind.title())
    }

    /// A reason why something was not sent, or failed.
    pub(crate) fn reason(reason: NotSent) -> Self {
        Self::new(reason.id(), reason.id().replace('_', " "))
    }

    /// Those of the project's integrations that can be told how customers stand.
    pub(crate) fn loadable(project: &InProject) -> Result<Vec<Self>, Problem> {
        let takes = project.integrations()?.iter().filter(|active| {
            let configured = active.configured.as_ref();
            configured.is_ok_and(|configured| configured.takes_states())
        });
        let choices =
            takes.map(|active| Self::new(active.row.key.clone(), active.row.name.clone()));
        Ok(choices.collect())
    }

    /// The project's integrations.
    pub(crate) fn integrations(project: &InProject) -> Result<Vec<Self>, Problem> {
        let integrations = project.integrations()?.iter().map(|active| &active.row);
        let choices = integrations.map(|row| Self::new(row.key.clone(), row.name.clone()));
        Ok(choices.collect())
    }
}
