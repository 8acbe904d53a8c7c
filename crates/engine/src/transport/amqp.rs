//! The way to exchanges of RabbitMQ: a connection for each message under way, kept for the next one.
//!
//! How frames are written and read is `amq-protocol`'s, which the client `lapin` is made of. That client makes connections by itself, by name, on a
//! thread of its own for each; here they are ours: to the address that was checked, encrypted under the name of the server, and given up
//! when the time of an attempt is over.

use super::{
    TransportError,
    dial::{Dial, Place},
    error::late,
    line::Line,
    pool::Pool,
};
use amq_protocol::{
    frame::{AMQPContentHeader, AMQPFrame, ProtocolVersion, WriteContext, gen_frame, parse_frame},
    protocol::{AMQPClass, basic, channel, confirm, connection},
    types::{AMQPValue, FieldTable, LongString},
};
use destinations::{
    Request, Response,
    rabbitmq::{Routed, answer},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The only channel of a connection.
const CHANNEL: u16 = 1;
/// The class of messages. Source: AMQP 0-9-1, `basic`.
const BASIC: u16 = 60;
/// Largest frame that we send or take, if the server has no smaller. Source: RabbitMQ, `frame_max`.
const LARGEST_FRAME: u32 = 128 << 10;
/// What a frame has beside what it carries. Source: AMQP 0-9-1, section 4.2.3.
const AROUND: usize = 8;
/// Kept on disk. Source: AMQP 0-9-1, `delivery-mode`.
const PERSISTENT: u8 = 2;
/// That somebody closes connections. Source: AMQP 0-9-1, "reply codes".
const FORCED: u16 = 320;
/// What could not be stored, or was taken by no queue, of the moment as it is.
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

/// How it ended without a confirmation: with the broker's words, or without any.
enum Ended {
    Said(Response),
    Failed(TransportError),
}

impl Ended {
    fn network(why: impl Into<String>) -> Self {
        Self::Failed(TransportError::Network(why.into()))
    }

    /// The same once the message went out.
    fn after_it_went_out(self) -> Self {
        match self {
            Self::Failed(TransportError::Network(why)) => {
                Self::Failed(TransportError::Unanswered(why))
            }
            other => other,
        }
    }
}

impl From<TransportError> for Ended {
    fn from(error: TransportError) -> Self {
        Self::Failed(error)
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
        let is_told = AtomicBool::new(false);
        let publishing = self.published(request, routed, &is_told);
        match tokio::time::timeout(timeout, publishing).await {
            Ok(Ok(response) | Err(Ended::Said(response))) => Ok(response),
            Ok(Err(Ended::Failed(error))) => Err(error),
            Err(_) if is_told.load(Ordering::Relaxed) => {
                Err(TransportError::Unanswered(late(timeout)))
            }
            Err(_) => Err(TransportError::Network(late(timeout))),
        }
    }

    /// `is_told` becomes true when the message goes out: what ends after that may have been stored.
    async fn published(
        &self,
        request: &Request,
        routed: &Routed,
        is_told: &AtomicBool,
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
            match open.publish(request, routed).await {
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
        is_told.store(true, Ordering::Relaxed);
        let response = open.publish(request, routed).await;
        let response = response.map_err(Ended::after_it_went_out)?;
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
            line,
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
    /// The largest frame that may be sent.
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
        use connection::AMQPMethod::{OpenOk, Start, Tune};
        let begins = AMQPFrame::ProtocolHeader(ProtocolVersion::amqp_0_9_1());
        self.write(&[begins]).await?;
        let AMQPClass::Connection(Start(start)) = self.method().await? else {
            return Err(unexpected());
        };
        let offered = start.mechanisms.to_string();
        if !offered.split(' ').any(|offer| offer == "PLAIN") {
            let said = "the server lets nobody in by name and password";
            return Err(Ended::Said(answer(403, said)));
        }
        self.write(&[method(AMQPClass::Connection(
            connection::AMQPMethod::StartOk(hello(routed)),
        ))])
        .await?;
        let AMQPClass::Connection(Tune(tune)) = self.method().await? else {
            return Err(unexpected());
        };
        let largest = match tune.frame_max {
            0 => LARGEST_FRAME,
            theirs => theirs.min(LARGEST_FRAME),
        };
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
        let AMQPClass::Connection(OpenOk(_)) = self.method().await? else {
            return Err(unexpected());
        };
        let channel = channel::AMQPMethod::Open(channel::Open {});
        let confirm = confirm::AMQPMethod::Select(confirm::Select { nowait: false });
        self.write(&[
            on_channel(AMQPClass::Channel(channel)),
            on_channel(AMQPClass::Confirm(confirm)),
        ])
        .await?;
        let AMQPClass::Channel(channel::AMQPMethod::OpenOk(_)) = self.method().await? else {
            return Err(unexpected());
        };
        let AMQPClass::Confirm(confirm::AMQPMethod::SelectOk(_)) = self.method().await? else {
            return Err(unexpected());
        };
        Ok(())
    }

    /// Publishes one message and waits until it is confirmed.
    async fn publish(&mut self, request: &Request, routed: &Routed) -> Result<Response, Ended> {
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
        self.write(&frames).await?;
        let mut returned = None;
        loop {
            match self.method().await? {
                AMQPClass::Basic(basic::AMQPMethod::Return(back)) => {
                    returned = Some(format!(
                        "no queue takes {}: {} {}",
                        routed.routing_key, back.reply_code, back.reply_text
                    ));
                }
                AMQPClass::Basic(basic::AMQPMethod::Ack(_)) => {
                    return Ok(match returned {
                        Some(said) => answer(NOT_STORED, &said),
                        None => answer(200, "confirmed"),
                    });
                }
                AMQPClass::Basic(basic::AMQPMethod::Nack(_)) => {
                    return Ok(answer(NOT_STORED, "the broker could not store it"));
                }
                _ => return Err(unexpected()),
            }
        }
    }

    /// The next method that is called. What a channel or a connection is closed for ends it.
    async fn method(&mut self) -> Result<AMQPClass, Ended> {
        use {channel::AMQPMethod as OfChannel, connection::AMQPMethod as OfConnection};
        loop {
            match self.frame().await? {
                AMQPFrame::Method(_, AMQPClass::Connection(OfConnection::Close(close))) => {
                    return Err(Ended::Said(answer(
                        close.reply_code,
                        &close.reply_text.to_string(),
                    )));
                }
                AMQPFrame::Method(_, AMQPClass::Channel(OfChannel::Close(close))) => {
                    return Err(Ended::Said(answer(
                        close.reply_code,
                        &close.reply_text.to_string(),
                    )));
                }
                AMQPFrame::Method(_, class) => return Ok(class),
                // What was returned, and signs of life.
                AMQPFrame::Header(..) | AMQPFrame::Body(..) | AMQPFrame::Heartbeat => {}
                AMQPFrame::ProtocolHeader(_) | AMQPFrame::InvalidHeartbeat(_) => {
                    return Err(unexpected());
                }
            }
        }
    }

    async fn frame(&mut self) -> Result<AMQPFrame, Ended> {
        loop {
            match parse_frame(self.read.as_slice()) {
                Ok((rest, frame)) => {
                    let taken = self.read.len() - rest.len();
                    self.read.drain(..taken);
                    return Ok(frame);
                }
                Err(error) if error.is_incomplete() => {}
                Err(_) => return Err(Ended::network("the server does not speak AMQP 0-9-1")),
            }
            let failed = |error: std::io::Error| Ended::network(error.to_string());
            if self.line.read_buf(&mut self.read).await.map_err(failed)? == 0 {
                return Err(Ended::network("the server closed the connection"));
            }
        }
    }

    async fn write(&mut self, frames: &[AMQPFrame]) -> Result<(), Ended> {
        let mut bytes = Vec::new();
        for frame in frames {
            let written = gen_frame(frame)(WriteContext::from(bytes));
            let written = written.map_err(|error| Ended::network(error.to_string()))?;
            bytes = written.into_inner().0;
        }
        let failed = |error: std::io::Error| Ended::network(error.to_string());
        self.line.write_all(&bytes).await.map_err(failed)?;
        self.line.flush().await.map_err(failed)
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
