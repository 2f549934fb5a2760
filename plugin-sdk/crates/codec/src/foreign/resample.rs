//! From any rate to 8 kHz: a windowed sinc, which keeps speech up to 3.4 kHz and lets nothing above 4 kHz fold down upon it.
//!
//! A sample of the outcome depends on nothing but the samples around its place, so any range can be made alone.

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
    let filter = Filter::new(rate_hz);
    let (first, _) = filter.place(range.start);
    let (last, _) = filter.place(range.end);
    let held = first.saturating_sub(filter.reach)..(last + filter.reach + 1).min(count);
    let around = source(held.clone());
    let weights = filter.phases * (2 * filter.reach + 2);
    let phases = if weights <= WEIGHTS_MAX {
        filter.phases
    } else {
        0
    };
    let mut kept: Vec<Vec<f32>> = vec![Vec::new(); phases as usize];
    let mut own = Vec::new();
    samples.reserve((range.end - range.start) as usize);
    for n in range {
        let (place, remainder) = filter.place(n);
        let phase = u64::from(remainder) * filter.phases / u64::from(SAMPLE_RATE_HZ);
        let weights = kept.get_mut(phase as usize).unwrap_or_else(|| {
            own.clear();
            &mut own
        });
        if weights.is_empty() {
            filter.weights(remainder, weights);
        }
        // Before the first sample and behind the last there is silence.
        let begin = place as i64 - filter.reach as i64 - held.start as i64;
        let skip = (-begin).clamp(0, weights.len() as i64) as usize;
        let from = begin.clamp(0, around.len() as i64) as usize;
        let pairs = weights[skip..].iter().zip(&around[from..]);
        let sum: f32 = pairs
            .map(|(weight, sample)| weight * f32::from(*sample))
            .sum();
        samples.push(sum.round() as i16);
    }
}

/// The filter from one rate to 8 kHz.
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
