//! Load: kept-alive connections that post prepared bodies, as cheaply as possible.

use anyhow::{Context, Result, bail};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub(crate) struct Load {
    /// Connections go round.
    addresses: Vec<String>,
    path: String,
    connections: usize,
}

impl Load {
    /// To the same path of several nodes.
    pub(crate) fn new(urls: &[String], connections: usize) -> Self {
        let split = |url: &String| {
            let rest = url.trim_start_matches("http://");
            let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
            (address.to_owned(), format!("/{path}"))
        };
        let (addresses, mut paths): (Vec<_>, Vec<_>) = urls.iter().map(split).unzip();
        Self {
            addresses,
            path: paths.pop().unwrap_or_default(),
            connections,
        }
    }

    /// Posts all bodies, as fast as possible or at `rate` a second; answers how long it took until the last was accepted.
    pub(crate) async fn send(&self, bodies: Vec<Vec<u8>>, rate: Option<f64>) -> Result<Duration> {
        let bodies: VecDeque<(usize, Vec<u8>)> = bodies.into_iter().enumerate().collect();
        let queue = Arc::new(Mutex::new(bodies));
        let began = Instant::now();
        let workers: Vec<_> = (0..self.connections)
            .map(|number| {
                let address = self.addresses[number % self.addresses.len()].clone();
                let (queue, path) = (Arc::clone(&queue), self.path.clone());
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(&address).await?;
                    stream.set_nodelay(true)?;
                    let mut answer = vec![0; 4096];
                    loop {
                        let next = queue.lock().expect("no worker panics while it holds the queue").pop_front();
                        let Some((number, body)) = next else { return anyhow::Ok(()) };
                        if let Some(rate) = rate {
                            tokio::time::sleep_until((began + Duration::from_secs_f64(number as f64 / rate)).into()).await;
                        }
                        let mut request = format!(
                            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                            body.len()
                        )
                        .into_bytes();
                        request.extend_from_slice(&body);
                        stream.write_all(&request).await?;
                        let read = stream.read(&mut answer).await?;
                        if !answer[..read].starts_with(b"HTTP/1.1 200") {
                            bail!("refused: {}", String::from_utf8_lossy(&answer[..read]));
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.context("a connection failed")??;
        }
        Ok(began.elapsed())
    }
}
