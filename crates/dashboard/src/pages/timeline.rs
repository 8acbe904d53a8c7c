//! A customer's purchases and events on one axis of time, as a picture. The tables beside it say the same in words.

use domain::{
    Snapshot,
    fact::{Discount, Ownership, TransactionFact, TransactionKind},
    snapshot::Standing,
};
use engine::Setup;
use jiff::{SignedDuration, Timestamp, tz::Offset};
use ledger::{FeedRow, Purchase};

/// Width and layout of the picture, in its own units.
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 170.0;
const LANE: f64 = 30.0;
const TOP: f64 = 28.0;
/// Marks on the axis.
const TICKS: i32 = 6;
/// Purchases drawn; the table has them all.
const MOST_LANES: usize = 12;

/// A stretch of time in one lane.
pub(super) struct Bar {
    pub(super) x: String,
    pub(super) width: String,
    pub(super) y: String,
    /// `trial`, `paid`, `grace`, `retry`, `paused`, `shared`.
    pub(super) class: &'static str,
    pub(super) title: String,
}

/// A moment in one lane.
pub(super) struct Dot {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) class: String,
    pub(super) title: String,
    pub(super) href: String,
}

pub(super) struct Lane {
    pub(super) y: String,
    pub(super) name: String,
}

pub(super) struct Timeline {
    pub(super) height: String,
    pub(super) lanes: Vec<Lane>,
    pub(super) bars: Vec<Bar>,
    pub(super) dots: Vec<Dot>,
    /// Position and date.
    pub(super) ticks: Vec<(String, String)>,
    pub(super) now: String,
}

struct Axis {
    from: Timestamp,
    to: Timestamp,
}

impl Axis {
    fn span(&self) -> SignedDuration {
        self.from.duration_until(self.to)
    }

    fn x(&self, at: Timestamp) -> f64 {
        let share = self.from.duration_until(at).as_secs_f64() / self.span().as_secs_f64().max(1.0);
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - 10.0)
    }

    /// Evenly spaced moments, both ends among them.
    fn ticks(&self) -> impl Iterator<Item = Timestamp> {
        (0..=TICKS).filter_map(|number| self.from.checked_add(self.span() * number / TICKS).ok())
    }
}

fn text(number: f64) -> String {
    format!("{number:.1}")
}

fn day(at: Timestamp) -> String {
    Offset::UTC.to_datetime(at).strftime("%d %b %Y").to_string()
}

/// Short lives need the time of day on their axis.
fn label(at: Timestamp, is_short: bool) -> String {
    if is_short {
        Offset::UTC
            .to_datetime(at)
            .strftime("%d %b %H:%M:%S")
            .to_string()
    } else {
        day(at)
    }
}

fn class_of(fact: &TransactionFact) -> &'static str {
    let is_free = fact.is_free()
        || fact
            .offer
            .as_ref()
            .is_some_and(|offer| offer.discount == Some(Discount::FreeTrial));
    match fact.ownership {
        Ownership::FamilyShared => "shared",
        Ownership::Purchased if is_free => "trial",
        Ownership::Purchased => "paid",
    }
}

/// What follows the last period: grace, retries, a pause.
fn tail(snapshot: &Snapshot, now: Timestamp) -> Option<(Timestamp, Timestamp, &'static str)> {
    let end = snapshot.expires_at?;
    match snapshot.standing {
        Standing::Grace { since, until } => Some((since, until, "grace")),
        Standing::Retry { since } => Some((since, now.max(since), "retry")),
        Standing::Paused { until } => Some((end, until.unwrap_or(now).max(end), "paused")),
        _ => None,
    }
}

pub(super) fn timeline(
    setup: &Setup,
    project: &str,
    purchases: &[Purchase],
    events: &[FeedRow],
    now: Timestamp,
) -> Option<Timeline> {
    let mut chains: Vec<&Purchase> = purchases.iter().collect();
    chains.sort_by_key(|owned| std::cmp::Reverse(owned.stored.snapshot.purchased_at));
    chains.truncate(MOST_LANES);
    let facts = || {
        chains
            .iter()
            .flat_map(|owned| owned.stored.facts.transactions.values())
    };
    let starts = facts().map(|known| known.fact.purchased_at);
    let told = events.iter().map(|row| row.event.occurred_at);
    let from = starts.chain(told).min()?;
    let ends = facts().filter_map(|known| known.fact.expires_at);
    let year = SignedDuration::from_hours(24 * 366);
    let horizon = now.saturating_add(year).unwrap_or(now);
    let to = ends.filter(|end| *end <= horizon).chain([now]).max()?;
    let margin = from.duration_until(to) / 50 + SignedDuration::from_secs(1);
    let axis = Axis {
        from: from.checked_sub(margin).unwrap_or(from),
        to: to.checked_add(margin).unwrap_or(to),
    };
    let (mut lanes, mut bars, mut dots) = (Vec::new(), Vec::new(), Vec::new());
    let mut lane = |name: String| {
        let y = TOP + LANE * lanes.len() as f64;
        lanes.push(Lane {
            y: text(y + LANE / 2.0 + 4.0),
            name,
        });
        y
    };
    for Purchase { chain, stored, .. } in chains.iter().copied() {
        let snapshot = &stored.snapshot;
        let y = lane(snapshot.product.chars().take(24).collect());
        let mut bar = |from: Timestamp, to: Timestamp, class, what: String| {
            let (x, end) = (axis.x(from), axis.x(to));
            bars.push(Bar {
                x: text(x),
                width: text((end - x).max(2.0)),
                y: text(y + 7.0),
                class,
                title: format!("{what}, {} to {}", label(from, false), label(to, false)),
            });
        };
        for known in stored.facts.transactions.values() {
            let fact = &known.fact;
            if let Some(end) = fact.expires_at {
                let refunded = known.refunds.keys().min();
                let end = refunded
                    .map_or(end, |at| end.min(*at))
                    .max(fact.purchased_at);
                let what = format!("{} in {}", fact.product, chain.store.title());
                bar(fact.purchased_at, end, class_of(fact), what);
            } else {
                let what = match fact.kind {
                    TransactionKind::Consumable => "bought",
                    _ => "owned",
                };
                dots.push(Dot {
                    x: text(axis.x(fact.purchased_at)),
                    y: text(y + LANE / 2.0),
                    class: "green".into(),
                    title: format!("{} {what} {}", fact.product, day(fact.purchased_at)),
                    href: String::new(),
                });
            }
        }
        if let Some((from, to, class)) = tail(snapshot, now) {
            bar(from, to, class, class.to_owned());
        }
    }
    let y = lane("Events".into());
    for row in events {
        let event = &row.event;
        dots.push(Dot {
            x: text(axis.x(event.occurred_at)),
            y: text(y + LANE / 2.0),
            class: super::tone(event.kind).into(),
            title: format!("{}, {}", event.kind.title(), label(event.occurred_at, true)),
            href: format!("/projects/{project}/events/{}", event.id),
        });
    }
    let mut ids: Vec<domain::IntegrationId> = Vec::new();
    for (id, _) in events.iter().flat_map(|row| &row.integrations) {
        if !ids.contains(id) {
            ids.push(*id);
        }
    }
    for id in ids {
        let Some(active) = setup.integration(id) else {
            continue;
        };
        let y = lane(active.row.name.chars().take(24).collect());
        for row in events {
            let states = row.integrations.iter().filter(|(known, _)| *known == id);
            for (_, state) in states {
                let view = web::view::state(setup.integration(id), &id.to_string(), state);
                if view.state == "not_sent" && view.color == "grey" {
                    continue;
                }
                dots.push(Dot {
                    x: text(axis.x(row.event.recorded_at)),
                    y: text(y + LANE / 2.0),
                    class: view.color.into(),
                    title: format!("{}: {}", row.event.kind.title(), view.text),
                    href: format!("/projects/{project}/events/{}#{}", row.event.id, view.key),
                });
            }
        }
    }
    let is_short = axis.span() < SignedDuration::from_hours(3 * 24);
    let ticks = axis
        .ticks()
        .map(|at| (text(axis.x(at)), label(at, is_short)));
    Some(Timeline {
        ticks: ticks.collect(),
        height: text(TOP + LANE * lanes.len() as f64 + 12.0),
        now: text(axis.x(now)),
        lanes,
        bars,
        dots,
    })
}
