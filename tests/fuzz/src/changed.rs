//! Further inputs made of those that are known: of one seed the same ones in every run, so that a fault that the tests find stays found.

/// Octets and numbers at which parsers turn.
const TURNS: [&[u8]; 16] = [
    b"\r\n",
    b"\n",
    b"\r\n.\r\n",
    b"\r\n\r\n",
    b"--",
    b"\0",
    b"\"",
    b"\\",
    b",",
    b":",
    b";",
    b"=",
    b"-1",
    b"99999999999999999999",
    &[0xFF; 8],
    &[0x7F, 0xFF, 0xFF, 0xFF],
];
/// An input does not grow beyond this.
const LENGTH_MAX: usize = 64 << 10;

/// An endless row of inputs, each one or two of the known ones with a few changes.
#[derive(Clone, Debug)]
pub struct Changed<'a> {
    known: &'a [Vec<u8>],
    state: u64,
}

impl<'a> Changed<'a> {
    /// Of these, in the order that follows from the seed.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(known: &'a [Vec<u8>], seed: u64) -> Self {
        assert!(!known.is_empty(), "nothing can be made of nothing");
        Self { known, state: seed }
    }

    /// Below `bound` (splitmix64).
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) as usize % bound.max(1)
    }

    fn one_of_the_known(&mut self) -> &'a [u8] {
        &self.known[self.below(self.known.len())]
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let end = (at + 1 + self.below(16)).min(input.len());
        match self.below(7) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.below(256) as u8,
            2 => drop(input.drain(at..end)),
            3 => {
                let copied = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                drop(input.splice(to..to, copied));
            }
            4 => {
                let turn = TURNS[self.below(TURNS.len())];
                drop(input.splice(at..at, turn.iter().copied()));
            }
            5 => {
                let turn = TURNS[self.below(TURNS.len())];
                drop(input.splice(at..end, turn.iter().copied()));
            }
            _ => input.truncate(at),
        }
    }
}

impl Iterator for Changed<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut input = self.one_of_the_known().to_vec();
        if self.below(4) == 0 {
            let other = self.one_of_the_known();
            input.truncate(self.below(input.len() + 1));
            input.extend_from_slice(&other[self.below(other.len() + 1)..]);
        }
        for _ in 0..=self.below(5) {
            self.change(&mut input);
        }
        input.truncate(LENGTH_MAX);
        Some(input)
    }
}
