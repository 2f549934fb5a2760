//! Where decoded sound goes: cut at both ends, made 8 kHz, and counted.

use codec::SAMPLE_RATE_HZ;
use codec::foreign::Resampler;

use crate::{DELAY_S_MAX, DecodeError};

/// What of the decoded frames is no sound, in frames of the decoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Frames at the beginning that the encoder needed for itself.
    pub skip: u64,
    /// Frames behind those that are sound, where the file says it.
    pub length: Option<u64>,
}

/// Why no more is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The sound is complete.
    End,
    /// There is more than is allowed.
    TooLong,
}

/// A packet that gives nothing counts as this part of a second: most packets of the codecs here have that much.
const SILENT_PARTS: u64 = 50;

pub(crate) struct Sink<'t> {
    cut: Cut,
    resampler: Option<(u32, Resampler)>,
    /// Samples at 8 kHz that have been decoded, or could not be.
    spent: u64,
    /// Frames of the present rate that are not in `spent` yet, times 8,000.
    remainder: u64,
    samples_max: u64,
    given: u64,
    piece: Vec<i16>,
    take: &'t mut dyn FnMut(&[i16]),
}

impl<'t> Sink<'t> {
    pub fn new(cut: Cut, samples_max: u64, take: &'t mut dyn FnMut(&[i16])) -> Sink<'t> {
        Sink {
            cut,
            resampler: None,
            spent: 0,
            remainder: 0,
            samples_max,
            given: 0,
            piece: Vec::new(),
            take,
        }
    }

    /// Takes decoded frames of one channel.
    pub fn push(&mut self, rate_hz: u32, frames: &[i16]) -> Result<(), Stop> {
        self.spend(rate_hz, frames.len() as u64)?;
        let skipped = self.cut.skip.min(frames.len() as u64);
        self.cut.skip -= skipped;
        let mut frames = &frames[skipped as usize..];
        if let Some(left) = &mut self.cut.length {
            let taken = (*left).min(frames.len() as u64);
            *left -= taken;
            frames = &frames[..taken as usize];
        }
        self.resample(rate_hz, frames);
        match self.cut.length {
            Some(0) => Err(Stop::End),
            _ => Ok(()),
        }
    }

    /// Counts a packet that gave nothing: to find that out was work, too.
    pub fn count_silent(&mut self) -> Result<(), Stop> {
        self.spent += u64::from(SAMPLE_RATE_HZ) / SILENT_PARTS;
        self.check()
    }

    fn spend(&mut self, rate_hz: u32, frames: u64) -> Result<(), Stop> {
        let all = self.remainder + frames * u64::from(SAMPLE_RATE_HZ);
        self.spent += all / u64::from(rate_hz.max(1));
        self.remainder = all % u64::from(rate_hz.max(1));
        self.check()
    }

    fn check(&self) -> Result<(), Stop> {
        let most = self.samples_max + DELAY_S_MAX * u64::from(SAMPLE_RATE_HZ);
        match self.spent > most {
            true => Err(Stop::TooLong),
            false => Ok(()),
        }
    }

    fn resample(&mut self, rate_hz: u32, frames: &[i16]) {
        if !matches!(self.resampler, Some((present, _)) if present == rate_hz) {
            self.end_resampling();
            self.resampler = Resampler::new(rate_hz).map(|new| (rate_hz, new));
        }
        if let Some((_, resampler)) = &mut self.resampler {
            resampler.push(frames, &mut self.piece);
        }
        self.give();
    }

    fn end_resampling(&mut self) {
        if let Some((_, resampler)) = self.resampler.take() {
            resampler.finish(&mut self.piece);
        }
        self.give();
    }

    fn give(&mut self) {
        if !self.piece.is_empty() {
            self.given += self.piece.len() as u64;
            (self.take)(&self.piece);
            self.piece.clear();
        }
    }

    /// Gives what is left.
    pub fn finish(mut self) -> Result<(), DecodeError> {
        self.end_resampling();
        match self.given {
            0 => Err(DecodeError::Damaged),
            given if given > self.samples_max => Err(DecodeError::TooLong),
            _ => Ok(()),
        }
    }
}
