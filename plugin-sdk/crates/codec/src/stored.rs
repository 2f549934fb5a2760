//! Stored sound as it travels to a client: the codes as they lie on the server, behind a short head.
//!
//! | octets | what |
//! |---|---|
//! | 4 | `CPS1` |
//! | 2 | how many recordings follow each other, little-endian |
//! | 5 for each recording | its coding, then its samples as 32 bits, little-endian |
//! | the rest | the codes of each recording in turn |
//!
//! Codings: 1 G.726 with the earlier code in bits 0-3, 2 with it in bits 4-7, 3 µ-law, 4 A-law, 5 PCM of 16 bits, little-endian; all
//! 8 kHz and one channel. G.726 begins anew with each recording. A minute of it is 240 kB where a WAV file has 960.

use crate::coding::{Coding, Decoder};
use crate::g726::NibbleOrder;
use crate::wav::Format;
use std::fmt;

/// What such sound begins with.
pub const MAGIC: [u8; 4] = *b"CPS1";
/// Its media type.
pub const MEDIA_TYPE: &str = "audio/vnd.callpilot.stored";
const COUNT_END: usize = 6;
const ENTRY: usize = 5;

/// The number of a coding; `None`: it travels as PCM.
fn number(coding: Coding) -> Option<u8> {
    match coding {
        Coding::Adpcm(NibbleOrder::LowFirst) => Some(1),
        Coding::Adpcm(NibbleOrder::HighFirst) => Some(2),
        Coding::Frames(Format::MU_LAW) => Some(3),
        Coding::Frames(Format::A_LAW) => Some(4),
        Coding::Frames(Format::PCM) => Some(5),
        Coding::Frames(_) | Coding::Foreign(_) => None,
    }
}

fn coding(number: u8) -> Option<Coding> {
    Some(match number {
        1 => Coding::Adpcm(NibbleOrder::LowFirst),
        2 => Coding::Adpcm(NibbleOrder::HighFirst),
        3 => Coding::Frames(Format::MU_LAW),
        4 => Coding::Frames(Format::A_LAW),
        5 => Coding::Frames(Format::PCM),
        _ => return None,
    })
}

/// Whether codes of this kind travel as they are; others are decoded to PCM of 16 bits first.
pub fn travels(coding: Coding) -> bool {
    number(coding).is_some()
}

/// The head of these recordings, each with its samples. What does not [travel](travels()) is announced as PCM.
pub fn head(recordings: &[(Coding, u64)]) -> Vec<u8> {
    let count = u16::try_from(recordings.len()).unwrap_or(u16::MAX);
    let mut head = MAGIC.to_vec();
    head.extend(count.to_le_bytes());
    for &(coding, samples) in &recordings[..usize::from(count)] {
        head.push(number(coding).unwrap_or(5));
        head.extend(u32::try_from(samples).unwrap_or(u32::MAX).to_le_bytes());
    }
    head
}

/// So many samples are announced by whoever does not know yet how many will come: the recording ends where the octets do.
pub const SAMPLES_UNKNOWN: u32 = u32::MAX;

/// The codes of stored sound that is one recording of G.726 with the earlier code in bits 0-3, as VPIM has it; `None` for anything else. What is
/// announced and has not come is not there.
pub fn adpcm(octets: &[u8]) -> Option<&[u8]> {
    let rest = octets.strip_prefix(&MAGIC)?;
    let [1, 0, 1, a, b, c, d, codes @ ..] = rest else {
        return None;
    };
    let samples = u32::from_le_bytes([*a, *b, *c, *d]);
    let announced = usize::try_from(samples / 2).unwrap_or(usize::MAX);
    Some(&codes[..announced.min(codes.len())])
}

/// Why octets are not stored sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredError {
    /// They begin otherwise.
    NotStored,
    /// A recording has a coding of a later version.
    Unsupported {
        /// Its number.
        coding: u8,
    },
}

impl fmt::Display for StoredError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStored => f.write_str("this is not stored sound"),
            Self::Unsupported { coding } => {
                write!(
                    f,
                    "the stored sound has coding {coding}, which cannot be decoded"
                )
            }
        }
    }
}

impl std::error::Error for StoredError {}

/// Decodes stored sound while it comes. What it holds besides the head is a frame at most.
#[derive(Debug, Default)]
pub struct StoredDecoder {
    /// What has come and is not decoded yet: a part of the head, or of a frame.
    ahead: Vec<u8>,
    recordings: Option<Vec<(Coding, u32)>>,
    /// The recording that is being decoded, and the octets of it that are to come.
    present: Option<(Decoder, u64)>,
    next: usize,
}

impl StoredDecoder {
    /// Before the first octet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Samples in all, as soon as the head has come.
    pub fn samples(&self) -> Option<u64> {
        let recordings = self.recordings.as_ref()?;
        Some(recordings.iter().map(|(_, n)| u64::from(*n)).sum())
    }

    /// Takes the next octets and appends their samples.
    ///
    /// # Errors
    /// They are not stored sound, or not of a kind that is known here.
    pub fn push(&mut self, octets: &[u8], samples: &mut Vec<i16>) -> Result<(), StoredError> {
        if self.recordings.is_some() && self.ahead.is_empty() {
            let rest = self.decode(octets, samples);
            self.ahead = octets[rest..].to_vec();
            return Ok(());
        }
        let mut ahead = std::mem::take(&mut self.ahead);
        ahead.extend_from_slice(octets);
        let mut read = 0;
        if self.recordings.is_none() {
            let (recordings, head_len) = match read_head(&ahead)? {
                Some(read) => read,
                None => {
                    self.ahead = ahead;
                    return Ok(());
                }
            };
            self.recordings = Some(recordings);
            read = head_len;
        }
        read += self.decode(&ahead[read..], samples);
        ahead.drain(..read);
        self.ahead = ahead;
        Ok(())
    }

    /// Decodes what whole frames there are; returns how many octets that took. Octets behind the last recording are dropped.
    fn decode(&mut self, octets: &[u8], samples: &mut Vec<i16>) -> usize {
        let mut read = 0;
        loop {
            let Some((decoder, left)) = &mut self.present else {
                let recordings = self.recordings.as_deref().unwrap_or_default();
                let Some(&(coding, count)) = recordings.get(self.next) else {
                    return octets.len();
                };
                self.next += 1;
                self.present = Decoder::new(coding).map(|decoder| {
                    let left = decoder.octets(u64::from(count));
                    (decoder, left)
                });
                continue;
            };
            if *left == 0 {
                self.present = None;
                continue;
            }
            let here = (octets.len() - read).min(usize::try_from(*left).unwrap_or(usize::MAX));
            let whole = decoder.octets(decoder.samples(here as u64)) as usize;
            if whole == 0 {
                return read;
            }
            decoder.decode(&octets[read..read + whole], samples);
            *left -= whole as u64;
            read += whole;
        }
    }
}

/// A head, as far as it can be read: its recordings and its length.
type Head = (Vec<(Coding, u32)>, usize);

/// The head, if all of it is there.
fn read_head(octets: &[u8]) -> Result<Option<Head>, StoredError> {
    let beginning = octets.len().min(MAGIC.len());
    if octets[..beginning] != MAGIC[..beginning] {
        return Err(StoredError::NotStored);
    }
    let Some(&[a, b]) = octets.get(MAGIC.len()..COUNT_END) else {
        return Ok(None);
    };
    let end = COUNT_END + ENTRY * usize::from(u16::from_le_bytes([a, b]));
    let Some(entries) = octets.get(COUNT_END..end) else {
        return Ok(None);
    };
    let recordings = entries.chunks_exact(ENTRY).map(|entry| {
        let coding = coding(entry[0]).ok_or(StoredError::Unsupported { coding: entry[0] })?;
        let samples = u32::from_le_bytes([entry[1], entry[2], entry[3], entry[4]]);
        Ok((coding, samples))
    });
    Ok(Some((recordings.collect::<Result<_, _>>()?, end)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{g711, g726};

    fn sound() -> (Vec<u8>, Vec<i16>) {
        let codes: Vec<u8> = (0..400u32).map(|n| ((n * n) >> 3) as u8).collect();
        let kinds = [
            (Coding::Adpcm(NibbleOrder::LowFirst), 800),
            (Coding::Frames(Format::MU_LAW), 400),
            (Coding::Frames(Format::PCM), 200),
            (Coding::Adpcm(NibbleOrder::HighFirst), 800),
            (Coding::Frames(Format::A_LAW), 0),
        ];
        let mut octets = head(&kinds);
        for _ in 0..4 {
            octets.extend(&codes);
        }
        let mut samples = g726::decode(&codes, NibbleOrder::LowFirst);
        samples.extend(g711::decode_mu_law(&codes));
        samples.extend(
            codes
                .chunks_exact(2)
                .map(|two| i16::from_le_bytes([two[0], two[1]])),
        );
        samples.extend(g726::decode(&codes, NibbleOrder::HighFirst));
        (octets, samples)
    }

    #[test]
    fn a_recording_of_vpim_is_found_however_much_was_announced() {
        let adpcm_head = |samples| {
            let mut head = head(&[(Coding::Adpcm(NibbleOrder::LowFirst), 0)]);
            head.truncate(COUNT_END + 1);
            head.extend(u32::to_le_bytes(samples));
            head
        };
        let sound = |samples| [&adpcm_head(samples)[..], &[7, 8, 9]].concat();
        assert_eq!(adpcm(&sound(6)), Some(&[7, 8, 9][..]));
        assert_eq!(adpcm(&sound(SAMPLES_UNKNOWN)), Some(&[7, 8, 9][..]));
        assert_eq!(adpcm(&sound(4)), Some(&[7, 8][..]));
        assert_eq!(adpcm(&adpcm_head(4)), Some(&[][..]));
        for other in [
            &b"RIFF"[..],
            &head(&[(Coding::Frames(Format::MU_LAW), 3)]),
            &head(&[(Coding::Adpcm(NibbleOrder::LowFirst), 3); 2]),
            &adpcm_head(4)[..9],
        ] {
            assert_eq!(adpcm(other), None);
        }
    }

    #[test]
    fn whatever_the_pieces_the_samples_are_the_same() {
        let (octets, expected) = sound();
        for piece in [1, 2, 3, 5, 13, 401, octets.len()] {
            let (mut decoder, mut samples) = (StoredDecoder::new(), Vec::new());
            for octets in octets.chunks(piece) {
                decoder.push(octets, &mut samples).unwrap();
            }
            assert_eq!(samples, expected, "pieces of {piece}");
            assert_eq!(decoder.samples(), Some(expected.len() as u64));
        }
    }

    #[test]
    fn what_is_cut_off_or_has_more_behind_it_is_decoded_as_far_as_it_goes() {
        let (mut octets, expected) = sound();
        for end in 0..octets.len() {
            let (mut decoder, mut samples) = (StoredDecoder::new(), Vec::new());
            decoder.push(&octets[..end], &mut samples).unwrap();
            assert_eq!(samples, expected[..samples.len()]);
        }
        octets.extend([1; 100]);
        let (mut decoder, mut samples) = (StoredDecoder::new(), Vec::new());
        decoder.push(&octets, &mut samples).unwrap();
        assert_eq!(samples, expected);
    }

    #[test]
    fn other_octets_are_refused_and_a_long_promise_costs_nothing() {
        let refused = |octets: &[u8]| StoredDecoder::new().push(octets, &mut Vec::new());
        assert_eq!(refused(b"R"), Err(StoredError::NotStored));
        assert_eq!(refused(b"RIFF"), Err(StoredError::NotStored));
        assert_eq!(
            refused(b"CPS1\x01\0\x09\0\0\0\0"),
            Err(StoredError::Unsupported { coding: 9 })
        );
        let mut samples = Vec::new();
        let mut decoder = StoredDecoder::new();
        decoder
            .push(b"CPS1\x01\0\x01\xff\xff\xff\xff\x12", &mut samples)
            .unwrap();
        assert_eq!(
            (samples.len(), decoder.samples()),
            (2, Some(u64::from(u32::MAX)))
        );
    }
}
