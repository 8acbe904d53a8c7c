//! The operator's link: it signs in once, within a quarter of an hour, as somebody who may do everything.

use super::{Caller, caller::OPERATOR, digest, random_text};
use crate::{App, configure::decide, problem::Problem};
use domain::time::after;
use engine::System;
use jiff::SignedDuration;
use ledger::{Configuration, ConfigurationChange, Invitation, Opens, Role};

/// How long a link is good.
const LASTS: SignedDuration = SignedDuration::from_mins(15);
/// Most links that are good at once; the oldest goes when another is made.
const MOST: usize = 10;

/// Whether somebody owns everything, and so can let others in.
pub fn has_owner(configuration: &Configuration) -> bool {
    let mut users = configuration.users.iter();
    users.any(|user| user.role == Role::Owner && user.project.is_none())
}

/// The operator's links there are, the oldest first.
pub fn operator_links(configuration: &Configuration) -> Vec<&Invitation> {
    let links = configuration.invitations.iter();
    let mut links: Vec<_> = links.filter(|link| link.opens == Opens::Operator).collect();
    links.sort_by_key(|link| link.expires_at);
    links
}

/// The token of a new link, and the changes that make it good.
pub fn new_operator_link(
    system: &dyn System,
    configuration: &Configuration,
    made_by: &str,
) -> (String, Vec<ConfigurationChange>) {
    let (token, now) = (random_text(system), system.now());
    let known = operator_links(configuration);
    let beyond = (known.len() + 1).saturating_sub(MOST);
    let gone = known.into_iter().enumerate();
    let gone = gone.filter(|(number, link)| *number < beyond || link.expires_at <= now);
    let mut changes: Vec<_> = gone
        .map(|(_, link)| ConfigurationChange::RemoveInvitation(link.clone()))
        .collect();
    changes.push(ConfigurationChange::PutInvitation(Invitation {
        digest: digest(&token),
        email: OPERATOR.into(),
        role: Role::Owner,
        project: None,
        opens: Opens::Operator,
        made_by: made_by.to_owned(),
        expires_at: after(now, LASTS),
    }));
    (token, changes)
}

impl App {
    /// Makes a link of the operator's; answers with its token.
    pub async fn operator_link(&self, made_by: &str) -> Result<String, Problem> {
        decide(self, made_by, |setup| {
            let system = self.engine.system();
            let (token, changes) = new_operator_link(system, &setup.configuration, made_by);
            Ok((changes, token))
        })
        .await
    }

    /// Whether the token of a link is good. Nothing is spent.
    pub async fn is_good_link(&self, token: &str) -> Result<bool, Problem> {
        // The command line may have made it a moment ago.
        self.engine.reload().await?;
        let (digest, now) = (digest(token), self.engine.system().now());
        let setup = self.engine.setup();
        let mut links = operator_links(&setup.configuration).into_iter();
        Ok(links.any(|link| link.digest == digest && now < link.expires_at))
    }

    /// Signs the operator in with the token of a link, which is spent; answers with the token of the session.
    pub async fn enter_by_link(&self, token: &str) -> Result<Option<String>, Problem> {
        let (digest, system) = (digest(token), self.engine.system());
        // The command line may have made it a moment ago.
        self.engine.reload().await?;
        let is_good = decide(self, OPERATOR, |setup| {
            let links = operator_links(&setup.configuration).into_iter();
            let used = links
                .filter(|link| system.now() < link.expires_at)
                .find(|link| link.digest == digest)
                .map(|link| ConfigurationChange::RemoveInvitation(link.clone()));
            let is_good = used.is_some();
            Ok((used.into_iter().collect(), is_good))
        })
        .await?;
        Ok(is_good.then(|| self.sessions.open(system, Caller::operator())))
    }
}
