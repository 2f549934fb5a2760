//! Sound that comes in pieces: how it is written down, and a decoder that goes on where the piece before ended.

use crate::foreign::Foreign;
use crate::g726::{Adpcm, NibbleOrder};
use crate::wav::Format;
use std::ops::Range;

/// How the samples of a recording are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// G.726 at 32 kbit/s: two samples an octet. What a code means depends on all before it.
    Adpcm(NibbleOrder),
    /// Frames of a WAV file, or of G.711 without one. Each stands for itself.
    Frames(Format),
    /// Of another kind than a telephone's, or of another rate. It is entered anywhere, with all of it at hand.
    Foreign(Foreign),
}

impl Coding {
    /// Samples that so many octets hold; an unfinished frame holds none.
    pub fn samples(self, octets: u64) -> u64 {
        match self {
            Self::Adpcm(_) => octets * 2,
            Self::Frames(format) => octets / format.frame_len() as u64,
            Self::Foreign(foreign) => foreign.samples(octets),
        }
    }

    /// Octets that hold so many samples.
    pub fn octets(self, samples: u64) -> u64 {
        match self {
            Self::Adpcm(_) => samples.div_ceil(2),
            Self::Frames(format) => samples * format.frame_len() as u64,
            Self::Foreign(foreign) => foreign.octets(samples),
        }
    }

    /// Appends a range of the samples that `codes` hold, which are all there are. Only G.726 goes through what is before it. A range
    /// beyond the end is cut.
    pub fn decode(self, codes: &[u8], range: Range<u64>, samples: &mut Vec<i16>) {
        let end = range.end.min(self.samples(codes.len() as u64));
        let start = range.start.min(end);
        let octets = |samples| self.octets(samples) as usize;
        match self {
            Self::Foreign(foreign) => foreign.decode(codes, start..end, samples),
            Self::Frames(format) => format.decode(&codes[octets(start)..octets(end)], samples),
            Self::Adpcm(order) => {
                let (mut adpcm, ahead) = (Adpcm::new(order), start / 2);
                adpcm.skip(&codes[..ahead as usize]);
                let mut both = Vec::with_capacity((end - ahead * 2) as usize + 1);
                adpcm.decode(&codes[ahead as usize..octets(end)], &mut both);
                let from = (start - ahead * 2) as usize;
                samples.extend_from_slice(&both[from..(end - ahead * 2) as usize]);
            }
        }
    }
}

/// Decodes a recording piece by piece. A clone is a place to come back to.
#[derive(Clone, Debug)]
pub enum Decoder {
    /// Of G.726.
    Adpcm(Adpcm),
    /// Of frames; it has no memory.
    Frames(Format),
}

impl Decoder {
    /// Before the first octet; `None` of [foreign](Coding::Foreign) sound, which [`Coding::decode`] decodes. So a page, which is only
    /// sent what [travels](crate::stored::travels()), need not carry what decodes the rest.
    pub fn new(coding: Coding) -> Option<Self> {
        match coding {
            Coding::Adpcm(order) => Some(Self::Adpcm(Adpcm::new(order))),
            Coding::Frames(format) => Some(Self::Frames(format)),
            Coding::Foreign(_) => None,
        }
    }

    /// [`Coding::samples`] of what this decodes.
    pub(crate) fn samples(&self, octets: u64) -> u64 {
        match self {
            Self::Adpcm(_) => octets * 2,
            Self::Frames(format) => octets / format.frame_len() as u64,
        }
    }

    /// [`Coding::octets`] of what this decodes.
    pub(crate) fn octets(&self, samples: u64) -> u64 {
        match self {
            Self::Adpcm(_) => samples.div_ceil(2),
            Self::Frames(format) => samples * format.frame_len() as u64,
        }
    }

    /// Appends the samples of the next `codes`, which hold whole frames.
    pub fn decode(&mut self, codes: &[u8], samples: &mut Vec<i16>) {
        match self {
            Self::Adpcm(adpcm) => adpcm.decode(codes, samples),
            Self::Frames(format) => format.decode(codes, samples),
        }
    }

    /// Goes past `codes` without giving their samples.
    pub fn skip(&mut self, codes: &[u8]) {
        if let Self::Adpcm(adpcm) = self {
            adpcm.skip(codes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{g711, g726};

    #[test]
    fn pieces_of_any_length_decode_as_the_whole_does() {
        let codes: Vec<u8> = (0..9_000u32).map(|n| ((n * n) >> 5) as u8).collect();
        for order in [NibbleOrder::LowFirst, NibbleOrder::HighFirst] {
            let whole = g726::decode(&codes, order);
            for piece in [1, 7, 4_000] {
                let (mut decoder, mut samples) =
                    (Decoder::new(Coding::Adpcm(order)).unwrap(), Vec::new());
                for codes in codes.chunks(piece) {
                    decoder.decode(codes, &mut samples);
                }
                assert_eq!(samples, whole);
            }
            let (mut decoder, mut end) = (Decoder::new(Coding::Adpcm(order)).unwrap(), Vec::new());
            decoder.skip(&codes[..8_000]);
            decoder.clone().decode(&codes[8_000..], &mut end);
            assert_eq!(end, whole[16_000..]);
        }
    }

    #[test]
    fn lengths_are_known_without_decoding() {
        let adpcm = Coding::Adpcm(NibbleOrder::default());
        assert_eq!((adpcm.samples(7), adpcm.octets(13)), (14, 7));
        let words = Coding::Frames(Format::PCM);
        assert_eq!((words.samples(7), words.octets(13)), (3, 26));
        let mut samples = Vec::new();
        let decoder = Decoder::new(Coding::Frames(Format::MU_LAW));
        decoder.unwrap().decode(&[0x80, 0], &mut samples);
        assert_eq!(samples, g711::decode_mu_law(&[0x80, 0]));
    }

    #[test]
    fn any_range_is_what_the_whole_has_there() {
        let codes: Vec<u8> = (0..3_000u32).map(|n| ((n * n) >> 4) as u8).collect();
        for coding in [
            Coding::Adpcm(NibbleOrder::HighFirst),
            Coding::Frames(Format::PCM),
        ] {
            let mut whole = Vec::new();
            coding.decode(&codes, 0..u64::MAX, &mut whole);
            assert_eq!(whole.len() as u64, coding.samples(3_000));
            for (from, to) in [
                (0, 1),
                (1, 2),
                (7, 900),
                (1_001, 1_400),
                (1_499, 9_000),
                (9_000, 9_001),
            ] {
                let mut part = Vec::new();
                coding.decode(&codes, from..to, &mut part);
                let to = whole.len().min(to as usize);
                assert_eq!(part, whole[to.min(from as usize)..to]);
            }
        }
    }
}
