//! Events to a real NATS server over TLS: by the name that its certificate is of, at the address that this led to, certified by an authority of
//! one's own.

use crate::{
    nats::{Server, integration, messages, states, stream},
    server::{Api, Site, until},
};
use async_nats::{ConnectOptions, jetstream};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Certificates of the name `localhost` by an authority that nobody else knows, as `openssl` makes them.
struct Certified {
    directory: PathBuf,
}

impl Drop for Certified {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.directory));
    }
}

impl Certified {
    fn new(name: &str) -> Self {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("certified-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&directory));
        fs::create_dir_all(&directory).unwrap();
        let made = Self { directory };
        fs::write(made.file("names"), "subjectAltName = DNS:localhost\n").unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        made.openssl(&format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN={name} -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
        ));
        made.openssl(&format!(
            "req -new {key} -keyout server.key -out server.csr -subj /CN=nats"
        ));
        made.openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile names",
        );
        made
    }

    fn openssl(&self, words: &str) {
        let output = Command::new("openssl")
            .args(words.split(' '))
            .current_dir(&self.directory)
            .output()
            .expect("this test needs openssl");
        assert!(
            output.status.success(),
            "openssl {words}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The authority, as a setting of a project file.
    fn setting(&self) -> String {
        let pem = fs::read_to_string(self.file("ca.pem")).unwrap();
        format!("ca_certificates = \"\"\"\n{pem}\"\"\"\n")
    }

    /// A server that takes encrypted connections only, from whoever knows its token.
    fn server(&self, name: &str) -> Server {
        let (certificate, key) = (self.file("server.pem"), self.file("server.key"));
        let file = |path: &Path| path.to_str().unwrap().to_owned();
        let (certificate, key) = (file(&certificate), file(&key));
        let words = [
            "--tls",
            "--tlscert",
            &certificate,
            "--tlskey",
            &key,
            "--auth",
            TOKEN,
        ];
        Server::fresh(name, &words)
    }
}

const TOKEN: &str = "t0ken-of-the-stream";

async fn context(server: &Server, certified: &Certified) -> jetstream::Context {
    loop {
        let options = ConnectOptions::new()
            .add_root_certificates(certified.file("ca.pem"))
            .token(TOKEN.into());
        let url = format!("tls://localhost:{}", server.port);
        match options.connect(url).await {
            Ok(client) => return jetstream::new(client),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// What became of a test event of an integration, once it was tried.
async fn tested(api: &Api, key: &str) -> Value {
    let path = format!("/projects/acme/integrations/{key}/test");
    assert_eq!(api.send("POST", &path, None).await.0, 202, "{key}");
    until(key, || async {
        let states = states(api, key).await;
        states.last().is_some_and(|state| state["attempts"] != 0)
    })
    .await;
    states(api, key).await.pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_over_tls_is_believed_by_its_name_and_authority_only() {
    let (ours, theirs) = (Certified::new("ours"), Certified::new("theirs"));
    let nats = ours.server("encrypted");
    let context = context(&nats, &ours).await;
    context.create_stream(stream()).await.unwrap();
    let port = nats.port;
    let by_name = format!("tls://localhost:{port}");
    let token = format!("token = \"{TOKEN}\"\n");
    let knows = format!("{token}{}", ours.setting());
    let site = Site::new(&[
        integration("right", &by_name, &knows),
        integration("wrong_name", &format!("tls://127.0.0.1:{port}"), &knows),
        integration("unencrypted", &format!("nats://localhost:{port}"), &knows),
        integration("unknown", &by_name, &token),
        integration("another", &by_name, &format!("{token}{}", theirs.setting())),
        integration(
            "wrong_token",
            &by_name,
            &format!("token = \"no\"\n{}", ours.setting()),
        ),
    ]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    let right = tested(&api, "right").await;
    assert_eq!(right["state"], "delivered", "{right}");
    for (key, reason, says) in [
        ("wrong_name", "network_error", "not valid for name"),
        ("unencrypted", "network_error", "is named with tls://"),
        ("another", "network_error", "UnknownIssuer"),
        (
            "wrong_token",
            "missing_credentials",
            "authorization violation",
        ),
        ("unknown", "network_error", "UnknownIssuer"),
    ] {
        let refused = tested(&api, key).await;
        assert_eq!(refused["state"], "pending", "{key}: {refused}");
        assert_eq!(refused["reason"], reason, "{key}: {refused}");
        let text = refused["text"].as_str().unwrap();
        assert!(text.contains(says), "{key}: {text}");
        assert!(!text.contains(TOKEN), "{text}");
    }
    // What is trusted by one integration is by no other; what the installation trusts is by all.
    server.stop();
    let authority = ours.file("ca.pem");
    let server = site.serve_with("127.0.0.1:0", &["--ca-file", authority.to_str().unwrap()]);
    let api = Api::new(&site, &server, &[]);
    until("what knew nobody knows everybody's", || async {
        let states = states(&api, "unknown").await;
        states.iter().all(|state| state["state"] == "delivered")
    })
    .await;
    let stored = messages(&context).await;
    let kinds: Vec<_> = stored
        .iter()
        .map(|(subject, ..)| subject.rsplit('.').next().unwrap_or_default())
        .collect();
    assert!(
        kinds.len() >= 2 && kinds.iter().all(|kind| *kind == "test"),
        "{stored:?}"
    );
}
