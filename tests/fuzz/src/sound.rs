//! Sound: files that people upload or gateways send, and sound as it travels.

use compressed_sound::FileFormat;
use vpim::audio::sound_file;
use vpim::audio::stored::StoredDecoder;
use vpim::audio::wav;
use vpim::limits::TRANSCODED_SAMPLES_PER_OCTET;

const SAMPLES_MAX: usize = 1 << 20;

/// Reads a WAV file.
pub fn read_wav(octets: &[u8]) {
    let counted = wav::count(octets);
    match wav::read(octets, SAMPLES_MAX) {
        Ok(read) => {
            assert_eq!(counted, Ok((read.rate_hz, read.samples.len() as u64)));
            assert!(read.samples.len() <= octets.len());
            let again = wav::read(&wav::write(&read.samples), SAMPLES_MAX);
            assert_eq!(again.map(|wav| wav.samples), Ok(read.samples));
        }
        Err(wav::WavError::TooLong { .. }) => assert!(counted.is_ok()),
        Err(error) => assert_eq!(counted, Err(error)),
    }
}

/// Finds the sound of a file, and decodes it: the whole, and a part as the whole has it.
pub fn read_sound_file(octets: &[u8]) {
    let Ok((coding, codes)) = sound_file::read(octets) else {
        return;
    };
    let samples = coding.samples(codes.len() as u64);
    assert!(samples <= 8 * octets.len() as u64);
    let decoded = |range| {
        let mut samples = Vec::new();
        coding.decode(codes, range, &mut samples);
        samples
    };
    let whole = decoded(0..u64::MAX);
    assert_eq!(whole.len() as u64, samples);
    let part = samples / 3..samples / 2;
    let its = &whole[part.start as usize..part.end as usize];
    assert!(decoded(part) == its, "a part is decoded otherwise");
}

/// Decodes a file of compressed sound. A fault of a decoder is an error like any other.
pub fn read_compressed(octets: &[u8]) {
    let format = FileFormat::of(octets).unwrap_or(FileFormat::Mp3);
    let most = octets.len() as u64 * TRANSCODED_SAMPLES_PER_OCTET;
    let mut samples = 0;
    let take = |piece: &[i16]| samples += piece.len() as u64;
    let decoded = compressed_sound::decode(octets, format, most, take);
    match decoded {
        Ok(()) => assert!((1..=most).contains(&samples)),
        Err(_) => assert!(samples <= most + 3 * 8_000),
    }
}

/// Decodes stored sound, all at once and octet by octet.
pub fn read_stored(octets: &[u8]) {
    let whole = decoded(octets, octets.len().max(1));
    assert_eq!(whole, decoded(octets, 1), "pieces are decoded otherwise");
    assert!(whole.0.len() <= 2 * octets.len());
}

fn decoded(octets: &[u8], piece: usize) -> (Vec<i16>, bool) {
    let mut decoder = StoredDecoder::new();
    let mut samples = Vec::new();
    for piece in octets.chunks(piece) {
        if decoder.push(piece, &mut samples).is_err() {
            return (samples, false);
        }
    }
    (samples, true)
}
