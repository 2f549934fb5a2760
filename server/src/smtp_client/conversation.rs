//! A connection on which a few words are changed, one after another.

use super::{RemoteReply, ReplyReader};
use crate::listen::Stream;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsConnector, rustls};

/// A connection to another mail server.
pub struct Conversation {
    /// What it says.
    pub replies: ReplyReader,
    /// What is said to it.
    pub write: WriteHalf<Stream>,
}

/// Why a connection is not secured.
#[derive(Debug, thiserror::Error)]
pub enum SecureError {
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Network(#[from] io::Error),
    /// It says no to STARTTLS.
    #[error("it refuses STARTTLS with {0}")]
    Refused(u16),
    /// It does not prove who it is, or does not speak TLS as it should.
    #[error("{0}")]
    NotBelieved(String),
}

impl Conversation {
    /// Over a connection on which nothing has been said.
    pub fn over(stream: Stream) -> Self {
        let (read, write) = tokio::io::split(stream);
        let replies = ReplyReader::new(read);
        Self { replies, write }
    }

    /// Says something, and reads one reply.
    ///
    /// # Errors
    /// What the network says, and what is no reply.
    pub async fn ask(&mut self, command: &str) -> io::Result<RemoteReply> {
        self.write.write_all(command.as_bytes()).await?;
        self.write.flush().await?;
        self.replies.next().await
    }

    /// Goes over to TLS by STARTTLS (RFC 3207). The other server proves that it is `name`, as `connector` wants it.
    ///
    /// # Errors
    /// [`SecureError`]. The connection is of no more use then.
    pub async fn secure(
        mut self,
        name: String,
        connector: &TlsConnector,
    ) -> Result<Self, SecureError> {
        let reply = self.ask("STARTTLS\r\n").await?;
        if reply.code != 220 {
            return Err(SecureError::Refused(reply.code));
        }
        let invalid = |what| SecureError::NotBelieved(format!("it {what}"));
        let read = self.replies.into_inner();
        // Somebody on the way could have put words behind the reply, to be taken for the other server's.
        let read = read.ok_or_else(|| invalid("said more than it was asked before TLS"))?;
        let Stream::Plain(stream) = read.unsplit(self.write) else {
            return Err(invalid("speaks TLS already"));
        };
        let name = ServerName::try_from(name)
            .map_err(|_| invalid("has a name that no certificate can have"))?;
        let secured = connector.connect(name, stream).await.map_err(judge)?;
        Ok(Self::over(Stream::Made(Box::new(secured))))
    }
}

/// A connection that breaks during the handshake is a matter of the network; what TLS itself says is not.
fn judge(error: io::Error) -> SecureError {
    match error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>())
    {
        Some(rustls::Error::General(why)) => SecureError::NotBelieved(why.clone()),
        Some(error) => SecureError::NotBelieved(error.to_string()),
        None => SecureError::Network(error),
    }
}

/// Connects to the first of these addresses that answers. The system takes at most `ahead` octets ahead of the network.
///
/// # Errors
/// What the last of them said; [`io::ErrorKind::NotFound`] if there is none.
pub async fn connect(
    addresses: impl IntoIterator<Item = SocketAddr>,
    ahead: u32,
) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        let socket = match address.is_ipv4() {
            true => TcpSocket::new_v4()?,
            false => TcpSocket::new_v6()?,
        };
        socket.set_send_buffer_size(ahead)?;
        match socket.connect(address).await {
            Ok(stream) => {
                // Without it the last piece of a mail waits for the acknowledgement of the one before.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}
