//! A simple SMTP client that says what it is told, right or wrong.

use crate::{Tls, Wire};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

/// A connection.
#[derive(Debug)]
pub struct Smtp(BufReader<Wire>);

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its code; 0 if the connection was closed instead.
    pub code: u16,
    /// Its text, all lines.
    pub text: String,
}

impl Reply {
    /// The enhanced status code, if the text begins with one.
    pub fn status(&self) -> Option<&str> {
        let first = self.text.split(' ').next()?;
        let numbers = first
            .split('.')
            .all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        (numbers && first.matches('.').count() == 2).then_some(first)
    }
}

impl Smtp {
    /// Connects and reads the greeting.
    pub fn connect(address: SocketAddr) -> Self {
        let mut smtp = Self::open(address);
        assert_eq!(smtp.reply().code, 220);
        smtp
    }

    /// Connects to a server that may be gone at any moment, and says EHLO.
    pub fn try_hello(address: SocketAddr) -> Option<Self> {
        let stream = Wire::connect(address).ok()?;
        let mut smtp = Self(BufReader::new(Wire::Plain(stream)));
        let greeted = smtp.reply().code == 220 && smtp.ask("EHLO client.example\r\n").code == 250;
        greeted.then_some(smtp)
    }

    /// Connects and reads nothing.
    pub fn open(address: SocketAddr) -> Self {
        let stream = Wire::connect(address).expect("the server listens");
        Self(BufReader::new(Wire::Plain(stream)))
    }

    /// Talks over a connection that is there.
    pub fn over(stream: TcpStream) -> Self {
        Self(BufReader::new(Wire::Plain(stream)))
    }

    /// Connects to a listener that begins with TLS.
    pub fn open_by(tls: &Tls, address: SocketAddr, name: &str) -> Self {
        let stream = Wire::connect(address).expect("the server listens");
        let wire = tls.secure(stream, name).expect("a server that is believed");
        Self(BufReader::new(wire))
    }

    /// Goes over to TLS, after the server has agreed to STARTTLS.
    pub fn secure(self, tls: &Tls, name: &str) -> Self {
        assert!(self.0.buffer().is_empty(), "the server said more");
        let Wire::Plain(stream) = self.0.into_inner() else {
            panic!("it goes by TLS already");
        };
        let wire = tls.secure(stream, name).expect("a server that is believed");
        Self(BufReader::new(wire))
    }

    /// Connects and says EHLO.
    pub fn hello(address: SocketAddr) -> Self {
        let mut smtp = Self::connect(address);
        assert_eq!(smtp.ask("EHLO client.example\r\n").code, 250);
        smtp
    }

    /// Says something. Whether the server still listens shows when its reply is read.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let wire = self.0.get_mut();
        let _ = wire.write_all(bytes.as_ref()).and_then(|()| wire.flush());
    }

    /// The next reply.
    pub fn reply(&mut self) -> Reply {
        let mut texts = Vec::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap_or(0) == 0 {
                return Reply {
                    code: 0,
                    text: String::new(),
                };
            }
            let line = line.trim_end();
            texts.push(line.get(4..).unwrap_or_default().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Reply {
                    code: line.get(..3).and_then(|c| c.parse().ok()).unwrap_or(0),
                    text: texts.join("\n"),
                };
            }
        }
    }

    /// Says something and reads one reply.
    pub fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Reply {
        self.say(bytes);
        self.reply()
    }

    /// The codes of the next replies.
    pub fn codes<const N: usize>(&mut self) -> [u16; N] {
        std::array::from_fn(|_| self.reply().code)
    }

    /// Sends one mail by BDAT in one piece and returns the last reply that is not 250, or the last one.
    pub fn mail(&mut self, from: &str, to: &[&str], content: &[u8]) -> Reply {
        self.say(transaction(from, to, content));
        let replies: Vec<Reply> = (0..to.len() + 2).map(|_| self.reply()).collect();
        let refused = replies.iter().find(|r| r.code != 250).cloned();
        refused.unwrap_or_else(|| replies.last().cloned().expect("at least two replies"))
    }

    /// A second handle on the connection, to say things while replies are read by the first one.
    pub fn second(&self) -> Self {
        let shared = self.0.get_ref().plain().try_clone();
        let shared = shared.expect("a socket can be shared");
        Self(BufReader::new(Wire::Plain(shared)))
    }

    /// Nothing more will be said; what was asked is still answered.
    pub fn finish(&mut self) {
        self.0.get_mut().finish();
    }
}

/// A whole mail as one piece of a pipeline.
pub fn transaction(from: &str, to: &[&str], content: &[u8]) -> Vec<u8> {
    let mut out = format!("MAIL FROM:<{from}> BODY=BINARYMIME\r\n").into_bytes();
    for to in to {
        out.extend_from_slice(format!("RCPT TO:<{to}>\r\n").as_bytes());
    }
    out.extend_from_slice(format!("BDAT {} LAST\r\n", content.len()).as_bytes());
    out.extend_from_slice(content);
    out
}
