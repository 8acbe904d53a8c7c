//! Routes, each with its access rule and with what it does.

use crate::{
    App,
    access::{Access, enforce},
    audit::{self, Effect},
    described::{Described, Description},
    problem::Problem,
};
use axum::{
    Router,
    extract::{Request, State},
    handler::Handler,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use engine::trace;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use tracing::Instrument;

/// How a route is called, and what that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads; changes nothing.
    Get,
    /// Reads, and does something by the way: a link that signs in.
    GetAnd(Effect),
    /// Does something.
    Post(Effect),
    /// Creates or replaces.
    Put(Effect),
    /// Changes a part.
    Patch(Effect),
    /// Removes.
    Delete(Effect),
}

impl Method {
    /// As in a request line.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Get | Self::GetAnd(_) => "GET",
            Self::Post(_) => "POST",
            Self::Put(_) => "PUT",
            Self::Patch(_) => "PATCH",
            Self::Delete(_) => "DELETE",
        }
    }

    /// What it does; `None` when it only reads.
    pub const fn effect(self) -> Option<Effect> {
        match self {
            Self::Get => None,
            Self::GetAnd(effect)
            | Self::Post(effect)
            | Self::Put(effect)
            | Self::Patch(effect)
            | Self::Delete(effect) => Some(effect),
        }
    }

    const fn filter(self) -> MethodFilter {
        match self {
            Self::Get | Self::GetAnd(_) => MethodFilter::GET,
            Self::Post(_) => MethodFilter::POST,
            Self::Put(_) => MethodFilter::PUT,
            Self::Patch(_) => MethodFilter::PATCH,
            Self::Delete(_) => MethodFilter::DELETE,
        }
    }
}

/// One route: what is called, by whom, and what answers.
#[derive(Debug)]
pub struct Route<S> {
    /// How it is called, and what that does.
    pub method: Method,
    /// As axum writes it, with `{names}`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What the OpenAPI document says of it; `None` for pages, which are not part of the API.
    pub operation: Option<Operation>,
    handler: MethodRouter<S>,
}

/// What programs read about a route.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// What it does, in a line.
    pub summary: &'static str,
    /// What its handler takes and answers.
    pub describe: fn() -> Description,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    /// An operation of the API, which the OpenAPI document describes by what its handler takes and answers.
    ///
    /// This and [`Route::page`] are the only ways to make a route, and neither makes one without an access rule.
    pub fn operation<H, T, P>(
        method: Method,
        path: &'static str,
        access: Access,
        summary: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, S> + Described<P>,
        T: 'static,
    {
        let operation = Operation {
            summary,
            describe: <H as Described<P>>::describe,
        };
        Self {
            operation: Some(operation),
            ..Self::page(method, path, access, handler)
        }
    }

    /// A page, or what a page calls.
    pub fn page<H, T>(method: Method, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        Self {
            method,
            path,
            access,
            operation: None,
            handler: on(method.filter(), handler),
        }
    }

    /// Whether programs call it: what it leads to is traced.
    const fn is_of_programs(&self) -> bool {
        matches!(
            self.access,
            Access::Store | Access::Client | Access::Read | Access::Write
        )
    }

    /// The handler behind its access rule, what it does written down; whatever panics is an answer.
    fn guarded(self, app: &App) -> MethodRouter<S> {
        let named = (self.method.id(), self.path);
        let is_traced = self.is_of_programs();
        let handler = match self.method.effect() {
            Some(Effect::Does(what, subject)) => {
                let stated = (app.clone(), what, subject);
                let told = middleware::from_fn_with_state(stated, audit::told);
                self.handler.layer(told)
            }
            Some(Effect::Configures | Effect::Nothing(_)) | None => self.handler,
        };
        let guarded = handler
            .layer(middleware::from_fn_with_state(
                (app.clone(), self.access),
                enforce,
            ))
            .layer(middleware::from_fn_with_state(
                (app.clone(), self.path),
                caught,
            ));
        if is_traced {
            guarded.layer(middleware::from_fn_with_state(named, traced))
        } else {
            guarded
        }
    }
}

/// Puts every route behind its access rule.
pub fn mount<S: Clone + Send + Sync + 'static>(app: &App, routes: Vec<Route<S>>) -> Router<S> {
    routes.into_iter().fold(Router::new(), |router, route| {
        router.route(route.path, route.guarded(app))
    })
}

/// Answers for a handler that panicked. What handlers share stays whole: it is behind locks that no panic spoils, and in the
/// ledger.
async fn caught(
    State((app, path)): State<(App, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    answered(&app, path, request, next).await
}

/// The same around whatever is around routes, and where no route is: outside of all else.
pub async fn caught_outside(State(app): State<App>, request: Request, next: Next) -> Response {
    answered(&app, "", request, next).await
}

async fn answered(app: &App, path: &'static str, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let panic = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(answer) => return answer,
        Err(panic) => panic,
    };
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
    let id = app.engine.system().uuid().simple().to_string();
    tracing::error!(request.id = id, %method, path, panic = said, "what answers a request panicked");
    Problem::of_request(id).into_response()
}

/// A span around a request; part of the trace of whoever calls, if they sent one.
async fn traced(
    State((method, path)): State<(&'static str, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let parent = request.headers().get("traceparent");
    let parent = parent.and_then(|value| value.to_str().ok());
    let span = trace::request(method, path, parent);
    let answer = next.run(request).instrument(span.clone()).await;
    trace::answered(&span, answer.status().as_u16());
    answer
}
