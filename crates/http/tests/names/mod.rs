//! The server whose routes are called, the routes there are, and things of `acme` to put into their paths.

use std::{collections::BTreeMap, sync::LazyLock};
use web::{
    access::Access,
    route::{Method, Route},
    test::{Contract, TestServer},
};

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::of(serde_json::to_value(api::document()).unwrap()));

/// Everything there is. Calls of operations are held to the OpenAPI document, whoever calls.
pub(crate) async fn server() -> TestServer {
    let server = TestServer::start(tidings_http::router).await;
    server.seen_by(|seen| {
        if CONTRACT.knows(seen) {
            CONTRACT.hold(seen);
        }
    })
}

/// What is put into paths: things of `acme`, and words where a path takes a choice.
pub(crate) struct Names(BTreeMap<&'static str, String>);

impl Names {
    pub(crate) async fn of(server: &TestServer) -> Self {
        let first = async |path: &str| {
            let list = server
                .get(&format!("/api/v1/projects/acme/{path}"))
                .await
                .json();
            list["data"][0]["id"].as_str().unwrap().to_owned()
        };
        let replay = serde_json::json!({ "integration": "idle", "since": "2026-01-01" });
        server.post("/api/v1/projects/acme/replays", replay).await;
        let told: [(&'static str, String); 30] = [
            ("events/{id}", first("events").await),
            ("inbox/{id}", first("parked").await),
            ("messages/{id}", first("parked").await),
            ("deliveries/{id}", first("deliveries").await),
            ("replays/{id}", first("replays").await),
            ("replay/{id}", first("replays").await),
            ("simulator/{id}", "0".into()),
            ("products/{id}", "gold".into()),
            ("subscribers/{id}", "ann".into()),
            ("{who}", "ann".into()),
            ("apps/{key}", "shop".into()),
            ("apps/{app}", "shop".into()),
            (
                "apps/{key}/parked/{message}",
                format!("android/parked/{}", first("parked").await),
            ),
            ("callbacks/apple/{app}", server.app_id("ios").to_string()),
            (
                "callbacks/google/{app}",
                server.app_id("android").to_string(),
            ),
            ("callbacks/stripe/{app}", server.app_id("web").to_string()),
            ("entitlements/{key}", "premium".into()),
            ("integrations/{key}", "hook".into()),
            ("webhooks/{key}", "hook".into()),
            ("{offering}", "summer".into()),
            ("{domain}", "app".into()),
            // These two would change the callers themselves.
            ("keys/{key}", "key_00000000000000000000000000".into()),
            ("members/{user}", "usr_00000000000000000000000000".into()),
            ("{entitlement}", "premium".into()),
            ("{message}", first("parked").await),
            ("{digest}", "none".into()),
            ("{token}", "none".into()),
            ("{name}", "none".into()),
            ("{store}", "external".into()),
            ("{destination}", "slack".into()),
        ];
        Self(BTreeMap::from(told))
    }

    /// The path of a route, with everything in it.
    pub(crate) fn fill(&self, route: &str, project: Option<&str>) -> String {
        let mut path = route.replace("{project}", project.unwrap_or_default());
        // The longer a pattern is, the more it says.
        let mut patterns: Vec<_> = self.0.iter().collect();
        patterns.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.len()));
        for (pattern, name) in patterns {
            let (before, hole) = pattern.split_at(pattern.find('{').unwrap());
            path = path.replace(pattern, &format!("{before}{name}"));
            assert!(hole.ends_with('}'));
        }
        assert!(!path.contains('{'), "{route}: {path} has a hole left");
        path
    }
}

/// The route tables.
pub(crate) fn table() -> Vec<(Method, &'static str, Access)> {
    fn told<S>(routes: Vec<Route<S>>) -> impl Iterator<Item = (Method, &'static str, Access)> {
        routes
            .into_iter()
            .map(|route| (route.method, route.path, route.access))
    }
    told(api::routes())
        .chain(told(dashboard::routes()))
        .collect()
}
