//! Making messages: strict VPIM version 2 (RFC 3801 section 4), and the reports about messages.
//!
//! Dates, message identifiers and the seed of the boundaries come from the caller, so that the same input always gives the
//! same bytes. A [`Message`] comes out; [`encode`](crate::encode) makes it a mail.

mod notice;

use crate::address::{Address, AddressError};
use crate::content::Message;
use crate::content::{Content, Part};
use crate::data::Data;
use crate::envelope::{Container, Envelope};
use crate::label;
use crate::limits::Allowance;
use crate::mime::date::Date;
use crate::mime::field::Field;
use crate::mime::party::Party;
use crate::mime::{parameter, word};
use crate::voice::{Codec, Purpose};

pub use notice::{DeliveryNotice, DispositionNotice, Explanation, Original};

/// A message to be sent.
///
/// Of sound and faxes alone it is a VPIM message; with a text, or a file of sound as it came, it is what plain mail clients read as well (RFC 4239).
#[derive(Clone, Debug)]
pub struct Composition<'a> {
    /// The sender; should be the address of MAIL FROM.
    pub from: Party,
    /// At least one recipient.
    pub to: Vec<Party>,
    /// Recipients of copies.
    pub cc: Vec<Party>,
    /// A subject to read; the spoken one is a part.
    pub subject: Option<String>,
    /// When it is sent, with the sender's zone.
    pub date: Date,
    /// A new identifier, `left@right`, without angle brackets.
    pub message_id: String,
    /// The identifier of the message that it answers or passes on, without angle brackets.
    pub in_reply_to: Option<String>,
    /// `Importance: High`.
    pub urgent: bool,
    /// `Sensitivity: Private`: must not be forwarded.
    pub private: bool,
    /// The language spoken, as in RFC 5646: `en-US`.
    pub language: Option<String>,
    /// Who is to be told when it was heard.
    pub receipt_to: Option<Party>,
    /// What can be read, with any line ends; empty for none. It stands before the parts.
    pub text: String,
    /// What is heard and seen, in the order in which it is played. At least one part, unless there is a text.
    pub parts: Vec<CompositionPart<'a>>,
}

/// A part of a [`Composition`].
#[derive(Clone, Debug)]
pub enum CompositionPart<'a> {
    /// A recording.
    Voice(Recording<'a>),
    /// A file of sound, of whatever kind; its octets say which.
    SoundFile {
        /// The file.
        data: Data<'a>,
        /// Its name.
        filename: String,
    },
    /// A fax: TIFF in profile F or S.
    Fax {
        /// The file.
        data: Data<'a>,
        /// Its proposed name, ending in `.tif`.
        filename: Option<String>,
    },
    /// A message that is passed on.
    Forwarded(Message<'a>),
}

/// A recording of a [`Composition`] or of a report.
#[derive(Clone, Debug)]
pub struct Recording<'a> {
    /// What it is for.
    pub purpose: Purpose,
    /// [`Codec::Adpcm32`] for VPIM, [`Codec::MuLaw`] for plain mail clients (RFC 4239). Nothing else is sent.
    pub codec: Codec,
    /// The encoded audio, without a header.
    pub data: Data<'a>,
    /// A proposed file name; without one it is named after its purpose.
    pub filename: Option<String>,
    /// `Content-Description`.
    pub description: Option<String>,
    /// `Content-Language`.
    pub language: Option<String>,
    /// `Content-ID`, without angle brackets.
    pub content_id: Option<String>,
}

/// Why a composition is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An address is not of the form that mail needs.
    #[error("{address:?} cannot be used: {reason}")]
    BadAddress {
        /// As it was given.
        address: String,
        /// What is wrong with it.
        reason: AddressError,
    },
    /// No recipient at all.
    #[error("a message needs at least one recipient")]
    NoRecipient,
    /// Nothing to send.
    #[error("a message needs at least one part")]
    Empty,
    /// The message identifier is not `left@right` in visible ASCII.
    #[error("{0:?} is no message identifier")]
    BadMessageId(String),
    /// There is more than one recording of this purpose (RFC 3801 section 4.3.3).
    #[error("a message has at most one recording of the kind {0:?}")]
    Repeated(Purpose),
    /// A recipient's spoken name, but not exactly one recipient (RFC 3801 section 4.3.3).
    #[error("the spoken name of a recipient needs exactly one recipient")]
    RecipientNameForMany,
    /// A recording in an encoding that VPIM does not send.
    #[error("recordings are sent as audio/32KADPCM or audio/basic, not as {0:?}")]
    BadCodec(Codec),
}

impl<'a> Recording<'a> {
    /// A recording with 32 kbit/s G.726, which every VPIM system plays.
    pub fn adpcm(purpose: Purpose, data: impl Into<Data<'a>>) -> Recording<'a> {
        let (data, codec) = (data.into(), Codec::Adpcm32);
        Recording {
            purpose,
            codec,
            data,
            filename: None,
            description: None,
            language: None,
            content_id: None,
        }
    }

    /// The part that it is in a message.
    pub(crate) fn part(self) -> Result<Part<'a>, BuildError> {
        let (content_type, extension) = match self.codec {
            Codec::Adpcm32 => ("audio/32KADPCM", "726"),
            Codec::MuLaw => ("audio/basic", "au"),
            codec => return Err(BuildError::BadCodec(codec)),
        };
        let (purpose, stem) = purpose_names(self.purpose);
        let filename = self
            .filename
            .unwrap_or_else(|| format!("{stem}.{extension}"));
        let samples_per_byte = if extension == "726" { 2 } else { 1 };
        let duration_ms = crate::audio::duration_ms(self.data.len() as u64 * samples_per_byte);
        let disposition = format!(
            "inline; voice={purpose}; {}",
            parameter::write("filename", &ascii(&filename))
        );
        let mut fields = vec![
            Field::new("Content-Type", content_type),
            Field::new("Content-Disposition", disposition),
        ];
        // RFC 3803: whole seconds; what can be heard at all is not announced as nothing.
        let seconds = (duration_ms + 500) / 1000;
        let seconds = seconds
            .max(u64::from(!self.data.is_empty()))
            .min(i32::MAX as u64);
        fields.push(Field::new("Content-Duration", seconds.to_string()));
        fields.extend(
            self.language
                .map(|language| Field::new("Content-Language", ascii(&language))),
        );
        fields.extend(
            self.description
                .map(|text| Field::new("Content-Description", word::encode(&text).into_owned())),
        );
        fields.extend(
            self.content_id
                .map(|id| Field::new("Content-ID", format!("<{}>", ascii(&id)))),
        );
        Ok(Part::made(fields, self.data))
    }
}

fn purpose_names(purpose: Purpose) -> (&'static str, &'static str) {
    match purpose {
        Purpose::VoiceMessage => ("Voice-Message", "message"),
        Purpose::OriginatorSpokenName => ("Originator-Spoken-Name", "sender"),
        Purpose::RecipientSpokenName => ("Recipient-Spoken-Name", "recipient"),
        Purpose::SpokenSubject => ("Spoken-Subject", "subject"),
        Purpose::Notification => ("Voice-Message-Notification", "notification"),
    }
}

impl<'a> Composition<'a> {
    /// Checks it and makes it a message.
    pub fn message(self) -> Result<Message<'a>, BuildError> {
        self.check()?;
        let mut fields = header(&self.from, &self.to, self.date, &self.message_id)?;
        if !self.cc.is_empty() {
            fields.push(Field::new("Cc", list(&self.cc)?));
        }
        fields.extend(
            self.subject
                .map(|subject| Field::new("Subject", word::encode(&subject).into_owned())),
        );
        // Of an identifier that came from elsewhere only what is one is repeated.
        let in_reply_to = self.in_reply_to.filter(|id| is_message_id(id));
        fields.extend(in_reply_to.map(|id| Field::new("In-Reply-To", format!("<{id}>"))));
        fields.extend(self.private.then(|| Field::new("Sensitivity", "Private")));
        fields.extend(self.urgent.then(|| Field::new("Importance", "High")));
        if let Some(party) = &self.receipt_to {
            fields.push(Field::new(
                "Disposition-Notification-To",
                list(std::slice::from_ref(party))?,
            ));
        }
        let language = self
            .language
            .map(|l| Field::new("Content-Language", ascii(&l)));
        fields.extend(language);
        let envelope = Envelope::read(&fields, &mut Allowance::whole());
        let container = container(&self.text, &self.parts);
        let mut text = (!self.text.is_empty()).then(|| plain_text(&self.text));
        if let (Container::Single, Some(part)) = (&container, &mut text) {
            // The `Content-*` fields of a message of one part are the part's.
            let of_part = |field: &mut Field<'_>| field.name().starts_with("Content-");
            let of_part: Vec<_> = fields.extract_if(.., of_part).collect();
            part.fields.splice(..0, of_part);
        }
        let parts = self.parts.into_iter().map(CompositionPart::part);
        let parts = text.into_iter().map(Ok).chain(parts);
        let parts = parts.collect::<Result<_, _>>()?;
        Ok(Message {
            envelope,
            container,
            fields,
            parts,
            fault: None,
        })
    }

    fn check(&self) -> Result<(), BuildError> {
        if self.to.is_empty() {
            return Err(BuildError::NoRecipient);
        }
        if self.parts.is_empty() && self.text.is_empty() {
            return Err(BuildError::Empty);
        }
        for purpose in [
            Purpose::OriginatorSpokenName,
            Purpose::RecipientSpokenName,
            Purpose::SpokenSubject,
        ] {
            let is_one = |part: &&CompositionPart<'_>| matches!(part, CompositionPart::Voice(voice) if voice.purpose == purpose);
            let count = self.parts.iter().filter(is_one).count();
            if count > 1 {
                return Err(BuildError::Repeated(purpose));
            }
            if count == 1
                && purpose == Purpose::RecipientSpokenName
                && self.to.len() + self.cc.len() != 1
            {
                return Err(BuildError::RecipientNameForMany);
            }
        }
        Ok(())
    }
}

impl<'a> CompositionPart<'a> {
    fn part(self) -> Result<Part<'a>, BuildError> {
        match self {
            CompositionPart::Voice(recording) => recording.part(),
            CompositionPart::SoundFile { data, filename } => {
                let content_type = Field::new("Content-Type", label::type_of_sound(&data));
                let name = parameter::write_text("filename", &filename);
                let disposition = format!("inline; voice=Voice-Message; {name}");
                let disposition = Field::new("Content-Disposition", disposition);
                Ok(Part::made(vec![content_type, disposition], data))
            }
            CompositionPart::Fax { data, filename } => {
                let name = parameter::write(
                    "filename",
                    &ascii(&filename.unwrap_or_else(|| "fax.tif".to_string())),
                );
                let content_type = Field::new("Content-Type", "image/tiff; application=faxbw");
                let disposition = Field::new("Content-Disposition", format!("inline; {name}"));
                Ok(Part::made(vec![content_type, disposition], data))
            }
            CompositionPart::Forwarded(message) => Ok(enclosed(message)),
        }
    }
}

/// A voice message holds sound, faxes and forwarded messages only (RFC 3801 section 4.4).
fn container(text: &str, parts: &[CompositionPart<'_>]) -> Container {
    let is_vpim = |part: &CompositionPart<'_>| !matches!(part, CompositionPart::SoundFile { .. });
    match (text.is_empty(), parts) {
        (true, parts) if parts.iter().all(is_vpim) => Container::VoiceMessage,
        (false, []) => Container::Single,
        _ => Container::Multipart("mixed".into()),
    }
}

/// A text with the line ends of mail.
fn plain_text(text: &str) -> Part<'static> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.replace('\n', "\r\n");
    let content_type = Field::new("Content-Type", "text/plain; charset=utf-8");
    Part::made(vec![content_type], text.into_bytes().into())
}

fn enclosed(message: Message<'_>) -> Part<'_> {
    let fields = vec![Field::new("Content-Type", "message/rfc822")];
    Part {
        fields,
        content: Content::Forwarded(Box::new(message)),
    }
}

/// The fields that every message has (RFC 3801 section 4.2).
fn header(
    from: &Party,
    to: &[Party],
    date: Date,
    message_id: &str,
) -> Result<Vec<Field<'static>>, BuildError> {
    if !is_message_id(message_id) {
        return Err(BuildError::BadMessageId(message_id.to_string()));
    }
    Ok(vec![
        Field::new("From", list(std::slice::from_ref(from))?),
        Field::new("To", list(to)?),
        Field::new("Date", date.to_string()),
        Field::new("Message-ID", format!("<{message_id}>")),
    ])
}

fn is_message_id(text: &str) -> bool {
    let mut octets = text.bytes();
    let visible = octets.all(|byte| byte.is_ascii_graphic() && !b"<>".contains(&byte));
    let (left, right) = text.rsplit_once('@').unwrap_or_default();
    visible && !left.is_empty() && !right.is_empty()
}

fn list(parties: &[Party]) -> Result<String, BuildError> {
    let written = parties
        .iter()
        .map(|party| match Address::parse(&party.address) {
            Ok(_) => Ok(party.to_string()),
            Err(reason) => Err(BuildError::BadAddress {
                address: party.address.clone(),
                reason,
            }),
        });
    Ok(written.collect::<Result<Vec<_>, _>>()?.join(", "))
}

/// For values that have no way to carry more than ASCII.
fn ascii(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect()
}
