//! What the reader prefers in this browser. It is kept there, as one line of names and values; what is not understood is as it was from the start.

use crate::route::{FEATURES, INBOX, Page};

/// Colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// How hours are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dial {
    /// As the browser's language has it.
    #[default]
    Browser,
    /// To 24.
    Hours24,
    /// To 12.
    Hours12,
}

/// All of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Colours.
    pub theme: Theme,
    /// How hours are counted.
    pub dial: Dial,
    /// The page that the base address leads to.
    pub home: Page,
    /// Minutes without a key or click after which one is logged out; `None`: never.
    pub idle_min: Option<u16>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            dial: Dial::Browser,
            home: INBOX,
            idle_min: None,
        }
    }
}

/// Themes by the names under which they are kept, and their words.
pub const THEMES: [(Theme, &str, &str); 3] = [
    (Theme::System, "system", "As the system"),
    (Theme::Light, "light", "Light"),
    (Theme::Dark, "dark", "Dark"),
];

/// Ways to count hours, the same.
pub const DIALS: [(Dial, &str, &str); 3] = [
    (Dial::Browser, "browser", "As the browser"),
    (Dial::Hours24, "24", "14:02"),
    (Dial::Hours12, "12", "2:02 PM"),
];

/// Pages to start with, the same.
pub const HOMES: [(Page, &str, &str); 2] = [
    (INBOX, "inbox", "CallPilot Messages"),
    (FEATURES, "features", "CallPilot Features"),
];

/// Times after which one is logged out, the same.
pub const IDLE: [(Option<u16>, &str, &str); 5] = [
    (None, "0", "Never by itself"),
    (Some(5), "5", "5 minutes without a key or click"),
    (Some(10), "10", "10 minutes without a key or click"),
    (Some(30), "30", "30 minutes without a key or click"),
    (Some(480), "480", "8 hours without a key or click"),
];

/// The name under which a choice is kept.
pub fn name_of<T: Copy + PartialEq>(
    choices: &[(T, &'static str, &str)],
    chosen: T,
) -> &'static str {
    let found = choices.iter().find(|(choice, ..)| *choice == chosen);
    found.map_or("", |(_, name, _)| name)
}

/// The choice of a name.
pub fn named<T: Copy>(choices: &[(T, &str, &str)], name: &str) -> Option<T> {
    let found = choices.iter().find(|(_, known, _)| *known == name);
    found.map(|(choice, ..)| *choice)
}

impl Preferences {
    /// As they are kept.
    pub fn read(kept: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in kept.split(';').filter_map(|pair| pair.split_once('=')) {
            match name {
                "theme" => read.theme = named(&THEMES, value).unwrap_or_default(),
                "times" => read.dial = named(&DIALS, value).unwrap_or_default(),
                "home" => read.home = named(&HOMES, value).unwrap_or(INBOX),
                "idle" => read.idle_min = named(&IDLE, value).unwrap_or_default(),
                _ => {}
            }
        }
        read
    }

    /// To be kept.
    pub fn write(&self) -> String {
        let theme = name_of(&THEMES, self.theme);
        let dial = name_of(&DIALS, self.dial);
        let home = name_of(&HOMES, self.home);
        let idle = name_of(&IDLE, self.idle_min);
        format!("theme={theme};times={dial};home={home};idle={idle}")
    }

    /// Whether whoever did nothing for so many milliseconds is logged out.
    pub fn is_idle(&self, quiet_ms: i64) -> bool {
        self.idle_min
            .is_some_and(|minutes| quiet_ms >= i64::from(minutes) * 60_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_back_as_it_was_chosen() {
        for (theme, ..) in THEMES {
            for (dial, ..) in DIALS {
                for (home, ..) in HOMES {
                    for (idle_min, ..) in IDLE {
                        let chosen = Preferences {
                            theme,
                            dial,
                            home,
                            idle_min,
                        };
                        assert_eq!(Preferences::read(&chosen.write()), chosen);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_as_it_was_from_the_start() {
        for kept in [
            "",
            "theme",
            "theme=pink;idle=-1;home=moon",
            ";;;=",
            "lamp=7",
        ] {
            assert_eq!(Preferences::read(kept), Preferences::default(), "{kept}");
        }
        let kept = "lamp=7;theme=dark;times=13";
        assert_eq!(Preferences::read(kept).theme, Theme::Dark);
        // The script that starts the page looks for it, too.
        assert!(Preferences::read(kept).write().contains("theme=dark"));
    }

    #[test]
    fn who_does_nothing_is_logged_out_after_the_chosen_time_and_never_without_one() {
        let never = Preferences::default();
        assert!(!never.is_idle(i64::MAX));
        let soon = Preferences {
            idle_min: Some(5),
            ..never
        };
        assert!(!soon.is_idle(299_999));
        assert!(soon.is_idle(300_000));
    }
}
