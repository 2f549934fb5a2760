//! RSET, VRFY, HELP, STARTTLS, QUIT, and verbs that are not ours.

use super::{BAD_SEQUENCE, OK, Reply, SYNTAX, Session, Status, Step};

impl Session {
    pub(super) fn rset(&mut self, rest: &str) -> Step {
        if !rest.is_empty() {
            return self.refused(Reply::new(501, SYNTAX, "RSET takes no argument"));
        }
        self.transaction = None;
        Step::Reply(Reply::new(250, OK, "Forgotten"))
    }

    /// Says nothing about who has a mailbox here (RFC 5321 section 7.3).
    pub(super) fn vrfy(&mut self, rest: &str) -> Step {
        if rest.is_empty() {
            return self.refused(Reply::new(501, SYNTAX, "Expected VRFY address"));
        }
        Step::Reply(Reply::new(
            252,
            Status(2, 1, 5),
            "Not verified; send the mail and see",
        ))
    }

    /// RFC 3207 section 4.
    pub(super) fn start_tls(&mut self, rest: &str) -> Step {
        if !self.offers_tls {
            return self.refused(Reply::new(502, BAD_SEQUENCE, "Not offered here"));
        }
        if !rest.is_empty() {
            return self.refused(Reply::new(501, SYNTAX, "STARTTLS takes no argument"));
        }
        Step::StartTls(Reply::new(220, OK, "Go on by TLS"))
    }

    pub(super) fn quit(&mut self, rest: &str) -> Step {
        if !rest.is_empty() {
            return self.refused(Reply::new(501, SYNTAX, "QUIT takes no argument"));
        }
        self.closing(Reply::new(221, OK, "Good-bye"))
    }

    pub(super) fn unknown(&mut self, verb: &str) -> Step {
        match verb {
            // A web browser was tricked into talking to this port; nothing it says next is meant as mail.
            "GET" | "POST" | "PUT" | "HEAD" | "OPTIONS" | "CONNECT" => {
                self.closing(Reply::new(521, Status(5, 7, 0), "This is not a web server"))
            }
            "EXPN" | "TURN" | "ETRN" => {
                self.refused(Reply::new(502, BAD_SEQUENCE, "Not offered here"))
            }
            _ => self.refused(Reply::new(500, BAD_SEQUENCE, "No such command")),
        }
    }
}

pub(super) fn help() -> Step {
    let text = "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY QUIT (RFC 5321, RFC 3030)";
    Step::Reply(Reply::new(214, OK, text))
}
