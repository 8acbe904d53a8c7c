//! Replays as they are asked for, by programs and on a page.

use crate::{
    App,
    asked_as::AskedAs,
    audit::{Did, Known},
    problem::Problem,
    project::InProject,
    query::parse,
};
use domain::{CustomerId, Environment, EventKind, NotSent, ReplayId};
use engine::{ActiveIntegration, Begun, REPLAY_RATES};
use jiff::{Timestamp, civil, tz::Offset};
use ledger::{Choice, ReplayOf, ReplayWhat};
use serde::Deserialize;
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, Type, schema::SchemaType},
};

/// What somebody asks to be replayed, as it was written.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = Replay)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Key of the integration.
    #[serde(default)]
    #[schema(required = true)]
    pub integration: String,
    /// `events`, the past ones, when absent; `states` sends how every customer stands now, to a webhook that heard nothing before. Of those only
    /// `environment`, `customer` and `per_second` count.
    #[serde(default)]
    #[schema(value_type = ReplayWhat)]
    pub what: String,
    /// `2026-11-20T10:00:00Z`; also without seconds, or a day alone, in UTC. Not asked of states.
    #[serde(default)]
    pub since: String,
    /// The same; now when empty.
    #[serde(default)]
    pub until: String,
    /// Kinds of events; empty for all.
    #[serde(default)]
    #[schema(value_type = Vec<EventKind>)]
    pub kinds: Vec<String>,
    /// Which events, by how they stand; those that failed when empty.
    #[serde(default)]
    #[schema(value_type = Vec<ReplayOf>)]
    pub standings: Vec<String>,
    /// Of those that failed or were never sent, for one of these reasons; empty for all.
    #[serde(default)]
    #[schema(value_type = Vec<NotSent>)]
    pub reasons: Vec<String>,
    /// `production` or `sandbox`; both when absent.
    #[serde(default)]
    #[schema(value_type = Environment)]
    pub environment: String,
    /// Any of the customer's names; empty for all.
    #[serde(default)]
    pub customer: String,
    /// Deliveries a second, at most.
    #[schema(schema_with = per_second)]
    pub per_second: Option<u32>,
    /// Only say what it would do.
    #[serde(default)]
    pub dry_run: bool,
}

fn per_second() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
        .minimum(Some(1))
        .maximum(Some(REPLAY_RATES.most))
        .description(Some("Deliveries a second, at most."))
        .build()
}

/// An instant as people write it.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let utc = |at: civil::DateTime| Offset::UTC.to_timestamp(at).ok();
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<civil::DateTime>().ok().and_then(utc))
}

/// What was asked, checked.
pub struct Wanted {
    /// To which integration.
    pub active: ActiveIntegration,
    /// Which events.
    pub choice: Choice,
    /// Deliveries a second, at most.
    pub per_second: u32,
}

impl Asked {
    /// Whether states are asked for.
    pub fn is_of_states(&self) -> bool {
        self.what == ReplayWhat::States.id()
    }

    /// Whether a kind of event was named.
    pub fn has_kind(&self, id: &str) -> bool {
        self.kinds.iter().any(|kind| kind == id)
    }

    /// Whether a standing was named.
    pub fn has_standing(&self, id: &str) -> bool {
        self.standings.iter().any(|standing| standing == id)
    }

    /// Whether a reason was named.
    pub fn has_reason(&self, id: &str) -> bool {
        self.reasons.iter().any(|reason| reason == id)
    }

    /// Checks every field. Each problem names the field and says what would be right.
    pub async fn check(
        &self,
        app: &App,
        project: &InProject,
    ) -> Result<Result<Wanted, Vec<configuration::Problem>>, Problem> {
        let mut wrong = Wrong::default();
        let active = self.active(project, &mut wrong)?;
        let what = self.what(active, &mut wrong);
        let span = self.span(what, app.engine.system().now(), &mut wrong);
        let (kinds, standings) = (self.kinds(&mut wrong), self.standings(&mut wrong));
        let reasons = self.reasons(&mut wrong);
        let environment = Environment::from_id(&self.environment);
        if environment.is_none() && !self.environment.is_empty() {
            let message = format!("{:?} is none of production, sandbox", self.environment);
            wrong.is("environment", message);
        }
        let customer = self.customer(app, project, &mut wrong).await?;
        let per_second = self.per_second.unwrap_or(REPLAY_RATES.usual);
        if per_second == 0 || per_second > REPLAY_RATES.most {
            let message = format!("is a number from 1 to {}", REPLAY_RATES.most);
            wrong.is("per_second", message);
        }
        Ok(match (active, span) {
            (Some(active), Some((since, until))) if wrong.0.is_empty() => Ok(Wanted {
                active: active.clone(),
                choice: Choice {
                    what,
                    since,
                    until,
                    kinds,
                    environment,
                    customer,
                    standings,
                    reasons,
                },
                per_second,
            }),
            _ => Err(wrong.0),
        })
    }

    fn active<'a>(
        &self,
        project: &'a InProject,
        wrong: &mut Wrong,
    ) -> Result<Option<&'a ActiveIntegration>, Problem> {
        let active = project.integration(&self.integration).ok();
        if active.is_none() {
            let known = project.integrations()?.iter();
            let keys: Vec<_> = known.map(|active| active.row.key.as_str()).collect();
            let message = format!("{:?} is none of: {}", self.integration, keys.join(", "));
            wrong.is("integration", message);
        }
        Ok(active)
    }

    /// What is sent, and whether the integration takes that.
    fn what(&self, active: Option<&ActiveIntegration>, wrong: &mut Wrong) -> ReplayWhat {
        let what = match self.what.as_str() {
            "" => Some(ReplayWhat::Events),
            id => ReplayWhat::from_id(id),
        };
        let Some(what) = what else {
            wrong.is("what", format!("{:?} is none of events, states", self.what));
            return ReplayWhat::Events;
        };
        let takes_states = |active: &ActiveIntegration| {
            let configured = active.configured.as_ref();
            configured.is_ok_and(|configured| configured.takes_states())
        };
        if what == ReplayWhat::States && active.is_some_and(|active| !takes_states(active)) {
            let message = "only a webhook can be told how customers stand";
            wrong.is("what", message.into());
        }
        what
    }

    fn span(
        &self,
        what: ReplayWhat,
        now: Timestamp,
        wrong: &mut Wrong,
    ) -> Option<(Timestamp, Timestamp)> {
        if what == ReplayWhat::States {
            return Some((Timestamp::UNIX_EPOCH, now));
        }
        let written = "is written like 2026-11-20T10:00:00Z";
        let since = moment(&self.since);
        if since.is_none() {
            let message = format!("{:?} is no time; one {written}", self.since);
            wrong.is("since", message);
        }
        let until = if self.until.trim().is_empty() {
            Some(now)
        } else {
            moment(&self.until)
        };
        if until.is_none() {
            let message = format!("{:?} is no time; one {written}", self.until);
            wrong.is("until", message);
        }
        let span = since.zip(until);
        if span.is_some_and(|(since, until)| since >= until) {
            wrong.is("until", "lies after `since`".into());
        }
        span
    }

    fn kinds(&self, wrong: &mut Wrong) -> Vec<EventKind> {
        let known = |kind: &String| {
            let known = EventKind::from_id(kind);
            if known.is_none() {
                wrong.is("kinds", format!("there is no event kind {kind:?}"));
            }
            known
        };
        self.kinds.iter().filter_map(known).collect()
    }

    fn standings(&self, wrong: &mut Wrong) -> Vec<ReplayOf> {
        if self.standings.is_empty() {
            return vec![ReplayOf::Failed];
        }
        let known = |standing: &String| {
            let known = ReplayOf::from_id(standing);
            if known.is_none() {
                let message = format!("{standing:?} is none of failed, never_sent, delivered");
                wrong.is("standings", message);
            }
            known
        };
        self.standings.iter().filter_map(known).collect()
    }

    fn reasons(&self, wrong: &mut Wrong) -> Vec<NotSent> {
        let known = |reason: &String| {
            let known = NotSent::from_id(reason);
            if known.is_none() {
                wrong.is("reasons", format!("there is no reason {reason:?}"));
            }
            known
        };
        self.reasons.iter().filter_map(known).collect()
    }

    async fn customer(
        &self,
        app: &App,
        project: &InProject,
        wrong: &mut Wrong,
    ) -> Result<Option<CustomerId>, Problem> {
        if self.customer.is_empty() {
            return Ok(None);
        }
        let found = app.engine.ledger().customer(project.id, &self.customer);
        let customer = found.await?.map(|record| record.customer.id);
        if customer.is_none() {
            let message = format!("there is no customer {:?}", self.customer);
            wrong.is("customer", message);
        }
        Ok(customer)
    }
}

/// What is wrong with a form, field by field.
#[derive(Default)]
struct Wrong(Vec<configuration::Problem>);

impl Wrong {
    fn is(&mut self, field: &str, message: String) {
        self.0.push(configuration::Problem {
            path: vec![field.into()],
            message,
        });
    }
}

/// Begins it; or answers with the one that began when the same request was made before.
pub async fn begin(
    app: &App,
    project: &InProject,
    wanted: Wanted,
    asked_as: Option<String>,
) -> Result<Begun, Problem> {
    let (replays, by) = (app.engine.replays(), &project.caller.name);
    let Wanted {
        active,
        choice,
        per_second,
    } = wanted;
    let begun = replays.start(&active, choice.clone(), per_second, by, asked_as);
    let begun = begun.await?;
    let replay = &begun.replay;
    // The end may be the moment at which it was asked for.
    let asked = Choice {
        until: replay.choice.until,
        ..choice
    };
    let is_it = (replay.integration, replay.per_second) == (active.row.id, per_second);
    if is_it && replay.choice == asked {
        Ok(begun)
    } else {
        Err(AskedAs::of_another())
    }
}

/// Stops it. One that is over stays as it is.
pub async fn stop(app: &App, project: &InProject, id: &str) -> Result<Did, Problem> {
    let replay: ReplayId = parse("replay", id).map_err(|_| Problem::not_found("replay", id))?;
    if app.engine.replays().cancel(project.id, replay).await? {
        return Ok(Did::AsStated(Known::default()));
    }
    let known = app.engine.ledger().replay(project.id, replay).await?;
    known.map_or_else(
        || Err(Problem::not_found("replay", id)),
        |_| Ok(Did::Nothing),
    )
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_are_read_as_people_write_them() {
        for (text, read) in [
            ("2026-11-20T10:00:00Z", Some("2026-11-20T10:00:00Z")),
            ("2026-11-20T10:00:00+02:00", Some("2026-11-20T08:00:00Z")),
            ("2026-11-20T10:00", Some("2026-11-20T10:00:00Z")),
            (" 2026-11-20 ", Some("2026-11-20T00:00:00Z")),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(
                moment(text),
                read.map(|read| read.parse().unwrap()),
                "{text}"
            );
        }
    }
}
