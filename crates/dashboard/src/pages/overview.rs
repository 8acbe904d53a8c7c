//! How a project goes: events by the hour, money by the day, what runs, and who is heard and reached.

use super::{Shell, exact, html, integrations::Standing, tone};
use crate::Dashboard;
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use domain::{Currency, Environment, Money, ProjectId};
use jiff::{SignedDuration, Timestamp, tz::Offset};
use ledger::{DeliveryFilter, DeliveryState, Running, Tally};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Page;
    use Method::Get;
    vec![Route::new(
        Get,
        "/projects/{project}/overview",
        Page,
        "",
        overview,
    )]
}

const HOURS: i64 = 24;
const DAYS: i64 = 28;
/// Deliveries from which shares and times are taken.
const SAMPLE: usize = 100;
/// How long the count of running subscriptions is good: it looks at every purchase.
const COUNTED_FOR: SignedDuration = SignedDuration::from_mins(5);
/// Layout of a chart, in its own units.
const WIDTH: f64 = 700.0;
const HEIGHT: f64 = 150.0;

/// Counts of running subscriptions that were made a moment ago, by project.
#[derive(Debug, Default)]
pub(crate) struct Counted(Mutex<BTreeMap<ProjectId, (Timestamp, Vec<Running>)>>);

/// One column of a chart, in parts from the bottom up.
struct Column {
    x: String,
    width: String,
    parts: Vec<Part>,
    label: String,
    /// Shown below the axis.
    tick: String,
    total: String,
    /// The hour or day is not over.
    is_open: bool,
}

struct Part {
    y: String,
    height: String,
    class: &'static str,
}

struct IntegrationLine {
    key: String,
    name: String,
    state: &'static str,
    color: &'static str,
    waiting: u64,
    share: String,
    median: String,
}

struct AppLine {
    key: String,
    name: String,
    store: &'static str,
    heard: String,
    problem: bool,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewTemplate {
    shell: Shell,
    environment: &'static str,
    other: &'static str,
    paid: u64,
    trials: u64,
    counted_at: String,
    revenue: String,
    told: u64,
    hours: Vec<Column>,
    days: Vec<Column>,
    /// Kind and how often, today's most frequent first.
    kinds: Vec<(&'static str, u64)>,
    integrations: Vec<IntegrationLine>,
    apps: Vec<AppLine>,
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

/// What one column stands for.
struct Bar {
    label: String,
    tick: String,
    /// From the bottom up, by class.
    parts: Vec<(&'static str, f64)>,
    total: String,
    is_open: bool,
}

/// Columns of equal width.
fn columns(bars: Vec<Bar>) -> Vec<Column> {
    let total = |bar: &Bar| bar.parts.iter().map(|(_, value)| value).sum::<f64>();
    let highest = bars.iter().map(total).fold(1.0, f64::max);
    let count = f64::from(u32::try_from(bars.len().max(1)).unwrap_or(1));
    let step = WIDTH / count;
    let mut x = 0.0;
    bars.into_iter()
        .map(|bar| {
            let mut top = HEIGHT;
            let parts = bar.parts.into_iter().filter(|(_, value)| *value > 0.0);
            let parts = parts.map(|(class, value)| {
                let height = (value / highest * (HEIGHT - 4.0)).max(1.0);
                top -= height;
                Part {
                    y: number(top),
                    height: number(height),
                    class,
                }
            });
            let column = Column {
                x: number(x + step * 0.12),
                width: number(step * 0.76),
                parts: parts.collect(),
                label: bar.label,
                tick: bar.tick,
                total: bar.total,
                is_open: bar.is_open,
            };
            x += step;
            column
        })
        .collect()
}

fn dollars(micros: i64) -> String {
    Money::new(micros, Currency::USD).to_string()
}

/// The beginning of an hour or a day.
fn floor(at: Timestamp, seconds: i64) -> i64 {
    at.as_second().div_euclid(seconds)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "heights of columns in a picture need no more than a float holds"
)]
fn height(count: i64) -> f64 {
    count as f64
}

fn by_hour(tallies: &[Tally], now: Timestamp) -> Vec<Column> {
    let last = floor(now, 3600);
    let bars = (last - HOURS + 1..=last).map(|hour| {
        let of_hour = || {
            tallies
                .iter()
                .filter(|tally| floor(tally.hour, 3600) == hour)
        };
        let sum = |wanted: &[&str]| {
            let counts = of_hour().filter(|tally| wanted.contains(&tone(tally.kind)));
            i64::try_from(counts.map(|tally| tally.count).sum::<u64>()).unwrap_or(i64::MAX)
        };
        let (good, bad, plain) = (sum(&["good"]), sum(&["bad", "warn"]), sum(&["plain"]));
        let at = Timestamp::from_second(hour * 3600).unwrap_or(now);
        let clock = Offset::UTC.to_datetime(at).strftime("%H:00").to_string();
        Bar {
            label: format!("{clock}: {good} good, {bad} bad, {plain} other"),
            tick: if hour % 4 == 0 { clock } else { String::new() },
            parts: vec![
                ("plain", height(plain)),
                ("good", height(good)),
                ("bad", height(bad)),
            ],
            total: (good + bad + plain).to_string(),
            is_open: hour == last,
        }
    });
    columns(bars.collect())
}

fn by_day(tallies: &[Tally], now: Timestamp) -> Vec<Column> {
    let last = floor(now, 86_400);
    let bars = (last - DAYS + 1..=last).map(|day| {
        let of_day = tallies
            .iter()
            .filter(|tally| floor(tally.hour, 86_400) == day);
        let micros: i64 = of_day.map(|tally| tally.usd_micros).sum();
        let at = Timestamp::from_second(day * 86_400).unwrap_or(now);
        let date = Offset::UTC.to_datetime(at).strftime("%d %b").to_string();
        Bar {
            label: format!("{date}: {}", dollars(micros)),
            tick: if day % 7 == 0 { date } else { String::new() },
            parts: vec![("good", height(micros.max(0)))],
            total: dollars(micros),
            is_open: day == last,
        }
    });
    columns(bars.collect())
}

async fn running(
    (app, counted): (&App, &Counted),
    project: ProjectId,
    now: Timestamp,
) -> Result<(Timestamp, Vec<Running>), Problem> {
    let known = {
        let counted = counted.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.get(&project).cloned()
    };
    if let Some((at, counts)) = known.filter(|(at, _)| at.duration_until(now) < COUNTED_FOR) {
        return Ok((at, counts));
    }
    let counts = app.engine.ledger().running(project, now).await?;
    let mut counted = counted.0.lock().unwrap_or_else(PoisonError::into_inner);
    counted.insert(project, (now, counts.clone()));
    Ok((now, counts))
}

async fn integration_lines(
    app: &App,
    project: &InProject,
) -> Result<Vec<IntegrationLine>, Problem> {
    let backlog: BTreeMap<_, _> = app.engine.ledger().backlog().await?.into_iter().collect();
    let mut lines = Vec::new();
    for active in project.integrations() {
        let filter = DeliveryFilter {
            project: Some(project.id),
            integration: Some(active.row.id),
            state: None,
        };
        let recent = app
            .engine
            .ledger()
            .deliveries(&filter, None, SAMPLE)
            .await?;
        let settled = || {
            recent
                .iter()
                .filter(|row| row.state != DeliveryState::Pending)
        };
        let delivered = settled().filter(|row| row.state == DeliveryState::Delivered);
        let mut times: Vec<u64> = delivered
            .filter_map(|row| row.last.as_ref().map(|last| last.duration_ms))
            .collect();
        times.sort_unstable();
        let (right, all) = (times.len(), settled().count());
        let standing = Standing::of(app, active);
        lines.push(IntegrationLine {
            key: active.row.key.clone(),
            name: active.row.name.clone(),
            state: standing.state,
            color: standing.color,
            waiting: backlog.get(&active.row.id).copied().unwrap_or(0),
            share: (right * 100)
                .checked_div(all)
                .map_or_else(|| "–".into(), |share| format!("{share} % of {all}")),
            median: times
                .get(times.len() / 2)
                .map_or_else(|| "–".into(), |ms| format!("{ms} ms")),
        });
    }
    Ok(lines)
}

/// `GET /projects/{project}/overview`; `?environment=sandbox` for test purchases.
pub(crate) async fn overview(
    State(app): State<App>,
    State(counted): State<Arc<Counted>>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "environment")
        .and_then(|(_, value)| Environment::from_id(&value));
    let now = app.engine.system().now();
    let since = now
        .saturating_sub(SignedDuration::from_hours(24 * DAYS))
        .unwrap_or(now);
    let tallies = app.engine.ledger().tallies(project.id, since).await?;
    // Where nothing real happened yet, test purchases are what there is to see.
    let has_real = tallies
        .iter()
        .any(|tally| tally.environment == Environment::Production);
    let environment = asked.unwrap_or(if has_real {
        Environment::Production
    } else {
        Environment::Sandbox
    });
    let tallies: Vec<Tally> = tallies
        .into_iter()
        .filter(|tally| tally.environment == environment)
        .collect();
    let (counted_at, counts) = running((&app, &counted), project.id, now).await?;
    let counts = counts.iter().find(|count| count.environment == environment);
    let day_ago = now
        .saturating_sub(SignedDuration::from_hours(24))
        .unwrap_or(now);
    let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
    for tally in tallies.iter().filter(|tally| tally.hour >= day_ago) {
        *kinds.entry(tally.kind.title()).or_default() += tally.count;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut apps = Vec::new();
    let rows = project.setup.configuration.apps.iter();
    for row in rows.filter(|row| row.project == project.id) {
        apps.push(AppLine {
            key: row.key.clone(),
            name: row.name.clone(),
            store: row.store().title(),
            heard: app
                .engine
                .intake()
                .last_heard(row.id)
                .await?
                .map(exact)
                .unwrap_or_default(),
            problem: project
                .setup
                .app(row.id)
                .is_some_and(|app| app.source.is_err()),
        });
    }
    Ok(html(&OverviewTemplate {
        shell: Shell::load(&app, &project, "overview", &uri).await?,
        environment: environment.id(),
        other: match environment {
            Environment::Production => Environment::Sandbox.id(),
            Environment::Sandbox => Environment::Production.id(),
        },
        paid: counts.map_or(0, |count| count.paid),
        trials: counts.map_or(0, |count| count.trials),
        counted_at: exact(counted_at),
        revenue: dollars(tallies.iter().map(|tally| tally.usd_micros).sum()),
        told: kinds.iter().map(|(_, count)| count).sum(),
        hours: by_hour(&tallies, now),
        days: by_day(&tallies, now),
        kinds,
        integrations: integration_lines(&app, &project).await?,
        apps,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::EventKind;

    #[test]
    fn charts_have_a_column_for_every_hour_and_day_and_say_the_same_in_words() {
        let now = Timestamp::from_second(1_800_000_000 + 1800).unwrap();
        let tally = |hours_ago: i64, kind, count, usd_micros| Tally {
            hour: Timestamp::from_second(1_800_000_000 - hours_ago * 3600).unwrap(),
            environment: Environment::Production,
            kind,
            count,
            usd_micros,
        };
        let tallies = [
            tally(0, EventKind::SubscriptionRenewed, 3, 30_000_000),
            tally(0, EventKind::SubscriptionRefunded, 1, -10_000_000),
            tally(30, EventKind::TrialStarted, 9, 0),
        ];
        let hours = by_hour(&tallies, now);
        assert_eq!(hours.len(), 24);
        let last = &hours[23];
        assert_eq!(
            (last.total.as_str(), last.parts.len(), last.is_open),
            ("4", 2, true)
        );
        assert!(
            last.label.ends_with("3 good, 1 bad, 0 other"),
            "{}",
            last.label
        );
        let days = by_day(&tallies, now);
        assert_eq!(days.len(), 28);
        assert_eq!(days[27].total, "$20.00");
        assert!(days[0].parts.is_empty(), "nothing is drawn for nothing");
    }
}
