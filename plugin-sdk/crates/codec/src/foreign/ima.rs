//! IMA ADPCM: a block begins with a sample and a step for each channel; then come groups of eight samples of each channel in turn.

/// Adds the samples of a block to `sums`, channel by channel.
pub(super) fn add(block: &[u8], channels: usize, sums: &mut [i32]) {
    let Some((first, rest)) = sums.split_first_mut() else {
        return;
    };
    for channel in 0..channels {
        let groups = block.chunks_exact(4 * channels);
        let mut groups = groups.map(|all| &all[channel * 4..][..4]);
        let Some(&[low, high, step, _]) = groups.next() else {
            return;
        };
        let mut value = Value {
            sample: i32::from(i16::from_le_bytes([low, high])),
            step: usize::from(step).min(STEPS.len() - 1),
        };
        *first += value.sample;
        let codes = groups
            .flatten()
            .flat_map(|octet| [octet & 0x0f, octet >> 4]);
        for (sum, code) in rest.iter_mut().zip(codes) {
            *sum += value.next(code);
        }
    }
}

/// A channel on its way through a block.
struct Value {
    sample: i32,
    step: usize,
}

impl Value {
    fn next(&mut self, code: u8) -> i32 {
        let step = STEPS[self.step];
        let bit = |bit: u8, part: i32| if code & bit != 0 { part } else { 0 };
        let change = bit(4, step) + bit(2, step >> 1) + bit(1, step >> 2) + (step >> 3);
        let change = if code & 8 != 0 { -change } else { change };
        self.sample = (self.sample + change).clamp(i32::from(i16::MIN), i32::from(i16::MAX));
        let wider = [0, 0, 0, 0, 2, 4, 6, 8][usize::from(code & 7)];
        self.step = match wider {
            0 => self.step.saturating_sub(1),
            wider => (self.step + wider).min(STEPS.len() - 1),
        };
        self.sample
    }
}

/// Each about a tenth above the one before.
const STEPS: [i32; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66,
    73, 80, 88, 97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449,
    494, 544, 598, 658, 724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272,
    2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493,
    10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
];
