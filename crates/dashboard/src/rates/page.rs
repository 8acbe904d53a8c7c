//! The page of the newest rates.
//!
//! Tests: `crates/dashboard/tests/sections/rates.rs`.

use crate::{
    filters,
    respond::{html, refused},
    shell::{Place, Shell},
    state::Dashboard,
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use domain::{Currency, Money, rates};
use jiff::tz::Offset;
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/rates";
    vec![Route::page(Method::Get, path, Access::Page, newest)]
}

struct RateLine {
    currency: String,
    per_euro: String,
    /// What one of it is worth in dollars; empty when unknown.
    in_dollars: String,
}

#[derive(Template)]
#[template(path = "rates/page.html")]
struct RatesTemplate {
    shell: Shell,
    newest: String,
    days: usize,
    are_stale: bool,
    serve_days: i64,
    lines: Vec<RateLine>,
    may_manage: bool,
    typed: String,
    problem: String,
}

/// Millionths as a decimal number, at least four digits after the point.
fn decimal(micros: i64) -> String {
    let (whole, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let digits = format!("{fraction:06}");
    let kept = digits.trim_end_matches('0').len().max(4);
    format!("{whole}.{}", digits.get(..kept).unwrap_or(&digits))
}

/// The page, with what was pasted and what is wrong with it, if anything.
pub(super) async fn page(
    app: &App,
    at: Place<'_>,
    typed: String,
    problem: String,
) -> Result<Response, Problem> {
    let known = app.engine.rates();
    let newest = known.newest();
    let today = Offset::UTC.to_datetime(app.engine.system().now()).date();
    let dollars = |currency: Currency| {
        let one = Money::new(1_000_000, currency);
        let worth = newest.and_then(|day| known.convert(one, Currency::USD, day));
        worth.map_or_else(String::new, |worth| decimal(worth.micros))
    };
    let lines = known.newest_rates().map(|rate| RateLine {
        currency: rate.currency.to_string(),
        per_euro: decimal(rate.micros_per_euro),
        in_dollars: dollars(rate.currency),
    });
    let is_right = problem.is_empty();
    let page = RatesTemplate {
        shell: Shell::load(app, at, "settings").await?,
        newest: newest.map(|day| day.to_string()).unwrap_or_default(),
        days: known.days(),
        are_stale: known.are_stale(today),
        serve_days: rates::NEWEST_SERVE_DAYS,
        lines: lines.collect(),
        may_manage: at.project.caller.may_manage(),
        typed,
        problem,
    };
    Ok(if is_right {
        html(&page)
    } else {
        refused(&page)
    })
}

/// `GET /projects/{project}/rates`. They serve every project.
async fn newest(State(app): State<App>, project: InProject, uri: Uri) -> Result<Response, Problem> {
    project.caller.must_reach_all()?;
    page(
        &app,
        Place::of(&project, &uri),
        String::new(),
        String::new(),
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn rates_keep_the_digits_they_have() {
        for (micros, text) in [
            (1_087_100, "1.0871"),
            (161_230_000, "161.2300"),
            (123_456, "0.123456"),
        ] {
            assert_eq!(decimal(micros), text);
        }
    }
}
