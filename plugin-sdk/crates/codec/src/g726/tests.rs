//! The codec against the formulas of the Recommendation, and against itself.

use super::*;

/// A second of a loud 440 Hz tone, made with integers only so that it is the same on every machine.
fn tone() -> Vec<i16> {
    let (mut a, mut b) = (20_000i64 << 16, 0i64);
    (0..8000)
        .map(|_| {
            // 2 * sin(pi * 440 / 8000) in 16-bit fixed point: a rotation that keeps its radius.
            a -= (b * 22535) >> 16;
            b += (a * 22535) >> 16;
            (b >> 16) as i16
        })
        .collect()
}

#[test]
fn a_tone_survives_with_toll_quality() {
    let samples = tone();
    for order in [NibbleOrder::LowFirst, NibbleOrder::HighFirst] {
        let decoded = decode(&encode(&samples, order), order);
        assert_eq!(decoded.len(), samples.len());
        let power =
            |values: &mut dyn Iterator<Item = i64>| values.map(|v| v * v).sum::<i64>().max(1);
        let signal = power(&mut samples.iter().map(|&s| i64::from(s)));
        let noise = power(
            &mut samples
                .iter()
                .zip(&decoded)
                .map(|(&a, &b)| i64::from(a) - i64::from(b)),
        );
        assert!(
            signal / noise > 500,
            "signal to noise only {}",
            signal / noise
        );
    }
}

#[test]
fn silence_stays_silence() {
    let codes = encode(&[0; 1000], NibbleOrder::LowFirst);
    assert_eq!(codes, [0xff; 500]);
    assert!(
        decode(&codes, NibbleOrder::LowFirst)
            .iter()
            .all(|&s| s.abs() <= 4)
    );
}

#[test]
fn the_order_is_a_swap_of_halves() {
    let low = encode(&tone(), NibbleOrder::LowFirst);
    let high: Vec<u8> = low.iter().map(|byte| byte.rotate_left(4)).collect();
    assert_eq!(encode(&tone(), NibbleOrder::HighFirst), high);
    assert_eq!(
        decode(&high, NibbleOrder::HighFirst),
        decode(&low, NibbleOrder::LowFirst)
    );
}

#[test]
fn an_odd_last_sample_is_dropped() {
    assert_eq!(encode(&[1, 2, 3], NibbleOrder::LowFirst).len(), 1);
    assert_eq!(encode(&[1], NibbleOrder::LowFirst).len(), 0);
}

/// MIX as the Recommendation writes it, with its field widths: DIF in 14 bits two's complement, PROD likewise.
fn mix(yu: i32, yl: i32, al: i32) -> i32 {
    let dif = (yu + 16384 - (yl >> 6)) & 16383;
    let negative = dif >> 13 == 1;
    let difm = if negative { (16384 - dif) & 8191 } else { dif };
    let prodm = (difm * al) >> 6;
    let prod = if negative {
        (16384 - prodm) & 16383
    } else {
        prodm
    };
    ((yl >> 6) + prod) & 8191
}

#[test]
fn the_scale_is_mixed_as_the_recommendation_says() {
    for yu in (544..=5120).step_by(7) {
        for slow in (544..=5120).step_by(11) {
            for al in [0, 1, 5, 31, 32, 63, 64] {
                let yl = slow * 64 + 37;
                assert_eq!(
                    slow + (yu - slow) * al / 64,
                    mix(yu, yl, al),
                    "yu {yu} yl {yl} al {al}"
                );
            }
        }
    }
}

/// FMULT as the Recommendation writes it, with its field widths.
fn fmult(an: i32, srn_sign: bool, srn_exp: i32, srn_mant: i32) -> i32 {
    let an = an & 0xffff;
    let ans = an >> 15;
    let anmag = if ans == 0 {
        an >> 2
    } else {
        (16384 - (an >> 2)) & 8191
    };
    let anexp = 32 - (anmag as u32).leading_zeros() as i32;
    let anmant = if anmag == 0 {
        32
    } else {
        (anmag << 6) >> anexp
    };
    let wans = i32::from(srn_sign) ^ ans;
    let wanexp = srn_exp + anexp;
    let wanmant = (srn_mant * anmant + 48) >> 4;
    let wanmag = if wanexp <= 26 {
        (wanmant << 7) >> (26 - wanexp)
    } else {
        (wanmant << 7 << (wanexp - 26)) & 32767
    };
    if wans == 0 { wanmag } else { -wanmag }
}

#[test]
fn the_floating_product_is_that_of_the_recommendation() {
    for magnitude in (0..32768u32).step_by(61).chain([1, 2, 3, 32767]) {
        for sign in [0, -1] {
            let past = Float::new(sign, magnitude);
            for an in (-15360..=15360)
                .step_by(97)
                .chain([-1, 0, 1, -12288, 12288])
            {
                let ours = past.times(an);
                assert_eq!(
                    ours,
                    fmult(an, sign < 0, past.exponent as i32, past.mantissa as i32),
                    "{an} {magnitude}"
                );
            }
        }
    }
}

#[test]
fn any_bytes_decode_without_a_fault() {
    let mut word = 0x2545_f491_4f6c_dd1du64;
    let noise: Vec<u8> = (0..200_000)
        .map(|_| {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            word as u8
        })
        .collect();
    assert_eq!(decode(&noise, NibbleOrder::LowFirst).len(), 400_000);
    for code in 0..=255u8 {
        assert_eq!(decode(&[code; 5000], NibbleOrder::HighFirst).len(), 10_000);
    }
}

#[test]
fn samples_that_come_in_pieces_are_encoded_as_the_whole_is() {
    let samples = tone();
    for order in [NibbleOrder::LowFirst, NibbleOrder::HighFirst] {
        for piece in [1, 2, 3, 501, 7_999] {
            let (mut encoder, mut codes) = (AdpcmEncoder::new(order), Vec::new());
            for piece in samples.chunks(piece) {
                encoder.encode(piece, &mut codes);
            }
            assert_eq!(codes, encode(&samples, order), "pieces of {piece}");
        }
    }
}

#[test]
fn an_encoder_goes_on_behind_codes_as_if_it_had_made_them() {
    let samples = tone();
    for order in [NibbleOrder::LowFirst, NibbleOrder::HighFirst] {
        let whole = encode(&samples, order);
        let mut codes = whole[..1_234].to_vec();
        AdpcmEncoder::behind(&codes, order).encode(&samples[2_468..], &mut codes);
        assert_eq!(codes, whole);
    }
}
