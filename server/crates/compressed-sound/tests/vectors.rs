//! Files as encoders write them, all of one spoken sentence: what is heard is that sentence, at its length and its loudness.
//!
//! `tests/vectors/sound/README.md` says how each was made.

mod heard;

use compressed_sound::FileFormat;
use heard::{decoded, likeness, speech, vector};

/// A file, its format, how long it may be longer or shorter than the sentence in ms, and how like it must be, in hundredths.
const VECTORS: [(&str, FileFormat, i64, i64); 20] = [
    ("mpeg1-tagged.mp3", FileFormat::Mp3, 2, 99),
    ("mpeg2-vbr-stereo.mp3", FileFormat::Mp3, 2, 99),
    // Without the description that says how much the encoder put before and behind it.
    ("mpeg25-plain.mp3", FileFormat::Mp3, 250, 92),
    ("mp3-in.wav", FileFormat::Mp3InWav, 250, 95),
    ("adts.aac", FileFormat::Adts, 100, 92),
    ("stereo.m4a", FileFormat::Mp4, 30, 97),
    ("fragments.mp4", FileFormat::Mp4, 100, 92),
    ("vorbis.ogg", FileFormat::Ogg, 2, 99),
    ("vorbis-stereo.ogg", FileFormat::Ogg, 2, 99),
    ("vorbis.webm", FileFormat::WebM, 80, 99),
    ("silk-narrow.opus", FileFormat::Ogg, 2, 85),
    ("silk-wide.opus", FileFormat::Ogg, 2, 90),
    ("silk-dtx.opus", FileFormat::Ogg, 2, 90),
    ("hybrid.opus", FileFormat::Ogg, 2, 92),
    ("celt-stereo.opus", FileFormat::Ogg, 2, 99),
    ("celt-short.opus", FileFormat::Ogg, 2, 95),
    ("opus.webm", FileFormat::WebM, 60, 90),
    ("opus.mp4", FileFormat::Mp4, 20, 92),
    ("mode0.amr", FileFormat::Amr, 25, 70),
    ("amr.3gp", FileFormat::Mp4, 25, 80),
];

#[test]
fn every_file_is_the_sentence_that_was_said() {
    let said = speech();
    for (name, format, off_ms, like) in VECTORS {
        let file = vector(name);
        assert_eq!(FileFormat::of(&file), Some(format), "{name}");
        let heard = decoded(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        let longer_ms = (heard.len() as i64 - said.len() as i64) / 8;
        let (likeness, lag, loudness) = likeness(&said, &heard);
        println!(
            "{name}: {longer_ms} ms longer, {lag} samples late, likeness {likeness:.3}, loudness {loudness:.2}"
        );
        assert!(longer_ms.abs() <= off_ms, "{name}: {longer_ms} ms longer");
        assert!(
            likeness * 100.0 >= like as f64,
            "{name}: likeness {likeness:.3}"
        );
        assert!(
            (0.8..1.25).contains(&loudness),
            "{name}: loudness {loudness:.2}"
        );
    }
}
