//! Recordings: what for, how encoded, how long, and the samples.

use crate::audio::g726::{Mixing, NibbleOrder};
use crate::audio::wav::Format;
use crate::audio::{self, Coding, g726, sound_file};
use crate::data::Data;
use crate::limits::LABEL_CHARS_MAX;
use crate::mime::field::{self, Field};
use crate::mime::parameter::Structured;

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

/// How a recording is encoded: what its octets begin with, and else what the content type of the part says.
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
    /// A WAV file, whatever its label. What is inside shows when it is decoded.
    Wav,
    /// An `.au` file, whatever its label.
    Au,
    /// Samples without a header, of another kind than a telephone's: `audio/L16`, or what has another `rate` or more `channels`.
    Raw(Coding),
    /// No octets at all.
    Empty,
}

/// A recording that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be decoded")]
pub struct Undecodable {
    /// The content type, or the trouble with the file.
    pub what: String,
}

impl<'a> Voice<'a> {
    /// Reads the header of a part that holds a recording.
    pub(crate) fn read(codec: Codec, fields: &[Field<'_>], data: Data<'a>) -> Voice<'a> {
        let duration = field::find_within(fields, "content-duration", LABEL_CHARS_MAX);
        let claimed_duration_s = duration.and_then(|value| duration_s(&value));
        Voice {
            purpose: purpose(fields),
            codec,
            data,
            claimed_duration_s,
        }
    }

    /// How many samples it has at 8 kHz, computed from its bytes; 0 if it cannot be decoded.
    pub fn samples(&self) -> u64 {
        let coded = self.coded(NibbleOrder::default());
        coded.map_or(0, |(coding, codes)| coding.samples(codes.len() as u64))
    }

    /// How long the recording is, computed from its bytes; 0 if it cannot be decoded.
    pub fn duration_ms(&self) -> u64 {
        audio::duration_ms(self.samples())
    }

    /// The samples, 8 kHz mono. `order` is the packing of the sender's `audio/32KADPCM`, for peers that are known to swap.
    ///
    /// All of them at once: what is long is decoded piece by piece, by what [`Voice::coded`] gives.
    pub fn decode(&self, order: NibbleOrder) -> Result<Vec<i16>, Undecodable> {
        self.decode_with(order, Mixing::Itu)
    }

    /// Decodes like [`Voice::decode`], with the rounding of G.726 chosen.
    pub fn decode_with(&self, order: NibbleOrder, mixing: Mixing) -> Result<Vec<i16>, Undecodable> {
        let (coding, codes) = self.coded(order)?;
        if let Coding::Adpcm(order) = coding {
            return Ok(g726::decode_with(codes, order, mixing));
        }
        let mut samples = Vec::with_capacity(coding.samples(codes.len() as u64) as usize);
        coding.decode(codes, 0..u64::MAX, &mut samples);
        Ok(samples)
    }

    /// The codes and how they are written down, to be decoded piece by piece. `order` as for [`Voice::decode`].
    ///
    /// # Errors
    /// They are of a kind that is not decoded here.
    pub fn coded(&self, order: NibbleOrder) -> Result<(Coding, &[u8]), Undecodable> {
        Ok(match self.codec {
            Codec::Adpcm32 => (Coding::Adpcm(order), &self.data),
            Codec::Adpcm32Aal2 => (Coding::Adpcm(NibbleOrder::HighFirst), &self.data),
            Codec::MuLaw | Codec::Empty => (Coding::Frames(Format::MU_LAW), &self.data),
            Codec::ALaw => (Coding::Frames(Format::A_LAW), &self.data),
            Codec::Raw(coding) => (coding, &self.data),
            Codec::Wav | Codec::Au => {
                let coded = sound_file::read(&self.data);
                coded.map_err(|error| Undecodable {
                    what: error.to_string(),
                })?
            }
        })
    }
}

/// What a recording with these fields is for.
pub(crate) fn purpose(fields: &[Field<'_>]) -> Purpose {
    let Some(disposition) = Structured::of(fields, "content-disposition") else {
        return Purpose::default();
    };
    let voice = disposition.parameter("voice").unwrap_or_default();
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
