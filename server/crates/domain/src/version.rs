//! When a register was changed, and by whom: hybrid logical clock and incarnation.

use contract::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A reading of the hybrid logical clock: 48 bits of Unix milliseconds, 16 bits of counter.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hlc(pub u64);

/// One process incarnation of a server: 64 random bits, drawn anew at every start.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation(pub u64);

/// The version of a register. The highest wins; the incarnation breaks ties, because a restored server can issue the same clock
/// reading again (E5).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// When.
    pub hlc: Hlc,
    /// By whom.
    #[serde(rename = "life")]
    pub incarnation: Incarnation,
}

impl Hlc {
    /// The last reading that is taken: the middle of the range, some 4,400 years from 1970. A register that is dated there can still be
    /// replaced 2^63 times; one at the very end could never be, and local writes to it would silently do nothing.
    pub const END: Self = Self(1 << 63);

    /// How far ahead of the local wall clock a remote reading may be and still be absorbed (E20): 1 h in milliseconds.
    pub const ABSORB_MS_MAX: i64 = 3_600_000;

    /// The first reading of a millisecond.
    pub fn at(wall: Timestamp) -> Self {
        let ms = u64::try_from(wall.0).unwrap_or(0);
        Self(ms.min(Self::END.0 >> 16) << 16)
    }

    /// The wall-clock part, in Unix milliseconds.
    pub fn wall(self) -> Timestamp {
        Timestamp((self.0 >> 16) as i64)
    }

    /// The next reading: above this one, above `floor` (the version that is being replaced), and not behind the wall clock.
    #[must_use]
    pub fn next(self, wall: Timestamp, floor: Hlc) -> Self {
        Self(self.0.max(floor.0).saturating_add(1).max(Self::at(wall).0))
    }

    /// What this clock becomes on seeing a remote reading: the later of the two, unless the remote one is more than
    /// [`Self::ABSORB_MS_MAX`] ahead of the local wall clock; such a version is joined all the same, but not absorbed.
    #[must_use]
    pub fn absorb(self, remote: Hlc, wall: Timestamp) -> Self {
        if remote.wall().0 > wall.0.saturating_add(Self::ABSORB_MS_MAX) {
            self
        } else {
            self.max(remote)
        }
    }
}

impl fmt::Debug for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 >> 16, self.0 & 0xffff)
    }
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0 >> 32)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{:?}", self.hlc, self.incarnation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_rises_when_the_wall_clock_falls_and_above_what_it_replaces() {
        let now = Hlc::at(Timestamp(1_000));
        assert!(now.next(Timestamp(10), Hlc(0)) > now);
        let far = Hlc::at(Timestamp(9_000));
        assert!(now.next(Timestamp(1_000), far) > far);
        assert_eq!(now.next(Timestamp(5_000), Hlc(0)).wall(), Timestamp(5_000));
    }

    #[test]
    fn even_a_wall_clock_at_the_end_of_time_leaves_readings_to_come() {
        let end = Hlc::at(Timestamp(i64::MAX));
        assert_eq!(end, Hlc::END);
        assert!(end.next(Timestamp(i64::MAX), end) > end);
    }

    #[test]
    fn a_remote_clock_is_absorbed_up_to_an_hour_ahead_only() {
        let wall = Timestamp(10_000_000);
        let mine = Hlc::at(wall);
        let near = Hlc::at(Timestamp(wall.0 + Hlc::ABSORB_MS_MAX));
        let far = Hlc::at(Timestamp(wall.0 + Hlc::ABSORB_MS_MAX + 1));
        assert_eq!(mine.absorb(near, wall), near);
        assert_eq!(mine.absorb(far, wall), mine);
    }
}
