//! A simple HTTP client: one request, one connection, plain or by TLS. HTTP/1.0, so that answers end with the connection.

use crate::{Tls, Wire};
use contract::Event;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;

/// Somebody who asks one server.
#[derive(Clone, Debug)]
pub struct Http {
    address: SocketAddr,
    token: String,
    tls: Option<Tls>,
}

/// What the server said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'));
        fields
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Http {
    /// A client with this Bearer token; empty: without one.
    pub fn new(address: SocketAddr, token: &str) -> Self {
        Self {
            address,
            token: token.to_owned(),
            tls: None,
        }
    }

    /// Asks by HTTPS where servers are believed so.
    pub fn by(mut self, tls: Option<&Tls>) -> Self {
        self.tls = tls.cloned();
        self
    }

    /// Its Bearer token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Asks. `None` if the server cannot be reached or hangs up.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Answer> {
        self.ask_with(method, path, &[], body)
    }

    /// Asks with further headers.
    pub fn ask_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Option<Answer> {
        Self::answer(self.send(method, path, headers, body)?)
    }

    /// Puts a file of another kind than JSON. A server that has heard enough may answer before it has read all of it.
    pub fn put_file(&self, path: &str, content_type: &str, file: &[u8]) -> Option<Answer> {
        let mut stream = self.connect()?;
        let head = self.head("PUT", path, &[], content_type, file.len());
        stream.write_all(head.as_bytes()).ok()?;
        let _ = stream.write_all(file);
        Self::answer(stream)
    }

    /// Asks with whatever headers and octets, right or wrong, and whatever the target. The server may answer before it has read all of it;
    /// of an event stream the head is the answer.
    pub fn ask_as_it_is(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        let mut stream = self.connect()?;
        let mut head = self.head(method, target, headers, "", 0);
        if !body.is_empty() {
            head.truncate(head.len() - 2);
            head += &format!("Content-Length: {}\r\n\r\n", body.len());
        }
        stream.write_all(head.as_bytes()).ok()?;
        let _ = stream.write_all(body);
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        head.truncate(head.len() - 4);
        let mut answer = Answer {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head,
            body: Vec::new(),
        };
        if answer.header("content-type") != Some("text/event-stream") {
            // What was said before a connection was reset stands.
            let _ = stream.read_to_end(&mut answer.body);
        }
        Some(answer)
    }

    fn answer(mut stream: Wire) -> Option<Answer> {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).ok()?;
        let split = all.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&all[..split]).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer {
            status,
            head,
            body: all.split_off(split + 4),
        })
    }

    /// Asks a server that is there.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None)
            .unwrap_or_else(|| panic!("no answer to GET {path}"))
    }

    /// The user's events from now on.
    ///
    /// # Panics
    /// If the server does not answer.
    pub fn events(&self) -> Events {
        self.try_events().expect("the server opens the stream")
    }

    /// The user's events from now on, or `None` if the server refuses.
    pub fn try_events(&self) -> Option<Events> {
        let mut lines = BufReader::new(self.send("GET", "/api/v1/events", &[], None)?);
        let mut line = String::new();
        lines.read_line(&mut line).ok()?;
        line.contains(" 200 ").then_some(Events(lines))
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Option<Wire> {
        let mut stream = self.connect()?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = self.head(method, path, headers, "application/json", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
        Some(stream)
    }

    /// A connection on which nothing has been said.
    pub fn connect(&self) -> Option<Wire> {
        let stream = Wire::connect(self.address).ok()?;
        match &self.tls {
            None => Some(Wire::Plain(stream)),
            Some(tls) => tls.secure(stream, &self.address.ip().to_string()).ok(),
        }
    }

    /// The head of a request, with the empty line at its end.
    fn head(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        content_type: &str,
        length: usize,
    ) -> String {
        let mut head = format!("{method} {path} HTTP/1.0\r\nHost: {}\r\n", self.address);
        if !self.token.is_empty() {
            head += &format!("Authorization: Bearer {}\r\n", self.token);
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if length > 0 {
            head += &format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n");
        }
        head + "\r\n"
    }
}

/// A stream of server-sent events.
#[derive(Debug)]
pub struct Events(BufReader<Wire>);

impl Events {
    /// Waits for a comment line, the sign of life of an idle stream. False if an event or the end comes first.
    pub fn comment(&mut self) -> bool {
        loop {
            let mut line = String::new();
            match self.0.read_line(&mut line) {
                Ok(n) if n > 0 && line.starts_with(':') => return true,
                Ok(n) if n > 0 && line.trim().is_empty() => {}
                _ => return false,
            }
        }
    }
}

impl Iterator for Events {
    type Item = Event;

    /// The next event; ends with the connection, or when none came for so long that a test should not wait.
    fn next(&mut self) -> Option<Event> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(data) = line.strip_prefix("data:") {
                return serde_json::from_str(data.trim()).ok();
            }
        }
    }
}
