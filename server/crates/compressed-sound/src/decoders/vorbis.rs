//! Vorbis, by symphonia; and how much memory its headers ask for, which is for us to bound: a few octets describe tables of gigabytes.

use symphonia::core::codecs::audio::well_known::CODEC_ID_VORBIS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoderOptions};
use symphonia::default::codecs::VorbisDecoder;

use super::mpeg::Symphonia;
use crate::DecodeError;
use crate::bits::LowFirst;

/// Most channels.
const CHANNELS_MAX: u8 = 2;
/// Entries of all codebooks. Encoders write some ten thousand.
const ENTRIES_MAX: u64 = 1 << 16;
/// Values of all entries of all codebooks.
const VALUES_MAX: u64 = 1 << 19;

pub(super) fn decoder(
    identification: &[u8],
    setup: &[u8],
) -> Result<Symphonia<VorbisDecoder>, DecodeError> {
    match identification.get(11) {
        Some(1..=CHANNELS_MAX) => {}
        Some(_) => return Err(DecodeError::Unsupported("Vorbis of more than two channels")),
        None => return Err(DecodeError::Damaged),
    }
    if !codebooks_are_usual(setup).unwrap_or(false) {
        return Err(DecodeError::Damaged);
    }
    let mut parameters = AudioCodecParameters::new();
    parameters
        .for_codec(CODEC_ID_VORBIS)
        .with_extra_data([identification, setup].concat().into_boxed_slice());
    Symphonia::new(VorbisDecoder::try_new(
        &parameters,
        &AudioDecoderOptions::default(),
    ))
}

/// Walks the codebooks (Vorbis I specification, section 3.2.1) without unpacking them; `None` if they break off.
fn codebooks_are_usual(setup: &[u8]) -> Option<bool> {
    let mut bits = LowFirst::new(setup.get(7..)?);
    let count = bits.read(8)? + 1;
    let (mut entries, mut values) = (0, 0);
    for _ in 0..count {
        bits.skip(24)?;
        let dimensions = u64::from(bits.read(16)?);
        let its = u64::from(bits.read(24)?);
        entries += its;
        values += its * dimensions;
        if entries > ENTRIES_MAX || values > VALUES_MAX {
            return Some(false);
        }
        skip_lengths(&mut bits, its)?;
        skip_lookup(&mut bits, its, dimensions)?;
    }
    Some(true)
}

fn skip_lengths(bits: &mut LowFirst<'_>, entries: u64) -> Option<()> {
    let ordered = bits.read(1)? == 1;
    if ordered {
        bits.skip(5)?;
        let mut left = entries;
        while left > 0 {
            let run = u64::from(bits.read(64 - left.leading_zeros())?);
            left = left.checked_sub(run)?;
        }
        return Some(());
    }
    let sparse = bits.read(1)? == 1;
    if !sparse {
        return bits.skip(5 * entries);
    }
    for _ in 0..entries {
        if bits.read(1)? == 1 {
            bits.skip(5)?;
        }
    }
    Some(())
}

fn skip_lookup(bits: &mut LowFirst<'_>, entries: u64, dimensions: u64) -> Option<()> {
    let kind = bits.read(4)?;
    if kind == 0 {
        return Some(());
    }
    bits.skip(64)?;
    let width = u64::from(bits.read(4)?) + 1;
    bits.skip(1)?;
    let values = match kind {
        1 => root(entries, dimensions)?,
        2 => entries * dimensions,
        _ => return None,
    };
    bits.skip(values * width)
}

/// The greatest number whose power `dimensions` is no more than `entries`.
fn root(entries: u64, dimensions: u64) -> Option<u64> {
    let exponent = u32::try_from(dimensions).ok().filter(|n| *n > 0)?;
    let fits = |n: &u64| {
        n.checked_pow(exponent)
            .is_some_and(|power| power <= entries)
    };
    (1..=entries + 1).take_while(fits).last().or(Some(0))
}
