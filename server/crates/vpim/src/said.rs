//! What a mail says, apart from how it came: the same octets for the same mail, whatever way it took.
//!
//! [`canonical`](crate::canonical()) is what is kept, and of several forms of a text that is one; here is all of it. Left out is what the way
//! adds or changes: the fields of the transport, the transfer encoding, the folding of lines, the boundaries.

use crate::limits::{
    DEPTH_MAX, ENCODED_DEPTH_MAX, FIELDS_MAX, HEADER_LEN_MAX, LABEL_CHARS_MAX, PARTS_MAX,
    STRUCTURED_LEN_MAX,
};
use crate::mime::field::{self, Field};
use crate::mime::multipart;
use crate::mime::parameter::Structured;
use crate::mime::transfer::Encoding;
use crate::part_fields::content_type;

/// Gives all that a mail says to `take`, piece by piece, for a digest. Two mails that differ in anything that is not of their way give
/// different octets.
///
/// Where a mail says no `Date`, what its way has added belongs to it: nothing else may tell two of them apart. Holds a header and a decoded
/// part at a time, and what is around it when that was encoded.
pub fn said(raw: &[u8], take: &mut dyn FnMut(&[u8])) {
    let mut walk = Walk {
        take,
        parts: PARTS_MAX,
        fields: FIELDS_MAX,
        encoded_depth: 0,
    };
    walk.entity(raw, 0, Place::Message);
}

/// Fields of a usual header, for which there is room from the beginning.
const FIELDS_USUAL: usize = 16;

/// Where a header stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In front of a message.
    Message,
    /// In front of a part.
    Part,
    /// In front of a part of a digest, which is a message if it says nothing else (RFC 2046 section 5.1.5).
    Digest,
}

struct Walk<'t> {
    take: &'t mut dyn FnMut(&[u8]),
    /// Parts and fields that are read as such; what is beyond counts as it came.
    parts: usize,
    fields: usize,
    /// Enclosed messages around the present one that were encoded.
    encoded_depth: usize,
}

impl Walk<'_> {
    fn entity(&mut self, raw: &[u8], depth: usize, place: Place) {
        let mut fields = Vec::with_capacity(FIELDS_USUAL);
        let room = field::HeaderRoom {
            len: HEADER_LEN_MAX,
            fields: self.fields,
        };
        let end = match field::block(raw, room, &mut fields) {
            Ok(end) if end.left_out == 0 && depth <= DEPTH_MAX && self.parts > 0 => end.body,
            _ => return self.octets(b'?', raw),
        };
        self.parts -= 1;
        self.fields = self.fields.saturating_sub(fields.len());
        let body = &raw[end..];
        let mut content_type = content_type(&fields);
        if place == Place::Digest && field::find(&fields, "content-type").is_none() {
            content_type = Structured::read("message/rfc822");
        }
        let value = field::find_within(&fields, "content-transfer-encoding", 4 * LABEL_CHARS_MAX);
        let encoding = Encoding::read(value.as_deref());
        drop(value);
        let boundary = content_type.parameter("boundary").unwrap_or_default();
        let is_multipart =
            content_type.value.starts_with("multipart/") && multipart::is_usable(&boundary);
        self.header(&fields, place, is_multipart);
        drop(fields);
        match content_type.value.as_str() {
            _ if is_multipart => {
                let place = if content_type.value == "multipart/digest" {
                    Place::Digest
                } else {
                    Place::Part
                };
                self.multipart(body, &boundary, depth, place);
            }
            "message/rfc822" | "message/global" => self.enclosed(body, encoding, depth),
            _ if encoding == Encoding::Unknown => self.octets(b'?', body),
            kind => {
                let data = encoding.decode(body);
                let is_text = kind.starts_with("text/") || kind.starts_with("message/");
                self.octets(
                    b'L',
                    if is_text {
                        without_last_lines(&data)
                    } else {
                        &data
                    },
                );
            }
        }
    }

    fn header(&mut self, fields: &[Field<'_>], place: Place, is_multipart: bool) {
        let is_dated = place != Place::Message || fields.iter().any(|field| field.is("date"));
        (self.take)(b"{");
        let is_left_out =
            |field: &Field<'_>| is_of_the_form(field) || is_dated && is_of_the_way(field.name());
        for field in fields.iter().filter(|field| !is_left_out(field)) {
            self.lower_case(field.name());
            (self.take)(b":");
            if is_multipart && field.is("content-type") && field.bytes().len() <= STRUCTURED_LEN_MAX
            {
                self.without_boundary(field);
            } else {
                self.words(field.bytes());
            }
            (self.take)(b"\n");
        }
        (self.take)(b"}");
    }

    fn lower_case(&mut self, name: &str) {
        for piece in name.as_bytes().chunks(64) {
            let mut lower = [0; 64];
            let lower = &mut lower[..piece.len()];
            lower.copy_from_slice(piece);
            lower.make_ascii_lowercase();
            (self.take)(lower);
        }
    }

    /// The value of a field, which has no line end, with one blank for all white space between words.
    fn words(&mut self, value: &[u8]) {
        let words = value.split(u8::is_ascii_whitespace);
        for word in words.filter(|word| !word.is_empty()) {
            (self.take)(word);
            (self.take)(b" ");
        }
    }

    fn without_boundary(&mut self, content_type: &Field<'_>) {
        for piece in Structured::pieces(&content_type.value()) {
            let name = piece.split(['=', '*']).next().unwrap_or_default();
            if !name.trim().eq_ignore_ascii_case("boundary") {
                self.words(piece.as_bytes());
                (self.take)(b";");
            }
        }
    }

    fn multipart(&mut self, body: &[u8], boundary: &str, depth: usize, place: Place) {
        let cut = multipart::split(body, boundary, self.parts + 1);
        let (Some(first), Some(last)) = (cut.ranges.first(), cut.ranges.last()) else {
            return self.octets(b'?', body);
        };
        // What stands before the first and behind the last boundary line.
        let before = body[..first.start].trim_ascii_end();
        let before = before
            .strip_suffix(boundary.trim_ascii_end().as_bytes())
            .unwrap_or(before);
        let behind = body[last.end..].trim_ascii_start();
        let line = memchr::memchr(b'\n', behind).map_or(behind.len(), |end| end + 1);
        self.octets(b'<', before.trim_ascii());
        for range in cut.ranges {
            self.entity(&body[range], depth + 1, place);
        }
        self.octets(b'>', behind[line..].trim_ascii());
    }

    fn enclosed(&mut self, body: &[u8], encoding: Encoding, depth: usize) {
        match encoding {
            Encoding::Identity | Encoding::Unknown => self.entity(body, depth + 1, Place::Message),
            _ if self.encoded_depth == ENCODED_DEPTH_MAX => self.octets(b'?', body),
            _ => {
                self.encoded_depth += 1;
                self.entity(&encoding.decode(body), depth + 1, Place::Message);
                self.encoded_depth -= 1;
            }
        }
    }

    fn octets(&mut self, kind: u8, octets: &[u8]) {
        (self.take)(&[kind]);
        (self.take)(&(octets.len() as u64).to_be_bytes());
        (self.take)(octets);
    }
}

/// Without the line ends at the end: some ways add one or take one away.
fn without_last_lines(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    &text[..end.map_or(0, |at| at + 1)]
}

/// Fields that tell how the octets are written, not what they say.
fn is_of_the_form(field: &Field<'_>) -> bool {
    const NAMES: [&str; 5] = [
        "mime-version",
        "content-transfer-encoding",
        "content-length",
        "content-md5",
        "lines",
    ];
    NAMES.iter().any(|name| field.is(name))
}

/// Fields that the systems on the way add (RFC 5321 section 4.4, RFC 8601, RFC 6376, RFC 8617, and those of filters in use).
fn is_of_the_way(name: &str) -> bool {
    const NAMES: [&str; 20] = [
        "received",
        "return-path",
        "delivered-to",
        "x-delivered-to",
        "x-original-to",
        "envelope-to",
        "x-envelope-to",
        "x-envelope-from",
        "delivery-date",
        "received-spf",
        "authentication-results",
        "dkim-signature",
        "domainkey-signature",
        "x-received",
        "x-google-dkim-signature",
        "x-gm-message-state",
        "x-google-smtp-source",
        "x-mime-autoconverted",
        "x-originalarrivaltime",
        "x-virus-status",
    ];
    const FRONTS: [&str; 13] = [
        "arc-",
        "x-spam",
        "x-virus-",
        "x-ms-exchange-",
        "x-forefront-",
        "x-microsoft-antispam",
        "x-amavis-",
        "x-rspamd-",
        "x-mailscanner",
        "x-proofpoint-",
        "x-barracuda-",
        "x-mimecast-",
        "x-ironport-",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
        || FRONTS.iter().any(|front| {
            name.get(..front.len())
                .is_some_and(|its| its.eq_ignore_ascii_case(front))
        })
}
