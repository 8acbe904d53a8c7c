//! What pages answer with: a template, the way on after something was done, a problem to read, the files pages are made with.
//!
//! Tests: `crates/http/tests/headers.rs`.

use crate::{filters, state::Dashboard};
use askama::Template;
use axum::{
    extract::{Path, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};
use web::{
    App,
    access::Access,
    problem::{Code, Problem, Readable},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let access = Access::Anyone;
    vec![Route::page(Method::Get, "/assets/{name}", access, asset)]
}

/// A page; one that cannot be rendered is a problem.
pub(crate) fn html(template: &impl Template) -> Response {
    match template.render() {
        Ok(page) => Html(page).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            Problem::new(Code::Internal, "the page could not be rendered").into_response()
        }
    }
}

/// A page with a form in which something is wrong: it could not be processed.
pub(crate) fn refused(template: &impl Template) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, html(template)).into_response()
}

/// An answer that is another one later.
pub(crate) fn later(seconds: u64, mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// `/projects/acme/x?notice=saved`, after something was done.
pub(crate) fn done(path: &str, notice: &str) -> Response {
    let (path, fragment) = path.split_once('#').unwrap_or((path, ""));
    let hash = if fragment.is_empty() { "" } else { "#" };
    Redirect::to(&format!("{path}?notice={notice}{hash}{fragment}")).into_response()
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorTemplate {
    title: &'static str,
    detail: String,
    request: String,
}

/// Where programs ask, who read problems as JSON.
const PROGRAMS: [&str; 4] = ["/api/", "/v1/", "/v2/", "/callbacks/"];

/// Problems of pages are pages: what went wrong, what to do, and a number to find it by in the log.
pub async fn readable(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let accepts = request.headers().get(header::ACCEPT);
    let is_person = accepts
        .and_then(|accepts| accepts.to_str().ok())
        .is_some_and(|accepts| accepts.contains("text/html"))
        && !PROGRAMS.iter().any(|prefix| path.starts_with(prefix));
    let mut response = next.run(request).await;
    if !is_person {
        return response;
    }
    let Some(Readable {
        title,
        detail,
        request,
    }) = response.extensions_mut().remove()
    else {
        return response;
    };
    let status = response.status();
    let again_after = response.headers_mut().remove(header::RETRY_AFTER);
    // One that has a name in the log is told there already.
    let request = request.unwrap_or_else(|| {
        let id = app.engine.system().uuid().simple().to_string();
        if status.is_server_error() {
            tracing::error!(request.id = id, path, detail, "a page could not be shown");
        }
        id
    });
    let page = ErrorTemplate {
        title,
        detail,
        request,
    };
    let mut page = (status, html(&page)).into_response();
    if let Some(seconds) = again_after {
        page.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    page
}

/// `GET /assets/{name}`: the files pages are made with.
async fn asset(Path(name): Path<String>) -> Response {
    let (kind, content) = match name.as_str() {
        "app.css" => ("text/css; charset=utf-8", include_str!("../assets/app.css")),
        "app.js" => (
            "text/javascript; charset=utf-8",
            include_str!("../assets/app.js"),
        ),
        "icon.svg" => ("image/svg+xml", include_str!("../assets/icon.svg")),
        _ => return Problem::not_found("asset", &name).into_response(),
    };
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        content,
    )
        .into_response()
}

/// What no page of ours uses.
const NOT_ASKED_FOR: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()";

/// Headers that keep pages to themselves.
pub async fn harden(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // Whoever came over HTTPS once comes no other way for a year.
    if app.engine.public_url().starts_with("https://") {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(NOT_ASKED_FOR),
    );
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        // Browsers that are reached over plain HTTP tell only so that a form comes from a page of ours.
        HeaderValue::from_static("same-origin"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
