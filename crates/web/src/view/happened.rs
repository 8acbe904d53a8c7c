//! What happened, as it is shown: the event itself, without how it stands with anybody. `data` of a webhook in format `standard` promises the
//! same (docs/webhooks.md), which `crates/api/tests/wire.rs` holds both to.

use super::{
    access::AccessLevelView,
    amount::{MoneyView, OfferView},
    customer::CustomerView,
    standing::StandingView,
};
use domain::{
    AppId, CancellationReason, Environment, Event, EventId, EventKind, InboxId, ProjectId, Store,
    event::{AppRef, Cause, Line, Purchase, Request, TransactionRef},
    fact::{Ownership, TransactionKind},
    snapshot::Phase,
};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Something that happened. Immutable and self-contained.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub struct HappenedView {
    /// Derived from project, customer and key, so the same fact always has the same id.
    id: EventId,
    /// Unique per customer; makes detection exactly-once.
    key: String,
    /// What happened.
    kind: EventKind,
    /// Business time; may lie in the future for renewals charged early.
    occurred_at: Timestamp,
    /// When the message that caused it was received.
    recorded_at: Timestamp,
    /// Position among the customer's events, from 1, without gaps.
    customer_seq: u64,
    /// Production or sandbox.
    environment: Environment,
    /// Its project.
    project: ProjectId,
    /// Its app; `None` for test events of a project without apps.
    app: Option<AppRefView>,
    /// The customer as it was.
    customer: CustomerView,
    /// The purchase after the event.
    purchase: Option<PurchaseView>,
    /// The transaction it is about: of several lines, what of it was for the event's line.
    transaction: Option<TransactionView>,
    /// The one before, where it took over from that: by a change of product, or by a top-up of what is paid for ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_transaction: Option<TransactionView>,
    /// The line of the purchase it is about; absent where there is one only, and for the one that has no name.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    line: String,
    /// Every line of a purchase that has several, the base first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    lines: Vec<LineView>,
    /// It is about a further line, and another event tells the same of the base line: one charge, one cancellation, one end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    joins_base: bool,
    /// The product it is about.
    product: Option<String>,
    /// The product before, for a change of product.
    previous_product: Option<String>,
    /// Whether a change of product waits for the next renewal.
    #[schema(required = false)]
    scheduled: bool,
    /// Entitlements that the product unlocks.
    entitlements: Vec<String>,
    /// Why, for endings and refunds.
    cancellation_reason: Option<CancellationReason>,
    /// The level an access event is about.
    level: Option<AccessLevelView>,
    /// What the customer may use after the event, by entitlement.
    access: BTreeMap<String, AccessLevelView>,
    /// What led to it.
    cause: CauseView,
    /// Older than the window when its chain was first seen.
    #[schema(required = false)]
    historical: bool,
    /// Learned after something newer on the same chain.
    #[schema(required = false)]
    late: bool,
    /// For what somebody has to act on: what the store asks, and until when it waits for an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestView>,
    /// For "still active" events: after how many days.
    #[serde(skip_serializing_if = "Option::is_none")]
    after_days: Option<u32>,
    /// For transfers: whom the purchase belonged to before.
    #[serde(skip_serializing_if = "Option::is_none")]
    transferred_from: Option<CustomerView>,
}

impl From<Event> for HappenedView {
    fn from(event: Event) -> Self {
        let access = event.access.into_iter();
        Self {
            id: event.id,
            key: event.key,
            kind: event.kind,
            occurred_at: event.occurred_at,
            recorded_at: event.recorded_at,
            customer_seq: event.customer_seq,
            environment: event.environment,
            project: event.project,
            app: event.app.map(AppRefView::from),
            customer: event.customer.into(),
            purchase: event.purchase.map(PurchaseView::from),
            transaction: event.transaction.map(TransactionView::from),
            previous_transaction: event.previous_transaction.map(TransactionView::from),
            line: event.line,
            lines: event.lines.into_iter().map(LineView::from).collect(),
            joins_base: event.joins_base,
            product: event.product,
            previous_product: event.previous_product,
            scheduled: event.scheduled,
            entitlements: event.entitlements,
            cancellation_reason: event.cancellation_reason,
            level: event.level.map(AccessLevelView::from),
            access: access.map(|(id, level)| (id, level.into())).collect(),
            cause: event.cause.into(),
            historical: event.historical,
            late: event.late,
            request: event.request.map(RequestView::from),
            after_days: event.after_days,
            transferred_from: event.transferred_from.map(CustomerView::from),
        }
    }
}

/// The app an event belongs to.
#[derive(Serialize, ToSchema)]
#[schema(as = AppRef)]
struct AppRefView {
    /// Its id.
    id: AppId,
    /// Its key in the project.
    key: String,
    /// Its store.
    store: Store,
    /// What a store of one's own is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    store_name: Option<String>,
}

impl From<AppRef> for AppRefView {
    fn from(app: AppRef) -> Self {
        Self {
            id: app.id,
            key: app.key,
            store: app.store,
            store_name: app.store_name,
        }
    }
}

/// One line of a purchase, as it stands after an event: a product with a period and an end of its own.
#[derive(Serialize, ToSchema)]
#[schema(as = PurchaseLine)]
struct LineView {
    /// Its name within the purchase; one has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    name: String,
    /// Whether it stands for the whole: of those that run the one that was there first, then the dearest, then the first by
    /// name.
    is_base: bool,
    /// Its product.
    product: String,
    /// The store's id of the charge that paid for it: that of the event, or else its newest.
    transaction: String,
    /// Number of items.
    quantity: u32,
    /// What of that charge was for it.
    price: Option<MoneyView>,
    /// The same in US dollars, where known.
    price_usd: Option<MoneyView>,
    /// Tax, where the store reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax: Option<MoneyView>,
    /// What the event's refund gave back of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refunded: Option<MoneyView>,
    /// Start of the period that was paid for.
    purchased_at: Timestamp,
    /// Its end; `None` for one-time purchases.
    expires_at: Option<Timestamp>,
    /// Whether it gives access.
    gives_access: bool,
    /// Whether the store will renew it.
    will_renew: bool,
}

impl From<Line> for LineView {
    fn from(line: Line) -> Self {
        Self {
            name: line.name,
            is_base: line.is_base,
            product: line.product,
            transaction: line.transaction,
            quantity: line.quantity,
            price: line.price.map(MoneyView::from),
            price_usd: line.price_usd.map(MoneyView::from),
            tax: line.tax.map(MoneyView::from),
            refunded: line.refunded.map(MoneyView::from),
            purchased_at: line.purchased_at,
            expires_at: line.expires_at,
            gives_access: line.gives_access,
            will_renew: line.will_renew,
        }
    }
}

/// The purchase an event is about, as it stands after the event: of several lines, the line that the event is about.
#[derive(Serialize, ToSchema)]
#[schema(as = Purchase)]
struct PurchaseView {
    /// The store's id of the chain.
    chain: String,
    /// What was bought.
    kind: TransactionKind,
    /// Start of the chain.
    original_purchased_at: Timestamp,
    /// Start of the current period.
    purchased_at: Timestamp,
    /// End of the current period.
    expires_at: Option<Timestamp>,
    /// End of access: grace end, moment of revocation, or period end.
    access_until: Option<Timestamp>,
    /// What kind of period it is.
    phase: Phase,
    /// Where it stands.
    standing: StandingView,
    /// Whether the store will renew.
    will_renew: bool,
    /// What it will renew into, where that differs.
    next_product: Option<String>,
    /// What the next period will cost.
    renewal_price: Option<MoneyView>,
    /// Who paid.
    ownership: Ownership,
    /// Uninterrupted paid periods up to this one.
    consecutive_payments: u32,
    /// Whether they have lasted a year.
    over_a_year: bool,
    /// Days of the chain's free trial.
    trial_days: Option<i64>,
    /// The offering that led to it, where a client said.
    #[serde(skip_serializing_if = "Option::is_none")]
    offering: Option<String>,
    /// Paid for ahead and never renewed by the store (Google's prepaid plans).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    is_prepaid: bool,
}

impl From<Purchase> for PurchaseView {
    fn from(purchase: Purchase) -> Self {
        Self {
            chain: purchase.chain,
            kind: purchase.kind,
            original_purchased_at: purchase.original_purchased_at,
            purchased_at: purchase.purchased_at,
            expires_at: purchase.expires_at,
            access_until: purchase.access_until,
            phase: purchase.phase,
            standing: purchase.standing.into(),
            will_renew: purchase.will_renew,
            next_product: purchase.next_product,
            renewal_price: purchase.renewal_price.map(MoneyView::from),
            ownership: purchase.ownership,
            consecutive_payments: purchase.consecutive_payments,
            over_a_year: purchase.over_a_year,
            trial_days: purchase.trial_days,
            offering: purchase.offering,
            is_prepaid: purchase.is_prepaid,
        }
    }
}

/// The store transaction an event is about.
#[derive(Serialize, ToSchema)]
#[schema(as = TransactionRef)]
struct TransactionView {
    /// The store's id.
    id: String,
    /// Its start.
    purchased_at: Timestamp,
    /// Its end.
    expires_at: Option<Timestamp>,
    /// Number of items.
    quantity: u32,
    /// What was charged, before store commission; zero for a trial.
    price: Option<MoneyView>,
    /// The same in US dollars, where known.
    price_usd: Option<MoneyView>,
    /// What is left after the store's commission, where that is configured.
    proceeds: Option<MoneyView>,
    /// The same in US dollars, where known.
    proceeds_usd: Option<MoneyView>,
    /// How much was given back, or, where a refund is undone, taken again; absent where it is all of it.
    refunded: Option<MoneyView>,
    /// Tax, where the store reports it.
    tax: Option<MoneyView>,
    /// The same in US dollars, where known.
    tax_usd: Option<MoneyView>,
    /// What is left after commission and tax, where both are known.
    net: Option<MoneyView>,
    /// The same in US dollars, where known.
    net_usd: Option<MoneyView>,
    /// Whether it was a free trial.
    is_free: bool,
    /// Offer applied.
    offer: Option<OfferView>,
    /// ISO 3166-1 alpha-2 country of the store front.
    country: Option<String>,
    /// Google's purchase token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl From<TransactionRef> for TransactionView {
    fn from(transaction: TransactionRef) -> Self {
        Self {
            id: transaction.id,
            purchased_at: transaction.purchased_at,
            expires_at: transaction.expires_at,
            quantity: transaction.quantity,
            price: transaction.price.map(MoneyView::from),
            price_usd: transaction.price_usd.map(MoneyView::from),
            proceeds: transaction.proceeds.map(MoneyView::from),
            proceeds_usd: transaction.proceeds_usd.map(MoneyView::from),
            refunded: transaction.refunded.map(MoneyView::from),
            tax: transaction.tax.map(MoneyView::from),
            tax_usd: transaction.tax_usd.map(MoneyView::from),
            net: transaction.net.map(MoneyView::from),
            net_usd: transaction.net_usd.map(MoneyView::from),
            is_free: transaction.is_free,
            offer: transaction.offer.map(OfferView::from),
            country: transaction.country,
            token: transaction.token,
        }
    }
}

/// What a store asks of whoever runs the app.
#[derive(Serialize, ToSchema)]
#[schema(as = Request)]
struct RequestView {
    /// Why, in the store's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Until when the store waits for an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    respond_by: Option<Timestamp>,
    /// What an answer has to name, where that is not the transaction: Google's `pendingRefundToken`, Apple's
    /// `externalPurchaseId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// The store's id of the transaction that it is about, where nothing else is known of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<String>,
}

impl From<Request> for RequestView {
    fn from(request: Request) -> Self {
        Self {
            reason: request.reason,
            respond_by: request.respond_by,
            token: request.token,
            transaction: request.transaction,
        }
    }
}

/// What led to an event.
#[derive(Serialize, ToSchema)]
#[schema(as = Cause)]
struct CauseView {
    /// The raw message; `None` when time passing was the cause.
    inbox: Option<InboxId>,
    /// Name of the rule.
    rule: String,
}

impl From<Cause> for CauseView {
    fn from(cause: Cause) -> Self {
        Self {
            inbox: cause.inbox,
            rule: cause.rule,
        }
    }
}
