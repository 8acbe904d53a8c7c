//! What an app asks about a purchase before it is made: whether an introductory offer is open, an offer to be signed, whether a purchase of another
//! customer would be given away.
//!
//! Tests: `crates/api/tests/resources/v1/offers.rs`.

use super::{
    Client, Error, Platform,
    body::{Said, Says, list, members, of, text},
    error::Code,
    members::Members,
    receipts::{app_of, is_plain},
};
use axum::extract::{Path, State};
use domain::{Store, fact::OfferCategory};
use engine::IntakeError;
use serde::Serialize;
use sources::{OfferAsked, Receipt, Trouble};
use std::collections::BTreeMap;
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, Type},
};
use web::{
    App,
    access::Access,
    audit::Effect,
    body::{Json, LARGEST_OF_ALL},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Client;
    let asks = Method::Post(Effect::Nothing("it only asks"));
    vec![
        Route::operation(
            asks,
            "/v1/subscribers/{id}/intro_eligibility",
            Client,
            "Whether introductory offers are still open; null where nobody knows",
            eligible,
        ),
        Route::operation(
            asks,
            "/v1/subscribers/{id}/restore/eligibility",
            Client,
            "Whether a purchase would be taken in for this customer",
            restorable,
        ),
        Route::operation(
            asks,
            "/v1/offers",
            Client,
            "Signs promotional offers of the App Store",
            offers,
        ),
    ]
}

/// Most products that are asked about at once.
const MOST: usize = 100;
/// Longest id of a product or an offer.
const LONGEST: usize = 255;

members! {
    /// Products that an introductory offer is asked about.
    Introductory = "v1.Introductory", introductory;
}

impl Says for Introductory {
    const LARGEST: usize = LARGEST_OF_ALL;
}

fn introductory() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("product_identifiers", list("Texts."))
        .property("fetch_token", text())
}

/// Whether an introductory offer is open, by product.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = v1::Eligible)]
pub(crate) struct Eligible(BTreeMap<String, Option<bool>>);

/// `POST /v1/subscribers/{id}/intro_eligibility`. Who had an introductory offer of a product has none again. Whether somebody else of the same
/// account had one, only the App Store knows: newer SDKs ask it themselves.
pub(crate) async fn eligible(
    State(app): State<App>,
    client: Client,
    Path(id): Path<String>,
    Said(Introductory(body)): Said<Introductory>,
) -> Result<Json<Eligible>, Error> {
    let known = app.engine.customers().known(client.project, &id).await?;
    let had = |product: &str| {
        let purchases = known.iter().flat_map(|known| &known.purchases);
        let facts = purchases
            .filter(|owned| owned.chain.store == Store::AppStore)
            .flat_map(|owned| owned.stored.facts.transactions.values())
            .map(|known| &known.fact);
        let mut offers = facts.filter_map(|fact| Some((&fact.product, fact.offer.as_ref()?)));
        offers
            .any(|(of, offer)| of == product && offer.category == Some(OfferCategory::Introductory))
    };
    let asked = body.texts("product_identifiers").into_iter().take(MOST);
    let told = asked.map(|product| {
        let told = had(&product).then_some(false);
        (product, told)
    });
    Ok(Json(Eligible(told.collect())))
}

members! {
    /// A purchase that somebody wants to restore.
    Restorable = "v1.Restorable", purchase;
}

impl Says for Restorable {
    const LARGEST: usize = LARGEST_OF_ALL;
}

fn purchase() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("fetch_token", of(&[Type::String]))
        .required("fetch_token")
}

/// Whether a purchase would be taken in.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Allowed)]
pub(crate) struct Allowed {
    is_purchase_allowed_by_restore_behavior: bool,
}

/// `POST /v1/subscribers/{id}/restore/eligibility`.
pub(crate) async fn restorable(
    State(app): State<App>,
    client: Client,
    Path(id): Path<String>,
    platform: Platform,
    Said(Restorable(body)): Said<Restorable>,
) -> Result<Json<Allowed>, Error> {
    let receipt = Receipt {
        token: body.required("fetch_token")?,
        product: None,
        app_user_id: id,
        sender: client.sender(),
        offering: None,
        claimed_price: None,
    };
    let of = app_of(&app.engine.setup(), &client, &platform)?;
    let allowed = app.engine.intake().may_have(of, &receipt).await?;
    Ok(Json(Allowed {
        is_purchase_allowed_by_restore_behavior: allowed,
    }))
}

members! {
    /// Offers that are to be signed.
    Unsigned = "v1.Unsigned", unsigned;
}

impl Says for Unsigned {
    const LARGEST: usize = LARGEST_OF_ALL;
}

fn unsigned() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("app_user_id", of(&[Type::String]))
        .required("app_user_id")
        .property("fetch_token", text())
        .property(
            "generate_offers",
            list("Objects with `offer_id` and `product_id`."),
        )
}

/// Offers with their signatures.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Signed)]
pub(crate) struct Signed {
    offers: Vec<SignedOffer>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::SignedOffer)]
struct SignedOffer {
    key_id: String,
    offer_id: String,
    product_id: String,
    signature_data: Signature,
}

/// A signature, and what was signed beside the offer.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Signature)]
struct Signature {
    nonce: String,
    signature: String,
    timestamp: i64,
}

/// `POST /v1/offers`.
pub(crate) async fn offers(
    State(app): State<App>,
    client: Client,
    platform: Platform,
    Said(Unsigned(body)): Said<Unsigned>,
) -> Result<Json<Signed>, Error> {
    let who = body.required("app_user_id")?;
    let wanted: Vec<Members> = body.get("generate_offers").unwrap_or_default();
    let of = app_of(&app.engine.setup(), &client, &platform)?;
    let account = platform.account(&who);
    let now = app.engine.system().now();
    let mut signed = Vec::new();
    for offer in wanted.iter().take(MOST) {
        let [offer_id, product_id] = [offer.required("offer_id")?, offer.required("product_id")?];
        if ![&offer_id, &product_id]
            .iter()
            .all(|id| is_plain(id, LONGEST))
        {
            return Err(Error::new(Code::BadRequest).because("an id is too long"));
        }
        let nonce = app.engine.system().uuid().hyphenated().to_string();
        let asked = OfferAsked {
            product: &product_id,
            offer: &offer_id,
            account: &account,
            nonce: &nonce,
            at: now,
        };
        let made = app.engine.intake().sign_offer(of, &asked);
        let made = made.map_err(|error| match error {
            // What cannot be signed today cannot be signed by asking again.
            IntakeError::Store(Trouble::Credentials(_)) => Error::new(Code::InvalidAppleKey),
            IntakeError::Store(Trouble::Refused(why)) => {
                Error::new(Code::InvalidPlatform).because(why)
            }
            error => error.into(),
        })?;
        signed.push(SignedOffer {
            key_id: made.key_id,
            offer_id,
            product_id,
            signature_data: Signature {
                nonce,
                signature: made.signature,
                timestamp: made.timestamp,
            },
        });
    }
    Ok(Json(Signed { offers: signed }))
}
