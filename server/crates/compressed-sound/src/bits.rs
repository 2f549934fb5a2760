//! Numbers out of octets: as a bit stream, or at a place.

/// A big-endian number of up to eight octets at a place.
pub(crate) fn be(octets: &[u8], at: usize, len: usize) -> Option<u64> {
    let octets = octets.get(at..at.checked_add(len)?)?;
    Some(
        octets
            .iter()
            .fold(0, |number, octet| number << 8 | u64::from(*octet)),
    )
}

/// A little-endian number of up to eight octets at a place.
pub(crate) fn le(octets: &[u8], at: usize, len: usize) -> Option<u64> {
    let octets = octets.get(at..at.checked_add(len)?)?;
    Some(
        octets
            .iter()
            .rev()
            .fold(0, |number, octet| number << 8 | u64::from(*octet)),
    )
}

/// Bits from the highest of each octet on, as MPEG has them.
pub(crate) struct HighFirst<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> HighFirst<'a> {
    pub fn new(octets: &'a [u8]) -> HighFirst<'a> {
        HighFirst { octets, at: 0 }
    }

    /// The next bits, 32 at most.
    pub fn read(&mut self, bits: u32) -> Option<u32> {
        let mut number = 0;
        for _ in 0..bits {
            let octet = self.octets.get(self.at / 8)?;
            number = number << 1 | u32::from(octet >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(number)
    }
}

/// Bits from the lowest of each octet on, as Vorbis has them.
pub(crate) struct LowFirst<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> LowFirst<'a> {
    pub fn new(octets: &'a [u8]) -> LowFirst<'a> {
        LowFirst { octets, at: 0 }
    }

    /// The next bits, 32 at most.
    pub fn read(&mut self, bits: u32) -> Option<u32> {
        let mut number = 0;
        for bit in 0..bits {
            let octet = self.octets.get(self.at / 8)?;
            number |= u32::from(octet >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Some(number)
    }

    /// Goes past bits; `None` behind the end.
    pub fn skip(&mut self, bits: u64) -> Option<()> {
        let at = (self.at as u64).checked_add(bits)?;
        self.at = usize::try_from(at)
            .ok()
            .filter(|at| *at <= 8 * self.octets.len())?;
        Some(())
    }
}
