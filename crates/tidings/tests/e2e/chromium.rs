//! A real browser, headless, spoken to over its `DevTools` protocol.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use throwaway::Companion;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

const OPTIONS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
];

/// Longer than anything takes on a busy machine: what never comes is said, instead of waited for.
const PATIENCE: Duration = Duration::from_secs(240);

/// One page of a browser of its own.
pub(crate) struct Browser {
    _process: Companion,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next: u64,
    /// Errors and warnings of the console, and requests that failed.
    pub(crate) complaints: Vec<String>,
    /// Hosts that were asked for anything.
    pub(crate) hosts: Vec<String>,
}

impl Browser {
    pub(crate) async fn start(profile: &Path) -> Self {
        let mut command = Command::new("chromium");
        command
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stderr(Stdio::piped())
            .stdout(Stdio::null());
        let mut process = Companion::start(&mut command)
            .expect("the browser tests need Chromium: apt-get install chromium");
        let mut lines = BufReader::new(process.stderr.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let debugger = lines
            .find_map(|line| {
                line.split_once("listening on ws://")
                    .map(|(_, rest)| rest.to_owned())
            })
            .expect("the browser says where it listens");
        // Somebody must read what it goes on saying.
        std::thread::spawn(move || lines.for_each(drop));
        let address = debugger.split('/').next().unwrap().to_owned();
        let pages = crate::server::client()
            .get(format!("http://{address}/json/list"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let pages: Value = serde_json::from_str(&pages).unwrap();
        let page = pages
            .as_array()
            .unwrap()
            .iter()
            .find(|page| page["type"] == "page")
            .unwrap();
        let (socket, _) =
            tokio_tungstenite::connect_async(page["webSocketDebuggerUrl"].as_str().unwrap())
                .await
                .unwrap();
        let mut browser = Self {
            _process: process,
            socket,
            next: 0,
            complaints: Vec::new(),
            hosts: Vec::new(),
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser
    }

    /// Calls a method of the protocol and waits for its result, noting what the page says meanwhile.
    pub(crate) async fn call(&mut self, method: &str, parameters: Value) -> Value {
        let answer = self.answer(method, parameters).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    async fn answer(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let message = json!({ "id": id, "method": method, "params": parameters }).to_string();
        self.socket.send(Message::text(message)).await.unwrap();
        loop {
            let answer = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            let text = answer
                .expect("the browser answers")
                .unwrap()
                .unwrap()
                .into_text()
                .unwrap();
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == id {
                return answer;
            }
            self.note(&answer);
        }
    }

    fn note(&mut self, event: &Value) {
        let parameters = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" => self
                .complaints
                .push(parameters["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" if parameters["type"] == "error" => {
                self.complaints.push(parameters["args"].to_string());
            }
            "Log.entryAdded" if parameters["entry"]["level"] == "error" => {
                self.complaints.push(parameters["entry"].to_string());
            }
            "Network.requestWillBeSent" => {
                let url = parameters["request"]["url"].as_str().unwrap_or_default();
                self.hosts.extend(
                    url.split("://")
                        .nth(1)
                        .and_then(|rest| rest.split('/').next())
                        .map(str::to_owned),
                );
            }
            _ => {}
        }
    }

    pub(crate) async fn open(&mut self, url: &str) {
        self.call("Page.navigate", json!({ "url": url })).await;
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")
            .await;
    }

    /// Signs in with the operator's link, without an account where there is something to look at.
    pub(crate) async fn enter(&mut self, link: &str) {
        self.open(link).await;
        self.click("main form button:last-of-type").await;
        self.until("!location.pathname.startsWith('/signin')").await;
    }

    pub(crate) async fn evaluate(&mut self, script: &str) -> Value {
        let parameters =
            json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        // A page that is being left while it is asked answers nothing.
        self.answer("Runtime.evaluate", parameters).await["result"]["result"]["value"].clone()
    }

    /// Waits until a script gives true; fails loudly when it never does.
    pub(crate) async fn until(&mut self, script: &str) {
        let end = Instant::now() + PATIENCE;
        while self.evaluate(script).await != Value::Bool(true) {
            assert!(
                Instant::now() < end,
                "never: {script}; {:?}",
                self.complaints
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Fills a field.
    pub(crate) async fn fill(&mut self, field: &str, value: &str) {
        self.until(&format!("document.querySelector('{field}') !== null"))
            .await;
        self.evaluate(&format!(
            "document.querySelector('{field}').value = '{value}'"
        ))
        .await;
    }

    pub(crate) async fn click(&mut self, what: &str) {
        self.until(&format!("document.querySelector('{what}') !== null"))
            .await;
        self.evaluate(&format!("document.querySelector('{what}').click()"))
            .await;
    }

    /// Presses a key: `Tab`, `Enter`, `Space`.
    pub(crate) async fn press(&mut self, key: &str) {
        let (key, code, number, text) = match key {
            "Tab" => ("Tab", "Tab", 9, ""),
            "Enter" => ("Enter", "Enter", 13, "\r"),
            "Space" => (" ", "Space", 32, " "),
            other => panic!("no such key: {other}"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event =
                json!({ "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Goes on by keyboard until what is wanted has the focus; fails loudly when it never gets it.
    pub(crate) async fn tab_to(&mut self, what: &str) {
        for _ in 0..200 {
            let is_there = format!("document.activeElement?.matches('{what}')");
            if self.evaluate(&is_there).await == Value::Bool(true) {
                return;
            }
            self.press("Tab").await;
        }
        panic!("the keyboard never gets to {what}");
    }

    pub(crate) async fn html(&mut self) -> String {
        self.evaluate("document.documentElement.outerHTML")
            .await
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Makes the window this large, and the system light or dark.
    pub(crate) async fn look(&mut self, (width, height): (u32, u32), dark: bool) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if dark { "dark" } else { "light" };
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        )
        .await;
    }

    pub(crate) async fn screenshot(&mut self, path: &Path, size: (u32, u32), dark: bool) {
        self.look(size, dark).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let picture = self
            .call("Page.captureScreenshot", json!({ "format": "png" }))
            .await;
        std::fs::write(
            path,
            BASE64_STANDARD
                .decode(picture["data"].as_str().unwrap())
                .unwrap(),
        )
        .unwrap();
    }
}
