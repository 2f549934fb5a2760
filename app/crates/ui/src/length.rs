//! How long something is and how many there are, in words and figures.

/// Whole seconds, rounded; what has any sound is at least one second long.
fn seconds(ms: u64) -> u64 {
    match (ms + 500) / 1000 {
        0 if ms > 0 => 1,
        seconds => seconds,
    }
}

/// Figures of a clock: `0:41`, `1:42`, `1:02:03`.
pub fn clock(ms: u64) -> String {
    figures(seconds(ms))
}

/// Figures of a playing position: never ahead of what has been heard.
pub fn clock_at(ms: u64) -> String {
    figures(ms / 1000)
}

fn figures(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// Spoken: `43 seconds`, `1 minute 42`, `2 minutes`.
pub fn spoken(ms: u64) -> String {
    spoken_seconds(seconds(ms))
}

fn spoken_seconds(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, rest) => counted(rest, "second"),
        (minutes, 0) => counted(minutes, "minute"),
        (minutes, rest) => format!("{} {rest}", counted(minutes, "minute")),
    }
}

/// Spoken among other lengths, so that it is plain what its last number counts: `1 minute 42 seconds`.
pub fn spoken_in_full(ms: u64) -> String {
    match (seconds(ms) / 60, seconds(ms) % 60) {
        (minutes, rest) if minutes > 0 && rest > 0 => {
            format!("{} {}", counted(minutes, "minute"), counted(rest, "second"))
        }
        _ => spoken(ms),
    }
}

/// What the seek bar says: `43 seconds of 1 minute 42`.
pub fn spoken_position(at_ms: u64, of_ms: u64) -> String {
    format!("{} of {}", spoken_seconds(at_ms / 1000), spoken(of_ms))
}

/// A number with its noun: `1 message`, `3 messages`.
pub fn counted(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_counted_in_minutes_and_seconds() {
        assert_eq!(clock(102_000), "1:42");
        assert_eq!(clock(40_600), "0:41");
        assert_eq!(clock(200), "0:01");
        assert_eq!(clock(3_723_000), "1:02:03");
        assert_eq!(clock_at(43_900), "0:43");
    }

    #[test]
    fn lengths_are_spoken_as_one_says_them() {
        assert_eq!(spoken(1_000), "1 second");
        assert_eq!(spoken(60_000), "1 minute");
        assert_eq!(spoken(180_000), "3 minutes");
        assert_eq!(spoken_in_full(102_000), "1 minute 42 seconds");
        assert_eq!(spoken_in_full(61_000), "1 minute 1 second");
        assert_eq!(spoken_in_full(60_000), "1 minute");
        assert_eq!(spoken_in_full(3_000), "3 seconds");
        assert_eq!(
            spoken_position(43_200, 102_000),
            "43 seconds of 1 minute 42"
        );
    }
}
