//! A connection that a library is given: plain or encrypted, and no longer than anybody has to listen.

use lettre::transport::smtp::client::AsyncTokioStream;
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

/// Most that is read after something was written: what is answered is a few hundred bytes.
const LONGEST: usize = 256 << 10;

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// A connection to whoever answers in few words.
#[derive(Debug)]
pub(super) struct Line {
    stream: Stream,
    /// What was read before, and is to be read first.
    ahead: Vec<u8>,
    /// How much more is read, unless something is written.
    left: usize,
}

impl Line {
    pub(super) const fn plain(stream: TcpStream) -> Self {
        Self {
            stream: Stream::Plain(stream),
            ahead: Vec::new(),
            left: LONGEST,
        }
    }

    pub(super) fn encrypted(stream: TlsStream<TcpStream>) -> Self {
        Self {
            stream: Stream::Encrypted(Box::new(stream)),
            ahead: Vec::new(),
            left: LONGEST,
        }
    }

    /// The same, on which this is to be read first.
    pub(super) fn reading_first(self, ahead: Vec<u8>) -> Self {
        Self { ahead, ..self }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let taken = self.ahead.len().min(buffer.remaining());
            let taken: Vec<u8> = self.ahead.drain(..taken).collect();
            buffer.put_slice(&taken);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Encrypted(stream) => Pin::new(stream).poll_read(cx, buffer),
        };
        ready!(read)?;
        let count = buffer.filled().len() - before;
        let left = self.left.checked_sub(count);
        self.left = left.ok_or_else(|| io::Error::other("it says more than anybody has to"))?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Who returns a message says as much as it was told.
        self.left = self.left.max(LONGEST).saturating_add(bytes.len());
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Encrypted(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl AsyncTokioStream for Line {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.stream {
            Stream::Plain(stream) => stream.peer_addr(),
            Stream::Encrypted(stream) => stream.get_ref().0.peer_addr(),
        }
    }
}
