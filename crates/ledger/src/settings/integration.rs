//! Integrations.

use domain::{Environment, IntegrationId, ProjectId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A destination configured in a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// Its project.
    pub project: ProjectId,
    /// Its key, unique in the project.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Key of the destination.
    pub destination: String,
    /// Settings, encrypted.
    pub sealed_settings: Vec<u8>,
    /// Paused by hand: deliveries are kept, none is sent.
    pub paused: bool,
    /// Whether its endpoints passed verification.
    pub verification: Verdicts,
}

/// What is known of each endpoint of an integration: what is wrong with one holds nothing of the other.
///
/// Written as the verdict on that of production, with the one on that of the sandbox inside where it is another. So the previous release reads these, and
/// one verdict for both, as it wrote them, is read here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicts {
    #[serde(flatten)]
    production: Verification,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sandbox: Option<Verification>,
}

impl From<Verification> for Verdicts {
    /// The same for both.
    fn from(both: Verification) -> Self {
        Self {
            production: both,
            sandbox: None,
        }
    }
}

impl Verdicts {
    /// One for each endpoint.
    pub fn each(mut of: impl FnMut(Environment) -> Verification) -> Self {
        let (production, sandbox) = (of(Environment::Production), of(Environment::Sandbox));
        Self {
            sandbox: (sandbox != production).then_some(sandbox),
            production,
        }
    }

    /// That on an endpoint.
    pub fn of(&self, endpoint: Environment) -> &Verification {
        match (endpoint, &self.sandbox) {
            (Environment::Sandbox, Some(sandbox)) => sandbox,
            (Environment::Sandbox, None) | (Environment::Production, _) => &self.production,
        }
    }

    /// The same, but for an endpoint of which this is known now.
    #[must_use]
    pub fn with(&self, endpoint: Environment, verdict: &Verification) -> Self {
        Self::each(|of| {
            if of == endpoint {
                verdict.clone()
            } else {
                self.of(of).clone()
            }
        })
    }
}

/// Whether an endpoint has shown that it is the integration's, and takes its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Verification {
    /// The destination needs none, or it passed.
    Passed,
    /// Not tried yet.
    Pending,
    /// Tried, and what was wrong with the answer.
    Failed {
        /// What was wrong.
        problem: String,
        /// When.
        at: Timestamp,
    },
    /// It refused the credentials twice in a row, or wants no more.
    Refused {
        /// What it said.
        problem: String,
        /// When.
        at: Timestamp,
        /// It wants no more: it is not asked whether it does again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_gone: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use Environment::{Production, Sandbox};
    use serde_json::json;

    fn failed() -> Verification {
        Verification::Failed {
            problem: "connection refused".into(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn one_verdict_for_both_is_read_as_that_of_each() {
        for (stored, verdict) in [
            (json!({ "state": "passed" }), Verification::Passed),
            (
                json!({ "state": "failed", "problem": "connection refused", "at": "1970-01-01T00:00:00Z" }),
                failed(),
            ),
        ] {
            let read: Verdicts = serde_json::from_value(stored.clone()).unwrap();
            assert_eq!(
                (read.of(Production), read.of(Sandbox)),
                (&verdict, &verdict)
            );
            assert_eq!(serde_json::to_value(&read).unwrap(), stored);
        }
    }

    #[test]
    fn what_differs_comes_back_and_the_previous_release_reads_that_of_production() {
        let failed = failed();
        for (production, sandbox) in [
            (&Verification::Passed, &failed),
            (&failed, &Verification::Pending),
        ] {
            let both = Verdicts::from(production.clone()).with(Sandbox, sandbox);
            let stored = serde_json::to_value(&both).unwrap();
            assert_eq!(
                serde_json::from_value::<Verdicts>(stored.clone()).unwrap(),
                both
            );
            let before: Verification = serde_json::from_value(stored).unwrap();
            assert_eq!((&before, both.of(Sandbox)), (production, sandbox));
            let mended = both
                .with(Production, &Verification::Passed)
                .with(Sandbox, &Verification::Passed);
            assert_eq!(mended, Verification::Passed.into());
        }
    }
}
