//! Purchases made through the Advanced Commerce API: Apple's product is generic, and items say what was bought. Each item is a
//! line, named by its SKU, which is the product, too.
//!
//! Source: Apple, "Advanced Commerce API" and the objects `advancedCommerceTransactionInfo` and `advancedCommerceRenewalInfo` of the
//! App Store Server API, as of November 2026.

use super::{model, money::money};
use domain::{
    Money,
    fact::{PriceIncrease, RefundFact, RenewalFact, Revocation, Status, TransactionFact, share},
    reason::ExpirationIntent,
};

fn items(info: Option<&model::AdvancedCommerce>) -> Option<&[model::AdvancedItem]> {
    info.map(|info| info.items.as_slice())
        .filter(|items| !items.is_empty())
}

/// The lines of a transaction, of which `whole` says what is the same for all. The prices add up to what was charged.
pub(super) fn lines(
    from: &model::Transaction,
    whole: &TransactionFact,
) -> Option<Vec<TransactionFact>> {
    let info = from.advanced_commerce_info.as_ref();
    let items = items(info)?;
    let currency = from.currency.as_deref();
    let price = |item: &model::AdvancedItem| {
        let offered = item.offer.as_ref().and_then(|offer| offer.price);
        money(offered.or(item.price), currency)
    };
    let tax = money(info?.estimated_tax, currency);
    let part = |whole: Option<Money>, item: &model::AdvancedItem| {
        let weights = items.iter().map(|item| (item.sku.as_str(), price(item)));
        share(whole?, weights, &item.sku)
    };
    let line = |item: &model::AdvancedItem| TransactionFact {
        line: item.sku.clone(),
        product: item.sku.clone(),
        price: part(whole.price, item).or_else(|| price(item)),
        tax: part(tax, item),
        revocation: match (&whole.revocation, item.revocation_date) {
            // What was given back of the item says more.
            _ if !item.refunds.is_empty() => None,
            (_, Some(at)) => Some(Revocation {
                at,
                percentage: None,
            }),
            (whole, None) => whole.clone(),
        },
        ..whole.clone()
    };
    Some(items.iter().map(line).collect())
}

/// What was given back of single items.
pub(super) fn refunds(from: &model::Transaction) -> Vec<RefundFact> {
    let items = items(from.advanced_commerce_info.as_ref()).unwrap_or_default();
    let of_item = |item: &model::AdvancedItem, refund: &model::AdvancedRefund| RefundFact {
        version: from.signed_date,
        id: format!(
            "{}#{}:{}",
            from.transaction_id,
            item.sku,
            refund.refund_date.as_millisecond()
        ),
        transaction: from.transaction_id.clone(),
        line: Some(item.sku.clone()),
        at: refund.refund_date,
        amount: money(refund.refund_amount, from.currency.as_deref()),
        pieces_left: None,
        pieces: None,
        revokes: item.revocation_date.is_some(),
        is_undone: false,
    };
    items
        .iter()
        .flat_map(|item| item.refunds.iter().map(move |refund| of_item(item, refund)))
        .collect()
}

/// The renewal of each item, of which `whole` says what is the same for all.
pub(super) fn renewals(from: &model::Renewal, whole: &RenewalFact) -> Option<Vec<RenewalFact>> {
    let items = items(from.advanced_commerce_info.as_ref())?;
    let of_item = |item: &model::AdvancedItem| RenewalFact {
        line: item.sku.clone(),
        product: Some(item.sku.clone()),
        // The generic product says nothing about the item.
        next_product: None,
        renewal_price: money(item.price, from.currency.as_deref()),
        price_increase: match item.price_increase_info.as_ref().map(|info| &info.status) {
            Some(Some(status)) if status == "PENDING" => Some(PriceIncrease::Pending),
            Some(Some(status)) if status == "ACCEPTED" => Some(PriceIncrease::Accepted),
            _ => None,
        },
        ..whole.clone()
    };
    Some(items.iter().map(of_item).collect())
}

/// What renews, by the items that were paid for: one that renews instead of another is what that one will become. `paid` are all lines that
/// are seen, of which the newest charge counts. Source: Apple, "Advanced Commerce API", *Change Subscription*.
pub(super) fn planned(
    paid: &[TransactionFact],
    mut renewals: Vec<RenewalFact>,
) -> Vec<RenewalFact> {
    if let Some((old, index)) = becomes(paid, &renewals) {
        let said = &mut renewals[index];
        said.next_product = said.product.replace(old.product.clone());
        said.line.clone_from(&old.line);
    }
    renewals
}

/// The one line that was paid for and does not renew, and which of what renews is the one that was not paid for.
fn becomes<'a>(
    paid: &'a [TransactionFact],
    renewals: &[RenewalFact],
) -> Option<(&'a TransactionFact, usize)> {
    let renews = |fact: &&TransactionFact| renewals.iter().any(|said| said.line == fact.line);
    let is_paid = |said: &RenewalFact| newest(paid).any(|fact| fact.line == said.line);
    let mut gone = running(paid, renewals).filter(|fact| !renews(fact));
    let mut new = (0..renewals.len()).filter(|index| !is_paid(&renewals[*index]));
    let one = gone.next().zip(new.next());
    one.filter(|_| gone.next().is_none() && new.next().is_none())
}

/// The items that a transaction paid for and that will not be charged again: what renews does not name them, although nobody took
/// them back. Each runs to its end. `paid` are all lines that are seen, of which the newest charge counts.
pub(super) fn leaving(paid: &[TransactionFact], renewals: &[RenewalFact]) -> Vec<RenewalFact> {
    let Some(version) = renewals.first().map(|said| said.version) else {
        return Vec::new();
    };
    let stays = |fact: &&TransactionFact| renewals.iter().any(|said| said.line == fact.line);
    running(paid, renewals)
        .filter(|fact| !stays(fact))
        .map(|fact| RenewalFact {
            line: fact.line.clone(),
            product: Some(fact.product.clone()),
            auto_renew: Some(false),
            intent: Some(ExpirationIntent::Cancelled),
            status: Some(Status::Active),
            ended_at: fact.expires_at,
            ..RenewalFact::new(version)
        })
        .collect()
}

/// The lines of the newest charge.
fn newest(paid: &[TransactionFact]) -> impl Iterator<Item = &TransactionFact> {
    let newest = paid.iter().map(|fact| fact.purchased_at).max();
    paid.iter()
        .filter(move |fact| Some(fact.purchased_at) == newest)
}

/// Those of them that run when it is said what renews, of a purchase that has items.
fn running<'a>(
    paid: &'a [TransactionFact],
    renewals: &[RenewalFact],
) -> impl Iterator<Item = &'a TransactionFact> {
    let said = renewals.first().filter(|said| !said.line.is_empty());
    let said = said.map(|said| said.version);
    newest(paid).filter(move |fact| {
        let runs = said
            .zip(fact.expires_at)
            .is_some_and(|(said, ends)| said < ends);
        runs && !fact.line.is_empty() && fact.revocation.is_none()
    })
}

#[cfg(test)]
mod tests;
