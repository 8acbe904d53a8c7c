//! A server of AMQP that does what RabbitMQ never does. Source of every frame: AMQP 0-9-1, "Generated documentation".

use crate::{PATIENT, SOON, attempt, configured, here, rendered, renewal};
use destinations::Outcome;
use engine::TransportError;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// How it is unlike RabbitMQ.
#[derive(Clone)]
struct Broker {
    /// What it tells of itself.
    properties: Vec<u8>,
    frame_max: u32,
    /// What it says to whoever signed in, instead of letting it in.
    instead: Vec<u8>,
    /// What it says to one message after the other; nothing once that is over.
    says: Vec<Vec<u8>>,
    /// Whether it hangs up then, and is not there any more.
    hangs_up: bool,
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            properties: Vec::new(),
            frame_max: 131_072,
            instead: Vec::new(),
            says: vec![ack()],
            hangs_up: false,
        }
    }
}

fn frame(kind: u8, channel: u16, content: &[u8]) -> Vec<u8> {
    let mut all = vec![kind];
    all.extend(channel.to_be_bytes());
    all.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
    all.extend(content);
    all.push(0xce);
    all
}

fn method(channel: u16, class: u16, number: u16, rest: &[u8]) -> Vec<u8> {
    let content = [&class.to_be_bytes()[..], &number.to_be_bytes(), rest].concat();
    frame(1, channel, &content)
}

fn long(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[..], bytes].concat()
}

fn short(text: &str) -> Vec<u8> {
    let mut all = vec![u8::try_from(text.len()).unwrap()];
    all.extend(text.as_bytes());
    all
}

fn ack() -> Vec<u8> {
    method(1, 60, 80, &[0, 0, 0, 0, 0, 0, 0, 1, 0])
}

/// That it closes the connection, or a channel of it.
fn close(channel: u16, code: u16, why: &str) -> Vec<u8> {
    let class = if channel == 0 { (10, 50) } else { (20, 40) };
    let rest = [&code.to_be_bytes()[..], &short(why), &[0; 4]].concat();
    method(channel, class.0, class.1, &rest)
}

/// That no queue takes a message, which is in so many bytes.
fn returned(code: u16, bytes: usize) -> Vec<u8> {
    let rest = [
        &code.to_be_bytes()[..],
        &short("NO_ROUTE"),
        &short("e"),
        &short("k"),
    ]
    .concat();
    let size = u64::try_from(bytes).unwrap().to_be_bytes();
    let header = [&60_u16.to_be_bytes()[..], &[0, 0], &size, &[0, 0]].concat();
    [
        method(1, 60, 50, &rest),
        frame(2, 1, &header),
        frame(3, 1, &vec![0; bytes]),
    ]
    .concat()
}

/// Reads one frame: what kind it is, and what it carries.
async fn read(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await.ok()?;
    stream.read_u16().await.ok()?;
    let length = stream.read_u32().await.ok()?;
    let mut content = vec![0; length as usize];
    stream.read_exact(&mut content).await.ok()?;
    stream.read_u8().await.ok()?;
    Some((kind, content))
}

/// Reads a whole message.
async fn message(stream: &mut TcpStream) -> Option<()> {
    let (_, publish) = read(stream).await?;
    assert_eq!(publish[..4], [0, 60, 0, 40]);
    let (kind, header) = read(stream).await?;
    assert_eq!(kind, 2);
    let mut left = usize::try_from(u64::from_be_bytes(header[4..12].try_into().unwrap())).unwrap();
    while left > 0 {
        let (kind, part) = read(stream).await?;
        assert_eq!(kind, 3);
        left -= part.len();
    }
    Some(())
}

impl Broker {
    /// One connection. Whoever does not go along has ended it.
    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        stream.read_exact(&mut [0; 8]).await.ok()?;
        let start = [
            &[0, 9][..],
            &long(&self.properties),
            &long(b"PLAIN"),
            &long(b"en_US"),
        ];
        let start = method(0, 10, 10, &start.concat());
        stream.write_all(&start).await.ok()?;
        read(&mut stream).await?;
        if !self.instead.is_empty() {
            stream.write_all(&self.instead).await.ok()?;
            read(&mut stream).await?;
        }
        let tune = [&[0, 1][..], &self.frame_max.to_be_bytes(), &[0, 0]].concat();
        stream.write_all(&method(0, 10, 30, &tune)).await.ok()?;
        for answer in [
            Vec::new(),
            method(0, 10, 41, &short("")),
            method(1, 20, 11, &long(b"")),
            method(1, 85, 11, &[]),
        ] {
            read(&mut stream).await?;
            stream.write_all(&answer).await.ok()?;
        }
        for says in &self.says {
            message(&mut stream).await?;
            stream.write_all(says).await.ok()?;
        }
        message(&mut stream).await?;
        if !self.hangs_up {
            std::future::pending::<()>().await;
        }
        Some(())
    }

    /// Where it listens, and how often it was connected to.
    async fn start(self) -> (Value, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let came = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&came);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                if self.hangs_up {
                    drop(listener);
                    self.serve(stream).await;
                    return;
                }
                let broker = self.clone();
                tokio::spawn(async move { broker.serve(stream).await });
            }
        });
        let settings = json!({ "server": format!("127.0.0.1:{port}"), "encryption": "none", "user": "u", "exchange": "e" });
        (settings, came)
    }
}

/// What becomes of one message.
async fn sent(broker: Broker) -> Result<Outcome, TransportError> {
    let (settings, _) = broker.start().await;
    let queue = configured("rabbitmq", &settings);
    let request = rendered(queue.as_ref(), &renewal());
    attempt(&here(), queue.as_ref(), &request, PATIENT).await
}

/// So many arrays in each other. Source: RabbitMQ, "AMQP 0-9-1 Errata", section 3: `A`, and a length.
fn nested(deep: u32) -> Vec<u8> {
    let mut all = short("x");
    for level in (0..deep).rev() {
        all.push(b'A');
        all.extend((level * 5).to_be_bytes());
    }
    all
}

#[tokio::test]
async fn what_a_server_tells_of_itself_does_no_harm_however_deep_it_goes() {
    for deep in [1, 100, 1_000, 20_000] {
        let broker = Broker {
            properties: nested(deep),
            ..Broker::default()
        };
        assert_eq!(sent(broker).await, Ok(Outcome::Delivered), "{deep}");
    }
    let broker = Broker {
        properties: nested(200_000),
        ..Broker::default()
    };
    match sent(broker).await {
        Err(TransportError::Network(why)) => assert!(why.contains("larger frame"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_frame_size_that_there_cannot_be_is_not_agreed_to() {
    for frame_max in [1, 7, 8, 4_095] {
        let broker = Broker {
            frame_max,
            ..Broker::default()
        };
        let outcome = sent(broker).await;
        assert!(
            matches!(outcome, Err(TransportError::Network(_))),
            "{frame_max}: {outcome:?}"
        );
    }
    for frame_max in [0, 4_096, u32::MAX] {
        let broker = Broker {
            frame_max,
            ..Broker::default()
        };
        assert_eq!(sent(broker).await, Ok(Outcome::Delivered), "{frame_max}");
    }
}

#[tokio::test]
async fn only_a_confirmation_says_that_a_message_is_stored() {
    for code in [0, 200, 250, 299, 600] {
        for channel in [0, 1] {
            let before = Broker {
                instead: close(channel, code, "bye"),
                ..Broker::default()
            };
            let outcome = sent(before).await;
            assert!(
                matches!(outcome, Err(TransportError::Network(_))),
                "{code}: {outcome:?}"
            );
            let after = Broker {
                says: vec![close(channel, code, "bye")],
                ..Broker::default()
            };
            let outcome = sent(after).await;
            assert!(
                matches!(outcome, Err(TransportError::Unanswered(_))),
                "{code}: {outcome:?}"
            );
        }
    }
    let nack = method(1, 60, 120, &[0, 0, 0, 0, 0, 0, 0, 1, 0]);
    for (says, outcome) in [
        (nack, Outcome::Retry(None)),
        (close(0, 320, "shutdown"), Outcome::Retry(None)),
        (close(1, 541, "internal"), Outcome::Retry(None)),
    ] {
        let broker = Broker {
            says: vec![says],
            ..Broker::default()
        };
        assert_eq!(sent(broker).await, Ok(outcome));
    }
}

#[tokio::test]
async fn what_is_returned_is_not_stored_whatever_else_is_said_of_it() {
    for (code, bytes) in [(312, 0), (312, 100_000), (200, 10)] {
        let broker = Broker {
            says: vec![[returned(code, bytes), ack()].concat()],
            ..Broker::default()
        };
        match sent(broker).await {
            Ok(Outcome::Rejected(why)) => assert!(why.contains("no queue takes"), "{why}"),
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn over_a_connection_that_was_kept_a_message_may_have_been_stored_as_well() {
    for hangs_up in [false, true] {
        let (settings, came) = Broker {
            hangs_up,
            ..Broker::default()
        }
        .start()
        .await;
        let queue = configured("rabbitmq", &settings);
        let request = rendered(queue.as_ref(), &renewal());
        let network = here();
        let outcome = attempt(&network, queue.as_ref(), &request, PATIENT).await;
        assert_eq!(outcome, Ok(Outcome::Delivered));
        let outcome = attempt(&network, queue.as_ref(), &request, SOON).await;
        assert!(
            matches!(outcome, Err(TransportError::Unanswered(_))),
            "{outcome:?}"
        );
        assert_eq!(came.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_server_that_never_stops_talking_is_not_listened_to() {
    let alive = frame(8, 0, &[]).repeat(100_000);
    let broker = Broker {
        says: vec![alive],
        ..Broker::default()
    };
    match sent(broker).await {
        Err(TransportError::Unanswered(why)) => assert!(why.contains("more than"), "{why}"),
        other => panic!("{other:?}"),
    }
}
