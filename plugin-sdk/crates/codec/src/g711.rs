//! ITU-T G.711 µ-law and A-law: 64 kbit/s, one byte a sample.
//!
//! Values are those of G.711 tables 1 and 2, scaled to 16 bits: µ-law has 14-bit values (times 4), A-law 13-bit values
//! (times 8). `audio/basic` (RFC 2046 section 4.3) is µ-law without a header.

/// Linear value of every µ-law code.
static MU_LAW: [i16; 256] = mu_law_table();
/// Linear value of every A-law code.
static A_LAW: [i16; 256] = a_law_table();

/// Decodes µ-law. One sample per byte.
pub fn decode_mu_law(codes: &[u8]) -> Vec<i16> {
    codes.iter().map(|&code| mu_law_sample(code)).collect()
}

/// Decodes A-law. One sample per byte.
pub fn decode_a_law(codes: &[u8]) -> Vec<i16> {
    codes.iter().map(|&code| a_law_sample(code)).collect()
}

/// The value of a µ-law code.
pub fn mu_law_sample(code: u8) -> i16 {
    MU_LAW[usize::from(code)]
}

/// The value of an A-law code.
pub fn a_law_sample(code: u8) -> i16 {
    A_LAW[usize::from(code)]
}

/// Encodes to µ-law. One byte per sample.
pub fn encode_mu_law(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|&sample| mu_law_code(sample)).collect()
}

/// Encodes to A-law. One byte per sample.
pub fn encode_a_law(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|&sample| a_law_code(sample)).collect()
}

/// The µ-law code whose decision interval holds `sample` (G.711 tables 2a and 2b).
///
/// On the 14-bit scale segment `s` begins at `33 * 2^s - 33`: with the bias of 33 added, the segment is the position of
/// the highest bit. All bits are sent inverted.
pub fn mu_law_code(sample: i16) -> u8 {
    const BIAS: u16 = 33;
    const LOUDEST: u16 = 8191;
    let magnitude = (mirrored(sample) >> 2).saturating_add(BIAS).min(LOUDEST);
    let segment = 10 - magnitude.leading_zeros() as u16;
    let step = (magnitude >> (segment + 1)) & 0x0f;
    let code = (segment << 4 | step) as u8;
    if sample < 0 { !(code | 0x80) } else { !code }
}

/// The A-law code whose decision interval holds `sample` (G.711 tables 1a and 1b). Even bits are sent inverted.
pub fn a_law_code(sample: i16) -> u8 {
    let magnitude = mirrored(sample) >> 4;
    let code = if magnitude < 32 {
        magnitude
    } else {
        let segment = 12 - magnitude.leading_zeros() as u16;
        segment << 4 | (magnitude >> (segment - 1)) & 0x0f
    } as u8;
    (if sample < 0 { code } else { code | 0x80 }) ^ 0x55
}

/// Folds the negative half onto the positive one. One's complement, as in the ITU's own tools (G.191), so that the
/// decision value itself falls to the same side on both halves.
const fn mirrored(sample: i16) -> u16 {
    (if sample < 0 { !sample } else { sample }) as u16
}

const fn mu_law_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let plain = !(code as u8);
        let magnitude = (((((plain & 0x0f) as i16) << 1) + 33) << ((plain >> 4) & 7)) - 33;
        table[code] = if plain & 0x80 == 0 {
            magnitude * 4
        } else {
            magnitude * -4
        };
        code += 1;
    }
    table
}

const fn a_law_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let plain = code as u8 ^ 0x55;
        let (segment, step) = ((plain >> 4) & 7, ((plain & 0x0f) as i16) << 1);
        let magnitude = if segment == 0 {
            step + 1
        } else {
            (step + 33) << (segment - 1)
        };
        table[code] = if plain & 0x80 != 0 {
            magnitude * 8
        } else {
            magnitude * -8
        };
        code += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lower decision values of the 128 intervals of one sign, in 16-bit scale. µ-law (table 2a): segment `s` begins at
    /// `2^(s+5) - 33` and has 16 steps of `2^(s+1)`, the very first one cut to half by the axis.
    fn mu_law_decisions() -> Vec<i32> {
        (0..128)
            .map(|n| (n / 16, n % 16))
            .map(|(s, step)| (((1 << (s + 5)) - 33 + (step << (s + 1))) * 4).max(0))
            .collect()
    }

    /// A-law (table 1a): two segments of steps of 2, from then on the step doubles.
    fn a_law_decisions() -> Vec<i32> {
        let value = |s: i32, step: i32| if s == 0 { step * 2 } else { (16 + step) << s };
        (0..128).map(|n| value(n / 16, n % 16) * 8).collect()
    }

    #[test]
    fn every_sample_falls_into_the_interval_of_the_recommendation() {
        type Law = (Vec<i32>, fn(i16) -> u8, [u8; 2]);
        let laws: [Law; 2] = [
            (mu_law_decisions(), mu_law_code, [0xff, 0x7f]),
            (a_law_decisions(), a_law_code, [0xd5, 0x55]),
        ];
        for (decisions, code_of, [positive, negative]) in laws {
            for sample in i16::MIN..=i16::MAX {
                let interval =
                    decisions.partition_point(|&lowest| lowest <= i32::from(mirrored(sample))) - 1;
                let inverted = if sample < 0 { negative } else { positive };
                assert_eq!(
                    code_of(sample),
                    interval as u8 ^ inverted,
                    "sample {sample}"
                );
            }
        }
    }

    #[test]
    fn every_value_lies_in_the_middle_of_its_interval() {
        for (decisions, table, inverted) in [
            (mu_law_decisions(), &MU_LAW, 0xff),
            (a_law_decisions(), &A_LAW, 0xd5),
        ] {
            for n in 0..127usize {
                // The first interval of the µ-law straddles the axis, and its value is zero.
                let low = if decisions[n + 1] == 4 {
                    -4
                } else {
                    decisions[n]
                };
                assert_eq!(i32::from(table[n ^ inverted]), (low + decisions[n + 1]) / 2);
            }
        }
    }

    #[test]
    fn every_code_survives_decoding_and_encoding() {
        for code in 0..=255u8 {
            let mu = MU_LAW[usize::from(code)];
            // 0x7f is minus zero: it comes back as plus zero.
            assert_eq!(mu_law_code(mu), if code == 0x7f { 0xff } else { code });
            assert_eq!(a_law_code(A_LAW[usize::from(code)]), code);
        }
    }

    #[test]
    fn the_laws_have_the_end_points_of_the_recommendation() {
        assert_eq!(
            decode_mu_law(&[0xff, 0x80, 0x00, 0x7f]),
            [0, 32124, -32124, 0]
        );
        assert_eq!(
            decode_a_law(&[0xd5, 0xaa, 0x2a, 0x55]),
            [8, 32256, -32256, -8]
        );
        assert_eq!(encode_mu_law(&[i16::MIN, i16::MAX]), [0x00, 0x80]);
        assert_eq!(encode_a_law(&[i16::MIN, i16::MAX]), [0x2a, 0xaa]);
    }

    #[test]
    fn a_louder_sample_never_decodes_lower() {
        let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        for decoded in [
            decode_mu_law(&encode_mu_law(&samples)),
            decode_a_law(&encode_a_law(&samples)),
        ] {
            assert!(decoded.is_sorted());
        }
    }
}
