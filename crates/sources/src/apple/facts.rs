//! From Apple's fields to facts. One function per payload; the only place where Apple's codes are converted.

use super::{advanced, country, model, money::money};
use domain::{
    fact::{
        Discount, Note, Offer, OfferCategory, Ownership, PriceIncrease, RenewalFact, Revocation,
        Status, TransactionFact, TransactionKind, TransactionReason,
    },
    reason::ExpirationIntent,
    time::after,
};
use jiff::SignedDuration;

/// How long Apple waits for consumption information.
const CONSUMPTION_AWAITED: SignedDuration = SignedDuration::from_hours(12);

fn offer(transaction: &model::Transaction) -> Option<Offer> {
    let category = match transaction.offer_type {
        Some(1) => Some(OfferCategory::Introductory),
        Some(2) => Some(OfferCategory::Promotional),
        Some(3) => Some(OfferCategory::OfferCode),
        Some(4) => Some(OfferCategory::WinBack),
        _ => None,
    };
    let discount = match transaction.offer_discount_type.as_deref() {
        Some("FREE_TRIAL") => Some(Discount::FreeTrial),
        Some("PAY_AS_YOU_GO") => Some(Discount::PayAsYouGo),
        Some("PAY_UP_FRONT") => Some(Discount::PayUpFront),
        _ => None,
    };
    (transaction.offer_type.is_some() || discount.is_some()).then(|| Offer {
        category,
        discount,
        id: transaction.offer_identifier.clone(),
    })
}

/// What a transaction asserts of each of its lines.
pub(crate) fn transactions(from: &model::Transaction) -> Vec<TransactionFact> {
    let whole = transaction(from);
    advanced::lines(from, &whole).unwrap_or_else(|| vec![whole])
}

/// What renewal information asserts of each line.
pub(crate) fn renewals(from: &model::Renewal, status: Option<i64>) -> Vec<RenewalFact> {
    let whole = renewal(from, status);
    advanced::renewals(from, &whole).unwrap_or_else(|| vec![whole])
}

pub(crate) fn transaction(from: &model::Transaction) -> TransactionFact {
    let kind = match from.kind.as_deref() {
        Some("Non-Consumable") => TransactionKind::NonConsumable,
        Some("Consumable") => TransactionKind::Consumable,
        Some("Non-Renewing Subscription") => TransactionKind::NonRenewing,
        Some("Auto-Renewable Subscription") => TransactionKind::Subscription,
        // A type we do not know: what has an end is a subscription.
        _ if from.expires_date.is_some() => TransactionKind::Subscription,
        _ => TransactionKind::NonConsumable,
    };
    TransactionFact {
        original_purchased_at: from.original_purchase_date.unwrap_or(from.purchase_date),
        expires_at: from.expires_date,
        quantity: from.quantity.unwrap_or(1).max(1),
        price: money(from.price, from.currency.as_deref()),
        offer: offer(from),
        revocation: from.revocation_date.map(|at| Revocation {
            at,
            percentage: from.revocation_percentage,
        }),
        upgraded: from.is_upgraded == Some(true),
        ownership: match from.in_app_ownership_type.as_deref() {
            Some("FAMILY_SHARED") => Ownership::FamilyShared,
            _ => Ownership::Purchased,
        },
        reason: match from.transaction_reason.as_deref() {
            Some("PURCHASE") => Some(TransactionReason::Purchase),
            Some("RENEWAL") => Some(TransactionReason::Renewal),
            _ => None,
        },
        country: from
            .storefront
            .as_deref()
            .and_then(country::alpha2)
            .map(str::to_owned),
        ..TransactionFact::new(
            &from.transaction_id,
            kind,
            &from.product_id,
            from.purchase_date,
            from.signed_date,
        )
    }
}

pub(crate) fn renewal(from: &model::Renewal, status: Option<i64>) -> RenewalFact {
    RenewalFact {
        product: from.product_id.clone(),
        auto_renew: from.auto_renew_status.map(|status| status == 1),
        // Switched off, the charges of the term go on.
        term_renews: from
            .commitment_info
            .as_ref()
            .map(|commitment| commitment.commitment_auto_renew_status != Some(0)),
        next_product: from.auto_renew_product_id.clone(),
        intent: from.expiration_intent.map(|intent| match intent {
            1 => ExpirationIntent::Cancelled,
            2 => ExpirationIntent::BillingError,
            3 => ExpirationIntent::PriceIncrease,
            4 => ExpirationIntent::ProductUnavailable,
            _ => ExpirationIntent::Other,
        }),
        in_retry: from.is_in_billing_retry_period,
        grace_ends_at: from.grace_period_expires_date,
        price_increase: match from.price_increase_status {
            Some(0) => Some(PriceIncrease::Pending),
            Some(1) => Some(PriceIncrease::Accepted),
            _ => None,
        },
        renewal_price: money(from.renewal_price, from.currency.as_deref()),
        renews_at: from.renewal_date,
        status: match status {
            Some(1) => Some(Status::Active),
            Some(2) => Some(Status::Expired),
            Some(3) => Some(Status::Retry),
            Some(4) => Some(Status::Grace),
            Some(5) => Some(Status::Revoked),
            _ => None,
        },
        ..RenewalFact::new(from.signed_date)
    }
}

/// What a notification says that neither the transaction nor its renewal shows. Source: Apple, App Store Server Notifications,
/// `notificationType`; *Send Consumption Information*: an answer is awaited for twelve hours.
pub(crate) fn note(from: &model::Payload, data: &model::Data, transaction: &str) -> Option<Note> {
    let (at, transaction) = (from.signed_date, transaction.to_owned());
    match from.notification_type.as_str() {
        "CONSUMPTION_REQUEST" => Some(Note::RefundRequested {
            at,
            transaction,
            reason: data.consumption_request_reason.clone(),
            respond_by: Some(after(at, CONSUMPTION_AWAITED)),
            token: None,
        }),
        "REFUND_DECLINED" => Some(Note::RefundDeclined { at, transaction }),
        "REFUND_REVERSED" => Some(Note::RefundUndone { at, transaction }),
        _ => None,
    }
}
