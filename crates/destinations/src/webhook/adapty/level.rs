//! `access_level_updated`.

use super::common::{Common, common, discount, time};
use domain::{AccessLevel, Event, fact::OfferCategory};
use serde::Serialize;

/// Fields of `access_level_updated`.
#[derive(Serialize)]
pub(super) struct Level<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    access_level_id: &'a str,
    is_active: bool,
    expires_at: Option<String>,
    starts_at: Option<String>,
    activated_at: String,
    renewed_at: String,
    will_renew: bool,
    is_in_grace_period: bool,
    is_lifetime: bool,
    is_refund: bool,
    billing_issue_detected_at: Option<String>,
    cancellation_reason: Option<&'static str>,
    active_introductory_offer_type: Option<&'static str>,
    active_promotional_offer_type: Option<&'static str>,
    active_promotional_offer_id: Option<&'a str>,
    trial_duration: Option<String>,
}

pub(super) fn access_level<'a>(event: &'a Event, level: &'a AccessLevel) -> Level<'a> {
    let offer = event
        .transaction
        .as_ref()
        .and_then(|transaction| transaction.offer.as_ref())
        .filter(|_| level.is_active);
    let kind = offer.and_then(|offer| offer.discount).map(discount);
    let introductory =
        offer.is_some_and(|offer| offer.category == Some(OfferCategory::Introductory));
    Level {
        common: common(
            event,
            event
                .purchase
                .as_ref()
                .and_then(|purchase| purchase.expires_at),
        ),
        access_level_id: &level.id,
        is_active: level.is_active,
        expires_at: level.expires_at.map(time),
        starts_at: None,
        activated_at: time(level.activated_at),
        renewed_at: time(level.renewed_at),
        will_renew: level.will_renew,
        is_in_grace_period: level.is_in_grace_period,
        is_lifetime: level.is_lifetime,
        is_refund: level.is_refund,
        billing_issue_detected_at: level.billing_issue_detected_at.map(time),
        cancellation_reason: level
            .cancellation_reason
            .map(domain::CancellationReason::id),
        active_introductory_offer_type: kind.filter(|_| introductory),
        active_promotional_offer_type: kind.filter(|_| !introductory),
        active_promotional_offer_id: offer
            .filter(|_| !introductory)
            .and_then(|offer| offer.id.as_deref()),
        trial_duration: event
            .purchase
            .as_ref()
            .and_then(|purchase| purchase.trial_days)
            .map(|days| format!("{days} days")),
    }
}
