//! Which greeting callers hear, and what is said of each.

use contract::{GreetingRow, GreetingSlot, Timestamp};
use ui::length;
use ui::times::{Day, Zone, moment_words, time_words};

/// All greetings, in the order of the page.
pub const SLOTS: [GreetingSlot; 4] = [
    GreetingSlot::External,
    GreetingSlot::Internal,
    GreetingSlot::Temporary,
    GreetingSlot::RecordedName,
];

/// The longest recording, in milliseconds (`PUT /api/v1/greetings/{slot}`).
pub const LENGTH_MS_MAX: u64 = 300_000;
/// The largest file, in octets: 5 minutes of 16-bit samples at 8 kHz, with room for what recorders write beside the sound.
pub const FILE_OCTETS_MAX: u64 = 2 * 8_000 * 300 + 64 * 1024;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What a greeting is called.
pub fn name(slot: GreetingSlot) -> &'static str {
    match slot {
        GreetingSlot::External => "External",
        GreetingSlot::Internal => "Internal",
        GreetingSlot::Temporary => "Temporary",
        GreetingSlot::RecordedName => "Recorded name",
    }
}

/// The heading over its recorder.
pub fn heading(slot: GreetingSlot) -> &'static str {
    match slot {
        GreetingSlot::External => "External greeting",
        GreetingSlot::Internal => "Internal greeting",
        GreetingSlot::Temporary => "Temporary greeting",
        GreetingSlot::RecordedName => "Recorded name",
    }
}

/// What it is for.
pub fn purpose(slot: GreetingSlot) -> &'static str {
    match slot {
        GreetingSlot::External => "For callers from outside.",
        GreetingSlot::Internal => "For colleagues.",
        GreetingSlot::Temporary => "Takes the place of both.",
        GreetingSlot::RecordedName => "Said when your name is spoken.",
    }
}

/// What one might say.
pub fn example(slot: GreetingSlot, owner: &str) -> String {
    match slot {
        GreetingSlot::RecordedName => format!("Say only your name: “{owner}”."),
        GreetingSlot::Temporary => format!(
            "Say something like: “{owner} is away until Friday. Leave your name and number.”"
        ),
        GreetingSlot::External | GreetingSlot::Internal => format!(
            "Say something like: “You have reached {owner}. I cannot take your call; leave your name and number.”"
        ),
    }
}

/// The recording of a slot.
pub fn of(rows: &[GreetingRow], slot: GreetingSlot) -> Option<&GreetingRow> {
    rows.iter().find(|row| row.slot == slot)
}

/// Whether the temporary greeting takes the place of the others.
pub fn is_on(row: &GreetingRow, now: Timestamp) -> bool {
    row.ends_at.is_none_or(|end| end.0 > now.0)
}

/// The temporary greeting that takes the place of the others now.
pub fn in_force(rows: &[GreetingRow], now: Timestamp) -> Option<&GreetingRow> {
    of(rows, GreetingSlot::Temporary).filter(|row| is_on(row, now))
}

/// What callers hear: the greeting, and what follows behind its name.
pub fn heard(
    rows: &[GreetingRow],
    own: GreetingSlot,
    zone: &impl Zone,
    now: Timestamp,
) -> (&'static str, String) {
    let recorded = of(rows, own);
    if let Some(temporary) = in_force(rows, now) {
        let then = match (temporary.ends_at, recorded) {
            (None, _) => ", until you switch it off".into(),
            (Some(end), own_recording) => {
                let then = own_recording.map_or("the system’s greeting", |row| name(row.slot));
                format!(", until {}; then {then}", end_words(zone, now, end))
            }
        };
        return ("Temporary", then);
    }
    match recorded {
        Some(row) => (name(own), format!(", {}", length::clock(row.duration_ms))),
        None => ("the system’s greeting", String::new()),
    }
}

/// The line below the name of a greeting.
pub fn about(
    row: Option<&GreetingRow>,
    slot: GreetingSlot,
    zone: &impl Zone,
    now: Timestamp,
) -> String {
    let purpose = purpose(slot);
    let Some(row) = row else {
        return format!("{purpose} Not recorded.");
    };
    let length = length::clock(row.duration_ms);
    match (slot, row.ends_at) {
        (GreetingSlot::Temporary, Some(end)) if is_on(row, now) => {
            format!("{purpose} {length}, until {}", end_words(zone, now, end))
        }
        _ => format!(
            "{purpose} {length}, recorded {}",
            moment_words(zone, now, row.recorded_at)
        ),
    }
}

/// An end that is to come: `today, 18:00`, `tomorrow, 08:00`, `20 November, 18:00`.
pub fn end_words(zone: &impl Zone, now: Timestamp, end: Timestamp) -> String {
    match Day::of(zone, end).0 - Day::of(zone, now).0 {
        1 => format!("tomorrow, {}", time_words(zone, end)),
        _ => moment_words(zone, now, end),
    }
}

/// How long it is until then, as one counts: `in 4 days`, `in 3 hours`.
pub fn time_left(now: Timestamp, end: Timestamp) -> String {
    let left = end.0 - now.0;
    match (left / DAY_MS, left / HOUR_MS) {
        (days @ 2.., _) => format!("{days} days left"),
        (_, hours @ 1..) => length::counted(hours.unsigned_abs(), "hour") + " left",
        _ => "less than an hour left".into(),
    }
}

/// Ends that are often chosen: their words, and the moment.
pub fn usual_ends(zone: &impl Zone, now: Timestamp) -> Vec<(String, Timestamp)> {
    let today = Day::of(zone, now).0;
    let at = |day: i64, hour: i64| {
        let local = day * DAY_MS + hour * HOUR_MS;
        let offset = i64::from(zone.offset_min(Timestamp(local))) * 60_000;
        Timestamp(local - offset)
    };
    // 1 January 1970 was a Thursday.
    let monday = today + 7 - (today + 3).rem_euclid(7);
    let ends = [
        ("Today", at(today, 18)),
        ("Tomorrow", at(today + 1, 8)),
        ("Monday", at(monday, 8)),
    ];
    let ends = ends.into_iter().filter(|(_, end)| end.0 > now.0);
    ends.map(|(day, end)| (format!("{day}, {}", time_words(zone, end)), end))
        .collect()
}

/// A moment as a field of date and time has it: `2026-11-20T18:00`.
pub fn field_value(zone: &impl Zone, at: Timestamp) -> String {
    ui::times::sortable_words(zone, at)
        .replacen(' ', "T", 1)
        .chars()
        .enumerate()
        // Hours and minutes are parted by a colon there.
        .map(|(place, c)| if place == 13 { ':' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ui::times::FixedZone;

    const ZONE: FixedZone = FixedZone {
        offset_min: 60,
        twelve_hours: false,
    };
    /// Monday, 16 November 2026, 14:02 in the zone.
    const NOW: Timestamp = Timestamp(1_794_834_120_000);

    fn row(slot: GreetingSlot, ends_at: Option<Timestamp>) -> GreetingRow {
        GreetingRow {
            slot,
            recorded_at: Timestamp(NOW.0 - 2 * HOUR_MS),
            duration_ms: 18_000,
            ends_at,
        }
    }

    #[test]
    fn callers_hear_the_temporary_greeting_until_its_end_and_then_their_own() {
        let end = Timestamp(NOW.0 + 4 * DAY_MS + 4 * HOUR_MS);
        let rows = [
            row(GreetingSlot::External, None),
            row(GreetingSlot::Temporary, Some(end)),
        ];
        let heard_by = |slot, now| heard(&rows, slot, &ZONE, now);
        assert_eq!(
            heard_by(GreetingSlot::External, NOW),
            (
                "Temporary",
                ", until 20 November, 18:02; then External".into()
            )
        );
        assert_eq!(
            heard_by(GreetingSlot::Internal, NOW).1,
            ", until 20 November, 18:02; then the system’s greeting"
        );
        assert_eq!(
            heard_by(GreetingSlot::External, end),
            ("External", ", 0:18".into())
        );
        assert_eq!(
            heard_by(GreetingSlot::Internal, end).0,
            "the system’s greeting"
        );
    }

    #[test]
    fn a_temporary_greeting_without_an_end_stays_until_it_is_switched_off() {
        let on = [row(GreetingSlot::Temporary, None)];
        assert_eq!(
            heard(&on, GreetingSlot::Internal, &ZONE, NOW),
            ("Temporary", ", until you switch it off".into())
        );
        let off = [row(GreetingSlot::Temporary, Some(NOW))];
        assert!(in_force(&off, NOW).is_none());
        assert_eq!(
            about(Some(&off[0]), GreetingSlot::Temporary, &ZONE, NOW),
            "Takes the place of both. 0:18, recorded today, 12:02"
        );
    }

    #[test]
    fn ends_that_are_often_chosen_lie_ahead() {
        let words = |now| {
            let ends = usual_ends(&ZONE, now).into_iter();
            ends.map(|(words, _)| words).collect::<Vec<_>>()
        };
        assert_eq!(
            words(NOW),
            ["Today, 18:00", "Tomorrow, 08:00", "Monday, 08:00"]
        );
        assert_eq!(words(Timestamp(NOW.0 + 5 * HOUR_MS)).len(), 2);
        let monday = usual_ends(&ZONE, NOW)[2].1;
        assert_eq!(monday.0 - NOW.0, 7 * DAY_MS - 6 * HOUR_MS - 120_000);
        for (_, end) in usual_ends(&ZONE, NOW) {
            assert!(end.0 > NOW.0);
        }
    }

    #[test]
    fn an_end_is_counted_in_days_and_hours() {
        let left = |ms| time_left(NOW, Timestamp(NOW.0 + ms));
        assert_eq!(left(4 * DAY_MS + HOUR_MS), "4 days left");
        assert_eq!(left(30 * HOUR_MS), "30 hours left");
        assert_eq!(left(HOUR_MS), "1 hour left");
        assert_eq!(left(60_000), "less than an hour left");
        assert_eq!(
            end_words(&ZONE, NOW, Timestamp(NOW.0 + DAY_MS)),
            "tomorrow, 14:02"
        );
    }

    #[test]
    fn a_moment_fills_the_field() {
        assert_eq!(field_value(&ZONE, NOW), "2026-11-16T14:02");
    }
}
