//! Opus (RFC 6716), by the crate `rusty-opus`.

use rusty_opus::OpusDecoder;

use super::{PacketDecoder, Undecoded};
use crate::DecodeError;

const RATE_HZ: i32 = 48_000;
/// A packet has 120 ms at most.
const SAMPLES_MAX: usize = 5_760;

pub(super) struct Opus {
    decoder: OpusDecoder,
    pcm: Vec<f32>,
    /// What each sample is multiplied by.
    factor: f32,
}

impl Opus {
    /// Louder by `gain` 256ths of a decibel (RFC 7845 section 5.1).
    pub fn new(gain: i16) -> Result<Opus, DecodeError> {
        Ok(Opus {
            decoder: OpusDecoder::new(RATE_HZ, 1).map_err(|_| DecodeError::Damaged)?,
            pcm: vec![0.0; SAMPLES_MAX],
            factor: 32_768.0 * 10f32.powf(f32::from(gain) / (20.0 * 256.0)),
        })
    }
}

impl PacketDecoder for Opus {
    fn decode(&mut self, packet: &[u8], samples: &mut Vec<i16>) -> Result<u32, Undecoded> {
        // To the decoder no octets are a packet that was lost.
        if packet.is_empty() {
            return Err(Undecoded);
        }
        let count = self.decoder.decode(packet, SAMPLES_MAX, &mut self.pcm);
        let pcm = self.pcm.get(..count.map_err(|_| Undecoded)?);
        let louder = pcm.ok_or(Undecoded)?.iter().map(|s| s * self.factor);
        samples.extend(louder.map(|sample| sample.round() as i16));
        Ok(RATE_HZ as u32)
    }
}
