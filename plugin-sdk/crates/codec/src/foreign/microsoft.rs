//! Microsoft ADPCM: a block begins with a predictor, a step and two samples for each channel; then the channels take turns, the higher half
//! of an octet first.

/// Adds the samples of a block to `sums`.
pub(super) fn add(block: &[u8], channels: usize, sums: &mut [i32]) {
    let mut values = [Value::default(); 2];
    let word = |at: usize| {
        let octets = block.get(at..at + 2);
        octets.map_or(0, |two| i32::from(i16::from_le_bytes([two[0], two[1]])))
    };
    let Some((head, rest)) = sums.split_at_mut_checked(2) else {
        return;
    };
    for (channel, value) in values.iter_mut().enumerate().take(channels) {
        let predictor = block.get(channel).copied().unwrap_or_default();
        value.factors = FACTORS[usize::from(predictor).min(FACTORS.len() - 1)];
        value.step = word(channels + 2 * channel);
        value.last = word(3 * channels + 2 * channel);
        value.before = word(5 * channels + 2 * channel);
        head[0] += value.before;
        head[1] += value.last;
    }
    let octets = block.get(7 * channels..).unwrap_or_default();
    let codes = octets.iter().flat_map(|octet| [octet >> 4, octet & 0x0f]);
    for (n, code) in codes.enumerate() {
        if let Some(sum) = rest.get_mut(n / channels) {
            *sum += values[n % channels].next(code);
        }
    }
}

/// A channel on its way through a block.
#[derive(Clone, Copy, Default)]
struct Value {
    factors: [i32; 2],
    step: i32,
    last: i32,
    before: i32,
}

impl Value {
    fn next(&mut self, code: u8) -> i32 {
        let predicted = (self.last * self.factors[0] + self.before * self.factors[1]) / 256;
        let signed = i32::from(code) - if code & 8 != 0 { 16 } else { 0 };
        let sample = predicted.saturating_add(signed.saturating_mul(self.step));
        self.before = self.last;
        self.last = sample.clamp(i32::from(i16::MIN), i32::from(i16::MAX));
        let step = i64::from(STEPS[usize::from(code & 15)]) * i64::from(self.step) / 256;
        // As far as no product leaves 32 bits; no encoder comes near.
        self.step = step.clamp(16, 1 << 24) as i32;
        self.last
    }
}

/// The predictors that every file has.
const FACTORS: [[i32; 2]; 7] = [
    [256, 0],
    [512, -256],
    [0, 0],
    [192, 64],
    [240, 0],
    [460, -208],
    [392, -232],
];

/// How the step grows, in parts of 256.
const STEPS: [i32; 16] = [
    230, 230, 230, 230, 307, 409, 512, 614, 768, 614, 512, 409, 307, 230, 230, 230,
];
