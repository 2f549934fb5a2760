//! From any rate to 8 kHz: a windowed sinc, which keeps speech up to 3.4 kHz and lets nothing above 4 kHz fold down upon it.
//!
//! A sample of the outcome depends on nothing but the samples around its place, so any range can be made alone.

use super::{RATE_HZ_MAX, RATE_HZ_MIN};
use crate::SAMPLE_RATE_HZ;
use std::ops::Range;
use std::sync::LazyLock;

/// Zero crossings of the sinc on each side: with [`BETA`] the edge of the filter is 640 Hz wide.
const CROSSINGS: usize = 32;
/// The shape of Kaiser's window: what is stopped is 80 dB down.
const BETA: f64 = 8.0;
/// The middle of the edge, as a part of half the lower rate.
const CUTOFF: f64 = 0.925;
/// Places between two crossings at which the sinc is known; between them it is drawn straight.
const STEPS: usize = 512;
/// Most weights that are kept while a range is made. The usual rates have some 30,000 at most; others are computed for each sample.
const WEIGHTS_MAX: u64 = 65_536;

/// One half of the windowed sinc.
static SINC: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let edge = (CROSSINGS * STEPS) as f64;
    let at = |place: usize| {
        let x = place as f64 / STEPS as f64 * std::f64::consts::PI;
        let sinc = if place == 0 { 1.0 } else { x.sin() / x };
        let inside = (1.0 - (place as f64 / edge).powi(2)).max(0.0).sqrt();
        (sinc * bessel(BETA * inside) / bessel(BETA)) as f32
    };
    (0..=CROSSINGS * STEPS + 1).map(at).collect()
});

/// The modified Bessel function of the first kind and order zero.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    let terms = (1..40).map(|n| {
        term *= (x / 2.0 / f64::from(n)).powi(2);
        term
    });
    1.0 + terms.sum::<f64>()
}

/// Appends a range of what `count` samples at `rate_hz` come to at 8 kHz. `source` gives a range of them.
pub(super) fn resample(
    source: impl Fn(Range<u64>) -> Vec<i16>,
    count: u64,
    rate_hz: u32,
    range: Range<u64>,
    samples: &mut Vec<i16>,
) {
    if range.is_empty() {
        return;
    }
    let mut kernel = Kernel::new(rate_hz);
    let held = kernel.first_needed(range.start)..kernel.last_needed(range.end).min(count);
    let around = source(held.clone());
    samples.reserve((range.end - range.start) as usize);
    samples.extend(range.map(|n| kernel.sample(n, &around, held.start)));
}

/// Makes 8 kHz of sound of another rate that comes in pieces. What it makes does not depend on where they are cut.
#[derive(Debug)]
pub struct Resampler {
    kernel: Kernel,
    /// What came and is needed for what is to be made, from sample `first` on.
    held: Vec<i16>,
    first: u64,
    /// The next sample to be made.
    next: u64,
}

impl Resampler {
    /// Of so many samples a second; `None` beyond the limits.
    pub fn new(rate_hz: u32) -> Option<Resampler> {
        let usual = (RATE_HZ_MIN..=RATE_HZ_MAX).contains(&rate_hz);
        usual.then(|| Resampler {
            kernel: Kernel::new(rate_hz),
            held: Vec::new(),
            first: 0,
            next: 0,
        })
    }

    /// Takes the next samples of one channel, and appends those at 8 kHz whose surroundings are there.
    pub fn push(&mut self, piece: &[i16], samples: &mut Vec<i16>) {
        if self.kernel.filter.rate_hz == SAMPLE_RATE_HZ {
            samples.extend_from_slice(piece);
            return;
        }
        self.held.extend_from_slice(piece);
        let end = self.first + self.held.len() as u64;
        while self.kernel.last_needed(self.next) <= end {
            samples.push(self.kernel.sample(self.next, &self.held, self.first));
            self.next += 1;
        }
        let needed = self.kernel.first_needed(self.next).clamp(self.first, end);
        self.held.drain(..(needed - self.first) as usize);
        self.first = needed;
    }

    /// Appends the last samples, behind which there is silence.
    pub fn finish(mut self, samples: &mut Vec<i16>) {
        let all = self.first + self.held.len() as u64;
        let count = super::scaled(all, SAMPLE_RATE_HZ, self.kernel.filter.rate_hz).0;
        for n in self.next..count {
            samples.push(self.kernel.sample(n, &self.held, self.first));
        }
    }
}

/// Makes samples of the outcome, and keeps the weights of places that come again.
#[derive(Debug)]
struct Kernel {
    filter: Filter,
    /// By phase; empty where there would be too many.
    kept: Vec<Vec<f32>>,
    own: Vec<f32>,
}

impl Kernel {
    fn new(rate_hz: u32) -> Kernel {
        let filter = Filter::new(rate_hz);
        let weights = filter.phases * (2 * filter.reach + 2);
        let phases = if weights <= WEIGHTS_MAX {
            filter.phases
        } else {
            0
        };
        Kernel {
            filter,
            kept: vec![Vec::new(); phases as usize],
            own: Vec::new(),
        }
    }

    /// The first sample of the source that sample `n` of the outcome depends on.
    fn first_needed(&self, n: u64) -> u64 {
        self.filter.place(n).0.saturating_sub(self.filter.reach)
    }

    /// The one behind the last.
    fn last_needed(&self, n: u64) -> u64 {
        self.filter.place(n).0 + self.filter.reach + 2
    }

    /// Sample `n` of the outcome. `around` are samples of the source, from sample `first` on; where there are none there is silence.
    fn sample(&mut self, n: u64, around: &[i16], first: u64) -> i16 {
        let (place, remainder) = self.filter.place(n);
        let phase = u64::from(remainder) * self.filter.phases / u64::from(SAMPLE_RATE_HZ);
        let own = &mut self.own;
        let weights = self.kept.get_mut(phase as usize).unwrap_or_else(|| {
            own.clear();
            own
        });
        if weights.is_empty() {
            self.filter.weights(remainder, weights);
        }
        let begin = place as i64 - self.filter.reach as i64 - first as i64;
        let skip = (-begin).clamp(0, weights.len() as i64) as usize;
        let from = begin.clamp(0, around.len() as i64) as usize;
        weighted(&weights[skip..], &around[from..]).round() as i16
    }
}

/// The sum of the samples, each times its weight. In lanes, because one sum is one chain of additions that wait for each other.
fn weighted(weights: &[f32], samples: &[i16]) -> f32 {
    const LANES: usize = 8;
    let count = weights.len().min(samples.len());
    let (weights, samples) = (&weights[..count], &samples[..count]);
    let mut lanes = [0f32; LANES];
    let (whole, rest) = weights.as_chunks::<LANES>();
    let (whole_samples, rest_samples) = samples.as_chunks::<LANES>();
    for (weights, samples) in whole.iter().zip(whole_samples) {
        for lane in 0..LANES {
            lanes[lane] += weights[lane] * f32::from(samples[lane]);
        }
    }
    let rest = rest.iter().zip(rest_samples);
    let rest = rest.map(|(weight, sample)| weight * f32::from(*sample));
    lanes.iter().sum::<f32>() + rest.sum::<f32>()
}

/// The filter from one rate to 8 kHz.
#[derive(Debug)]
struct Filter {
    rate_hz: u32,
    /// How much wider the sinc is than a sample.
    scale: f64,
    /// Samples on each side that have a weight.
    reach: u64,
    /// Places between two samples where samples of the outcome lie.
    phases: u64,
}

impl Filter {
    fn new(rate_hz: u32) -> Filter {
        let lower = f64::from(rate_hz.min(SAMPLE_RATE_HZ)) / f64::from(rate_hz);
        let scale = lower * CUTOFF;
        Filter {
            rate_hz,
            scale,
            reach: (CROSSINGS as f64 / scale).ceil() as u64,
            phases: u64::from(SAMPLE_RATE_HZ / divisor(SAMPLE_RATE_HZ, rate_hz)),
        }
    }

    /// Behind which sample sample `n` of the outcome lies, and how far behind, in parts of [`SAMPLE_RATE_HZ`].
    fn place(&self, n: u64) -> (u64, u32) {
        super::scaled(n, self.rate_hz, SAMPLE_RATE_HZ)
    }

    /// Appends the weights of the samples around a place, from `reach` before it on.
    fn weights(&self, remainder: u32, weights: &mut Vec<f32>) {
        let behind = f64::from(remainder) / f64::from(SAMPLE_RATE_HZ);
        let reach = self.reach as i64;
        weights.extend((-reach..=reach + 1).map(|k| {
            let at = (k as f64 - behind).abs() * self.scale * STEPS as f64;
            let step = at as usize;
            let Some(&[low, high]) = SINC.get(step..step + 2) else {
                return 0.0;
            };
            (low + (high - low) * (at - step as f64) as f32) * self.scale as f32
        }));
    }
}

/// The greatest common divisor.
fn divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { divisor(b, a % b) }
}
