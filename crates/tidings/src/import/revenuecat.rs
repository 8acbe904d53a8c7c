//! What RevenueCat gives away: the transactions feed of its scheduled data exports, a list of customers, pages of its API v2.
//!
//! Source: RevenueCat docs, "Scheduled Data Exports", transactions feed (versions 3 to 7), read in November 2026; RevenueCat API v2 reference,
//! customers, subscriptions and purchases.

use super::{
    cells::{Cells, attributes, bought, header, of_json, of_table, text},
    entry::{Entry, Line},
};
use anyhow::{Result, bail};
use serde_json::Value;

/// Columns of a customer's names, the one of now first.
const NAMES: [&str; 5] = [
    "rc_last_seen_app_user_id_alias",
    "app_user_id",
    "last_seen_app_user_id",
    "original_app_user_id",
    "rc_original_app_user_id",
];

/// The lines of a file, whichever of them it is.
pub(super) fn read(file: &str) -> Result<Vec<Line>> {
    let file = file.trim_start_matches('\u{feff}');
    if file.trim_start().starts_with(['{', '[']) {
        return Ok(of_pages(file));
    }
    let columns = header(file);
    if !columns.is_empty() && !columns.iter().any(|name| NAMES.contains(&name.as_str())) {
        bail!(
            "expected a table with one of the columns {}, or pages of JSON; found {:?}",
            NAMES.join(", "),
            columns.join(",")
        );
    }
    Ok(of_table(file, of_row))
}

fn of_row(cells: &Cells<'_>) -> Result<Entry, String> {
    let names = NAMES.iter().filter_map(|column| cells.first(&[column]));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    if let Some(Value::Array(aliases)) = cells.object("aliases") {
        names.extend(aliases.iter().filter_map(text));
    }
    let mut entry = named(names)?;
    for column in [
        "reserved_subscriber_attributes",
        "custom_subscriber_attributes",
        "attributes",
    ] {
        entry.attributes.extend(attributes(cells.object(column)));
    }
    let own = cells.beginning("$");
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    entry.attributes.extend(own);
    if let Some(store) = cells.first(&["store"]) {
        let ids = [
            cells.first(&["purchase_token", "token"]),
            cells.first(&["original_store_transaction_id"]),
            cells.first(&["store_transaction_id"]),
        ];
        entry.purchase = Some(bought(store, &ids)?);
    }
    Ok(entry)
}

/// A customer by its names: the first is what it is called now.
fn named(names: Vec<String>) -> Result<Entry, String> {
    let mut names = names.into_iter();
    let now = names.next().ok_or("no customer is named")?;
    let mut entry = Entry::of(now);
    for name in names {
        if name != entry.app_user_id && !entry.names.contains(&name) {
            entry.names.push(name);
        }
    }
    Ok(entry)
}

/// Pages of API v2, as they were answered: each of their items is a line.
fn of_pages(file: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut put = |entry| {
        lines.push(Line {
            number: lines.len() + 1,
            entry,
        });
    };
    for page in of_json(file) {
        match page {
            Err(problem) => put(Err(problem)),
            Ok(Value::Array(pages)) => pages
                .iter()
                .flat_map(items)
                .for_each(|item| put(of_item(item))),
            Ok(page) => items(&page).for_each(|item| put(of_item(item))),
        }
    }
    lines
}

fn items(page: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match page["items"].as_array() {
        Some(items) => Box::new(items.iter()),
        None => Box::new(std::iter::once(page)),
    }
}

fn of_item(item: &Value) -> Result<Entry, String> {
    let member = |name: &str| item[name].as_str().filter(|text| !text.is_empty());
    let nobody = || "no customer is named".to_owned();
    match member("object") {
        Some("customer") => {
            let mut entry = Entry::of(member("id").ok_or_else(nobody)?);
            let listed = item["attributes"]["items"].as_array().into_iter().flatten();
            let listed = listed.filter_map(|one| {
                let name = one["name"].as_str()?.to_owned();
                Some((name, text(&one["value"])?))
            });
            entry.attributes = listed.collect();
            let aliases = item["aliases"]["items"].as_array().into_iter().flatten();
            let aliases = aliases.filter_map(|alias| text(&alias["id"]));
            entry.names = aliases.filter(|name| *name != entry.app_user_id).collect();
            Ok(entry)
        }
        Some(kind @ ("subscription" | "purchase")) => {
            let mut entry = Entry::of(member("customer_id").ok_or_else(nobody)?);
            let id = if kind == "subscription" {
                "store_subscription_identifier"
            } else {
                "store_purchase_identifier"
            };
            let store = member("store").unwrap_or_default();
            entry.purchase = Some(bought(store, &[member("purchase_token"), member(id)])?);
            Ok(entry)
        }
        other => Err(format!(
            "an item of the kind {:?} is none of customer, subscription, purchase",
            other.unwrap_or_default()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::entry::Shop, *};
    use domain::Store;

    fn token(line: &Line) -> (&str, Shop, &str) {
        let entry = line.entry.as_ref().unwrap();
        let bought = entry.purchase.as_ref().unwrap();
        (&entry.app_user_id, bought.shop.clone(), &bought.token)
    }

    /// Columns and forms of values as the documentation of the export has them.
    #[test]
    fn the_transactions_feed_is_read_with_names_attributes_and_purchases() {
        let file = "rc_original_app_user_id,rc_last_seen_app_user_id_alias,store,is_sandbox,store_transaction_id,original_store_transaction_id,reserved_subscriber_attributes,custom_subscriber_attributes\n\
            $RCAnonymousID:87c6049c58069238dce29853916d624c,ann,app_store,false,200001,100001,\"{\"\"$email\"\": {\"\"value\"\": \"\"a@example.com\"\", \"\"updated_at_ms\"\": 1}}\",\"{\"\"color\"\": \"\"violet\"\"}\"\n\
            bob,bob,play_store,false,GPA.1234-1234-1234-12345,GPA.1234-1234-1234-12345,,\n\
            cid,cid,stripe,false,ch_1,sub_1,,\n\
            dan,dan,promotional,false,,,,\n";
        let lines = read(file).unwrap();
        let ann = lines[0].entry.as_ref().unwrap();
        assert_eq!(
            ann.names,
            ["$RCAnonymousID:87c6049c58069238dce29853916d624c"]
        );
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            ann.attributes,
            [pair("$email", "a@example.com"), pair("color", "violet")]
        );
        assert_eq!(
            token(&lines[0]),
            ("ann", Shop::Of(Store::AppStore), "100001")
        );
        assert_eq!(token(&lines[2]), ("cid", Shop::Of(Store::Stripe), "sub_1"));
        for (line, word) in [(1, "purchase token"), (3, "grant it anew")] {
            let problem = lines[line].entry.as_ref().unwrap_err();
            assert!(problem.contains(word), "{problem}");
        }
        let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 3, 4, 5]);
    }

    #[test]
    fn a_list_of_customers_needs_no_purchases() {
        let lines = read("app_user_id,$email,aliases\nann,a@example.com,\"[\"\"$RCAnonymousID:1\"\"]\"\n,b@example.com,\n").unwrap();
        let ann = lines[0].entry.as_ref().unwrap();
        assert_eq!((ann.names.len(), ann.attributes.len()), (1, 1));
        assert_eq!(ann.purchase, None);
        assert!(lines[1].entry.is_err());
        let problem = read("name,mail\nann,x\n").unwrap_err().to_string();
        assert!(problem.contains("found \"name,mail\""), "{problem}");
    }

    #[test]
    fn pages_of_the_api_are_read_item_by_item() {
        let page = r#"{"object":"list","items":[
            {"object":"customer","id":"ann","attributes":{"object":"list","items":[{"object":"customer.attribute","name":"$email","value":"a@example.com"}]}},
            {"object":"subscription","customer_id":"ann","store":"app_store","store_subscription_identifier":"100001"},
            {"object":"purchase","customer_id":"bob","store":"stripe","store_purchase_identifier":"pi_1"},
            {"object":"entitlement","id":"e"}],"next_page":null}"#;
        let lines = read(page).unwrap();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0].entry.as_ref().unwrap().attributes.len(), 1);
        assert_eq!(
            token(&lines[1]),
            ("ann", Shop::Of(Store::AppStore), "100001")
        );
        assert_eq!(token(&lines[2]), ("bob", Shop::Of(Store::Stripe), "pi_1"));
        assert!(lines[3].entry.is_err());
        let by_line = page.replace('\n', "");
        assert_eq!(read(&format!("{by_line}\n{by_line}\n")).unwrap().len(), 8);
    }
}
