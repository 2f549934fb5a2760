//! Sound: files that people upload, and sound as it travels.

use vpim::audio::stored::StoredDecoder;
use vpim::audio::wav;

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
