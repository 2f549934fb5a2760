//! Connects, goes over to TLS where the partner is to prove who it is, and says EHLO.

use super::LinkContext;
use super::progress::AHEAD_MAX;
use crate::listen::Stream;
use crate::listen::tls::{self, TlsError, Trust};
use crate::smtp_client::{self, Conversation, RemoteReply, ReplyReader, SecureError};
use std::io;
use std::time::Duration;
use tokio::io::WriteHalf;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// For the connection, and for greeting and EHLO together.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection that is ready for mail.
pub struct Connected {
    pub replies: ReplyReader,
    pub write: WriteHalf<Stream>,
    pub mode: Mode,
    /// It goes by TLS, and the partner has proved who it is.
    pub secured: bool,
}

/// What the partner's service can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// PIPELINING, CHUNKING and BINARYMIME: everything goes in one stream.
    Pipeline,
    /// One command at a time, and the content in lines. A relay in between, perhaps.
    Lockstep,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The network says no, or nothing.
    #[error("no connection: {0}")]
    Network(#[from] io::Error),
    /// It does not answer.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Silent(#[from] tokio::time::error::Elapsed),
    /// It says no.
    #[error("refused with {0}")]
    Refused(u16),
    /// It is to prove by TLS who it is, and does not offer that.
    #[error("it does not offer STARTTLS: set smtp.starttls there")]
    NoTls,
    /// It does not prove who it is.
    #[error("{0}")]
    NotBelieved(String),
    /// This server cannot verify anybody.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl DialError {
    /// What is wrong with TLS, if that is what is wrong.
    pub fn of_tls(&self) -> Option<String> {
        let of_tls = matches!(self, Self::NoTls | Self::NotBelieved(_) | Self::Tls(_));
        of_tls.then(|| self.to_string())
    }
}

/// Connects, goes over to TLS if the partner is verified by it, and finds out what it can do.
pub async fn connect(context: &LinkContext) -> Result<Connected, DialError> {
    let stream = timeout(PATIENCE, open(&context.partner.smtp)).await??;
    let mut link = Conversation::over(Stream::Plain(stream));
    let greeted = async {
        expect(link.replies.next().await?, 220)?;
        hello(&mut link, &context.own).await
    };
    let mut offered = timeout(PATIENCE, greeted).await??;
    if let Some(trust) = context.partner.tls {
        if !offered.offers("STARTTLS") {
            return Err(DialError::NoTls);
        }
        let again = async {
            link = secure(link, context, trust).await?;
            // What was offered in plain may be anybody's word (RFC 3207 section 4.2).
            hello(&mut link, &context.own)
                .await
                .map(|offered| (link, offered))
        };
        (link, offered) = timeout(PATIENCE, again).await??;
    }
    Ok(Connected {
        replies: link.replies,
        write: link.write,
        mode: mode(&offered),
        secured: context.partner.tls.is_some(),
    })
}

async fn hello(link: &mut Conversation, own: &str) -> Result<RemoteReply, DialError> {
    expect(link.ask(&format!("EHLO {own}\r\n")).await?, 250)
}

async fn secure(
    link: Conversation,
    context: &LinkContext,
    trust: Trust,
) -> Result<Conversation, DialError> {
    let roots = context.roots.clone();
    let connector = tokio::task::spawn_blocking(move || tls::connector(trust, roots.as_deref()));
    let connector = connector.await.map_err(io::Error::other)??;
    let secured = link.secure(context.partner.fqdn.clone(), &connector).await;
    secured.map_err(|error| match error {
        SecureError::Network(error) => DialError::Network(error),
        SecureError::Refused(code) => DialError::Refused(code),
        SecureError::NotBelieved(why) => DialError::NotBelieved(why),
    })
}

/// Opens a connection to the first address that answers.
async fn open(address: &str) -> io::Result<TcpStream> {
    smtp_client::connect(lookup_host(address).await?, AHEAD_MAX).await
}

fn expect(reply: RemoteReply, code: u16) -> Result<RemoteReply, DialError> {
    if reply.code == code {
        Ok(reply)
    } else {
        Err(DialError::Refused(reply.code))
    }
}

fn mode(offered: &RemoteReply) -> Mode {
    let offers = |word: &str| offered.offers(word);
    if ["PIPELINING", "CHUNKING", "BINARYMIME"]
        .into_iter()
        .all(offers)
    {
        Mode::Pipeline
    } else {
        Mode::Lockstep
    }
}
