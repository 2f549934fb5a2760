//! AUTH (RFC 4954) by the mechanism PLAIN (RFC 4616), which tells name and password: so it goes by TLS only.

use super::{BAD_ARGUMENT, BAD_SEQUENCE, Reply, SYNTAX, Session, Stage, Status, Step, line};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::BytesMut;
use std::fmt;
use zeroize::Zeroizing;

/// Octets of a name or a password; what is longer is nobody's.
const TEXT_MAX: usize = 256;

const ENCRYPTION_REQUIRED: Status = Status(5, 7, 11);

/// Who a client says it is, and how it proves it. Its `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name of a peer, or a mailbox number.
    pub name: String,
    /// The password.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn auth(&mut self, rest: &str) -> Step {
        if let Some(refusal) = self.stranger() {
            return refusal;
        }
        if !self.offers_auth {
            let text = "Go over to TLS first: a password is not sent in plain";
            return self.refused(Reply::new(538, ENCRYPTION_REQUIRED, text));
        }
        if self.signed_in {
            return self.refused(Reply::new(503, BAD_SEQUENCE, "You are signed in"));
        }
        if self.transaction.is_some() {
            let text = "Not in the middle of a mail; RSET forgets it";
            return self.refused(Reply::new(503, BAD_SEQUENCE, text));
        }
        let (mechanism, response) = match rest.split_once(' ') {
            Some((mechanism, response)) => (mechanism, Some(response.trim())),
            None => (rest, None),
        };
        if !mechanism.eq_ignore_ascii_case("PLAIN") {
            return self.refused(Reply::new(
                504,
                BAD_ARGUMENT,
                "Only AUTH PLAIN is known here",
            ));
        }
        match response {
            Some(response) => self.credentials(response),
            None => {
                self.stage = Stage::Response;
                Step::Reply(Reply::plain(334, ""))
            }
        }
    }

    /// The line after 334; `None`: it has not come whole.
    pub(super) fn response(&mut self, input: &mut BytesMut) -> Option<Step> {
        let taken = line::take(input);
        if taken == line::Taken::Partial {
            return None;
        }
        self.stage = Stage::Command;
        Some(match taken {
            line::Taken::Line(line) if line[..] == *b"*" => {
                self.refused(Reply::new(501, Status(5, 7, 0), "Given up, as you wish"))
            }
            line::Taken::Line(line) => match std::str::from_utf8(&line) {
                Ok(response) => self.credentials(response),
                Err(_) => self.malformed(),
            },
            line::Taken::TooLong => {
                self.stage = Stage::LongLine;
                return self.step_on(input);
            }
            line::Taken::Malformed(why) => self.refused(Reply::new(500, SYNTAX, why)),
            line::Taken::Partial => return None,
        })
    }

    fn credentials(&mut self, response: &str) -> Step {
        let Some(credentials) = parse(response) else {
            return self.malformed();
        };
        self.stage = Stage::SigningIn(credentials.clone());
        Step::SignIn(credentials)
    }

    fn malformed(&mut self) -> Step {
        let text = "Expected base64 of NUL, name, NUL, password";
        self.refused(Reply::new(501, BAD_ARGUMENT, text))
    }

    /// The answer to a [`Step::SignIn`]. Returns the reply to send.
    pub fn signed_in(&mut self, verdict: Result<(), Reply>) -> Reply {
        self.stage = Stage::Command;
        self.signed_in = verdict.is_ok();
        let reply = match verdict {
            Ok(()) => Reply::new(235, Status(2, 7, 0), "Signed in"),
            Err(refusal) => refusal,
        };
        self.count(&reply);
        reply
    }
}

/// RFC 4616: `[authzid] NUL authcid NUL passwd`. Nobody acts for somebody else here.
fn parse(response: &str) -> Option<Credentials> {
    let octets = Zeroizing::new(BASE64_STANDARD.decode(response).ok()?);
    let text = std::str::from_utf8(&octets).ok()?;
    let mut parts = text.split('\0');
    let (acts_for, name, password) = (parts.next()?, parts.next()?, parts.next()?);
    let sound = |text: &str| !text.is_empty() && text.len() <= TEXT_MAX;
    let whole = parts.next().is_none() && (acts_for.is_empty() || acts_for == name);
    (whole && sound(name) && sound(password)).then(|| Credentials {
        name: name.to_owned(),
        password: Zeroizing::new(password.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_a_name_and_a_password_and_shows_no_password() {
        let of = |text: &str| parse(&BASE64_STANDARD.encode(text));
        let good = of("\0west\0cloudy-harbour").unwrap();
        assert_eq!(
            (good.name.as_str(), good.password.as_str()),
            ("west", "cloudy-harbour")
        );
        assert!(!format!("{good:?}").contains("cloudy"));
        assert_eq!(of("west\0west\0cloudy-harbour").as_ref(), Some(&good));
        for wrong in [
            "",
            "\0west",
            "\0west\0",
            "\0\0x",
            "east\0west\0x",
            "\0west\0x\0y",
        ] {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
        assert_eq!(of(&format!("\0west\0{}", "x".repeat(300))), None);
        assert!(parse("=").is_none() && parse("%%").is_none() && parse("/w==").is_none());
    }
}
