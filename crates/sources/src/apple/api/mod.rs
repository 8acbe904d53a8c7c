//! The conversation with the App Store Server API. Source: Apple, "App Store Server API".

use super::{App, AppEnvironment, jws::Parts};
use crate::{
    Answer, Call, Part, Probe, ProbeOutcome, Question, Reply, Trouble, Web, jwt::SigningKey, web,
};
use domain::{Environment, secret::Secret};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const WHO: &str = "the App Store Server API";
/// How long a bearer token is good for.
const TOKEN_SECONDS: i64 = 300;
/// Pages of history read for one question; 20 transactions each.
const MOST_PAGES: usize = 500;
/// How far back notification history reaches. Source: Apple, "Get Notification History".
const REACH_PRODUCTION: SignedDuration = SignedDuration::from_hours(24 * 180);
const REACH_SANDBOX: SignedDuration = SignedDuration::from_hours(24 * 30);

/// An In-App Purchase key of App Store Connect.
#[derive(Debug)]
pub struct ApiKey {
    issuer: String,
    key_id: String,
    key: SigningKey,
}

impl ApiKey {
    /// `key` is the content of the `.p8` file.
    pub fn new(issuer: &str, key_id: &str, key: &Secret) -> Result<Self, String> {
        Ok(Self {
            issuer: issuer.to_owned(),
            key_id: key_id.to_owned(),
            key: SigningKey::elliptic(key.expose())?,
        })
    }
}

/// Where the API is.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// For real purchases.
    pub production: String,
    /// For all others.
    pub sandbox: String,
}

impl Default for Hosts {
    fn default() -> Self {
        Self {
            production: "https://api.storekit.apple.com".into(),
            sandbox: "https://api.storekit-sandbox.apple.com".into(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Api {
    key: ApiKey,
    bundle_id: String,
    hosts: Vec<(Environment, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    error_code: Option<i64>,
    #[serde(default)]
    error_message: String,
}

#[derive(Deserialize)]
struct Statuses {
    #[serde(default)]
    data: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(default)]
    last_transactions: Vec<Last>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Last {
    original_transaction_id: String,
    status: Option<i64>,
    signed_transaction_info: Option<String>,
    signed_renewal_info: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct History {
    revision: Option<String>,
    #[serde(default)]
    has_more: bool,
    #[serde(default)]
    signed_transactions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notifications {
    pagination_token: Option<String>,
    #[serde(default)]
    has_more: bool,
    #[serde(default)]
    notification_history: Vec<Sent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    signed_payload: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Names {
    transaction_id: String,
    original_transaction_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct One {
    signed_transaction_info: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestRequested {
    test_notification_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestSent {
    #[serde(default)]
    send_attempts: Vec<Attempt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    send_attempt_result: String,
}

/// What a question says beyond its id.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Prompt {
    environment: Option<Environment>,
    /// Only this chain of the customer.
    chain: Option<String>,
    /// History from here on, milliseconds.
    since: Option<i64>,
}

/// The chain and transaction a signed string names, before it is verified: only to sort the answer.
fn names(signed: &str) -> Option<Names> {
    let json = Parts::split(signed).ok()?.unverified().ok()?;
    serde_json::from_slice(&json).ok()
}

/// An id that can stand in a path.
fn path_id(id: &str) -> Result<&str, Trouble> {
    let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_plain
        .then_some(id)
        .ok_or_else(|| Trouble::Unknown(format!("{id:?} is not a transaction id")))
}

impl Api {
    pub(super) fn new(key: ApiKey, hosts: Hosts, app: &App) -> Self {
        let is_production = app.environments.contains(&AppEnvironment::Production);
        let is_other = app
            .environments
            .iter()
            .any(|environment| *environment != AppEnvironment::Production);
        let production = is_production.then_some((Environment::Production, hosts.production));
        let sandbox = is_other.then_some((Environment::Sandbox, hosts.sandbox));
        Self {
            key,
            bundle_id: app.bundle_id.clone(),
            hosts: production.into_iter().chain(sandbox).collect(),
        }
    }

    pub(super) fn environments(&self) -> Vec<Environment> {
        self.hosts
            .iter()
            .map(|(environment, _)| *environment)
            .collect()
    }

    fn token(&self, now: Timestamp) -> Result<String, Trouble> {
        let second = now.as_second();
        let claims = json!({
            "iss": self.key.issuer, "iat": second, "exp": second + TOKEN_SECONDS,
            "aud": "appstoreconnect-v1", "bid": self.bundle_id,
        });
        self.key
            .key
            .sign(&self.key.key_id, &claims)
            .map_err(Trouble::Credentials)
    }

    async fn call(&self, mut call: Call, web: &dyn Web, now: Timestamp) -> Result<Reply, Trouble> {
        call.headers
            .push(("authorization", format!("Bearer {}", self.token(now)?)));
        let reply = web::call(web, &call, WHO).await?;
        if reply.status < 400 {
            return reply.check(WHO, now);
        }
        let problem: Option<Problem> = serde_json::from_slice(&reply.body).ok();
        let code = problem.as_ref().and_then(|problem| problem.error_code);
        let detail = || {
            let message = problem
                .as_ref()
                .map_or("", |problem| &problem.error_message);
            format!(
                "{WHO} answered {} {}: {message}",
                reply.status,
                code.unwrap_or_default()
            )
        };
        match code {
            // Not found just now, Apple says: worth another try.
            Some(4_040_002 | 4_040_004 | 4_040_006) => Err(Trouble::Unavailable {
                detail: detail(),
                again_at: None,
            }),
            Some(4_000_006 | 4_000_008) => Err(Trouble::Unknown(detail())),
            _ => reply.check(WHO, now),
        }
    }

    async fn get(&self, url: String, web: &dyn Web, now: Timestamp) -> Result<Reply, Trouble> {
        self.call(Call::get(url, None), web, now).await
    }

    /// Every chain of the customer that the question's transaction belongs to, or just one. The environment is not
    /// always known: production is asked first.
    pub(super) async fn purchases(
        &self,
        question: &Question,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Answer>, Trouble> {
        let prompt = Option::<Prompt>::deserialize(&question.prompt)
            .map_err(|error| Trouble::Nonsense(format!("the question cannot be read: {error}")))?
            .unwrap_or_default();
        let mut unknown = Trouble::Unknown(format!(
            "this app accepts no environment in which {} could be",
            question.id
        ));
        for (environment, host) in &self.hosts {
            if prompt
                .environment
                .is_some_and(|wanted| wanted != *environment)
            {
                continue;
            }
            match self.purchases_in(host, question, &prompt, web, now).await {
                Err(trouble @ Trouble::Unknown(_)) => unknown = trouble,
                other => return other,
            }
        }
        Err(unknown)
    }

    async fn purchases_in(
        &self,
        host: &str,
        question: &Question,
        prompt: &Prompt,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Answer>, Trouble> {
        let id = path_id(&question.id)?;
        let mut parts: BTreeMap<String, Vec<Part>> = BTreeMap::new();
        let mut add = |chain: String, name: &str, id: String, body: Value| {
            if prompt.chain.as_ref().is_none_or(|wanted| *wanted == chain) {
                parts.entry(chain).or_default().push(Part {
                    name: name.into(),
                    id,
                    body,
                });
            }
        };
        if question.with_history {
            let since = prompt
                .since
                .map(|since| format!("&startDate={since}"))
                .unwrap_or_default();
            let mut revision = String::new();
            for page in 0.. {
                if page == MOST_PAGES {
                    return Err(Trouble::Nonsense(format!(
                        "{WHO} answered more than {MOST_PAGES} pages of history for {id}"
                    )));
                }
                let url = format!("{host}/inApps/v2/history/{id}?sort=ASCENDING{since}{revision}");
                let history: History = self.get(url, web, now).await?.json(WHO)?;
                for signed in history.signed_transactions {
                    if let Some(names) = names(&signed) {
                        add(
                            names.original_transaction_id,
                            "transaction",
                            names.transaction_id,
                            signed.into(),
                        );
                    }
                }
                match history.revision.filter(|_| history.has_more) {
                    Some(next) => revision = format!("&revision={next}"),
                    None => break,
                }
            }
        }
        let url = format!("{host}/inApps/v1/subscriptions/{id}");
        let statuses: Statuses = self.get(url, web, now).await?.json(WHO)?;
        for last in statuses
            .data
            .into_iter()
            .flat_map(|group| group.last_transactions)
        {
            let chain = last.original_transaction_id;
            if let Some((signed, names)) = last
                .signed_transaction_info
                .and_then(|signed| names(&signed).map(|names| (signed, names)))
            {
                add(
                    chain.clone(),
                    "transaction",
                    names.transaction_id,
                    signed.into(),
                );
            }
            if let Some(signed) = last.signed_renewal_info {
                let body = json!({ "status": last.status, "signed": signed });
                add(chain.clone(), "renewal", chain, body);
            }
        }
        let is_answered = parts
            .iter()
            .any(|(chain, parts)| chain == id || parts.iter().any(|part| part.id == question.id));
        if !is_answered {
            // Neither a subscription nor part of the history: one that only the transaction itself tells of.
            let url = format!("{host}/inApps/v1/transactions/{id}");
            let One {
                signed_transaction_info: signed,
            } = self.get(url, web, now).await?.json(WHO)?;
            if let Some(names) = names(&signed)
                && prompt
                    .chain
                    .as_ref()
                    .is_none_or(|wanted| *wanted == names.original_transaction_id)
            {
                parts
                    .entry(names.original_transaction_id)
                    .or_default()
                    .push(Part {
                        name: "transaction".into(),
                        id: names.transaction_id,
                        body: signed.into(),
                    });
            }
        }
        let answers = parts.into_iter().map(|(chain, parts)| Answer {
            question: Question {
                id: chain,
                ..question.clone()
            },
            asked_at: now,
            parts,
        });
        Ok(answers.collect())
    }

    /// Asks for a test notification in every environment.
    pub(super) async fn probe(&self, web: &dyn Web, now: Timestamp) -> Vec<Probe> {
        let mut probes = Vec::new();
        for (environment, host) in &self.hosts {
            let url = format!("{host}/inApps/v1/notifications/test");
            let call = Call::post(url, None, "application/json", Vec::new());
            let requested = self
                .call(call, web, now)
                .await
                .and_then(|reply| reply.json::<TestRequested>(WHO));
            probes.push(Probe {
                environment: Some(*environment),
                asked: "test notification",
                outcome: match requested {
                    Ok(requested) => ProbeOutcome::Waiting(requested.test_notification_token),
                    Err(trouble) => trouble.into(),
                },
            });
        }
        probes
    }

    /// What became of a test notification.
    pub(super) async fn probed(
        &self,
        environment: Environment,
        token: &str,
        web: &dyn Web,
        now: Timestamp,
    ) -> ProbeOutcome {
        let Some((_, host)) = self.hosts.iter().find(|(known, _)| *known == environment) else {
            return Trouble::Unknown("the app no longer accepts this environment".into()).into();
        };
        let url = format!("{host}/inApps/v1/notifications/test/{token}");
        let sent: TestSent = match self.get(url, web, now).await {
            Ok(reply) => match reply.json(WHO) {
                Ok(sent) => sent,
                Err(trouble) => return trouble.into(),
            },
            // Not known yet, Apple says at first.
            Err(Trouble::Unknown(_)) => return ProbeOutcome::Waiting(token.to_owned()),
            Err(trouble) => return trouble.into(),
        };
        match sent.send_attempts.last() {
            None => ProbeOutcome::Waiting(token.to_owned()),
            Some(attempt) if attempt.send_attempt_result == "SUCCESS" => {
                ProbeOutcome::Works("the App Store delivered a test notification".into())
            }
            Some(attempt) => ProbeOutcome::Fails {
                code: "callback_not_reached",
                detail: format!(
                    "the App Store could not deliver a test notification: {}",
                    attempt.send_attempt_result
                ),
            },
        }
    }

    /// The bodies of notifications that Apple could not deliver since `since`, as they would have been sent.
    pub(super) async fn missed_notifications(
        &self,
        since: Timestamp,
        environment: Environment,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        let Some((_, host)) = self.hosts.iter().find(|(known, _)| *known == environment) else {
            return Ok(Vec::new());
        };
        let reach = match environment {
            Environment::Production => REACH_PRODUCTION,
            Environment::Sandbox => REACH_SANDBOX,
        };
        let since = now
            .checked_sub(reach)
            .map_or(since, |earliest| since.max(earliest));
        let body = json!({
            "startDate": since.as_millisecond(), "endDate": now.as_millisecond(), "onlyFailures": true,
        });
        let mut missed = Vec::new();
        let mut token = String::new();
        for _ in 0..MOST_PAGES {
            let url = format!("{host}/inApps/v1/notifications/history{token}");
            let call = Call::post(url, None, "application/json", body.to_string().into_bytes());
            let page: Notifications = self.call(call, web, now).await?.json(WHO)?;
            missed.extend(page.notification_history.into_iter().map(|sent| {
                json!({ "signedPayload": sent.signed_payload })
                    .to_string()
                    .into_bytes()
            }));
            match page.pagination_token.filter(|_| page.has_more) {
                Some(next) => token = format!("?paginationToken={next}"),
                None => break,
            }
        }
        Ok(missed)
    }
}
