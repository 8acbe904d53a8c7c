//! Who calls: a client SDK with the public key of an app, or a server with a secret one.

use super::{Error, error::Code};
use axum::{
    extract::FromRequestParts,
    http::{Method, request::Parts},
};
use configuration::Asker;
use domain::{ProjectId, Store, customer::A_CLIENT_NAME};
use ledger::Scope;
use sources::{Sender, apple};
use std::{convert::Infallible, net::IpAddr};
use utoipa::openapi::{
    ObjectBuilder, Required, Type,
    path::{ParameterBuilder, ParameterIn},
};
use web::{
    App,
    access::Caller,
    asked_as::AskedAs,
    described::{Answers, Asks, Description},
};

/// Who calls, and for which project.
pub(crate) struct Client {
    pub(crate) caller: Caller,
    pub(crate) project: ProjectId,
    /// Whether nothing may come of the call: its key only reads, or it asks for the head of an answer only.
    pub(super) only_reads: bool,
    /// Where it calls from, where that is known.
    pub(super) address: Option<IpAddr>,
}

impl Client {
    /// Whether its key is secret.
    pub(crate) fn is_secret(&self) -> bool {
        self.caller.scope == Scope::Write
    }

    /// How far it is believed about whose a purchase is.
    pub(super) fn sender(&self) -> Sender {
        if self.is_secret() {
            Sender::Project
        } else {
            Sender::Client
        }
    }

    pub(super) fn require_secret(&self) -> Result<(), Error> {
        if self.is_secret() {
            Ok(())
        } else {
            Err(Error::new(Code::SecretKeyRequired))
        }
    }
}

impl FromRequestParts<App> for Client {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let caller = parts
            .extensions
            .get::<Caller>()
            .cloned()
            .ok_or_else(|| Error::new(Code::InvalidKey))?;
        // A public key writes, because clients do; a secret key only if it may.
        let reads = [Method::GET, Method::HEAD].contains(&parts.method);
        if caller.scope == Scope::Read && !reads {
            return Err(Error::new(Code::ReadOnlyKey));
        }
        let project = caller.only_project(&app.engine.setup()).ok_or_else(|| {
            Error::new(Code::InvalidKey)
                .because("this key reaches several projects; make one for a single project")
        })?;
        // `/v1/subscribers/{id}`: decoded, it would be another path to whoever stands between.
        let named = parts.uri.path().split('/').nth(3).unwrap_or_default();
        if named.to_ascii_lowercase().contains("%2f") {
            return Err(not_a_name());
        }
        let proxies = &app.gate.proxies;
        Ok(Self {
            only_reads: caller.scope == Scope::Read || parts.method == Method::HEAD,
            caller,
            project,
            address: proxies.asker(&parts.extensions, &parts.headers),
        })
    }
}

/// What is said of a name that no client may have.
pub(super) fn not_a_name() -> Error {
    Error::new(Code::BadRequest).because(format!("an app user id {A_CLIENT_NAME}"))
}

impl Asks for Client {
    fn ask(of: &mut Description) {
        Error::answer(of);
    }
}

/// Whoever calls with a secret key.
pub(crate) struct Secret(pub(super) Client);

impl FromRequestParts<App> for Secret {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let client = Client::from_request_parts(parts, app).await?;
        client.require_secret()?;
        Ok(Self(client))
    }
}

impl Asks for Secret {
    fn ask(of: &mut Description) {
        Error::answer(of);
    }
}

/// By what a request is known when it is made again, where it says.
pub(crate) struct Again(pub(super) Option<String>);

impl FromRequestParts<App> for Again {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Error> {
        let wrong = |why| Error::new(Code::BadRequest).because(format!("Idempotency-Key {why}"));
        let AskedAs(key) = AskedAs::of(&parts.headers).map_err(wrong)?;
        Ok(Self(key))
    }
}

impl Asks for Again {
    fn ask(of: &mut Description) {
        AskedAs::ask_of(of);
    }
}

/// On what a client runs, where it says.
pub(crate) struct Platform {
    pub(super) name: Option<String>,
    /// Its release: `34`, `Version 17.5.1 (Build 21F90)`.
    pub(super) version: Option<String>,
    /// The release of the app: `2.10.0`.
    pub(super) app_version: Option<String>,
    /// The country of its store: `USA`, `US`.
    pub(super) storefront: Option<String>,
    /// Which of the two ways of the App Store it buys in: `1`, `2`.
    pub(super) storekit: Option<String>,
}

impl Platform {
    /// The store that it sells in, whatever letters its name is written in.
    pub(super) fn store(&self) -> Option<Store> {
        match self.name.as_ref()?.to_ascii_lowercase().as_str() {
            "ios" | "macos" | "uikitformac" | "tvos" | "watchos" | "visionos" => {
                Some(Store::AppStore)
            }
            "android" => Some(Store::PlayStore),
            "stripe" | "web" => Some(Store::Stripe),
            _ => None,
        }
    }

    /// What an SDK tells the App Store of whom it buys for: StoreKit 1 the customer's name, StoreKit 2 the same where it is a UUID, and nothing
    /// else. Source: purchases-ios, `PurchasesOrchestrator`, `applicationUsername` and `appAccountToken`.
    pub(super) fn account(&self, who: &str) -> String {
        if self.storekit.as_deref() == Some("1") {
            return who.to_owned();
        }
        if is_uuid(who) {
            who.to_ascii_lowercase()
        } else {
            String::new()
        }
    }

    /// What it says of itself where offerings are meant for some.
    pub(super) fn asker(&self) -> Asker<'_> {
        let told = self.storefront.as_deref();
        // The App Store has three letters, Google Play two.
        let country = told.map(|told| apple::alpha2(&told.to_ascii_uppercase()).unwrap_or(told));
        Asker {
            country,
            platform: self.name.as_deref(),
            version: self.app_version.as_deref(),
        }
    }
}

/// Whether Swift's `UUID(uuidString:)` takes it for one.
fn is_uuid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(is_hex)
}

impl FromRequestParts<App> for Platform {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        let told = |header| {
            let value = parts.headers.get(header)?.to_str().ok()?.trim();
            Some(value.to_owned()).filter(|value| !value.is_empty())
        };
        Ok(Self {
            name: told("x-platform"),
            version: told("x-platform-version"),
            app_version: told("x-client-version"),
            storefront: told("x-storefront"),
            storekit: told("x-storekit-version"),
        })
    }
}

impl Asks for Platform {
    fn ask(of: &mut Description) {
        let headers = [
            (
                "X-Platform",
                "On what the client runs: `ios`, `android`, `stripe` ...",
            ),
            (
                "X-Platform-Version",
                "Which release of it, for the attribute `$deviceVersion` where a client leaves it to the server.",
            ),
            (
                "X-Client-Version",
                "Which release of the app, for offerings that are meant for some.",
            ),
            (
                "X-StoreKit-Version",
                "`1` or `2`: how it buys, for offers that are signed.",
            ),
            (
                "X-Storefront",
                "The country of its store by two or three letters, likewise.",
            ),
        ];
        of.takes(headers.map(|(name, description)| {
            let text = ObjectBuilder::new().schema_type(Type::String);
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(description))
                .schema(Some(text))
                .build()
        }));
    }
}
