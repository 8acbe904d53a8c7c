//! What stands around every page of a project: where one is, where one can go, who one is, and what was just done.

use crate::{badges, choice::Choice};
use axum::http::Uri;
use web::{App, access::Caller, problem::Problem, project::InProject};

/// Where a page stands: in a project, under the address it was called by.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) project: &'a InProject,
    pub(crate) uri: &'a Uri,
}

impl<'a> Place<'a> {
    pub(crate) const fn of(project: &'a InProject, uri: &'a Uri) -> Self {
        Self { project, uri }
    }
}

/// What stands around every page of a project.
pub(crate) struct Shell {
    pub(crate) project: String,
    pub(crate) project_name: String,
    /// Key and name of every project the caller reaches.
    pub(crate) projects: Vec<Choice>,
    pub(crate) section: &'static str,
    pub(crate) caller: String,
    pub(crate) may_write: bool,
    pub(crate) notice: &'static str,
    pub(crate) troubled: u64,
    pub(crate) parked: u64,
    /// Not everything is set up yet.
    pub(crate) is_starting: bool,
}

pub(crate) struct Item {
    pub(crate) section: &'static str,
    pub(crate) title: &'static str,
    pub(crate) href: String,
    pub(crate) count: u64,
    pub(crate) hint: &'static str,
}

/// What a page says after something was done, by the word in its address.
const NOTICES: [(&str, &str); 18] = [
    ("added", "Added."),
    ("saved", "Saved. It is in effect now."),
    ("removed", "Removed."),
    (
        "paused",
        "Paused. Deliveries are kept and sent when it is resumed.",
    ),
    ("resumed", "Resumed."),
    (
        "verifying",
        "The endpoint is being asked again. Its answer is on this page when it has come.",
    ),
    ("retried", "Failed deliveries are tried again now."),
    (
        "replaying",
        "It has begun. The table below says how far it has come.",
    ),
    (
        "cancelled",
        "Cancelled. What was queued before is still sent.",
    ),
    (
        "simulated",
        "It has begun. What it leads to appears below by itself.",
    ),
    ("ended", "Ended."),
    ("stopped", "Stopped. What it told stays."),
    ("resent", "It is being sent again."),
    (
        "answered",
        "The store has taken the answer. What it decides comes as an event.",
    ),
    ("granted", "Access given."),
    ("revoked", "Access taken back."),
    ("moved", "Purchases moved."),
    (
        "forgotten",
        "Forgotten. What was bought stays, under a name that says nothing.",
    ),
];

impl Shell {
    pub(crate) async fn load(
        app: &App,
        at: Place<'_>,
        section: &'static str,
    ) -> Result<Self, Problem> {
        let Place { project, uri } = at;
        let compiled = project.compiled()?;
        let notice = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .find(|(name, _)| name == "notice")
            .and_then(|(_, word)| NOTICES.iter().find(|(known, _)| *known == word))
            .map_or("", |(_, text)| text);
        Ok(Self {
            project: project.key.clone(),
            project_name: compiled.row.name.clone(),
            projects: reached(app, &project.caller),
            section,
            caller: project.caller.name.clone(),
            may_write: project.caller.scope >= ledger::Scope::Write,
            notice,
            troubled: badges::troubled(app, project)?,
            parked: badges::parked(app, project.id).await?,
            is_starting: !badges::is_over(app, project).await?,
        })
    }

    /// Where one can go.
    pub(crate) fn items(&self) -> Vec<Item> {
        let item = |section, title, path: &str, count, hint| Item {
            section,
            title,
            href: format!("/projects/{}{path}", self.project),
            count,
            hint,
        };
        let start = self
            .is_starting
            .then(|| item("start", "Start", "/start", 0, ""));
        let always = [
            item("overview", "Overview", "/overview", 0, ""),
            item("events", "Events", "", 0, ""),
            item("customers", "Customers", "/customers", 0, ""),
            item(
                "integrations",
                "Integrations",
                "/integrations",
                self.troubled,
                if self.troubled == 1 {
                    "needs attention"
                } else {
                    "need attention"
                },
            ),
            item("replay", "Replay", "/replay", 0, ""),
            item(
                "apps",
                "Apps and stores",
                "/apps",
                self.parked,
                if self.parked == 1 {
                    "message waits for its store"
                } else {
                    "messages wait for their store"
                },
            ),
            item("catalog", "Products", "/catalog", 0, ""),
            item("offerings", "Offerings", "/offerings", 0, ""),
            item("simulator", "Simulator", "/simulator", 0, ""),
            item("settings", "Settings", "/settings", 0, ""),
            item("members", "Members", "/members", 0, ""),
            item("audit", "Audit log", "/audit", 0, ""),
        ];
        start.into_iter().chain(always).collect()
    }
}

/// Key and name of every project somebody reaches.
pub(crate) fn reached(app: &App, caller: &Caller) -> Vec<Choice> {
    let setup = app.engine.setup();
    setup
        .projects()
        .filter(|project| caller.reaches(project.row.id))
        .map(|project| Choice::new(&*project.row.key, &*project.row.name))
        .collect()
}
