//! A customer's purchases and events on one axis of time, as a picture. The tables beside it say the same in words.

use super::axis::{Axis, Tick, day, minute, text};
use crate::row::tone;
use domain::{
    ChainKey, Facts, IntegrationId, Snapshot,
    fact::{Discount, Ownership, TransactionFact, TransactionKind},
    snapshot::Standing,
};
use engine::Setup;
use jiff::Timestamp;
use ledger::{FeedRow, Purchase};
use std::cmp::Reverse;
use web::view;

/// Layout of the picture, in its own units.
const LANE: f64 = 30.0;
const TOP: f64 = 28.0;
/// Purchases drawn; the table has them all.
const MOST_LANES: usize = 12;
/// Letters of a lane's name.
const LONGEST_NAME: usize = 24;

/// What a stretch of time was.
#[derive(Clone, Copy)]
pub(crate) enum Band {
    Trial,
    Paid,
    Shared,
    Grace,
    Retry,
    Paused,
}

impl Band {
    /// All of them, in the order of the legend.
    pub(crate) const ALL: [Self; 6] = [
        Self::Trial,
        Self::Paid,
        Self::Shared,
        Self::Grace,
        Self::Retry,
        Self::Paused,
    ];

    /// As people read it: in the legend, on a band, and in the documentation.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Paid => "paid",
            Self::Shared => "shared",
            Self::Grace => "grace",
            Self::Retry => "unpaid",
            Self::Paused => "paused",
        }
    }

    /// As the style sheet knows it.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Paid => "paid",
            Self::Shared => "shared",
            Self::Grace => "grace",
            Self::Retry => "retry",
            Self::Paused => "paused",
        }
    }
}

/// A stretch of time in one lane.
pub(crate) struct Bar {
    pub(crate) x: String,
    pub(crate) width: String,
    pub(crate) y: String,
    pub(crate) band: Band,
    pub(crate) title: String,
}

/// A moment in one lane.
pub(crate) struct Dot {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) class: String,
    pub(crate) title: String,
    pub(crate) href: String,
}

/// What one line of the picture is about.
pub(crate) struct Lane {
    pub(crate) y: String,
    pub(crate) name: String,
}

/// The picture.
pub(crate) struct Timeline {
    pub(crate) height: String,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) bars: Vec<Bar>,
    pub(crate) dots: Vec<Dot>,
    pub(crate) ticks: Vec<Tick>,
    pub(crate) now: String,
}

fn bought(fact: &TransactionFact) -> Band {
    let is_free = fact.is_free()
        || fact
            .offer
            .as_ref()
            .is_some_and(|offer| offer.discount == Some(Discount::FreeTrial));
    match fact.ownership {
        Ownership::FamilyShared => Band::Shared,
        Ownership::Purchased if is_free => Band::Trial,
        Ownership::Purchased => Band::Paid,
    }
}

/// What follows the last period: grace, retries, a pause.
fn tail(snapshot: &Snapshot, now: Timestamp) -> Option<(Timestamp, Timestamp, Band)> {
    let end = snapshot.expires_at?;
    match snapshot.standing {
        Standing::Grace { since, until } => Some((since, until, Band::Grace)),
        Standing::Retry { since } => Some((since, now.max(since), Band::Retry)),
        Standing::Paused { until } => Some((end, until.unwrap_or(now).max(end), Band::Paused)),
        _ => None,
    }
}

/// A picture being drawn, lane by lane.
struct Drawing {
    axis: Axis,
    lanes: Vec<Lane>,
    bars: Vec<Bar>,
    dots: Vec<Dot>,
    /// The top of the lane that is drawn in.
    y: f64,
}

impl Drawing {
    fn lane(&mut self, name: &str) {
        self.y = self.bottom();
        self.lanes.push(Lane {
            y: text(self.y + LANE / 2.0 + 4.0),
            name: name.chars().take(LONGEST_NAME).collect(),
        });
    }

    #[expect(clippy::cast_precision_loss, reason = "there are a few lanes")]
    fn bottom(&self) -> f64 {
        TOP + LANE * self.lanes.len() as f64
    }

    fn bar(&mut self, (from, to): (Timestamp, Timestamp), band: Band, what: &str) {
        let (x, end) = (self.axis.x(from), self.axis.x(to));
        self.bars.push(Bar {
            x: text(x),
            width: text((end - x).max(2.0)),
            y: text(self.y + 7.0),
            band,
            title: format!("{what}, {} to {}", day(from), day(to)),
        });
    }

    fn dot(&mut self, at: Timestamp, class: &str, (title, href): (String, String)) {
        self.dots.push(Dot {
            x: text(self.axis.x(at)),
            y: text(self.y + LANE / 2.0),
            class: class.to_owned(),
            title,
            href,
        });
    }

    /// Of every line each period that was bought, and what followed the last.
    fn purchase(&mut self, Purchase { chain, stored, .. }: &Purchase, now: Timestamp) {
        for line in stored.snapshot.lines() {
            self.line(chain, &stored.facts, line, now);
        }
    }

    fn line(&mut self, chain: &ChainKey, facts: &Facts, snapshot: &Snapshot, now: Timestamp) {
        self.lane(&snapshot.product);
        let all = facts.transactions.values();
        for known in all.filter(|known| known.fact.line == snapshot.line) {
            let fact = &known.fact;
            let from = fact.purchased_at;
            if let Some(end) = fact.expires_at {
                let refunded = known.refunds.keys().min();
                let end = refunded.map_or(end, |at| end.min(*at)).max(from);
                let what = format!("{} in {}", fact.product, chain.store.title());
                self.bar((from, end), bought(fact), &what);
            } else {
                let what = match fact.kind {
                    TransactionKind::Consumable => "bought",
                    _ => "owned",
                };
                let title = format!("{} {what} {}", fact.product, day(from));
                self.dot(from, "green", (title, String::new()));
            }
        }
        if let Some((from, to, band)) = tail(snapshot, now) {
            self.bar((from, to), band, band.word());
        }
    }

    /// When everything happened.
    fn events(&mut self, project: &str, events: &[FeedRow]) {
        self.lane("Events");
        for event in events.iter().map(|row| &row.event) {
            let title = format!("{}, {}", event.kind.title(), minute(event.occurred_at));
            let href = format!("/projects/{project}/events/{}", event.id);
            self.dot(event.occurred_at, tone(event.kind), (title, href));
        }
    }

    /// When an integration was told, and how that went.
    fn deliveries(&mut self, setup: &Setup, id: IntegrationId, project: &str, events: &[FeedRow]) {
        let Some(active) = setup.integration(id) else {
            return;
        };
        self.lane(&active.row.name);
        for row in events {
            let states = row.integrations.iter().filter(|(known, _)| *known == id);
            for (_, state) in states {
                let of = row.event.environment;
                let view = view::state(Some(active), of, &id.to_string(), state);
                if view.state == "not_sent" && view.color == "grey" {
                    continue;
                }
                let event = &row.event;
                let title = format!("{}: {}", event.kind.title(), view.text);
                let href = format!("/projects/{project}/events/{}#{}", event.id, view.key);
                self.dot(event.recorded_at, view.color, (title, href));
            }
        }
    }
}

/// Integrations that were told any of these, in the order in which they come up.
fn told(events: &[FeedRow]) -> Vec<IntegrationId> {
    let mut ids = Vec::new();
    for (id, _) in events.iter().flat_map(|row| &row.integrations) {
        if !ids.contains(id) {
            ids.push(*id);
        }
    }
    ids
}

/// The picture; `None` where there is nothing to draw.
pub(crate) fn timeline(
    setup: &Setup,
    project: &str,
    purchases: &[Purchase],
    events: &[FeedRow],
    now: Timestamp,
) -> Option<Timeline> {
    let mut chains: Vec<&Purchase> = purchases.iter().collect();
    chains.sort_by_key(|owned| Reverse(owned.stored.snapshot.purchased_at));
    chains.truncate(MOST_LANES);
    let facts = || {
        let chains = chains.iter();
        chains.flat_map(|owned| owned.stored.facts.transactions.values())
    };
    let starts = facts().map(|known| known.fact.purchased_at);
    let told_at = events.iter().map(|row| row.event.occurred_at);
    let ends = facts().filter_map(|known| known.fact.expires_at);
    let mut drawing = Drawing {
        axis: Axis::over(starts.chain(told_at), ends, now)?,
        lanes: Vec::new(),
        bars: Vec::new(),
        dots: Vec::new(),
        y: TOP,
    };
    for owned in chains {
        drawing.purchase(owned, now);
    }
    drawing.events(project, events);
    for id in told(events) {
        drawing.deliveries(setup, id, project, events);
    }
    Some(Timeline {
        ticks: drawing.axis.ticks(),
        height: text(drawing.bottom() + 12.0),
        now: text(drawing.axis.x(now)),
        lanes: drawing.lanes,
        bars: drawing.bars,
        dots: drawing.dots,
    })
}

#[cfg(test)]
mod tests {
    use super::Band;

    #[test]
    fn the_documentation_has_the_words_of_the_picture() {
        const PAGE: &str = include_str!("../../../../docs/dashboard.md");
        let (_, text) = PAGE.split_once("## Customers").unwrap();
        let (text, _) = text.split_once("\n## ").unwrap();
        for band in Band::ALL {
            assert!(text.contains(band.word()), "{}: {text}", band.word());
        }
    }
}
