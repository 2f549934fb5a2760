//! What a WAV file may hold: all that [`wav`] reads, wider samples, floating point, ADPCM, GSM, and other rates.

use super::FileError;
use crate::SAMPLE_RATE_HZ;
use crate::coding::Coding;
use crate::foreign::{AdpcmKind, Foreign, Frames, GsmPacking, Sample};
use crate::wav::{self, WavError};

const PCM: u16 = 1;
const MS_ADPCM: u16 = 2;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const IMA_ADPCM: u16 = 0x11;
const GSM: u16 = 0x31;
const EXTENSIBLE: u16 = 0xfffe;

pub(super) fn read(file: &[u8]) -> Result<(Coding, &[u8]), FileError> {
    let telephone = wav::frames(file);
    if let Ok((format, frames)) = telephone
        && format.rate_hz() == SAMPLE_RATE_HZ
    {
        return Ok((Coding::Frames(format), frames));
    }
    let chunks = wav::chunks(file).map_err(FileError::Wav)?;
    let format = Described::read(chunks.format).ok_or(FileError::Wav(WavError::NotWav))?;
    let foreign = format.foreign()?;
    Ok((Coding::Foreign(foreign), chunks.data))
}

/// The `fmt ` chunk.
struct Described {
    tag: u16,
    channels: u16,
    rate_hz: u32,
    /// Octets of a frame, or of a block.
    align: u16,
    bits: u16,
}

impl Described {
    fn read(chunk: &[u8]) -> Option<Described> {
        let word = |at: usize| Some(u16::from_le_bytes(chunk.get(at..at + 2)?.try_into().ok()?));
        let rate_hz = u32::from_le_bytes(chunk.get(4..8)?.try_into().ok()?);
        Some(Described {
            tag: match word(0)? {
                // The first two bytes of the sub-format GUID are the tag that would stand here.
                EXTENSIBLE => word(24)?,
                tag => tag,
            },
            channels: word(2)?,
            rate_hz,
            align: word(12)?,
            bits: word(14)?,
        })
    }

    fn foreign(&self) -> Result<Foreign, FileError> {
        let unsupported = FileError::Wav(WavError::Unsupported {
            tag: self.tag,
            bits: self.bits,
            channels: self.channels,
        });
        let rate = FileError::Rate {
            rate_hz: self.rate_hz,
        };
        match (self.tag, self.bits) {
            (MS_ADPCM | IMA_ADPCM, 4) => {
                let kind = match self.tag {
                    IMA_ADPCM => AdpcmKind::Ima,
                    _ => AdpcmKind::Microsoft,
                };
                let of = |rate_hz| Foreign::blocks(kind, self.channels, self.align, rate_hz);
                let unfit = of(SAMPLE_RATE_HZ).map_or(unsupported, |_| rate);
                return of(self.rate_hz).ok_or(unfit);
            }
            (GSM, _) if self.channels == 1 => {
                return Foreign::gsm(GsmPacking::Wav, self.rate_hz).ok_or(rate);
            }
            _ => {}
        }
        let sample = self.sample().ok_or(unsupported)?;
        if !(1..=crate::foreign::CHANNELS_MAX).contains(&self.channels) {
            return Err(unsupported);
        }
        let frames = Frames {
            sample,
            channels: self.channels,
        };
        Foreign::frames(frames, self.rate_hz).ok_or(rate)
    }

    fn sample(&self) -> Option<Sample> {
        // 24 bits may lie in the upper octets of 32.
        let align = usize::from(self.align);
        let four = align == 4 * usize::from(self.channels);
        let signed = |width| Sample::Signed {
            width,
            big_endian: false,
        };
        let float = |double| Sample::Float {
            double,
            big_endian: false,
        };
        Some(match (self.tag, self.bits) {
            (PCM, 1..=8) => Sample::Unsigned8,
            (PCM, 9..=16) => signed(2),
            (PCM, 17..=24) if !four => signed(3),
            (PCM, 17..=32) => signed(4),
            (FLOAT, 32) => float(false),
            (FLOAT, 64) => float(true),
            (MU_LAW, _) if self.bits == 8 || align == usize::from(self.channels) => Sample::MuLaw,
            (A_LAW, _) if self.bits == 8 || align == usize::from(self.channels) => Sample::ALaw,
            _ => return None,
        })
    }
}
