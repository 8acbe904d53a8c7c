//! Kafka: a broker that speaks the protocol, as far as a producer asks. Source of every frame: Apache Kafka, "Protocol guide".

use crate::{
    PATIENT, SOON, attempt, certified::Certified, configured, here, rendered, renewal, with,
};
use destinations::Outcome;
use engine::TransportError;
use serde_json::{Value, json};
use std::{
    fs,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// What a broker does with what it is asked.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Stores,
    Refuses(i16),
    Hangs,
    BreaksOff,
    /// It sends everybody there.
    SendsTo(&'static str),
    /// Whoever listens at this port leads, if anybody does.
    IsLedBy(Option<u16>),
}

/// What came: keys of requests, and batches of records.
#[derive(Default)]
struct Came {
    keys: Vec<i16>,
    batches: Vec<Vec<u8>>,
}

struct Broker {
    port: u16,
    came: Arc<Mutex<Came>>,
    does: Arc<Mutex<Does>>,
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap().to_be_bytes()
}

/// Version 4 of the answer to `Metadata`: two partitions of a topic, led by one broker, or by none.
fn metadata(host: &str, port: Option<u16>, error: i16) -> Vec<u8> {
    let leader = if port.is_some() { 7_i32 } else { -1 };
    let port = port.unwrap_or(9092);
    let mut all = [
        &[0, 0, 0, 0][..],
        &1_u32.to_be_bytes(),
        &7_u32.to_be_bytes(),
    ]
    .concat();
    all.extend(text(host));
    all.extend(u32::from(port).to_be_bytes());
    all.extend([0xff, 0xff]);
    all.extend(text("a-cluster"));
    all.extend(7_u32.to_be_bytes());
    all.extend(1_u32.to_be_bytes());
    all.extend(error.to_be_bytes());
    all.extend(text("events"));
    all.push(0);
    let partitions: u32 = if error == 0 { 2 } else { 0 };
    all.extend(partitions.to_be_bytes());
    for number in 0..partitions {
        all.extend([0, 0]);
        all.extend(number.to_be_bytes());
        all.extend(leader.to_be_bytes());
        for _ in 0..2 {
            all.extend(1_u32.to_be_bytes());
            all.extend(7_u32.to_be_bytes());
        }
    }
    all
}

/// Version 3 of the answer to `Produce`.
fn produced(error: i16) -> Vec<u8> {
    let mut all = 1_u32.to_be_bytes().to_vec();
    all.extend(text("events"));
    all.extend(1_u32.to_be_bytes());
    all.extend(1_u32.to_be_bytes());
    all.extend(error.to_be_bytes());
    all.extend(42_u64.to_be_bytes());
    all.extend((-1_i64).to_be_bytes());
    all.extend([0; 4]);
    all
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    port: u16,
    does: Arc<Mutex<Does>>,
    came: Arc<Mutex<Came>>,
) {
    while let Ok(size) = stream.read_u32().await {
        let mut request = vec![0; size as usize];
        stream.read_exact(&mut request).await.unwrap();
        let (key, version) = (request[1], request[3]);
        let name = usize::from(request[9]);
        let (number, rest) = (request[4..8].to_vec(), &request[10 + name..]);
        came.lock().unwrap().keys.push(key.into());
        let does = *does.lock().unwrap();
        let body = match (key, version) {
            (17, 1) => [&[0, 0, 0, 0, 0, 1][..], &text("PLAIN")].concat(),
            (36, 0) => {
                let told = &rest[4..];
                if told == b"\0tidings\0right" {
                    vec![0, 0, 0xff, 0xff, 0, 0, 0, 0]
                } else {
                    [&58_i16.to_be_bytes()[..], &text("wrong"), &[0; 4]].concat()
                }
            }
            (3, 4) => match does {
                Does::SendsTo(host) => metadata(host, Some(port), 0),
                Does::IsLedBy(leader) => metadata("localhost", leader, 0),
                Does::Refuses(error @ (3 | 17 | 29)) => metadata("localhost", Some(port), error),
                _ => metadata("localhost", Some(port), 0),
            },
            (0, 3) => {
                // No transaction, all in sync, how long, one topic, its name, one partition, which, how many bytes.
                assert_eq!(rest[..4], [0xff, 0xff, 0xff, 0xff]);
                let at = 2 + 2 + 4 + 4 + 2 + "events".len() + 4 + 4 + 4;
                came.lock().unwrap().batches.push(rest[at..].to_vec());
                match does {
                    Does::Hangs => std::future::pending().await,
                    Does::BreaksOff => return,
                    Does::Refuses(error) => produced(error),
                    // It leads no more: 6.
                    Does::IsLedBy(_) => produced(6),
                    _ => produced(0),
                }
            }
            other => panic!("{other:?}"),
        };
        let answer = [&number[..], &body].concat();
        stream.write_all(&length(&answer)).await.unwrap();
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

impl Broker {
    async fn start(does: Does, certified: Option<&Certified>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let came = Arc::<Mutex<Came>>::default();
        let does = Arc::new(Mutex::new(does));
        let acceptor = certified.map(acceptor);
        let (told, doing) = (Arc::clone(&came), Arc::clone(&does));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, came) = (acceptor.clone(), Arc::clone(&told));
                let does = Arc::clone(&doing);
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, port, does, came).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, port, does, came).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, came, does }
    }

    fn settings(&self) -> Value {
        json!({
            "brokers": format!("localhost:{}", self.port),
            "topic": "events",
            "security": "plaintext",
        })
    }
}

fn acceptor(certified: &Certified) -> TlsAcceptor {
    let chain = CertificateDer::from_pem_slice(&fs::read(certified.certificate()).unwrap());
    let key = PrivateKeyDer::from_pem_slice(&fs::read(certified.key()).unwrap());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain.unwrap()], key.unwrap())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn sent(settings: &Value) -> Result<Outcome, TransportError> {
    let log = configured("kafka", settings);
    let request = rendered(log.as_ref(), &renewal());
    attempt(&here(), log.as_ref(), &request, PATIENT).await
}

fn contains(bytes: &[u8], part: &str) -> bool {
    bytes
        .windows(part.len())
        .any(|window| window == part.as_bytes())
}

#[tokio::test]
async fn a_record_has_the_customer_as_its_key_and_goes_over_a_connection_that_is_kept() {
    let broker = Broker::start(Does::Stores, None).await;
    let log = configured("kafka", &broker.settings());
    let event = renewal();
    let request = rendered(log.as_ref(), &event);
    let network = here();
    for _ in 0..3 {
        let outcome = attempt(&network, log.as_ref(), &request, PATIENT).await;
        assert_eq!(outcome, Ok(Outcome::Delivered));
    }
    let came = broker.came.lock().unwrap();
    assert_eq!(came.keys, [3, 0, 0, 0], "where it is, is asked once");
    let batch = &came.batches[0];
    for part in [
        event.id.to_string().as_str(),
        event.customer.id.to_string().as_str(),
        "subscription_renewed",
        "tidings-delivery",
        "\"timestamp\":",
    ] {
        assert!(contains(batch, part), "{part}");
    }
    assert_eq!(batch[16], 2, "the format of the batch");
}

#[tokio::test]
async fn what_a_broker_refuses_is_told_by_its_code() {
    for (code, means) in [
        (-1, "Retry"),
        (3, "Retry"),
        (6, "Retry"),
        (7, "Retry"),
        (10, "Rejected"),
        (17, "CredentialsRefused"),
        (19, "Retry"),
        (29, "CredentialsRefused"),
    ] {
        let broker = Broker::start(Does::Refuses(code), None).await;
        let outcome = format!("{:?}", sent(&broker.settings()).await.unwrap());
        assert!(outcome.starts_with(means), "{code}: {outcome}");
    }
}

#[tokio::test]
async fn a_name_and_a_password_are_told_encrypted_to_whom_is_believed_only() {
    let (ours, theirs) = (Certified::new("log"), Certified::new("another-log"));
    let broker = Broker::start(Does::Stores, Some(&ours)).await;
    let knows = json!({
        "brokers": format!("localhost:{}", broker.port),
        "topic": "events",
        "user": "tidings",
        "password": "right",
        "ca_certificates": ours.authority,
    });
    assert_eq!(sent(&knows).await, Ok(Outcome::Delivered));
    assert_eq!(broker.came.lock().unwrap().keys, [17, 36, 3, 0]);
    match sent(&with(&knows, "password", "wrong".into())).await {
        Ok(Outcome::CredentialsRefused(why)) => assert!(why.contains("58"), "{why}"),
        other => panic!("{other:?}"),
    }
    let foreign = with(&knows, "ca_certificates", theirs.authority.as_str().into());
    match sent(&foreign).await {
        Err(TransportError::Network(why)) => assert!(why.contains("UnknownIssuer"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_broker_that_hangs_or_breaks_off_may_have_stored_the_record() {
    for does in [Does::Hangs, Does::BreaksOff] {
        let broker = Broker::start(does, None).await;
        let log = configured("kafka", &broker.settings());
        let request = rendered(log.as_ref(), &renewal());
        let outcome = attempt(&here(), log.as_ref(), &request, SOON).await;
        assert!(
            matches!(outcome, Err(TransportError::Unanswered(_))),
            "{outcome:?}"
        );
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = json!({ "brokers": format!("127.0.0.1:{port}"), "topic": "events", "security": "plaintext" });
    let log = configured("kafka", &silent);
    let request = rendered(log.as_ref(), &renewal());
    let outcome = attempt(&here(), log.as_ref(), &request, SOON).await;
    assert!(
        matches!(outcome, Err(TransportError::Network(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn wherever_a_cluster_sends_us_is_checked_before_it_is_connected_to() {
    let broker = Broker::start(Does::SendsTo("127.0.0.2"), None).await;
    // Who would be there.
    let inside = TcpListener::bind(("127.0.0.2", broker.port)).await.unwrap();
    let network = crate::network("integrations=127.0.0.1/32");
    let log = configured("kafka", &broker.settings());
    let request = rendered(log.as_ref(), &renewal());
    let outcome = attempt(&network, log.as_ref(), &request, PATIENT).await;
    assert!(
        matches!(outcome, Err(TransportError::Blocked(_))),
        "{outcome:?}"
    );
    assert_eq!(broker.came.lock().unwrap().keys, [3]);
    let nobody = tokio::time::timeout(SOON / 10, inside.accept()).await;
    assert!(nobody.is_err(), "it is not connected to");
}

#[tokio::test]
async fn whoever_leads_by_now_is_asked_for_and_any_broker_that_is_named_knows() {
    let network = here();
    let once = async |settings: &Value| {
        let log = configured("kafka", settings);
        let request = rendered(log.as_ref(), &renewal());
        attempt(&network, log.as_ref(), &request, PATIENT).await
    };
    let leads = Broker::start(Does::Stores, None).await;
    let knows = Broker::start(Does::IsLedBy(Some(leads.port)), None).await;
    // Nobody is at the first of them.
    let brokers = format!("127.0.0.1:1,localhost:{}", knows.port);
    let settings = with(&knows.settings(), "brokers", brokers.into());
    assert_eq!(once(&settings).await, Ok(Outcome::Delivered));
    assert_eq!(leads.came.lock().unwrap().keys, [0]);
    // One who leads no more says so, and the next asks who does.
    let former = Broker::start(Does::Stores, None).await;
    let asked = Broker::start(Does::IsLedBy(Some(former.port)), None).await;
    assert_eq!(once(&asked.settings()).await, Ok(Outcome::Delivered));
    *former.does.lock().unwrap() = Does::Refuses(6);
    assert_eq!(once(&asked.settings()).await, Ok(Outcome::Retry(None)));
    *asked.does.lock().unwrap() = Does::IsLedBy(Some(leads.port));
    assert_eq!(once(&asked.settings()).await, Ok(Outcome::Delivered));
    assert_eq!(asked.came.lock().unwrap().keys, [3, 3]);
    assert_eq!(leads.came.lock().unwrap().keys, [0, 0]);
}

#[tokio::test]
async fn where_nobody_leads_or_can_be_reached_nothing_was_told() {
    let nobody = Broker::start(Does::IsLedBy(None), None).await;
    assert_eq!(sent(&nobody.settings()).await, Ok(Outcome::Retry(None)));
    assert_eq!(nobody.came.lock().unwrap().keys, [3]);
    let gone = Broker::start(Does::IsLedBy(Some(1)), None).await;
    match sent(&gone.settings()).await {
        Err(TransportError::Network(why)) => assert!(why.contains("could not connect"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_is_to_sign_in_says_as_whom() {
    for (name, missing) in [("user", "user"), ("password", "password")] {
        let mut settings =
            json!({ "brokers": "b.example", "topic": "t", "user": "u", "password": "p" });
        settings[name] = "".into();
        let log = configured("kafka", &settings);
        let event = renewal();
        let message = log.plan(&event).unwrap().remove(0);
        let why = log.render(&message, &event, crate::sample::now(&event));
        assert_eq!(why.unwrap_err().detail, format!("{missing} is not set"));
    }
}
