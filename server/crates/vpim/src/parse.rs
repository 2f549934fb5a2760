//! From the bytes of a mail to the tree.

use crate::alternative;
use crate::content::Message;
use crate::content::{Content, Part};
use crate::envelope::{Container, Envelope, Fault};
use crate::limits::{
    Allowance, DEPTH_MAX, ENCODED_DEPTH_MAX, HEADER_LEN_MAX, LABEL_CHARS_MAX, MEDIA_TYPE_CHARS_MAX,
};
use crate::mime::field::{self, Field};
use crate::mime::multipart;
use crate::mime::parameter::Structured;
use crate::mime::transfer::Encoding;
use crate::part_fields::content_type;
use crate::{raw_text, transcode};

/// Reads a mail as it came over SMTP, dots unstuffed.
///
/// Never fails: what cannot be made out is left out, and what must not be trusted is told in [`Message::fault`], which
/// [`judge`](crate::judge) turns into a refusal. Recordings and faxes sent as 8bit or binary are borrowed from `raw`. What it may
/// take is in [`crate::limits`].
pub fn parse(raw: &[u8]) -> Message<'_> {
    read(raw, Origin::Sender)
}

/// Reads what was accepted before, in the form that [`canonical`](crate::canonical()) gave it.
///
/// Like [`parse`], but what was accepted once is never lost: the canonical form of a mail is a little longer than the mail, and a
/// mail may be older than a limit. So a header may be twice as long, and fields beyond the limit are passed over.
pub fn parse_kept(raw: &[u8]) -> Message<'_> {
    read(raw, Origin::Store)
}

fn read(raw: &[u8], origin: Origin) -> Message<'_> {
    let mut reader = Reader {
        origin,
        allowance: match origin {
            Origin::Sender => Allowance::whole(),
            Origin::Store => Allowance::of_kept(),
        },
        encoded_depth: 0,
        fault: None,
    };
    let mut message = reader.message(raw, 0);
    message.fault = reader.fault;
    message
}

/// Where the bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// From outside: nothing is known of them.
    Sender,
    /// From the store: they were accepted.
    Store,
}

struct Reader {
    origin: Origin,
    allowance: Allowance,
    /// Enclosed messages around the present one that were encoded.
    encoded_depth: usize,
    /// The first fault; once there is one, nothing more is read.
    fault: Option<Fault>,
}

/// A part on its way into the tree.
struct Entity<'a> {
    fields: Vec<Field<'a>>,
    content_type: Structured,
    body: &'a [u8],
    depth: usize,
}

impl Reader {
    fn message<'a>(&mut self, raw: &'a [u8], depth: usize) -> Message<'a> {
        let (fields, body) = self.header(without_blank_lines(raw));
        let parties = self.allowance.parties;
        let mut envelope = Envelope::read(&fields, &mut self.allowance);
        let parties = parties - self.allowance.parties;
        let content_type = content_type(&fields);
        let mut container = container(&content_type);
        let (content_fields, mut fields): (Vec<_>, Vec<_>) = fields
            .into_iter()
            .filter(|field| !is_dropped(field))
            .partition(Field::is_content);
        let mut parts = Vec::new();
        if container == Container::Single {
            self.entity(
                Entity {
                    fields: content_fields,
                    content_type,
                    body,
                    depth,
                },
                &mut parts,
            );
        } else {
            let kept = |field: &Field<'_>| {
                !field.is("content-type") && !field.is("content-transfer-encoding")
            };
            fields.extend(content_fields.into_iter().filter(kept));
            let are_forms = self.entity(
                Entity {
                    fields: Vec::new(),
                    content_type,
                    body,
                    depth,
                },
                &mut parts,
            );
            // What was chosen is no choice any more; written as one, it would be chosen from again.
            if !are_forms && container == Container::Multipart("alternative".to_string()) {
                container = Container::Multipart("mixed".to_string());
            }
        }
        // The best form had several recordings: without the multipart that they stood in they would read as alternatives.
        if self.origin == Origin::Sender
            && container == Container::Multipart("alternative".to_string())
            && alternative::several(&parts)
        {
            container = Container::Multipart("mixed".to_string());
        }
        transcode::find_originals(&mut parts);
        if raw_text::read_beside(&mut fields, &mut parts) {
            envelope = Envelope {
                language: envelope.language,
                ..Envelope::read(&fields, &mut Allowance::of_parties(parties))
            };
        }
        Message {
            envelope,
            container,
            fields,
            parts,
            fault: None,
        }
    }

    fn header<'a>(&mut self, raw: &'a [u8]) -> (Vec<Field<'a>>, &'a [u8]) {
        let room = field::HeaderRoom {
            len: match self.origin {
                Origin::Sender => HEADER_LEN_MAX,
                Origin::Store => 2 * HEADER_LEN_MAX,
            },
            fields: self.allowance.fields,
        };
        let mut fields = Vec::with_capacity(room.fields.min(FIELDS_USUAL));
        let fault = match field::block(raw, room, &mut fields) {
            Ok(end) if end.left_out == 0 || self.origin == Origin::Store => {
                self.allowance.fields = room.fields.saturating_sub(fields.len());
                return (fields, &raw[end.body..]);
            }
            Ok(_) => Fault::TooManyFields,
            Err(field::TooLong) => Fault::HeaderTooLong,
        };
        self.fault = self.fault.or(Some(fault));
        (Vec::new(), &[])
    }

    /// Reads a part and all that is in it. Whether its parts, if it is a `multipart/alternative`, still are forms of one thing.
    fn entity<'a>(&mut self, entity: Entity<'a>, parts: &mut Vec<Part<'a>>) -> bool {
        // A part of which a recording was made stands one deeper than it came.
        let depth_max = match self.origin {
            Origin::Sender => DEPTH_MAX,
            Origin::Store => DEPTH_MAX + 1,
        };
        let limit = match (self.allowance.parts, entity.depth) {
            (0, _) => Some(Fault::TooManyParts),
            (_, depth) if depth > depth_max => Some(Fault::TooDeep),
            _ => None,
        };
        self.fault = self.fault.or(limit);
        if self.fault.is_some() {
            return true;
        }
        self.allowance.parts -= 1;
        match entity.content_type.value.as_str() {
            multipart if multipart.starts_with("multipart/") => {
                return self.multipart(entity, parts);
            }
            "message/rfc822" | "message/global" => parts.push(self.enclosed(entity)),
            _ => parts.push(self.leaf(entity)),
        }
        true
    }

    fn multipart<'a>(&mut self, entity: Entity<'a>, parts: &mut Vec<Part<'a>>) -> bool {
        let boundary = entity
            .content_type
            .parameter("boundary")
            .unwrap_or_default();
        if !multipart::is_usable(&boundary) {
            self.fault = self.fault.or(Some(Fault::NoBoundary));
            return true;
        }
        // By the name that it is kept under: with what cannot stand in one it is another.
        let is = |subtype: &str| matches!(container(&entity.content_type), Container::Multipart(name) if name == subtype);
        let (is_digest, is_alternative) = (is("digest"), is("alternative"));
        // One more than is allowed: then the part that is too many is seen.
        let cut = multipart::split(entity.body, &boundary, self.allowance.parts + 1);
        let mut forms = Vec::new();
        for range in cut.ranges {
            if self.fault.is_some() {
                return true;
            }
            let (mut fields, body) = self.header(&entity.body[range]);
            // RFC 2046 section 5.1.5. Written down, because the digest itself does not stay in the tree.
            if is_digest && field::find(&fields, "content-type").is_none() {
                fields.push(Field::new("Content-Type", "message/rfc822"));
            }
            fields.retain(|field| !is_dropped(field));
            let content_type = content_type(&fields);
            let before = parts.len();
            self.entity(
                Entity {
                    fields,
                    content_type,
                    body,
                    depth: entity.depth + 1,
                },
                parts,
            );
            forms.push(before..parts.len());
        }
        // Inside a whole message an inner multipart may lack its end: the outer boundary ends it (RFC 2046 section 5.1.2).
        if !cut.closed && entity.depth == 0 {
            self.fault = self.fault.or(Some(Fault::Truncated));
        }
        // Recordings that were accepted before are kept as they were announced to their reader.
        let of_sounds = self.origin == Origin::Sender;
        !is_alternative || alternative::keep_one(parts, &forms, of_sounds)
    }

    fn enclosed<'a>(&mut self, entity: Entity<'a>) -> Part<'a> {
        let encoding = encoding(&entity.fields);
        let message = match encoding {
            Encoding::Identity | Encoding::Unknown => self.message(entity.body, entity.depth + 1),
            // Not allowed (RFC 2046 section 5.2.1), and done by some all the same.
            _ if self.encoded_depth == ENCODED_DEPTH_MAX => {
                self.fault = self.fault.or(Some(Fault::TooDeep));
                self.message(&[], entity.depth + 1)
            }
            _ => {
                self.encoded_depth += 1;
                let decoded = encoding.decode(entity.body);
                let message = self.message(&decoded, entity.depth + 1).into_owned();
                self.encoded_depth -= 1;
                message
            }
        };
        Part {
            fields: without_encoding(entity.fields),
            content: Content::Forwarded(Box::new(message)),
        }
    }

    fn leaf<'a>(&mut self, entity: Entity<'a>) -> Part<'a> {
        let encoding = encoding(&entity.fields);
        let opaque = encoding == Encoding::Unknown;
        // What cannot be decoded keeps the name of its encoding, so that it can be kept and passed on.
        let fields = if opaque {
            entity.fields
        } else {
            without_encoding(entity.fields)
        };
        let data = encoding.decode(entity.body).into();
        Part::classify(fields, data, opaque, &mut self.allowance)
    }
}

/// Fields of a usual header, for which there is room from the beginning.
const FIELDS_USUAL: usize = 16;

fn encoding(fields: &[Field<'_>]) -> Encoding {
    // The name stands in front; a long comment behind it says nothing.
    let value = field::find_within(fields, "content-transfer-encoding", 4 * LABEL_CHARS_MAX);
    Encoding::read(value.as_deref())
}

fn without_encoding(mut fields: Vec<Field<'_>>) -> Vec<Field<'_>> {
    fields.retain(|field| !field.is("content-transfer-encoding"));
    fields
}

fn container(content_type: &Structured) -> Container {
    let Some(subtype) = content_type.value.strip_prefix("multipart/") else {
        return Container::Single;
    };
    match token(subtype).as_str() {
        "voice-message" => Container::VoiceMessage,
        "report" => {
            let kind = content_type.parameter("report-type").unwrap_or_default();
            Container::Report(token(&kind))
        }
        subtype => Container::Multipart(subtype.to_string()),
    }
}

/// Only what may stand in a type name, so that it can be written again.
fn token(text: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || "-_.+".contains(*c);
    text.chars()
        .filter(allowed)
        .take(MEDIA_TYPE_CHARS_MAX / 2)
        .collect::<String>()
        .to_ascii_lowercase()
}

/// Fields that are of one journey only (RFC 5321 section 4.4 for Return-Path), or that become untrue when the body is
/// encoded anew.
fn is_dropped(field: &Field<'_>) -> bool {
    [
        "return-path",
        "bcc",
        "mime-version",
        "content-length",
        "content-md5",
    ]
    .iter()
    .any(|name| field.is(name))
}

fn without_blank_lines(mut raw: &[u8]) -> &[u8] {
    while let Some(rest) = raw
        .strip_prefix(b"\r\n")
        .or_else(|| raw.strip_prefix(b"\n"))
    {
        raw = rest;
    }
    raw
}
