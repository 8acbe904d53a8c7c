//! What planning takes, and what it collects on the way: steps to take, or every problem.

use crate::{Given, Vault};
use domain::{ProjectId, name::beginning, secret::Secret};
use ledger::{Configuration, ConfigurationChange, Integration};
use serde::Serialize;
use uuid::Uuid;

/// Something that cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, as a path: `integrations.backend.settings.production_url`.
    pub path: Vec<String>,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What happens to one thing.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is new.
    Create,
    /// It differs.
    Update,
    /// It is as it should be.
    Keep,
}

/// One step of a plan.
#[derive(Debug, Clone)]
pub struct Step {
    /// What happens.
    pub action: Action,
    /// To what: `integration backend`.
    pub subject: String,
    /// The change; `None` when nothing changes.
    pub change: Option<ConfigurationChange>,
    /// The secret to sign with that was made for it, because none was given. It is sealed in the change, and whoever asked has to be told it
    /// now: nobody is shown it later.
    pub made: Option<Secret>,
}

/// Integrations that a plan hands to another destination, as they are now. What waits for one was made for the destination it has.
pub fn handed_over<'a>(
    steps: &'a [Step],
    current: &'a Configuration,
) -> impl Iterator<Item = &'a Integration> {
    let changed = steps.iter().filter_map(|step| match &step.change {
        Some(ConfigurationChange::PutIntegration(wanted)) => Some(wanted),
        _ => None,
    });
    changed.filter_map(|wanted| {
        let mut known = current.integrations.iter();
        known.find(|known| known.id == wanted.id && known.destination != wanted.destination)
    })
}

/// What is said of one that cannot be handed over, because something waits for it.
pub fn under_backlog(known: &Integration) -> Problem {
    let path = ["integrations", &known.key, "destination"];
    Problem {
        path: path.map(str::to_owned).to_vec(),
        message: format!(
            "cannot change while deliveries wait: they were made for {:?}; remove the integration and add another",
            known.destination
        ),
    }
}

/// What planning needs to know.
pub struct Means<'a> {
    /// What is.
    pub current: &'a Configuration,
    /// Opens and seals secrets.
    pub vault: &'a Vault,
    /// Where people reach this installation, without a trailing slash.
    pub public_url: &'a str,
    /// Makes fresh ids.
    pub fresh: &'a dyn Fn() -> Uuid,
}

fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
        })
}

/// Goes through a document, thing by thing. Each kind of thing has a file of its own.
pub(crate) struct Planner<'a> {
    pub(crate) means: &'a Means<'a>,
    pub(crate) project: ProjectId,
    steps: Vec<Step>,
    problems: Vec<Problem>,
}

impl<'a> Planner<'a> {
    pub(crate) const fn new(means: &'a Means<'a>, project: ProjectId) -> Self {
        Self {
            means,
            project,
            steps: Vec::new(),
            problems: Vec::new(),
        }
    }

    pub(crate) fn finish(self) -> Result<Vec<Step>, Vec<Problem>> {
        if self.problems.is_empty() {
            Ok(self.steps)
        } else {
            Err(self.problems)
        }
    }

    pub(crate) fn problem(&mut self, path: &[&str], message: impl Into<String>) {
        self.problems.push(Problem {
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            message: message.into(),
        });
    }

    pub(crate) fn check_key(&mut self, path: &[&str], key: &str) {
        if !is_key(key) {
            let key = beginning(key);
            self.problem(
                path,
                format!("{key:?} is not a key: use 1 to 64 lower-case letters, digits, - and _"),
            );
        }
    }

    /// The name of what stands at `path`: as a document says, as it is, or as it is called otherwise.
    pub(crate) fn name(
        &mut self,
        path: &[&str],
        given: &Given<String>,
        known: Option<&String>,
        otherwise: &str,
    ) -> String {
        if let Given::Set(name) = given
            && let Some(problem) = domain::name::problem(name)
        {
            self.problem(&[path, &["name"]].concat(), problem);
        }
        given.over(known).unwrap_or_else(|| otherwise.to_owned())
    }

    pub(crate) fn step<T: PartialEq + Clone>(
        &mut self,
        subject: String,
        known: Option<&T>,
        wanted: T,
        change: impl FnOnce(T) -> ConfigurationChange,
    ) {
        let action = match known {
            None => Action::Create,
            Some(known) if *known == wanted => Action::Keep,
            Some(_) => Action::Update,
        };
        let change = (action != Action::Keep).then(|| change(wanted));
        self.steps.push(Step {
            action,
            subject,
            change,
            made: None,
        });
    }

    /// Says of the last step that a secret was made for it.
    pub(crate) fn made(&mut self, secret: Option<Secret>) {
        if let Some(step) = self.steps.last_mut() {
            step.made = secret.filter(|_| step.change.is_some());
        }
    }
}
