//! Sound that came compressed is made telephone sound once, when it comes.
//!
//! Telephone sound of every kind is decoded while it is heard. MP3, AAC, Vorbis, Opus and AMR are not: their decoders go from the beginning to
//! the end, hold much state, and are other people's. So the recording is decoded here and stands before the file that it came in, as G.726,
//! the codec that every VPIM system plays; whoever reads the message later needs none of those decoders. The file stays, marked as the
//! original of the recording before it ([`Content::Original`]): nothing that came is lost.

use compressed_sound::{DecodeError, FileFormat};

use crate::audio::g726::{AdpcmEncoder, NibbleOrder};
use crate::content::{Content, Message, Part};
use crate::data::Data;
use crate::envelope::Container;
use crate::limits::{
    TRANSCODED_PARTS_MAX, TRANSCODED_SAMPLES_MAX, TRANSCODED_SAMPLES_MIN,
    TRANSCODED_SAMPLES_PER_OCTET, TRANSCODING_CONSTANT, TRANSCODING_FACTOR,
};
use crate::mime::field::Field;
use crate::voice::{self, Purpose};

/// Says of a part that it is the original of the recording before it.
const MARK: (&str, &str) = ("X-CallPilot-Part", "original");

/// What became of the compressed sound of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transcoded {
    /// Recordings that are heard now.
    pub recordings: u32,
    /// Files that could not be decoded, or not within the limits. They are what they were: attachments, which [`remarks`](crate::remarks)
    /// tells of.
    pub undecodable: u32,
}

/// Puts a recording before each file of compressed sound that can be decoded. What is within a report stays as it is.
///
/// It takes much longer than reading: up to a minute of one core where the limits of [`crate::limits`] are reached.
pub fn transcode(message: &mut Message<'_>) -> Transcoded {
    let mut work = Work {
        samples_left: samples_max(message),
        parts_left: TRANSCODED_PARTS_MAX,
        outcome: Transcoded::default(),
    };
    work.message(message);
    work.outcome
}

/// Bytes that [`transcode`] may hold at once, and what it adds to a message when that is written; 0 if there is nothing to be done.
pub fn transcoding_bytes(message: &Message<'_>) -> usize {
    match samples_max(message) {
        0 => 0,
        samples => (samples / 2) as usize * TRANSCODING_FACTOR + TRANSCODING_CONSTANT,
    }
}

/// Samples that all compressed sound of a message may come to.
fn samples_max(message: &Message<'_>) -> u64 {
    match compressed_octets(message) {
        0 => 0,
        octets => octets
            .saturating_mul(TRANSCODED_SAMPLES_PER_OCTET)
            .saturating_add(TRANSCODED_SAMPLES_MIN)
            .min(TRANSCODED_SAMPLES_MAX),
    }
}

fn compressed_octets(message: &Message<'_>) -> u64 {
    if matches!(message.container, Container::Report(_)) {
        return 0;
    }
    let octets = message.parts.iter().map(|part| match &part.content {
        Content::Forwarded(inner) => compressed_octets(inner),
        Content::Other { bytes, .. } if part.compressed().is_some() => bytes.len() as u64,
        _ => 0,
    });
    octets.sum()
}

/// Octets by which the codes of a recording grow.
const STEP: usize = 1 << 20;

struct Work {
    samples_left: u64,
    parts_left: usize,
    outcome: Transcoded,
}

impl Work {
    fn message(&mut self, message: &mut Message<'_>) {
        if matches!(message.container, Container::Report(_)) {
            return;
        }
        let before = message.parts.len();
        for mut part in std::mem::take(&mut message.parts) {
            if let Content::Forwarded(inner) = &mut part.content {
                self.message(inner);
            }
            match part.compressed().map(|format| self.codes(&part, format)) {
                Some(Ok(codes)) => {
                    self.outcome.recordings += 1;
                    message.parts.push(recording(&part, codes));
                    message.parts.push(original(part));
                }
                Some(Err(_)) => {
                    self.outcome.undecodable += 1;
                    message.parts.push(part);
                }
                None => message.parts.push(part),
            }
        }
        // One part has become two, and they are no alternatives to each other.
        let choice = Container::Multipart("alternative".to_string());
        let is_one = message.container == Container::Single || message.container == choice;
        if message.parts.len() > before && is_one {
            // What is said of the only part is said of the message.
            if message.container == Container::Single {
                let mut said = message.parts.iter().flat_map(|part| &part.fields);
                let language = said.find(|field| field.is("content-language")).cloned();
                message.fields.extend(language);
            }
            message.container = Container::Multipart("mixed".to_string());
        }
    }

    /// The sound of a part as G.726.
    fn codes(&mut self, part: &Part<'_>, format: FileFormat) -> Result<Vec<u8>, DecodeError> {
        let file = part.content.data().unwrap_or_default();
        self.parts_left = self.parts_left.checked_sub(1).ok_or(DecodeError::TooLong)?;
        let mut encoder = AdpcmEncoder::new(NibbleOrder::LowFirst);
        let (mut codes, mut samples) = (Vec::new(), 0);
        let decoded = compressed_sound::decode(file, format, self.samples_left, |piece| {
            samples += piece.len() as u64;
            // In equal steps: a vector that doubles holds three times what it has to while it grows.
            if codes.capacity() - codes.len() <= piece.len() {
                codes.reserve_exact(piece.len() + STEP);
            }
            encoder.encode(piece, &mut codes);
        });
        // Also what came to nothing was work.
        self.samples_left = self.samples_left.saturating_sub(samples);
        decoded?;
        codes.shrink_to_fit();
        Ok(codes)
    }
}

/// The part that is heard. What it is for, and what is said of it, is what was said of the file.
fn recording(file: &Part<'_>, codes: Vec<u8>) -> Part<'static> {
    let purpose = match voice::purpose(&file.fields) {
        Purpose::VoiceMessage => "Voice-Message",
        Purpose::OriginatorSpokenName => "Originator-Spoken-Name",
        Purpose::RecipientSpokenName => "Recipient-Spoken-Name",
        Purpose::SpokenSubject => "Spoken-Subject",
        Purpose::Notification => "Voice-Message-Notification",
    };
    let mut fields = vec![
        Field::new("Content-Type", "audio/32KADPCM"),
        Field::new("Content-Disposition", format!("inline; voice={purpose}")),
    ];
    let told = [
        "content-duration",
        "content-description",
        "content-language",
    ];
    let told = file
        .fields
        .iter()
        .filter(|field| told.iter().any(|name| field.is(name)));
    fields.extend(told.map(|field| field.clone().into_owned()));
    Part::made(fields, Data::from(codes))
}

fn original(mut file: Part<'_>) -> Part<'_> {
    file.fields.retain(|field| !field.is(MARK.0));
    file.fields.push(Field::new(MARK.0, MARK.1));
    as_original(file)
}

fn as_original(file: Part<'_>) -> Part<'_> {
    let Part { fields, content } = file;
    let content = match content {
        Content::Other {
            content_type,
            bytes,
        } => Content::Original {
            content_type,
            bytes,
        },
        content => content,
    };
    Part { fields, content }
}

/// Finds the originals among the parts of a message that was read: files that are marked, each behind a recording of G.726.
pub(crate) fn find_originals(parts: &mut [Part<'_>]) {
    for at in 1..parts.len() {
        let marked = parts[at]
            .fields
            .iter()
            .any(|field| field.is(MARK.0) && field.bytes() == MARK.1.as_bytes());
        let follows = matches!(&parts[at - 1].content, Content::Voice(voice) if voice.codec == voice::Codec::Adpcm32);
        if marked && follows && matches!(parts[at].content, Content::Other { .. }) {
            let nothing = Part {
                fields: Vec::new(),
                content: Content::Other {
                    content_type: String::new(),
                    bytes: Data::from(&[][..]),
                },
            };
            let file = std::mem::replace(&mut parts[at], nothing);
            parts[at] = as_original(file);
        }
    }
}
