//! API and dashboard behind one router, and the sockets they are reached by.
#![warn(missing_docs)]

mod serve;

pub use serve::{Bounds, serve};

use axum::{Router, middleware};
use web::{App, route::caught_outside};

/// The whole HTTP interface.
pub fn router(app: App) -> Router {
    let routes = api::router(&app).merge(dashboard::router(&app));
    dressed(routes, app)
}

/// What stores call, for a listener of their own.
pub fn callbacks(app: App) -> Router {
    dressed(api::callbacks(&app), app)
}

/// What operators are told, for a listener of their own.
pub fn operations(app: &App) -> Router {
    let caught = middleware::from_fn_with_state(app.clone(), caught_outside);
    api::operations(app).layer(caught)
}

/// Routes with what is answered beside them, and every answer as it leaves.
fn dressed(routes: Router, app: App) -> Router {
    routes
        .method_not_allowed_fallback(api::wrong_method)
        .fallback(api::missing)
        .layer(middleware::from_fn(serve::at_work))
        .layer(middleware::from_fn_with_state(
            app.clone(),
            dashboard::readable,
        ))
        .layer(middleware::from_fn(api::for_clients))
        .layer(middleware::from_fn_with_state(
            app.clone(),
            dashboard::harden,
        ))
        .layer(middleware::from_fn_with_state(app, caught_outside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{extract::Request, middleware::Next};
    use web::{
        access::Access,
        problem::Problem,
        route::{Method, Route, mount},
        test::{TestServer, Who},
    };

    fn table() -> Vec<(Method, &'static str, Access)> {
        fn told<S>(routes: Vec<Route<S>>) -> impl Iterator<Item = (Method, &'static str, Access)> {
            routes
                .into_iter()
                .map(|route| (route.method, route.path, route.access))
        }
        told(api::routes())
            .chain(told(dashboard::routes()))
            .collect()
    }

    #[test]
    fn what_changes_something_needs_write_access_or_proves_itself() {
        for (method, path, access) in table() {
            let changes = method.effect().is_some();
            let guarded = matches!(
                access,
                Access::Write
                    | Access::Form
                    | Access::Own
                    | Access::Manage
                    | Access::Store
                    | Access::Client
                    | Access::Visitor
            );
            assert!(!changes || guarded, "{method:?} {path}");
        }
    }

    /// A server with one route, whose handler panics.
    async fn broken(path: &'static str, access: Access) -> TestServer {
        TestServer::start(move |app| {
            let panics = async || -> Problem { panic!("of {}", "somebody") };
            let route = Route::page(Method::Get, path, access, panics);
            dressed(mount(&app, vec![route]).with_state(()), app)
        })
        .await
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_with_the_id_of_the_request() {
        let server = broken("/api/v1/broken", Access::Read).await;
        let answer = server.get("/api/v1/broken").await;
        assert_eq!(answer.status, 500);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let body = answer.json();
        assert_eq!(body["code"], "internal");
        let id = body["request_id"].as_str().unwrap();
        assert!(
            id.len() == 32 && !answer.text().contains("somebody"),
            "{body}"
        );
        let next = server.get("/api/v1/broken").await.json();
        assert_ne!(next["request_id"], body["request_id"]);
    }

    #[tokio::test]
    async fn a_panic_of_a_page_is_a_page_with_the_id_of_the_request() {
        let server = broken("/broken", Access::Page).await;
        let answer = server.by(Who::Viewer).get("/broken").await;
        assert_eq!(answer.status, 500);
        let page = answer.text();
        assert!(page.contains("Something went wrong here"), "{page}");
        assert!(!page.contains("somebody"), "{page}");
        let id = page.split("Request <code>").nth(1).unwrap();
        let id = id.split_once('<').unwrap().0;
        assert!(
            id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
    }

    #[tokio::test]
    async fn a_panic_of_what_is_around_a_handler_is_a_problem_too() {
        let server = TestServer::start(|app| {
            let answers = async || Problem::not_found("anything", "here");
            let route = Route::page(Method::Get, "/api/v1/broken", Access::Read, answers);
            let panics = async |_: Request, _: Next| -> Problem { panic!("of {}", "somebody") };
            let routes = mount(&app, vec![route]).with_state(());
            dressed(routes.layer(middleware::from_fn(panics)), app)
        })
        .await;
        let answer = server.get("/api/v1/broken").await;
        assert_eq!(answer.status, 500, "{answer}");
        assert_eq!(answer.json()["code"], "internal");
        assert!(!answer.text().contains("somebody"), "{answer}");
    }

    #[test]
    fn only_what_anyone_may_see_is_open() {
        let mut open: Vec<_> = table()
            .into_iter()
            .filter(|(method, _, access)| *access == Access::Anyone && method.id() == "GET")
            .map(|(_, path, _)| path)
            .collect();
        open.sort_unstable();
        assert_eq!(
            open,
            [
                "/api/v1/openapi.json",
                "/assets/{name}",
                "/healthz",
                "/invite/{token}",
                "/readyz",
                "/signin",
                "/signin/{token}",
                // What SDKs ask of no project: the answer is the same for all.
                "/v1/health",
                "/v1/subscribers/{id}/health_report_availability",
            ]
        );
    }
}
