//! Connects and says EHLO.

use super::LinkContext;
use super::progress::AHEAD_MAX;
use super::replies::{Reply, ReplyReader};
use std::io;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

/// For the connection, and for greeting and EHLO together.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection that is ready for mail.
pub struct Connected {
    pub replies: ReplyReader,
    pub write: OwnedWriteHalf,
    pub mode: Mode,
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
}

pub async fn connect(context: &LinkContext) -> Result<Connected, DialError> {
    let stream = timeout(PATIENCE, open(&context.partner.smtp)).await??;
    // Without it the last piece of a mail waits for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.into_split();
    let mut replies = ReplyReader::new(read);
    let hello = async {
        expect(replies.next().await?, 220)?;
        write
            .write_all(format!("EHLO {}\r\n", context.own).as_bytes())
            .await?;
        expect(replies.next().await?, 250)
    };
    let offered = timeout(PATIENCE, hello).await??;
    let mode = mode(&offered);
    Ok(Connected {
        replies,
        write,
        mode,
    })
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

fn expect(reply: Reply, code: u16) -> Result<Reply, DialError> {
    if reply.code == code {
        Ok(reply)
    } else {
        Err(DialError::Refused(reply.code))
    }
}

fn mode(offered: &Reply) -> Mode {
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
