//! Through which campaign a customer came.

use super::common::time;
use domain::Event;
use std::{borrow::Cow, collections::BTreeMap};

/// Through which campaign the customer came, under the source that said so: what was told as an attribution, or else the
/// attributes that client SDKs write, which name no source.
pub(super) fn attribution(event: &Event) -> BTreeMap<&str, BTreeMap<&str, Cow<'_, str>>> {
    if let Some(told) = &event.customer.attribution {
        let fields = [
            ("channel", &told.channel),
            ("campaign", &told.campaign),
            ("ad_group", &told.ad_group),
            ("ad_set", &told.ad_set),
            ("creative", &told.creative),
            ("network_user_id", &told.network_user_id),
        ];
        let values = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, Cow::from(value.as_deref()?))))
            .chain([
                ("status", Cow::from(told.status.id())),
                ("created_at", Cow::from(time(told.created_at))),
            ])
            .collect();
        return BTreeMap::from([(told.source.as_str(), values)]);
    }
    let fields = [
        ("channel", "$mediaSource"),
        ("campaign", "$campaign"),
        ("ad_group", "$adGroup"),
        ("ad_set", "$ad"),
        ("creative", "$creative"),
    ];
    let values: BTreeMap<_, _> = fields
        .iter()
        .filter_map(|(theirs, ours)| {
            let value = event.customer.attributes.get(*ours)?;
            Some((*theirs, Cow::from(value.as_str())))
        })
        .collect();
    if values.is_empty() {
        BTreeMap::new()
    } else {
        BTreeMap::from([("custom", values)])
    }
}
