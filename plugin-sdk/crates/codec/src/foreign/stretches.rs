//! Sound whose every sample depends on all before it, entered at fixed places: a decoder begins a little ahead of each, and has forgotten
//! by then that it did not begin with the sound. The places do not depend on what is asked for, so a sample is always the same one.

use std::ops::Range;

/// Where sound of a kind is entered.
pub(super) struct Stretches {
    /// Octets from one place to the next.
    pub octets: usize,
    /// Octets that are gone through ahead of a place.
    pub ahead: usize,
    /// Octets of a block…
    pub block: usize,
    /// …and the samples that it holds.
    pub block_samples: usize,
}

/// Appends a range of the samples of `codes`. `decode` appends those of whole blocks with a decoder that begins with them.
pub(super) fn decode(
    codes: &[u8],
    stretches: Stretches,
    range: Range<u64>,
    samples: &mut Vec<i16>,
    decode: impl Fn(&[u8], &mut Vec<i16>),
) {
    let held = |octets: usize| octets / stretches.block * stretches.block_samples;
    let each = held(stretches.octets);
    let (mut at, end) = (range.start as usize, range.end as usize);
    let mut decoded = Vec::new();
    while at < end {
        let start = at / each * stretches.octets;
        let begin = start.saturating_sub(stretches.ahead);
        let first = held(begin);
        let last = end.min(at / each * each + each);
        let blocks = (last - first).div_ceil(stretches.block_samples);
        let until = (begin + blocks * stretches.block).min(codes.len());
        decoded.clear();
        decode(&codes[begin..until], &mut decoded);
        samples.extend_from_slice(&decoded[at - first..last - first]);
        at = last;
    }
}
