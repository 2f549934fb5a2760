//! GSM 06.10 full rate (ETS 300 961), which many voice-mail systems record: 160 samples in 260 bits. Decoding only.
//!
//! The arithmetic is that of section 5 of the standard, in 16 bits with saturation.

/// How frames lie in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GsmPacking {
    /// WAV files, format tag 0x31: two frames in 65 octets, the lowest bit first.
    Wav,
    /// `audio/GSM` (RFC 3551 section 4.5.8): one frame in 33 octets behind four bits, the highest bit first.
    Rtp,
}

impl GsmPacking {
    /// Octets of a block.
    pub(super) const fn block(self) -> usize {
        match self {
            Self::Wav => 65,
            Self::Rtp => 33,
        }
    }

    /// Samples of a block.
    pub(super) const fn block_samples(self) -> usize {
        match self {
            Self::Wav => 2 * FRAME,
            Self::Rtp => FRAME,
        }
    }
}

const FRAME: usize = 160;
const SUBFRAME: usize = 40;
/// The longest lag of the long-term prediction.
const LAG_MAX: usize = 120;

/// Appends the samples of whole blocks, from a decoder at rest.
pub(super) fn decode(blocks: &[u8], packing: GsmPacking, samples: &mut Vec<i16>) {
    let mut decoder = Decoder::default();
    for block in blocks.chunks_exact(packing.block()) {
        let mut bits = Bits {
            octets: block,
            at: 0,
            low_first: packing == GsmPacking::Wav,
        };
        if packing == GsmPacking::Rtp {
            bits.take(4);
        }
        for _ in 0..packing.block_samples() / FRAME {
            decoder.frame(&mut bits, samples);
        }
    }
}

struct Bits<'a> {
    octets: &'a [u8],
    at: usize,
    low_first: bool,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> i16 {
        (0..count).fold(0, |value, n| {
            let octet = self.octets.get(self.at / 8).copied().unwrap_or_default();
            let within = self.at % 8;
            self.at += 1;
            match self.low_first {
                true => value | i16::from(octet >> within & 1) << n,
                false => value << 1 | i16::from(octet >> (7 - within) & 1),
            }
        })
    }
}

/// Product of two fractions, rounded.
fn mult_r(a: i16, b: i16) -> i16 {
    let product = (i32::from(a) * i32::from(b) + 16_384) >> 15;
    product.min(i32::from(i16::MAX)) as i16
}

/// What a decoder remembers from frame to frame.
struct Decoder {
    /// The end of the excitation so far.
    history: [i16; LAG_MAX],
    lag: usize,
    log_area_ratios: [i16; 8],
    /// The lattice of the short-term synthesis.
    lattice: [i16; 9],
    deemphasis: i16,
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder {
            history: [0; LAG_MAX],
            lag: SUBFRAME,
            log_area_ratios: [0; 8],
            lattice: [0; 9],
            deemphasis: 0,
        }
    }
}

impl Decoder {
    fn frame(&mut self, bits: &mut Bits<'_>, samples: &mut Vec<i16>) {
        let before = self.log_area_ratios;
        self.log_area_ratios = log_area_ratios(bits);
        let mut excitation = [0; FRAME];
        for subframe in excitation.chunks_exact_mut(SUBFRAME) {
            self.excite(bits, subframe);
        }
        // Section 5.3.2: the coefficients go over from those of the frame before.
        let now = self.log_area_ratios;
        let between =
            |mix: fn(i16, i16) -> i16| std::array::from_fn(|i| reflection(mix(before[i], now[i])));
        let sections: [(usize, [i16; 8]); 4] = [
            (
                13,
                between(|a, b| (a >> 2).saturating_add(b >> 2).saturating_add(a >> 1)),
            ),
            (27, between(|a, b| (a >> 1).saturating_add(b >> 1))),
            (
                40,
                between(|a, b| (a >> 2).saturating_add(b >> 2).saturating_add(b >> 1)),
            ),
            (FRAME, between(|_, b| b)),
        ];
        let mut at = 0;
        for (end, coefficients) in sections {
            for &sample in &excitation[at..end] {
                let speech = self.synthesize(sample, &coefficients);
                // Section 5.3.5: deemphasis, upscaling, and the 13 bits that there are.
                self.deemphasis = speech.saturating_add(mult_r(self.deemphasis, 28_180));
                samples.push(self.deemphasis.saturating_add(self.deemphasis) & !7);
            }
            at = end;
        }
    }

    /// Sections 5.3.1 and 5.3.2: the excitation of a subframe, from its pulses and from what was a lag before.
    fn excite(&mut self, bits: &mut Bits<'_>, subframe: &mut [i16]) {
        const GAINS: [i16; 4] = [3_277, 11_469, 21_299, 32_767];
        let lag = bits.take(7) as usize;
        let gain = GAINS[bits.take(2) as usize];
        let grid = bits.take(2) as usize;
        let pulses = pulses(bits);
        if (SUBFRAME..=LAG_MAX).contains(&lag) {
            self.lag = lag;
        }
        subframe.fill(0);
        for (place, pulse) in subframe[grid..].iter_mut().step_by(3).zip(pulses) {
            *place = pulse;
        }
        for (k, sample) in subframe.iter_mut().enumerate() {
            let earlier = self.history[LAG_MAX - self.lag + k];
            *sample = sample.saturating_add(mult_r(gain, earlier));
        }
        self.history.copy_within(SUBFRAME.., 0);
        self.history[LAG_MAX - SUBFRAME..].copy_from_slice(subframe);
    }

    /// Section 5.3.4: the short-term synthesis, a lattice of eight steps.
    fn synthesize(&mut self, sample: i16, coefficients: &[i16; 8]) -> i16 {
        let mut speech = sample;
        for (i, &coefficient) in coefficients.iter().enumerate().rev() {
            speech = speech.saturating_sub(mult_r(coefficient, self.lattice[i]));
            self.lattice[i + 1] = self.lattice[i].saturating_add(mult_r(coefficient, speech));
        }
        self.lattice[0] = speech;
        speech
    }
}

/// Section 5.3.2, table 5.1: the coefficients as they are sent.
fn log_area_ratios(bits: &mut Bits<'_>) -> [i16; 8] {
    const WIDTHS: [usize; 8] = [6, 6, 5, 5, 4, 4, 3, 3];
    const LOWEST: [i16; 8] = [-32, -32, -16, -16, -8, -8, -4, -4];
    const OFFSETS: [i16; 8] = [0, 0, 2_048, -2_560, 94, -1_792, -341, -1_144];
    const FACTORS: [i16; 8] = [
        13_107, 13_107, 13_107, 13_107, 19_223, 17_476, 31_454, 29_708,
    ];
    std::array::from_fn(|i| {
        let sent = (bits.take(WIDTHS[i]) + LOWEST[i]) << 10;
        let ratio = mult_r(FACTORS[i], sent.saturating_sub(OFFSETS[i] << 1));
        ratio.saturating_add(ratio)
    })
}

/// Section 5.3.3: from a log-area ratio to a reflection coefficient.
fn reflection(ratio: i16) -> i16 {
    let size = ratio.saturating_abs();
    let coefficient = match size {
        ..11_059 => size << 1,
        11_059..20_070 => size + 11_059,
        _ => (size >> 2).saturating_add(26_112),
    };
    if ratio < 0 { -coefficient } else { coefficient }
}

/// Sections 5.2.15 and 5.2.16: the 13 pulses of a subframe, in blocks of one loudness.
fn pulses(bits: &mut Bits<'_>) -> [i16; 13] {
    const MANTISSAS: [i16; 8] = [
        18_431, 20_479, 22_527, 24_575, 26_623, 28_671, 30_719, 32_767,
    ];
    let loudest = bits.take(6);
    let mut exponent = if loudest > 15 { (loudest >> 3) - 1 } else { 0 };
    let mut mantissa = loudest - (exponent << 3);
    if mantissa == 0 {
        (exponent, mantissa) = (-4, 7);
    } else {
        while mantissa <= 7 {
            mantissa = mantissa << 1 | 1;
            exponent -= 1;
        }
        mantissa -= 8;
    }
    let shift = 6 - exponent;
    let half = if shift > 0 { 1 << (shift - 1) } else { 0 };
    std::array::from_fn(|_| {
        let code = ((bits.take(3) << 1) - 7) << 12;
        mult_r(MANTISSAS[mantissa as usize], code).saturating_add(half) >> shift
    })
}
