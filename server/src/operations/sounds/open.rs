//! A sound that can be sent: what it is made of in the form that is asked for, and how long that is.

use super::checkpoints::Checkpoints;
use super::listeners::Listener;
use super::track::{Slot, Tracks};
use bytes::Bytes;
use std::sync::Arc;
use vpim::audio::{stored, wav};

/// Octets of a decoded sample.
pub(super) const SAMPLE: u64 = 2;

/// In which form a sound is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundEncoding {
    /// A WAV file of 8 kHz, 16 bit, mono.
    Wav,
    /// As it is kept, in the form of [`vpim::audio::stored`]: a quarter or half of that.
    Stored,
}

/// A sound that can be sent, all of it or any range.
pub struct OpenSound {
    pub(super) tracks: Arc<Tracks>,
    pub(super) sections: Vec<Section>,
    pub(super) checkpoints: Arc<Checkpoints>,
    size: u64,
    /// Whoever hears it.
    pub(super) listener: Listener,
    /// Keeps it in the table of open sounds.
    _slot: Option<Arc<Slot>>,
}

/// What a sound is made of, in order.
pub(super) enum Section {
    /// Octets that are there.
    Bytes(Bytes),
    /// A recording, decoded to 16 bits, little-endian.
    Decoded { track: usize, samples: u64 },
}

impl Section {
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Decoded { samples, .. } => samples * SAMPLE,
        }
    }
}

impl OpenSound {
    pub(super) fn new(
        tracks: Arc<Tracks>,
        encoding: SoundEncoding,
        checkpoints: Arc<Checkpoints>,
        listener: Listener,
        slot: Option<Arc<Slot>>,
    ) -> Self {
        let all = &tracks.tracks;
        let samples: u64 = all.iter().map(|track| track.samples).sum();
        let head = match encoding {
            SoundEncoding::Wav => wav::header(u32::try_from(samples).unwrap_or(u32::MAX)).to_vec(),
            SoundEncoding::Stored => {
                let kinds: Vec<_> = all.iter().map(|t| (t.coding, t.samples)).collect();
                stored::head(&kinds)
            }
        };
        let mut sections = vec![Section::Bytes(head.into())];
        for (track, its) in all.iter().enumerate() {
            let as_it_is = encoding == SoundEncoding::Stored && stored::travels(its.coding);
            sections.push(match as_it_is {
                true => Section::Bytes(its.codes.clone()),
                false => Section::Decoded {
                    track,
                    samples: its.samples,
                },
            });
        }
        let size = sections.iter().map(Section::len).sum();
        Self {
            tracks,
            sections,
            size,
            checkpoints,
            listener,
            _slot: slot,
        }
    }

    /// Octets in all.
    pub fn size(&self) -> u64 {
        self.size
    }
}
