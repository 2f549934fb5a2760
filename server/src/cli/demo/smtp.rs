//! Posting the demo's messages: a plain SMTP client, like the voice-mail systems that a CallPilot server hears from.

use crate::cli::Failure;
use crate::listen::Stream;
use crate::listen::tls::{self, Trust};
use demo::{Half, Post};
use std::io;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

/// Hands over the messages for the mailboxes of one server.
pub async fn deliver(half: &Half, posts: &[Post]) -> Result<(), Failure> {
    let fqdn = half.fqdn;
    let fault = |e: io::Error| Failure::new(format!("{fqdn} did not take the messages: {e}"));
    let mut client = Client::connect(half).await.map_err(fault)?;
    for post in posts.iter().filter(|post| post.home == fqdn) {
        client.send(post).await.map_err(fault)?;
    }
    client.command("QUIT", 221).await.map_err(fault)
}

struct Client {
    stream: BufReader<Stream>,
}

impl Client {
    async fn connect(half: &Half) -> io::Result<Self> {
        let stream = TcpStream::connect(half.smtps.unwrap_or(half.smtp)).await?;
        stream.set_nodelay(true)?;
        let stream = match half.smtps {
            None => Stream::Plain(stream),
            Some(_) => secure(half, stream).await?,
        };
        let mut client = Self {
            stream: BufReader::new(stream),
        };
        client.reply(220).await?;
        client.command("EHLO demo.example.net", 250).await?;
        Ok(client)
    }

    async fn send(&mut self, post: &Post) -> io::Result<()> {
        self.command(&format!("MAIL FROM:<{}>", post.return_path), 250)
            .await?;
        self.command(&format!("RCPT TO:<{}>", post.recipient), 250)
            .await?;
        self.command("DATA", 354).await?;
        let mut content = stuffed(&post.mail);
        content.extend_from_slice(b".\r\n");
        self.stream.write_all(&content).await?;
        self.stream.flush().await?;
        self.reply(250).await
    }

    async fn command(&mut self, line: &str, expected: u16) -> io::Result<()> {
        self.stream
            .write_all(format!("{line}\r\n").as_bytes())
            .await?;
        self.stream.flush().await?;
        self.reply(expected).await
    }

    /// Reads a reply, which may have several lines (RFC 5321 section 4.2.1).
    async fn reply(&mut self, expected: u16) -> io::Result<()> {
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            return match line.get(..3).and_then(|code| code.parse::<u16>().ok()) {
                Some(code) if code == expected => Ok(()),
                _ => Err(io::Error::other(line.trim().to_owned())),
            };
        }
    }
}

/// The server shows its name, for which the demo's authority vouches.
async fn secure(half: &Half, stream: TcpStream) -> io::Result<Stream> {
    let connector = tls::connector(Trust::ByName, Some(&half.roots())).map_err(io::Error::other)?;
    let name = ServerName::try_from(half.fqdn).map_err(io::Error::other)?;
    let secured = connector.connect(name, stream).await?;
    Ok(Stream::Made(Box::new(secured)))
}

/// A line that begins with a dot gets another one (RFC 5321 section 4.5.2), and the last line its end.
fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len() + 16);
    for line in mail.split_inclusive(|&b| b == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::stuffed;

    #[test]
    fn lines_that_begin_with_a_dot_get_another() {
        assert_eq!(stuffed(b".a\r\nb.\r\n.\r\n"), b"..a\r\nb.\r\n..\r\n");
        assert_eq!(stuffed(b"a"), b"a\r\n");
    }
}
