//! WAV files: writing what players want, reading what people upload.
//!
//! Written files are 8 kHz, mono, 16-bit PCM. Read are RIFF/WAVE files with PCM of 8 or 16 bits, µ-law or A-law, up to
//! eight channels mixed to one. The rate is reported, not changed. What else such a file may hold is read by [`crate::sound_file`].

use super::{SAMPLE_RATE_HZ, g711};
use std::fmt;

/// Most channels that are mixed down.
const CHANNELS_MAX: u16 = 8;
/// Most chunks that are walked before the file counts as hostile.
const CHUNKS_MAX: usize = 64;
/// Bytes before the first sample of a file made by [`write()`].
pub const HEADER_LEN: usize = 44;

/// Why a file is not a WAV that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WavError {
    /// Does not begin with `RIFF…WAVE`, or a chunk runs out of the file before the samples.
    NotWav,
    /// A format tag, sample size or channel count that is not decoded here.
    Unsupported {
        /// `wFormatTag` of the `fmt ` chunk.
        tag: u16,
        /// Bits per sample.
        bits: u16,
        /// Channels.
        channels: u16,
    },
    /// More samples than the caller allows.
    TooLong {
        /// The caller's limit.
        samples_max: usize,
    },
}

impl fmt::Display for WavError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWav => f.write_str("this is not a WAV file"),
            Self::Unsupported {
                tag,
                bits,
                channels,
            } => write!(
                f,
                "the WAV file uses audio format {tag:#06x} with {bits} bits and {channels} channels, which cannot be decoded"
            ),
            Self::TooLong { samples_max } => {
                write!(f, "the WAV file holds more than {samples_max} samples")
            }
        }
    }
}

impl std::error::Error for WavError {}

/// Samples of a WAV file, mixed to one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wav {
    /// Samples a second, as the file says.
    pub rate_hz: u32,
    /// One channel.
    pub samples: Vec<i16>,
}

/// The 44 bytes that precede `samples` 16-bit samples in an 8 kHz mono file. Useful to answer range requests without
/// holding the file: the length of the whole is `HEADER_LEN + 2 * samples`.
pub fn header(samples: u32) -> [u8; HEADER_LEN] {
    let data_len = samples.saturating_mul(2);
    let mut bytes = [0; HEADER_LEN];
    let fields: [(usize, &[u8]); 13] = [
        (0, b"RIFF"),
        (4, &data_len.saturating_add(36).to_le_bytes()),
        (8, b"WAVE"),
        (12, b"fmt "),
        (16, &16u32.to_le_bytes()),
        (20, &1u16.to_le_bytes()),
        (22, &1u16.to_le_bytes()),
        (24, &SAMPLE_RATE_HZ.to_le_bytes()),
        (28, &(SAMPLE_RATE_HZ * 2).to_le_bytes()),
        (32, &2u16.to_le_bytes()),
        (34, &16u16.to_le_bytes()),
        (36, b"data"),
        (40, &data_len.to_le_bytes()),
    ];
    for (at, field) in fields {
        bytes[at..at + field.len()].copy_from_slice(field);
    }
    bytes
}

/// A whole 8 kHz mono 16-bit file.
pub fn write(samples: &[i16]) -> Vec<u8> {
    let count = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(HEADER_LEN + samples.len() * 2);
    file.extend_from_slice(&header(count));
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// Reads a file of at most `samples_max` samples per channel.
///
/// # Errors
/// It is no WAV file, cannot be decoded, or is longer.
pub fn read(file: &[u8], samples_max: usize) -> Result<Wav, WavError> {
    let (format, frames) = frames(file)?;
    if frames.len() / format.frame_len() > samples_max {
        return Err(WavError::TooLong { samples_max });
    }
    let mut samples = Vec::with_capacity(frames.len() / format.frame_len());
    format.decode(frames, &mut samples);
    Ok(Wav {
        rate_hz: format.rate_hz,
        samples,
    })
}

/// How many samples per channel [`read`] would give, without decoding them.
///
/// # Errors
/// It is no WAV file, or cannot be decoded.
pub fn count(file: &[u8]) -> Result<(u32, u64), WavError> {
    let (format, frames) = frames(file)?;
    Ok((format.rate_hz, (frames.len() / format.frame_len()) as u64))
}

const PCM: u16 = 1;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;

/// What a frame of a file is: a sample of each channel. Only what can be decoded has one outside of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Format {
    tag: u16,
    channels: u16,
    rate_hz: u32,
    bits: u16,
}

impl Format {
    /// One channel of µ-law at 8 kHz.
    pub const MU_LAW: Format = Format::telephone(MU_LAW, 8);
    /// One channel of A-law at 8 kHz.
    pub const A_LAW: Format = Format::telephone(A_LAW, 8);
    /// One channel of 16-bit PCM at 8 kHz: what [`write()`] makes.
    pub const PCM: Format = Format::telephone(PCM, 16);

    const fn telephone(tag: u16, bits: u16) -> Format {
        Format {
            tag,
            channels: 1,
            rate_hz: SAMPLE_RATE_HZ,
            bits,
        }
    }

    /// Samples a second.
    pub const fn rate_hz(self) -> u32 {
        self.rate_hz
    }

    /// Octets of a frame, at least one.
    pub const fn frame_len(self) -> usize {
        self.channels as usize * (self.bits / 8) as usize
    }

    /// Appends a sample for each whole frame, mixed to one channel.
    pub fn decode(self, frames: &[u8], samples: &mut Vec<i16>) {
        let one = |code: &[u8]| match (self.tag, code) {
            (PCM, &[low, high]) => i16::from_le_bytes([low, high]),
            (PCM, &[byte]) => (i16::from(byte) - 128) << 8,
            (MU_LAW, &[code]) => g711::mu_law_sample(code),
            (A_LAW, &[code]) => g711::a_law_sample(code),
            _ => 0,
        };
        let width = usize::from(self.bits / 8);
        let frames = frames.chunks_exact(self.frame_len());
        if self.channels == 1 {
            samples.extend(frames.map(one));
        } else {
            samples.extend(frames.map(|frame| {
                let sum: i32 = frame.chunks_exact(width).map(|c| i32::from(one(c))).sum();
                (sum / i32::from(self.channels)) as i16
            }));
        }
    }

    fn read(chunk: &[u8]) -> Option<Format> {
        let word = |at: usize| Some(u16::from_le_bytes(chunk.get(at..at + 2)?.try_into().ok()?));
        let rate_hz = u32::from_le_bytes(chunk.get(4..8)?.try_into().ok()?);
        let tag = match word(0)? {
            // The first two bytes of the sub-format GUID are the tag that would stand here.
            EXTENSIBLE => word(24)?,
            tag => tag,
        };
        Some(Format {
            tag,
            channels: word(2)?,
            rate_hz,
            bits: word(14)?,
        })
    }

    fn supported(self) -> bool {
        let decodable = matches!((self.tag, self.bits), (PCM, 8 | 16) | (MU_LAW | A_LAW, 8));
        decodable && (1..=CHANNELS_MAX).contains(&self.channels) && self.rate_hz > 0
    }

    fn unsupported(self) -> WavError {
        WavError::Unsupported {
            tag: self.tag,
            bits: self.bits,
            channels: self.channels,
        }
    }
}

/// Finds the format and the whole frames of the samples.
///
/// # Errors
/// It is no WAV file, or cannot be decoded.
pub fn frames(file: &[u8]) -> Result<(Format, &[u8]), WavError> {
    let Chunks { format, data } = chunks(file)?;
    let format = Format::read(format).ok_or(WavError::NotWav)?;
    if !format.supported() {
        return Err(format.unsupported());
    }
    Ok((
        format,
        &data[..data.len() - data.len() % format.frame_len()],
    ))
}

/// What a WAV file is read for.
pub(crate) struct Chunks<'a> {
    pub format: &'a [u8],
    pub data: &'a [u8],
}

/// Whether it begins as a WAV file does, or as one of more than 4 GiB would.
pub(crate) fn is_wav(file: &[u8]) -> bool {
    matches!(file.get(0..4), Some(b"RIFF" | b"RF64")) && file.get(8..12) == Some(b"WAVE")
}

/// Finds the two chunks that matter, in whatever order. A chunk longer than the file ends with the file.
pub(crate) fn chunks(file: &[u8]) -> Result<Chunks<'_>, WavError> {
    if !is_wav(file) {
        return Err(WavError::NotWav);
    }
    let (mut format, mut data) = (None, None);
    let mut rest = &file[12..];
    for _ in 0..CHUNKS_MAX {
        let Some((head, body)) = rest.split_at_checked(8) else {
            break;
        };
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        match &head[0..4] {
            b"fmt " => format = Some(&body[..len.min(body.len())]),
            b"data" if data.is_none() => data = Some(samples(body, len)),
            _ => {}
        }
        if let (Some(format), Some(data)) = (format, data) {
            return Ok(Chunks { format, data });
        }
        let Some(next) = behind(body, len) else {
            break;
        };
        rest = next;
    }
    Err(WavError::NotWav)
}

/// The `data` chunk. Recorders that stream write a length of zero or all ones and never come back to correct it; a length of zero with
/// another chunk behind it is meant.
fn samples(body: &[u8], len: usize) -> &[u8] {
    let fits = |head: &[u8]| {
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        len as usize <= body.len() - 8
    };
    if len == 0 && !(begins_chunk(body) && body.get(..8).is_some_and(fits)) {
        return body;
    }
    &body[..len.min(body.len())]
}

/// What follows a chunk. It is padded to an even length, which some writers forget.
fn behind(body: &[u8], len: usize) -> Option<&[u8]> {
    let next = body.get(len..)?;
    match next {
        [_, padded @ ..] if len % 2 == 1 && !begins_chunk(next) => Some(padded),
        _ => Some(next),
    }
}

/// Whether a chunk with a name that can be read begins here, and one octet on there is none.
fn begins_chunk(octets: &[u8]) -> bool {
    let name = |at: usize| {
        let name = octets.get(at..at + 4);
        name.is_some_and(|name| name.iter().all(|c| matches!(c, b' '..=b'~')))
    };
    let known = matches!(octets.get(..4), Some(b"fmt " | b"data" | b"LIST" | b"fact"));
    known || name(0) && !name(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(tag: u16, channels: u16, bits: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0".to_vec();
        for word in [tag, channels] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(8000u32.to_le_bytes());
        bytes.extend(0u32.to_le_bytes());
        bytes.extend(0u16.to_le_bytes());
        bytes.extend(bits.to_le_bytes());
        bytes.extend(b"data");
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn what_is_written_is_read_back() {
        let samples = vec![0, 1, -1, i16::MAX, i16::MIN];
        let wav = read(&write(&samples), 5);
        assert_eq!(
            wav,
            Ok(Wav {
                rate_hz: 8000,
                samples
            })
        );
        assert_eq!(write(&[7, 8])[..HEADER_LEN], header(2));
    }

    #[test]
    fn bytes_laws_and_channels_become_one_channel_of_words() {
        let read = |tag, channels, bits, data: &[u8]| {
            read(&file(tag, channels, bits, data), 100).map(|wav| wav.samples)
        };
        assert_eq!(
            read(1, 1, 8, &[128, 255, 0]),
            Ok(vec![0, 127 << 8, i16::MIN])
        );
        assert_eq!(
            read(1, 2, 16, &[100, 0, 50, 0, 1, 0, 255, 255]),
            Ok(vec![75, 0])
        );
        assert_eq!(read(7, 1, 8, &[0x80]), Ok(vec![32124]));
        assert_eq!(read(6, 1, 8, &[0xaa]), Ok(vec![32256]));
        assert_eq!(
            read(0x64, 1, 4, &[0]),
            Err(WavError::Unsupported {
                tag: 0x64,
                bits: 4,
                channels: 1
            })
        );
        assert_eq!(
            read(1, 0, 16, &[0]),
            Err(WavError::Unsupported {
                tag: 1,
                bits: 16,
                channels: 0
            })
        );
    }

    #[test]
    fn a_streamed_file_ends_where_the_bytes_end() {
        let mut streamed = write(&[1, 2, 3]);
        streamed[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read(&streamed, 9).map(|wav| wav.samples), Ok(vec![1, 2, 3]));
        assert_eq!(
            read(&streamed, 2),
            Err(WavError::TooLong { samples_max: 2 })
        );
    }

    #[test]
    fn a_length_of_zero_is_meant_only_where_another_chunk_follows() {
        let mut streamed = write(&[1, 2, 3]);
        streamed[40..44].copy_from_slice(&0u32.to_le_bytes());
        assert_eq!(read(&streamed, 9).map(|wav| wav.samples), Ok(vec![1, 2, 3]));
        let mut empty = write(&[]);
        assert_eq!(count(&empty), Ok((8000, 0)));
        empty.extend(b"LIST\x04\0\0\0INFO");
        assert_eq!(count(&empty), Ok((8000, 0)));
    }

    #[test]
    fn odd_chunks_are_passed_whether_they_are_padded_or_not() {
        let written = write(&[1, 2, 3]);
        for (name, body) in [("LIST", "INFOabc"), ("bext", "x"), ("JUNK", "")] {
            for padding in [&[][..], b"\0", b" "] {
                let mut chunk = name.as_bytes().to_vec();
                chunk.extend((body.len() as u32).to_le_bytes());
                chunk.extend(body.bytes());
                if body.len() % 2 == 1 {
                    chunk.extend(padding);
                }
                for at in [12, 36] {
                    let mut file = written.clone();
                    file.splice(at..at, chunk.clone());
                    let samples = read(&file, 9).map(|wav| wav.samples);
                    assert_eq!(
                        samples,
                        Ok(vec![1, 2, 3]),
                        "{name} with {padding:?} at {at}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_format_may_stand_behind_the_samples() {
        let written = write(&[1, 2, 3]);
        let turned = [&written[..12], &written[36..], &written[12..36]].concat();
        assert_eq!(read(&turned, 9).map(|wav| wav.samples), Ok(vec![1, 2, 3]));
    }

    #[test]
    fn every_truncation_is_an_answer_and_not_a_fault() {
        let whole = file(1, 1, 16, &[1, 2, 3, 4]);
        for len in 0..whole.len() {
            match read(&whole[..len], 9) {
                Ok(wav) => assert!(wav.samples.len() < 2),
                Err(error) => assert_eq!(error, WavError::NotWav),
            }
        }
        assert_eq!(read(b"RIFF\0\0\0\0WAVE", 9), Err(WavError::NotWav));
    }
}
