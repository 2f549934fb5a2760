//! Connects, goes over to TLS where the partner is to prove who it is, and says EHLO.

use super::LinkContext;
use super::progress::AHEAD_MAX;
use super::replies::{PartnerReply, ReplyReader};
use crate::listen::Stream;
use crate::listen::tls::{self, TlsError, Trust};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::ServerName;

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
    // Without it the last piece of a mail waits for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    let mut link = Link::over(Stream::Plain(stream));
    let hello = async {
        expect(link.replies.next().await?, 220)?;
        link.hello(&context.own).await
    };
    let mut offered = timeout(PATIENCE, hello).await??;
    if let Some(trust) = context.partner.tls {
        if !offered
            .keywords()
            .any(|k| k.eq_ignore_ascii_case("STARTTLS"))
        {
            return Err(DialError::NoTls);
        }
        let again = async {
            link = link.secure(context, trust).await?;
            // What was offered in plain may be anybody's word (RFC 3207 section 4.2).
            link.hello(&context.own)
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

/// A connection on which a few words are changed, one after another.
struct Link {
    replies: ReplyReader,
    write: WriteHalf<Stream>,
}

impl Link {
    fn over(stream: Stream) -> Self {
        let (read, write) = tokio::io::split(stream);
        let replies = ReplyReader::new(read);
        Self { replies, write }
    }

    async fn ask(&mut self, command: &str, code: u16) -> Result<PartnerReply, DialError> {
        self.write.write_all(command.as_bytes()).await?;
        self.write.flush().await?;
        expect(self.replies.next().await?, code)
    }

    async fn hello(&mut self, own: &str) -> Result<PartnerReply, DialError> {
        self.ask(&format!("EHLO {own}\r\n"), 250).await
    }

    async fn secure(mut self, context: &LinkContext, trust: Trust) -> Result<Self, DialError> {
        self.ask("STARTTLS\r\n", 220).await?;
        let invalid = |what| DialError::NotBelieved(format!("it {what}"));
        let read = self.replies.into_inner();
        // Somebody on the way could have put words behind the reply, to be taken for the partner's.
        let read = read.ok_or_else(|| invalid("said more than it was asked before TLS"))?;
        let Stream::Plain(stream) = read.unsplit(self.write) else {
            return Err(invalid("speaks TLS already"));
        };
        let fqdn = context.partner.fqdn.clone();
        let name = ServerName::try_from(fqdn)
            .map_err(|_| invalid("has a name that no certificate can have"))?;
        let roots = context.roots.clone();
        let connector =
            tokio::task::spawn_blocking(move || tls::connector(trust, roots.as_deref()));
        let connector = connector.await.map_err(io::Error::other)??;
        let secured = connector.connect(name, stream).await.map_err(judge)?;
        Ok(Self::over(Stream::Made(Box::new(secured))))
    }
}

/// A connection that breaks during the handshake is a matter of the network; what TLS itself says is not.
fn judge(error: io::Error) -> DialError {
    match error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>())
    {
        Some(rustls::Error::General(why)) => DialError::NotBelieved(why.clone()),
        Some(error) => DialError::NotBelieved(error.to_string()),
        None => DialError::Network(error),
    }
}

/// Opens a connection to the first address that answers.
async fn open(address: &str) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host(address).await? {
        let socket = match address.is_ipv4() {
            true => TcpSocket::new_v4()?,
            false => TcpSocket::new_v6()?,
        };
        socket.set_send_buffer_size(AHEAD_MAX)?;
        match socket.connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn expect(reply: PartnerReply, code: u16) -> Result<PartnerReply, DialError> {
    if reply.code == code {
        Ok(reply)
    } else {
        Err(DialError::Refused(reply.code))
    }
}

fn mode(offered: &PartnerReply) -> Mode {
    let offers = |word: &str| offered.keywords().any(|k| k.eq_ignore_ascii_case(word));
    if ["PIPELINING", "CHUNKING", "BINARYMIME"]
        .into_iter()
        .all(offers)
    {
        Mode::Pipeline
    } else {
        Mode::Lockstep
    }
}
