//! A range of a sound, made piece by piece: the next one when the one before has been taken. Whoever drops it ends the work.

use super::checkpoints::INTERVAL;
use super::open::{OpenSound, SAMPLE, Section};
use super::track::Track;
use bytes::Bytes;
use std::ops::Range;
use tokio::task::JoinError;
use vpim::audio::Coding;
use vpim::audio::g726::Adpcm;

/// The most octets of one piece.
const PIECE: u64 = 64 << 10;
/// A range of a sound on its way.
pub struct SoundPieces {
    sound: OpenSound,
    at: u64,
    end: u64,
    /// Where a decoder stands: its recording, the next sample, and itself.
    decoder: Option<(usize, u64, Adpcm)>,
}

impl SoundPieces {
    fn new(sound: OpenSound, range: Range<u64>) -> Self {
        let end = range.end.min(sound.size());
        Self {
            at: range.start.min(end),
            end,
            sound,
            decoder: None,
        }
    }

    /// The next piece, of at most 64 KiB; `None` at the end.
    ///
    /// # Errors
    /// The decoder broke.
    pub async fn next(&mut self) -> Result<Option<Bytes>, JoinError> {
        if self.at >= self.end {
            return Ok(None);
        }
        let mut start = 0;
        for section in &self.sound.sections {
            let len = section.len();
            if self.at >= start + len {
                start += len;
                continue;
            }
            // Within the section.
            let (from, to) = (self.at - start, (self.end - start).min(len));
            let piece = match *section {
                Section::Bytes(ref bytes) => {
                    let to = to.min(from + PIECE);
                    bytes.slice(from as usize..to as usize)
                }
                Section::Decoded { track, samples } => {
                    self.decoded(track, samples, from..to).await?
                }
            };
            self.at += piece.len() as u64;
            return Ok(Some(piece));
        }
        Ok(None)
    }

    /// The first piece of a range of octets of a decoded recording.
    async fn decoded(
        &mut self,
        track: usize,
        samples: u64,
        octets: Range<u64>,
    ) -> Result<Bytes, JoinError> {
        // Two samples of G.726 lie in one octet; and a piece ends where a checkpoint is due.
        let first = (octets.start / SAMPLE) & !1;
        let due = (first / INTERVAL + 1) * INTERVAL;
        let wanted = octets.end.div_ceil(SAMPLE).next_multiple_of(2);
        let last = wanted.min(samples).min(due).min(first + PIECE / SAMPLE);
        let mut pcm = match self.sound.tracks.tracks[track].coding {
            Coding::Adpcm(order) => {
                let (at, decoder) = match self.decoder.take() {
                    Some((its, at, decoder)) if (its, at) == (track, first) => (at, decoder),
                    _ => self.sound.seek(track, first, Adpcm::new(order)).await?,
                };
                let (pcm, decoder) = self.sound.decode(track, at, decoder, first..last).await?;
                self.decoder = Some((track, last, decoder));
                pcm
            }
            // Entered anywhere.
            Coding::Frames(_) | Coding::Foreign(_) => self.sound.range(track, first..last).await?,
        };
        let skip = octets.start - first * SAMPLE;
        pcm.truncate((octets.end - first * SAMPLE).min(pcm.len() as u64) as usize);
        pcm.drain(..skip as usize);
        Ok(pcm.into())
    }
}

impl OpenSound {
    /// A range of it, which is cut to its length.
    pub fn pieces(self, range: Range<u64>) -> SoundPieces {
        SoundPieces::new(self, range)
    }

    /// A decoder at a sample, or less than an interval before it. Where nobody has been yet, one goes and the others wait.
    async fn seek(&self, track: usize, sample: u64, new: Adpcm) -> Result<(u64, Adpcm), JoinError> {
        let key = (self.tracks.key, track);
        let (mut at, mut decoder) = (0, new);
        loop {
            if let Some((known, checkpoint)) = self.checkpoints.before(key, sample)
                && known > at
            {
                (at, decoder) = (known, checkpoint);
            }
            if sample - at < INTERVAL {
                return Ok((at, decoder));
            }
            let _turn = self.tracks.walk.lock().await;
            let known = self.checkpoints.before(key, sample);
            if known.is_some_and(|(known, _)| known > at) {
                continue;
            }
            let next = at + INTERVAL;
            let walked = self.work(track, at..next, move |codes, _| {
                decoder.skip(codes);
                decoder
            });
            decoder = walked.await?;
            self.checkpoints.passed(key, next, &decoder);
            at = next;
        }
    }

    /// The samples of a range, from a decoder that stands at or before its beginning; and the decoder behind it.
    async fn decode(
        &self,
        track: usize,
        at: u64,
        mut decoder: Adpcm,
        range: Range<u64>,
    ) -> Result<(Vec<u8>, Adpcm), JoinError> {
        let ahead = (range.start - at) / 2;
        let decoded = self.work(track, at..range.end, move |codes, samples| {
            let (ahead, codes) = codes.split_at(ahead as usize);
            decoder.skip(ahead);
            decoder.decode(codes, samples);
            (little_endian(samples), decoder)
        });
        let (pcm, decoder) = decoded.await?;
        let key = (self.tracks.key, track);
        self.checkpoints.passed(key, range.end, &decoder);
        Ok((pcm, decoder))
    }

    /// The samples of a range of what is entered anywhere.
    async fn range(&self, track: usize, range: Range<u64>) -> Result<Vec<u8>, JoinError> {
        let Track { coding, codes, .. } = &self.tracks.tracks[track];
        let (coding, codes) = (*coding, codes.clone());
        self.checkpoints.count(range.end - range.start);
        let turn = self.listener.turns.take().await;
        let decoded = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut samples = Vec::new();
            coding.decode(&codes, range, &mut samples);
            little_endian(&samples)
        });
        decoded.await
    }

    /// Does something with the codes of a range of samples, beside the threads that answer.
    async fn work<T: Send + 'static>(
        &self,
        track: usize,
        samples: Range<u64>,
        work: impl FnOnce(&[u8], &mut Vec<i16>) -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let Track { coding, codes, .. } = &self.tracks.tracks[track];
        let (from, to) = (coding.octets(samples.start), coding.octets(samples.end));
        let codes = codes.slice(from as usize..to as usize);
        self.checkpoints.count(samples.end - samples.start);
        let turn = self.listener.turns.take().await;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(&codes, &mut Vec::new())
        });
        done.await
    }
}

fn little_endian(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests;
