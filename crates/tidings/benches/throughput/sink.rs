//! A receiver that does as little as possible: reads a request, answers 200, notes how old the event is.

use anyhow::{Result, bail};
use jiff::Timestamp;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

struct Shared {
    count: AtomicU64,
    handshakes: AtomicU64,
    lags: Mutex<Vec<u64>>,
    started: Instant,
    started_at: Timestamp,
}

pub(crate) struct Sink {
    pub(crate) url: String,
    shared: Arc<Shared>,
    /// Ended with the sink; one that dies ends by itself.
    accepting: Option<JoinHandle<()>>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) -> Result<()> {
    let mut buffer = Vec::with_capacity(16 << 10);
    loop {
        let (head, length) = loop {
            if let Some(end) = find(&buffer, b"\r\n\r\n") {
                let text = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
                let length = text
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())
                    .unwrap_or(0);
                if buffer.len() >= end + 4 + length {
                    break (end + 4, length);
                }
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let body = &buffer[head..head + length];
        if length <= 2 {
            shared.handshakes.fetch_add(1, Ordering::Relaxed);
        } else {
            // The time stands near the end of the payload.
            let recorded = find(
                &body[body.len().saturating_sub(400)..],
                b"\"recorded_at\":\"",
            )
            .and_then(|at| {
                let text = &body[body.len().saturating_sub(400) + at + 15..];
                std::str::from_utf8(&text[..text.iter().position(|byte| *byte == b'"')?])
                    .ok()?
                    .parse::<Timestamp>()
                    .ok()
            });
            if let Some(recorded) = recorded {
                let now = shared.started_at.as_microsecond()
                    + i64::try_from(shared.started.elapsed().as_micros())?;
                shared
                    .lags
                    .lock()
                    .expect("nobody panics while holding it")
                    .push(u64::try_from(now - recorded.as_microsecond()).unwrap_or(0));
            }
            shared.count.fetch_add(1, Ordering::Relaxed);
        }
        buffer.drain(..head + length);
        stream.write_all(ANSWER).await?;
    }
}

impl Sink {
    pub(crate) async fn start(now: Timestamp) -> Result<Self> {
        Self::listen(now, false).await
    }

    /// Passes the handshake, then is gone.
    pub(crate) async fn start_dying(now: Timestamp) -> Result<Self> {
        Self::listen(now, true).await
    }

    async fn listen(now: Timestamp, dying: bool) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let shared = Arc::new(Shared {
            count: AtomicU64::new(0),
            handshakes: AtomicU64::new(0),
            lags: Mutex::default(),
            started: Instant::now(),
            started_at: now,
        });
        let own = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(stream.set_nodelay(true));
                let serving = tokio::spawn(serve(stream, Arc::clone(&own)));
                if dying {
                    while own.handshakes.load(Ordering::Relaxed) == 0 {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    serving.abort();
                    return;
                }
            }
        });
        Ok(Self {
            url,
            shared,
            accepting: (!dying).then_some(accepting),
        })
    }

    pub(crate) fn count(&self) -> u64 {
        self.shared.count.load(Ordering::Relaxed)
    }

    pub(crate) fn handshakes(&self) -> u64 {
        self.shared.handshakes.load(Ordering::Relaxed)
    }

    pub(crate) fn lags(&self) -> Vec<u64> {
        self.shared
            .lags
            .lock()
            .expect("nobody panics while holding it")
            .clone()
    }

    pub(crate) fn forget(&self) {
        self.shared
            .lags
            .lock()
            .expect("nobody panics while holding it")
            .clear();
    }
}

/// Waits until every sink has had so many.
pub(crate) async fn all_delivered(sinks: &[Sink], each: u64) -> Result<()> {
    let until = Instant::now() + Duration::from_mins(2);
    while sinks.iter().any(|sink| sink.count() < each) {
        if Instant::now() > until {
            bail!(
                "not everything was delivered: {:?} of {each}",
                sinks.iter().map(Sink::count).collect::<Vec<_>>()
            );
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
