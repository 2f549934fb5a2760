//! Speech for the demo's messages: espeak-ng where it is installed, tones in the rhythm of speech where it is not. Made once and
//! kept in the cache of the account.

use std::f64::consts::PI;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use vpim::audio::g726::{self, NibbleOrder};
use vpim::audio::{SAMPLE_RATE_HZ, wav};

/// Raised when the same words would sound otherwise than before.
const CACHE_VERSION: &str = "1";
/// No message of the demo is longer than this at any rate that espeak-ng uses.
const SAMPLES_MAX: usize = 48_000 * 120;

/// Words, spoken by a voice of espeak-ng, as G.726 with 32 kbit/s.
pub fn say(voice: &str, words: &str) -> Vec<u8> {
    let cached = cached(voice, words);
    if let Some(bytes) = cached.as_ref().and_then(|path| fs::read(path).ok()) {
        return bytes;
    }
    let Some(samples) = espeak(voice, words) else {
        // Not kept: espeak-ng may be installed by the next time.
        return g726::encode(&tones(words), NibbleOrder::default());
    };
    let bytes = g726::encode(&samples, NibbleOrder::default());
    if let Some(path) = cached {
        // Without a cache the words are spoken again next time.
        let _ = fs::create_dir_all(path.parent().unwrap_or(&path));
        let aside = path.with_extension(std::process::id().to_string());
        let _ = fs::write(&aside, &bytes).and_then(|()| fs::rename(&aside, &path));
    }
    bytes
}

fn cached(voice: &str, words: &str) -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let base = base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let key = blake3::hash(format!("{CACHE_VERSION}\0{voice}\0{words}").as_bytes()).to_hex();
    Some(
        base.join("callpilot-gr/speech")
            .join(format!("{}.g726", &key[..32])),
    )
}

fn espeak(voice: &str, words: &str) -> Option<Vec<i16>> {
    let mut child = Command::new("espeak-ng")
        .args(["-v", voice, "-s", "160", "--stdin", "--stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(words.as_bytes()).ok()?;
    let output = child
        .wait_with_output()
        .ok()
        .filter(|o| o.status.success())?;
    let wav = wav::read(&output.stdout, SAMPLES_MAX).ok()?;
    let samples = resample(&wav.samples, wav.rate_hz);
    (!samples.is_empty()).then_some(samples)
}

/// To 8 kHz, by a windowed sinc whose cut-off is below half of the lower rate.
fn resample(samples: &[i16], rate_hz: u32) -> Vec<i16> {
    const PHASES: usize = 64;
    const LOBES: f64 = 12.0;
    if rate_hz == SAMPLE_RATE_HZ {
        return samples.to_vec();
    }
    let ratio = f64::from(rate_hz) / f64::from(SAMPLE_RATE_HZ);
    let cutoff = 0.92 / ratio.max(1.0);
    let reach = (LOBES / cutoff).ceil() as i64;
    let kernel = |offset: f64| {
        let x = PI * offset * cutoff;
        let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
        let window = 0.5 + 0.5 * (PI * offset / (reach as f64 + 1.0)).cos();
        cutoff * sinc * window
    };
    let phases: Vec<Vec<f64>> = (0..PHASES)
        .map(|phase| {
            (-reach..=reach)
                .map(|tap| kernel(tap as f64 - phase as f64 / PHASES as f64))
                .collect()
        })
        .collect();
    let count = (samples.len() as f64 / ratio) as usize;
    let one = |n: usize| {
        let at = n as f64 * ratio;
        let (whole, phase) = (
            at.floor() as i64,
            ((at.fract() * PHASES as f64) as usize).min(PHASES - 1),
        );
        let sum: f64 = (-reach..=reach)
            .zip(&phases[phase])
            .map(|(tap, weight)| {
                let i = usize::try_from(whole + tap).ok();
                i.and_then(|i| samples.get(i))
                    .map_or(0.0, |s| f64::from(*s) * weight)
            })
            .sum();
        sum.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
    };
    (0..count).map(one).collect()
}

/// Something to hear with pauses and rises: one falling or rising tone for each word, as long as the word.
fn tones(words: &str) -> Vec<i16> {
    const PER_LETTER: usize = 480;
    let mut samples = Vec::new();
    for (n, word) in words.split_whitespace().enumerate() {
        let len = PER_LETTER * word.len().clamp(2, 9);
        let base = 140.0 + 25.0 * ((n * 7) % 5) as f64;
        samples.extend((0..len).map(|i| {
            let (t, part) = (i as f64 / f64::from(SAMPLE_RATE_HZ), i as f64 / len as f64);
            let pitch = base * (1.1 - 0.2 * part);
            let tone: f64 = (1..=6)
                .map(|k| (2.0 * PI * pitch * f64::from(k) * t).sin() / f64::from(k))
                .sum();
            (tone * (PI * part).sin() * 5_000.0) as i16
        }));
        let pause = if word.ends_with(['.', ',', '?']) {
            6 * PER_LETTER
        } else {
            PER_LETTER
        };
        samples.resize(samples.len() + pause, 0);
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate_hz: u32, hz: f64) -> Vec<i16> {
        let sample =
            |i: u32| ((2.0 * PI * hz * f64::from(i) / f64::from(rate_hz)).sin() * 10_000.0) as i16;
        (0..rate_hz).map(sample).collect()
    }

    fn loudness(samples: &[i16]) -> f64 {
        (samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
    }

    #[test]
    fn resampling_keeps_speech_and_drops_what_a_telephone_cannot_carry() {
        let kept = resample(&tone(22_050, 1_000.0), 22_050);
        assert_eq!(kept.len(), 8_000);
        assert!(
            (6_800.0..7_300.0).contains(&loudness(&kept)),
            "{}",
            loudness(&kept)
        );
        let dropped = resample(&tone(22_050, 6_000.0), 22_050);
        assert!(loudness(&dropped) < 100.0, "{}", loudness(&dropped));
    }

    #[test]
    fn tones_last_about_as_long_as_the_words() {
        let seconds = tones("Visitor for you at the reception, please come down.").len() / 8_000;
        assert!((2..=6).contains(&seconds), "{seconds}");
    }
}
