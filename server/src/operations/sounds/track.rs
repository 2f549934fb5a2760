//! The recordings that are heard of a body, as they are kept.

use super::room::Held;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell};
use vpim::audio::Coding;

/// Which sound: the hash of a body, and the part of it that was asked for.
pub(super) type SoundKey = ([u8; 32], Option<u32>);

/// A sound that somebody wants: whoever comes first reads it, the others wait for that.
#[derive(Default)]
pub(super) struct Slot(pub OnceCell<Arc<Tracks>>);

/// One recording.
pub(super) struct Track {
    pub coding: Coding,
    pub codes: Bytes,
    pub samples: u64,
}

/// What is heard of a body.
pub(super) struct Tracks {
    pub key: SoundKey,
    pub tracks: Vec<Track>,
    /// One at a time goes on to where nobody has been yet; the others find its checkpoints.
    pub walk: Mutex<()>,
    _held: Option<Held>,
}

impl Tracks {
    /// `held` is the room that the content takes as long as this is there.
    pub fn new(key: SoundKey, tracks: Vec<Track>, held: Option<Held>) -> Self {
        Self {
            key,
            tracks,
            walk: Mutex::default(),
            _held: held,
        }
    }
}
