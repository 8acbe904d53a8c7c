//! Attributes of a customer, as client SDKs write them.
//!
//! Tests: `crates/api/tests/resources/v1/attributes.rs`.

use super::{
    Client, Error, Platform,
    body::{Said, Says, attributes_by_name, members, of, text},
    customers::current,
    error::Code,
    members::{MOST, Members, Scalar},
    subscriber::Shown,
};
use axum::extract::{Path, State};
use domain::attribute::{DEVICE_VERSION, FROM_REQUEST, IP, Refused, Write};
use engine::WriteError;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, Type},
};
use web::{
    App,
    access::Access,
    audit::{Did, Effect, Known, Noted, Subject},
    body::Json,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Client;
    use Effect::Does;
    use Method::Post;
    vec![
        Route::operation(
            Post(Does("change customer", Subject::Customer("id"))),
            "/v1/subscribers/{id}/attributes",
            Client,
            "Writes attributes",
            post_attributes,
        ),
        Route::operation(
            Post(Does("change customer", Subject::Customer("id"))),
            "/v1/subscribers/{id}/attribution",
            Client,
            "Writes device ids, as older clients do",
            post_attribution,
        ),
    ]
}

/// One attribute: its `value`, null to remove it, and when it was written. `None` if it cannot be read.
fn attribute_write(key: &str, attribute: &Members) -> Option<Write> {
    let value = match attribute.get("value") {
        Some(value) => Some(Scalar::into_text(value)),
        None if attribute.has("value") => return None,
        None => None,
    };
    Some(Write {
        key: key.to_owned(),
        value,
        written_at: attribute
            .integer("updated_at_ms")
            .and_then(|millis| Timestamp::from_millisecond(millis).ok()),
    })
}

members! {
    /// Attributes of a customer.
    Attributes = "v1.Attributes", attributes;
    /// What an advertising network says of a customer.
    Attribution = "v1.Attribution", attribution;
}

impl Says for Attributes {
    const UNREADABLE: Code = Code::InvalidAttributes;
}

impl Says for Attribution {}

fn attributes() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("attributes", attributes_by_name())
        .required("attributes")
}

fn attribution() -> ObjectBuilder {
    let ids = ["rc_idfa", "rc_idfv", "rc_gps_adid", "rc_ip_address"];
    let data = ids
        .into_iter()
        .fold(of(&[Type::Object, Type::Null]), |data, id| {
            data.property(id, text())
        });
    ObjectBuilder::new()
        .property("data", data)
        .property("network", of(&[Type::Integer, Type::String, Type::Null]))
}

impl Client {
    /// What an SDK leaves to whoever takes its request in: its address, and what it runs on. What the request does not show stays as it
    /// was sent, and that of a server with a secret key is nobody's device. Source: RevenueCat docs, "Kochava", device identifiers.
    pub(super) fn fill_in(&self, writes: &mut [Write], platform: &Platform) {
        let left = writes
            .iter_mut()
            .filter(|write| write.value.as_deref() == Some(FROM_REQUEST));
        for write in left.filter(|_| self.is_public()) {
            let shown = match write.key.as_str() {
                IP => self.address.map(|address| address.to_string()),
                DEVICE_VERSION => platform.device(),
                _ => None,
            };
            write.value = shown.or(write.value.take());
        }
    }
}

impl Platform {
    /// Platform and release: `android 34`.
    fn device(&self) -> Option<String> {
        let version = self.version.as_ref()?;
        let name = self.name.iter();
        Some(
            name.chain([version])
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" "),
        )
    }
}

/// Attributes by name, as client SDKs send them in a receipt or by themselves: those that can be read, and what is wrong with
/// the others.
pub(super) fn attribute_writes(attributes: &Members) -> (Vec<Write>, Vec<Refused>) {
    let (mut writes, mut refused) = (Vec::new(), Vec::new());
    for (key, attribute) in attributes.objects() {
        match attribute.and_then(|attribute| attribute_write(key, &attribute)) {
            Some(write) => writes.push(write),
            None => refused.push(Refused {
                key: key.to_owned(),
                problem: "expected an object with a text, a number or null as its value".into(),
            }),
        }
    }
    (writes, refused)
}

/// `POST /v1/subscribers/{id}/attributes`. What cannot be read or kept is told, and the rest is kept.
pub(crate) async fn post_attributes(
    State(app): State<App>,
    client: Client,
    Path(id): Path<String>,
    platform: Platform,
    Said(Attributes(body)): Said<Attributes>,
) -> Result<Result<Json<Shown>, Noted<Error>>, Error> {
    let attributes: Members = body.get("attributes").ok_or_else(|| {
        Error::new(Code::InvalidAttributes).because("attributes: expected an object")
    })?;
    if attributes.has_more() {
        let why = format!("attributes: at most {MOST} at once");
        return Err(Error::new(Code::InvalidAttributes).because(why));
    }
    client.let_in(&app, &id, Code::Later).await?;
    let (mut writes, mut refused) = attribute_writes(&attributes);
    client.fill_in(&mut writes, &platform);
    let mut kept = writes.len();
    match app
        .engine
        .customers()
        .write_attributes(client.project, &id, &writes)
        .await
    {
        Err(WriteError::Refused(more)) => {
            kept = kept.saturating_sub(more.len());
            refused.extend(more);
        }
        written => written?,
    }
    if refused.is_empty() {
        return current(&app, &client, &id, &platform).await.map(Ok);
    }
    let did = if kept > 0 {
        Did::AsStated(Known::default())
    } else {
        Did::Nothing
    };
    let refusal = Error::from(WriteError::Refused(refused));
    Ok(Err(Noted::new(did, refusal)))
}

/// An object without members.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Nothing)]
pub(crate) struct Nothing {}

/// `POST /v1/subscribers/{id}/attribution`, as old SDKs call it. Without data there is nothing to write.
pub(crate) async fn post_attribution(
    State(app): State<App>,
    client: Client,
    Path(id): Path<String>,
    Said(Attribution(body)): Said<Attribution>,
) -> Result<Noted<Json<Nothing>>, Error> {
    if !body.has("data") {
        return Ok(Noted::nothing(Json(Nothing {})));
    }
    // Only the device ids have a place of their own.
    let network = body.get::<Scalar>("network").map(Scalar::into_text);
    let data: Members = body
        .get("data")
        .ok_or_else(|| Error::new(Code::BadRequest).because("data: expected an object"))?;
    let known = [
        ("rc_idfa", "$idfa"),
        ("rc_idfv", "$idfv"),
        ("rc_gps_adid", "$gpsAdId"),
        ("rc_ip_address", "$ip"),
    ];
    let writes: Vec<Write> = known
        .into_iter()
        .filter_map(|(theirs, ours)| {
            Some(Write {
                key: ours.into(),
                value: Some(data.get(theirs)?),
                written_at: None,
            })
        })
        .collect();
    tracing::debug!(
        network,
        attributes = writes.len(),
        "attribution data of an old SDK"
    );
    client.let_in(&app, &id, Code::Later).await?;
    app.engine
        .customers()
        .write_attributes(client.project, &id, &writes)
        .await?;
    Ok(Noted::to(id, Json(Nothing {})))
}
