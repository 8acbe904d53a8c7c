//! What a handler takes and answers, read from its types: all that the OpenAPI document says of an operation beyond its route.
//!
//! **How it works.** Whatever a handler takes says what it asks of a request ([`Asks`]); whatever it returns says what is
//! answered ([`Answers`]). [`Described`] is there for every handler that is made of such and of nothing else, so an operation
//! without a body's, a parameter's or an answer's type does not compile.
//!
//! **What it does not do.** It names no path, method or access rule: those are the route's.

use axum::{extract::Path, http::StatusCode};
use std::collections::BTreeMap;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Content, Object, Ref, RefOr, Required, Response, Schema,
        path::Parameter,
        request_body::{RequestBody, RequestBodyBuilder},
        schema::SchemaType,
    },
};

/// What the document says of an operation.
#[derive(Default)]
pub struct Description {
    /// What it takes beside its path and body.
    pub parameters: Vec<Parameter>,
    /// Its body.
    pub body: Option<RequestBody>,
    /// What it answers, by status; `default` for whatever goes wrong.
    pub answers: BTreeMap<String, Response>,
    /// The schemas that all of these refer to, by name. A type that is referred to twice is here twice.
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

impl Description {
    /// A reference to the schema of a type.
    fn refer<T: ToSchema>(&mut self) -> Ref {
        T::schemas(&mut self.schemas);
        self.schemas.push((T::name().into_owned(), T::schema()));
        Ref::from_schema_name(T::name())
    }

    /// It takes these parameters.
    pub fn takes(&mut self, parameters: impl IntoIterator<Item = Parameter>) {
        self.parameters.extend(parameters);
    }

    /// It takes a JSON body of this type.
    pub fn takes_body<T: ToSchema>(&mut self) {
        let content = Content::new(Some(self.refer::<T>()));
        let body = RequestBodyBuilder::new().required(Some(Required::True));
        self.body = Some(body.content("application/json", content).build());
    }

    /// It takes a JSON body, whatever is in it.
    pub fn takes_any_body(&mut self) {
        let body = RequestBodyBuilder::new().required(Some(Required::False));
        let any = Content::new(Some(Schema::Object(Object::with_type(
            SchemaType::AnyValue,
        ))));
        self.body = Some(body.content("application/json", any).build());
    }

    /// It answers with this status.
    pub fn answers(&mut self, status: StatusCode) -> &mut Response {
        let words = status.canonical_reason().unwrap_or_default();
        let answer = self.answers.entry(status.as_str().to_owned());
        answer.or_insert_with(|| Response::new(words))
    }

    /// It answers with this status and a body of this type.
    pub fn answers_with<T: ToSchema>(&mut self, status: StatusCode, media_type: &str) {
        let content = Content::new(Some(self.refer::<T>()));
        let answer = self.answers(status);
        answer.content.insert(media_type.to_owned(), content.into());
    }

    /// Whatever goes wrong is answered with a body of this type.
    pub fn fails_with<T: ToSchema>(&mut self, media_type: &str) {
        let content = Content::new(Some(self.refer::<T>()));
        let answer = self.answers.entry("default".to_owned());
        let answer = answer.or_insert_with(|| Response::new("What went wrong"));
        answer.content.insert(media_type.to_owned(), content.into());
    }
}

/// Something a handler takes: part of a request, or of what the server knows.
pub trait Asks {
    /// Says what it asks of the request, and what is answered to a request that does not have it.
    fn ask(of: &mut Description);
}

/// Something a handler returns.
pub trait Answers {
    /// Says every status it answers with, and the body of each.
    fn answer(of: &mut Description);
}

/// A handler that can be described. `Parts` are the types it takes.
pub trait Described<Parts> {
    /// What it takes and answers.
    fn describe() -> Description;
}

macro_rules! described {
    ($($part:ident)*) => {
        impl<F, Fut, R, $($part),*> Described<($($part,)*)> for F
        where
            F: Fn($($part),*) -> Fut,
            Fut: Future<Output = R>,
            R: Answers,
            $($part: Asks,)*
        {
            fn describe() -> Description {
                let mut of = Description::default();
                $($part::ask(&mut of);)*
                R::answer(&mut of);
                of
            }
        }
    };
}

described! {}
described! { A }
described! { A B }
described! { A B C }
described! { A B C D }
described! { A B C D E }
described! { A B C D E G }

/// What the server knows is not asked of anybody. What else handlers take says itself what it asks, where it is.
/// The names in a path are the route's.
impl<T> Asks for Path<T> {
    fn ask(_: &mut Description) {}
}

/// Text as it is.
impl Answers for &'static str {
    fn answer(of: &mut Description) {
        String::answer(of);
    }
}

/// Text as it is.
impl Answers for String {
    fn answer(of: &mut Description) {
        let content = Content::new(Some(Self::schema()));
        let answer = of.answers(StatusCode::OK);
        answer
            .content
            .insert("text/plain".to_owned(), content.into());
    }
}

impl<T: Answers, E: Answers> Answers for Result<T, E> {
    fn answer(of: &mut Description) {
        T::answer(of);
        E::answer(of);
    }
}
