//! The `OpenAPI` 3.1 document: what routes say of themselves, and what their handlers' types say of them.
//!
//! **How it works.** Method, path, access rule and summary are the route's; parameters, body and answers are read from the
//! types of its handler ([`web::described`]); the schemas are those of the types. Nothing is written down a second time, and
//! every answer of the tests of `tests/resources` is held against it.
//!
//! Tests: `crates/api/tests/resources/openapi.rs`.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use std::sync::OnceLock;
use utoipa::{
    ToSchema,
    openapi::{
        Components, ComponentsBuilder, HttpMethod, InfoBuilder, LicenseBuilder, ObjectBuilder,
        OpenApi, OpenApiBuilder, Paths, Required, Responses, Type,
        path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use web::{
    App,
    access::Access,
    described::{Answers, Description},
    route::{Method, Operation, Route},
};

/// Name of the only security scheme.
const KEY: &str = "key";

/// All that there are, which only whoever puts them together knows.
type All = fn() -> Vec<Route<App>>;

/// The routes of this file, of which one tells of `all`.
pub(crate) fn routes(all: All) -> Vec<Route<App>> {
    use Access::Anyone;
    use Method::Get;
    vec![Route::operation(
        Get,
        "/api/v1/openapi.json",
        Anyone,
        "This document",
        move || async move { served(all) },
    )]
}

/// The document as it is served: written once, because anybody may ask for it as often as they like.
static SERVED: OnceLock<Bytes> = OnceLock::new();

fn written(all: All) -> Bytes {
    let document = serde_json::to_vec(&document(all()));
    Bytes::from(document.expect("a document of texts, lists and objects can be written"))
}

/// An OpenAPI document.
#[derive(ToSchema)]
#[schema(value_type = Object)]
pub(crate) struct Document(Bytes);

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        let kind = [(header::CONTENT_TYPE, "application/json")];
        (kind, self.0).into_response()
    }
}

impl Answers for Document {
    fn answer(of: &mut Description) {
        of.answers_with::<Self>(StatusCode::OK, "application/json");
    }
}

fn served(all: All) -> Document {
    Document(SERVED.get_or_init(|| written(all)).clone())
}

/// The document of every operation among routes.
pub(crate) fn document(routes: Vec<Route<App>>) -> OpenApi {
    let mut paths = Paths::new();
    let mut components = security();
    for route in routes {
        let Some(Operation { summary, describe }) = route.operation else {
            continue;
        };
        let described = describe();
        components.schemas.extend(described.schemas.iter().cloned());
        let operation = operation(&route, summary, described);
        paths.add_path_operation(route.path, vec![method(route.method)], operation);
    }
    let license = LicenseBuilder::new()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"));
    let info = InfoBuilder::new()
        .title("Tidings")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Subscription events. Lists answer `{data, next}`; pass `next` as `before` (or `after`) for the following page.",
        ))
        .license(Some(license.build()));
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .build()
}

fn security() -> Components {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An API key, `tid_sk_...`; for `/v1` also the public key of an app.",
        ));
    let scheme = SecurityScheme::Http(scheme.build());
    ComponentsBuilder::new()
        .security_scheme(KEY, scheme)
        .build()
}

fn operation(route: &Route<App>, summary: &str, described: Description) -> OperationBuilder {
    let parameters = in_path(route.path).chain(described.parameters);
    let operation = OperationBuilder::new()
        .operation_id(Some(id(route)))
        .summary(Some(summary))
        .parameters(Some(parameters))
        .request_body(described.body)
        .responses(described.answers.into_iter().collect::<Responses>());
    match route.access {
        Access::Client | Access::Read | Access::Write => {
            operation.security(SecurityRequirement::new(KEY, [""; 0]))
        }
        Access::Anyone
        | Access::Visitor
        | Access::Store
        | Access::Page
        | Access::Form
        | Access::Own
        | Access::Manage => operation,
    }
}

/// As code generators call it; never changes.
fn id(route: &Route<App>) -> String {
    let path = route.path.replace(['/', '.'], "_").replace(['{', '}'], "");
    format!("{}{path}", route.method.id().to_lowercase())
}

/// The names in a path.
fn in_path(path: &str) -> impl Iterator<Item = Parameter> {
    let names = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build()
    })
}

const fn method(method: Method) -> HttpMethod {
    match method {
        Method::Get | Method::GetAnd(_) => HttpMethod::Get,
        Method::Post(_) => HttpMethod::Post,
        Method::Put(_) => HttpMethod::Put,
        Method::Patch(_) => HttpMethod::Patch,
        Method::Delete(_) => HttpMethod::Delete,
    }
}
