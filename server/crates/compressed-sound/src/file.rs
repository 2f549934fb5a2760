//! The kinds of files, told by how they begin, and what is found in one: a codec and its packets.

mod adts;
mod amr;
mod ebml;
mod iso;
mod mpeg;
mod ogg;
mod webm;

use std::borrow::Cow;

use codec::sound_file::compressed_in_wav;

use crate::DecodeError;
use crate::sink::Cut;
pub(crate) use amr::frame_len as amr_frame_len;
pub(crate) use iso::asc::AudioSpecificConfig;

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// Frames of MPEG audio, layer III, perhaps behind an ID3 tag.
    Mp3,
    /// The same inside a WAV file.
    Mp3InWav,
    /// Frames of AAC with a header each (ISO 13818-7).
    Adts,
    /// MP4, M4A, 3GP and QuickTime (ISO 14496-12).
    Mp4,
    /// Ogg (RFC 3533).
    Ogg,
    /// WebM and Matroska (RFC 9559).
    WebM,
    /// AMR narrow-band in its own file (RFC 4867 section 5).
    Amr,
}

impl FileFormat {
    /// By its first octets, whatever its name; `None`: no file that is read here.
    pub fn of(octets: &[u8]) -> Option<FileFormat> {
        let begins = |with: &[u8]| octets.starts_with(with);
        Some(match () {
            _ if begins(b"OggS") => Self::Ogg,
            _ if begins(b"\x1a\x45\xdf\xa3") => Self::WebM,
            _ if begins(amr::MAGIC) => Self::Amr,
            _ if octets.get(4..8) == Some(b"ftyp") => Self::Mp4,
            _ if wav_with_mp3(octets).is_some() => Self::Mp3InWav,
            _ if adts::begins(mpeg::behind_tags(octets)) => Self::Adts,
            _ if mpeg::begins(octets) => Self::Mp3,
            _ => return None,
        })
    }

    /// Finds the sound. Decodes nothing.
    pub(crate) fn track(self, file: &[u8]) -> Result<Track<'_>, DecodeError> {
        match self {
            Self::Mp3 => Ok(mpeg::track(file)),
            Self::Mp3InWav => Ok(mpeg::track(wav_with_mp3(file).unwrap_or_default())),
            Self::Adts => adts::track(mpeg::behind_tags(file)),
            Self::Mp4 => iso::track(file),
            Self::Ogg => ogg::track(file),
            Self::WebM => webm::track(file),
            Self::Amr => Ok(amr::track(file)),
        }
    }
}

/// The frames of MP3 in a WAV file.
fn wav_with_mp3(file: &[u8]) -> Option<&[u8]> {
    const MP3: u16 = 0x55;
    compressed_in_wav(file)
        .filter(|(tag, _)| *tag == MP3)
        .map(|(_, data)| data)
}

/// How packets are decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// MPEG audio, layer III; a packet is a frame with its header.
    Mp3,
    /// AAC-LC without headers.
    Aac(AudioSpecificConfig),
    /// Vorbis, with its first and its third header.
    Vorbis {
        identification: Vec<u8>,
        setup: Vec<u8>,
    },
    /// Opus, one or two channels, louder by so many 256ths of a decibel.
    Opus { gain: i16 },
    /// AMR narrow-band; a packet is frames as they lie in a file, each behind an octet that says its mode.
    Amr,
}

/// The sound of a file.
pub(crate) struct Track<'a> {
    pub codec: Codec,
    pub cut: Cut,
    pub packets: Box<dyn Iterator<Item = Cow<'a, [u8]>> + 'a>,
}
