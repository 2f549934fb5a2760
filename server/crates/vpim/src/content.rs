//! A message as a tree, and what its parts are: voice, fax, text, an enclosed message, a card, a report.

use compressed_sound::FileFormat;

use crate::data::Data;
use crate::envelope::{Container, Envelope, Fault, language, message_id};
use crate::fax::Fax;
use crate::label;
use crate::limits::{
    Allowance, ENCODED_TEXT_LEN_MAX, IDENTIFIER_LEN_MAX, SUBJECT_CHARS_MAX, shown_own,
};
use crate::mime::field::{self, Field};
use crate::mime::word;
use crate::part_fields::{content_type, file_name};
use crate::report::{DeliveryReport, DispositionReport};
use crate::text::Text;
use crate::vcard::VCard;
use crate::voice::Voice;

/// One message, read.
///
/// Nested multiparts are flattened: [`parts`](Message::parts) holds the leaves in the order in which they stand. Two
/// messages are equal when they say the same, however they were encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// What the header says, in types.
    pub envelope: Envelope,
    /// How the parts belong together.
    pub container: Container,
    /// The header as it came, in order, without what is only of the transport (`Return-Path`, `Bcc`) or made anew when
    /// the message is written (`MIME-Version`, content type and encoding). The `Content-*` fields of a single part are with
    /// that part.
    pub fields: Vec<Field<'a>>,
    /// The leaves of the MIME tree, at most [`PARTS_MAX`](crate::PARTS_MAX) with those of enclosed messages.
    pub parts: Vec<Part<'a>>,
    /// What made the reader stop or doubt. Always `None` in enclosed messages: the fault is with the whole.
    pub fault: Option<Fault>,
}

/// One leaf of the MIME tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<'a> {
    /// The header of the part, without what depends on how it was encoded for the way here.
    pub fields: Vec<Field<'a>>,
    /// What it is.
    pub content: Content<'a>,
}

/// What a part is, with its bytes decoded from the transfer encoding.
#[derive(Clone, Debug, PartialEq)]
pub enum Content<'a> {
    /// `audio/*` that can be decoded; a WAV or `.au` file under any other label that says nothing else.
    Voice(Voice<'a>),
    /// `image/tiff`.
    Fax(Fax<'a>),
    /// `text/*`, as far as it is for people: a calendar (RFC 5545) is not.
    Text(Text<'a>),
    /// `message/rfc822`: a forwarded message, or in a report the original.
    Forwarded(Box<Message<'a>>),
    /// `text/directory`, `text/vcard`.
    VCard(VCard<'a>),
    /// `message/delivery-status` (RFC 3464), `message/global-delivery-status` (RFC 6533).
    DeliveryReport(DeliveryReport<'a>),
    /// `message/disposition-notification` (RFC 8098), `message/global-disposition-notification` (RFC 6533).
    DispositionReport(DispositionReport<'a>),
    /// The file that the recording before it was decoded from ([`transcode`](crate::transcode())). It is kept, and is no attachment.
    Original {
        /// Type and subtype, lower case.
        content_type: String,
        /// The decoded bytes.
        bytes: Data<'a>,
    },
    /// Anything else; also `audio/*` that cannot be decoded, which [`remarks`](crate::remarks) tells of.
    Other {
        /// Type and subtype, lower case.
        content_type: String,
        /// The decoded bytes.
        bytes: Data<'a>,
    },
}

impl Message<'_> {
    /// The value of the first field of that name in the header of the message.
    pub fn field(&self, name: &str) -> Option<String> {
        field::find(&self.fields, name).map(|value| value.into_owned())
    }

    /// The same message, holding its own memory.
    pub fn into_owned(self) -> Message<'static> {
        Message {
            envelope: self.envelope,
            container: self.container,
            fields: self.fields.into_iter().map(Field::into_owned).collect(),
            parts: self.parts.into_iter().map(Part::into_owned).collect(),
            fault: self.fault,
        }
    }
}

impl<'a> Part<'a> {
    /// A part of our own making.
    pub(crate) fn made(fields: Vec<Field<'a>>, data: Data<'a>) -> Part<'a> {
        Part::classify(fields, data, false, &mut Allowance::whole())
    }

    /// Finds out what a leaf is. `data` is decoded; `opaque` says that the transfer encoding was unknown.
    pub(crate) fn classify(
        fields: Vec<Field<'a>>,
        data: Data<'a>,
        opaque: bool,
        allowance: &mut Allowance,
    ) -> Part<'a> {
        let content_type = content_type(&fields);
        let (kind, subtype) = content_type
            .value
            .split_once('/')
            .unwrap_or((&content_type.value, ""));
        if kind != "audio"
            && !opaque
            && let Some(codec) = label::codec_of_file(&content_type, &fields, &data)
        {
            let content = Content::Voice(Voice::read(codec, &fields, data));
            return Part { fields, content };
        }
        let content = match (kind, subtype) {
            ("audio", _) => match label::codec(&content_type, &fields, &data, opaque) {
                Ok(codec) => Content::Voice(Voice::read(codec, &fields, data)),
                Err(_) => Content::Other {
                    content_type: content_type.value,
                    bytes: data,
                },
            },
            _ if opaque => Content::Other {
                content_type: content_type.value,
                bytes: data,
            },
            ("image", "tiff" | "tiff-fx") => Content::Fax(Fax { data }),
            ("text", "directory" | "vcard" | "x-vcard") => {
                Content::VCard(VCard::read(&content_type, data))
            }
            // An invitation is for a calendar, beside whatever text says what it is about.
            ("text", "rfc822-headers" | "calendar") => Content::Other {
                content_type: content_type.value,
                bytes: data,
            },
            ("text", _) if label::compressed(&content_type, &fields, &data).is_some() => {
                Content::Other {
                    content_type: content_type.value,
                    bytes: data,
                }
            }
            ("text", subtype) => Content::Text(Text::read(subtype, &content_type, data)),
            // RFC 6533 is RFC 3464 with addresses of all letters.
            ("message", "delivery-status" | "global-delivery-status") => {
                Content::DeliveryReport(DeliveryReport::read(data, allowance))
            }
            ("message", "disposition-notification" | "global-disposition-notification") => {
                Content::DispositionReport(DispositionReport::read(data))
            }
            _ => Content::Other {
                content_type: content_type.value,
                bytes: data,
            },
        };
        Part { fields, content }
    }

    /// Whether its label says that it is sound.
    pub(crate) fn is_labelled_sound(&self) -> bool {
        content_type(&self.fields).value.starts_with("audio/")
    }

    /// What is announced as sound here and cannot be decoded, for a sentence.
    pub(crate) fn unplayable(&self) -> Option<String> {
        let Content::Other { bytes, .. } = &self.content else {
            return None;
        };
        let content_type = content_type(&self.fields);
        let is_sound = content_type.value.starts_with("audio/");
        let opaque = field::find(&self.fields, "content-transfer-encoding").is_some();
        let codec = is_sound.then(|| label::codec(&content_type, &self.fields, bytes, opaque));
        codec.and_then(Result::err)
    }

    /// What kind of compressed sound it is that [`transcode`](crate::transcode()) may make a recording of.
    pub(crate) fn compressed(&self) -> Option<FileFormat> {
        let Content::Other { bytes, .. } = &self.content else {
            return None;
        };
        let opaque = field::find(&self.fields, "content-transfer-encoding").is_some();
        let content_type = content_type(&self.fields);
        label::compressed(&content_type, &self.fields, bytes).filter(|_| !opaque)
    }

    /// `Content-Description`, decoded and cut to [`SUBJECT_CHARS_MAX`].
    pub fn description(&self) -> Option<String> {
        let value = field::find_within(&self.fields, "content-description", ENCODED_TEXT_LEN_MAX)?;
        Some(shown_own(word::decode(&value), SUBJECT_CHARS_MAX))
    }

    /// `Content-Language`, the first one.
    pub fn language(&self) -> Option<String> {
        field::find_within(&self.fields, "content-language", IDENTIFIER_LEN_MAX)
            .and_then(|value| language(&value))
    }

    /// `Content-ID` without angle brackets.
    pub fn content_id(&self) -> Option<String> {
        field::find(&self.fields, "content-id").and_then(|value| message_id(&value))
    }

    /// The file name that the sender proposes, stripped of any path and cut to
    /// [`FILE_NAME_CHARS_MAX`](crate::limits::FILE_NAME_CHARS_MAX), with its ending.
    pub fn filename(&self) -> Option<String> {
        file_name(&self.fields)
    }

    /// The recording, if the part is one.
    pub fn voice(&self) -> Option<&Voice<'a>> {
        match &self.content {
            Content::Voice(voice) => Some(voice),
            _ => None,
        }
    }

    /// The same part, holding its own memory.
    pub fn into_owned(self) -> Part<'static> {
        Part {
            fields: self.fields.into_iter().map(Field::into_owned).collect(),
            content: self.content.into_owned(),
        }
    }
}

impl<'a> Content<'a> {
    /// The decoded bytes; `None` of an enclosed message, which is a tree.
    pub fn data(&self) -> Option<&[u8]> {
        match self {
            Content::Voice(voice) => Some(&voice.data),
            Content::Fax(fax) => Some(&fax.data),
            Content::Text(text) => Some(&text.data),
            Content::VCard(card) => Some(&card.data),
            Content::DeliveryReport(report) => Some(&report.data),
            Content::DispositionReport(report) => Some(&report.data),
            Content::Original { bytes, .. } | Content::Other { bytes, .. } => Some(bytes),
            Content::Forwarded(_) => None,
        }
    }

    fn into_owned(self) -> Content<'static> {
        match self {
            Content::Voice(voice) => Content::Voice(Voice {
                data: voice.data.into_owned(),
                ..voice
            }),
            Content::Fax(fax) => Content::Fax(Fax {
                data: fax.data.into_owned(),
            }),
            Content::Text(text) => Content::Text(Text {
                data: text.data.into_owned(),
                ..text
            }),
            Content::Forwarded(message) => Content::Forwarded(Box::new(message.into_owned())),
            Content::VCard(card) => Content::VCard(VCard {
                data: card.data.into_owned(),
                ..card
            }),
            Content::DeliveryReport(report) => Content::DeliveryReport(report.into_owned()),
            Content::DispositionReport(report) => Content::DispositionReport(report.into_owned()),
            Content::Original {
                content_type,
                bytes,
            } => Content::Original {
                content_type,
                bytes: bytes.into_owned(),
            },
            Content::Other {
                content_type,
                bytes,
            } => Content::Other {
                content_type,
                bytes: bytes.into_owned(),
            },
        }
    }
}
