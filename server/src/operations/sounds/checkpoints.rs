//! Where to go on in a recording of G.726, whose every code depends on all before it: the decoder as it was every few seconds.
//!
//! A checkpoint is left by whoever passes, so it costs nothing but its memory; a sound that nobody has heard yet is walked through once.

use super::track::SoundKey;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use vpim::audio::g726::Adpcm;

/// Samples between two checkpoints: 10 s. To seek costs no more than to decode so many.
pub(super) const INTERVAL: u64 = 80_000;
/// Checkpoints that are kept, of all sounds together: 45 hours of sound, some 3 MB.
const POINTS_MAX: usize = 16_384;

/// Which recording of which sound.
type TrackKey = (SoundKey, usize);

/// The checkpoints of all sounds.
#[derive(Default)]
pub(super) struct Checkpoints {
    kept: Mutex<Cached>,
    /// Samples that have been decoded so far.
    decoded: AtomicU64,
}

#[derive(Default)]
struct Cached {
    tracks: HashMap<TrackKey, Points>,
    points: usize,
    /// Counts uses, to tell the oldest.
    uses: u64,
}

struct Points {
    used: u64,
    /// The decoder after 1, 2, 3 … intervals.
    after: Vec<Adpcm>,
}

impl Checkpoints {
    /// The last checkpoint that is not behind `sample`, and its sample; `None`: the beginning.
    pub fn before(&self, key: TrackKey, sample: u64) -> Option<(u64, Adpcm)> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let uses = kept.uses;
        let points = kept.tracks.get_mut(&key)?;
        points.used = uses;
        let intervals = usize::try_from(sample / INTERVAL).unwrap_or(usize::MAX);
        let count = intervals.min(points.after.len());
        let decoder = points.after.get(count.checked_sub(1)?)?;
        Some((count as u64 * INTERVAL, decoder.clone()))
    }

    /// Somebody has come to `sample` with this decoder: if that is the next checkpoint, it is kept.
    pub fn passed(&self, key: TrackKey, sample: u64, decoder: &Adpcm) {
        if sample == 0 || !sample.is_multiple_of(INTERVAL) {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let used = kept.uses;
        let points = kept.tracks.entry(key).or_insert(Points {
            used,
            after: Vec::new(),
        });
        points.used = used;
        let next = (points.after.len() as u64 + 1) * INTERVAL;
        if sample != next || points.after.len() >= POINTS_MAX {
            return;
        }
        points.after.push(decoder.clone());
        kept.points += 1;
        kept.forget(key);
    }

    /// So many samples have been decoded.
    pub fn count(&self, samples: u64) {
        self.decoded.fetch_add(samples, Ordering::Relaxed);
        metrics::counter!("callpilot_sound_samples_decoded_total").increment(samples);
    }

    /// Samples that have been decoded so far.
    #[cfg(test)]
    pub fn decoded(&self) -> u64 {
        self.decoded.load(Ordering::Relaxed)
    }
}

impl Cached {
    /// Lets go of what was used longest ago, but not of `present`, while there is too much.
    fn forget(&mut self, present: TrackKey) {
        while self.points > POINTS_MAX {
            let others = self.tracks.iter().filter(|(key, _)| **key != present);
            let oldest = others.min_by_key(|(_, points)| points.used);
            let Some(key) = oldest.map(|(key, _)| *key) else {
                return;
            };
            let gone = self.tracks.remove(&key);
            self.points -= gone.map_or(0, |points| points.after.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vpim::audio::g726::NibbleOrder;

    #[test]
    fn checkpoints_are_bounded_and_the_oldest_sound_goes_first() {
        let checkpoints = Checkpoints::default();
        let adpcm = Adpcm::new(NibbleOrder::default());
        let key = |n: u8| (([n; 32], None), 0);
        let pass = |n: u8, count: u64| {
            for interval in 1..=count {
                checkpoints.passed(key(n), interval * INTERVAL, &adpcm);
            }
        };
        pass(1, 8_000);
        pass(2, 8_000);
        assert!(checkpoints.before(key(1), INTERVAL).is_some());
        pass(3, 8_000);
        assert!(checkpoints.before(key(2), u64::MAX).is_none());
        let reached = |n: u8, sample| checkpoints.before(key(n), sample).map(|(at, _)| at);
        assert_eq!(reached(1, 3 * INTERVAL - 1), Some(2 * INTERVAL));
        assert_eq!(reached(3, u64::MAX), Some(8_000 * INTERVAL));
        assert_eq!(reached(3, INTERVAL - 1), None);
        pass(4, 20_000);
        let kept = checkpoints.kept.lock().unwrap();
        assert_eq!((kept.points, kept.tracks.len()), (POINTS_MAX, 1));
    }

    #[test]
    fn only_the_next_checkpoint_is_taken() {
        let checkpoints = Checkpoints::default();
        let adpcm = Adpcm::new(NibbleOrder::default());
        let key = (([0; 32], Some(1)), 2);
        checkpoints.passed(key, 2 * INTERVAL, &adpcm);
        checkpoints.passed(key, INTERVAL + 2, &adpcm);
        assert!(checkpoints.before(key, u64::MAX).is_none());
        checkpoints.passed(key, INTERVAL, &adpcm);
        checkpoints.passed(key, INTERVAL, &adpcm);
        assert_eq!(
            checkpoints.before(key, u64::MAX).map(|(at, _)| at),
            Some(INTERVAL)
        );
    }
}
