//! The sounds that this page holds, ready to play, so that playing goes on when a server stops and needs no second fetch.

use crate::model::wave::{self, Wave};
use codec::{duration_ms, wav};
use contract::ObjectId;
use std::rc::Rc;
use ui::browser;

/// Bytes held at most; the oldest go first.
const BYTES_MAX: usize = 64 << 20;
/// Bars of a large waveform.
const BARS: usize = 110;

/// A sound of a message: all of it, or one part.
pub type SoundId = (ObjectId, Option<u32>);

/// A sound that is here, or its beginning.
pub struct Sound {
    /// Plays it, and saves it if it is whole.
    pub url: String,
    /// The shape and length of the whole.
    pub wave: Wave,
    /// Milliseconds that are here.
    pub here_ms: u64,
    bytes: usize,
}

impl Sound {
    /// Makes samples ready to play: the first of so many. `None`: the browser cannot.
    pub fn new(samples: &[i16], total: usize) -> Option<Self> {
        let file = wav::write(samples);
        Some(Self {
            url: browser::object_url(&file, "audio/wav")?,
            wave: wave::shape(samples, total, BARS),
            here_ms: duration_ms(samples.len() as u64),
            bytes: file.len(),
        })
    }

    /// Whether all of it is here.
    pub fn is_whole(&self) -> bool {
        self.here_ms == self.wave.duration_ms
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        browser::revoke(&self.url);
    }
}

/// The sounds, oldest first.
#[derive(Default)]
pub struct Sounds(Vec<(SoundId, Rc<Sound>)>);

impl Sounds {
    /// A sound, if it is here.
    pub fn get(&self, which: SoundId) -> Option<Rc<Sound>> {
        let (_, sound) = self.0.iter().find(|(held, _)| *held == which)?;
        Some(Rc::clone(sound))
    }

    /// Holds a sound, and lets go of the oldest when there are too many.
    pub fn hold(&mut self, which: SoundId, sound: Rc<Sound>) {
        self.0.retain(|(held, _)| *held != which);
        self.0.push((which, sound));
        while self.bytes() > BYTES_MAX && self.0.len() > 1 {
            self.0.remove(0);
        }
    }

    /// Lets go of all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Lets go of the sounds of these messages.
    pub fn remove(&mut self, gone: &[ObjectId]) {
        self.0.retain(|((id, _), _)| !gone.contains(id));
    }

    /// The sounds with the bytes of each.
    pub fn sizes(&self) -> impl Iterator<Item = (SoundId, usize)> {
        self.0.iter().map(|(which, sound)| (*which, sound.bytes))
    }

    fn bytes(&self) -> usize {
        self.sizes().map(|(_, bytes)| bytes).sum()
    }
}
