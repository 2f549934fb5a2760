//! The shape of a sound, taken from its samples.

/// Peaks of a sound, each 0 to 1, scaled so that the loudest is 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Wave {
    /// One peak for each bar, in order of time.
    pub peaks: Vec<f32>,
    /// Length in milliseconds.
    pub duration_ms: u64,
}

/// A quiet message is still shown with its own shape, but hiss is not drawn as speech.
const LOUDEST_MIN: f32 = 0.02;

/// The shape of a sound of so many samples in all, of which the first are here; what is not here is drawn as silence. At least one bar.
pub fn shape(samples: &[i16], total: usize, bars: usize) -> Wave {
    let bars = bars.clamp(1, total.max(1));
    let loudness = |sample: &i16| f32::from(*sample).abs() / 32_768.0;
    let mut peaks: Vec<f32> = (0..bars)
        .map(|bar| {
            let end = ((bar + 1) * total / bars).min(samples.len());
            let stretch = (bar * total / bars).min(end)..end;
            samples[stretch].iter().map(loudness).fold(0.0, f32::max)
        })
        .collect();
    let loudest = peaks.iter().copied().fold(LOUDEST_MIN, f32::max);
    for peak in &mut peaks {
        *peak /= loudest;
    }
    Wave {
        peaks,
        duration_ms: codec::duration_ms(total as u64),
    }
}

/// Width of the box that [`path`] draws in; lengths are tenths of a pixel of a player of usual width.
pub const BOX_WIDTH: u32 = 6_000;

/// The bars as one SVG path in a box of [`BOX_WIDTH`] by `height`, each mirrored about the middle.
pub fn path(peaks: &[f32], height: u32) -> String {
    use std::fmt::Write;
    let bars = u32::try_from(peaks.len().max(1)).unwrap_or(u32::MAX);
    let width = (BOX_WIDTH * 6 / 10 / bars).max(1);
    peaks
        .iter()
        .zip(0..)
        .fold(String::new(), |mut path, (peak, place): (_, u32)| {
            let tall = ((peak * (height - 40) as f32) as u32).max(20);
            let (x, y) = (
                BOX_WIDTH * (place * 10 + 2) / (bars * 10),
                (height - tall) / 2,
            );
            // Writing to a string cannot fail.
            let _ = write!(path, "M{x} {y}h{width}v{tall}h-{width}z");
            path
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_the_peaks_of_their_stretch_and_the_loudest_is_full() {
        let mut samples = vec![0; 4_000];
        samples[..1_000].fill(-8_192);
        samples[3_500] = 16_384;
        let wave = shape(&samples, 4_000, 4);
        assert_eq!(wave.peaks, [0.5, 0.0, 0.0, 1.0]);
        assert_eq!(wave.duration_ms, 500);
    }

    #[test]
    fn what_is_not_here_yet_is_drawn_as_silence() {
        let wave = shape(&[-8_192; 1_500], 4_000, 4);
        assert_eq!(wave.peaks, [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(wave.duration_ms, 500);
        assert_eq!(shape(&[], 0, 4).peaks, [0.0]);
        assert_eq!(shape(&[1; 9], 4, 8).peaks.len(), 4, "more than was said");
    }

    #[test]
    fn hiss_is_not_drawn_as_speech() {
        let wave = shape(&[20; 800], 800, 2);
        assert!(wave.peaks.iter().all(|&peak| peak < 0.05));
    }

    #[test]
    fn the_drawing_has_one_bar_for_each_peak_inside_its_box() {
        let drawn = path(&[1.0, 0.0], 560);
        assert_eq!(drawn, "M600 20h1800v520h-1800zM3600 270h1800v20h-1800z");
        assert_eq!(path(&[], 560), "");
    }
}
