//! Dates of messages (RFC 5322 section 3.3), also in the forms of older mail: two-digit years, named zones, comments.

/// A moment with the zone in which it was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Date {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub unix_s: i64,
    /// Minutes east of Greenwich.
    pub zone_min: i16,
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

impl Date {
    /// Reads `[Mon,] 26 Aug 93 8:20[:20] -0700 (CDT)`. A missing or unknown zone counts as UTC (RFC 5322 section 4.3).
    /// `None` when day, month, year or time cannot be made out.
    pub fn read(text: &str) -> Option<Date> {
        let plain = without_comments(text);
        let after_weekday = match plain.split_once(',') {
            Some((_, rest)) => rest,
            None => plain
                .trim_start()
                .trim_start_matches(|c: char| c.is_ascii_alphabetic()),
        };
        let mut words = after_weekday.split_ascii_whitespace();
        let day: i64 = words
            .next()?
            .parse()
            .ok()
            .filter(|day| (1..=31).contains(day))?;
        let name = words.next()?;
        let month = MONTHS
            .iter()
            .position(|month| name.get(..3).is_some_and(|n| n.eq_ignore_ascii_case(month)))?;
        let year = year(words.next()?)?;
        let time = seconds(words.next()?)?;
        let zone_min = words.next().map_or(0, zone);
        let unix_s = days(year, month as i64 + 1, day) * 86400 + time - i64::from(zone_min) * 60;
        Some(Date { unix_s, zone_min })
    }
}

impl std::fmt::Display for Date {
    /// The strict form: `Mon, 26 Aug 1993 10:20:20 -0700`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let local = self.unix_s.saturating_add(i64::from(self.zone_min) * 60);
        let (days, second) = (local.div_euclid(86400), local.rem_euclid(86400));
        let (year, month, day) = civil(days);
        let weekday = WEEKDAYS[days.rem_euclid(7) as usize];
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let (sign, zone) = (
            if self.zone_min < 0 { '-' } else { '+' },
            self.zone_min.unsigned_abs(),
        );
        let month = MONTHS[month as usize - 1];
        write!(
            f,
            "{weekday}, {day} {month} {year:04} {hour:02}:{minute:02}:{second:02} "
        )?;
        write!(f, "{sign}{:02}{:02}", zone / 60, zone % 60)
    }
}

fn without_comments(text: &str) -> String {
    let mut depth = 0usize;
    text.chars()
        .filter(|c| {
            depth += usize::from(*c == '(');
            let outside = depth == 0;
            depth -= usize::from(*c == ')' && depth > 0);
            outside
        })
        .collect()
}

/// RFC 5322 section 4.3: two digits below 50 are of this century, all other short years count from 1900.
fn year(word: &str) -> Option<i64> {
    let number: i64 = word.parse().ok()?;
    match (word.len(), number) {
        (1..=2, 0..=49) => Some(2000 + number),
        (2..=3, 50..=999) => Some(1900 + number),
        (4, 1900..=9999) => Some(number),
        _ => None,
    }
}

fn seconds(word: &str) -> Option<i64> {
    let mut numbers = word.split([':', '.']).map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (
        numbers.next()??,
        numbers.next()??,
        numbers.next().unwrap_or(Some(0))?,
    );
    let valid = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    valid.then_some(hour * 3600 + minute * 60 + second)
}

/// Minutes east. Military letters count as UTC, because RFC 822 had their sign wrong.
fn zone(word: &str) -> i16 {
    let named = match word.to_ascii_uppercase().as_str() {
        "EDT" => Some(-4),
        "EST" | "CDT" => Some(-5),
        "CST" | "MDT" => Some(-6),
        "MST" | "PDT" => Some(-7),
        "PST" => Some(-8),
        "MET" | "CET" => Some(1),
        "MEST" | "CEST" => Some(2),
        _ => None,
    };
    if let Some(hours) = named {
        return hours * 60;
    }
    let Some((sign, digits)) = word
        .strip_prefix('+')
        .map(|d| (1, d))
        .or_else(|| word.strip_prefix('-').map(|d| (-1, d)))
    else {
        return 0;
    };
    match digits.replace(':', "").parse::<i16>() {
        Ok(number) if number <= 1459 && number % 100 < 60 => {
            sign * (number / 100 * 60 + number % 100)
        }
        _ => 0,
    }
}

/// Days since 1970-01-01 of a date in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have the leap day at their end.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 {
        (0, month + 3)
    } else {
        (1, month - 9)
    };
    (era * 400 + year_of_era + year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(i64, i16)> {
        Date::read(text).map(|date| (date.unix_s, date.zone_min))
    }

    #[test]
    fn old_and_new_forms_are_the_same_moment() {
        let moment = Some((746_385_620, -420));
        assert_eq!(
            read("Thu, 26 Aug 1993 10:20:20 -0700"),
            Some((746_385_620, -420))
        );
        assert_eq!(read("Mon, 26 Aug 93 10:20:20 -0700 (CDT)"), moment);
        assert_eq!(read("26 August 93 10:20:20 MST"), moment);
        assert_eq!(read("  Thu 26 aug 93 10:20:20 (a (b) c) PDT"), moment);
        assert_eq!(
            read("Thu, 7 Jul 1994 17:16 -0400"),
            Some((773_615_760, -240))
        );
        assert_eq!(read("1 Jan 26 0:00:00"), Some((1_767_225_600, 0)));
        assert_eq!(read("1 Jan 1970 00:00:00 Z"), Some((0, 0)));
        assert_eq!(read("1 Jan 1970 00:30:00 +00:30"), Some((0, 30)));
    }

    #[test]
    fn nonsense_is_no_date() {
        for text in [
            "",
            "yesterday",
            "32 Jan 2020 00:00",
            "1 Foo 2020 00:00",
            "1 Jan 20x 00:00",
            "1 Jan 2020",
            "(((",
            "1 Jä 20 0:0",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("1 Jan 1970 00:00:00 +9999"), Some((0, 0)));
    }

    #[test]
    fn every_day_is_written_and_read_back() {
        for day in -30_000..60_000 {
            let date = Date {
                unix_s: day * 86400 + 37,
                zone_min: (day % 800) as i16,
            };
            if (1901..=9998).contains(&civil(day).0) {
                assert_eq!(Date::read(&date.to_string()), Some(date), "{date}");
            }
        }
        assert_eq!(
            Date {
                unix_s: 746_385_620,
                zone_min: -420
            }
            .to_string(),
            "Thu, 26 Aug 1993 10:20:20 -0700"
        );
        assert!(
            !Date {
                unix_s: i64::MAX,
                zone_min: 1
            }
            .to_string()
            .is_empty()
        );
    }
}
