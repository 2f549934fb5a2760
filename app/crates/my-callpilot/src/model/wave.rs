//! The shape of a sound, taken from the WAV bytes themselves: RIFF with PCM of 8 or 16 bits, any number of channels.

/// Peaks of a sound, each 0 to 1, scaled so that the loudest is 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Wave {
    /// One peak for each bar, in order of time.
    pub peaks: Vec<f32>,
    /// Length in milliseconds.
    pub duration_ms: u64,
}

/// Why bytes are not a sound that can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damaged {
    /// No RIFF/WAVE head, or it ends too early.
    NotWav,
    /// Compressed, or of another sample size.
    NotPcm,
    /// There is no sound in it.
    Empty,
}

/// A quiet message is still shown with its own shape, but hiss is not drawn as speech.
const LOUDEST_MIN: f32 = 0.02;

/// Reads the head and gives `bars` peaks (at least one).
pub fn shape(wav: &[u8], bars: usize) -> Result<Wave, Damaged> {
    let (format, sound) = chunks(wav)?;
    let bytes_per_sample = match (format.coding, format.bits) {
        (1, 8) => 1,
        (1, 16) => 2,
        _ => return Err(Damaged::NotPcm),
    };
    let frame = bytes_per_sample * usize::from(format.channels.max(1));
    let frames = sound.len() / frame;
    if frames == 0 || format.rate == 0 {
        return Err(Damaged::Empty);
    }
    let bars = bars.clamp(1, frames);
    let loudness = |sample: &[u8]| match *sample {
        [unsigned] => (f32::from(unsigned) - 128.0).abs() / 128.0,
        [low, high] => f32::from(i16::from_le_bytes([low, high])).abs() / 32_768.0,
        _ => 0.0,
    };
    let mut peaks: Vec<f32> = (0..bars)
        .map(|bar| {
            let stretch = (bar * frames / bars * frame)..((bar + 1) * frames / bars * frame);
            sound[stretch]
                .chunks_exact(bytes_per_sample)
                .map(loudness)
                .fold(0.0, f32::max)
        })
        .collect();
    let loudest = peaks.iter().copied().fold(LOUDEST_MIN, f32::max);
    for peak in &mut peaks {
        *peak /= loudest;
    }
    Ok(Wave {
        peaks,
        duration_ms: frames as u64 * 1000 / u64::from(format.rate),
    })
}

struct Format {
    coding: u16,
    channels: u16,
    rate: u32,
    bits: u16,
}

/// Finds the `fmt ` and `data` chunks; a `data` chunk that promises more than there is ends where the bytes end.
fn chunks(wav: &[u8]) -> Result<(Format, &[u8]), Damaged> {
    if wav.get(..4) != Some(b"RIFF") || wav.get(8..12) != Some(b"WAVE") {
        return Err(Damaged::NotWav);
    }
    let mut format = None;
    let mut rest = &wav[12..];
    while let Some((head, body)) = rest.split_at_checked(8) {
        let promised = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let length = promised.min(body.len());
        match (&head[..4], &format) {
            (b"data", Some(_)) => {
                return format
                    .map(|format| (format, &body[..length]))
                    .ok_or(Damaged::NotWav);
            }
            (b"fmt ", _) => format = Some(read_format(&body[..length])?),
            _ => {}
        }
        // Chunks begin at even places.
        rest = body.get(length + length % 2..).unwrap_or_default();
    }
    Err(Damaged::NotWav)
}

fn read_format(bytes: &[u8]) -> Result<Format, Damaged> {
    let short = |at: usize| {
        let two = bytes.get(at..at + 2).ok_or(Damaged::NotWav)?;
        Ok::<_, Damaged>(u16::from_le_bytes([two[0], two[1]]))
    };
    Ok(Format {
        coding: short(0)?,
        channels: short(2)?,
        rate: u32::from(short(4)?) | u32::from(short(6)?) << 16,
        bits: short(14)?,
    })
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

    fn wav(rate: u32, bits: u16, sound: &[u8]) -> Vec<u8> {
        let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        bytes.extend(1u16.to_le_bytes());
        bytes.extend(1u16.to_le_bytes());
        bytes.extend(rate.to_le_bytes());
        bytes.extend(0u32.to_le_bytes());
        bytes.extend(0u16.to_le_bytes());
        bytes.extend(bits.to_le_bytes());
        bytes.extend(b"LIST\x03\0\0\0abc\0data");
        bytes.extend((sound.len() as u32).to_le_bytes());
        bytes.extend(sound);
        bytes
    }

    fn sixteen(samples: &[i16]) -> Vec<u8> {
        let sound: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        wav(8_000, 16, &sound)
    }

    #[test]
    fn bars_are_the_peaks_of_their_stretch_and_the_loudest_is_full() {
        let mut samples = vec![0; 4_000];
        samples[..1_000].fill(-8_192);
        samples[3_500] = 16_384;
        let wave = shape(&sixteen(&samples), 4).unwrap();
        assert_eq!(wave.peaks, [0.5, 0.0, 0.0, 1.0]);
        assert_eq!(wave.duration_ms, 500);
    }

    #[test]
    fn hiss_is_not_drawn_as_speech() {
        let wave = shape(&sixteen(&[20; 800]), 2).unwrap();
        assert!(wave.peaks.iter().all(|&peak| peak < 0.05));
    }

    #[test]
    fn eight_bits_and_a_cut_off_end_are_read() {
        let mut bytes = wav(8_000, 8, &[128, 255, 128, 0]);
        assert_eq!(shape(&bytes, 2).unwrap().peaks.len(), 2);
        bytes.truncate(bytes.len() - 2);
        assert_eq!(shape(&bytes, 9).unwrap().peaks.len(), 2);
    }

    #[test]
    fn what_is_not_a_sound_is_said_to_be_damaged_and_never_panics() {
        let good = sixteen(&[1; 100]);
        for end in 0..good.len() - 200 {
            assert!(shape(&good[..end], 8).is_err(), "{end}");
        }
        assert_eq!(shape(b"<html>", 8), Err(Damaged::NotWav));
        assert_eq!(shape(&wav(8_000, 24, &[0; 6]), 8), Err(Damaged::NotPcm));
        assert_eq!(shape(&wav(8_000, 16, &[]), 8), Err(Damaged::Empty));
    }

    #[test]
    fn the_drawing_has_one_bar_for_each_peak_inside_its_box() {
        let drawn = path(&[1.0, 0.0], 560);
        assert_eq!(drawn, "M600 20h1800v520h-1800zM3600 270h1800v20h-1800z");
        assert_eq!(path(&[], 560), "");
    }
}
