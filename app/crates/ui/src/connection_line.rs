//! What the connection line says in each of its states, and what is said aloud.

use crate::length::counted;
use crate::sdk::{FailbackWait, Side, State, Status, Why};
use crate::times::{Zone, since_words, time_words};
use contract::Timestamp;

/// What the words need beside the connection itself.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    /// The time of day.
    pub now: Timestamp,
    /// Messages that this browser keeps.
    pub kept: usize,
    /// When a server last gave its word on them.
    pub kept_as_of: Option<Timestamp>,
}

/// The line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Picks its colours and its pair sign.
    pub look: Look,
    /// Shown at every width.
    pub short: &'static str,
    /// Shown after it where there is room.
    pub detail: String,
}

/// How the line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    /// Quiet: nothing is known yet.
    Connecting,
    /// Quiet: on the primary.
    Primary,
    /// The primary does not answer.
    Switching,
    /// The partner does not answer.
    SwitchingHome,
    /// On the partner.
    Partner,
    /// On the partner, about to go back.
    Returning,
    /// Neither answers.
    Offline,
    /// On the partner, the primary is out of service on purpose.
    Courtesy,
}

impl Look {
    /// The value of `data-state`, by which the style sheet colours the line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Primary => "primary",
            Self::Switching | Self::SwitchingHome => "switching",
            Self::Partner => "partner",
            Self::Returning => "returning",
            Self::Offline => "offline",
            Self::Courtesy => "courtesy",
        }
    }

    /// Whether there is more to say in Details.
    pub fn has_details(self) -> bool {
        matches!(
            self,
            Self::Partner | Self::Returning | Self::Offline | Self::Courtesy
        )
    }
}

/// The look of a connection.
pub fn look(status: &Status) -> Look {
    match status.state {
        State::Connecting => Look::Connecting,
        State::OnPrimary => Look::Primary,
        State::Switching if status.on == Some(Side::Partner) => Look::SwitchingHome,
        State::Switching => Look::Switching,
        State::OnPartner => Look::Partner,
        State::GoingBack => Look::Returning,
        State::Unreachable => Look::Offline,
        State::Maintenance => Look::Courtesy,
    }
}

/// The line for a connection.
pub fn line(zone: &impl Zone, status: &Status, around: Around) -> Line {
    let look = look(status);
    let out_since = || {
        status.primary.out_since.map_or_else(String::new, |at| {
            format!(" since {}", since_words(zone, around.now, at))
        })
    };
    let (short, detail) = match look {
        Look::Connecting => ("Connecting to your server…", String::new()),
        Look::Primary => ("Connected to your server", on_primary(zone, status)),
        Look::Switching => (
            "Switching to the partner server…",
            silent("Your server", status, around.now),
        ),
        Look::SwitchingHome => (
            "Switching to your server…",
            silent("The partner server", status, around.now),
        ),
        Look::Partner if status.why == Why::NotCaughtUp => (
            "Working on the partner server",
            "Your server is still catching up. You go back by yourself when it is done.".into(),
        ),
        Look::Partner => (
            "Working on the partner server",
            format!(
                "Your server has been out of reach{}. Messages that only it has will appear when it is back.",
                out_since()
            ),
        ),
        Look::Returning => (
            "Going back to your server…",
            going_back(status.waiting_for).into(),
        ),
        Look::Offline if status.network_offline => (
            "This computer is offline. Kept copy shown.",
            unreachable(zone, status, around),
        ),
        Look::Offline => (
            "No connection. Kept copy shown.",
            unreachable(zone, status, around),
        ),
        Look::Courtesy => (
            "Maintenance: on the partner server",
            format!(
                "Your server is out of service on purpose{}. Calls are answered and nothing is lost.",
                out_since()
            ),
        ),
    };
    Line {
        look,
        short,
        detail,
    }
}

/// Which server it is, and of when the messages are.
fn on_primary(zone: &impl Zone, status: &Status) -> String {
    let up_to_date = status.up_to_date_at.map_or_else(String::new, |at| {
        format!(" · up to date at {}", time_words(zone, at))
    });
    format!("{}{up_to_date}", status.primary.fqdn)
}

/// A server does not answer, and for how long; below a second that is not worth a number.
fn silent(whose: &str, status: &Status, now: Timestamp) -> String {
    let silent = match status.unanswered_since {
        Some(at) if now.0 - at.0 >= 1_000 => {
            let seconds = u64::try_from((now.0 - at.0) / 1000).unwrap_or(0);
            format!("has not answered for {}", counted(seconds, "second"))
        }
        _ => "does not answer".into(),
    };
    format!("{whose} {silent}. Go on working: nothing you write is lost.")
}

/// Why one is not back yet.
pub fn going_back(waiting_for: Option<FailbackWait>) -> &'static str {
    match waiting_for {
        Some(FailbackWait::CatchUp) => {
            "It answers again and is catching up. You stay on the partner until it is done."
        }
        Some(FailbackWait::Playback) => "Going back when this message has ended.",
        Some(FailbackWait::Calm) => {
            "It answers again. It failed more than once of late, so you go back a little later."
        }
        Some(FailbackWait::Steady) | None => {
            "It answers again and has caught up. You need not do anything."
        }
    }
}

fn unreachable(zone: &impl Zone, status: &Status, around: Around) -> String {
    let who = match status.partner {
        Some(_) => "Neither server answers.",
        None => "Your server does not answer.",
    };
    let as_of = around.kept_as_of.map_or_else(String::new, |at| {
        format!(", as of {}", since_words(zone, around.now, at))
    });
    let kept = format!(
        "Kept here: {}{as_of}.",
        counted(around.kept as u64, "message")
    );
    let next = match status.next_try_at {
        Some(at) if at.0 > around.now.0 => {
            let seconds = u64::try_from((at.0 - around.now.0 + 999) / 1000).unwrap_or(1);
            format!(" Next try in {}.", counted(seconds, "second"))
        }
        _ => " Trying now.".into(),
    };
    format!("{who} {kept}{next}")
}

/// The line on the log-in page, where nothing is kept and nobody is at work yet.
pub fn line_before_login(status: &Status) -> Line {
    let look = look(status);
    let (short, detail) = match look {
        Look::Connecting => ("Looking for your server…", String::new()),
        Look::Primary => ("Your server is ready", status.primary.fqdn.clone()),
        Look::Switching | Look::SwitchingHome => (
            "Asking the partner server…",
            "Your server does not answer.".into(),
        ),
        Look::Partner | Look::Returning | Look::Courtesy => {
            ("The partner server logs you in", String::new())
        }
        Look::Offline if status.network_offline => ("This computer is offline", String::new()),
        Look::Offline if status.partner.is_some() => {
            ("Neither server answers", "Trying again by itself.".into())
        }
        Look::Offline => (
            "Your server does not answer",
            "Trying again by itself.".into(),
        ),
    };
    Line {
        look,
        short,
        detail,
    }
}

/// What is said aloud when the connection has settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// Interrupts what is being read: only when no server is left.
    pub alert: bool,
    /// The sentence.
    pub words: &'static str,
}

/// What to say on the way from one look to another, where `before` is the last that was said or, at the start, seen.
pub fn spoken(before: Look, now: Look) -> Option<Spoken> {
    let say = |words| {
        Some(Spoken {
            alert: false,
            words,
        })
    };
    match (before, now) {
        (before, now) if before == now => None,
        (_, Look::Switching) => {
            say("Your server is not answering. Switching to the partner server.")
        }
        (_, Look::SwitchingHome) => {
            say("The partner server is not answering. Switching to your server.")
        }
        (Look::Connecting, Look::Partner) => say("You work on the partner server."),
        // From one reason to be on the partner to another nothing changes for the reader.
        (Look::Courtesy | Look::Returning, Look::Partner) => None,
        (_, Look::Partner) => say("You now work on the partner server. Nothing you wrote is lost."),
        (_, Look::Courtesy) => {
            say("Your server is in maintenance. You now work on the partner server.")
        }
        (_, Look::Offline) => Some(Spoken {
            alert: true,
            words: "No connection to either server. You see what this browser keeps.",
        }),
        (Look::Connecting, Look::Primary) | (_, Look::Returning | Look::Connecting) => None,
        (_, Look::Primary) => say("You are back on your server."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{NOON, UTC};
    use crate::sdk::{Health, ServerStatus};

    fn server(fqdn: &str) -> ServerStatus {
        ServerStatus {
            fqdn: fqdn.into(),
            http: format!("https://{fqdn}"),
            search_base: String::new(),
            health: Health::Unknown,
            out_since: Some(Timestamp(NOON.0 - 15 * 60_000)),
            round_trip_ms: None,
        }
    }

    fn status(state: State) -> Status {
        Status {
            state,
            since: NOON,
            on: Some(Side::Primary),
            why: Why::Preferred,
            primary: server("cp-north.example.net"),
            partner: Some(server("cp-south.example.net")),
            up_to_date_at: Some(NOON),
            unanswered_since: Some(Timestamp(NOON.0 - 4_200)),
            next_try_at: Some(Timestamp(NOON.0 + 7_500)),
            waiting_for: None,
            network_offline: false,
        }
    }

    fn shown(status: &Status) -> (&'static str, String) {
        let around = Around {
            now: NOON,
            kept: 214,
            kept_as_of: Some(NOON),
        };
        let line = line(&UTC, status, around);
        (line.short, line.detail)
    }

    #[test]
    fn every_state_says_plainly_which_server_one_is_on() {
        let said = |state| shown(&status(state));
        for (state, short, detail) in [
            (
                State::OnPrimary,
                "Connected to your server",
                "cp-north.example.net · up to date at 14:02",
            ),
            (
                State::Switching,
                "Switching to the partner server…",
                "Your server has not answered for 4 seconds. Go on working: nothing you write is lost.",
            ),
            (
                State::OnPartner,
                "Working on the partner server",
                "Your server has been out of reach since 13:47. Messages that only it has will appear when it is back.",
            ),
            (
                State::GoingBack,
                "Going back to your server…",
                "It answers again and has caught up. You need not do anything.",
            ),
            (
                State::Unreachable,
                "No connection. Kept copy shown.",
                "Neither server answers. Kept here: 214 messages, as of 14:02. Next try in 8 seconds.",
            ),
            (
                State::Maintenance,
                "Maintenance: on the partner server",
                "Your server is out of service on purpose since 13:47. Calls are answered and nothing is lost.",
            ),
        ] {
            assert_eq!(said(state), (short, detail.to_owned()));
        }
    }

    #[test]
    fn without_a_partner_the_line_does_not_speak_of_one() {
        let alone = Status {
            partner: None,
            next_try_at: None,
            ..status(State::Unreachable)
        };
        let (_, detail) = shown(&alone);
        assert!(detail.starts_with("Your server does not answer. Kept here"));
        assert!(detail.ends_with("Trying now."));
    }

    #[test]
    fn a_computer_without_network_is_told_so() {
        let offline = Status {
            network_offline: true,
            ..status(State::Unreachable)
        };
        assert_eq!(
            shown(&offline).0,
            "This computer is offline. Kept copy shown."
        );
    }

    #[test]
    fn going_back_says_what_it_waits_for() {
        let playing = Status {
            waiting_for: Some(FailbackWait::Playback),
            ..status(State::GoingBack)
        };
        assert_eq!(shown(&playing).1, "Going back when this message has ended.");
    }

    #[test]
    fn settled_states_are_said_once_and_only_the_last_resort_interrupts() {
        assert_eq!(spoken(Look::Connecting, Look::Primary), None);
        assert_eq!(spoken(Look::Partner, Look::Partner), None);
        assert_eq!(spoken(Look::Partner, Look::Returning), None);
        let words = |before, now| spoken(before, now).map(|spoken| (spoken.alert, spoken.words));
        assert_eq!(
            words(Look::Primary, Look::Partner),
            Some((
                false,
                "You now work on the partner server. Nothing you wrote is lost."
            ))
        );
        assert_eq!(
            words(Look::Partner, Look::Primary),
            Some((false, "You are back on your server."))
        );
        assert!(spoken(Look::Partner, Look::Offline).unwrap().alert);
    }

    #[test]
    fn before_the_log_in_the_line_says_who_will_answer() {
        assert_eq!(
            line_before_login(&status(State::OnPrimary)).short,
            "Your server is ready"
        );
        assert_eq!(
            line_before_login(&status(State::OnPartner)).short,
            "The partner server logs you in"
        );
    }
}
