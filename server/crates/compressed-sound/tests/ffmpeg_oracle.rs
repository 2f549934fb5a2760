//! FFmpeg as an independent witness: with decoders of other people it hears the same in each file. Opus it decodes with the reference
//! implementation, libopus.

mod heard;

use std::process::Command;

use codec::foreign::Resampler;
use heard::{decoded, likeness, path, vector};

/// What FFmpeg hears: at the rate of the file, made 8 kHz by our own filter. `None` when the environment allows doing without it.
fn ffmpeg(name: &str, decoder: &[&str], rate_hz: u32) -> Option<Vec<i16>> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(decoder)
        .arg("-i")
        .arg(path(name))
        .args(["-f", "s16le", "-ac", "1", "-ar", &rate_hz.to_string(), "-"])
        .output();
    let output = match output {
        Ok(output) => output,
        Err(_) if std::env::var_os("CALLPILOT_NO_FFMPEG").is_some() => return None,
        Err(error) => panic!(
            "ffmpeg cannot be started ({error}). These tests compare our decoders with it: install the package `ffmpeg`, \
             or set CALLPILOT_NO_FFMPEG=1 to leave them out."
        ),
    };
    assert!(output.status.success(), "{name}: {}", output.status);
    let pairs = output.stdout.chunks_exact(2);
    let samples: Vec<i16> = pairs
        .map(|two| i16::from_le_bytes([two[0], two[1]]))
        .collect();
    let mut resampler = Resampler::new(rate_hz).expect("a usual rate");
    let mut at_8_khz = Vec::new();
    resampler.push(&samples, &mut at_8_khz);
    resampler.finish(&mut at_8_khz);
    Some(at_8_khz)
}

/// A file, its rate, and how far what differs is below the sound, in decibels.
const VECTORS: [(&str, u32, i64); 20] = [
    ("mpeg1-tagged.mp3", 44_100, 50),
    ("mpeg2-vbr-stereo.mp3", 22_050, 50),
    ("mpeg25-plain.mp3", 8_000, 50),
    ("mp3-in.wav", 8_000, 50),
    ("adts.aac", 16_000, 50),
    ("stereo.m4a", 44_100, 50),
    ("fragments.mp4", 16_000, 50),
    ("vorbis.ogg", 16_000, 50),
    ("vorbis-stereo.ogg", 44_100, 50),
    ("vorbis.webm", 16_000, 50),
    ("silk-narrow.opus", 48_000, 50),
    ("silk-wide.opus", 48_000, 50),
    ("silk-dtx.opus", 48_000, 50),
    ("hybrid.opus", 48_000, 50),
    ("celt-stereo.opus", 48_000, 50),
    ("celt-short.opus", 48_000, 50),
    ("opus.webm", 48_000, 50),
    ("opus.mp4", 48_000, 50),
    ("mode0.amr", 8_000, 30),
    ("amr.3gp", 8_000, 30),
];

#[test]
fn every_file_sounds_as_ffmpeg_hears_it() {
    for (name, rate_hz, decibels_min) in VECTORS {
        let decoder: &[&str] = match name {
            name if name.contains("opus") => &["-c:a", "libopus"],
            _ => &[],
        };
        let Some(witness) = ffmpeg(name, decoder, rate_hz) else {
            return;
        };
        let heard = decoded(&vector(name)).expect("it is decoded");
        let (_, lag, _) = likeness(&witness, &heard);
        let pairs = witness.iter().zip(&heard[lag..]);
        let off: f64 = pairs
            .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
            .sum();
        let signal: f64 = witness.iter().map(|s| f64::from(*s).powi(2)).sum();
        let decibels = 10.0 * (signal / off.max(1.0)).log10();
        println!(
            "{name}: {decibels:.1} dB, {lag} samples later, {} against {}",
            heard.len(),
            witness.len()
        );
        assert!(decibels >= decibels_min as f64, "{name}: {decibels:.1} dB");
    }
}
