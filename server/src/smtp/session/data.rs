//! DATA: lines up to a line with a single dot (RFC 5321 sections 4.1.1.4 and 4.5.2).
//!
//! Only CR LF . CR LF ends the content. LF . LF, CR . CR and their mixtures, with which a message could hide another one from
//! this server or the next, do not; and content with a bare CR or LF is refused (RFC 5321 section 2.3.8 forbids to send it).

use super::{
    BAD_SEQUENCE, BodyKind, Reply, SYNTAX, Session, Stage, Status, Step, TOO_BIG, content,
};
use bytes::BytesMut;

/// How much of a message that is too big is thrown away before its client is: as a multiple of the allowed size.
const OVER_FACTOR: usize = 4;

/// Takes the content off the stream, removes the added dots, and stops at the end.
#[derive(Debug)]
pub struct DataReader {
    content: BytesMut,
    size_max: usize,
    line_start: bool,
    bare: bool,
    /// Octets beyond `size_max`, thrown away.
    over: usize,
}

/// How the content ended.
#[derive(Debug)]
pub enum DataEnd {
    /// Whole.
    Content(BytesMut),
    /// It held a bare CR or LF.
    Bare,
    /// It was longer than allowed.
    TooBig,
    /// It was far longer than allowed and has not even ended.
    Endless,
}

impl DataReader {
    /// A reader that keeps `size_max` octets.
    pub fn new(size_max: usize) -> Self {
        Self {
            content: BytesMut::new(),
            size_max,
            line_start: true,
            bare: false,
            over: 0,
        }
    }

    /// Octets that are taken so far.
    pub fn kept(&self) -> usize {
        self.content.capacity()
    }

    /// Goes on with what has arrived. `None`: more is needed.
    pub fn read(&mut self, input: &mut BytesMut) -> Option<DataEnd> {
        loop {
            if self.over > OVER_FACTOR * self.size_max {
                return Some(DataEnd::Endless);
            }
            if self.line_start && input.first() == Some(&b'.') {
                if input.starts_with(b".\r\n") {
                    let _ = input.split_to(3);
                    return Some(self.end());
                }
                if b".\r\n".starts_with(input) {
                    return None;
                }
                // Section 4.5.2: the first dot of a line that is not the end was added by the sender.
                let _ = input.split_to(1);
                self.line_start = false;
            }
            match memchr::memchr(b'\n', input) {
                Some(lf) => {
                    let ended = lf > 0 && input[lf - 1] == b'\r';
                    let text = if ended { lf - 1 } else { lf };
                    self.bare |= !ended || memchr::memchr(b'\r', &input[..text]).is_some();
                    self.keep(input, lf + 1);
                    self.line_start = ended;
                }
                None => {
                    // A CR at the end stays: its LF may be on the way.
                    let whole = input.len() - usize::from(input.last() == Some(&b'\r'));
                    if whole > 0 {
                        self.bare |= memchr::memchr(b'\r', &input[..whole]).is_some();
                        self.keep(input, whole);
                        self.line_start = false;
                    }
                    return None;
                }
            }
        }
    }

    fn keep(&mut self, input: &mut BytesMut, n: usize) {
        let bytes = input.split_to(n);
        if self.over > 0 || self.content.len() + n > self.size_max {
            self.over += n;
            self.content = BytesMut::new();
        } else {
            content::append(&mut self.content, &bytes);
        }
    }

    fn end(&mut self) -> DataEnd {
        if self.over > 0 {
            DataEnd::TooBig
        } else if self.bare {
            DataEnd::Bare
        } else {
            DataEnd::Content(std::mem::take(&mut self.content))
        }
    }
}

impl Session {
    pub(super) fn data(&mut self, rest: &str) -> Step {
        if !rest.is_empty() {
            return self.refused(Reply::new(501, SYNTAX, "DATA takes no argument"));
        }
        let Some(transaction) = self.transaction.as_ref().filter(|t| t.chunks.is_none()) else {
            return self.refused(Reply::new(503, BAD_SEQUENCE, "MAIL first"));
        };
        if transaction.recipients.is_empty() {
            return self.refused(Reply::new(503, BAD_SEQUENCE, "No recipient was taken"));
        }
        if transaction.body == BodyKind::Binary {
            return self.refused(Reply::new(
                503,
                BAD_SEQUENCE,
                "BODY=BINARYMIME goes by BDAT (RFC 3030)",
            ));
        }
        self.stage = Stage::Data(DataReader::new(self.size_max()));
        Step::Reply(Reply::plain(354, "End with a line that holds a single dot"))
    }

    pub(super) fn data_ended(&mut self, end: DataEnd) -> Step {
        self.stage = Stage::Command;
        let refusal = match end {
            DataEnd::Content(content) => return self.complete(content),
            DataEnd::Bare => Reply::new(
                554,
                SYNTAX,
                "Bare CR or LF in the content: lines end with CR LF",
            ),
            DataEnd::TooBig => Reply::new(552, TOO_BIG, "The message is too big"),
            DataEnd::Endless => {
                return self.closing(Reply::new(
                    552,
                    Status(5, 3, 4),
                    "The message is far too big; closing",
                ));
            }
        };
        self.transaction = None;
        self.refused(refusal)
    }
}
