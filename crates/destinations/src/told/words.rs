//! Words that several destinations have for the same: as RevenueCat writes them, which many of them learned first. Source: RevenueCat docs,
//! "Event Types and Fields".

use domain::{AccessLevel, Environment, Event, Store, customer::Customer, snapshot::Phase};
use std::borrow::Cow;

/// What the product unlocks: of several lines, what any of them does.
pub(crate) fn entitlements(event: &Event) -> Vec<&str> {
    let of_chain = |level: &AccessLevel| {
        let chain = event.purchase.as_ref().map(|purchase| &purchase.chain);
        !event.lines.is_empty() && Some(&level.chain) == chain
    };
    let own = event.entitlements.iter();
    let mut all: Vec<&str> = own.map(String::as_str).collect();
    for (id, _) in event.access.iter().filter(|(_, level)| of_chain(level)) {
        if !all.contains(&id.as_str()) {
            all.push(id);
        }
    }
    all
}

pub(crate) fn store(event: &Event) -> Cow<'static, str> {
    let Some(app) = &event.app else {
        return "TEST_STORE".into();
    };
    match (app.store, &app.store_name) {
        (Store::AppStore, _) => "APP_STORE".into(),
        (Store::PlayStore, _) => "PLAY_STORE".into(),
        (Store::Stripe, _) => "STRIPE".into(),
        (Store::Promotional, _) => "PROMOTIONAL".into(),
        (Store::External, name) => {
            let name = name.as_deref().unwrap_or("external");
            let letter = |letter: char| {
                if letter.is_ascii_alphanumeric() {
                    letter.to_ascii_uppercase()
                } else {
                    '_'
                }
            };
            name.chars().map(letter).collect::<String>().into()
        }
    }
}

pub(crate) const fn environment(event: &Event) -> &'static str {
    match event.environment {
        Environment::Production => "PRODUCTION",
        Environment::Sandbox => "SANDBOX",
    }
}

/// Absent for access that was given. Source: RevenueCat docs, "Event Types and Fields", `app_id`.
pub(crate) fn app_id(event: &Event) -> Option<String> {
    let app = event.app.as_ref();
    app.filter(|app| app.store != Store::Promotional)
        .map(|app| app.id.to_string())
}

/// Every name of the customer: the one of now first.
pub(crate) fn names(customer: &Customer) -> Vec<&str> {
    std::iter::once(&customer.app_user_id)
        .chain(&customer.aliases)
        .map(String::as_str)
        .collect()
}

pub(crate) fn period_type(event: &Event) -> &'static str {
    let is_given = event
        .app
        .as_ref()
        .is_some_and(|app| app.store == Store::Promotional);
    match event.purchase.as_ref().map(|purchase| purchase.phase) {
        _ if is_given => "PROMOTIONAL",
        Some(Phase::Trial) => "TRIAL",
        Some(Phase::Intro) => "INTRO",
        Some(Phase::Regular) | None => "NORMAL",
    }
}
