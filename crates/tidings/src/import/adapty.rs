//! What Adapty gives away: its export of events (S3, Google Cloud Storage), and profiles as its server API answers them.
//!
//! Source: Adapty docs, "Exports" (columns) and "Server-side API" (get profile), read in November 2026.

use super::{
    cells::{Cells, attributes, bought, header, of_json, of_table, text},
    entry::{Entry, Line},
};
use anyhow::{Result, bail};
use serde_json::Value;

/// The lines of a file, whichever of them it is.
pub(super) fn read(file: &str) -> Result<Vec<Line>> {
    let file = file.trim_start_matches('\u{feff}');
    if file.trim_start().starts_with(['{', '[']) {
        return Ok(of_profiles(file));
    }
    let columns = header(file);
    if !columns.is_empty() && !columns.iter().any(|name| name == "customer_user_id") {
        bail!(
            "expected a table with a column customer_user_id, or profiles in JSON; found {:?}",
            columns.join(",")
        );
    }
    Ok(of_table(file, of_row))
}

const NOBODY: &str = "there is no customer_user_id: whom a profile without one belongs to, only Adapty knows, and the app tells when it is opened next";

fn of_row(cells: &Cells<'_>) -> Result<Entry, String> {
    let mut entry = Entry::of(cells.first(&["customer_user_id"]).ok_or(NOBODY)?);
    entry.attributes = attributes(cells.object("attributes"));
    if let Some(store) = cells.first(&["store"]) {
        let ids = [
            cells.first(&["purchase_token"]),
            cells.first(&["original_transaction_id"]),
            cells.first(&["transaction_id"]),
        ];
        entry.purchase = Some(bought(store, &ids)?);
    }
    Ok(entry)
}

/// Profiles, one value or one in each line: each purchase of theirs is a line.
fn of_profiles(file: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut put = |entry| {
        lines.push(Line {
            number: lines.len() + 1,
            entry,
        });
    };
    for answer in of_json(file) {
        match answer {
            Err(problem) => put(Err(problem)),
            Ok(Value::Array(all)) => all.iter().flat_map(of_profile).for_each(&mut put),
            Ok(one) => of_profile(&one).into_iter().for_each(&mut put),
        }
    }
    lines
}

fn of_profile(answer: &Value) -> Vec<Result<Entry, String>> {
    let profile = answer.get("data").unwrap_or(answer);
    let Some(name) = profile["customer_user_id"].as_str() else {
        return vec![Err(NOBODY.to_owned())];
    };
    let mut customer = Entry::of(name);
    let listed = profile["custom_attributes"]
        .as_array()
        .into_iter()
        .flatten();
    let listed = listed.filter_map(|one| {
        let key = one["key"].as_str()?.to_owned();
        Some((key, text(&one["value"])?))
    });
    customer.attributes = listed.collect();
    let mut told = vec![Ok(customer)];
    for list in ["subscriptions", "non_subscriptions"] {
        for purchase in profile[list].as_array().into_iter().flatten() {
            let member = |member: &str| purchase[member].as_str();
            let ids = [
                member("purchase_token"),
                member("store_original_transaction_id"),
                member("store_transaction_id"),
            ];
            let bought = bought(member("store").unwrap_or_default(), &ids);
            told.push(bought.map(|bought| Entry {
                purchase: Some(bought),
                ..Entry::of(name)
            }));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer of the documentation's page, with what matters of it.
    #[test]
    fn a_profile_is_its_customer_and_each_of_its_purchases() {
        let answer = r#"{ "data": {
            "profile_id": "d8533a10-bcce-4e33-8c9d-88b05ac56559", "customer_user_id": "77B14FB4",
            "custom_attributes": [{ "key": "favourite_sport", "value": "yoga" }, { "key": "age", "value": 30 }],
            "subscriptions": [{ "store": "app_store", "store_transaction_id": "2000000815013008", "store_original_transaction_id": "2000000815013007" },
                { "store": "play_store", "store_transaction_id": "GPA.1", "store_original_transaction_id": "GPA.1" }],
            "non_subscriptions": [{ "store": "app_store", "store_transaction_id": "30002109551456", "store_original_transaction_id": "30002109551456" }] } }"#;
        let lines = read(answer).unwrap();
        let entries: Vec<_> = lines.iter().map(|line| line.entry.as_ref()).collect();
        assert_eq!(entries.len(), 4);
        assert_eq!(entries[0].unwrap().attributes.len(), 2);
        let token = |at: usize| {
            entries[at]
                .unwrap()
                .purchase
                .as_ref()
                .unwrap()
                .token
                .clone()
        };
        assert_eq!(
            (token(1), token(3)),
            ("2000000815013007".into(), "30002109551456".into())
        );
        assert!(entries[2].unwrap_err().contains("purchase token"));
    }

    #[test]
    fn the_export_of_events_is_read_and_who_has_no_name_is_told() {
        let file = "profile_id,event_type,customer_user_id,store,transaction_id,original_transaction_id,attributes\n\
            p1,subscription_started,ann,app_store,2,1,\"{\"\"color\"\":\"\"violet\"\"}\"\n\
            p2,subscription_started,,app_store,3,3,\n";
        let lines = read(file).unwrap();
        let ann = lines[0].entry.as_ref().unwrap();
        assert_eq!(ann.purchase.as_ref().unwrap().token, "1");
        assert_eq!(ann.attributes, [("color".to_owned(), "violet".to_owned())]);
        assert!(
            lines[1]
                .entry
                .as_ref()
                .unwrap_err()
                .contains("customer_user_id")
        );
    }
}
