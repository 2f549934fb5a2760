//! How a stream of AAC is decoded (ISO 14496-3 section 1.6.2.1).

use crate::DecodeError;
use crate::bits::HighFirst;

/// AAC-LC with 1,024 samples a frame, of so many samples a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AudioSpecificConfig {
    pub rate_hz: u32,
    /// One or two.
    pub channels: u8,
}

const RATES_HZ: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// Object types: LC, and the same with high frequencies (SBR) and a second channel (PS) as parameters, which a telephone does not need.
const LC: u32 = 2;
const SBR: u32 = 5;
const PS: u32 = 29;

impl AudioSpecificConfig {
    /// By the numbers that stand for rate and channels.
    pub fn of(rate_index: u8, channels: u8) -> Result<AudioSpecificConfig, DecodeError> {
        let rate_hz = RATES_HZ.get(usize::from(rate_index)).copied();
        AudioSpecificConfig::checked(rate_hz.ok_or(DecodeError::Damaged)?, channels)
    }

    fn checked(rate_hz: u32, channels: u8) -> Result<AudioSpecificConfig, DecodeError> {
        match channels {
            1 | 2 => Ok(AudioSpecificConfig { rate_hz, channels }),
            _ => Err(DecodeError::Unsupported("AAC of more than two channels")),
        }
    }

    /// As it stands in a file.
    pub fn read(config: &[u8]) -> Result<AudioSpecificConfig, DecodeError> {
        let mut bits = HighFirst::new(config);
        let read = || {
            let mut kind = object_type(&mut bits)?;
            let rate_hz = rate(&mut bits)?;
            let channels = bits.read(4)?;
            if kind == SBR || kind == PS {
                rate(&mut bits)?;
                kind = object_type(&mut bits)?;
            }
            let short_frames = bits.read(1)?;
            Some((kind, rate_hz, channels as u8, short_frames))
        };
        match { read }() {
            Some((LC, rate_hz, channels, 0)) => AudioSpecificConfig::checked(rate_hz, channels),
            Some(_) => Err(DecodeError::Unsupported("AAC of another profile than LC")),
            None => Err(DecodeError::Damaged),
        }
    }
}

fn object_type(bits: &mut HighFirst<'_>) -> Option<u32> {
    match bits.read(5)? {
        31 => Some(32 + bits.read(6)?),
        kind => Some(kind),
    }
}

fn rate(bits: &mut HighFirst<'_>) -> Option<u32> {
    match bits.read(4)? {
        15 => bits.read(24),
        index => RATES_HZ.get(index as usize).copied(),
    }
}
