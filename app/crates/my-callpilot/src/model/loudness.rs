//! How loud it is at the microphone: what the meter shows, and whether one would be heard.

/// Steps of the meter, of 2 dB each, up to the loudest there is.
pub const STEPS: u8 = 28;
/// Measurements a second.
const A_SECOND: u8 = 10;
/// Nothing is heard, or too little, for so many of them, before it is said: three seconds.
const QUIET_FOR: u8 = 3 * A_SECOND;
/// Louder than an open microphone in a silent room: 46 dB below the loudest there is.
const HEARD_MIN: u16 = 164;
/// As loud as speech has to be to be heard well: 34 dB below.
const GOOD_MIN: u16 = 655;
/// Louder than this it is cut off.
const LOUD_MIN: u16 = 32_400;

/// Whether one would be heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hearing {
    /// Well, or it is not known yet.
    #[default]
    Good,
    /// Nothing was heard for three seconds.
    Nothing,
    /// All that was heard for three seconds was too quiet.
    TooQuiet,
    /// It is cut off.
    TooLoud,
}

/// What the meter shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The level now, in [`STEPS`].
    pub level: u8,
    /// The highest of the last second.
    pub held: u8,
    /// Whether one would be heard.
    pub hearing: Hearing,
}

/// The last seconds at the microphone.
#[derive(Debug, Default)]
pub struct Loudness {
    held: u8,
    /// Measurements since the held level was reached.
    held_for: u8,
    /// Measurements since something was heard, since it was loud enough, and since it was too loud.
    unheard: u8,
    quiet: u8,
    /// Measurements for which it is still called too loud.
    loud: u8,
}

impl Loudness {
    /// Takes the loudest sample of a tenth of a second.
    pub fn take(&mut self, peak: u16) -> Reading {
        let level = steps(peak);
        self.held_for = self.held_for.saturating_add(1);
        if level >= self.held || self.held_for > A_SECOND {
            (self.held, self.held_for) = (level, 0);
        }
        let since = |count: u8, now: bool| if now { 0 } else { count.saturating_add(1) };
        self.unheard = since(self.unheard, peak >= HEARD_MIN);
        self.quiet = since(self.quiet, peak >= GOOD_MIN);
        self.loud = match peak >= LOUD_MIN {
            true => A_SECOND,
            false => self.loud.saturating_sub(1),
        };
        let hearing = match (self.loud, self.unheard, self.quiet) {
            (1.., ..) => Hearing::TooLoud,
            (0, QUIET_FOR.., _) => Hearing::Nothing,
            (0, _, QUIET_FOR..) => Hearing::TooQuiet,
            _ => Hearing::Good,
        };
        Reading {
            level,
            held: self.held,
            hearing,
        }
    }
}

/// A peak in steps of the meter.
fn steps(peak: u16) -> u8 {
    // The lowest step begins 56 dB below the loudest; each is 2 dB, a factor of 1.2589. In 256ths, so that nothing is lost by rounding.
    let mut edge: u64 = 52 * 256;
    let mut steps = 0;
    while steps < STEPS && u64::from(peak) * 256 >= edge {
        edge = edge * 12_589 / 10_000;
        steps += 1;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_goes_from_a_silent_room_to_the_loudest_there_is() {
        assert_eq!([0, 51, 52, 66, 32_767].map(steps), [0, 0, 1, 2, STEPS]);
        // 20 dB are ten steps.
        assert_eq!(steps(10_000) - steps(1_000), 10);
    }

    #[test]
    fn who_is_not_heard_for_three_seconds_is_told() {
        let mut loudness = Loudness::default();
        let hearing: Vec<Hearing> = (0..30).map(|_| loudness.take(20).hearing).collect();
        assert!(hearing[..29].iter().all(|now| *now == Hearing::Good));
        assert_eq!(hearing[29], Hearing::Nothing);
        assert_eq!(loudness.take(5_000).hearing, Hearing::Good);
    }

    #[test]
    fn who_speaks_too_quietly_is_told_so_and_not_that_nothing_is_heard() {
        let mut loudness = Loudness::default();
        let last = (0..60).map(|_| loudness.take(300).hearing).last();
        assert_eq!(last, Some(Hearing::TooQuiet));
    }

    #[test]
    fn too_loud_is_told_for_a_second() {
        let mut loudness = Loudness::default();
        assert_eq!(loudness.take(32_767).hearing, Hearing::TooLoud);
        let after: Vec<Hearing> = (0..10).map(|_| loudness.take(3_000).hearing).collect();
        assert_eq!((after[8], after[9]), (Hearing::TooLoud, Hearing::Good));
    }

    #[test]
    fn the_highest_level_is_held_for_a_second() {
        let mut loudness = Loudness::default();
        let high = loudness.take(20_000).level;
        let held: Vec<u8> = (0..11).map(|_| loudness.take(500).held).collect();
        assert!(held[..10].iter().all(|held| *held == high));
        assert!(held[10] < high);
    }
}
