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

/// Most that is read of what is said to something: it is a few hundred bytes.
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
    /// Whether something was read since something was written: what is written next is a word of its own.
    is_answered: bool,
    /// Whether as much is read beside that as was written.
    is_returned: bool,
}

impl Line {
    const fn new(stream: Stream) -> Self {
        Self {
            stream,
            ahead: Vec::new(),
            left: LONGEST,
            is_answered: false,
            is_returned: false,
        }
    }

    pub(super) const fn plain(stream: TcpStream) -> Self {
        Self::new(Stream::Plain(stream))
    }

    pub(super) fn encrypted(stream: TlsStream<TcpStream>) -> Self {
        Self::new(Stream::Encrypted(Box::new(stream)))
    }

    /// The same to whoever may give back what it was given.
    pub(super) fn with_returns(self) -> Self {
        Self {
            is_returned: true,
            ..self
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
        self.is_answered = true;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Encrypted(stream) => Pin::new(stream).poll_write(cx, bytes),
        };
        let count = ready!(written)?;
        if std::mem::take(&mut self.is_answered) {
            self.left = LONGEST;
        }
        if self.is_returned {
            self.left = self.left.saturating_add(count);
        }
        Poll::Ready(Ok(count))
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    async fn pair() -> (Line, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap());
        let (ours, theirs) = tokio::join!(ours, listener.accept());
        (Line::plain(ours.unwrap()), theirs.unwrap().0)
    }

    /// How much is read until it is too much.
    async fn read(line: &mut Line) -> usize {
        let (mut all, mut piece) = (0, vec![0; 64 << 10]);
        loop {
            match line.read(&mut piece).await {
                Ok(0) => panic!("nothing was too much"),
                Ok(count) => all += count,
                Err(error) => {
                    assert!(error.to_string().contains("more than anybody has to"));
                    return all;
                }
            }
        }
    }

    #[tokio::test]
    async fn no_more_is_read_however_slowly_it_is_taken_what_was_written() {
        const WRITTEN: usize = 4 << 20;
        for (is_returned, most) in [(false, LONGEST), (true, LONGEST + WRITTEN)] {
            let (mut line, mut peer) = pair().await;
            line.is_returned = is_returned;
            let talking = tokio::spawn(async move {
                let mut piece = vec![0; 16 << 10];
                let mut left = WRITTEN;
                while left > 0 {
                    left -= peer.read(&mut piece).await.unwrap();
                }
                // Whoever stops listening is not talked to.
                while peer.write_all(&piece).await.is_ok() && left < 4 * WRITTEN {
                    left += piece.len();
                }
            });
            line.write_all(&vec![0; WRITTEN]).await.unwrap();
            let count = read(&mut line).await;
            assert!(count <= most, "{count} of {most}");
            drop(line);
            talking.await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_was_not_said_to_one_word_is_not_said_to_the_next() {
        let (mut line, mut peer) = pair().await;
        let (said, mut heard) = (vec![0; 32 << 10], vec![0; 32 << 10]);
        for _ in 0..64 {
            line.write_all(b"asked").await.unwrap();
            peer.write_all(&said).await.unwrap();
            line.read_exact(&mut heard).await.unwrap();
        }
        line.write_all(b"asked").await.unwrap();
        let talking = tokio::spawn(async move {
            for _ in 0..256 {
                if peer.write_all(&said).await.is_err() {
                    return;
                }
            }
        });
        let count = read(&mut line).await;
        assert!(count <= LONGEST, "{count}");
        drop(line);
        talking.await.unwrap();
    }
}
