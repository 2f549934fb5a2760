//! Tables for people, and the times in them.

use contract::Timestamp;

/// Lines with columns as wide as their widest cell; the last one is not padded.
pub fn table<const N: usize>(
    heads: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut all = vec![heads.map(str::to_owned)];
    all.extend(rows);
    let width = |column: usize| {
        let cells = all.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths);
        let padded = cells.map(|(cell, &width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A moment in this machine's time zone, with its distance from UTC, which logs are in: `2026-11-30 14:02 +01:00`.
pub fn local_time(at: Timestamp) -> String {
    in_zone(at, jiff::tz::TimeZone::system(), "%Y-%m-%d %H:%M %:z")
}

/// The same to the second.
pub fn local_second(at: Timestamp) -> String {
    in_zone(at, jiff::tz::TimeZone::system(), "%Y-%m-%d %H:%M:%S %:z")
}

fn in_zone(at: Timestamp, zone: jiff::tz::TimeZone, form: &str) -> String {
    let Ok(at) = jiff::Timestamp::from_millisecond(at.0) else {
        return "?".into();
    };
    at.to_zoned(zone).strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_say_how_far_from_utc_they_are() {
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(2));
        let at = Timestamp(1_764_511_320_000);
        assert_eq!(
            in_zone(at, zone, "%Y-%m-%d %H:%M %:z"),
            "2025-11-30 16:02 +02:00"
        );
        assert_eq!(
            in_zone(Timestamp(i64::MAX), jiff::tz::TimeZone::UTC, "%Y"),
            "?"
        );
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["7200", "Tilde"], ["72", "Überall"]];
        let shown = table(["NO", "NAME"], rows.map(|row| row.map(str::to_owned)));
        assert_eq!(shown, "NO    NAME\n7200  Tilde\n72    Überall");
    }
}
