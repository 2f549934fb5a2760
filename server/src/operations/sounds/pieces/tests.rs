//! Ranges against the whole, and what they cost, counted in decoded samples.

use super::super::checkpoints::Checkpoints;
use super::super::listeners::Listener;
use super::super::open::SoundEncoding;
use super::super::track::Tracks;
use super::*;
use std::sync::Arc;
use vpim::audio::g726::{self, NibbleOrder};
use vpim::audio::wav::{self, Format};
use vpim::audio::{g711, stored};

/// Octets that repeat only after a long time.
fn codes(count: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let octet = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(octet).take(count).collect()
}

fn track(coding: Coding, codes: Bytes) -> Track {
    Track {
        coding,
        samples: coding.samples(codes.len() as u64),
        codes,
    }
}

fn tracks(tracks: Vec<Track>) -> Arc<Tracks> {
    Arc::new(Tracks::new(([7; 32], None), tracks, None))
}

fn open(tracks: &Arc<Tracks>, encoding: SoundEncoding, known: &Arc<Checkpoints>) -> OpenSound {
    OpenSound::new(
        Arc::clone(tracks),
        encoding,
        Arc::clone(known),
        Listener::alone(),
        None,
    )
}

async fn all(mut pieces: SoundPieces) -> Vec<u8> {
    let mut octets = Vec::new();
    while let Some(piece) = pieces.next().await.unwrap() {
        assert!((1..=PIECE as usize).contains(&piece.len()));
        octets.extend_from_slice(&piece);
    }
    octets
}

/// A recording of each coding; the first goes over several checkpoints, the second has an odd number of samples.
fn mixed() -> (Arc<Tracks>, Vec<i16>) {
    let (long, short) = (codes(100_003), codes(70_001));
    let stereo = {
        let mut file = wav::write(&[5; 41_000]);
        file[22] = 2;
        wav::frames(&file).unwrap().0
    };
    let mut samples = g726::decode(&long, NibbleOrder::LowFirst);
    samples.extend(g711::decode_mu_law(&short));
    samples.extend(g726::decode(&short, NibbleOrder::HighFirst));
    stereo.decode(&short[..70_000], &mut samples);
    let all = vec![
        track(Coding::Adpcm(NibbleOrder::LowFirst), long),
        track(Coding::Frames(Format::MU_LAW), short.clone()),
        track(Coding::Adpcm(NibbleOrder::HighFirst), short.clone()),
        track(Coding::Frames(stereo), short.slice(..70_000)),
    ];
    (tracks(all), samples)
}

#[tokio::test]
async fn any_range_is_what_the_whole_has_there() {
    let (tracks, samples) = mixed();
    let whole = wav::write(&samples);
    let size = whole.len() as u64;
    let known = Arc::new(Checkpoints::default());
    let mut state = 1u64;
    let mut draw = |below: u64| {
        let next = state.wrapping_mul(6_364_136_223_846_793_005);
        state = next.wrapping_add(1);
        (state >> 20) % below
    };
    for n in 0..120 {
        // First where nobody has been yet, later where others have.
        let known = match n {
            0..40 => &Arc::default(),
            _ => &known,
        };
        let from = draw(size);
        let to = from + 1 + draw(3 * PIECE);
        let sound = open(&tracks, SoundEncoding::Wav, known);
        assert_eq!(sound.size(), size);
        let part = all(sound.pieces(from..to)).await;
        let expected = &whole[from as usize..to.min(size) as usize];
        assert!(part == expected, "octets {from} to {to}");
    }
    let sound = open(&tracks, SoundEncoding::Wav, &known);
    assert!(all(sound.pieces(0..size)).await == whole);
    let sound = open(&tracks, SoundEncoding::Wav, &known);
    assert!(all(sound.pieces(size..size + 1)).await.is_empty());
}

#[tokio::test]
async fn stored_sound_decodes_to_the_samples_of_the_wav_file() {
    let (tracks, samples) = mixed();
    let known = Arc::new(Checkpoints::default());
    let sound = open(&tracks, SoundEncoding::Stored, &known);
    let size = sound.size();
    let octets = all(sound.pieces(0..size)).await;
    assert_eq!(octets.len() as u64, size);
    let (mut decoder, mut heard) = (stored::StoredDecoder::new(), Vec::new());
    for piece in octets.chunks(1_000) {
        decoder.push(piece, &mut heard).unwrap();
    }
    assert!(heard == samples);
    let sound = open(&tracks, SoundEncoding::Stored, &known);
    let part = all(sound.pieces(99_000..size - 1)).await;
    assert!(part == octets[99_000..octets.len() - 1]);
}

#[tokio::test]
async fn the_end_of_a_long_recording_is_walked_to_once_and_then_costs_an_interval() {
    let adpcm = Coding::Adpcm(NibbleOrder::LowFirst);
    let tracks = tracks(vec![track(adpcm, codes(10 * 40_000 + 12_345))]);
    let known = Arc::new(Checkpoints::default());
    let samples = tracks.tracks[0].samples;
    let last = || {
        let sound = open(&tracks, SoundEncoding::Wav, &known);
        let end = sound.size();
        all(sound.pieces(end - 2..end))
    };
    // Twenty at once, where nobody has been.
    let ends = futures_util::future::join_all((0..20).map(|_| last())).await;
    assert!(ends.iter().all(|end| *end == ends[0] && end.len() == 2));
    let walked = known.decoded();
    assert!(walked < samples + 20 * INTERVAL, "{walked} of {samples}");
    assert_eq!(last().await, ends[0]);
    assert!(known.decoded() - walked <= INTERVAL);
}

#[tokio::test]
async fn who_goes_after_a_piece_has_cost_a_piece() {
    let adpcm = Coding::Adpcm(NibbleOrder::LowFirst);
    let tracks = tracks(vec![track(adpcm, codes(400_000))]);
    let known = Arc::new(Checkpoints::default());
    let mut pieces = open(&tracks, SoundEncoding::Wav, &known).pieces(0..u64::MAX);
    let head = pieces.next().await.unwrap().unwrap();
    assert_eq!((head.len(), known.decoded()), (wav::HEADER_LEN, 0));
    assert!(pieces.next().await.unwrap().is_some());
    drop(pieces);
    assert!(known.decoded() <= PIECE / SAMPLE);
    assert_eq!(Arc::strong_count(&tracks), 1);
}
