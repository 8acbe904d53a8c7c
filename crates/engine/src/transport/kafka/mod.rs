//! The way to topics of Kafka: a connection to whoever leads the partition, kept for the next record.
//!
//! **Why no client of Kafka.** Those there are connect by themselves, by name, to whichever broker the cluster tells of. Here every address is checked
//! before it is connected to, those of the brokers that are told as well. Four requests are all that is needed ([`wire`]).

mod scram;
mod wire;

use super::{
    TransportError,
    dial::{Dial, Place},
    ended::{Ended, Told, within},
    line::Line,
    pool::Pool,
};
use destinations::{
    Request, Response,
    kafka::{Mechanism, PORT, Record, Sasl, answer},
};
use domain::secret::Secret;
use guarded::Guarded;
use scram::Scram;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};
use wire::{Broken, Reader, Topic, Writer};

/// How long it is believed who leads a partition. Who does no longer says so.
const BELIEVED: Duration = Duration::from_mins(5);
/// Topics of which that is remembered, at most; then it is asked again.
const MOST_TOPICS: usize = 256;
/// Longest answer that is read.
const LONGEST_ANSWER: usize = 256 << 10;
/// Error codes after which it is asked again who leads a partition: 3, 5, 6, 9. Source: Kafka, "Error codes".
const LED_BY_ANOTHER: [i16; 4] = [3, 5, 6, 9];
/// That nobody leads a partition.
const LEADER_NOT_AVAILABLE: i16 = 5;
/// That a name and password are not taken.
const SASL_AUTHENTICATION_FAILED: i16 = 58;

/// As whom, whether encrypted, and whom certificates may be by.
type As = (Option<(&'static str, String, String)>, bool, Option<String>);

/// Brokers and topic that were asked about.
type Asked = (Vec<String>, As, String);

/// Puts records into topics.
pub(super) struct Topics {
    dial: Arc<Dial>,
    pool: Pool<(String, As), Open>,
    /// Where the partitions of topics are, by brokers and topic, and since when that is believed.
    known: Guarded<BTreeMap<Asked, (Arc<Topic>, Instant)>>,
}

impl std::fmt::Debug for Topics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Topics")
    }
}

impl From<Broken> for Ended {
    fn from(broken: Broken) -> Self {
        Self::network(broken)
    }
}

fn response(code: i16, said: &str) -> Response {
    // Below zero is what the server does not know itself.
    answer(u16::try_from(code).unwrap_or(u16::MAX), said)
}

/// That a broker answered with an error.
fn refused(code: i16) -> Ended {
    Ended::Said(response(code, wire::called(code)))
}

impl Topics {
    /// No connection yet, and so many that are kept at most.
    pub(super) fn new(dial: Arc<Dial>, most: usize) -> Self {
        Self {
            dial,
            pool: Pool::at_most(most),
            known: Guarded::default(),
        }
    }

    /// Produces a record and waits until it is acknowledged, at most `timeout` in all.
    pub(super) async fn produce(
        &self,
        request: &Request,
        record: &Record,
        timeout: Duration,
    ) -> Result<Response, TransportError> {
        let told = Told::default();
        let producing = self.produced(request, record, timeout, &told);
        within(timeout, &told, producing).await
    }

    async fn produced(
        &self,
        request: &Request,
        record: &Record,
        timeout: Duration,
        told: &Told,
    ) -> Result<Response, Ended> {
        let who = as_whom(request, record);
        let known = (record.brokers.clone(), who.clone(), record.topic.clone());
        let topic = match self.believed(&known) {
            Some(topic) => topic,
            None => self.found(record, &who, &known).await?,
        };
        let partition = wire::partition(record.key.as_bytes(), topic.partitions());
        let (host, port) = topic.leader(partition).ok_or_else(|| {
            self.forget(&known);
            refused(LEADER_NOT_AVAILABLE)
        })?;
        let batch = wire::batch(&content(request, record));
        let partition = i32::try_from(partition).unwrap_or(i32::MAX);
        let within = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        let place = host_and_port(host, *port);
        let produce = |number| {
            told.note();
            wire::produce(number, &record.topic, partition, &batch, within)
        };
        let answered = self
            .asked(&place, &who, record, produce, wire::produced)
            .await;
        let answered = answered.inspect_err(|_| self.forget(&known));
        let (error, partition, offset) = answered?;
        if LED_BY_ANOTHER.contains(&error) {
            self.forget(&known);
        }
        if error != 0 {
            return Err(refused(error));
        }
        let stored = format!("partition {partition}, offset {offset}");
        Ok(response(0, &stored))
    }

    fn believed(&self, key: &Asked) -> Option<Arc<Topic>> {
        let known = self.known.lock();
        let (topic, since) = known.get(key)?;
        (since.elapsed() < BELIEVED).then(|| Arc::clone(topic))
    }

    fn forget(&self, key: &Asked) {
        self.known.lock().remove(key);
    }

    /// Asks one broker after the other where the partitions of the topic are.
    async fn found(&self, record: &Record, who: &As, key: &Asked) -> Result<Arc<Topic>, Ended> {
        let mut last = Ended::network("there are no brokers");
        for broker in &record.brokers {
            let asking = |number| wire::metadata(number, &record.topic);
            match self.asked(broker, who, record, asking, wire::topic).await {
                Ok(topic) if topic.error != 0 => return Err(refused(topic.error)),
                Ok(topic) => {
                    let topic = Arc::new(topic);
                    let mut known = self.known.lock();
                    if known.len() >= MOST_TOPICS {
                        known.clear();
                    }
                    known.insert(key.clone(), (Arc::clone(&topic), Instant::now()));
                    return Ok(topic);
                }
                Err(ended @ Ended::Said(..)) => return Err(ended),
                Err(failed) => last = failed,
            }
        }
        Err(last)
    }

    /// Asks a broker, over a connection that was kept or a new one.
    async fn asked<T>(
        &self,
        place: &str,
        who: &As,
        record: &Record,
        asking: impl Fn(i32) -> Vec<u8>,
        read: impl Fn(&mut Reader<'_>) -> Result<T, Broken>,
    ) -> Result<T, Ended> {
        let key = (place.to_owned(), who.clone());
        if let Some(mut open) = self.pool.take(&key, Instant::now()) {
            // It may have been closed while nobody used it: whoever reads twice what is sent again knows it by its id.
            if let Ok(answered) = open.asked(&asking, &read).await {
                self.pool.put(key, open, Instant::now());
                return Ok(answered);
            }
        }
        let mut open = self.connect(place, who, record).await?;
        let answered = open.asked(&asking, &read).await?;
        self.pool.put(key, open, Instant::now());
        Ok(answered)
    }

    async fn connect(&self, place: &str, who: &As, record: &Record) -> Result<Open, Ended> {
        let place = Place::read(place, PORT);
        let stream = self.dial.connect(&place).await?;
        let line = if record.is_encrypted {
            Line::encrypted(
                self.dial
                    .encrypt(stream, place.host, who.2.as_deref())
                    .await?,
            )
        } else {
            Line::plain(stream)
        };
        let mut open = Open { line, number: 0 };
        if let Some(sasl) = &record.login {
            open.sign_in(sasl).await?;
        }
        Ok(open)
    }
}

fn as_whom(request: &Request, record: &Record) -> As {
    let login = record.login.as_ref().map(|sasl| {
        let password = sasl.password.expose().to_owned();
        (sasl.mechanism.name(), sasl.user.clone(), password)
    });
    (login, record.is_encrypted, request.authorities.clone())
}

fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

fn content<'a>(request: &'a Request, record: &'a Record) -> wire::Content<'a> {
    let headers = request.headers.iter();
    wire::Content {
        key: record.key.as_bytes(),
        value: &request.body,
        headers: headers
            .map(|header| (header.name, header.value.as_str()))
            .collect(),
        at: record.at.as_millisecond(),
    }
}

/// A connection to a broker.
struct Open {
    line: Line,
    /// How many requests were made.
    number: i32,
}

impl Open {
    /// Asks and reads what is answered.
    async fn asked<T>(
        &mut self,
        asking: &impl Fn(i32) -> Vec<u8>,
        read: &impl Fn(&mut Reader<'_>) -> Result<T, Broken>,
    ) -> Result<T, Ended> {
        self.number = self.number.wrapping_add(1);
        let request = asking(self.number);
        self.line
            .write_all(&request)
            .await
            .map_err(Ended::network)?;
        self.line.flush().await.map_err(Ended::network)?;
        let length = self.line.read_i32().await.map_err(Ended::network)?;
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= LONGEST_ANSWER);
        let mut answer = vec![0; length.ok_or(Broken)?];
        self.line
            .read_exact(&mut answer)
            .await
            .map_err(Ended::network)?;
        let mut reader = Reader(&answer);
        if reader.i32()? != self.number {
            return Err(Broken.into());
        }
        Ok(read(&mut reader)?)
    }

    /// Source: Kafka, "Protocol guide", "SASL Authentication Sequence".
    async fn sign_in(&mut self, sasl: &Sasl) -> Result<(), Ended> {
        let shake = |number| {
            let mut request = Writer::request(wire::SASL_HANDSHAKE, number);
            request.text(sasl.mechanism.name());
            request.whole()
        };
        let error = self
            .asked(&shake, &|reader: &mut Reader<'_>| reader.i16())
            .await?;
        if error != 0 {
            return Err(refused(error));
        }
        let Some(scram) = Scram::new(sasl, nonce()?) else {
            return self.tell(sasl).await;
        };
        let said = self.prove(&scram.first()).await?;
        // Others wait for the thread that this runs on.
        let proving = tokio::task::spawn_blocking(move || scram.last(&said)).await;
        let (last, expected) = proving.map_err(Ended::network)?.map_err(Ended::network)?;
        let said = self.prove(&last).await?;
        if said.split(',').next() != Some(&expected) {
            return Err(Ended::network(
                "the broker does not know the password itself",
            ));
        }
        Ok(())
    }

    /// Tells the password, or a token.
    async fn tell(&mut self, sasl: &Sasl) -> Result<(), Ended> {
        let secret = sasl.password.expose();
        if sasl.mechanism != Mechanism::OauthBearer {
            self.prove(&format!("\0{}\0{secret}", sasl.user)).await?;
            return Ok(());
        }
        let refused = self
            .prove(&format!("n,,\x01auth=Bearer {secret}\x01\x01"))
            .await?;
        if refused.is_empty() {
            return Ok(());
        }
        // What is wrong with a token is said where others say what comes next. Source: RFC 7628, 3.2.3.
        self.prove("\x01").await?;
        let called = wire::called(SASL_AUTHENTICATION_FAILED);
        let said = format!("{called}: {refused}");
        Err(Ended::Said(response(SASL_AUTHENTICATION_FAILED, &said)))
    }

    /// One step of a proof. Answers what the broker says to it.
    async fn prove(&mut self, told: &str) -> Result<String, Ended> {
        let proving = |number| {
            let mut request = Writer::request(wire::SASL_AUTHENTICATE, number);
            request.bytes(told.as_bytes());
            request.whole()
        };
        let (error, why, said) = self.asked(&proving, &wire::proved).await?;
        match error {
            0 => Ok(said),
            SASL_AUTHENTICATION_FAILED => {
                let called = wire::called(error);
                let said = response(error, &format!("{called}: {why}"));
                Err(Ended::Said(said))
            }
            error => Err(refused(error)),
        }
    }
}

/// Reads an answer as one to each of the questions there are.
pub(super) fn read_all(bytes: &[u8]) {
    drop(wire::topic(&mut Reader(bytes)));
    let produced = wire::produced(&mut Reader(bytes));
    drop(produced.map(|(error, ..)| refused(error)));
    let Ok((_, _, said)) = wire::proved(&mut Reader(bytes)) else {
        return;
    };
    let sasl = Sasl {
        mechanism: Mechanism::ScramSha256,
        user: String::new(),
        password: Secret::default(),
    };
    if let Some(scram) = Scram::new(&sasl, "n".into()) {
        drop(scram.challenge(&said));
    }
}

/// What nobody can foresee.
fn nonce() -> Result<String, Ended> {
    use base64::prelude::*;
    let mut bytes = [0; 18];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Ended::network("there is no randomness"))?;
    Ok(BASE64_STANDARD.encode(bytes))
}
