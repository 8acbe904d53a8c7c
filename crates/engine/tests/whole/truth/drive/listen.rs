//! Somebody who hears of nothing but changes of access: what they know has to be what is so.

use crate::world::World;
use domain::{AccessLevel, EventKind};
use jiff::Timestamp;
use simulator::truth::Level;
use std::collections::BTreeMap;

/// What was told last of what each customer may use.
#[derive(Default)]
pub(super) struct Listener {
    /// Up to where the feed was read.
    position: u64,
    /// By customer, then by entitlement.
    told: BTreeMap<String, BTreeMap<String, AccessLevel>>,
    /// Who was told the same twice running.
    repeated: Vec<String>,
}

impl Listener {
    /// Hears what was told since.
    pub(super) async fn listen(&mut self, world: &World) {
        for row in world.feed_after(self.position).await {
            self.position = row.position;
            let event = row.event;
            let is_plain = event.cause.rule == "access.changed";
            let Some(level) = event
                .level
                .filter(|_| event.kind == EventKind::AccessLevelUpdated)
            else {
                continue;
            };
            let who = event.customer.app_user_id;
            let levels = self.told.entry(who.clone()).or_default();
            let known = levels.insert(level.id.clone(), level.clone());
            if is_plain && known.is_some_and(|known| shown(&known) == shown(&level)) {
                self.repeated.push(who);
            }
        }
    }

    /// What they know of a customer.
    pub(super) fn level(&self, who: &str, what: &str) -> Option<&AccessLevel> {
        self.told.get(who)?.get(what)
    }

    pub(super) fn was_repeated(&self, who: &str) -> bool {
        self.repeated.iter().any(|told| told == who)
    }
}

/// What is worth telling of a level.
pub(super) fn shown(level: &AccessLevel) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        level.is_active,
        level.expires_at,
        level.will_renew,
        level.is_in_grace_period,
        level.product.clone(),
        level.cancellation_reason,
    )
}

/// In what a level that was told differs from all that are true; `None` where it is one of them.
pub(super) fn differs(
    told: Option<&AccessLevel>,
    mut truly: Vec<Level>,
    now: Timestamp,
) -> Option<&'static str> {
    let told = told.filter(|told| told.is_active_at(now));
    let longest = truly.iter().map(|level| level.until).max();
    let (told, until) = match (told, longest) {
        (None, None) => return None,
        (Some(_), None) => return Some("told to be let in"),
        (None, Some(_)) => return Some("told to be shut out"),
        (Some(told), Some(until)) => (told, until),
    };
    if told.expires_at != Some(until) {
        return Some("told another end of access");
    }
    // Of several that last as long, any may be named.
    truly.retain(|level| level.until == until);
    let is =
        |differs: fn(&AccessLevel, &Level) -> bool| truly.iter().all(|level| differs(told, level));
    if is(|told, truly| told.will_renew != truly.renews) {
        Some("told that access renews, or not")
    } else if is(|told, truly| told.is_in_grace_period != truly.in_grace) {
        Some("told of grace, or not")
    } else if is(|told, truly| !truly.product.is_empty() && told.product != truly.product) {
        Some("told of another product that gives access")
    } else {
        None
    }
}
