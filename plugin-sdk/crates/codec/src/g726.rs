//! ITU-T G.726 at 32 kbit/s: four bits a sample, the codec that every VPIM system must have (RFC 3801 section 4.4.1).
//!
//! The arithmetic follows section 4 of the Recommendation, block by block and bit by bit, for uniform PCM as in its
//! Annex A (14-bit values, here scaled to 16). The names of the blocks stand in the comments. Encoder and decoder run the
//! same predictor, so that they cannot drift apart.
//!
//! Other codecs agree but for one rounding each: FFmpeg mixes the scale factors otherwise ([`Mixing`]), and libsndfile
//! leaves out the half that FMULT adds before it cuts. Both play what is sent here without audible harm.

/// Which half of a byte holds the earlier code word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NibbleOrder {
    /// The earlier code word in bits 0-3: RFC 3802 `audio/32KADPCM` and RTP `G726-32`.
    #[default]
    LowFirst,
    /// The earlier code word in bits 4-7: ATM `AAL2-G726-32`, and some old voice-mail systems.
    HighFirst,
}

/// How the block MIX rounds the scale factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mixing {
    /// As the Recommendation says (section 4.2.4): the product is cut towards zero.
    #[default]
    Itu,
    /// As FFmpeg's codec does: the fraction of the slow scale factor takes part. On speech the outcome differs from the
    /// Recommendation's by about 30 dB below the signal. With it our bytes and samples equal FFmpeg's exactly, which is
    /// how this codec is checked.
    Ffmpeg,
}

/// Decodes `codes`, two samples a byte.
pub fn decode(codes: &[u8], order: NibbleOrder) -> Vec<i16> {
    decode_with(codes, order, Mixing::Itu)
}

/// Decodes like [`decode`], with the rounding chosen.
pub fn decode_with(codes: &[u8], order: NibbleOrder, mixing: Mixing) -> Vec<i16> {
    match mixing {
        Mixing::Itu => decode_all::<false>(codes, order),
        Mixing::Ffmpeg => decode_all::<true>(codes, order),
    }
}

/// Encodes 8 kHz samples, two a byte. A last odd sample has no partner and is dropped (RFC 3802 section 3).
pub fn encode(samples: &[i16], order: NibbleOrder) -> Vec<u8> {
    encode_with(samples, order, Mixing::Itu)
}

/// Encodes like [`encode`], with the rounding chosen.
pub fn encode_with(samples: &[i16], order: NibbleOrder, mixing: Mixing) -> Vec<u8> {
    match mixing {
        Mixing::Itu => encode_all::<false>(samples, order),
        Mixing::Ffmpeg => encode_all::<true>(samples, order),
    }
}

/// A decoder between two octets: goes on where the codes before ended. A clone of it is a place to come back to.
#[derive(Clone, Debug)]
pub struct Adpcm {
    predictor: Predictor,
    order: NibbleOrder,
}

impl Adpcm {
    /// Before the first octet.
    pub fn new(order: NibbleOrder) -> Self {
        Self {
            predictor: Predictor::new(),
            order,
        }
    }

    /// Appends the samples of the next `codes`, two an octet.
    pub fn decode(&mut self, codes: &[u8], samples: &mut Vec<i16>) {
        self.each::<false>(codes, |pair| samples.extend_from_slice(&pair));
    }

    /// Goes past `codes` without giving their samples.
    pub fn skip(&mut self, codes: &[u8]) {
        self.each::<false>(codes, |_| {});
    }

    fn each<const FFMPEG: bool>(&mut self, codes: &[u8], mut take: impl FnMut([i16; 2])) {
        for &byte in codes {
            let (first, second) = match self.order {
                NibbleOrder::LowFirst => (byte & 0x0f, byte >> 4),
                NibbleOrder::HighFirst => (byte >> 4, byte & 0x0f),
            };
            take([
                self.predictor.step::<FFMPEG>(first),
                self.predictor.step::<FFMPEG>(second),
            ]);
        }
    }
}

fn decode_all<const FFMPEG: bool>(codes: &[u8], order: NibbleOrder) -> Vec<i16> {
    let mut samples = Vec::with_capacity(codes.len() * 2);
    Adpcm::new(order).each::<FFMPEG>(codes, |pair| samples.extend_from_slice(&pair));
    samples
}

/// An encoder between two samples: goes on where those before ended.
#[derive(Clone, Debug)]
pub struct AdpcmEncoder {
    predictor: Predictor,
    order: NibbleOrder,
    /// The first of a pair whose second has not come.
    odd: Option<i16>,
}

impl AdpcmEncoder {
    /// Before the first sample.
    pub fn new(order: NibbleOrder) -> Self {
        Self {
            predictor: Predictor::new(),
            order,
            odd: None,
        }
    }

    /// Behind these codes, as if it had made them: what it encodes goes on where they end.
    pub fn behind(codes: &[u8], order: NibbleOrder) -> Self {
        let mut decoder = Adpcm::new(order);
        decoder.skip(codes);
        Self {
            predictor: decoder.predictor,
            order,
            odd: None,
        }
    }

    /// Appends the codes of the next samples at 8 kHz, one octet for two. A last odd sample waits for its partner.
    pub fn encode(&mut self, samples: &[i16], codes: &mut Vec<u8>) {
        self.each::<false>(samples, codes);
    }

    fn each<const FFMPEG: bool>(&mut self, samples: &[i16], codes: &mut Vec<u8>) {
        let mut rest = samples;
        if let (Some(first), [second, behind @ ..]) = (self.odd, samples) {
            self.odd = None;
            codes.push(self.pair::<FFMPEG>(first, *second));
            rest = behind;
        }
        let pairs = rest.chunks_exact(2);
        if let [odd] = pairs.remainder() {
            self.odd = Some(*odd);
        }
        codes.extend(pairs.map(|pair| self.pair::<FFMPEG>(pair[0], pair[1])));
    }

    fn pair<const FFMPEG: bool>(&mut self, first: i16, second: i16) -> u8 {
        let mut code = |sample| {
            let code = self.predictor.quantize(sample);
            self.predictor.step::<FFMPEG>(code);
            code
        };
        let (first, second) = (code(first), code(second));
        match self.order {
            NibbleOrder::LowFirst => second << 4 | first,
            NibbleOrder::HighFirst => first << 4 | second,
        }
    }
}

fn encode_all<const FFMPEG: bool>(samples: &[i16], order: NibbleOrder) -> Vec<u8> {
    let mut codes = Vec::with_capacity(samples.len() / 2);
    AdpcmEncoder::new(order).each::<FFMPEG>(samples, &mut codes);
    codes
}

/// QUAN: the lowest normalised logarithm of each magnitude code above 0 (table 7).
const DECISION: [i32; 7] = [-124, 80, 178, 246, 300, 349, 400];
/// RECONST: the normalised logarithm of each magnitude code (table 11). Code 0 stands for no change at all.
const RECONSTRUCTION: [i32; 8] = [-2048, 4, 135, 213, 273, 323, 373, 425];
/// FUNCTW: how the fast scale factor follows each magnitude code.
const SCALE_WEIGHT: [i32; 8] = [-12, 18, 41, 64, 112, 198, 355, 1122];
/// FUNCTF: how the speed control follows each magnitude code, shifted to where FILTA and FILTB add it.
const SPEED_WEIGHT: [i32; 8] = [0, 0, 0, 1 << 4, 1 << 4, 1 << 4, 3 << 4, 7 << 4];

/// A value in the 11-bit floating form of FLOATA and FLOATB: sign, 4-bit exponent, 6-bit mantissa.
#[derive(Clone, Copy, Debug)]
struct Float {
    /// 0, or -1 for negative: ready to be used as a mask.
    sign: i32,
    exponent: u32,
    mantissa: u32,
}

impl Float {
    const ZERO: Float = Float {
        sign: 0,
        exponent: 0,
        mantissa: 32,
    };

    #[inline(always)]
    fn new(sign: i32, magnitude: u32) -> Float {
        // The number of bits in use; shifting in a one keeps zero out of the count.
        let exponent = 31 - (magnitude << 1 | 1).leading_zeros();
        let mantissa = (magnitude << 6) >> exponent | u32::from(magnitude == 0) << 5;
        Float {
            sign,
            exponent,
            mantissa,
        }
    }

    /// FMULT: a predictor coefficient times a past value, rounded as the Recommendation rounds.
    #[inline(always)]
    fn times(self, coefficient: i32) -> i32 {
        let coefficient = coefficient >> 2;
        let sign = coefficient >> 31;
        let factor = Float::new(
            sign,
            ((coefficient ^ sign).wrapping_sub(sign) & 8191) as u32,
        );
        let mantissa = (factor.mantissa.wrapping_mul(self.mantissa).wrapping_add(48)) >> 4;
        let exponent = factor.exponent.wrapping_add(self.exponent);
        let magnitude = ((u64::from(mantissa << 7) << exponent) >> 26) as i32 & 0x7fff;
        let sign = factor.sign ^ self.sign;
        (magnitude ^ sign).wrapping_sub(sign)
    }
}

/// Everything G.726 remembers from sample to sample; both ends of a call hold the same.
#[derive(Clone, Debug)]
struct Predictor {
    /// B1-B6: the zeros of the predictor, and the past quantised differences they weigh.
    zeros: [i32; 6],
    differences: [Float; 6],
    /// A1, A2: the poles, and the past reconstructed samples they weigh.
    poles: [i32; 2],
    reconstructed: [Float; 2],
    /// PK1, PK2: past signs of the partial signal, +1 or -1.
    partial_signs: [i32; 2],
    /// SEZ and SE: the estimate from the zeros alone, and from all.
    estimate_of_zeros: i32,
    estimate: i32,
    /// YU, YL, Y: fast, slow and mixed scale factor.
    fast_scale: i32,
    slow_scale: i32,
    scale: i32,
    /// DMS, DML, AP: short and long average of the code magnitudes, speed control.
    short_average: i32,
    long_average: i32,
    speed: i32,
    /// TD: the signal looks like a modem's tones.
    tone: bool,
}

impl Predictor {
    fn new() -> Predictor {
        Predictor {
            zeros: [0; 6],
            differences: [Float::ZERO; 6],
            poles: [0; 2],
            reconstructed: [Float::ZERO; 2],
            partial_signs: [1; 2],
            estimate_of_zeros: 0,
            estimate: 0,
            fast_scale: 544,
            slow_scale: 34816,
            scale: 544,
            short_average: 0,
            long_average: 0,
            speed: 0,
            tone: false,
        }
    }

    /// The code word for a sample (SUBTA, LOG, SUBTB, QUAN). The sample is brought to 14 bits towards zero.
    fn quantize(&self, sample: i16) -> u8 {
        let difference = i32::from(sample / 4) - self.estimate;
        let magnitude = difference.unsigned_abs();
        let exponent = 31 - (magnitude | 1).leading_zeros();
        let logarithm =
            (exponent << 7 | (magnitude << 7 >> exponent) & 127) as i32 - (self.scale >> 2);
        let code = DECISION
            .iter()
            .filter(|&&lowest| logarithm >= lowest)
            .count() as u8;
        // The word 0000 is never sent: the least magnitude is 1111 for both signs.
        if difference < 0 || code == 0 {
            !code & 0x0f
        } else {
            code
        }
    }

    /// Takes one code word into the state and gives the reconstructed sample.
    #[inline(always)]
    fn step<const FFMPEG: bool>(&mut self, code: u8) -> i16 {
        let negative = -i32::from(code >> 3 & 1);
        let magnitude_code = usize::from((code ^ negative as u8) & 7);

        // RECONST, ADDA, ANTILOG: the quantised difference.
        let logarithm = RECONSTRUCTION[magnitude_code].wrapping_add(self.scale >> 2);
        let antilog = ((128 | logarithm & 127) << (logarithm >> 7 & 15)) >> 7;
        let magnitude = if logarithm < 0 { 0 } else { antilog };
        let difference = (magnitude ^ negative).wrapping_sub(negative);

        // ADDB: the reconstructed sample, kept to 16 bits.
        let sample = i32::from(self.estimate.wrapping_add(difference) as i16);
        let partial = self.estimate_of_zeros.wrapping_add(difference);

        let transition = self.tone && magnitude > self.transition_threshold();
        if transition {
            // TRIGB: a modem changed its carrier; start predicting afresh.
            self.poles = [0; 2];
            self.zeros = [0; 6];
        } else {
            self.adapt_poles(partial.signum());
            self.adapt_zeros(difference.signum());
        }
        // TONE
        self.tone = self.poles[1] < -11776;

        self.adapt_speed(SPEED_WEIGHT[magnitude_code], transition);
        self.adapt_scale::<FFMPEG>(SCALE_WEIGHT[magnitude_code]);

        // The delay line of the differences keeps the sign of the code word even when the magnitude is zero.
        self.differences.copy_within(0..5, 1);
        self.differences[0] = Float::new(negative, magnitude as u32);
        let sign = sample >> 31;
        self.reconstructed = [
            Float::new(sign, sample.unsigned_abs() & 0x7fff),
            self.reconstructed[0],
        ];
        self.partial_signs = [if partial < 0 { -1 } else { 1 }, self.partial_signs[0]];
        self.predict();

        // LIMO of Annex A: to 14 bits; then to the scale of 16.
        (sample.clamp(-8192, 8191) * 4) as i16
    }

    /// TRANS: how large a difference must be, while a tone is on, to be taken for a change of carrier.
    #[inline(always)]
    fn transition_threshold(&self) -> i32 {
        let (whole, fraction) = (self.slow_scale >> 15, self.slow_scale >> 10 & 31);
        let threshold = if whole > 9 {
            31 << 10
        } else {
            (32 + fraction) << whole
        };
        (threshold + (threshold >> 1)) >> 1
    }

    /// UPA2, LIMC, UPA1, LIMD. `sign` is 0 when the partial signal is zero (SIGPK), which stops the gain.
    #[inline(always)]
    fn adapt_poles(&mut self, sign: i32) {
        let same_as = [sign * self.partial_signs[0], sign * self.partial_signs[1]];
        let [a1, a2] = self.poles;
        let gain = (16384 * same_as[1] - same_as[0] * a1.clamp(-8191, 8191) * 4) >> 7;
        let a2 = (a2 + gain - (a2 >> 7)).clamp(-12288, 12288);
        let limit = 15360 - a2;
        let a1 = (a1 + 192 * same_as[0] - (a1 >> 8)).clamp(-limit, limit);
        self.poles = [a1, a2];
    }

    /// XOR, UPB. `sign` is 0 when the difference is zero, which leaves only the leak.
    #[inline(always)]
    fn adapt_zeros(&mut self, sign: i32) {
        let gain = 128 * sign;
        for (zero, past) in self.zeros.iter_mut().zip(&self.differences) {
            *zero = zero
                .wrapping_add((gain ^ past.sign).wrapping_sub(past.sign))
                .wrapping_sub(*zero >> 8);
        }
    }

    /// FILTA, FILTB, SUBTC, FILTC, TRIGA.
    #[inline(always)]
    fn adapt_speed(&mut self, weight: i32, transition: bool) {
        self.short_average += weight + (-self.short_average >> 5);
        self.long_average += weight + (-self.long_average >> 7);
        let unsteady =
            ((self.short_average << 2) - self.long_average).abs() >= self.long_average >> 3;
        let fast = unsteady || self.scale < 1536 || self.tone;
        let speed = self.speed + (-self.speed >> 4) + if fast { 32 } else { 0 };
        self.speed = if transition { 256 } else { speed };
    }

    /// FILTD, LIMB, FILTE, LIMA, MIX.
    #[inline(always)]
    fn adapt_scale<const FFMPEG: bool>(&mut self, weight: i32) {
        self.fast_scale = (self.scale + weight + (-self.scale >> 5)).clamp(544, 5120);
        self.slow_scale += self.fast_scale + (-self.slow_scale >> 6);
        let share = if self.speed >= 256 {
            64
        } else {
            self.speed >> 2
        };
        let slow = self.slow_scale >> 6;
        let product = (self.fast_scale - slow) * share;
        self.scale = if FFMPEG {
            (self.slow_scale + product) >> 6
        } else {
            slow + product / 64
        };
    }

    /// FMULT eight times and ACCUM: the estimate of the next sample.
    #[inline(always)]
    fn predict(&mut self) {
        let mut sum = 0i32;
        for (zero, past) in self.zeros.iter().zip(self.differences) {
            sum = sum.wrapping_add(past.times(*zero));
        }
        self.estimate_of_zeros = i32::from(sum as i16) >> 1;
        for (pole, past) in self.poles.iter().zip(self.reconstructed) {
            sum = sum.wrapping_add(past.times(*pole));
        }
        self.estimate = i32::from(sum as i16) >> 1;
    }
}

#[cfg(test)]
mod tests;
