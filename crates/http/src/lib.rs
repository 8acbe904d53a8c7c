//! API and dashboard behind one router.
#![warn(missing_docs)]

use axum::{Router, middleware};
use web::App;

/// The whole HTTP interface.
pub fn router(app: App) -> Router {
    api::router(&app)
        .merge(dashboard::router(&app))
        .method_not_allowed_fallback(api::wrong_method)
        .fallback(api::missing)
        .layer(middleware::from_fn_with_state(app, dashboard::readable))
        .layer(middleware::map_response(dashboard::harden))
}

#[cfg(test)]
mod tests {
    use web::{
        access::Access,
        route::{Method, Route},
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
            let changes = method != Method::Get;
            let guarded = matches!(
                access,
                Access::Write
                    | Access::Form
                    | Access::Own
                    | Access::Manage
                    | Access::Store
                    | Access::Client
            );
            let signs_in = ["/sign", "/invite/"]
                .iter()
                .any(|beginning| path.starts_with(beginning));
            assert!(!changes || guarded || signs_in, "{method:?} {path}");
        }
    }

    #[test]
    fn only_what_anyone_may_see_is_open() {
        let mut open: Vec<_> = table()
            .into_iter()
            .filter(|(method, _, access)| *access == Access::Anyone && *method == Method::Get)
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
                "/metrics",
                "/readyz",
                "/signin",
                "/signin/{token}",
            ]
        );
    }
}
