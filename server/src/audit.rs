//! The nightly audit (R12): once a day, at a time of the configuration, users are compared with the partner's, both ways.
//!
//! The engine does it as a task like any other. Here is decided only when, and whether this night has to do without.

use crate::clock;
use crate::config::TimeOfDay;
use crate::server::{Server, WriterError};
use gr_proto::{Command, PartnerState, Rejected, TaskView};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Zoned};
use ledger::{TaskId, TaskKind};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Up to so many seconds are added to the configured time, so that both servers do not begin together.
const SPREAD_S: u64 = 20 * 60;
/// The clock is looked at this often: it may be set, or the machine may sleep.
const LOOK: Duration = Duration::from_secs(60);

/// Runs until `stop`.
pub async fn run(server: Server, stop: CancellationToken) {
    let audit = &server.config().gr.audit;
    if !audit.enabled {
        tracing::info!("the nightly audit is switched off by the configuration");
        return;
    }
    let zone = TimeZone::system();
    let mut due = next(&now(&server, &zone), audit.time, spread());
    loop {
        if stop
            .run_until_cancelled(tokio::time::sleep(LOOK))
            .await
            .is_none()
        {
            return;
        }
        let now = now(&server, &zone);
        if now >= due {
            due = next(&now, audit.time, spread());
            if let Err(error) = tonight(&server).await {
                tracing::warn!(%error, "no audit tonight");
            }
        }
    }
}

async fn tonight(server: &Server) -> Result<(), WriterError> {
    let state = server.pair().borrow().status.state;
    let why_not = why_not(state, &server.tasks().borrow());
    if let Some(why) = why_not {
        tracing::info!("no audit tonight: {why}");
        return Ok(());
    }
    let order = Command::Start {
        id: TaskId(u64::from_be_bytes(clock::random())),
        kind: TaskKind::Audit,
        dry: false,
        agreed: None,
        mailboxes: Vec::new(),
    };
    match server.order(order).await? {
        Ok(()) => {}
        Err(Rejected::Busy(_)) => tracing::info!("no audit tonight: a task is open"),
        Err(declined) => tracing::warn!(?declined, "no audit tonight: the server declines it"),
    }
    Ok(())
}

/// Why this night has to do without an audit, if it has to.
fn why_not(partner: PartnerState, tasks: &TaskView) -> Option<&'static str> {
    match partner {
        PartnerState::NotConfigured => return Some("there is no GR partner"),
        PartnerState::Unknown | PartnerState::Down => {
            return Some("the GR partner is not running");
        }
        PartnerState::Running => {}
    }
    if tasks.open.is_some() {
        Some("a task is open on this server")
    } else if tasks.serving.is_some() {
        Some("a task of the GR partner is open")
    } else {
        None
    }
}

fn now(server: &Server, zone: &TimeZone) -> Zoned {
    let now = jiff::Timestamp::from_millisecond(server.now().0).unwrap_or_default();
    now.to_zoned(zone.clone())
}

fn spread() -> SignedDuration {
    let drawn = u64::from_be_bytes(clock::random()) % SPREAD_S;
    SignedDuration::from_secs(i64::try_from(drawn).unwrap_or(0))
}

/// The first moment after `now` at which the clock shows `time`, and `spread` after that: so one night has one audit, whatever is drawn. A
/// time that a change of the clocks leaves out comes as much later as they are set forward.
fn next(now: &Zoned, time: TimeOfDay, spread: SignedDuration) -> Zoned {
    let mut date = now.date();
    loop {
        match time.on(date).to_zoned(now.time_zone().clone()) {
            Ok(at) if at > *now => return at.saturating_add(spread),
            _ => {}
        }
        match date.tomorrow() {
            Ok(tomorrow) => date = tomorrow,
            // The end of the calendar: never again.
            Err(_) => return now.saturating_add(SignedDuration::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: TimeOfDay = TimeOfDay::new(2, 0);
    const NONE: SignedDuration = SignedDuration::ZERO;

    /// Central Europe, written so that no database of time zones is needed.
    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    fn told(now: &str, zone: &TimeZone, time: TimeOfDay, spread: SignedDuration) -> String {
        let now: jiff::civil::DateTime = now.parse().expect("a time");
        let now = now.to_zoned(zone.clone()).expect("a time that there is");
        let due = next(&now, time, spread);
        format!("{} {}", due.datetime(), due.offset())
    }

    #[test]
    fn the_audit_is_at_the_next_two_in_the_night() {
        for (now, due) in [
            ("2026-03-10T00:00:00", "2026-03-10T02:00:00 +00"),
            ("2026-03-10T02:00:00", "2026-03-11T02:00:00 +00"),
            ("2026-12-31T23:59:59", "2027-01-01T02:00:00 +00"),
        ] {
            assert_eq!(told(now, &TimeZone::UTC, TWO, NONE), due);
        }
    }

    #[test]
    fn drawn_minutes_come_on_top_and_do_not_make_it_run_twice() {
        let spread = SignedDuration::from_mins(19);
        let due = told("2026-03-10T01:00:00", &TimeZone::UTC, TWO, spread);
        assert_eq!(due, "2026-03-10T02:19:00 +00");
        let next = told("2026-03-10T02:19:00", &TimeZone::UTC, TWO, spread * 2);
        assert_eq!(next, "2026-03-11T02:38:00 +00");
    }

    #[test]
    fn a_night_without_two_o_clock_has_its_audit_an_hour_later() {
        let zone = TimeZone::posix(BERLIN).expect("a zone");
        let half_past_two = TimeOfDay::new(2, 30);
        let due = told("2026-03-28T12:00:00", &zone, half_past_two, NONE);
        assert_eq!(due, "2026-03-29T03:30:00 +02");
        let due = told("2026-10-24T12:00:00", &zone, half_past_two, NONE);
        assert_eq!(due, "2026-10-25T02:30:00 +02", "the first of the two");
    }

    #[test]
    fn a_night_without_partner_or_with_an_open_task_has_none() {
        let quiet = TaskView::default();
        assert_eq!(why_not(PartnerState::Running, &quiet), None);
        for state in [
            PartnerState::NotConfigured,
            PartnerState::Unknown,
            PartnerState::Down,
        ] {
            assert!(why_not(state, &quiet).is_some(), "{state:?}");
        }
        let task = ledger::Task {
            id: TaskId(1),
            kind: TaskKind::Resync,
            dry: false,
            agreed: None,
            began: domain::Timestamp(0),
            phase: ledger::Phase::Comparing,
            after: None,
            mailboxes: Vec::new(),
            counts: ledger::TaskCounts::default(),
        };
        let busy = TaskView {
            open: Some(task),
            ..TaskView::default()
        };
        assert!(why_not(PartnerState::Running, &busy).is_some());
    }
}
