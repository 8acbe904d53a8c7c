//! What the rule that fired changed: the purchase before the event, and after it.

use domain::{Event, event::Purchase, snapshot::Standing};
use jiff::Timestamp;
use ledger::{EventFilter, Page};
use web::{App, problem::Problem, project::InProject};

/// How far back the event before it on the same purchase is looked for.
const LOOK_BACK: usize = 50;

fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Current => "current".into(),
        Standing::Grace { until, .. } => format!("unpaid, in grace until {until:.0}"),
        Standing::Retry { since } => format!("unpaid since {since:.0}"),
        Standing::Lapsed => "period over, not confirmed yet".into(),
        Standing::Expired { at, reason } => format!("expired {at:.0}, {}", reason.id()),
        Standing::Paused { until: Some(until) } => format!("paused until {until:.0}"),
        Standing::Paused { until: None } => "paused".into(),
        Standing::Revoked { at } => format!("revoked {at:.0}"),
    }
}

/// What is shown of the purchase: of several lines, of the event's line. Of one line the event names the product that it is about, which may be
/// the next one or the one before, and is none of the purchase's state.
fn shown(event: &Event, purchase: &Purchase) -> Vec<(&'static str, String)> {
    let time = |at: Option<Timestamp>| at.map_or("never".into(), |at| format!("{at:.0}"));
    let line = event.lines.iter().find(|line| line.name == event.line);
    let product = line.map(|line| ("Product", line.product.clone()));
    let state = [
        ("Period", format!("{:?}", purchase.phase).to_lowercase()),
        ("Standing", standing(&purchase.standing)),
        ("Period ends", time(purchase.expires_at)),
        ("Access ends", time(purchase.access_until)),
        (
            "Renews",
            if purchase.will_renew { "yes" } else { "no" }.into(),
        ),
        (
            "Next product",
            purchase
                .next_product
                .clone()
                .unwrap_or_else(|| "the same".into()),
        ),
        ("Paid periods", purchase.consecutive_payments.to_string()),
    ];
    product.into_iter().chain(state).collect()
}

/// A value of the purchase, and what it is from.
pub(crate) struct ValuePart {
    pub(crate) name: &'static str,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) is_changed: bool,
    pub(crate) from: &'static str,
}

/// What the event before it on the same purchase, and its line, said, beside what this one says. What differs is `from` whatever led to
/// this one; what does not was known before.
pub(crate) async fn states(
    app: &App,
    project: &InProject,
    position: u64,
    event: &Event,
    from: &'static str,
) -> Result<Vec<ValuePart>, Problem> {
    let Some(purchase) = &event.purchase else {
        return Ok(Vec::new());
    };
    let filter = EventFilter {
        project: Some(project.id),
        customer: Some(event.customer.id),
        ..EventFilter::default()
    };
    let page = Page::Before(Some(position), LOOK_BACK);
    let earlier = app.engine.ledger().events(&filter, page).await?;
    let before = earlier.iter().find_map(|row| {
        let known = row.event.purchase.as_ref()?;
        let is_same = known.chain == purchase.chain && row.event.line == event.line;
        is_same.then(|| shown(&row.event, known))
    });
    let before = before.unwrap_or_default();
    let known = |name: &str| before.iter().find(|(known, _)| *known == name);
    Ok(shown(event, purchase)
        .into_iter()
        .map(|(name, after)| {
            let before = known(name).map(|(_, before)| before.clone());
            let is_changed = before.as_ref() != Some(&after);
            ValuePart {
                name,
                before: before.unwrap_or_else(|| "–".to_owned()),
                after,
                is_changed,
                from: if is_changed { from } else { "an earlier one" },
            }
        })
        .collect())
}
