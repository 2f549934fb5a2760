//! Cuts a connection on which nothing moves, and one that does not begin.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// With so many octets a client has begun: a protocol is recognised by them. Before, they come within the first deadline, all together.
const BEGINNING: usize = 24;

/// A connection that ends with [`io::ErrorKind::TimedOut`] when nothing has been read or written for a while.
pub struct IdleLimit<S> {
    inner: S,
    limit: Duration,
    deadline: Instant,
    alarm: Pin<Box<Sleep>>,
    /// Octets that are missing at the beginning.
    missing: usize,
}

impl<S> IdleLimit<S> {
    /// The first octets come within `first`; from then on nothing stands still for longer than `limit`.
    pub fn new(inner: S, first: Duration, limit: Duration) -> Self {
        let deadline = Instant::now() + first;
        Self {
            inner,
            limit,
            deadline,
            alarm: Box::pin(sleep_until(deadline)),
            missing: BEGINNING,
        }
    }

    fn moved(&mut self) {
        self.deadline = Instant::now() + self.limit;
    }

    /// Whether it is over; if not, whoever polls is woken when it is.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let deadline = self.deadline;
        // An alarm that comes too early is set again when it comes: cheaper than with every octet. One that would come too late cannot wait.
        if self.alarm.deadline() > deadline {
            self.alarm.as_mut().reset(deadline);
        }
        loop {
            ready!(self.alarm.as_mut().poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.alarm.as_mut().reset(deadline);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for IdleLimit<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.inner).poll_read(context, buffer) {
            Poll::Pending => self.poll_over(context).map(Err),
            ready => {
                self.missing = self.missing.saturating_sub(buffer.filled().len() - before);
                if self.missing == 0 {
                    self.moved();
                }
                ready
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> IdleLimit<S> {
    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match polled {
            Poll::Pending => self.poll_over(context).map(Err),
            ready => {
                // Whoever is answered has begun, however short his question was.
                self.missing = 0;
                self.moved();
                ready
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for IdleLimit<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(context, octets);
        self.written(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.written(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    // Flushing and ending move nothing that counts: a server flushes when it has nothing to say.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.inner).poll_flush(context) {
            Poll::Pending => self.poll_over(context).map(Err),
            ready => ready,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.inner).poll_shutdown(context) {
            Poll::Pending => self.poll_over(context).map(Err),
            ready => ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const LONG: Duration = Duration::from_secs(3_600);
    /// As short as it may be: these tests wait until it is over.
    const SHORT: Duration = Duration::from_millis(20);

    async fn read(limited: &mut IdleLimit<tokio::io::DuplexStream>) -> io::Result<usize> {
        limited.read(&mut [0; 64]).await
    }

    #[tokio::test]
    async fn a_client_that_does_not_begin_is_cut_also_when_it_says_a_little() {
        let (mut client, server) = tokio::io::duplex(1_024);
        let mut limited = IdleLimit::new(server, SHORT, LONG);
        client.write_all(b"PRI").await.unwrap();
        assert_eq!(read(&mut limited).await.unwrap(), 3);
        let error = read(&mut limited).await.expect_err("it has not begun");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_has_begun_or_was_answered_is_cut_when_nothing_moves() {
        let (mut client, server) = tokio::io::duplex(1_024);
        let mut limited = IdleLimit::new(server, LONG, SHORT);
        client.write_all(&[b'x'; BEGINNING]).await.unwrap();
        assert_eq!(read(&mut limited).await.unwrap(), BEGINNING);
        assert!(read(&mut limited).await.is_err());

        let (_client, server) = tokio::io::duplex(1_024);
        let mut limited = IdleLimit::new(server, LONG, SHORT);
        limited.write_all(b"answer").await.unwrap();
        assert!(read(&mut limited).await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_cut() {
        let (_client, server) = tokio::io::duplex(8);
        let mut limited = IdleLimit::new(server, LONG, SHORT);
        let error = limited.write_all(&[0; 64]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
