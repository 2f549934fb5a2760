//! AMR narrow-band (3GPP TS 26.071), by the crate `rvoip-codec-core`.

use codec_core::codecs::amr::nb::bitstream;
use codec_core::codecs::amr::nb::decoder::Decoder;
use codec_core::codecs::amr::nb::dtx::RxFrameType;

use super::{PacketDecoder, Undecoded};
use crate::file::amr_frame_len;

const RATE_HZ: u32 = 8_000;
/// The frame type of a description of silence.
const SID: u8 = 8;

pub(super) struct Amr {
    decoder: Decoder,
    /// The last mode of speech, for frames that have none of their own.
    mode: u8,
}

impl Amr {
    pub fn new() -> Amr {
        Amr {
            decoder: Decoder::new(),
            mode: 0,
        }
    }

    /// The 160 samples of a frame, without its first octet.
    fn frame(&mut self, first: u8, data: &[u8]) -> Option<[i16; 160]> {
        let kind = first >> 3 & 0xf;
        let intact = first & 4 != 0;
        let (received, parameters) = match kind {
            0..SID => {
                self.mode = kind;
                let received = match intact {
                    true => RxFrameType::SpeechGood,
                    false => RxFrameType::SpeechBad,
                };
                (received, bitstream::parse(kind, data)?)
            }
            SID => {
                let header = bitstream::parse_sid_header(data)?;
                self.mode = header.mode_index & 7;
                match (intact, header.update) {
                    (true, false) => (RxFrameType::SidFirst, Vec::new()),
                    (true, true) => (RxFrameType::SidUpdate, bitstream::parse(SID, data)?),
                    (false, _) => (RxFrameType::SidBad, bitstream::parse(SID, data)?),
                }
            }
            _ => (RxFrameType::NoData, Vec::new()),
        };
        let decoder = &mut self.decoder;
        Some(decoder.decode_typed(received, self.mode, &parameters))
    }
}

impl PacketDecoder for Amr {
    /// A packet of MP4 may hold several frames, each behind an octet that says its mode.
    fn decode(&mut self, packet: &[u8], samples: &mut Vec<i16>) -> Result<u32, Undecoded> {
        let mut rest = packet;
        while let Some((&first, behind)) = rest.split_first() {
            let len = amr_frame_len(first).ok_or(Undecoded)?;
            let (data, next) = behind.split_at_checked(len).ok_or(Undecoded)?;
            samples.extend(self.frame(first, data).ok_or(Undecoded)?);
            rest = next;
        }
        Ok(RATE_HZ)
    }
}
