//! The ADPCM of WAV files: blocks that stand for themselves, each with a head for every channel and then four bits a sample.

use super::{ima, microsoft};
use std::ops::Range;

/// Blocks of so many octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Blocks {
    kind: AdpcmKind,
    channels: u16,
    align: u16,
}

/// What stands in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdpcmKind {
    /// IMA, format tag 0x11.
    Ima,
    /// Microsoft, format tag 2, with the seven usual predictors.
    Microsoft,
}

impl AdpcmKind {
    /// Octets of the head of a channel, and the samples in it.
    const fn head(self) -> (u64, u64) {
        match self {
            Self::Ima => (4, 1),
            Self::Microsoft => (7, 2),
        }
    }

    /// Octets that follow each other for one channel before those of the next come, or for all channels that share them; and how many
    /// samples of a channel there are in them.
    const fn group(self, channels: u64) -> (u64, u64) {
        match self {
            Self::Ima => (4 * channels, 8),
            Self::Microsoft if channels == 1 => (1, 2),
            Self::Microsoft => (1, 1),
        }
    }
}

impl Blocks {
    /// `align` octets a block; `None` if no head fits into it, or the end of it is a part of a group.
    pub(super) fn new(kind: AdpcmKind, channels: u16, align: u16) -> Option<Blocks> {
        let blocks = Blocks {
            kind,
            channels,
            align,
        };
        let channels_max = match kind {
            AdpcmKind::Ima => super::CHANNELS_MAX,
            AdpcmKind::Microsoft => 2,
        };
        let few = (1..=channels_max).contains(&channels);
        let behind = few.then(|| u64::from(align).checked_sub(blocks.head()))??;
        let (octets, _) = kind.group(u64::from(channels));
        behind.is_multiple_of(octets).then_some(blocks)
    }

    /// Octets of the heads of all channels.
    fn head(self) -> u64 {
        self.kind.head().0 * u64::from(self.channels)
    }

    fn block_samples(self) -> u64 {
        self.in_block(u64::from(self.align))
    }

    /// Samples in so many octets of a block.
    fn in_block(self, octets: u64) -> u64 {
        let (group, samples) = self.kind.group(u64::from(self.channels));
        match octets.checked_sub(self.head()) {
            None => 0,
            Some(behind) => self.kind.head().1 + behind / group * samples,
        }
    }

    pub(super) fn samples(self, octets: u64) -> u64 {
        let align = u64::from(self.align);
        octets / align * self.block_samples() + self.in_block(octets % align)
    }

    pub(super) fn octets(self, samples: u64) -> u64 {
        let (group, each) = self.kind.group(u64::from(self.channels));
        let begun = match samples % self.block_samples() {
            0 => 0,
            more => self.head() + more.saturating_sub(self.kind.head().1).div_ceil(each) * group,
        };
        samples / self.block_samples() * u64::from(self.align) + begun
    }

    /// Appends a range of the samples of `codes`, which is there.
    pub(super) fn decode(self, codes: &[u8], range: Range<u64>, samples: &mut Vec<i16>) {
        let (each, channels) = (self.block_samples(), usize::from(self.channels));
        let mut sums = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let block = at / each;
            let start = (block * u64::from(self.align)) as usize;
            let end = (start + usize::from(self.align)).min(codes.len());
            let codes = &codes[start..end];
            // The sums over the channels of each sample of the block, which may break off.
            sums.clear();
            sums.resize(self.in_block(codes.len() as u64) as usize, 0);
            match self.kind {
                AdpcmKind::Ima => ima::add(codes, channels, &mut sums),
                AdpcmKind::Microsoft => microsoft::add(codes, channels, &mut sums),
            }
            let last = range.end.min((block + 1) * each);
            let within = (at - block * each) as usize..(last - block * each) as usize;
            let mixed = sums[within]
                .iter()
                .map(|sum| sum / i32::from(self.channels));
            samples.extend(mixed.map(|sum| sum as i16));
            at = last;
        }
    }
}
