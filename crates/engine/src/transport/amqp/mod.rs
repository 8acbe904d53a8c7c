//! The way to exchanges of RabbitMQ: a connection for each message under way, kept for the next one.
//!
//! How frames are written is `amq-protocol`'s, which the client `lapin` is made of; they are read in [`heard`]. That client makes connections by itself, by
//! name, on a thread of its own for each; here they are ours: to the address that was checked, encrypted under the name of the server, and
//! given up when the time of an attempt is over.

mod heard;

use super::{
    TransportError,
    dial::{Dial, Place},
    ended::{Ended, Told, within},
    line::Line,
    pool::Pool,
};
use amq_protocol::{
    frame::{AMQPContentHeader, AMQPFrame, ProtocolVersion, WriteContext, gen_frame},
    protocol::{AMQPClass, basic, channel, confirm, connection},
    types::{AMQPValue, FieldTable, LongString},
};
use destinations::{
    Request, Response,
    rabbitmq::{NO_ROUTE, Routed, answer},
};
use heard::Heard;
use std::{ops::RangeInclusive, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

/// The only channel of a connection.
const CHANNEL: u16 = 1;
/// The class of messages. Source: AMQP 0-9-1, `basic`.
const BASIC: u16 = 60;
/// Largest frame that we send or take, if the server has no smaller. Source: RabbitMQ, `frame_max`.
const LARGEST_FRAME: u32 = 128 << 10;
/// What everybody takes. Source: AMQP 0-9-1, `frame-min-size`.
const LEAST_FRAME: u32 = 4096;
/// What a frame has beside what it carries. Source: AMQP 0-9-1, section 4.2.3.
const AROUND: usize = 8;
/// Kept on disk. Source: AMQP 0-9-1, `delivery-mode`.
const PERSISTENT: u8 = 2;
/// That somebody closes connections. Source: AMQP 0-9-1, "reply codes".
const FORCED: u16 = 320;
/// What is said for a reason why something is closed; what is not among them is no word about a message. Source: the same.
const REASONS: RangeInclusive<u16> = 300..=599;
/// What could not be stored, of the moment as it is.
const NOT_STORED: u16 = 503;

/// Server, virtual host, user and password, whether encrypted, and whom certificates may be by.
type Key = (String, String, String, String, bool, Option<String>);

/// Publishes to exchanges.
pub(super) struct Exchanges {
    dial: Arc<Dial>,
    pool: Pool<Key, Open>,
}

impl std::fmt::Debug for Exchanges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Exchanges")
    }
}

impl Exchanges {
    /// No connection yet, and so many that are kept at most.
    pub(super) fn new(dial: Arc<Dial>, most: usize) -> Self {
        Self {
            dial,
            pool: Pool::at_most(most),
        }
    }

    /// Publishes a message and waits for the broker's word, at most `timeout` in all.
    pub(super) async fn publish(
        &self,
        request: &Request,
        routed: &Routed,
        timeout: Duration,
    ) -> Result<Response, TransportError> {
        let told = Told::default();
        within(timeout, &told, self.published(request, routed, &told)).await
    }

    async fn published(
        &self,
        request: &Request,
        routed: &Routed,
        told: &Told,
    ) -> Result<Response, Ended> {
        let key = (
            routed.server.clone(),
            routed.vhost.clone(),
            routed.user.clone(),
            routed.password.expose().to_owned(),
            routed.is_encrypted,
            request.authorities.clone(),
        );
        if let Some(mut open) = self.pool.take(&key, Instant::now()) {
            match open.publish(request, routed, told).await {
                Ok(response) => {
                    self.pool.put(key, open, Instant::now());
                    return Ok(response);
                }
                Err(Ended::Said(response)) if response.status != FORCED => {
                    return Err(Ended::Said(response));
                }
                // It was closed while nobody used it: whoever reads twice what is sent again knows it by its id.
                Err(_) => {}
            }
        }
        let mut open = self.connect(request, routed).await?;
        let response = open.publish(request, routed, told).await?;
        self.pool.put(key, open, Instant::now());
        Ok(response)
    }

    async fn connect(&self, request: &Request, routed: &Routed) -> Result<Open, Ended> {
        let place = Place::read(&routed.server, 0);
        let stream = self.dial.connect(&place).await?;
        let line = if routed.is_encrypted {
            let own = request.authorities.as_deref();
            Line::encrypted(self.dial.encrypt(stream, place.host, own).await?)
        } else {
            Line::plain(stream)
        };
        let mut open = Open {
            line: line.with_returns(),
            read: Vec::new(),
            largest: LARGEST_FRAME as usize,
        };
        open.sign_in(routed).await?;
        Ok(open)
    }
}

/// A connection with a channel on which messages are confirmed.
struct Open {
    line: Line,
    /// What was read and is no whole frame yet.
    read: Vec<u8>,
    /// The largest frame that may be sent, either way.
    largest: usize,
}

fn method(class: AMQPClass) -> AMQPFrame {
    AMQPFrame::Method(0, class)
}

fn on_channel(class: AMQPClass) -> AMQPFrame {
    AMQPFrame::Method(CHANNEL, class)
}

impl Open {
    /// Source: AMQP 0-9-1, section 2.2.4, "Connection"; RabbitMQ, "Authentication Failure Notifications", "Publisher Confirms".
    async fn sign_in(&mut self, routed: &Routed) -> Result<(), Ended> {
        let begins = AMQPFrame::ProtocolHeader(ProtocolVersion::amqp_0_9_1());
        self.write(&[begins]).await?;
        let Heard::Start { mechanisms } = self.heard().await? else {
            return Err(unexpected());
        };
        if !mechanisms.split(' ').any(|offer| offer == "PLAIN") {
            let said = "the server lets nobody in by name and password";
            return Err(Ended::Said(answer(403, said)));
        }
        let hello = connection::AMQPMethod::StartOk(hello(routed));
        self.write(&[method(AMQPClass::Connection(hello))]).await?;
        let Heard::Tune { frame_max } = self.heard().await? else {
            return Err(unexpected());
        };
        let largest = agreed(frame_max)?;
        self.largest = largest as usize;
        let tune = connection::TuneOk {
            channel_max: CHANNEL,
            frame_max: largest,
            // Whoever is not heard of is given up by the time of the attempt.
            heartbeat: 0,
        };
        let open = connection::Open {
            virtual_host: routed.vhost.as_str().into(),
        };
        self.write(&[
            method(AMQPClass::Connection(connection::AMQPMethod::TuneOk(tune))),
            method(AMQPClass::Connection(connection::AMQPMethod::Open(open))),
        ])
        .await?;
        self.expect(&Heard::Opened).await?;
        let channel = channel::AMQPMethod::Open(channel::Open {});
        let confirm = confirm::AMQPMethod::Select(confirm::Select { nowait: false });
        self.write(&[
            on_channel(AMQPClass::Channel(channel)),
            on_channel(AMQPClass::Confirm(confirm)),
        ])
        .await?;
        self.expect(&Heard::ChannelOpened).await?;
        self.expect(&Heard::Selected).await
    }

    /// Publishes one message and waits until it is confirmed.
    async fn publish(
        &mut self,
        request: &Request,
        routed: &Routed,
        told: &Told,
    ) -> Result<Response, Ended> {
        let publish = basic::AMQPMethod::Publish(basic::Publish {
            exchange: routed.exchange.as_str().into(),
            routing_key: routed.routing_key.as_str().into(),
            mandatory: true,
            immediate: false,
        });
        let header = AMQPContentHeader {
            class_id: BASIC,
            body_size: request.body.len() as u64,
            properties: properties(request, routed),
        };
        let mut frames = vec![
            on_channel(AMQPClass::Basic(publish)),
            AMQPFrame::Header(CHANNEL, header),
        ];
        let parts = request.body.chunks(self.largest - AROUND);
        frames.extend(parts.map(|part| AMQPFrame::Body(CHANNEL, part.to_vec())));
        told.note();
        self.write(&frames).await?;
        let mut returned = None;
        loop {
            match self.heard().await? {
                Heard::Returned { code, why } => {
                    let key = &routed.routing_key;
                    returned = Some(format!("no queue takes {key}: {code} {why}"));
                }
                // A confirmation alone says that a message is stored.
                Heard::Ack => {
                    return Ok(match returned {
                        Some(said) => answer(NO_ROUTE, &said),
                        None => answer(200, "confirmed"),
                    });
                }
                Heard::Nack => {
                    return Ok(answer(NOT_STORED, "the broker could not store it"));
                }
                _ => return Err(unexpected()),
            }
        }
    }

    async fn expect(&mut self, expected: &Heard) -> Result<(), Ended> {
        if self.heard().await? == *expected {
            Ok(())
        } else {
            Err(unexpected())
        }
    }

    /// The next that means something. What a channel or a connection is closed for ends it.
    async fn heard(&mut self) -> Result<Heard, Ended> {
        loop {
            match self.frame().await? {
                Heard::Nothing => {}
                Heard::Closed { code, why } if REASONS.contains(&code) => {
                    return Err(Ended::Said(answer(code, &why)));
                }
                Heard::Closed { code, why } => {
                    let why = format!("the server closed it, for no reason: {code} {why}");
                    return Err(Ended::network(why));
                }
                heard => return Ok(heard),
            }
        }
    }

    async fn frame(&mut self) -> Result<Heard, Ended> {
        loop {
            let read = heard::frame(&self.read, self.largest);
            if let Some((heard, length)) = read.map_err(Ended::network)? {
                self.read.drain(..length);
                return Ok(heard);
            }
            let read = self.line.read_buf(&mut self.read).await;
            if read.map_err(Ended::network)? == 0 {
                return Err(Ended::network("the server closed the connection"));
            }
        }
    }

    async fn write(&mut self, frames: &[AMQPFrame]) -> Result<(), Ended> {
        let mut bytes = Vec::new();
        for frame in frames {
            let written = gen_frame(frame)(WriteContext::from(bytes));
            bytes = written.map_err(Ended::network)?.into_inner().0;
        }
        self.line.write_all(&bytes).await.map_err(Ended::network)?;
        self.line.flush().await.map_err(Ended::network)
    }
}

/// The largest frame that both sides take.
fn agreed(theirs: u32) -> Result<u32, Ended> {
    match theirs {
        0 => Ok(LARGEST_FRAME),
        LEAST_FRAME.. => Ok(theirs.min(LARGEST_FRAME)),
        _ => Err(Ended::network(format!(
            "the server takes frames of {theirs} bytes only, and {LEAST_FRAME} is the least there is"
        ))),
    }
}

fn unexpected() -> Ended {
    Ended::network("the server said something that nobody asked for")
}

/// Who we are, and that we want to hear why we are not let in.
fn hello(routed: &Routed) -> connection::StartOk {
    let yes = || AMQPValue::Boolean(true);
    let mut capabilities = FieldTable::default();
    for capability in [
        "publisher_confirms",
        "basic.nack",
        "authentication_failure_close",
    ] {
        capabilities.insert(capability.into(), yes());
    }
    let mut properties = FieldTable::default();
    let product = AMQPValue::LongString("Tidings".into());
    properties.insert("product".into(), product);
    properties.insert("capabilities".into(), AMQPValue::FieldTable(capabilities));
    // Source: RFC 4616.
    let response = format!("\0{}\0{}", routed.user, routed.password.expose());
    connection::StartOk {
        client_properties: properties,
        mechanism: "PLAIN".into(),
        response: LongString::from(response),
        locale: "en_US".into(),
    }
}

/// Reads frames until there is none that can be read.
pub(super) fn read_all(mut bytes: &[u8]) {
    while let Ok(Some((_, length))) = heard::frame(bytes, LARGEST_FRAME as usize) {
        bytes = bytes.get(length..).unwrap_or_default();
    }
}

/// What is told of a message beside its body.
fn properties(request: &Request, routed: &Routed) -> basic::AMQPProperties {
    let mut properties = basic::AMQPProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_app_id("tidings".into())
        .with_type(routed.kind.into());
    let mut headers = FieldTable::default();
    for header in &request.headers {
        properties = match header.name {
            "content-type" => properties.with_content_type(header.value.as_str().into()),
            "message-id" => properties.with_message_id(header.value.as_str().into()),
            name => {
                let value = AMQPValue::LongString(header.value.as_str().into());
                headers.insert(name.into(), value);
                properties
            }
        };
    }
    properties.with_headers(headers)
}
