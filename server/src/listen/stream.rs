//! One connection's octets, plain or by TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// A connection, whichever side began it.
pub enum Stream {
    /// As it comes.
    Plain(TcpStream),
    /// Accepted by TLS.
    Accepted(Box<tokio_rustls::server::TlsStream<TcpStream>>),
    /// Made by TLS.
    Made(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

macro_rules! each {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Stream::Plain(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Stream::Accepted(stream) => {
                let $stream = Pin::new(stream.as_mut());
                $call
            }
            Stream::Made(stream) => {
                let $stream = Pin::new(stream.as_mut());
                $call
            }
        }
    };
}

impl Stream {
    /// Seals what comes next. `None` if the client does not agree: it has been told, as far as TLS tells.
    pub async fn accept(acceptor: &TlsAcceptor, stream: TcpStream) -> Option<Self> {
        match acceptor.accept(stream).await {
            Ok(stream) => Some(Self::Accepted(Box::new(stream))),
            Err(error) => {
                metrics::counter!("callpilot_tls_failed_total").increment(1);
                tracing::debug!(%error, "a client did not complete the beginning of TLS");
                None
            }
        }
    }

    /// Whether what goes over it is sealed.
    pub fn is_secured(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write(context, octets))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Accepted(stream) => stream.is_write_vectored(),
            Self::Made(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_shutdown(context))
    }
}
