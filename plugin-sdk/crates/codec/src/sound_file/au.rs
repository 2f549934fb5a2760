//! `.au` files of Sun and NeXT: what `audio/basic` was made for, and what is often behind that label (RFC 4239).
//!
//! Six numbers of 32 bits: `.snd`, the length of the header, the length of the sound, its encoding, samples a second, channels.

use super::FileError;
use crate::SAMPLE_RATE_HZ;
use crate::coding::Coding;
use crate::foreign::{CHANNELS_MAX, Foreign, Frames, Sample};
use crate::g726::NibbleOrder;
use crate::wav::Format;

const HEADER_LEN: usize = 24;

/// Begins with the magic number and a header that lies within the file.
pub(super) fn is_au(octets: &[u8]) -> bool {
    header(octets).is_some()
}

/// The numbers behind the first, and whether the file has its highest octets first. Programs of small-endian machines wrote it turned
/// round.
fn header(octets: &[u8]) -> Option<([u32; 5], bool)> {
    let big_endian = match octets.get(..4)? {
        b".snd" => true,
        b"dns." => false,
        _ => return None,
    };
    let mut numbers = [0; 5];
    let words = octets.get(4..HEADER_LEN)?.chunks_exact(4);
    for (number, word) in numbers.iter_mut().zip(words) {
        let word = [word[0], word[1], word[2], word[3]];
        *number = match big_endian {
            true => u32::from_be_bytes(word),
            false => u32::from_le_bytes(word),
        };
    }
    let fits = (HEADER_LEN..=octets.len()).contains(&(numbers[0] as usize));
    fits.then_some((numbers, big_endian))
}

pub(super) fn read(file: &[u8]) -> Result<(Coding, &[u8]), FileError> {
    let ([start, len, encoding, rate_hz, channels], big_endian) =
        header(file).ok_or(FileError::NotSound)?;
    let data = &file[start as usize..];
    // All ones: whoever wrote it did not know yet. Zero: never came back to say.
    let data = match len as usize {
        0 => data,
        len => &data[..len.min(data.len())],
    };
    let unsupported = FileError::Au { encoding, channels };
    let rate_hz = if rate_hz == 0 {
        SAMPLE_RATE_HZ
    } else {
        rate_hz
    };
    let rate = FileError::Rate { rate_hz };
    let channels = u16::try_from(channels.max(1)).map_err(|_| unsupported)?;
    if channels > CHANNELS_MAX {
        return Err(unsupported);
    }
    let sample = match encoding {
        1 => Sample::MuLaw,
        2..=5 => Sample::Signed {
            width: (encoding - 1) as u8,
            big_endian,
        },
        6 | 7 => Sample::Float {
            double: encoding == 7,
            big_endian,
        },
        27 => Sample::ALaw,
        // G.721 is G.726 at 32 kbit/s, with the earlier code in the lower half.
        23 if channels == 1 => return Ok((adpcm(rate_hz).ok_or(rate)?, data)),
        _ => return Err(unsupported),
    };
    Ok((frames(sample, channels, rate_hz).ok_or(rate)?, data))
}

fn adpcm(rate_hz: u32) -> Option<Coding> {
    let order = NibbleOrder::LowFirst;
    if rate_hz == SAMPLE_RATE_HZ {
        return Some(Coding::Adpcm(order));
    }
    Foreign::adpcm(order, rate_hz).map(Coding::Foreign)
}

/// What a telephone has too travels as it is.
fn frames(sample: Sample, channels: u16, rate_hz: u32) -> Option<Coding> {
    match (sample, channels, rate_hz) {
        (Sample::MuLaw, 1, SAMPLE_RATE_HZ) => Some(Coding::Frames(Format::MU_LAW)),
        (Sample::ALaw, 1, SAMPLE_RATE_HZ) => Some(Coding::Frames(Format::A_LAW)),
        _ => Foreign::frames(Frames { sample, channels }, rate_hz).map(Coding::Foreign),
    }
}
