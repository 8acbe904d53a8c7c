//! The form of a new account: of the first owner, and of whoever was invited.

use super::{
    enter::{entered_in, has_to_sign_in, member},
    password::{hashed, spent},
    still_open::still_open,
};
use crate::{filters, form::Trimmed};
use askama::Template;
use axum::response::Response;
use domain::{
    ProjectId, UserId,
    name::{beginning, is_plain},
};
use engine::Setup;
use ledger::{ConfigurationChange, Invitation, LONGEST_EMAIL, Role, SecondStep, User};
use serde::Deserialize;
use web::{
    App,
    access::{SignedIn, has_owner, operator_links},
    configure::decide,
    passwords,
    problem::{Code, Problem},
    signed::signed,
};

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

/// What is wrong with an e-mail address; `None` where it may be one.
pub(crate) fn email_problem(text: &str) -> Option<String> {
    let is_odd = |letter: char| letter.is_whitespace() || letter == '@';
    let is_email = text.len() <= LONGEST_EMAIL
        && is_plain(text)
        && text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty()
                && host.contains('.')
                && !name.contains(is_odd)
                && !host.contains(is_odd)
        });
    let shown = beginning(text);
    (!is_email).then(|| {
        format!("{shown:?} is not an e-mail address, which has at most {LONGEST_EMAIL} bytes and no blanks")
    })
}

/// Whether there is an account of this address with the same reach. Others are nobody's business here.
fn has_account(setup: &Setup, email: &str, reach: Option<ProjectId>) -> bool {
    let mut users = setup.configuration.users.iter();
    users.any(|user| user.email == email && user.project == reach)
}

/// The owner's account is made without an invitation while nobody owns everything, and no other.
pub(super) fn nobody_owns(setup: &Setup) -> Result<(), Problem> {
    if !has_owner(&setup.configuration) {
        return Ok(());
    }
    let problem = "there is an owner already; sign in, or be invited";
    Err(Problem::new(Code::Conflict, problem))
}

impl NewAccount {
    /// What is said of an account with this address and reach.
    pub(crate) fn read(
        app: &App,
        sent: AccountForm,
        agent: String,
        email: &str,
        reach: Option<ProjectId>,
    ) -> Self {
        let mut problems = Vec::new();
        problems.extend(email_problem(email));
        if has_account(&app.engine.setup(), email, reach) {
            problems.push(format!("{email} has an account already"));
        }
        let name = &*sent.name;
        if !name.is_empty() {
            let wrong = domain::name::problem(name);
            problems.extend(wrong.map(|problem| format!("the name {problem}")));
        }
        let wrong = passwords::problem(&sent.password, &[email, name]);
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
            password: hashed(app, &self.email, self.password).await?,
            created_at: system.now(),
            email: self.email,
        };
        decide(app, &signed(&user.email, user.id), |setup| {
            match &used {
                Some(used) => drop(still_open(app, setup, &used.digest)?),
                None => nobody_owns(setup)?,
            }
            if has_account(setup, &user.email, user.project) {
                let problem = format!("{} has an account already", user.email);
                return Err(Problem::new(Code::Conflict, problem));
            }
            let mut changes = vec![ConfigurationChange::PutUser(user.clone())];
            changes.extend(spent(setup, &user.email, user.project));
            if user.role == Role::Owner && !has_owner(&setup.configuration) {
                let links = operator_links(&setup.configuration).into_iter();
                changes.extend(links.cloned().map(ConfigurationChange::RemoveInvitation));
            }
            Ok((changes, ()))
        })
        .await?;
        let second = SecondStep::NotAsked;
        Ok(match app.sign_in(&user, second, &self.agent).await {
            Ok(SignedIn::As(token)) => entered_in(app, &user, &token, member(&user)),
            Ok(refused @ (SignedIn::Changed | SignedIn::CodeRefused)) => {
                has_to_sign_in(&user, &refused)
            }
            Err(error) => has_to_sign_in(&user, &error),
        })
    }
}
