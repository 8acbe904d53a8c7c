//! Every route, with its access rule and what the reference says about it.

use crate::{
    App,
    access::{Access, enforce},
    api, apps, callbacks, openapi, pages, people, replays, stream, v1,
};
use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
    routing::{MethodRouter, delete, get, options, patch, post, put},
};

use engine::trace;
use tracing::Instrument;

/// One route.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    /// For the reference; empty for pages, which are not part of the API.
    pub(crate) summary: &'static str,
    /// Name of the body's schema in [`openapi`].
    pub(crate) body: Option<&'static str>,
    /// Query parameters.
    pub(crate) query: &'static [&'static str],
    handler: fn() -> MethodRouter<App>,
}

const EVENT_FILTERS: &[&str] = &[
    "kind",
    "customer",
    "app",
    "store",
    "environment",
    "integration",
    "state",
    "since",
    "until",
    "hours",
    "before",
    "after",
    "limit",
    "wait",
];
const DELIVERY_FILTERS: &[&str] = &["integration", "state", "before", "limit"];
const PAGES: &[&str] = &["before", "limit"];

/// All routes.
pub(crate) fn table() -> Vec<Route> {
    use Access::{Anyone, Client, Form, Manage, Own, Page, Read, Store, Write};
    let route = |method, path, access, summary, body, query, handler| Route {
        method,
        path,
        access,
        summary,
        body,
        query,
        handler,
    };
    let page = |path, handler| route("GET", path, Page, "", None, &[], handler);
    let own = |path, handler| route("POST", path, Own, "", None, &[], handler);
    let manage = |path, handler| route("POST", path, Manage, "", None, &[], handler);
    let form = |path, handler| route("POST", path, Form, "", None, &[], handler);
    vec![
        route(
            "GET",
            "/healthz",
            Anyone,
            "Whether the process runs",
            None,
            &[],
            || get(api::healthz),
        ),
        route(
            "GET",
            "/readyz",
            Anyone,
            "Whether it can take work: the ledger can be written",
            None,
            &[],
            || get(api::readyz),
        ),
        route(
            "GET",
            "/metrics",
            Anyone,
            "Metrics in Prometheus format",
            None,
            &[],
            || get(api::metrics),
        ),
        route(
            "POST",
            "/callbacks/apple/{app}",
            Store,
            "Receives App Store Server Notifications V2",
            Some("AppleNotification"),
            &[],
            || post(callbacks::store),
        ),
        route(
            "POST",
            "/callbacks/google/{app}",
            Store,
            "Receives Google Play's Real-time Developer Notifications, by Pub/Sub push",
            Some("GooglePush"),
            &[],
            || post(callbacks::store),
        ),
        route(
            "POST",
            "/callbacks/stripe/{app}",
            Store,
            "Receives Stripe's webhook events",
            Some("StripeEvent"),
            &[],
            || post(callbacks::store),
        ),
        route(
            "GET",
            "/v1/subscribers/{id}",
            Client,
            "The customer, made when there is none; RevenueCat v1 shape",
            None,
            &[],
            || get(v1::get_subscriber),
        ),
        route(
            "DELETE",
            "/v1/subscribers/{id}",
            Client,
            "Forgets a customer; takes a secret key",
            None,
            &[],
            || delete(v1::delete_subscriber),
        ),
        route(
            "POST",
            "/v1/receipts",
            Client,
            "Sends a purchase in; RevenueCat v1 shape",
            Some("Receipt"),
            &[],
            || post(v1::receipts),
        ),
        route(
            "POST",
            "/v1/subscribers/identify",
            Client,
            "Gives a customer another name",
            Some("Identify"),
            &[],
            || post(v1::identify),
        ),
        route(
            "POST",
            "/v1/subscribers/{id}/alias",
            Client,
            "The same, as older clients ask",
            Some("Alias"),
            &[],
            || post(v1::alias),
        ),
        route(
            "POST",
            "/v1/subscribers/{id}/attributes",
            Client,
            "Writes attributes",
            Some("Attributes"),
            &[],
            || post(v1::post_attributes),
        ),
        route(
            "POST",
            "/v1/subscribers/{id}/attribution",
            Client,
            "Writes device ids, as older clients do",
            Some("Attribution"),
            &[],
            || post(v1::post_attribution),
        ),
        route(
            "GET",
            "/v1/subscribers/{id}/offerings",
            Client,
            "Offerings",
            None,
            &[],
            || get(v1::offerings),
        ),
        route(
            "GET",
            "/v1/subscribers/{id}/virtual_currencies",
            Client,
            "Virtual currencies: none",
            None,
            &[],
            || get(v1::virtual_currencies),
        ),
        route(
            "GET",
            "/v1/subscribers/{id}/workflows",
            Client,
            "Paywalls: none",
            None,
            &[],
            || get(v1::paywalls),
        ),
        route(
            "POST",
            "/v1/subscribers/{id}/entitlements/{entitlement}/promotional",
            Client,
            "Gives access by hand; takes a secret key",
            Some("Promotional"),
            &[],
            || post(v1::grant),
        ),
        route(
            "POST",
            "/v1/subscribers/{id}/entitlements/{entitlement}/revoke_promotionals",
            Client,
            "Takes access given by hand back; takes a secret key",
            None,
            &[],
            || post(v1::revoke),
        ),
        route(
            "POST",
            "/api/v1/projects/{project}/purchases",
            Write,
            "States a purchase of any other store",
            Some("Purchase"),
            &[],
            || post(people::state_purchase),
        ),
        route(
            "DELETE",
            "/api/v1/projects/{project}/customers/{who}",
            Write,
            "Forgets a customer",
            None,
            &[],
            || delete(people::forget),
        ),
        route(
            "POST",
            "/api/v1/projects/{project}/customers/{who}/transfer",
            Write,
            "Moves all purchases to another customer",
            Some("Transfer"),
            &[],
            || post(people::transfer),
        ),
        route(
            "PATCH",
            "/api/v1/projects/{project}/customers/{who}",
            Write,
            "Writes attributes, install date and opt-out",
            Some("CustomerChange"),
            &[],
            || patch(people::change),
        ),
        route(
            "POST",
            "/api/v1/projects/{project}/customers/{who}/grants",
            Write,
            "Gives access by hand",
            Some("Grant"),
            &[],
            || post(people::grant),
        ),
        route(
            "DELETE",
            "/api/v1/projects/{project}/customers/{who}/grants/{entitlement}",
            Write,
            "Takes access given by hand back",
            None,
            &[],
            || delete(people::revoke),
        ),
        route(
            "POST",
            "/api/v1/projects/{project}/apps/{app}/check",
            Write,
            "Asks the store whether an app's settings work",
            None,
            &[],
            || post(apps::check),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/parked",
            Read,
            "Messages that wait, each with its reason",
            None,
            &["limit"],
            || get(people::parked),
        ),
        route(
            "POST",
            "/api/v1/projects/{project}/parked/retry",
            Write,
            "Tries all waiting messages again",
            None,
            &[],
            || post(people::retry_all),
        ),
        route(
            "POST",
            "/api/v1/projects/{project}/parked/{message}/retry",
            Write,
            "Tries one waiting message again",
            None,
            &[],
            || post(people::retry_one),
        ),
        route(
            "GET",
            "/api/v1/openapi.json",
            Anyone,
            "This document",
            None,
            &[],
            || get(openapi::document),
        ),
        route(
            "GET",
            "/api/v1/destinations",
            Read,
            "Kinds of integrations and their settings",
            None,
            &[],
            || get(api::destinations),
        ),
        route(
            "GET",
            "/api/v1/projects",
            Read,
            "Projects",
            None,
            &[],
            || get(api::projects),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}",
            Read,
            "One project",
            None,
            &[],
            || get(api::project),
        ),
        route(
            "PUT",
            "/api/v1/projects/{project}",
            Write,
            "Creates or changes a project",
            Some("Project"),
            &[],
            || put(api::put_project),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/apps",
            Read,
            "Apps with their callback URLs",
            None,
            &[],
            || get(api::apps),
        ),
        route(
            "PUT",
            "/api/v1/projects/{project}/apps/{key}",
            Write,
            "Creates or changes an app",
            Some("App"),
            &[],
            || put(api::put_app),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/products",
            Read,
            "Products",
            None,
            &[],
            || get(api::products),
        ),
        route(
            "PUT",
            "/api/v1/projects/{project}/products/{id}",
            Write,
            "Creates or changes a product",
            Some("Product"),
            &[],
            || put(api::put_product),
        ),
        route(
            "DELETE",
            "/api/v1/projects/{project}/products/{id}",
            Write,
            "Removes a product",
            None,
            &[],
            || delete(api::delete_product),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/entitlements",
            Read,
            "Entitlements",
            None,
            &[],
            || get(api::entitlements),
        ),
        route(
            "PUT",
            "/api/v1/projects/{project}/entitlements/{key}",
            Write,
            "Creates or changes an entitlement",
            Some("Entitlement"),
            &[],
            || put(api::put_entitlement),
        ),
        route(
            "DELETE",
            "/api/v1/projects/{project}/entitlements/{key}",
            Write,
            "Removes an entitlement",
            None,
            &[],
            || delete(api::delete_entitlement),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/integrations",
            Read,
            "Integrations, secrets masked",
            None,
            &[],
            || get(api::integrations),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/integrations/{key}",
            Read,
            "One integration, secrets masked",
            None,
            &[],
            || get(api::integration),
        ),
        route(
            "PUT",
            "/api/v1/projects/{project}/integrations/{key}",
            Write,
            "Creates or changes an integration",
            Some("Integration"),
            &[],
            || put(api::put_integration),
        ),
        route(
            "DELETE",
            "/api/v1/projects/{project}/integrations/{key}",
            Write,
            "Removes an integration; its unsent deliveries fail",
            None,
            &[],
            || delete(api::delete_integration),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/replays",
            Read,
            "Replays, newest first, and how far each has come",
            None,
            &[],
            || get(replays::list),
        ),
        route(
            "POST",
            "/api/v1/projects/{project}/replays",
            Write,
            "Sends past events to an integration again; with `dry_run`, only says what that would do",
            Some("Replay"),
            &[],
            || post(replays::start),
        ),
        route(
            "POST",
            "/api/v1/projects/{project}/replays/{id}/cancel",
            Write,
            "Stops a replay; what it has queued is sent",
            None,
            &[],
            || post(replays::cancel),
        ),
        route(
            "POST",
            "/api/v1/projects/{project}/integrations/{key}/test",
            Write,
            "Sends a test event",
            None,
            &[],
            || post(api::send_test),
        ),
        route(
            "POST",
            "/api/v1/projects/{project}/integrations/{key}/verify",
            Write,
            "Makes the verification handshake now",
            None,
            &[],
            || post(api::verify),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/events",
            Read,
            "The event feed: the last 14 days unless `since` says otherwise",
            None,
            EVENT_FILTERS,
            || get(api::events),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/events/stream",
            Read,
            "Events as they happen, as server-sent events; resumes after Last-Event-ID",
            None,
            EVENT_FILTERS,
            || get(stream::events),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/events/{id}",
            Read,
            "One event with the state of every integration",
            None,
            &[],
            || get(api::event),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/inbox/{id}",
            Read,
            "One raw message",
            None,
            &[],
            || get(api::inbox),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/deliveries",
            Read,
            "Last sent events, with request, response and reason",
            None,
            DELIVERY_FILTERS,
            || get(api::deliveries),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/deliveries/stream",
            Read,
            "Deliveries as they change, as server-sent events",
            None,
            DELIVERY_FILTERS,
            || get(stream::deliveries),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/deliveries/{id}",
            Read,
            "One delivery with every attempt",
            None,
            &[],
            || get(api::delivery),
        ),
        route(
            "POST",
            "/api/v1/projects/{project}/deliveries/{id}/resend",
            Write,
            "Sends a delivery again, with its original id",
            None,
            &[],
            || post(api::resend),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/customers",
            Read,
            "Customers, newest first",
            None,
            PAGES,
            || get(api::customers),
        ),
        route(
            "GET",
            "/api/v1/projects/{project}/customers/{who}",
            Read,
            "One customer, by id or app user id, with purchases and access",
            None,
            &[],
            || get(api::customer),
        ),
        route("GET", "/", Page, "", None, &[], || get(pages::home)),
        route("GET", "/projects/{project}", Page, "", None, &[], || {
            get(pages::feed)
        }),
        page("/projects/{project}/live", || get(stream::page)),
        page("/projects/{project}/events/{id}", || get(pages::event)),
        route("GET", "/customers/{who}", Page, "", None, &[], || {
            get(pages::redirect)
        }),
        form("/projects/{project}/deliveries/{id}/resend", || {
            post(pages::resend)
        }),
        page("/projects/{project}/customers", || get(pages::customers)),
        page("/projects/{project}/customers/{who}", || {
            get(pages::customer)
        }),
        form("/projects/{project}/customers/{who}/forget", || {
            post(pages::forget_customer)
        }),
        form("/projects/{project}/customers/{who}/{change}", || {
            post(pages::change_customer)
        }),
        page("/projects/{project}/integrations", || {
            get(pages::integrations)
        }),
        page("/projects/{project}/integrations/new/{destination}", || {
            get(pages::new_integration)
        }),
        form("/projects/{project}/integrations/new/{destination}", || {
            post(pages::add)
        }),
        form(
            "/projects/{project}/integrations/new/{destination}/preview",
            || post(pages::preview_new),
        ),
        page("/projects/{project}/integrations/{key}", || {
            get(pages::integration)
        }),
        form("/projects/{project}/integrations/{key}", || {
            post(pages::save)
        }),
        form("/projects/{project}/integrations/{key}/preview", || {
            post(pages::preview)
        }),
        form("/projects/{project}/integrations/{key}/{act}", || {
            post(pages::act_on_integration)
        }),
        form("/projects/{project}/catalog/bulk", || {
            post(pages::edit_products)
        }),
        form("/projects/{project}/catalog/list", || {
            post(pages::add_products)
        }),
        page("/projects/{project}/rates", || get(pages::rates)),
        manage("/projects/{project}/rates", || post(pages::add_rates)),
        page("/projects/{project}/replay", || get(pages::replay)),
        form("/projects/{project}/replay", || post(pages::start_replay)),
        form("/projects/{project}/replay/{id}/cancel", || {
            post(pages::cancel_replay)
        }),
        page("/projects/{project}/simulator", || get(pages::simulator)),
        form("/projects/{project}/simulator", || post(pages::play)),
        form("/projects/{project}/simulator/{id}/stop", || {
            post(pages::stop_life)
        }),
        page("/projects/{project}/apps", || get(pages::apps)),
        page("/projects/{project}/apps/new/{store}", || {
            get(pages::new_app)
        }),
        form("/projects/{project}/apps/new/{store}", || {
            post(pages::add_app)
        }),
        page("/projects/{project}/apps/{key}", || get(pages::app_page)),
        form("/projects/{project}/apps/{key}", || post(pages::save_app)),
        form("/projects/{project}/apps/{key}/check", || {
            post(pages::check_app)
        }),
        form("/projects/{project}/apps/{key}/parked/{message}", || {
            post(pages::retry_parked)
        }),
        page("/projects/{project}/catalog", || get(pages::catalog)),
        form("/projects/{project}/catalog/products", || {
            post(pages::save_product)
        }),
        form("/projects/{project}/catalog/entitlements", || {
            post(pages::save_entitlement)
        }),
        route("POST", "/projects", Form, "", None, &[], || {
            post(pages::make_project)
        }),
        page("/projects/{project}/start", || get(pages::start)),
        page("/projects/{project}/settings", || get(pages::settings)),
        form("/projects/{project}/settings", || {
            post(pages::save_settings)
        }),
        manage("/projects/{project}/settings/keys", || {
            post(pages::make_key)
        }),
        manage("/projects/{project}/settings/keys/{key}/revoke", || {
            post(pages::revoke_key)
        }),
        page("/projects/{project}/people", || get(pages::people)),
        manage("/projects/{project}/people/invite", || post(pages::invite)),
        manage("/projects/{project}/people/withdraw/{digest}", || {
            post(pages::withdraw)
        }),
        manage("/projects/{project}/people/{user}", || {
            post(pages::change_person)
        }),
        manage("/projects/{project}/people/{user}/link", || {
            post(pages::password_link)
        }),
        page("/projects/{project}/account", || get(pages::account)),
        own("/projects/{project}/account/password", || {
            post(pages::change_password)
        }),
        own("/projects/{project}/account/sessions", || {
            post(pages::end_sessions)
        }),
        page("/projects/{project}/audit", || get(pages::audit)),
        page("/projects/{project}/overview", || get(pages::overview)),
        route("GET", "/setup", Manage, "", None, &[], || get(pages::setup)),
        route("POST", "/setup", Manage, "", None, &[], || {
            post(pages::make_owner)
        }),
        route("GET", "/invite/{token}", Anyone, "", None, &[], || {
            get(pages::invited)
        }),
        route("POST", "/invite/{token}", Anyone, "", None, &[], || {
            post(pages::join)
        }),
        route("GET", "/signin", Anyone, "", None, &[], || {
            get(pages::sign_in)
        }),
        route("POST", "/signin", Anyone, "", None, &[], || {
            post(pages::sign_in_with)
        }),
        route("GET", "/signin/{token}", Anyone, "", None, &[], || {
            get(pages::sign_in_by_link)
        }),
        route("POST", "/signout", Anyone, "", None, &[], || {
            post(pages::sign_out)
        }),
        route("GET", "/assets/{name}", Anyone, "", None, &[], || {
            get(pages::asset)
        }),
    ]
}

impl Route {
    /// Whether programs call it: what it leads to is traced.
    const fn is_of_programs(&self) -> bool {
        matches!(
            self.access,
            Access::Store | Access::Client | Access::Read | Access::Write
        )
    }
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

/// The whole HTTP interface.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in table() {
        let mut guarded = (route.handler)().layer(middleware::from_fn_with_state(
            (app.clone(), route.access),
            enforce,
        ));
        if route.access == Access::Client {
            guarded = guarded.layer(middleware::from_fn(v1::cors));
        }
        if route.is_of_programs() {
            let named = (route.method, route.path);
            guarded = guarded.layer(middleware::from_fn_with_state(named, traced));
        }
        router = router.route(route.path, guarded);
    }
    // Pages of any origin may call what client SDKs call.
    let mut client_paths: Vec<_> = table()
        .into_iter()
        .filter(|route| route.access == Access::Client)
        .map(|route| route.path)
        .collect();
    client_paths.sort_unstable();
    client_paths.dedup();
    for path in client_paths {
        router = router.route(path, options(v1::preflight));
    }
    router
        .method_not_allowed_fallback(api::wrong_method)
        .fallback(api::missing)
        .layer(middleware::from_fn_with_state(app.clone(), pages::readable))
        .layer(middleware::map_response(pages::harden))
        .with_state(app)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_needs_write_access_or_proves_itself() {
        for route in table() {
            let changes = route.method != "GET";
            let guarded = matches!(
                route.access,
                Access::Write
                    | Access::Form
                    | Access::Own
                    | Access::Manage
                    | Access::Store
                    | Access::Client
            );
            let signs_in = ["/sign", "/invite/"]
                .iter()
                .any(|beginning| route.path.starts_with(beginning));
            assert!(
                !changes || guarded || signs_in,
                "{} {}",
                route.method,
                route.path
            );
        }
    }

    #[test]
    fn only_what_anyone_may_see_is_open() {
        let open: Vec<_> = table()
            .into_iter()
            .filter(|route| route.access == Access::Anyone && route.method == "GET")
            .map(|route| route.path)
            .collect();
        assert_eq!(
            open,
            [
                "/healthz",
                "/readyz",
                "/metrics",
                "/api/v1/openapi.json",
                "/invite/{token}",
                "/signin",
                "/signin/{token}",
                "/assets/{name}"
            ]
        );
    }
}
