//! What a recording is: by its content where that says so, and else by its label.
//!
//! Gateways label what they send as they please. A file of sound tells what it is by its first octets; octets without such a
//! beginning are taken for what the content type says, with its `rate` and `channels` (RFC 3555 section 4.1).

use compressed_sound::FileFormat;

use crate::audio::foreign::{Foreign, Frames, GsmPacking, Sample};
use crate::audio::g726::NibbleOrder;
use crate::audio::sound_file::{self, Kind};
use crate::audio::{Coding, SAMPLE_RATE_HZ};
use crate::limits::{LABEL_CHARS_MAX, shown};
use crate::mime::field::{self, Field};
use crate::mime::parameter::Structured;
use crate::part_fields::file_name;
use crate::voice::Codec;

/// How an `audio/*` part is encoded. `opaque` says that its transfer encoding was unknown.
///
/// # Errors
/// What it is that cannot be decoded, for a sentence.
pub(crate) fn codec(
    content_type: &Structured,
    fields: &[Field<'_>],
    data: &[u8],
    opaque: bool,
) -> Result<Codec, String> {
    let label = &content_type.value;
    if opaque {
        return Err(unknown_encoding(fields));
    }
    if data.is_empty() {
        return Ok(Codec::Empty);
    }
    if let Some(kind) = Kind::of(data) {
        return file(kind, data).map_err(|error| format!("{label} ({error})"));
    }
    if let Some(held) = held(data) {
        return Err(format!("{label} ({held})"));
    }
    let subtype = label.strip_prefix("audio/").unwrap_or_default();
    raw(subtype, content_type, data).unwrap_or_else(|| Err(label.clone()))
}

/// How a file of sound is encoded that came under the label of something else: one whose name says what it is, and one of `application/*`
/// without a name.
pub(crate) fn codec_of_file(
    content_type: &Structured,
    fields: &[Field<'_>],
    data: &[u8],
) -> Option<Codec> {
    let kind = Kind::of(data)?;
    let named = match file_name(fields) {
        None => content_type.value.starts_with("application/"),
        Some(name) => {
            let ending = name.rsplit_once('.').map(|(_, ending)| ending);
            let is = |known: &str| ending.is_some_and(|its| its.eq_ignore_ascii_case(known));
            ["wav", "wave", "au", "snd"].into_iter().any(is)
        }
    };
    file(kind, data).ok().filter(|_| named)
}

/// What kind of compressed sound it is, which nothing here decodes but [`transcode`](crate::transcode()): as its octets say, under every label
/// of sound, under a name that says so, and as `application/*` and `video/*` without a name.
pub(crate) fn compressed(
    content_type: &Structured,
    fields: &[Field<'_>],
    data: &[u8],
) -> Option<FileFormat> {
    let label = content_type.value.as_str();
    let format = FileFormat::of(data);
    if let Some(subtype) = label.strip_prefix("audio/") {
        // Frames are found behind whatever stands before them, if the label promises that there are some.
        let promised = matches!(
            subtype,
            "mpeg" | "mp3" | "x-mp3" | "mpeg3" | "x-mpeg" | "x-mpeg-3"
        );
        return format.or((promised && !data.is_empty()).then_some(FileFormat::Mp3));
    }
    let format = format?;
    let named = match file_name(fields) {
        None => label.starts_with("application/") || label.starts_with("video/"),
        Some(name) => {
            let ending = name.rsplit_once('.').map(|(_, ending)| ending);
            let is = |known: &str| ending.is_some_and(|its| its.eq_ignore_ascii_case(known));
            ENDINGS.into_iter().any(is)
        }
    };
    named.then_some(format)
}

/// How the names of files of compressed sound end.
const ENDINGS: [&str; 15] = [
    "mp3", "mpga", "aac", "m4a", "mp4", "3gp", "3gpp", "3ga", "ogg", "oga", "opus", "webm", "weba",
    "amr", "wav",
];

/// The media type of a file of sound, by its content.
pub(crate) fn type_of_sound(data: &[u8]) -> &'static str {
    match (Kind::of(data), FileFormat::of(data)) {
        (_, Some(FileFormat::Mp3)) => "audio/mpeg",
        (_, Some(FileFormat::Adts)) => "audio/aac",
        (_, Some(FileFormat::Mp4)) => "audio/mp4",
        (_, Some(FileFormat::Ogg)) => "audio/ogg",
        (_, Some(FileFormat::WebM)) => "audio/webm",
        (_, Some(FileFormat::Amr)) => "audio/AMR",
        (Some(Kind::Wav), _) | (_, Some(FileFormat::Mp3InWav)) => "audio/wav",
        (Some(Kind::Au), _) => "audio/basic",
        (None, None) => "audio/x-unknown",
    }
}

fn file(kind: Kind, data: &[u8]) -> Result<Codec, sound_file::FileError> {
    sound_file::read(data)?;
    Ok(match kind {
        Kind::Wav => Codec::Wav,
        Kind::Au => Codec::Au,
    })
}

/// What else the octets are for sure: played as telephone sound they would be noise.
fn held(data: &[u8]) -> Option<&'static str> {
    let begins = |with: &[u8]| data.starts_with(with);
    let names = |at: usize, name: &[u8]| data.get(at..).is_some_and(|rest| rest.starts_with(name));
    Some(match FileFormat::of(data) {
        Some(FileFormat::Mp3 | FileFormat::Mp3InWav) => "it holds MP3",
        Some(FileFormat::Adts) => "it holds AAC",
        Some(FileFormat::Mp4) => "it holds an MP4 file",
        Some(FileFormat::Ogg) => "it holds an Ogg file",
        Some(FileFormat::WebM) => "it holds a Matroska file",
        Some(FileFormat::Amr) => "it holds an AMR file",
        None if begins(b"#!AMR") => "it holds an AMR file",
        None if begins(b"fLaC") => "it holds a FLAC file",
        None if begins(b"caff") => "it holds a CAF file",
        None if begins(b"FORM") && names(8, b"AIF") => "it holds an AIFF file",
        None if begins(b"\x1f\x8b\x08") || begins(b"PK\x03\x04") => "it holds a compressed file",
        None if begins(b"%PDF-") => "it holds a PDF file",
        None if is_written(data) => "it holds text",
        None => return None,
    })
}

/// Whether the octets are words or markup: nothing but characters of ASCII for longer than sound would be so, as many blanks as words have,
/// and letters for the most part. Sound has the high bit in half of its octets.
fn is_written(data: &[u8]) -> bool {
    const LOOKED_AT: std::ops::RangeInclusive<usize> = 24..=512;
    let front = &data[..data.len().min(*LOOKED_AT.end())];
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let blanks = front.iter().filter(is_blank).count();
    let letters = front.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    LOOKED_AT.contains(&front.len())
        && front.iter().all(is_text)
        && blanks * 32 >= front.len()
        && letters.count() * 2 >= front.len()
}

/// Samples without a header; `None` if the name is not known.
fn raw(subtype: &str, content_type: &Structured, data: &[u8]) -> Option<Result<Codec, String>> {
    let number = |name: &str, usual: u32| {
        let value = content_type.parameter(name);
        let number = value.and_then(|value| value.trim().parse().ok());
        number.filter(|number| *number > 0).unwrap_or(usual)
    };
    let (rate_hz, channels) = (number("rate", SAMPLE_RATE_HZ), number("channels", 1));
    let network_order = |width| Sample::Signed {
        width,
        big_endian: true,
    };
    let adpcm = |order| match channels {
        1 => Foreign::adpcm(order, rate_hz),
        _ => None,
    };
    let frames = |sample| {
        let channels = u16::try_from(channels).ok()?;
        Foreign::frames(Frames { sample, channels }, rate_hz)
    };
    let (plain, foreign) = match subtype {
        "32kadpcm" | "g726-32" | "x-g726-32" => {
            (Some(Codec::Adpcm32), adpcm(NibbleOrder::LowFirst))
        }
        "aal2-g726-32" => (Some(Codec::Adpcm32Aal2), adpcm(NibbleOrder::HighFirst)),
        "basic" | "pcmu" | "mulaw" | "x-mulaw" | "ulaw" | "x-ulaw" => {
            (Some(Codec::MuLaw), frames(Sample::MuLaw))
        }
        "pcma" | "alaw" | "x-alaw" => (Some(Codec::ALaw), frames(Sample::ALaw)),
        // RFC 3551 sections 4.5.10 and 4.5.11, RFC 3190.
        "l8" => (None, frames(Sample::Unsigned8)),
        "l16" | "x-l16" => (None, frames(network_order(2))),
        "l24" => (None, frames(network_order(3))),
        "gsm" | "x-gsm" if channels == 1 => (None, Foreign::gsm(gsm_packing(data), rate_hz)),
        _ => return None,
    };
    let plain = plain.filter(|_| (rate_hz, channels) == (SAMPLE_RATE_HZ, 1));
    let foreign = foreign.map(|foreign| Codec::Raw(Coding::Foreign(foreign)));
    let beyond =
        || format!("audio/{subtype} with {rate_hz} samples a second and {channels} channels");
    Some(plain.or(foreign).ok_or_else(beyond))
}

/// RFC 3551 section 4.5.8.1: every frame begins with the four bits 1101. Those of WAV files have no such mark.
fn gsm_packing(data: &[u8]) -> GsmPacking {
    match data.first() {
        Some(0xd0..=0xdf) => GsmPacking::Rtp,
        _ => GsmPacking::Wav,
    }
}

fn unknown_encoding(fields: &[Field<'_>]) -> String {
    let encoding = field::find_within(fields, "content-transfer-encoding", 4 * LABEL_CHARS_MAX);
    let encoding = encoding.unwrap_or_default();
    let encoding = shown(&encoding, LABEL_CHARS_MAX);
    format!("the transfer encoding {encoding:?}")
}
