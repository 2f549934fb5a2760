//! FFmpeg as an independent witness: the same bytes must decode to the same samples.

use std::f64::consts::TAU;
use std::io::Write;
use std::process::{Command, Stdio};

use codec::foreign::{Foreign, GsmPacking};
use codec::g711;
use codec::g726::{self, Mixing, NibbleOrder};
use codec::sound_file;

/// Runs FFmpeg on `input` and gives its standard output; `None` when the environment allows doing without it.
fn ffmpeg(input: &[u8], arguments: &[&str]) -> Option<Vec<u8>> {
    let spawned = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(_) if std::env::var_os("CALLPILOT_NO_FFMPEG").is_some() => return None,
        Err(error) => panic!(
            "ffmpeg cannot be started ({error}). These tests compare our codecs with it: install the package `ffmpeg`, \
             or set CALLPILOT_NO_FFMPEG=1 to leave them out."
        ),
    };
    let mut stdin = child.stdin.take().expect("a pipe was asked for");
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("ffmpeg runs to its end");
    feeder
        .join()
        .expect("the feeder does not panic")
        .expect("ffmpeg reads all its input");
    assert!(output.status.success(), "ffmpeg failed: {}", output.status);
    Some(output.stdout)
}

fn words(bytes: &[u8]) -> Vec<i16> {
    bytes
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

fn bytes(samples: &[i16]) -> Vec<u8> {
    samples
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect()
}

/// Something like speech, well below full scale (FFmpeg wraps around where the Recommendation saturates): voiced stretches of a moving pitch with overtones, hiss, pauses, and two loud modem tones.
fn speech(samples: usize) -> Vec<i16> {
    let mut hiss = 0x1234_5678_9abc_def1u64;
    (0..samples)
        .map(|n| {
            hiss ^= hiss << 13;
            hiss ^= hiss >> 7;
            hiss ^= hiss << 17;
            let (t, noise) = (n as f64 / 8000.0, (hiss as i16 as f64) / 32768.0);
            let swell = (t * 4.2).sin().max(0.0);
            let pitch = 110.0 + 40.0 * (t * 1.3).sin();
            let voice: f64 = (1..12)
                .map(|k| (t * pitch * f64::from(k) * TAU).sin() / f64::from(k))
                .sum();
            let value = match (n / 8000) % 5 {
                0..=2 => swell * (voice * 6000.0 + noise * 800.0),
                3 => noise * 40.0,
                _ => (t * 1200.0 * TAU).sin() * 9000.0 * if (n / 400) % 2 == 0 { 1.0 } else { 0.4 },
            };
            value.clamp(-12000.0, 12000.0) as i16
        })
        .collect()
}

const RAW_PCM: [&str; 8] = ["-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "-"];

fn g726_decoder(format: &str) -> [&str; 10] {
    [
        "-f",
        format,
        "-code_size",
        "4",
        "-ar",
        "8000",
        "-i",
        "-",
        "-f",
        "s16le",
    ]
}

#[test]
fn g726_decodes_to_the_samples_of_ffmpeg() {
    let codes = g726::encode_with(&speech(400_000), NibbleOrder::LowFirst, Mixing::Ffmpeg);
    let swapped = codes.iter().map(|byte| byte.rotate_left(4)).collect();
    for (format, codes, order) in [
        ("g726le", codes, NibbleOrder::LowFirst),
        ("g726", swapped, NibbleOrder::HighFirst),
    ] {
        let Some(theirs) = ffmpeg(&codes, &[&g726_decoder(format)[..], &["-"]].concat()) else {
            return;
        };
        let ours = g726::decode_with(&codes, order, Mixing::Ffmpeg);
        assert_same(&ours, &words(&theirs));
    }
}

#[test]
fn g726_encodes_to_the_bytes_of_ffmpeg() {
    let samples = speech(400_000);
    let arguments = [
        &RAW_PCM[..],
        &["-c:a", "g726le", "-code_size", "4", "-f", "g726le", "-"],
    ]
    .concat();
    let Some(theirs) = ffmpeg(&bytes(&samples), &arguments) else {
        return;
    };
    let ours = g726::encode_with(&samples, NibbleOrder::LowFirst, Mixing::Ffmpeg);
    assert_eq!(ours.len(), theirs.len());
    let first = ours.iter().zip(&theirs).position(|(a, b)| a != b);
    assert_eq!(first, None, "the first differing byte");
}

/// The Recommendation's own rounding, which is what we send and play, differs from FFmpeg's by about
/// as much as the codec's own noise on speech. (Tones that jump are another matter: there an encoder and a decoder that
/// round differently take the jump at other moments.)
#[test]
fn the_rounding_of_the_recommendation_stays_close_to_ffmpeg() {
    let codes = g726::encode(&speech(400_000)[..32_000], NibbleOrder::LowFirst);
    let Some(theirs) = ffmpeg(&codes, &[&g726_decoder("g726le")[..], &["-"]].concat()) else {
        return;
    };
    let (ours, theirs) = (g726::decode(&codes, NibbleOrder::LowFirst), words(&theirs));
    assert_eq!(ours.len(), theirs.len());
    let power = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let signal = power(&mut theirs.iter().map(|&v| f64::from(v)));
    let difference = power(
        &mut ours
            .iter()
            .zip(&theirs)
            .map(|(&a, &b)| f64::from(a) - f64::from(b)),
    );
    let decibels = 10.0 * (signal / difference.max(1.0)).log10();
    println!("difference to ffmpeg: {decibels:.1} dB below the signal");
    assert!(decibels > 25.0, "only {decibels:.1} dB");
}

#[test]
fn g711_decodes_to_the_samples_of_ffmpeg() {
    let codes: Vec<u8> = (0..=255).cycle().take(4096).collect();
    for (format, ours) in [
        ("mulaw", g711::decode_mu_law(&codes)),
        ("alaw", g711::decode_a_law(&codes)),
    ] {
        let arguments = [
            "-f", format, "-ar", "8000", "-ac", "1", "-i", "-", "-f", "s16le", "-",
        ];
        let Some(theirs) = ffmpeg(&codes, &arguments) else {
            return;
        };
        assert_same(&ours, &words(&theirs));
    }
}

fn assert_same(ours: &[i16], theirs: &[i16]) {
    assert_eq!(ours.len(), theirs.len());
    if let Some(at) = ours.iter().zip(theirs).position(|(a, b)| a != b) {
        panic!(
            "sample {at} is {} here and {} at ffmpeg",
            ours[at], theirs[at]
        );
    }
}

/// The octets that FFmpeg makes of sound, in a WAV file or without one.
fn recorded(samples: &[i16], arguments: &[&str]) -> Option<Vec<u8>> {
    ffmpeg(&bytes(samples), &[&RAW_PCM[..], arguments].concat())
}

fn heard(file: &[u8]) -> Vec<i16> {
    let (coding, codes) = sound_file::read(file).expect("the file can be decoded");
    let mut samples = Vec::new();
    coding.decode(codes, 0..u64::MAX, &mut samples);
    samples
}

fn decibels(ours: &[i16], theirs: &[i16]) -> f64 {
    let power = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let signal = power(&mut theirs.iter().map(|&v| f64::from(v)));
    let pairs = ours.iter().zip(theirs);
    let off = power(&mut pairs.map(|(&a, &b)| f64::from(a) - f64::from(b)));
    10.0 * (signal / off.max(1.0)).log10()
}

#[test]
fn gsm_decodes_to_the_samples_of_ffmpeg() {
    // Less than a stretch, so that the decoder begins with the sound.
    let speech = speech(20_000);
    let Some(file) = recorded(&speech, &["-c:a", "libgsm_ms", "-f", "wav", "-"]) else {
        return;
    };
    let theirs = ffmpeg(&file, &["-i", "-", "-f", "s16le", "-"]).expect("it is there");
    assert_same(&heard(&file), &words(&theirs));

    let frames = recorded(&speech, &["-c:a", "libgsm", "-f", "gsm", "-"]).expect("it is there");
    let theirs = ffmpeg(&frames, &["-f", "gsm", "-i", "-", "-f", "s16le", "-"]);
    let mut ours = Vec::new();
    let foreign = Foreign::gsm(GsmPacking::Rtp, 8_000).expect("within the limits");
    foreign.decode(&frames, 0..u64::MAX, &mut ours);
    assert_same(&ours, &words(&theirs.expect("it is there")));
}

#[test]
fn gsm_that_is_entered_in_the_middle_is_what_it_is_from_the_beginning() {
    let Some(file) = recorded(&speech(400_000), &["-c:a", "libgsm_ms", "-f", "wav", "-"]) else {
        return;
    };
    let theirs = ffmpeg(&file, &["-i", "-", "-f", "s16le", "-"]).expect("it is there");
    let (ours, theirs) = (heard(&file), words(&theirs));
    assert_eq!(ours.len(), theirs.len());
    let decibels = decibels(&ours, &theirs);
    assert!(decibels > 40.0, "only {decibels:.1} dB");
}

#[test]
fn the_adpcm_of_wav_files_decodes_to_the_samples_of_ffmpeg() {
    let of = |codec| {
        [("8000", "1"), ("8000", "2"), ("16000", "1")]
            .map(|(rate, channels)| (codec, rate, channels))
    };
    for (codec, rate, channels) in [of("adpcm_ima_wav"), of("adpcm_ms")].concat() {
        let recorder = [
            "-ar", rate, "-ac", channels, "-c:a", codec, "-f", "wav", "-",
        ];
        let Some(file) = recorded(&speech(100_000), &recorder) else {
            return;
        };
        let player = ["-i", "-", "-ar", "8000", "-ac", "1", "-f", "s16le", "-"];
        let theirs = words(&ffmpeg(&file, &player).expect("it is there"));
        let ours = heard(&file);
        assert!(
            ours.len().abs_diff(theirs.len()) < 20,
            "{codec}, {rate}, {channels}"
        );
        let decibels = decibels(&ours, &theirs);
        assert!(
            decibels > 30.0,
            "{codec}, {rate}, {channels}: only {decibels:.1} dB"
        );
    }
}

#[test]
fn wide_wav_files_are_resampled_as_ffmpeg_does() {
    for (codec, rate) in [
        ("pcm_s16le", "44100"),
        ("pcm_s24le", "48000"),
        ("pcm_f32le", "16000"),
        ("pcm_mulaw", "11025"),
    ] {
        let recorder = ["-ar", rate, "-ac", "2", "-c:a", codec, "-f", "wav", "-"];
        let Some(file) = recorded(&speech(100_000), &recorder) else {
            return;
        };
        // From a pipe FFmpeg cannot go back to write the lengths: they are all ones.
        let player = ["-i", "-", "-ar", "8000", "-ac", "1", "-f", "s16le", "-"];
        let theirs = words(&ffmpeg(&file, &player).expect("it is there"));
        let ours = heard(&file);
        assert!(ours.len().abs_diff(theirs.len()) < 20, "{codec}");
        let decibels = decibels(&ours, &theirs);
        assert!(decibels > 20.0, "{codec} at {rate}: only {decibels:.1} dB");
    }
}
