//! The form of a new account: of the first owner, and of whoever was invited.

use super::{
    enter::{entered, member},
    password::spent,
};
use crate::form::Trimmed;
use askama::Template;
use axum::response::Response;
use domain::UserId;
use ledger::{ConfigurationChange, Invitation, Role, User};
use serde::Deserialize;
use web::{App, passwords, problem::Problem};

#[derive(Template)]
#[template(path = "sign_in/new_account.html")]
pub(crate) struct AccountTemplate {
    pub(crate) title: &'static str,
    pub(crate) action: String,
    pub(crate) email: String,
    pub(crate) email_is_given: bool,
    pub(crate) has_name: bool,
    pub(crate) name: String,
    pub(crate) problems: Vec<String>,
}

/// The form, as it is sent. An invitation says for which address it is, whatever comes with it.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AccountForm {
    pub(crate) email: Trimmed,
    pub(crate) name: Trimmed,
    pub(crate) password: String,
}

/// What a form for a new account says, checked.
pub(crate) struct NewAccount {
    pub(crate) email: String,
    pub(crate) name: String,
    password: String,
    /// In which browser.
    agent: String,
    pub(crate) problems: Vec<String>,
}

fn is_email(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && text.len() <= 200)
}

impl NewAccount {
    /// What is said of an account with this address.
    pub(crate) fn read(app: &App, sent: AccountForm, agent: String, email: &str) -> Self {
        let mut problems = Vec::new();
        if !is_email(email) {
            problems.push(format!("{email:?} is not an e-mail address"));
        }
        let setup = app.engine.setup();
        let mut users = setup.configuration.users.iter();
        if users.any(|user| user.email == email) {
            problems.push(format!("{email} has an account already"));
        }
        let wrong = passwords::problem(&sent.password);
        problems.extend(wrong.map(|problem| format!("the password {problem}")));
        Self {
            email: email.to_owned(),
            name: sent.name.into(),
            password: sent.password,
            agent,
            problems,
        }
    }

    /// Makes the account and signs it in. `used` is the invitation that is spent on it.
    pub(crate) async fn make(
        self,
        app: &App,
        role: Role,
        used: Option<Invitation>,
    ) -> Result<Response, Problem> {
        let system = app.engine.system();
        let name = if self.name.is_empty() {
            self.email.clone()
        } else {
            self.name
        };
        let user = User {
            id: UserId::new(system.uuid()),
            name,
            role,
            project: used.as_ref().and_then(|invitation| invitation.project),
            password: passwords::hash(system, self.password).await,
            created_at: system.now(),
            email: self.email,
        };
        let mut changes = vec![ConfigurationChange::PutUser(user.clone())];
        changes.extend(spent(app, &user.email));
        if !app.engine.configure(changes, &user.email).await? {
            return Err(Problem::changed_meanwhile());
        }
        let token = app.sign_in(&user, &self.agent).await?;
        Ok(entered(app, &token, "/", member(&user)))
    }
}
