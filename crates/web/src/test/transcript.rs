//! What was asked and answered, to be read as one snapshot.

use super::{Answer, Client, TestServer, Who};
use serde_json::Value;
use std::fmt::{self, Write as _};

/// Calls one after the other, each with its answer: `insta::assert_snapshot!(transcript)`.
pub struct Transcript<'a> {
    client: Client<'a>,
    text: String,
}

impl<'a> Transcript<'a> {
    /// Calls as somebody else from now on.
    pub fn go_on_as(&mut self, client: Client<'a>) -> &mut Self {
        self.client = client;
        self
    }

    /// Says something between two calls.
    pub fn note(&mut self, what: &str) -> &mut Self {
        writeln!(self.text, "# {what}\n").unwrap();
        self
    }

    /// Reads.
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    /// Does something.
    pub async fn post(&mut self, path: &str, body: impl Into<Option<Value>>) -> Answer {
        self.send("POST", path, body.into()).await
    }

    /// Creates or replaces.
    pub async fn put(&mut self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, Some(body)).await
    }

    /// Changes a part.
    pub async fn patch(&mut self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(body)).await
    }

    /// Removes.
    pub async fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, None).await
    }

    async fn send(&mut self, method: &str, path: &str, body: Option<Value>) -> Answer {
        writeln!(self.text, "> {method} {path}").unwrap();
        if let Some(body) = &body {
            writeln!(self.text, "> {body}").unwrap();
        }
        let answer = self.client.send(method, path, body).await;
        writeln!(self.text, "\n{answer}\n").unwrap();
        answer
    }
}

impl TestServer {
    /// Writes down calls and their answers, first with a secret key that may write.
    pub fn transcript(&self) -> Transcript<'_> {
        Transcript {
            client: self.by(Who::WriteKey),
            text: String::new(),
        }
    }
}

impl fmt::Display for Transcript<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.trim_end())
    }
}
