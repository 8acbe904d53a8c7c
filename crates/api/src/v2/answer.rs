//! What all of it answers: lists with the address of the next page, and times in milliseconds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, Type, schema::SchemaType},
};

/// Rows of a page, unless a request says.
const USUAL: usize = 20;
/// Most rows of a page.
const MOST: usize = 200;

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pages {
    /// Rows after the one of this id.
    pub(super) starting_after: Option<String>,
    /// Most rows; 20 when absent, and never more than 200.
    limit: Option<usize>,
}

impl Pages {
    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(USUAL).clamp(1, MOST)
    }
}

/// Milliseconds since 1970.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(as = v2::Millis, value_type = i64)]
pub(crate) struct Millis(pub(super) Timestamp);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(self.0.as_millisecond())
    }
}

/// A list, or a page of one.
#[derive(Serialize)]
pub(crate) struct Page<T> {
    items: Vec<T>,
    next_page: Option<String>,
    object: &'static str,
    url: String,
}

impl<T> Page<T> {
    /// All of it.
    pub(super) fn whole(url: impl Into<String>, items: impl IntoIterator<Item = T>) -> Self {
        Self {
            items: items.into_iter().collect(),
            next_page: None,
            object: "list",
            url: url.into(),
        }
    }

    /// The rows after the one that is asked for, of all in their order. `id` is by what a row is asked for.
    pub(super) fn of(path: &str, pages: &Pages, rows: Vec<T>, id: impl Fn(&T) -> String) -> Self {
        let after = pages.starting_after.as_ref();
        let start = after.map_or(0, |after| {
            let place = rows.iter().position(|row| id(row) == *after);
            place.map_or(rows.len(), |place| place + 1)
        });
        let limit = pages.limit();
        let has_more = rows.len() > start + limit;
        let items: Vec<T> = rows.into_iter().skip(start).take(limit).collect();
        let last = items.last().filter(|_| has_more).map(&id);
        Self {
            next_page: last.map(|last| next(path, &last, limit)),
            ..Self::whole(path, items)
        }
    }

    /// A page that was read as one.
    pub(super) fn read(path: &str, items: Vec<T>, limit: usize, last: Option<String>) -> Self {
        let is_full = items.len() == limit;
        Self {
            next_page: last
                .filter(|_| is_full)
                .map(|last| next(path, &last, limit)),
            ..Self::whole(path, items)
        }
    }
}

/// Where the next page is.
fn next(path: &str, last: &str, limit: usize) -> String {
    let last: String = form_urlencoded::byte_serialize(last.as_bytes()).collect();
    format!("{path}?starting_after={last}&limit={limit}")
}

/// A list within something, always whole.
macro_rules! within {
    ($(#[$doc:meta])* $name:ident of $row:ty, $($called:tt)*) => {
        $(#[$doc])*
        #[derive(serde::Serialize, utoipa::ToSchema)]
        #[schema(as = $($called)*)]
        pub(crate) struct $name {
            items: Vec<$row>,
            next_page: Option<String>,
            object: &'static str,
            url: String,
        }

        impl $name {
            fn whole(url: String, items: impl IntoIterator<Item = $row>) -> Self {
                Self {
                    items: items.into_iter().collect(),
                    next_page: None,
                    object: "list",
                    url,
                }
            }
        }
    };
}

pub(super) use within;

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let address = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Where the next page is; null at the end."));
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        let text = || ObjectBuilder::new().schema_type(Type::String);
        ObjectBuilder::new()
            .property("items", items)
            .required("items")
            .property("next_page", address)
            .required("next_page")
            .property("object", text())
            .required("object")
            .property("url", text())
            .required("url")
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("{}List", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        schemas.push((T::name().into_owned(), T::schema()));
    }
}
