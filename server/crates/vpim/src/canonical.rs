//! Writing a tree as a mail again: the form in which messages are kept, and the form in which they leave.

use std::borrow::Cow;

use memchr::memmem;

use crate::content::Message;
use crate::content::{Content, Part};
use crate::envelope::Container;
use crate::mime::field::{self, Field};
use crate::mime::{parameter, transfer};

/// How the bytes of recordings and faxes are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transfer {
    /// For every peer: base64, and 7bit where the text allows it.
    #[default]
    Base64,
    /// For peers with BINARYMIME, and for the store: the bytes themselves.
    Binary,
}

/// The form in which an accepted message is kept.
///
/// A mail with CRLF line ends and binary parts, made in one pass over the decoded parts. The same tree always gives the
/// same bytes, on every server. Its boundaries occur nowhere inside, and [`parse`](crate::parse()) gives an equal tree, then
/// without copying a recording.
pub fn canonical(message: &Message<'_>) -> Vec<u8> {
    encode(message, Transfer::Binary, 0)
}

/// Writes a message as a mail. `seed` goes into the boundaries; any value is safe, because boundaries that occur in the
/// message are passed over.
pub fn encode(message: &Message<'_>, transfer: Transfer, seed: u64) -> Vec<u8> {
    let mut writer = Writer {
        out: Vec::with_capacity(room(message, transfer)),
        transfer,
        boundaries: Boundaries::new(message, seed),
    };
    writer.message(message);
    writer.out
}

/// Enough bytes for almost every message.
fn room(message: &Message<'_>, transfer: Transfer) -> usize {
    let parts = message.parts.iter().map(|part| match &part.content {
        Content::Forwarded(inner) => room(inner, transfer),
        content => content.data().map_or(0, <[u8]>::len) + 512,
    });
    let fields = message
        .fields
        .iter()
        .map(|field| field.name().len() + field.bytes().len() + 8);
    let plain: usize = parts.sum::<usize>() + fields.sum::<usize>() + 512;
    match transfer {
        Transfer::Binary => plain,
        Transfer::Base64 => plain + plain / 2,
    }
}

struct Writer {
    out: Vec<u8>,
    transfer: Transfer,
    boundaries: Boundaries,
}

impl Writer {
    fn message(&mut self, message: &Message<'_>) {
        for field in &message.fields {
            field::write(field, &mut self.out);
        }
        let content_type = match &message.container {
            Container::Single => return self.single(message),
            Container::VoiceMessage => "multipart/voice-message; version=2.0".to_string(),
            Container::Report(kind) => format!(
                "multipart/report; {}",
                parameter::write("report-type", kind)
            ),
            Container::Multipart(subtype) => format!("multipart/{subtype}"),
        };
        self.mime_version(message);
        let boundary = self.boundaries.next();
        self.field(
            "Content-Type",
            format!(
                "{content_type}; {}",
                parameter::write("boundary", &boundary)
            ),
        );
        self.field("Content-Transfer-Encoding", self.container_encoding());
        self.out.extend_from_slice(b"\r\n");
        for part in &message.parts {
            self.text(&["--", &boundary, "\r\n"]);
            self.part(part);
            self.out.extend_from_slice(b"\r\n");
        }
        self.text(&["--", &boundary, "--\r\n"]);
    }

    fn single(&mut self, message: &Message<'_>) {
        self.mime_version(message);
        match message.parts.first() {
            Some(part) => self.part(part),
            None => self.out.extend_from_slice(b"\r\n"),
        }
    }

    /// RFC 3801 section 4.2.13 wants the comment; it is for people, no reader may rely on it. It goes by the labels, so that what is kept
    /// stays the same when more of it can be decoded.
    fn mime_version(&mut self, message: &Message<'_>) {
        let voice = message.parts.iter().any(Part::is_labelled_sound);
        self.field(
            "MIME-Version",
            if voice { "1.0 (Voice 2.0)" } else { "1.0" },
        );
    }

    /// Header, empty line and body of a part, without a line break at the end.
    fn part(&mut self, part: &Part<'_>) {
        for field in &part.fields {
            field::write(field, &mut self.out);
        }
        let opaque = field::find(&part.fields, "content-transfer-encoding").is_some();
        match &part.content {
            Content::Forwarded(inner) => {
                self.field("Content-Transfer-Encoding", self.container_encoding());
                self.out.extend_from_slice(b"\r\n");
                self.message(inner);
            }
            // An encoding that was not known is named in the fields, and its bytes stay as they came.
            content if opaque => self.body(content, None),
            content => {
                let encoding = self.encoding(content);
                self.field("Content-Transfer-Encoding", encoding);
                self.body(content, Some(encoding));
            }
        }
    }

    fn body(&mut self, content: &Content<'_>, encoding: Option<&str>) {
        let data = content.data().unwrap_or_default();
        self.out.extend_from_slice(b"\r\n");
        match encoding {
            Some("base64") => transfer::write_base64(data, &mut self.out),
            _ => self.out.extend_from_slice(data),
        }
    }

    fn encoding(&self, content: &Content<'_>) -> &'static str {
        let textual = match content {
            Content::Voice(_) | Content::Fax(_) => false,
            Content::Original { content_type, .. } | Content::Other { content_type, .. } => {
                !content_type.starts_with("audio/")
            }
            _ => true,
        };
        match self.transfer {
            Transfer::Binary => "binary",
            // RFC 3801 section 4.4.1: audio and fax never travel as 7bit, whatever their bytes happen to be.
            Transfer::Base64
                if textual && transfer::is_seven_bit(content.data().unwrap_or_default()) =>
            {
                "7bit"
            }
            Transfer::Base64 => "base64",
        }
    }

    fn container_encoding(&self) -> &'static str {
        match self.transfer {
            Transfer::Binary => "binary",
            Transfer::Base64 => "7bit",
        }
    }

    fn field(&mut self, name: &str, value: impl Into<Cow<'static, str>>) {
        field::write(&Field::new(name, value.into()), &mut self.out);
    }

    fn text(&mut self, pieces: &[&str]) {
        for piece in pieces {
            self.out.extend_from_slice(piece.as_bytes());
        }
    }
}

/// Gives out boundaries that occur nowhere in the message.
///
/// All begin alike and end in a number. One search for the beginning finds every number that is taken; a sender who filled a
/// message with guesses would gain nothing but higher numbers.
struct Boundaries {
    prefix: String,
    /// Numbers that occur in the message, sorted.
    taken: Vec<u64>,
    next: u64,
}

/// Hexadecimal digits of the number.
const DIGITS: usize = 8;

impl Boundaries {
    fn new(message: &Message<'_>, seed: u64) -> Boundaries {
        let prefix = format!("=_callpilot_{seed:016x}_");
        let finder = memmem::Finder::new(prefix.as_bytes());
        let mut taken = Vec::new();
        search(message, &finder, &mut taken);
        taken.sort_unstable();
        Boundaries {
            prefix,
            taken,
            next: 0,
        }
    }

    fn next(&mut self) -> String {
        while self.taken.binary_search(&self.next).is_ok() {
            self.next += 1;
        }
        let boundary = format!("{}{:0DIGITS$x}", self.prefix, self.next);
        self.next += 1;
        boundary
    }
}

fn search(message: &Message<'_>, finder: &memmem::Finder<'_>, taken: &mut Vec<u64>) {
    for part in &message.parts {
        if let Content::Forwarded(inner) = &part.content {
            search(inner, finder, taken);
        }
        let data = part.content.data().unwrap_or_default();
        taken.extend(finder.find_iter(data).filter_map(|at| {
            let digits = data.get(at + finder.needle().len()..)?.get(..DIGITS)?;
            u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        }));
    }
}
