//! What is told of an event.

use crate::common::{Platform, Who};
use domain::{Event, EventKind, Money};
use serde_json::{Map, Value};

/// What goes into `eventValue`; an empty text where there is nothing to say.
pub(super) fn value(event: &Event, amount: Option<Money>) -> Map<String, Value> {
    let mut value = Map::new();
    let mut tell = |name: &str, told: Option<Value>| {
        if let Some(told) = told {
            value.insert(name.to_owned(), told);
        }
    };
    let purchase = event.purchase.as_ref();
    tell("af_content_id", event.product.as_deref().map(Value::from));
    tell(
        "af_order_id",
        purchase.map(|purchase| purchase.chain.as_str().into()),
    );
    if let Some(amount) = amount {
        tell("af_revenue", Some(amount.decimal().into()));
        tell("af_currency", Some(amount.currency.code().into()));
    }
    let transaction = event.transaction.as_ref();
    let quantity = transaction.map(|transaction| transaction.quantity.to_string().into());
    tell("af_quantity", quantity);
    tell(
        "af_content_type",
        event.product.is_some().then(|| "in_app".into()),
    );
    let is_renewal = event.kind == EventKind::SubscriptionRenewed;
    tell("renewal", is_renewal.then(|| true.into()));
    value
}

/// `all`, or a list of partners, of fifty at most.
fn sharing_filter(said: &str) -> Value {
    const MOST: usize = 50;
    match serde_json::from_str(said) {
        Ok(Value::Array(mut partners)) => {
            partners.truncate(MOST);
            partners.into()
        }
        _ if said == "all" => said.into(),
        _ => {
            let partners = said.split(',').map(str::trim).take(MOST);
            partners.collect::<Vec<_>>().into()
        }
    }
}

/// Who it is about, as devices are told apart.
pub(super) fn identified(told: &mut Value, who: Who<'_>, platform: Platform) {
    let named: &[(&str, &str)] = match platform {
        Platform::Android => &[
            ("advertising_id", "$gpsAdId"),
            ("amazon_aid", "$amazonAdId"),
        ],
        _ => &[("idfa", "$idfa"), ("idfv", "$idfv")],
    };
    for (name, attribute) in named.iter().chain(&[("ip", "$ip")]) {
        if let Some(value) = who.attribute(attribute) {
            told[*name] = value.into();
        }
    }
    if let Some(version) = who.os_version() {
        told["os"] = version.into();
    }
    if platform == Platform::Ios && who.has_att() {
        told["att"] = who.att().number().to_string().into();
    }
    if let Some(filter) = who.attribute("$appsflyerSharingFilter") {
        told["sharing_filter"] = sharing_filter(filter);
    }
}

/// Bytes of a body, at most.
const LONGEST: usize = 1024;
/// What is left out of a body that is too long, in this order.
const SPARE: [&str; 4] = ["af_content_type", "af_quantity", "renewal", "af_content_id"];

/// The body, with as much of the value of the event as there is room for.
pub(super) fn fitted(mut told: Value, mut value: Map<String, Value>) -> Vec<u8> {
    let mut spare = SPARE.iter();
    loop {
        told["eventValue"] = if value.is_empty() {
            "".into()
        } else {
            Value::from(value.clone()).to_string().into()
        };
        let body = told.to_string().into_bytes();
        if body.len() <= LONGEST {
            return body;
        }
        let Some(next) = spare.next() else {
            return body;
        };
        value.remove(*next);
    }
}
