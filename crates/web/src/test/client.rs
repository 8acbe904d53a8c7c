//! Calls, each by somebody.

use super::{
    Answer, TestServer,
    who::{Credential, Who},
};
use crate::access::cookies::SESSION;
use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Request, header},
};
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};

/// Somebody who calls.
#[derive(Clone)]
pub struct Client<'a> {
    server: &'a TestServer,
    credential: Credential,
    is_cross_site: bool,
    address: Option<IpAddr>,
    headers: Vec<(&'static str, String)>,
}

impl<'a> Client<'a> {
    fn new(server: &'a TestServer, credential: Credential) -> Self {
        Self {
            server,
            credential,
            is_cross_site: false,
            address: None,
            headers: Vec::new(),
        }
    }

    /// The call comes from a page of another site.
    #[must_use]
    pub fn from_another_site(mut self) -> Self {
        self.is_cross_site = true;
        self
    }

    /// The connection comes from this address.
    #[must_use]
    pub fn at(mut self, address: &str) -> Self {
        self.address = Some(address.parse().unwrap());
        self
    }

    /// Sends a header besides.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A request as this caller makes it.
    pub fn request(&self, method: &str, path: &str, body: Body) -> Request<Body> {
        let site = if self.is_cross_site {
            "cross-site"
        } else {
            "same-origin"
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("sec-fetch-site", site);
        if let Some(address) = self.address {
            let peer = SocketAddr::from((address, 40_000));
            request = request.extension(ConnectInfo(peer));
        }
        request = match &self.credential {
            Credential::None => request,
            Credential::Key(key) => request.header(header::AUTHORIZATION, format!("Bearer {key}")),
            Credential::Session(token) => {
                let name = SESSION.name(self.server.app.engine.public_url());
                request
                    .header(header::COOKIE, format!("{name}={token}"))
                    .header(header::ACCEPT, "text/html")
            }
        };
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(body).unwrap()
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    /// Sends JSON, or nothing.
    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.server.call(self.request(method, path, body)).await
    }

    /// Sends a form.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = serde_html_form::to_string(fields).unwrap();
        let with_kind = self
            .clone()
            .with("content-type", "application/x-www-form-urlencoded");
        let request = with_kind.request("POST", path, Body::from(body));
        self.server.call(request).await
    }

    /// The first messages of a stream.
    pub async fn first_of(&self, path: &str, count: usize) -> Vec<String> {
        let request = self.request("GET", path, Body::empty());
        self.server.first_of(request, count).await
    }
}

impl TestServer {
    /// Calls as one of the callers there are.
    ///
    /// # Panics
    ///
    /// On an [`TestServer::empty`] server there is only [`Who::Nobody`] and [`Who::WrongKey`].
    pub fn by(&self, who: Who) -> Client<'_> {
        Client::new(self, who.credential(&self.credentials))
    }

    /// Calls as whoever holds this API key.
    pub fn with_key(&self, key: &str) -> Client<'_> {
        Client::new(self, Credential::Key(key.to_owned()))
    }

    /// Calls from a browser with this session token.
    pub fn with_session(&self, token: &str) -> Client<'_> {
        Client::new(self, Credential::Session(token.to_owned()))
    }

    /// Calls with a secret key that may write.
    pub async fn get(&self, path: &str) -> Answer {
        self.by(Who::WriteKey).get(path).await
    }

    /// Calls with a secret key that may write.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.by(Who::WriteKey).send("POST", path, Some(body)).await
    }

    /// Calls with a secret key that may write.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.by(Who::WriteKey).send("PUT", path, Some(body)).await
    }

    /// Calls with a secret key that may write.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.by(Who::WriteKey).send("PATCH", path, Some(body)).await
    }

    /// Calls with a secret key that may write.
    pub async fn delete(&self, path: &str) -> Answer {
        self.by(Who::WriteKey).send("DELETE", path, None).await
    }

    /// The page as the owner sees it.
    pub async fn page(&self, path: &str) -> Answer {
        self.by(Who::Owner).get(path).await
    }

    /// The owner sends a form of the page.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.by(Who::Owner).form(path, fields).await
    }
}
