//! Times and days in the reader's own zone and with the reader's dial of 12 or 24 hours.

use contract::Timestamp;

const DAY_MS: i64 = 86_400_000;
const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// What the rules must know of the reader's computer.
pub trait Zone {
    /// Minutes that local time is ahead of UTC at that moment; summer time is in it.
    fn offset_min(&self, at: Timestamp) -> i32;
    /// The reader's locale counts hours to 12 and says AM and PM.
    fn twelve_hours(&self) -> bool;
}

/// A zone with one offset all year.
#[derive(Clone, Copy, Debug)]
pub struct FixedZone {
    /// Minutes ahead of UTC.
    pub offset_min: i32,
    /// Hours are counted to 12.
    pub twelve_hours: bool,
}

impl Zone for FixedZone {
    fn offset_min(&self, _: Timestamp) -> i32 {
        self.offset_min
    }

    fn twelve_hours(&self) -> bool {
        self.twelve_hours
    }
}

/// A day of the reader's calendar, counted from 1 January 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Day {
    /// The reader's day in which the moment lies.
    pub fn of(zone: &impl Zone, at: Timestamp) -> Self {
        Self(local_ms(zone, at).div_euclid(DAY_MS))
    }

    /// Year, month 1-12 and day 1-31 of the Gregorian calendar.
    fn civil(self) -> (i64, usize, i64) {
        // Days are counted from 1 March of year 0, so that the leap day is the last of its year; eras of 400 years repeat.
        let from_march = self.0 + 719_468;
        let era = from_march.div_euclid(146_097);
        let day_of_era = from_march.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, usize::try_from(month).unwrap_or(1), day)
    }

    /// Head of a day group: `Today`, `Yesterday`, `Friday, 13 November`, or with the year when it is another one.
    pub fn heading(self, today: Self) -> String {
        match today.0 - self.0 {
            0 => "Today".into(),
            1 => "Yesterday".into(),
            _ => {
                let (year, month, day) = self.civil();
                // 1 January 1970 was a Thursday.
                let weekday = WEEKDAYS[usize::try_from((self.0 + 3).rem_euclid(7)).unwrap_or(0)];
                let date = format!("{weekday}, {day} {}", MONTHS[month - 1]);
                if year == today.civil().0 {
                    date
                } else {
                    format!("{date} {year}")
                }
            }
        }
    }
}

fn local_ms(zone: &impl Zone, at: Timestamp) -> i64 {
    at.0 + i64::from(zone.offset_min(at)) * 60_000
}

/// Day and time as names of files sort by them: `2026-11-30 14-02`.
pub fn sortable_words(zone: &impl Zone, at: Timestamp) -> String {
    let (year, month, day) = Day::of(zone, at).civil();
    let minutes = local_ms(zone, at).rem_euclid(DAY_MS) / 60_000;
    let (hour, minute) = (minutes / 60, minutes % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}-{minute:02}")
}

/// Hour and minute: `14:02`, or `2:02 PM` on a dial of 12 hours.
pub fn time_words(zone: &impl Zone, at: Timestamp) -> String {
    let minutes = local_ms(zone, at).rem_euclid(DAY_MS) / 60_000;
    let (hour, minute) = (minutes / 60, minutes % 60);
    if zone.twelve_hours() {
        let dial = if hour % 12 == 0 { 12 } else { hour % 12 };
        let half = if hour < 12 { "AM" } else { "PM" };
        format!("{dial}:{minute:02} {half}")
    } else {
        format!("{hour:02}:{minute:02}")
    }
}

/// A moment in running text: `today, 10:31`, `yesterday, 16:38`, `13 November, 02:14`.
pub fn moment_words(zone: &impl Zone, now: Timestamp, at: Timestamp) -> String {
    let (day, today) = (Day::of(zone, at), Day::of(zone, now));
    let date = match today.0 - day.0 {
        0 => "today".into(),
        1 => "yesterday".into(),
        _ => {
            let (year, month, date) = day.civil();
            let words = format!("{date} {}", MONTHS[month - 1]);
            if year == today.civil().0 {
                words
            } else {
                format!("{words} {year}")
            }
        }
    };
    format!("{date}, {}", time_words(zone, at))
}

/// Since when something is so: only the time within today, the day with it before.
pub fn since_words(zone: &impl Zone, now: Timestamp, at: Timestamp) -> String {
    if Day::of(zone, now) == Day::of(zone, at) {
        time_words(zone, at)
    } else {
        moment_words(zone, now, at)
    }
}

/// The value of a `datetime` attribute: `2026-11-16T14:02:00Z`.
pub fn machine_time(at: Timestamp) -> String {
    let (year, month, day) = Day(at.0.div_euclid(DAY_MS)).civil();
    let seconds = at.0.rem_euclid(DAY_MS) / 1000;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{NOON, UTC};

    fn days_before(days: i64) -> Timestamp {
        Timestamp(NOON.0 - days * DAY_MS)
    }

    fn heading(zone: &FixedZone, at: Timestamp) -> String {
        Day::of(zone, at).heading(Day::of(zone, NOON))
    }

    #[test]
    fn days_have_the_names_that_a_reader_uses() {
        assert_eq!(heading(&UTC, NOON), "Today");
        assert_eq!(heading(&UTC, days_before(1)), "Yesterday");
        assert_eq!(heading(&UTC, days_before(3)), "Friday, 13 November");
        assert_eq!(heading(&UTC, days_before(365)), "Sunday, 16 November 2025");
    }

    #[test]
    fn a_message_at_midnight_belongs_to_the_day_of_the_readers_zone() {
        let eleven_at_night = Timestamp(NOON.0 + 9 * 3_600_000);
        let berlin = FixedZone {
            offset_min: 60,
            twelve_hours: false,
        };
        assert_eq!(time_words(&berlin, eleven_at_night), "00:02");
        assert_eq!(
            Day::of(&berlin, eleven_at_night).0,
            Day::of(&UTC, NOON).0 + 1
        );
    }

    #[test]
    fn hours_follow_the_readers_dial() {
        let dial = FixedZone {
            offset_min: 0,
            twelve_hours: true,
        };
        assert_eq!(time_words(&UTC, NOON), "14:02");
        assert_eq!(time_words(&dial, NOON), "2:02 PM");
        assert_eq!(time_words(&dial, Timestamp(0)), "12:00 AM");
    }

    #[test]
    fn moments_in_running_text_name_the_day_only_as_far_as_needed() {
        assert_eq!(moment_words(&UTC, NOON, NOON), "today, 14:02");
        assert_eq!(moment_words(&UTC, NOON, days_before(1)), "yesterday, 14:02");
        assert_eq!(
            moment_words(&UTC, NOON, days_before(13)),
            "3 November, 14:02"
        );
        assert_eq!(
            moment_words(&UTC, NOON, days_before(400)),
            "12 October 2025, 14:02"
        );
        assert_eq!(since_words(&UTC, NOON, NOON), "14:02");
        assert_eq!(since_words(&UTC, NOON, days_before(1)), "yesterday, 14:02");
    }

    #[test]
    fn leap_days_and_centuries_fall_right() {
        for (days, date) in [
            (0, "1970-01-01"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (-1, "1969-12-31"),
        ] {
            assert_eq!(&machine_time(Timestamp(days * DAY_MS))[..10], date);
        }
        assert_eq!(machine_time(NOON), "2026-11-16T14:02:00Z");
    }
}
