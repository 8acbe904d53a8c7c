//! In one word, how it stands with the subscription that an event is about. Source: RevenueCat docs, the pages of its analytics and messaging
//! integrations, "Subscription status attribute".

use domain::{
    Event, EventKind, Store,
    snapshot::{Phase, Standing},
};

/// How it stands after the event; `None` where the event is about no subscription.
pub(crate) fn subscription_status(event: &Event) -> Option<&'static str> {
    let purchase = event.purchase.as_ref()?;
    purchase.expires_at?;
    let app = event.app.as_ref();
    let is_given = app.is_some_and(|app| app.store == Store::Promotional);
    let is_trial = purchase.phase == Phase::Trial;
    Some(match &purchase.standing {
        Standing::Expired { .. } | Standing::Revoked { .. } | Standing::Lapsed if is_given => {
            "expired_promotional"
        }
        Standing::Expired { .. }
        | Standing::Revoked { .. }
        | Standing::Lapsed
        | Standing::Retry { .. } => "expired",
        Standing::Paused { .. } => "paused",
        Standing::Grace { .. } if is_trial => "grace_period_trial",
        Standing::Grace { .. } => "grace_period",
        Standing::Current if is_given => "promotional",
        Standing::Current if is_trial && purchase.will_renew => "trial",
        Standing::Current if is_trial => "cancelled_trial",
        Standing::Current if !purchase.will_renew => "cancelled",
        Standing::Current if purchase.phase == Phase::Intro => "intro",
        Standing::Current => "active",
    })
}

/// Whether the subscription that an event is about gives access after it.
pub(crate) fn is_subscribed(event: &Event) -> bool {
    let is_end = matches!(
        event.kind,
        EventKind::SubscriptionExpired | EventKind::TrialExpired
    );
    let status = subscription_status(event).filter(|_| !is_end);
    status.is_some_and(|status| !matches!(status, "expired" | "expired_promotional" | "paused"))
}

/// What the customer may use after an event, by name.
pub(crate) fn active_entitlements(event: &Event) -> Vec<&str> {
    let active = event.access.iter().filter(|(_, level)| level.is_active);
    active.map(|(id, _)| id.as_str()).collect()
}
