//! Against a server that does on the wire what servers do.

use super::{super::reach::OfTheSystem, *};
use base64::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

/// What a server does with a request: the bytes it answers, and whether it closes the connection.
type Acts = fn(on_connection: usize) -> (Vec<u8>, bool);

/// A server and how many requests it has read. Each connection counts its own.
async fn server(acts: Acts) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut on_connection = 0;
                while read_request(&mut stream).await.is_some() {
                    count.fetch_add(1, Ordering::SeqCst);
                    on_connection += 1;
                    let (answer, closes) = acts(on_connection);
                    stream.write_all(&answer).await.unwrap();
                    if closes {
                        return;
                    }
                }
            });
        }
    });
    (url, read)
}

async fn read_request(stream: &mut (impl AsyncBufRead + Unpin)) -> Option<()> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        let read = stream.read_line(&mut line).await.ok()?;
        if read == 0 {
            return None;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok().map(|_| ())
}

fn http() -> Http {
    http_trusting(Authorities::default())
}

fn http_trusting(authorities: Authorities) -> Http {
    let allowed = Arc::new("127.0.0.0/8".parse().unwrap());
    let reach = |errand| Reach::new(errand, Arc::clone(&allowed), Arc::new(OfTheSystem));
    Http::new(reach, authorities, 100).unwrap()
}

async fn post(http: &Http, url: &str) -> Result<Response, TransportError> {
    post_as(http, url, false).await
}

async fn post_as(http: &Http, url: &str, counts_twice: bool) -> Result<Response, TransportError> {
    let request = Request {
        counts_twice,
        ..Request::json(url, b"{}".to_vec())
    };
    http.send(Asked::Post, &request, Duration::from_secs(20))
        .await
}

fn plain(head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {head}\r\n\r\n").into_bytes();
    answer.extend(body);
    answer
}

#[tokio::test]
async fn a_status_that_was_read_stands_when_the_body_breaks_off() {
    for answer in [
        (|_| (plain("200 OK\r\ncontent-length: 500", b"accepted"), true)) as Acts,
        |_| {
            (
                plain(
                    "200 OK\r\ntransfer-encoding: chunked",
                    b"8\r\naccepted\r\nZZ\r\n",
                ),
                true,
            )
        },
    ] {
        let (url, _) = server(answer).await;
        let response = post(&http(), &url).await.unwrap();
        assert_eq!((response.status, &*response.body), (200, &b"accepted"[..]));
        let unread = response.unread.unwrap();
        assert!(unread.starts_with("its body broke off: "), "{unread}");
    }
}

#[tokio::test]
async fn a_body_of_which_not_all_is_read_is_known_from_one_that_is_whole() {
    for (length, is_whole) in [(64 << 10, true), ((64 << 10) + 1, false)] {
        let (url, _) = server(if is_whole {
            |_| {
                (
                    plain(
                        "207 Multi-Status\r\ncontent-length: 65536",
                        &vec![b'x'; 65_536],
                    ),
                    true,
                )
            }
        } else {
            |_| {
                (
                    plain(
                        "207 Multi-Status\r\ncontent-length: 65537",
                        &vec![b'x'; 65_537],
                    ),
                    true,
                )
            }
        })
        .await;
        let response = post(&http(), &url).await.unwrap();
        assert_eq!(response.body.len(), 64 << 10);
        assert_eq!(response.unread.is_none(), is_whole, "{length}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_died_is_replaced_once() {
    // The first request of each connection is answered; the second finds it closed.
    let (url, read) = server(|on_connection| match on_connection {
        1 => (plain("200 OK\r\ncontent-length: 2", b"{}"), false),
        _ => (Vec::new(), true),
    })
    .await;
    let http = http();
    for _ in 0..3 {
        assert_eq!(post(&http, &url).await.unwrap().status, 200);
    }
    assert!(read.load(Ordering::SeqCst) <= 5, "each once more at most");
}

/// The server read it: it may have been taken.
#[tokio::test]
async fn what_counts_twice_is_not_sent_again_once_it_was_written() {
    let (url, read) = server(|on_connection| match on_connection {
        1 => (plain("200 OK\r\ncontent-length: 2", b"{}"), false),
        _ => (Vec::new(), true),
    })
    .await;
    let http = http();
    assert_eq!(post_as(&http, &url, true).await.unwrap().status, 200);
    let unanswered = post_as(&http, &url, true).await.unwrap_err();
    assert!(
        matches!(unanswered, TransportError::Unanswered(_)),
        "{unanswered:?}"
    );
    assert_eq!(read.load(Ordering::SeqCst), 2);
    // One that may come twice goes once more.
    assert_eq!(post(&http, &url).await.unwrap().status, 200);
    assert_eq!(post(&http, &url).await.unwrap().status, 200);
    assert_eq!(read.load(Ordering::SeqCst), 5);
}

/// What was closed while nobody used it has read nothing.
#[tokio::test]
async fn what_counts_twice_goes_over_a_fresh_connection_where_the_kept_one_was_closed_before() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (closed, mut is_closed) = tokio::sync::mpsc::channel(1);
    // A thread of its own: whoever waits for its word has seen the end of the connection before.
    let serving = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n{}") {
                let mut byte = [0];
                std::io::Read::read_exact(&mut stream, &mut byte).unwrap();
                request.push(byte[0]);
            }
            let answer = plain("200 OK\r\ncontent-length: 2", b"{}");
            std::io::Write::write_all(&mut stream, &answer).unwrap();
            drop(stream);
            closed.blocking_send(()).unwrap();
        }
    });
    let http = http();
    for _ in 0..2 {
        assert_eq!(post_as(&http, &url, true).await.unwrap().status, 200);
        is_closed.recv().await.unwrap();
    }
    serving.join().unwrap();
}

#[tokio::test]
async fn one_that_always_hangs_up_is_asked_once() {
    let (url, read) = server(|_| (Vec::new(), true)).await;
    let refused = post(&http(), &url).await.unwrap_err();
    assert!(
        matches!(refused, TransportError::Unanswered(_)),
        "{refused}"
    );
    assert_eq!(read.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_never_left_is_told_from_what_was_not_answered() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/hook", nobody.local_addr().unwrap());
    drop(nobody);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://{}/hook", silent.local_addr().unwrap());
    let http = http();
    let never = post(&http, &closed).await.unwrap_err();
    assert!(matches!(never, TransportError::Network(_)), "{never:?}");
    let request = Request::json(&silent_url, b"{}".to_vec());
    let sent = http.send(Asked::Post, &request, Duration::from_millis(200));
    let sent = sent.await.unwrap_err();
    assert!(matches!(sent, TransportError::Unanswered(_)), "{sent:?}");
}

/// `{"error":"no"}`, as Python's `gzip.compress` writes it.
const ZIPPED: [u8; 34] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xab, 0x56, 0x4a, 0x2d, 0x2a, 0xca,
    0x2f, 0x52, 0xb2, 0x52, 0xca, 0xcb, 0x57, 0xaa, 0x05, 0x00, 0x50, 0x45, 0xd4, 0x79, 0x0e, 0x00,
    0x00, 0x00,
];

#[tokio::test]
async fn an_answer_is_unpacked_and_some_of_its_headers_are_kept() {
    let (url, _) = server(|_| {
        let head = format!(
            "400 Bad Request\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\nx-request-id: r1\r\nset-cookie: secret=1\r\nretry-after: 7\r\nretry-after: 3",
            ZIPPED.len()
        );
        (plain(&head, &ZIPPED), false)
    })
    .await;
    let response = post(&http(), &url).await.unwrap();
    assert_eq!(response.body, br#"{"error":"no"}"#);
    let kept: Vec<_> = response
        .headers
        .iter()
        .map(|header| (header.name.as_str(), header.value.as_str()))
        .collect();
    let expected = [
        ("retry-after", "7"),
        ("retry-after", "3"),
        ("x-request-id", "r1"),
    ];
    assert_eq!(kept, expected);
}

/// A server that is certified by an authority that nobody knows: its URL, and that authority in PEM.
async fn certified(name: &str) -> (String, String) {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(DnType::CommonName, name);
    let root = BASE64_STANDARD.encode(ca.self_signed(&ca_key).unwrap().der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{root}\n-----END CERTIFICATE-----\n");
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let chain: Vec<CertificateDer<'static>> = vec![leaf.der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Whoever does not trust it hangs up.
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut stream = BufReader::new(stream);
            if read_request(&mut stream).await.is_some() {
                let answer = plain("200 OK\r\ncontent-length: 0\r\nconnection: close", b"");
                stream.write_all(&answer).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        }
    });
    (url, pem)
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_where_it_was_given_and_nowhere_else() {
    let (url, pem) = certified("ours").await;
    let (_, other) = certified("theirs").await;
    let request = |authorities: Option<&str>| Request {
        authorities: authorities.map(str::to_owned),
        ..Request::json(&url, b"{}".to_vec())
    };
    let timeout = Duration::from_secs(20);
    let ours = http_trusting(Authorities::read(&pem).unwrap());
    let nobodys = http();
    for (http, own, trusted) in [
        // Of the installation.
        (&ours, None, true),
        (&ours, Some(other.as_str()), true),
        // Of an integration.
        (&nobodys, Some(pem.as_str()), true),
        (&nobodys, Some(other.as_str()), false),
        (&nobodys, None, false),
    ] {
        let answer = http.send(Asked::Post, &request(own), timeout).await;
        match answer {
            Ok(response) => assert!(trusted && response.status == 200),
            Err(TransportError::Network(why)) => {
                assert!(!trusted && why.contains("UnknownIssuer"), "{why}");
            }
            Err(error) => panic!("{error}"),
        }
    }
    let unread = nobodys
        .send(Asked::Post, &request(Some("none")), timeout)
        .await;
    let Err(TransportError::Network(why)) = unread else {
        panic!("{unread:?}")
    };
    assert!(why.contains("no certificates in PEM"), "{why}");
}

#[test]
fn what_certifies_nothing_is_refused() {
    for (pem, why) in [
        ("", "no certificates in PEM"),
        (
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            "cannot be read",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
            "cannot be used",
        ),
    ] {
        let error = Authorities::read(pem).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
