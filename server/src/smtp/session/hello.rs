//! HELO and EHLO (RFC 5321 section 4.1.1.1).

use super::{BAD_SEQUENCE, Reply, SYNTAX, Session, Step};

/// Who the client says it is.
#[derive(Debug)]
pub struct Client {
    pub name: String,
    pub esmtp: bool,
}

impl Session {
    pub(super) fn ehlo(&mut self, name: &str) -> Step {
        if let Some(refusal) = self.greet(name, true) {
            return refusal;
        }
        let mut reply = Reply::plain(250, self.host.clone());
        reply.lines.extend([
            "PIPELINING".into(),
            format!("SIZE {}", self.limits.message_size_max).into(),
            "8BITMIME".into(),
            "BINARYMIME".into(),
            "CHUNKING".into(),
            "ENHANCEDSTATUSCODES".into(),
        ]);
        if self.offers_auth {
            reply.lines.push("AUTH PLAIN".into());
        }
        if self.offers_tls {
            reply.lines.push("STARTTLS".into());
        }
        Step::Reply(reply)
    }

    pub(super) fn helo(&mut self, name: &str) -> Step {
        match self.greet(name, false) {
            Some(refusal) => refusal,
            None => Step::Reply(Reply::plain(250, self.host.clone())),
        }
    }

    /// Takes the client's name; a mail that was begun is forgotten.
    fn greet(&mut self, name: &str, esmtp: bool) -> Option<Step> {
        if name.is_empty() || name.contains(' ') {
            return Some(self.refused(Reply::new(501, SYNTAX, "Say your host name")));
        }
        self.transaction = None;
        self.client = Some(Client {
            name: name.to_owned(),
            esmtp,
        });
        None
    }

    /// The refusal to a client that has not said who it is.
    pub(super) fn stranger(&mut self) -> Option<Step> {
        if self.client.is_some() {
            return None;
        }
        Some(self.refused(Reply::new(503, BAD_SEQUENCE, "Say EHLO first")))
    }
}
