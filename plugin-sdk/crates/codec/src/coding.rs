//! Sound that comes in pieces: how it is written down, and a decoder that goes on where the piece before ended.

use crate::g726::{Adpcm, NibbleOrder};
use crate::wav::Format;

/// How the samples of a recording are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// G.726 at 32 kbit/s: two samples an octet. What a code means depends on all before it.
    Adpcm(NibbleOrder),
    /// Frames of a WAV file, or of G.711 without one. Each stands for itself.
    Frames(Format),
}

impl Coding {
    /// Samples that so many octets hold; an unfinished frame holds none.
    pub fn samples(self, octets: u64) -> u64 {
        match self {
            Self::Adpcm(_) => octets * 2,
            Self::Frames(format) => octets / format.frame_len() as u64,
        }
    }

    /// Octets that hold so many samples.
    pub fn octets(self, samples: u64) -> u64 {
        match self {
            Self::Adpcm(_) => samples.div_ceil(2),
            Self::Frames(format) => samples * format.frame_len() as u64,
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
    /// Before the first octet.
    pub fn new(coding: Coding) -> Self {
        match coding {
            Coding::Adpcm(order) => Self::Adpcm(Adpcm::new(order)),
            Coding::Frames(format) => Self::Frames(format),
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
                let (mut decoder, mut samples) = (Decoder::new(Coding::Adpcm(order)), Vec::new());
                for codes in codes.chunks(piece) {
                    decoder.decode(codes, &mut samples);
                }
                assert_eq!(samples, whole);
            }
            let (mut decoder, mut end) = (Decoder::new(Coding::Adpcm(order)), Vec::new());
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
        Decoder::new(Coding::Frames(Format::MU_LAW)).decode(&[0x80, 0], &mut samples);
        assert_eq!(samples, g711::decode_mu_law(&[0x80, 0]));
    }
}
