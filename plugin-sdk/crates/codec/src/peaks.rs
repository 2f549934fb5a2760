//! A waveform to look at: the loudest sample of each slice of time.

/// Splits `samples` into `buckets` slices of equal length and gives the loudest of each, 0 (silence) to 255 (full scale).
///
/// Fewer samples than buckets give zeros at the end; no samples give all zeros.
pub fn peaks(samples: &[i16], buckets: usize) -> Vec<u8> {
    if buckets == 0 {
        return Vec::new();
    }
    if samples.len() <= buckets {
        let mut loudness: Vec<u8> = samples
            .iter()
            .map(|&sample| scaled(sample.unsigned_abs()))
            .collect();
        loudness.resize(buckets, 0);
        return loudness;
    }
    let edge = |bucket: usize| (samples.len() as u128 * bucket as u128 / buckets as u128) as usize;
    (0..buckets)
        .map(|bucket| {
            let slice = &samples[edge(bucket)..edge(bucket + 1)];
            scaled(
                slice
                    .iter()
                    .map(|sample| sample.unsigned_abs())
                    .max()
                    .unwrap_or(0),
            )
        })
        .collect()
}

fn scaled(magnitude: u16) -> u8 {
    (u32::from(magnitude) * 255 / 32768) as u8
}

#[cfg(test)]
mod tests {
    use super::peaks;

    #[test]
    fn each_bucket_shows_its_loudest_sample() {
        let samples = [0, 100, -32768, 5, 0, 0, 16384, -200];
        assert_eq!(peaks(&samples, 4), [0, 255, 0, 127]);
        assert_eq!(peaks(&samples, 1), [255]);
    }

    #[test]
    fn short_or_empty_audio_fills_up_with_silence() {
        assert_eq!(peaks(&[-32768], 3), [255, 0, 0]);
        assert_eq!(peaks(&[], 2), [0, 0]);
        assert_eq!(peaks(&[1, 2, 3], 0), []);
    }

    #[test]
    fn no_sample_is_left_out_when_buckets_do_not_divide() {
        let mut samples = vec![0i16; 1003];
        for position in 0..samples.len() {
            samples[position] = i16::MAX;
            assert_eq!(
                peaks(&samples, 7)
                    .iter()
                    .filter(|&&loud| loud == 254)
                    .count(),
                1
            );
            samples[position] = 0;
        }
    }
}
