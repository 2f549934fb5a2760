//! Recordings: what for, how encoded, how long, and the samples.

use crate::audio::g726::{Mixing, NibbleOrder};
use crate::audio::wav::Format;
use crate::audio::{self, Coding, g711, g726, wav};
use crate::data::Data;
use crate::limits::{LABEL_CHARS_MAX, shown};
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
        let encoding = field::find_within(fields, "content-transfer-encoding", 4 * LABEL_CHARS_MAX);
        let encoding = encoding.unwrap_or_default();
        let encoding = shown(&encoding, LABEL_CHARS_MAX);
        Codec::Unsupported(format!("the transfer encoding {encoding:?}"))
    }
}

impl<'a> Voice<'a> {
    /// Reads the header of an `audio/*` part. `opaque` says that its transfer encoding was unknown.
    pub(crate) fn read(
        subtype: &str,
        fields: &[Field<'_>],
        data: Data<'a>,
        opaque: bool,
    ) -> Voice<'a> {
        let codec = if opaque {
            Codec::unknown_encoding(fields)
        } else {
            Codec::of(subtype, &data)
        };
        let duration = field::find_within(fields, "content-duration", LABEL_CHARS_MAX);
        let claimed_duration_s = duration.and_then(|value| duration_s(&value));
        Voice {
            purpose: purpose(fields),
            codec,
            data,
            claimed_duration_s,
        }
    }

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

    /// The codes and how they are written down, to be decoded piece by piece. `order` as for [`Voice::decode`].
    ///
    /// # Errors
    /// They are of a kind that is not decoded here.
    pub fn coded(&self, order: NibbleOrder) -> Result<(Coding, &[u8]), Undecodable> {
        match &self.codec {
            Codec::Adpcm32 => Ok((Coding::Adpcm(order), &self.data)),
            Codec::Adpcm32Aal2 => Ok((Coding::Adpcm(NibbleOrder::HighFirst), &self.data)),
            Codec::MuLaw => Ok((Coding::Frames(Format::MU_LAW), self.samples_of_law())),
            Codec::ALaw => Ok((Coding::Frames(Format::A_LAW), self.samples_of_law())),
            Codec::Wav => {
                let frames = wav::frames(&self.data);
                let coded = frames.map(|(format, frames)| (Coding::Frames(format), frames));
                coded.map_err(|error| Undecodable {
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

fn purpose(fields: &[Field<'_>]) -> Purpose {
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
