//! In one word, how it stands with a subscription. Source: RevenueCat docs, "Subscription status attribute".

use crate::{body, known, ready};
use domain::{
    CancellationReason, EventKind, Store,
    snapshot::{Phase, Standing},
};
use serde_json::json;

#[test]
fn every_standing_has_its_word() {
    let configured = ready("posthog", &json!({ "project_api_key": "phc" }));
    let event = known::event(EventKind::SubscriptionStarted);
    let at = event.occurred_at;
    let until = at;
    let reason = CancellationReason::VoluntarilyCancelled;
    let (trial, intro, regular) = (Phase::Trial, Phase::Intro, Phase::Regular);
    let grace = Standing::Grace { since: at, until };
    let ended = Standing::Expired { at, reason };
    let (bought, given) = (Store::AppStore, Store::Promotional);
    for (standing, phase, will_renew, store, word) in [
        (Standing::Current, regular, true, bought, "active"),
        (Standing::Current, intro, true, bought, "intro"),
        (Standing::Current, trial, true, bought, "trial"),
        (Standing::Current, regular, false, bought, "cancelled"),
        (Standing::Current, intro, false, bought, "cancelled"),
        (Standing::Current, trial, false, bought, "cancelled_trial"),
        (grace.clone(), regular, true, bought, "grace_period"),
        (grace, trial, true, bought, "grace_period_trial"),
        (ended.clone(), regular, false, bought, "expired"),
        (Standing::Revoked { at }, regular, false, bought, "expired"),
        (
            Standing::Retry { since: at },
            regular,
            true,
            bought,
            "expired",
        ),
        (Standing::Current, regular, false, given, "promotional"),
        (ended, regular, false, given, "expired_promotional"),
        (
            Standing::Paused { until: None },
            regular,
            true,
            bought,
            "paused",
        ),
    ] {
        let mut event = event.clone();
        event.app.as_mut().unwrap().store = store;
        let purchase = event.purchase.as_mut().unwrap();
        purchase.standing = standing.clone();
        (purchase.phase, purchase.will_renew) = (phase, will_renew);
        let told = body(configured.as_ref(), &event);
        let status = &told["properties"]["$set"]["subscription_status"];
        assert_eq!(status, word, "{standing:?} {phase:?} {will_renew}");
    }
}
