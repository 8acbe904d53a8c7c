//! `POST /v1/receipts`, as RevenueCat's client SDKs and its REST API (version 1) send it.
//!
//! Tests: `crates/api/tests/resources/v1/receipts.rs`.

use super::{
    Client, Error, Platform,
    attributes::attribute_writes,
    body::{Said, Says, attributes_by_name, list, members, of, text},
    customers::current,
    error::Code,
    let_in::LetIn,
    members::Members,
    subscriber::{Consumed, Shown},
};
use axum::extract::State;
use domain::{AppId, Currency, Store, customer::AppPurchase};
use engine::{CustomerUpdate, IntakeError, Setup, WriteError};
use sources::{Receipt, Sender, Trouble};
use std::collections::BTreeMap;
use utoipa::openapi::{ObjectBuilder, Type};
use web::{
    App,
    access::Access,
    audit::{Did, Effect, Known, Noted, Subject},
    body::{Json, LARGEST_OF_ALL},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Client;
    use Effect::Does;
    use Method::Post;
    vec![Route::operation(
        Post(Does("send purchase of", Subject::SaidCustomer)),
        "/v1/receipts",
        Client,
        "Sends a purchase in; RevenueCat v1 shape",
        receipts,
    )]
}

/// Longest identifier of a product that is kept of what a client says.
const LONGEST_PRODUCT: usize = 255;
/// Most products of one receipt that are looked at.
const MOST_PRODUCTS: usize = 100;
/// Longest identifier of an offering.
const LONGEST_OFFERING: usize = 200;
/// Longest amount that is kept of what a client claims to have paid.
const LONGEST_AMOUNT: usize = 40;

members! {
    /// A purchase that a client sends in.
    Purchased = "v1.Receipt", purchased;
}

impl Says for Purchased {
    /// Receipts of StoreKit 1 hold every purchase there ever was.
    const LARGEST: usize = LARGEST_OF_ALL;
    /// A client that is told that the fault is its own finishes the transaction: the purchase would be lost.
    const TOO_LARGE: Code = Code::Internal;
}

fn purchased() -> ObjectBuilder {
    let amount = of(&[Type::Number, Type::String, Type::Null]);
    ObjectBuilder::new()
        .property("app_user_id", of(&[Type::String]))
        .required("app_user_id")
        .property(
            "fetch_token",
            of(&[Type::String, Type::Null]).description(Some(
                "What the store gave the client: a signed transaction, a receipt, a purchase token, a checkout session. Required without an `app_transaction`.",
            )),
        )
        .property(
            "app_transaction",
            text().description(Some(
                "What the App Store signed of the app itself: when the customer got it first, and which release that was.",
            )),
        )
        .property("product_id", text())
        .property(
            "product_ids",
            list("Texts. The first counts where there is no `product_id`."),
        )
        .property("price", amount)
        .property("currency", text())
        .property("presented_offering_identifier", text())
        .property("attributes", attributes_by_name())
        .property(
            "create_events",
            of(&[Type::Boolean, Type::Null])
                .description(Some("When false, what is bought counts as told.")),
        )
}

/// What is read of the body: who bought, by which token, and what is said beside it. Only the first two can refuse a receipt: a
/// client that is refused finishes the transaction, and the purchase is lost. Offers, durations and countries that clients send
/// are not read at all: the store knows them. Nor is `observer_mode`: purchases are acknowledged only where the app's settings
/// say so.
struct Sent {
    receipt: Receipt,
    /// What the store signed of the app itself.
    app_transaction: Option<String>,
    /// Products that it is said to be of.
    products: Vec<String>,
    attributes: Members,
    /// When false, what is bought counts as told.
    create_events: bool,
}

impl TryFrom<&Members> for Sent {
    type Error = Error;
    fn try_from(body: &Members) -> Result<Self, Error> {
        let app_user_id = body.required("app_user_id")?;
        if app_user_id.trim().is_empty() {
            return Err(Error::new(Code::EmptyUserId));
        }
        let app_transaction = body.text("app_transaction");
        let token = match &app_transaction {
            // A restore of somebody who bought nothing.
            Some(_) if !body.has("fetch_token") => String::new(),
            _ => {
                let token = body.required("fetch_token")?;
                if token.trim().is_empty() {
                    let empty = Error::new(Code::InvalidReceipt);
                    return Err(empty.because("fetch_token is empty"));
                }
                token
            }
        };
        let one = body.text("product_id");
        let products = one.into_iter().chain(body.texts("product_ids"));
        let products: Vec<_> = products
            .filter(|product| is_plain(product, LONGEST_PRODUCT))
            .take(MOST_PRODUCTS)
            .collect();
        Ok(Self {
            receipt: Receipt {
                token,
                product: products.first().cloned(),
                app_user_id,
                sender: Sender::Client,
                offering: body
                    .text("presented_offering_identifier")
                    .filter(|offering| is_plain(offering, LONGEST_OFFERING)),
                claimed_price: claimed_price(body),
            },
            app_transaction,
            products,
            attributes: body.get("attributes").unwrap_or_default(),
            create_events: body.get("create_events") != Some(false),
        })
    }
}

/// Whether something that only advises is kept: it is left out otherwise.
pub(super) fn is_plain(text: &str, longest: usize) -> bool {
    text.len() <= longest && !text.contains(char::is_control)
}

/// What the client says was paid: an amount that is not negative and its currency, or nothing. A currency alone says what the
/// customer would have paid in. Android and servers write the amount as a number, iOS as a text.
fn claimed_price(body: &Members) -> Option<String> {
    let currency = Currency::try_from(body.text("currency")?.as_str()).ok()?;
    let amount = body.decimal("price")?;
    let is_amount = amount.len() <= LONGEST_AMOUNT
        && amount.starts_with(|first: char| first.is_ascii_digit())
        && amount.parse::<f64>().is_ok_and(f64::is_finite);
    is_amount.then(|| format!("{amount} {currency}"))
}

/// The app that a receipt is for: that of the key, or else the project's only one of the platform's store.
pub(super) fn app_of(setup: &Setup, client: &Client, platform: &Platform) -> Result<AppId, Error> {
    if let Some(app) = client.caller.app {
        return Ok(app);
    }
    let invalid = |why: &str| Error::new(Code::InvalidPlatform).because(why);
    // What was not set up yet, or no longer is, must not cost a purchase: the client sends it again.
    let missing = |why: &str| Error::new(Code::Internal).because(why);
    let store = platform.store().ok_or_else(|| {
        invalid("send X-Platform: ios, android or stripe, or use the public key of an app")
    })?;
    let mut apps = setup
        .apps()
        .filter(|app| app.row.project == client.project && app.row.store() == store);
    match (apps.next(), apps.next()) {
        (Some(app), None) => Ok(app.row.id),
        (None, _) => Err(missing("the project has no app of this store")),
        (Some(_), Some(_)) => Err(missing(
            "the project has several apps of this store; use the public key of one",
        )),
    }
}

pub(crate) async fn receipts(
    State(app): State<App>,
    client: Client,
    platform: Platform,
    Said(Purchased(body)): Said<Purchased>,
) -> Result<Result<Noted<Json<Shown>>, Noted<Error>>, Error> {
    let Sent {
        mut receipt,
        app_transaction,
        products,
        attributes,
        create_events,
    } = Sent::try_from(&body)?;
    receipt.sender = client.sender();
    let setup = app.engine.setup();
    let of = app_of(&setup, &client, &platform)?;
    let who = &receipt.app_user_id;
    if let Some(signed) = app_transaction
        .as_ref()
        .filter(|_| receipt.token.is_empty())
    {
        let got = app.engine.intake().app_purchase(of, signed)?;
        client.let_in(&app, who, Code::Later).await?;
        write_beside(&app, (&client, &platform), who, &attributes).await?;
        keep(&app, &client, who, got).await?;
        let answer = current(&app, &client, who, &platform).await?;
        return Ok(Ok(Noted::to(who, answer)));
    }
    let LetIn { known, is_counted } = client.let_in_with_purchase(&app, who).await?;
    if !is_counted && !create_events {
        return Err(Error::new(Code::Later));
    }
    let waits = client.leave_waiting(&app, known.as_ref())?;
    let is_written =
        is_counted && write_beside(&app, (&client, &platform), who, &attributes).await?;
    let intake = app.engine.intake();
    let taken = if create_events {
        intake.take_receipt(of, &receipt).await
    } else {
        intake.import(of, &receipt, false).await.map(|_| ())
    };
    waits.ends(taken.as_ref().copied());
    if let Err(error) = taken {
        let did = if is_written || (create_events && is_kept(&error)) {
            Did::AsStated(Known::subject(who))
        } else {
            Did::Nothing
        };
        return Ok(Err(Noted::new(did, error.into())));
    }
    if !is_counted {
        write_beside(&app, (&client, &platform), who, &attributes).await?;
    }
    // Beside a purchase it only advises.
    if let Some(signed) = &app_transaction
        && let Ok(got) = intake.app_purchase(of, signed)
    {
        keep(&app, &client, who, got).await?;
    }
    let Json(shown) = current(&app, &client, who, &platform).await?;
    let shown = match setup.app(of).map(|of| of.row.store()) {
        Some(Store::PlayStore) => shown.consuming(consumed(&setup, &client, products)),
        _ => shown,
    };
    Ok(Ok(Noted::to(who, Json(shown))))
}

/// Which of these products Android is to consume, so that they can be bought again: those that are listed and unlock nothing. It consumes what it
/// is told to and nothing else. Source: purchases-android, `PostReceiptHelper`.
fn consumed(setup: &Setup, client: &Client, products: Vec<String>) -> BTreeMap<String, Consumed> {
    let unlocks = setup.project(client.project).map(|known| &known.unlocks);
    let each = products.into_iter().map(|product| {
        let listed = unlocks.and_then(|unlocks| unlocks.get(&product));
        let should_consume = listed.is_some_and(Vec::is_empty);
        (product, Consumed { should_consume })
    });
    each.collect()
}

/// Keeps how somebody got the app.
async fn keep(app: &App, client: &Client, who: &str, got: AppPurchase) -> Result<(), Error> {
    let update = CustomerUpdate {
        app_purchase: Some(got),
        ..CustomerUpdate::default()
    };
    let customers = app.engine.customers();
    customers.update(client.project, who, &update).await?;
    Ok(())
}

/// Writes the attributes that came with a receipt; answers whether any was written. A purchase is not refused for an attribute.
async fn write_beside(
    app: &App,
    (client, platform): (&Client, &Platform),
    who: &str,
    attributes: &Members,
) -> Result<bool, Error> {
    let (mut writes, _) = attribute_writes(attributes);
    client.fill_in(&mut writes, platform);
    if writes.is_empty() {
        return Ok(false);
    }
    let customers = app.engine.customers();
    match customers
        .write_attributes(client.project, who, &writes)
        .await
    {
        Ok(()) => Ok(true),
        Err(WriteError::Refused(refused)) => Ok(refused.len() < writes.len()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a purchase that could not be taken in waits until its store can be asked again.
const fn is_kept(error: &IntakeError) -> bool {
    match error {
        IntakeError::Store(trouble) => !matches!(trouble, Trouble::Unknown(_)),
        _ => false,
    }
}

/// Whether the body of a receipt can be read.
#[cfg(feature = "fuzz")]
pub(super) fn read(body: &Members) -> Result<(), Error> {
    Sent::try_from(body).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(body: &str) -> Result<Sent, Error> {
        let body: Members = serde_json::from_str(body).unwrap();
        Sent::try_from(&body)
    }

    #[test]
    fn a_price_is_read_as_number_or_text_with_its_currency() {
        for (beside, expected) in [
            // Android and servers.
            (r#""price": 9.99, "currency": "USD""#, Some("9.99 USD")),
            (r#""price": 10, "currency": "eur""#, Some("10 EUR")),
            (r#""price": 0, "currency": "USD""#, Some("0 USD")),
            // iOS.
            (r#""price": "9.99", "currency": "USD""#, Some("9.99 USD")),
            (r#""price": "1099", "currency": "JPY""#, Some("1099 JPY")),
            // Web: what the customer would pay in.
            (r#""currency": "USD""#, None),
            // Nothing that could be believed.
            (r#""price": "9.99", "currency": null"#, None),
            (r#""price": "9.99""#, None),
            (r#""price": null, "currency": "USD""#, None),
            (r#""price": "9,99", "currency": "USD""#, None),
            (r#""price": "NaN", "currency": "USD""#, None),
            (r#""price": "", "currency": "USD""#, None),
            (r#""price": -1, "currency": "USD""#, None),
            (r#""price": "-1", "currency": "USD""#, None),
            (r#""price": 1e999, "currency": "USD""#, None),
            (r#""price": true, "currency": "USD""#, None),
            (r#""price": [1], "currency": "USD""#, None),
            (r#""price": 1, "currency": "dollars""#, None),
            (r#""price": 1, "currency": 840"#, None),
        ] {
            let body = format!(r#"{{"app_user_id": "ann", "fetch_token": "t", {beside}}}"#);
            let claimed = sent(&body).unwrap().receipt.claimed_price;
            assert_eq!(claimed.as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn the_product_is_the_one_that_is_named_or_the_first_of_a_list() {
        for (beside, expected) in [
            (r#""product_id": "a", "product_ids": ["b"]"#, Some("a")),
            (
                r#""product_id": null, "product_ids": ["b", "c"]"#,
                Some("b"),
            ),
            (
                r#""product_id": "", "product_ids": [null, 7, "", "c"]"#,
                Some("c"),
            ),
            (r#""product_id": 7, "product_ids": null"#, None),
            (r#""product_ids": "b""#, None),
            (r#""product_ids": []"#, None),
            (r#""product_ids": {"0": "b"}"#, None),
        ] {
            let body = format!(r#"{{"app_user_id": "ann", "fetch_token": "t", {beside}}}"#);
            let product = sent(&body).unwrap().receipt.product;
            assert_eq!(product.as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn only_who_and_which_token_refuse_a_receipt() {
        for (body, expected) in [
            (r"{}", Code::BadRequest),
            (r#"{"app_user_id": "ann"}"#, Code::BadRequest),
            (r#"{"fetch_token": "t"}"#, Code::BadRequest),
            (
                r#"{"app_user_id": null, "fetch_token": "t"}"#,
                Code::BadRequest,
            ),
            (
                r#"{"app_user_id": 7, "fetch_token": "t"}"#,
                Code::BadRequest,
            ),
            (
                r#"{"app_user_id": ["ann"], "fetch_token": "t"}"#,
                Code::BadRequest,
            ),
            (
                r#"{"app_user_id": "\ud800", "fetch_token": "t"}"#,
                Code::BadRequest,
            ),
            (
                r#"{"app_user_id": "", "fetch_token": "t"}"#,
                Code::EmptyUserId,
            ),
            (
                r#"{"app_user_id": " ", "fetch_token": "t"}"#,
                Code::EmptyUserId,
            ),
            (
                r#"{"app_user_id": "ann", "fetch_token": null}"#,
                Code::BadRequest,
            ),
            (
                r#"{"app_user_id": "ann", "fetch_token": 7}"#,
                Code::BadRequest,
            ),
            (
                r#"{"app_user_id": "ann", "fetch_token": {}}"#,
                Code::BadRequest,
            ),
            (
                r#"{"app_user_id": "ann", "fetch_token": ""}"#,
                Code::InvalidReceipt,
            ),
        ] {
            let refused = sent(body).err().map(|error| error.code);
            assert_eq!(refused, Some(expected), "{body}");
        }
    }
}
