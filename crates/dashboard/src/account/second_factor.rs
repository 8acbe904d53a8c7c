//! Switching one's second factor on and off. What the phone is shown is kept by nobody until a code proves that the phone has it.
//!
//! Tests: `crates/dashboard/tests/sections/second_factor.rs`.

use super::{
    page::{own, page},
    password::knows,
};
use crate::{
    filters,
    form::{Form, Trimmed},
    once::Once,
    respond::{done, html, refused},
    shell::{Place, Shell},
    sign_in::signed_in_anew,
    state::Dashboard,
    text::encode,
};
use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use ledger::User;
use qrcode::{EcLevel, QrCode, types::QrError};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use web::{
    App,
    access::{self, Access},
    audit::{Did, Effect, Known, Noted, Subject},
    counted,
    passwords::Asker,
    problem::{Code, Problem},
    project::InProject,
    route::{Method, Route},
    second_factor::Secret,
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Own;
    use Effect::Does;
    use Method::Post;
    vec![
        Route::page(
            Post(Effect::Nothing("it shows what could be switched on")),
            "/projects/{project}/account/second-factor/begin",
            Own,
            begin,
        ),
        Route::page(
            Post(Does("switch on the second factor of", Subject::Caller)),
            "/projects/{project}/account/second-factor",
            Own,
            switch_on,
        ),
        Route::page(
            Post(Does("switch off the second factor of", Subject::Caller)),
            "/projects/{project}/account/second-factor/off",
            Own,
            switch_off,
        ),
    ]
}

/// How long somebody may take to set the phone up.
const LASTS: SignedDuration = SignedDuration::from_mins(15);

/// Another in its place would take the one there is away, and that takes a code of it.
const IS_ON: &str = "It is on already. Switch it off first, which takes a code of it.";

/// A secret that is on its way to somebody's phone.
#[derive(Serialize, Deserialize)]
struct Offer {
    secret: Vec<u8>,
    until: Timestamp,
}

/// What the vault seals an offer for: nobody takes one that was made to another.
fn owner(user: &User) -> String {
    format!("offer of a second factor to {}", user.id)
}

#[derive(Template)]
#[template(path = "account/offer.html")]
struct OfferTemplate {
    shell: Shell,
    /// The offer, sealed.
    offer: String,
    qr: String,
    secret: String,
    problem: String,
}

#[derive(Template)]
#[template(path = "account/recovery_codes.html")]
struct CodesTemplate {
    shell: Shell,
    codes: Vec<String>,
}

/// The address that authenticator apps read from a QR code. Source: the key URI format that they share.
fn address(app: &App, user: &User, secret: &Secret) -> String {
    let host = app.engine.public_url();
    let host = host.split_once("://").map_or(host, |(_, host)| host);
    let issuer = encode(&format!("Tidings {host}"));
    let (email, secret) = (encode(&user.email), secret.text());
    format!(
        "otpauth://totp/{issuer}:{email}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    )
}

/// A QR code as an SVG, dark on white whatever the page is, with the quiet margin that cameras look for.
fn qr(text: &str) -> Result<String, QrError> {
    const MARGIN: usize = 4;
    let code = QrCode::with_error_correction_level(text, EcLevel::M)?;
    let (width, colors) = (code.width(), code.to_colors());
    let mut path = String::new();
    for (index, color) in colors.into_iter().enumerate() {
        if color == qrcode::Color::Dark {
            let (x, y) = (index % width + MARGIN, index / width + MARGIN);
            write!(path, "M{x} {y}h1v1h-1z").expect("text takes all there is");
        }
    }
    let side = width + 2 * MARGIN;
    Ok(format!(
        r##"<svg class="qr" role="img" aria-label="QR code for your authenticator app" width="240" height="240" viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><rect width="{side}" height="{side}" fill="#fff"/><path d="{path}" fill="#000"/></svg>"##
    ))
}

async fn offer(
    app: &App,
    at: Place<'_>,
    user: &User,
    offer: Offer,
    problem: String,
) -> Result<Response, Problem> {
    let internal = |error: String| Problem::new(Code::Internal, error);
    let secret = Secret::of(&offer.secret);
    let secret = secret.ok_or_else(|| internal("the secret has another length".into()))?;
    let plain = serde_json::to_vec(&offer).map_err(|error| internal(error.to_string()))?;
    let sealed = app.engine.vault().seal(&owner(user), &plain);
    let is_right = problem.is_empty();
    let page = OfferTemplate {
        shell: Shell::load(app, at, "account").await?,
        offer: BASE64_URL_SAFE_NO_PAD.encode(sealed),
        qr: qr(&address(app, user, &secret)).map_err(|error| internal(error.to_string()))?,
        secret: secret.text(),
        problem,
    };
    Ok(if is_right {
        html(&page)
    } else {
        refused(&page)
    })
}

/// The password.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct BeginForm {
    current: String,
}

/// `POST /projects/{project}/account/second-factor/begin`: shows what the phone is to read.
async fn begin(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    headers: HeaderMap,
    Form(sent): Form<BeginForm>,
) -> Result<Response, Problem> {
    let user = own(&app, &project)?;
    let knows = knows(&app, &user, &headers, sent.current).await?;
    if let Some((problem, _)) = knows.problem("") {
        return page(&app, Place::of(&project, &uri), &headers, vec![problem]).await;
    }
    if app.engine.ledger().second_factor(user.id).await?.is_some() {
        return page(
            &app,
            Place::of(&project, &uri),
            &headers,
            vec![IS_ON.into()],
        )
        .await;
    }
    let now = app.engine.system().now();
    let new = Offer {
        secret: Secret::new(app.engine.system()).bytes().to_vec(),
        until: after(now, LASTS),
    };
    offer(&app, Place::of(&project, &uri), &user, new, String::new()).await
}

/// What was offered, and a code that proves that the phone has it.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct OnForm {
    offer: Trimmed,
    code: Trimmed,
}

fn opened(app: &App, user: &User, sent: &str) -> Option<Offer> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(sent).ok()?;
    let plain = app.engine.vault().open_sealed(&owner(user), &sealed).ok()?;
    let offer: Offer = serde_json::from_slice(&plain).ok()?;
    (app.engine.system().now() < offer.until).then_some(offer)
}

/// `POST /projects/{project}/account/second-factor`: answers with the recovery codes, once. Every other session ends.
async fn switch_on(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    headers: HeaderMap,
    Form(sent): Form<OnForm>,
) -> Result<Response, Problem> {
    let user = own(&app, &project)?;
    let (ledger, now) = (app.engine.ledger(), app.engine.system().now());
    if ledger.second_factor(user.id).await?.is_some() {
        let answer = page(
            &app,
            Place::of(&project, &uri),
            &headers,
            vec![IS_ON.into()],
        )
        .await?;
        return Ok(Noted::nothing(answer).into_response());
    }
    let known = opened(&app, &user, &sent.offer);
    let known = known.and_then(|known| Some((Secret::of(&known.secret)?, known)));
    let Some((secret, known)) = known else {
        let problem = "That took too long. Begin again.".to_owned();
        let answer = page(&app, Place::of(&project, &uri), &headers, vec![problem]).await?;
        return Ok(Noted::nothing(answer).into_response());
    };
    let code: String = sent.code.split_whitespace().collect();
    let Some(step) = secret.step_of(&code, now) else {
        let problem = "The code is another one. Is the clock of your phone right?".to_owned();
        let answer = offer(&app, Place::of(&project, &uri), &user, known, problem).await?;
        return Ok(Noted::nothing(answer).into_response());
    };
    // Somebody may have been faster, with another secret.
    let Some(codes) = app.give_second_factor(user.id, &secret, step).await? else {
        let answer = page(
            &app,
            Place::of(&project, &uri),
            &headers,
            vec![IS_ON.into()],
        )
        .await?;
        return Ok(Noted::nothing(answer).into_response());
    };
    if let Err(error) = ledger.close_sessions(None, Some(user.id)).await {
        tracing::error!(%error, user.id = %user.id, "sessions of before a second factor could not be ended; they are ended by signing out or by another password");
    }
    let once = Once {
        title: "Recovery codes".into(),
        hint: "The second factor is on. Each of these signs you in once instead of a code of your phone. Keep them where you find them without it: they \
               are not shown again.",
        secret: codes.join("\n"),
        back: format!("/projects/{}/account", project.key),
    };
    let page = async {
        let shell = Shell::load(&app, Place::of(&project, &uri), "account").await?;
        Ok(html(&CodesTemplate { shell, codes }))
    };
    let answer = once.shown_on(page).await;
    Ok(signed_in_anew(&app, &user, &access::agent(&headers), answer).await)
}

/// The password, and a code.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct OffForm {
    current: String,
    code: Trimmed,
}

/// `POST /projects/{project}/account/second-factor/off`: needs the password and a code, of the phone or on paper.
async fn switch_off(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    headers: HeaderMap,
    Form(sent): Form<OffForm>,
) -> Result<Response, Problem> {
    let user = own(&app, &project)?;
    let failed = "fail to switch off the second factor of";
    let again = async |problem: String, did| {
        let answer = page(&app, Place::of(&project, &uri), &headers, vec![problem]).await?;
        Ok(Noted::new(did, answer).into_response())
    };
    let knows = knows(&app, &user, &headers, sent.current).await?;
    if let Some((problem, did)) = knows.problem(failed) {
        return again(problem, did).await;
    }
    let (ledger, throttle) = (app.engine.ledger(), &app.gate.throttle);
    let Some(factor) = ledger.second_factor(user.id).await? else {
        return again("You have no second factor.".into(), Did::Nothing).await;
    };
    let (name, asker) = (format!("code of {}", user.id), Asker::Known("the member"));
    if let Err(wait) = throttle.take_try(&name, asker, app.engine.system().uptime()) {
        let seconds = wait.as_secs() + 1;
        let problem = format!(
            "Too many wrong codes. Try again in {}.",
            counted(seconds, "second")
        );
        return again(problem, Did::Nothing).await;
    }
    let is_given_up = match app.read_code(&factor, &sent.code)? {
        Some(code) => ledger.give_up_second_factor(user.id, code).await?,
        None => false,
    };
    if !is_given_up {
        let problem = "The code is wrong, or was used already.".to_owned();
        return again(problem, Did::Instead(failed, Known::default())).await;
    }
    throttle.forgive(&name, asker);
    Ok(done(&format!("/projects/{}/account", project.key), "saved"))
}

#[cfg(test)]
mod tests {
    use super::qr;

    /// The finder patterns stand in three corners, dark around light around dark, behind the margin.
    #[test]
    fn a_code_is_drawn_dark_on_white() {
        let drawn = qr("otpauth://totp/Tidings:ann%40a.example?secret=MZXW6YTBOI").unwrap();
        assert!(drawn.starts_with("<svg ") && !drawn.contains("style="));
        let is_dark = |x: usize, y: usize| drawn.contains(&format!("M{x} {y}h1v1h-1z"));
        assert!((4..11).all(|at| is_dark(at, 4) && is_dark(4, at) && is_dark(at, 10)));
        assert!(!is_dark(5, 5) && is_dark(7, 7) && !is_dark(3, 3));
    }
}
