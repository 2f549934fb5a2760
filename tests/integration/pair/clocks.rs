//! A server whose clock is wrong: nothing is deleted for its age, and both the status and `doctor` say what is wrong.

use crate::{agree, folder, leave, tilde};
use contract::{Folder, PartnerState};
use std::fs;
use std::path::{Path, PathBuf};
use support::{Http, Pair, Server, until};
use tempfile::TempDir;

/// A pair in which the clock of b follows a file, with three messages in Deleted. House-keeping has a round every second.
struct Clocks {
    pair: Pair,
    user: Http,
    clock: PathBuf,
    _dir: TempDir,
}

impl Clocks {
    fn start() -> Option<Self> {
        let dir = tempfile::tempdir().expect("a folder");
        let mut pair = Pair::start(dir.path(), "upkeep.every_s = 1\n");
        let Some(clock) = pair.b.follow_clock() else {
            eprintln!("skipped: faketime is not installed; `cargo xtask test` installs it");
            return None;
        };
        pair.b.kill();
        pair.b.run();
        pair.a.add_user("7200", "Tilde Brask");
        pair.running();
        let user = tilde(&pair.a);
        for seed in 0..3 {
            assert!(leave(&pair.a, seed));
        }
        for row in agree(&pair, &user) {
            delete(&user, &row);
        }
        agree(&pair, &user);
        let clocks = Self {
            pair,
            user,
            clock,
            _dir: dir,
        };
        clocks.all_there();
        Some(clocks)
    }

    fn set(&self, clock: &str) {
        set(&self.clock, clock);
    }

    /// Two rounds of house-keeping have passed on both.
    fn rounds(&self) {
        for server in [&self.pair.a, &self.pair.b] {
            rounds(server);
        }
    }

    fn all_there(&self) {
        for server in [&self.pair.a, &self.pair.b] {
            // A session of its own: by the other clock one may be over.
            let user = tilde(server);
            assert_eq!(folder(server, &user, Folder::Deleted).len(), 3);
        }
    }

    /// a is told that the clocks differ, and says it.
    fn told(&self, said: &str) {
        until("a status that tells of the clocks", || {
            let difference = Pair::status(&self.pair.a)?.clock_difference_ms?;
            contract::clocks_differ(difference).then_some(())
        });
        let doctor = self.pair.a.command(&["doctor"]);
        let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert!(!doctor.status.success() && text.contains(said), "{text}");
        let status = self.pair.a.command(&["gr", "status"]);
        let text = String::from_utf8_lossy(&status.stdout).into_owned();
        assert!(text.contains(said), "{text}");
    }
}

fn delete(user: &Http, row: &contract::MessageRow) {
    let path = format!("/api/v1/messages/{}", row.id);
    assert_eq!(
        user.ask("DELETE", &path, None).expect("an answer").status,
        200
    );
}

/// The reader never sees half of it.
fn set(file: &Path, clock: &str) {
    let aside = file.with_extension("new");
    fs::write(&aside, clock).expect("a file");
    fs::rename(&aside, file).expect("a file");
}

fn rounds(server: &Server) {
    let count = || server.metric("callpilot_upkeep_rounds_total");
    let before = count();
    until("two rounds of house-keeping", || {
        (count() >= before + 2.0).then_some(())
    });
}

#[test]
fn a_clock_that_leaps_by_eight_days_deletes_nothing() {
    let Some(clocks) = Clocks::start() else {
        return;
    };
    for leap in ["+8d", "-8d", "+0"] {
        clocks.set(leap);
        clocks.rounds();
        clocks.all_there();
    }
    assert!(clocks.pair.b.log().contains("clock has leapt"));
}

#[test]
fn a_server_that_starts_with_a_clock_ten_days_ahead_deletes_nothing_and_doctor_says_why() {
    let Some(mut clocks) = Clocks::start() else {
        return;
    };
    clocks.pair.b.kill();
    clocks.set("+10d");
    clocks.pair.b.run();
    until("a running partner", || {
        let state = Pair::status(&clocks.pair.a)?.state;
        (state == PartnerState::Running).then_some(())
    });
    clocks.told("10 days ahead");
    clocks.rounds();
    clocks.all_there();
}

#[test]
fn where_the_clocks_differ_by_a_day_a_session_that_is_refused_says_so() {
    let Some(clocks) = Clocks::start() else {
        return;
    };
    clocks.set("+1d");
    clocks.told("24 hours ahead");
    until("the status on the other", || {
        let difference = Pair::status(&clocks.pair.b)?.clock_difference_ms?;
        contract::clocks_differ(difference).then_some(())
    });
    let there = Http::new(clocks.pair.b.http, clocks.user.token());
    let refused = there.get("/api/v1/messages");
    assert_eq!(refused.status, 401);
    let message = refused.json()["message"].to_string();
    assert!(message.contains("differs from its partner's"), "{message}");
    clocks.set("+0");
    until("a session that holds again", || {
        (there.get("/api/v1/messages").status == 200).then_some(())
    });
}
