//! Sound of other kinds than a telephone's: other rates, wider samples, the compressed kinds of WAV files.
//!
//! It is entered anywhere: [`Foreign::decode`] makes any range of its samples without those before, so that an hour of sound costs no
//! more memory than what is asked for, and every range has the samples that the whole has there. What it makes is 8 kHz, one channel.

mod blocks;
mod frames;
mod gsm;
mod ima;
mod microsoft;
mod resample;
mod stretches;

pub use blocks::AdpcmKind;
pub use frames::{Frames, Sample};
pub use gsm::GsmPacking;
pub use resample::Resampler;

use crate::SAMPLE_RATE_HZ;
use crate::g726::{Adpcm, NibbleOrder};
use blocks::Blocks;
use std::ops::Range;
use stretches::Stretches;

/// Most channels that are mixed down.
pub const CHANNELS_MAX: u16 = 8;
/// Lowest rate. One below is a damaged number, and would make a long sound of few octets.
pub const RATE_HZ_MIN: u32 = 4_000;
/// Highest rate.
pub const RATE_HZ_MAX: u32 = 192_000;
/// Samples that are resampled at once.
const PIECE: u64 = 8_192;

/// How such sound is written down. Only what can be decoded has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Foreign {
    written: Written,
    rate_hz: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Written {
    Frames(Frames),
    Adpcm(NibbleOrder),
    Blocks(Blocks),
    Gsm(GsmPacking),
}

impl Foreign {
    /// Frames, so many a second; `None` beyond the limits.
    pub fn frames(frames: Frames, rate_hz: u32) -> Option<Foreign> {
        let few = (1..=CHANNELS_MAX).contains(&frames.channels);
        Foreign::of(Written::Frames(frames), rate_hz).filter(|_| few)
    }

    /// G.726 at 32 kbit/s for 8 kHz, here for so many samples a second; `None` beyond the limits.
    pub fn adpcm(order: NibbleOrder, rate_hz: u32) -> Option<Foreign> {
        Foreign::of(Written::Adpcm(order), rate_hz)
    }

    /// ADPCM of WAV files, in blocks of `align` octets; `None` beyond the limits.
    pub fn blocks(kind: AdpcmKind, channels: u16, align: u16, rate_hz: u32) -> Option<Foreign> {
        let blocks = Blocks::new(kind, channels, align)?;
        Foreign::of(Written::Blocks(blocks), rate_hz)
    }

    /// GSM 06.10; `None` beyond the limits. At less than the 8 kHz that it was made for few octets would make much sound.
    pub fn gsm(packing: GsmPacking, rate_hz: u32) -> Option<Foreign> {
        Foreign::of(Written::Gsm(packing), rate_hz).filter(|_| rate_hz >= SAMPLE_RATE_HZ)
    }

    fn of(written: Written, rate_hz: u32) -> Option<Foreign> {
        let usual = (RATE_HZ_MIN..=RATE_HZ_MAX).contains(&rate_hz);
        usual.then_some(Foreign { written, rate_hz })
    }

    /// Samples at 8 kHz that so many octets hold.
    pub fn samples(self, octets: u64) -> u64 {
        let own = self.written.samples(octets);
        scaled(own, SAMPLE_RATE_HZ, self.rate_hz).0
    }

    /// Octets that hold so many samples at 8 kHz.
    pub fn octets(self, samples: u64) -> u64 {
        let (own, more) = scaled(samples, self.rate_hz, SAMPLE_RATE_HZ);
        self.written.octets(own + u64::from(more > 0))
    }

    /// Appends a range of the samples of `codes`, which are all there are. A range beyond the end is cut.
    pub fn decode(self, codes: &[u8], range: Range<u64>, samples: &mut Vec<i16>) {
        let end = range.end.min(self.samples(codes.len() as u64));
        let range = range.start.min(end)..end;
        if self.rate_hz == SAMPLE_RATE_HZ {
            return self.written.decode(codes, range, samples);
        }
        let own = self.written.samples(codes.len() as u64);
        let source = |range: Range<u64>| {
            let mut samples = Vec::with_capacity((range.end - range.start) as usize);
            self.written.decode(codes, range, &mut samples);
            samples
        };
        // In pieces, so that what is held besides the outcome is little.
        let mut at = range.start;
        while at < range.end {
            let piece = at..range.end.min(at + PIECE);
            at = piece.end;
            resample::resample(source, own, self.rate_hz, piece, samples);
        }
    }
}

/// `n * to / from`, and what is left of the division. No product leaves 64 bits before the outcome does.
fn scaled(n: u64, to: u32, from: u32) -> (u64, u32) {
    let (to, from) = (u64::from(to), u64::from(from));
    let rest = n % from * to;
    (n / from * to + rest / from, (rest % from) as u32)
}

impl Written {
    /// Samples in its own rate.
    fn samples(self, octets: u64) -> u64 {
        match self {
            Written::Frames(frames) => octets / frames.len() as u64,
            Written::Adpcm(_) => octets * 2,
            Written::Blocks(blocks) => blocks.samples(octets),
            Written::Gsm(packing) => {
                octets / packing.block() as u64 * packing.block_samples() as u64
            }
        }
    }

    fn octets(self, samples: u64) -> u64 {
        match self {
            Written::Frames(frames) => samples * frames.len() as u64,
            Written::Adpcm(_) => samples.div_ceil(2),
            Written::Blocks(blocks) => blocks.octets(samples),
            Written::Gsm(packing) => {
                samples.div_ceil(packing.block_samples() as u64) * packing.block() as u64
            }
        }
    }

    /// Appends a range, which is there, in its own rate.
    fn decode(self, codes: &[u8], range: Range<u64>, samples: &mut Vec<i16>) {
        match self {
            Written::Frames(frames) => {
                let (from, to) = (self.octets(range.start), self.octets(range.end));
                frames.decode(&codes[from as usize..to as usize], samples);
            }
            Written::Adpcm(order) => {
                let decode =
                    |codes: &[u8], out: &mut Vec<i16>| Adpcm::new(order).decode(codes, out);
                stretches::decode(codes, ADPCM, range, samples, decode);
            }
            Written::Blocks(blocks) => blocks.decode(codes, range, samples),
            Written::Gsm(packing) => {
                let decode = |codes: &[u8], out: &mut Vec<i16>| gsm::decode(codes, packing, out);
                stretches::decode(codes, stretches_of_gsm(packing), range, samples, decode);
            }
        }
    }
}

/// Where G.726 is entered: it forgets what was before within a fraction of the second that is gone through first.
const ADPCM: Stretches = Stretches {
    octets: 16_384,
    ahead: 8_192,
    block: 1,
    block_samples: 2,
};

/// Where GSM is entered: a third of a second ahead or more.
fn stretches_of_gsm(packing: GsmPacking) -> Stretches {
    let block = packing.block();
    Stretches {
        octets: 128 * block,
        ahead: 16 * block,
        block,
        block_samples: packing.block_samples(),
    }
}

#[cfg(test)]
mod tests;
