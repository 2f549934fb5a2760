//! What symphonia decodes: MP3 and AAC, and Vorbis for its neighbour.

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_MP3};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};
use symphonia::default::codecs::{AacDecoder, MpaDecoder};

use super::{PacketDecoder, Undecoded, mix};
use crate::DecodeError;
use crate::file::AudioSpecificConfig;

/// One of symphonia's decoders.
pub(super) struct Symphonia<D> {
    decoder: D,
    interleaved: Vec<i16>,
}

impl<D: AudioDecoder> Symphonia<D> {
    pub fn new(decoder: symphonia::core::errors::Result<D>) -> Result<Self, DecodeError> {
        Ok(Symphonia {
            decoder: decoder.map_err(|_| DecodeError::Damaged)?,
            interleaved: Vec::new(),
        })
    }
}

impl<D: AudioDecoder> PacketDecoder for Symphonia<D> {
    fn decode(&mut self, packet: &[u8], samples: &mut Vec<i16>) -> Result<u32, Undecoded> {
        let packet = PacketRef::new(0, Timestamp::ZERO, Duration::ZERO, packet);
        let decoded = self.decoder.decode_ref(&packet).map_err(|_| Undecoded)?;
        decoded.copy_to_vec_interleaved(&mut self.interleaved);
        let spec = decoded.spec();
        mix(&self.interleaved, spec.channels().count(), samples);
        Ok(spec.rate())
    }
}

/// A packet is a frame with its header, which says all that there is to know.
pub(super) fn mp3() -> Result<Symphonia<MpaDecoder>, DecodeError> {
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(CODEC_ID_MP3);
    Symphonia::new(MpaDecoder::try_new(
        &parameters,
        &AudioDecoderOptions::default(),
    ))
}

pub(super) fn aac(config: AudioSpecificConfig) -> Result<Symphonia<AacDecoder>, DecodeError> {
    let mut parameters = AudioCodecParameters::new();
    parameters
        .for_codec(CODEC_ID_AAC)
        .with_sample_rate(config.rate_hz)
        .with_channels(Channels::Discrete(u16::from(config.channels)));
    Symphonia::new(AacDecoder::try_new(
        &parameters,
        &AudioDecoderOptions::default(),
    ))
}
