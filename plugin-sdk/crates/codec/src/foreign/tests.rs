//! Tones of every rate against the tone that they should be, and ranges against the whole.

use super::*;
use crate::g726;
use std::f64::consts::TAU;

const PCM: Sample = Sample::Signed {
    width: 2,
    big_endian: false,
};

fn tone(hz: f64, rate_hz: u32, samples: usize) -> Vec<i16> {
    let at = |n: usize| (n as f64 * hz * TAU / f64::from(rate_hz)).sin() * 8000.0;
    (0..samples).map(|n| at(n) as i16).collect()
}

fn octets(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

fn pcm(rate_hz: u32) -> Foreign {
    let frames = Frames {
        sample: PCM,
        channels: 1,
    };
    Foreign::frames(frames, rate_hz).unwrap()
}

fn whole(foreign: Foreign, codes: &[u8]) -> Vec<i16> {
    let mut samples = Vec::new();
    foreign.decode(codes, 0..u64::MAX, &mut samples);
    samples
}

/// Mean square, without the ends, where the sound begins and ends at once.
fn power(samples: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = samples.len() - 400;
    let middle = samples.skip(200).take(count);
    middle.map(|s| s * s).sum::<f64>() / count as f64
}

#[test]
fn a_tone_of_any_rate_keeps_its_length_its_pitch_and_its_loudness() {
    for rate in [
        4_000, 6_000, 8_000, 8_001, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000,
    ] {
        for hz in [50.0, 440.0, 1_700.0, 3_300.0] {
            if hz > 0.8 * f64::from(rate) / 2.0 {
                continue;
            }
            let heard = whole(pcm(rate), &octets(&tone(hz, rate, rate as usize)));
            assert_eq!(heard.len(), 8_000, "{rate}");
            let expected = tone(hz, 8_000, 8_000);
            let pairs = heard.iter().zip(&expected);
            let off = power(pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)));
            let decibels = 10.0 * (32e6 / off.max(1e-3)).log10();
            assert!(decibels > 55.0, "{hz} Hz at {rate}: {decibels:.1} dB");
        }
    }
}

#[test]
fn what_a_telephone_cannot_carry_does_not_fold_down() {
    for (rate, hz) in [
        (16_000, 4_100.0),
        (16_000, 7_000.0),
        (44_100, 5_000.0),
        (48_000, 15_500.0),
    ] {
        let heard = whole(pcm(rate), &octets(&tone(hz, rate, rate as usize)));
        let loudness = power(heard.iter().map(|s| f64::from(*s)));
        assert!(loudness < 32.0, "{hz} Hz at {rate}: {loudness}");
    }
}

#[test]
fn any_range_of_any_kind_is_what_the_whole_has_there() {
    let codes: Vec<u8> = (0..90_001u64).map(|n| ((n * n) >> 7) as u8).collect();
    let stereo = Frames {
        sample: PCM,
        channels: 2,
    };
    for foreign in [
        pcm(16_000),
        pcm(44_100),
        pcm(7_999),
        Foreign::frames(stereo, 11_025).unwrap(),
        Foreign::adpcm(NibbleOrder::LowFirst, 16_000).unwrap(),
        Foreign::adpcm(NibbleOrder::HighFirst, 6_000).unwrap(),
        Foreign::blocks(AdpcmKind::Ima, 1, 256, 8_000).unwrap(),
        Foreign::blocks(AdpcmKind::Microsoft, 1, 256, 8_000).unwrap(),
        Foreign::blocks(AdpcmKind::Microsoft, 2, 256, 16_000).unwrap(),
        Foreign::blocks(AdpcmKind::Ima, 2, 512, 11_025).unwrap(),
        Foreign::gsm(GsmPacking::Wav, 8_000).unwrap(),
        Foreign::gsm(GsmPacking::Wav, 11_025).unwrap(),
        Foreign::gsm(GsmPacking::Rtp, 8_000).unwrap(),
    ] {
        let whole = whole(foreign, &codes);
        assert_eq!(whole.len() as u64, foreign.samples(90_001), "{foreign:?}");
        assert!(foreign.octets(whole.len() as u64) <= 90_001);
        let len = whole.len() as u64;
        for (from, to) in [
            (0, 1),
            (1, 90),
            (4_000, 9_000),
            (len / 2, len / 2 + 70),
            (len - 3, len + 9),
            (len, len),
            (len + 5, len + 9),
        ] {
            let mut part = Vec::new();
            foreign.decode(&codes, from..to, &mut part);
            let to = to.min(len);
            let expected = &whole[from.min(to) as usize..to as usize];
            assert!(part == expected, "{foreign:?} {from} to {to}");
        }
    }
}

#[test]
fn g726_that_is_entered_has_forgotten_that_it_did_not_begin() {
    let speech = tone(300.0, 8_000, 200_000);
    let codes = g726::encode(&speech, NibbleOrder::LowFirst);
    let entered = whole(
        Foreign::adpcm(NibbleOrder::LowFirst, 8_000).unwrap(),
        &codes,
    );
    let gone_through = g726::decode(&codes, NibbleOrder::LowFirst);
    let pairs = entered.iter().zip(&gone_through);
    let off = power(pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)));
    assert!(off < 100.0, "{off}");
}

#[test]
fn every_width_says_the_same() {
    let decode = |sample, channels, codes: &[u8]| {
        let foreign = Foreign::frames(Frames { sample, channels }, 8_000).unwrap();
        whole(foreign, codes)
    };
    let signed = |width, big_endian| Sample::Signed { width, big_endian };
    let float = |double, big_endian| Sample::Float { double, big_endian };
    assert_eq!(
        decode(Sample::Unsigned8, 1, &[128, 255, 0]),
        [0, 127 << 8, i16::MIN]
    );
    assert_eq!(
        decode(signed(1, true), 1, &[0, 127, 128]),
        [0, 127 << 8, i16::MIN]
    );
    assert_eq!(
        decode(signed(2, true), 1, &[1, 2, 0xff, 0xfe, 7]),
        [258, -2]
    );
    assert_eq!(
        decode(signed(3, false), 1, &[9, 2, 1, 9, 0xfe, 0xff]),
        [258, -2]
    );
    assert_eq!(decode(signed(3, true), 1, &[1, 2, 9]), [258]);
    assert_eq!(
        decode(signed(4, false), 2, &[9, 9, 2, 1, 9, 9, 4, 1]),
        [259]
    );
    let values = [0.5f32, -2.0, f32::NAN, 1e-9];
    let codes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(
        decode(float(false, false), 1, &codes),
        [16_384, -32_767, 0, 0]
    );
    let codes: Vec<u8> = values
        .iter()
        .flat_map(|v| f64::from(*v).to_be_bytes())
        .collect();
    assert_eq!(
        decode(float(true, true), 1, &codes),
        [16_384, -32_767, 0, 0]
    );
    assert_eq!(decode(Sample::MuLaw, 2, &[0x80, 0x00]), [0]);
    assert_eq!(decode(Sample::ALaw, 1, &[0xaa]), [32_256]);
}

#[test]
fn numbers_that_no_recorder_writes_are_refused() {
    let frames = |channels, rate_hz| {
        let sample = Sample::MuLaw;
        Foreign::frames(Frames { sample, channels }, rate_hz)
    };
    assert!(frames(8, 192_000).is_some() && frames(1, 4_000).is_some());
    for (channels, rate_hz) in [(0, 8_000), (9, 8_000), (1, 0), (1, 3_999), (1, 192_001)] {
        assert_eq!(frames(channels, rate_hz), None);
    }
    assert_eq!(Foreign::adpcm(NibbleOrder::LowFirst, 1), None);
    assert_eq!(Foreign::gsm(GsmPacking::Wav, 7_999), None);
    let (ima, microsoft) = (AdpcmKind::Ima, AdpcmKind::Microsoft);
    for (kind, channels, align) in [
        (ima, 0, 256),
        (ima, 1, 0),
        (ima, 1, 258),
        (ima, 2, 4),
        (ima, 9, 36),
        (microsoft, 1, 6),
        (microsoft, 3, 256),
    ] {
        let blocks = Foreign::blocks(kind, channels, align, 8_000);
        assert_eq!(blocks, None, "{kind:?}, {channels}, {align}");
    }
}

#[test]
fn sound_that_comes_in_pieces_is_resampled_as_the_whole_is() {
    for rate in [4_000, 8_000, 11_025, 44_100, 48_000, 191_999] {
        let source = tone(440.0, rate, 30_000);
        let expected = whole(pcm(rate), &octets(&source));
        for piece in [1, 160, 1_024, 7_777] {
            let mut resampler = Resampler::new(rate).unwrap();
            let mut heard = Vec::new();
            for piece in source.chunks(piece) {
                resampler.push(piece, &mut heard);
            }
            resampler.finish(&mut heard);
            assert_eq!(heard, expected, "{rate} in pieces of {piece}");
        }
    }
    assert!(Resampler::new(RATE_HZ_MIN - 1).is_none());
    assert!(Resampler::new(RATE_HZ_MAX + 1).is_none());
}
