use crate::{agree, folder, leave, pair, subjects, tilde};
use contract::{Folder, PartnerState};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{Http, Pair, until, voice};

#[test]
fn a_killed_partner_gets_all_that_it_missed() {
    let (_dir, mut pair) = pair("");
    let user = tilde(&pair.a);
    assert!(leave(&pair.a, 0));
    agree(&pair, &user);
    pair.b.kill();
    for seed in 1..=20 {
        assert!(leave(&pair.a, seed));
    }
    pair.b.run();
    assert_eq!(agree(&pair, &user).len(), 21);
}

#[test]
fn a_killed_primary_is_stood_in_for_and_gets_all_that_happened() {
    let (_dir, mut pair) = pair("");
    let user = tilde(&pair.a);
    assert!(leave(&pair.a, 1) && leave(&pair.a, 2));
    let inbox = agree(&pair, &user);
    pair.a.kill();
    let on_b = Http::new(pair.b.http, user.token());
    let path = |i: usize| format!("/api/v1/messages/{}", inbox[i].id);
    assert_eq!(on_b.get(&format!("{}/audio", path(0))).status, 200);
    assert_eq!(
        on_b.ask("PATCH", &path(0), Some(&json!({ "unread": false })))
            .unwrap()
            .status,
        200
    );
    assert!(leave(&pair.b, 3));
    let status = until("a partner that is known to be down", || {
        Pair::status(&pair.b).filter(|status| status.state == PartnerState::Down)
    });
    // The cause stands where an operator looks first.
    let why = status.link_fault.unwrap_or_default();
    assert!(why.contains("Connection refused"), "{why:?}");
    let doctor = pair.b.command(&["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(!doctor.status.success() && said.contains(&why), "{said}");
    pair.a.run();
    let inbox = agree(&pair, &user);
    assert_eq!(inbox.len(), 3);
    assert_eq!(inbox.iter().filter(|row| !row.unread).count(), 1);
}

#[test]
fn a_partner_that_has_just_died_is_not_said_to_be_elsewhere() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut pair = Pair::start_unhurried(dir.path(), "");
    pair.b.kill();
    let status = pair.a.command(&["gr", "status"]);
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    // Whether the link has found out by itself is a matter of moments.
    let is_found_out = !said.contains("✓ running");
    assert!(
        is_found_out || said.contains("does not answer by HTTP now"),
        "{said}"
    );
    assert!(
        said.contains("last heard") && !said.contains("gr pair"),
        "{said}"
    );
}

#[test]
fn what_was_deleted_during_an_outage_stays_deleted() {
    let (_dir, mut pair) = pair("");
    let user = tilde(&pair.a);
    for seed in 1..=3 {
        assert!(leave(&pair.a, seed));
    }
    let inbox = agree(&pair, &user);
    pair.a.kill();
    let on_b = Http::new(pair.b.http, user.token());
    let delete = |i: usize, known: &str| {
        let path = format!("/api/v1/messages/{}{known}", inbox[i].id);
        on_b.ask("DELETE", &path, None).unwrap().status
    };
    assert_eq!(delete(0, ""), 200);
    assert_eq!((delete(1, ""), delete(1, "?folder=deleted")), (200, 204));
    pair.a.run();
    assert_eq!(agree(&pair, &user), [inbox[2].clone()]);
    let deleted = folder(&pair.a, &user, Folder::Deleted);
    assert_eq!(
        deleted.iter().map(|row| row.id).collect::<Vec<_>>(),
        [inbox[0].id]
    );
    // Nothing comes back from the server that was away either when it is the other one's turn to restart.
    pair.b.kill();
    pair.b.run();
    assert_eq!(agree(&pair, &user).len(), 1);
}

/// The one promise that counts most: 250 means safe.
#[test]
fn every_accepted_message_survives_kills_in_the_middle_of_the_traffic() {
    let (_dir, mut pair) = pair("");
    let user = tilde(&pair.a);
    let mut accepted = BTreeSet::new();
    for round in 0..3 {
        let (taken, stop) = (std::sync::Mutex::new(Vec::new()), AtomicBool::new(false));
        let (address, first) = (pair.a.smtp, round * 1_000);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for seed in first..first + 500 {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    if let Some(true) = try_leave(address, seed) {
                        taken.lock().unwrap().push(seed);
                    }
                }
            });
            until("some accepted messages", || {
                (taken.lock().unwrap().len() >= 15).then_some(())
            });
            pair.a.kill();
            stop.store(true, Ordering::Relaxed);
        });
        accepted.extend(taken.into_inner().unwrap().into_iter().map(voice::subject));
        pair.a.run();
    }
    agree(&pair, &user);
    let there = subjects(&pair.a, &user);
    assert_eq!(there, subjects(&pair.b, &user));
    let lost: Vec<&String> = accepted.difference(&there).collect();
    assert!(lost.is_empty(), "accepted and lost: {lost:?}");
}

/// A message on a connection that may break at any moment; `None` if it broke.
fn try_leave(address: std::net::SocketAddr, seed: u64) -> Option<bool> {
    let to = "7200@cp-a.test.example";
    let mail = voice::message("4711@client.example", to, seed, voice::SECOND);
    let mut smtp = support::Smtp::try_hello(address)?;
    Some(smtp.mail("4711@client.example", &[to], &mail).code == 250)
}

#[test]
fn both_killed_at_once_come_back_with_everything() {
    let (_dir, mut pair) = pair("");
    let user = tilde(&pair.a);
    for seed in 1..=5 {
        assert!(leave(&pair.a, seed) && leave(&pair.b, seed + 100));
    }
    pair.a.kill();
    pair.b.kill();
    pair.b.run();
    pair.a.run();
    assert_eq!(agree(&pair, &user).len(), 10);
}

#[test]
fn a_stopped_server_has_lost_nothing_and_left_no_trace() {
    let (_dir, mut pair) = pair("");
    let user = tilde(&pair.a);
    assert!(leave(&pair.a, 1));
    assert!(pair.a.stop().success());
    assert!(!pair.a.data_dir().join("run.json").exists());
    pair.a.run();
    assert_eq!(agree(&pair, &user).len(), 1);
}
