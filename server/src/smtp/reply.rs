//! SMTP replies: code, enhanced status code (RFC 2034, RFC 3463) and text.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Class, subject and detail of RFC 3463.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u8, pub u16, pub u16);

/// One reply; of several lines if it has several texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The three-digit code.
    pub code: u16,
    /// The enhanced status code. None in greetings and 3xx replies, which have no class in RFC 3463.
    pub status: Option<Status>,
    /// Its lines, at least one; without CR and LF.
    pub lines: Vec<Cow<'static, str>>,
}

impl Reply {
    /// A reply with an enhanced status code.
    pub fn new(code: u16, status: Status, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            status: Some(status),
            lines: vec![text.into()],
        }
    }

    /// A reply without an enhanced status code.
    pub fn plain(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            status: None,
            lines: vec![text.into()],
        }
    }

    /// 4xx or 5xx.
    pub fn is_refusal(&self) -> bool {
        self.code >= 400
    }

    /// Appends the reply as it goes over the wire.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let mut text = String::with_capacity(64);
        let last = self.lines.len().saturating_sub(1);
        for (i, line) in self.lines.iter().enumerate() {
            let mark = if i == last { ' ' } else { '-' };
            let _ = write!(text, "{}{mark}", self.code);
            if let Some(Status(class, subject, detail)) = self.status {
                let _ = write!(text, "{class}.{subject}.{detail} ");
            }
            // What goes into a reply may come from the peer; a line break in it would forge a second reply.
            text.extend(line.chars().filter(|c| !c.is_control()));
            text.push_str("\r\n");
        }
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.write_to(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_line_of_a_reply_has_the_code_and_the_status() {
        let mut reply = Reply::new(250, Status(2, 0, 0), "one");
        reply.lines.push("two".into());
        assert_eq!(wire(&reply), "250-2.0.0 one\r\n250 2.0.0 two\r\n");
        assert_eq!(wire(&Reply::plain(354, "Go on")), "354 Go on\r\n");
    }

    #[test]
    fn a_line_break_in_a_text_cannot_forge_a_second_reply() {
        let reply = Reply::plain(550, "no such\r\n250 fine");
        assert_eq!(wire(&reply), "550 no such250 fine\r\n");
    }
}
