//! What turns packets into samples, each codec by its decoder.

mod amr;
mod mpeg;
mod opus;
mod vorbis;

use crate::DecodeError;
use crate::file::Codec;

/// A packet that cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Undecoded;

/// A decoder between two packets.
pub(crate) trait PacketDecoder {
    /// Appends the samples of a packet, mixed to one channel; says how many there are in a second.
    fn decode(&mut self, packet: &[u8], samples: &mut Vec<i16>) -> Result<u32, Undecoded>;
}

/// The decoder of a codec, before the first packet.
pub(crate) fn of(codec: Codec) -> Result<Box<dyn PacketDecoder>, DecodeError> {
    Ok(match codec {
        Codec::Mp3 => Box::new(mpeg::mp3()?),
        Codec::Aac(config) => Box::new(mpeg::aac(config)?),
        Codec::Vorbis {
            identification,
            setup,
        } => Box::new(vorbis::decoder(&identification, &setup)?),
        Codec::Opus { gain } => Box::new(opus::Opus::new(gain)?),
        Codec::Amr => Box::new(amr::Amr::new()),
    })
}

/// Appends the mean of each frame, which has so many channels.
fn mix(interleaved: &[i16], channels: usize, samples: &mut Vec<i16>) {
    if channels == 1 {
        samples.extend_from_slice(interleaved);
        return;
    }
    let frames = interleaved.chunks_exact(channels.max(1));
    samples.extend(frames.map(|frame| {
        let sum: i32 = frame.iter().map(|sample| i32::from(*sample)).sum();
        (sum / channels as i32) as i16
    }));
}
