//! Exchange rates: what amounts in dollars are worked out with, and newer ones pasted in.

use super::{Shell, done, html};
use crate::{Dashboard, form::Sent};
use askama::Template;
use axum::{
    body::Body,
    extract::State,
    http::{Request, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use domain::{Currency, Money, rates};
use jiff::tz::Offset;
use web::{
    App,
    access::{Access, Caller},
    body,
    problem::{Code, Problem},
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Manage, Page};
    use Method::{Get, Post};
    vec![
        Route::new(Get, "/projects/{project}/rates", Page, "", rates),
        Route::new(Post, "/projects/{project}/rates", Manage, "", add_rates),
    ]
}

struct RateLine {
    currency: String,
    per_euro: String,
    /// What one of it is worth in dollars; empty when unknown.
    in_dollars: String,
}

#[derive(Template)]
#[template(path = "rates.html")]
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

/// They serve every project: whoever reaches one changes them for none.
fn may_change(caller: &Caller) -> bool {
    caller.may_manage() && caller.project.is_none()
}

async fn page(
    app: &App,
    project: &InProject,
    uri: &Uri,
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
    let status = if problem.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let html = html(&RatesTemplate {
        shell: Shell::load(app, project, "settings", uri).await?,
        newest: newest.map(|day| day.to_string()).unwrap_or_default(),
        days: known.days(),
        are_stale: known.are_stale(today),
        serve_days: rates::NEWEST_SERVE_DAYS,
        lines: known
            .newest_rates()
            .map(|(currency, micros)| RateLine {
                currency: currency.to_string(),
                per_euro: decimal(micros),
                in_dollars: dollars(currency),
            })
            .collect(),
        may_manage: may_change(&project.caller),
        typed,
        problem,
    });
    Ok((status, html).into_response())
}

/// `GET /projects/{project}/rates`.
pub(crate) async fn rates(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    page(&app, &project, &uri, String::new(), String::new()).await
}

/// `POST /projects/{project}/rates`: the text of a file in the ECB's form. They serve every project.
pub(crate) async fn add_rates(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    request: Request<Body>,
) -> Result<Response, Problem> {
    if !may_change(&project.caller) {
        let problem = "they serve every project, and you reach one only";
        return Err(Problem::new(Code::Forbidden, problem));
    }
    let sent = Sent::read(&body::read(request).await?);
    let text = sent.raw("csv").to_owned();
    let added = match sources::rates::read(&text) {
        Ok(added) if added.is_empty() => {
            let problem = "There is no line with rates below the header.".to_owned();
            return page(&app, &project, &uri, text, problem).await;
        }
        Ok(added) => added,
        Err(problem) => return page(&app, &project, &uri, text, problem.to_string()).await,
    };
    let count = added.len();
    app.engine.add_rates(added).await?;
    project
        .did(&app, "add exchange rates", &count.to_string())
        .await?;
    Ok(done(&format!("/projects/{}/rates", project.key), "added"))
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
