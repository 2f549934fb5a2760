//! A sound while it comes: decoded as far as it is here, so that it plays before the rest has come.

use codec::stored::{self, StoredDecoder};
use codec::{SAMPLE_RATE_HZ, duration_ms, wav};

/// Samples of one message that are taken, at most: three hours.
const SAMPLES_MAX: usize = 3 * 3_600 * SAMPLE_RATE_HZ as usize;
/// A beginning ends where it is quietest within so many samples: half a second.
const QUIET_WITHIN: usize = SAMPLE_RATE_HZ as usize / 2;
/// What is compared for that: 20 ms.
const QUIET_FRAME: usize = SAMPLE_RATE_HZ as usize / 50;

/// A sound that is coming.
#[derive(Default)]
pub struct ArrivingSound {
    decoder: StoredDecoder,
    /// Octets that were decoded.
    decoded: usize,
    samples: Vec<i16>,
}

impl ArrivingSound {
    /// Takes all octets that have come so far. Where they begin anew, they are the same octets.
    pub fn take(&mut self, all: &[u8]) {
        let Some(new) = all.get(self.decoded..) else {
            return;
        };
        // What is not stored sound is judged when it is whole.
        let _ = self.decoder.push(new, &mut self.samples);
        self.samples.truncate(SAMPLES_MAX);
        self.decoded = all.len();
    }

    /// Samples in all, if they are known.
    pub fn total(&self) -> Option<usize> {
        let total = usize::try_from(self.decoder.samples()?).unwrap_or(SAMPLES_MAX);
        Some(total.min(SAMPLES_MAX))
    }

    /// What has come, if that is enough to play for `ahead_ms` from `at_ms` on. It ends in a pause of the speaker, if there is one.
    pub fn beginning(&self, at_ms: u64, ahead_ms: u64) -> Option<&[i16]> {
        self.total()?;
        let here = &self.samples[..quiet_end(&self.samples)];
        (duration_ms(here.len() as u64) >= at_ms.saturating_add(ahead_ms)).then_some(here)
    }

    /// The samples of the whole sound, of which these are all octets: stored sound, or the WAV file of 16 bits that a server gives which has
    /// no stored sound to give. `None`: they are neither, or have no sound in them.
    pub fn finish(mut self, all: &[u8]) -> Option<Vec<i16>> {
        if all.starts_with(&stored::MAGIC) {
            self.take(all);
            let is_whole = self.total() == Some(self.samples.len());
            return Some(self.samples).filter(|samples| is_whole && !samples.is_empty());
        }
        let frames = all.strip_prefix(b"RIFF")?.get(wav::HEADER_LEN - 4..)?;
        let samples = frames.chunks_exact(2).take(SAMPLES_MAX);
        let samples: Vec<_> = samples
            .map(|two| i16::from_le_bytes([two[0], two[1]]))
            .collect();
        Some(samples).filter(|samples| !samples.is_empty())
    }
}

/// Where the last half second is quietest: going on from there is not heard.
fn quiet_end(samples: &[i16]) -> usize {
    let from = samples.len().saturating_sub(QUIET_WITHIN);
    let loudness = |frame: &[i16]| {
        frame
            .iter()
            .map(|s| u32::from(s.unsigned_abs()))
            .sum::<u32>()
    };
    let frames = samples[from..].chunks_exact(QUIET_FRAME).map(loudness);
    let quietest = frames.enumerate().min_by_key(|(_, loudness)| *loudness);
    quietest.map_or(samples.len(), |(frame, _)| {
        from + frame * QUIET_FRAME + QUIET_FRAME / 2
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Coding;
    use codec::wav::Format;

    /// Ten seconds, silent in every second quarter of a second.
    fn samples() -> Vec<i16> {
        let speaks = |n: usize| (n / 2_000).is_multiple_of(2);
        let sample = |n| if speaks(n) { 8_000 } else { 0 };
        (0..80_000).map(sample).collect()
    }

    fn octets() -> Vec<u8> {
        let mut octets = stored::head(&[(Coding::Frames(Format::PCM), 80_000)]);
        octets.extend(samples().iter().flat_map(|sample| sample.to_le_bytes()));
        octets
    }

    #[test]
    fn a_beginning_is_there_as_soon_as_it_is_long_enough_and_ends_in_a_pause() {
        let octets = octets();
        let mut coming = ArrivingSound::default();
        assert_eq!((coming.total(), coming.beginning(0, 0)), (None, None));
        let second = 16_000;
        for end in (0..octets.len()).step_by(second / 8) {
            coming.take(&octets[..end]);
            let here = end.saturating_sub(second / 2) / 2;
            match coming.beginning(1_000, 2_000) {
                Some(beginning) => {
                    assert!(beginning.len() >= 24_000);
                    let last = beginning.len() - 1;
                    assert_eq!((samples()[last], beginning[last]), (0, 0), "{end}");
                }
                None => assert!(here < 28_000, "{here}"),
            }
        }
        assert_eq!(coming.total(), Some(80_000));
    }

    #[test]
    fn what_comes_again_after_a_change_of_server_is_not_decoded_twice() {
        let octets = octets();
        let mut coming = ArrivingSound::default();
        for end in [20_000, 50_000, 10, 30_000, 49_999, 50_001, 90_000] {
            coming.take(&octets[..end]);
        }
        assert_eq!(coming.finish(&octets), Some(samples()));
    }

    #[test]
    fn a_wav_file_is_taken_when_it_is_whole() {
        let file = wav::write(&samples());
        let mut coming = ArrivingSound::default();
        coming.take(&file[..40_000]);
        assert_eq!((coming.total(), coming.beginning(0, 0)), (None, None));
        assert_eq!(coming.finish(&file), Some(samples()));
    }

    #[test]
    fn what_is_no_sound_or_cut_off_is_damaged() {
        let octets = octets();
        for bad in [&b""[..], b"<html>", b"CPS1\x00\x00", &octets[..50_000]] {
            assert_eq!(ArrivingSound::default().finish(bad), None);
        }
    }
}
