//! What the parts of a message are: voice, fax, text, an enclosed message, a card, a report.

use std::borrow::Cow;

use crate::audio::g726::{Mixing, NibbleOrder};
use crate::audio::{self, g711, g726, wav};
use crate::message::{Message, language};
use crate::mime::field::{self, Field};
use crate::mime::parameter::Structured;
use crate::mime::word;
use crate::report::{DeliveryReport, DispositionReport};

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
    /// `audio/*`.
    Voice(Voice<'a>),
    /// `image/tiff`.
    Fax(Fax<'a>),
    /// `text/*`, as far as it is for people.
    Text(Text<'a>),
    /// `message/rfc822`: a forwarded message, or in a report the original.
    Forwarded(Box<Message<'a>>),
    /// `text/directory`, `text/vcard`.
    VCard(VCard<'a>),
    /// `message/delivery-status` (RFC 3464).
    DeliveryReport(DeliveryReport<'a>),
    /// `message/disposition-notification` (RFC 8098).
    DispositionReport(DispositionReport<'a>),
    /// Anything else.
    Other {
        /// Type and subtype, lower case.
        content_type: String,
        /// The decoded bytes.
        bytes: Data<'a>,
    },
}

/// The bytes of a part, borrowed from the mail where they stood in it as they are. Reads like a slice; in a log only their
/// number shows, because what people say to each other is nobody's business.
#[derive(Clone, PartialEq, Eq)]
pub struct Data<'a>(Cow<'a, [u8]>);

impl<'a> Data<'a> {
    /// Whether the bytes are borrowed from the mail, rather than decoded into own memory.
    pub fn is_borrowed(&self) -> bool {
        matches!(self.0, Cow::Borrowed(_))
    }

    /// The bytes, copied only if they are borrowed.
    pub fn into_vec(self) -> Vec<u8> {
        self.0.into_owned()
    }

    /// The same bytes in own memory.
    pub fn into_owned(self) -> Data<'static> {
        Data(Cow::Owned(self.0.into_owned()))
    }
}

impl<'a, T: Into<Cow<'a, [u8]>>> From<T> for Data<'a> {
    fn from(bytes: T) -> Data<'a> {
        Data(bytes.into())
    }
}

impl std::ops::Deref for Data<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// A recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice<'a> {
    /// What it is for.
    pub purpose: Purpose,
    /// How it is encoded.
    pub codec: Codec,
    /// The encoded audio.
    pub data: Data<'a>,
    /// `Content-Duration` in seconds (RFC 3803), as the sender says. [`Voice::duration_ms`] is the truth.
    pub claimed_duration_s: Option<u32>,
}

/// The `voice` parameter of `Content-Disposition` (RFC 3801 section 4.3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The message itself; also when nothing is said.
    #[default]
    VoiceMessage,
    /// The sender's name.
    OriginatorSpokenName,
    /// The name of the only recipient.
    RecipientSpokenName,
    /// The subject.
    SpokenSubject,
    /// A report put into words.
    Notification,
}

/// How a recording is encoded, by the content type of the part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// `audio/32KADPCM` and `audio/G726-32`: G.726 with 32 kbit/s.
    Adpcm32,
    /// `audio/AAL2-G726-32`: the same with the halves of each byte swapped.
    Adpcm32Aal2,
    /// `audio/basic` and `audio/PCMU`: G.711 µ-law at 8 kHz.
    MuLaw,
    /// `audio/PCMA`: G.711 A-law at 8 kHz.
    ALaw,
    /// `audio/wav` in all its spellings. What is inside shows when it is decoded.
    Wav,
    /// Nothing that can be decoded here: the content type, or what else is in the way.
    Unsupported(String),
}

/// A recording that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be decoded")]
pub struct Undecodable {
    /// The content type, or the trouble with the file.
    pub what: String,
}

/// A fax: TIFF (RFC 3801 section 4.4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fax<'a> {
    /// The TIFF file.
    pub data: Data<'a>,
}

/// Text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The subtype, lower case: `plain`, `html`, …
    pub subtype: String,
    /// The `charset` parameter, lower case; `us-ascii` when nothing is said.
    pub charset: String,
    /// The bytes in that character set.
    pub data: Data<'a>,
}

/// A visiting card. VPIM version 1 sent them; today they are taken and need not be kept (RFC 3801 section 4.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VCard<'a> {
    /// The card as it came.
    pub data: Data<'a>,
    /// `FN`, else `N` with its fields in writing order.
    pub name: Option<String>,
}

impl<'a> Part<'a> {
    /// Finds out what a leaf is. `data` is decoded; `opaque` says that the transfer encoding was unknown.
    pub(crate) fn classify(fields: Vec<Field<'a>>, data: Data<'a>, opaque: bool) -> Part<'a> {
        let content_type = content_type(&fields);
        let (kind, subtype) = content_type
            .value
            .split_once('/')
            .unwrap_or((&content_type.value, ""));
        let content = match (kind, subtype) {
            ("audio", _) => Content::Voice(Voice {
                purpose: purpose(&fields),
                codec: if opaque {
                    Codec::unknown_encoding(&fields)
                } else {
                    Codec::of(subtype, &data)
                },
                data,
                claimed_duration_s: field::find(&fields, "content-duration")
                    .and_then(|value| duration_s(&value)),
            }),
            _ if opaque => Content::Other {
                content_type: content_type.value,
                bytes: data,
            },
            ("image", "tiff" | "tiff-fx") => Content::Fax(Fax { data }),
            ("text", "directory" | "vcard" | "x-vcard") => {
                let name = VCard::name(&data);
                Content::VCard(VCard { data, name })
            }
            ("text", "rfc822-headers") => Content::Other {
                content_type: content_type.value,
                bytes: data,
            },
            ("text", subtype) => Content::Text(Text {
                subtype: subtype.to_string(),
                charset: content_type
                    .parameter("charset")
                    .unwrap_or("us-ascii".to_string())
                    .to_ascii_lowercase(),
                data,
            }),
            ("message", "delivery-status") => Content::DeliveryReport(DeliveryReport::read(data)),
            ("message", "disposition-notification") => {
                Content::DispositionReport(DispositionReport::read(data))
            }
            _ => Content::Other {
                content_type: content_type.value,
                bytes: data,
            },
        };
        Part { fields, content }
    }

    /// `Content-Description`, decoded.
    pub fn description(&self) -> Option<String> {
        field::find(&self.fields, "content-description").map(|value| word::decode(&value))
    }

    /// `Content-Language`, the first one.
    pub fn language(&self) -> Option<String> {
        field::find(&self.fields, "content-language").and_then(|value| language(&value))
    }

    /// `Content-ID` without angle brackets.
    pub fn content_id(&self) -> Option<String> {
        field::find(&self.fields, "content-id").and_then(|value| crate::message::message_id(&value))
    }

    /// The file name that the sender proposes, stripped of any path.
    pub fn filename(&self) -> Option<String> {
        let disposition =
            field::find(&self.fields, "content-disposition").map(|value| Structured::read(&value));
        let name = disposition.and_then(|disposition| disposition.parameter("filename"));
        let name = name.or_else(|| content_type(&self.fields).parameter("name"))?;
        let last = word::decode(&name)
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default()
            .trim()
            .to_string();
        Some(last).filter(|name| !name.is_empty() && !name.starts_with('.'))
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
            Content::Other { bytes, .. } => Some(bytes),
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

/// Content type and parameters; `text/plain` when there is none or it is not of the form `a/b` (RFC 2045 section 5.2).
pub(crate) fn content_type(fields: &[Field<'_>]) -> Structured {
    let read = field::find(fields, "content-type")
        .map(|value| Structured::read(&value))
        .unwrap_or_default();
    if read.value.contains('/') {
        read
    } else {
        Structured {
            value: "text/plain".to_string(),
            ..read
        }
    }
}

fn purpose(fields: &[Field<'_>]) -> Purpose {
    let Some(disposition) = field::find(fields, "content-disposition") else {
        return Purpose::default();
    };
    let voice = Structured::read(&disposition)
        .parameter("voice")
        .unwrap_or_default();
    match voice.to_ascii_lowercase().as_str() {
        "originator-spoken-name" => Purpose::OriginatorSpokenName,
        "recipient-spoken-name" => Purpose::RecipientSpokenName,
        "spoken-subject" => Purpose::SpokenSubject,
        "voice-message-notification" => Purpose::Notification,
        _ => Purpose::VoiceMessage,
    }
}

/// One to ten digits, at most 2^31 - 1 (RFC 3803 section 2.1).
fn duration_s(value: &str) -> Option<u32> {
    let digits = value.split(|c: char| !c.is_ascii_digit()).next()?;
    digits
        .parse()
        .ok()
        .filter(|&seconds| digits.len() <= 10 && seconds <= i32::MAX as u32)
}

impl Codec {
    fn of(subtype: &str, data: &[u8]) -> Codec {
        match subtype {
            "32kadpcm" | "g726-32" | "x-g726-32" => Codec::Adpcm32,
            "aal2-g726-32" => Codec::Adpcm32Aal2,
            "basic" | "pcmu" | "x-mulaw" => Codec::MuLaw,
            "pcma" | "x-alaw" => Codec::ALaw,
            "wav" | "x-wav" | "wave" | "x-pn-wav" | "vnd.wave" => match wav::count(data) {
                Ok((audio::SAMPLE_RATE_HZ, _)) => Codec::Wav,
                Ok((rate_hz, _)) => {
                    Codec::Unsupported(format!("a WAV file with {rate_hz} samples a second"))
                }
                Err(error) => Codec::Unsupported(format!("audio/{subtype} ({error})")),
            },
            _ => Codec::Unsupported(format!("audio/{subtype}")),
        }
    }

    fn unknown_encoding(fields: &[Field<'_>]) -> Codec {
        let encoding = field::find(fields, "content-transfer-encoding").unwrap_or_default();
        Codec::Unsupported(format!("the transfer encoding {encoding:?}"))
    }
}

impl Voice<'_> {
    /// How long the recording is, computed from its bytes; 0 if it cannot be decoded.
    pub fn duration_ms(&self) -> u64 {
        audio::duration_ms(match self.codec {
            Codec::Adpcm32 | Codec::Adpcm32Aal2 => self.data.len() as u64 * 2,
            Codec::MuLaw | Codec::ALaw => self.samples_of_law().len() as u64,
            Codec::Wav => wav::count(&self.data).map_or(0, |(_, samples)| samples),
            Codec::Unsupported(_) => 0,
        })
    }

    /// The samples, 8 kHz mono. `order` is the packing of the sender's `audio/32KADPCM`, for peers that are known to swap.
    pub fn decode(&self, order: NibbleOrder) -> Result<Vec<i16>, Undecodable> {
        self.decode_with(order, Mixing::Itu)
    }

    /// Decodes like [`Voice::decode`], with the rounding of G.726 chosen.
    pub fn decode_with(&self, order: NibbleOrder, mixing: Mixing) -> Result<Vec<i16>, Undecodable> {
        match &self.codec {
            Codec::Adpcm32 => Ok(g726::decode_with(&self.data, order, mixing)),
            Codec::Adpcm32Aal2 => Ok(g726::decode_with(
                &self.data,
                NibbleOrder::HighFirst,
                mixing,
            )),
            Codec::MuLaw => Ok(g711::decode_mu_law(self.samples_of_law())),
            Codec::ALaw => Ok(g711::decode_a_law(self.samples_of_law())),
            Codec::Wav => {
                let wav = wav::read(&self.data, self.data.len());
                wav.map(|wav| wav.samples).map_err(|error| Undecodable {
                    what: error.to_string(),
                })
            }
            Codec::Unsupported(what) => Err(Undecodable { what: what.clone() }),
        }
    }

    /// The codes of a G.711 recording. Some senders put a Sun audio header in front of `audio/basic`, whose file name is
    /// `.au` (RFC 4239); its second word is the length of the header.
    fn samples_of_law(&self) -> &[u8] {
        match self.data.split_first_chunk::<8>() {
            Some((&[b'.', b's', b'n', b'd', a, b, c, d], _)) => {
                let start = u32::from_be_bytes([a, b, c, d]) as usize;
                if (24..=self.data.len()).contains(&start) {
                    &self.data[start..]
                } else {
                    &self.data
                }
            }
            _ => &self.data,
        }
    }
}

impl Fax<'_> {
    /// Pages, counted as the directories of the TIFF file; `None` if the file is damaged or has more than 1,000.
    pub fn pages(&self) -> Option<u32> {
        const PAGES_MAX: u32 = 1000;
        let little = match self.data.get(0..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        let bytes = |at: usize, len: usize| self.data.get(at..at.checked_add(len)?);
        let number = |bytes: &[u8]| {
            let fold = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
            if little {
                bytes.iter().rev().fold(0, fold)
            } else {
                bytes.iter().fold(0, fold)
            }
        };
        let mut directory = number(bytes(4, 4)?);
        let mut pages = 0;
        while directory != 0 {
            pages += 1;
            if pages > PAGES_MAX {
                return None;
            }
            let entries = number(bytes(directory, 2)?);
            directory = number(bytes(directory + 2 + entries * 12, 4)?);
        }
        Some(pages)
    }
}

impl Text<'_> {
    /// The text, decoded from its character set.
    pub fn text(&self) -> String {
        word::decode_charset(&self.charset, &self.data)
    }

    /// Whether there is nothing to read.
    pub fn is_blank(&self) -> bool {
        self.data.iter().all(u8::is_ascii_whitespace)
    }
}

impl VCard<'_> {
    fn name(data: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(data);
        let value = |wanted: &str| {
            text.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                // `item1.FN;CHARSET=utf-8:Anna Onym`
                let name = name.split(';').next()?.rsplit('.').next()?.trim();
                Some(value.trim().to_string())
                    .filter(|value| name.eq_ignore_ascii_case(wanted) && !value.is_empty())
            })
        };
        value("FN").or_else(|| {
            let structured = value("N")?;
            let mut fields = structured.split(';');
            let (family, given) = (
                fields.next()?.trim(),
                fields.next().unwrap_or_default().trim(),
            );
            Some(format!("{given} {family}").trim().to_string()).filter(|name| !name.is_empty())
        })
    }
}
