//! The project a path names, if the caller reaches it.

use crate::{
    App,
    access::Caller,
    described::{Answers, Asks, Description},
    problem::{Code, Problem},
};
use axum::{
    extract::{FromRef, FromRequestParts, Path},
    http::request::Parts,
};
use configuration::{Desired, DesiredProject};
use domain::ProjectId;
use engine::{ActiveIntegration, ProjectSetup, Setup};
use std::{collections::BTreeMap, sync::Arc};

/// The project a path names, if the caller reaches it. Handlers below `/projects/{project}` take this and so cannot forget.
pub struct InProject {
    /// The configuration the request is answered with.
    pub setup: Arc<Setup>,
    /// Which project.
    pub id: ProjectId,
    /// Its key, whatever the path said.
    pub key: String,
    /// Who is calling.
    pub caller: Caller,
}

impl<S> FromRequestParts<S> for InProject
where
    S: Send + Sync,
    App: FromRef<S>,
{
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let app = App::from_ref(state);
        let Path(names): Path<BTreeMap<String, String>> = Path::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::new(Code::MalformedQuery, error.to_string()))?;
        let name = names.get("project").cloned().unwrap_or_default();
        let caller = Caller::from_request_parts(parts, state).await?;
        let setup = app.engine.setup();
        // Another project's key learns nothing, not even that the project exists.
        let found = setup
            .find_project(&name)
            .filter(|project| caller.reaches(project.row.id))
            .map(|project| (project.row.id, project.row.key.clone()));
        let (id, key) = found.ok_or_else(|| Problem::not_found("project", &name))?;
        Ok(Self {
            setup,
            id,
            key,
            caller,
        })
    }
}

impl Asks for InProject {
    fn ask(of: &mut Description) {
        Problem::answer(of);
    }
}

impl InProject {
    /// The same on a newer configuration.
    ///
    /// Errors: the caller may no longer do what it might when it was let in.
    pub fn on(&self, setup: &Arc<Setup>) -> Result<Self, Problem> {
        if !self.caller.is_still(setup) {
            return Err(Problem::changed_meanwhile());
        }
        Ok(self.with(setup))
    }

    /// The same on a newer configuration, whatever the caller may do by now.
    pub(crate) fn with(&self, setup: &Arc<Setup>) -> Self {
        Self {
            setup: Arc::clone(setup),
            id: self.id,
            key: self.key.clone(),
            caller: self.caller.clone(),
        }
    }

    /// The project's apps.
    pub fn apps(&self) -> impl Iterator<Item = &ledger::App> {
        let all = self.setup.configuration.apps.iter();
        all.filter(|row| row.project == self.id)
    }

    /// One of its offerings, by key.
    pub fn offering(&self, key: &str) -> Result<&ledger::Offering, Problem> {
        let mut all = self.setup.configuration.offerings.iter();
        all.find(|row| row.project == self.id && row.key == key)
            .ok_or_else(|| Problem::not_found("offering", key))
    }

    /// The project, compiled: what its products unlock, its integrations.
    ///
    /// Errors: it is gone by now. That is nowhere the same as having nothing.
    pub fn compiled(&self) -> Result<&ProjectSetup, Problem> {
        let project = self.setup.project(self.id);
        project.ok_or_else(|| Problem::not_found("project", &self.key))
    }

    /// The project's integrations, by key.
    pub fn integrations(&self) -> Result<&[ActiveIntegration], Problem> {
        Ok(&self.compiled()?.integrations)
    }

    /// One of its integrations, by key or id.
    pub fn integration(&self, key: &str) -> Result<&ActiveIntegration, Problem> {
        self.integrations()?
            .iter()
            .find(|active| active.row.key == key || active.row.id.to_string() == key)
            .ok_or_else(|| Problem::not_found("integration", key))
    }
}

impl InProject {
    /// A document that names the project and nothing in it, to which a part is added: what a document does not name stays.
    pub fn desired(&self) -> Desired {
        Desired {
            project: DesiredProject {
                key: self.key.clone(),
                ..DesiredProject::default()
            },
            ..Desired::default()
        }
    }
}
