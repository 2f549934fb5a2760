//! A backup is put back after the partner's audit has gone over what it does not know.

use crate::{agree, leave, tilde};
use contract::GrTasks;
use serde_json::json;
use std::fs;
use std::path::Path;
use support::{Pair, Server, until, voice};

/// Copies what a backup holds: everything in the folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// An audit driven by this server, from its beginning to its end.
fn audit(server: &Server) {
    let admin = server.admin();
    let tasks = || -> Option<GrTasks> {
        let answer = admin.ask("GET", "/api/v1/admin/gr/tasks", None)?;
        serde_json::from_slice(&answer.body).ok()
    };
    let last = |tasks: &GrTasks| tasks.last.as_ref().map(|task| task.id.clone());
    let before = until("tasks", &tasks);
    let started = admin.ask(
        "POST",
        "/api/v1/admin/gr/tasks",
        Some(&json!({ "kind": "audit" })),
    );
    let started = started.expect("an answer");
    assert_eq!(started.status, 202, "{}", started.json());
    until("the end of the audit", || {
        let now = tasks()?;
        (now.open.is_none() && last(&now) != last(&before)).then_some(())
    });
}

#[test]
fn a_backup_that_is_put_back_after_the_partners_audit_loses_no_user_and_no_message() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut pair = Pair::start(dir.path(), "");
    pair.a.add_user("7200", "Tilde Brask");
    pair.running();
    let user = tilde(&pair.a);
    for seed in 0..3 {
        assert!(leave(&pair.a, seed));
    }
    let kept = agree(&pair, &user);
    // The backup is taken, and life goes on: one message goes for good, another user and more messages come.
    assert!(pair.a.stop().success());
    let backup = dir.path().join("backup");
    copy(&pair.a.data_dir(), &backup);
    pair.a.run();
    let gone = format!("/api/v1/messages/{}", kept[0].id);
    for (known, expected) in [("", 200), ("?folder=deleted", 204)] {
        let answer = user.ask("DELETE", &format!("{gone}{known}"), None);
        assert_eq!(answer.expect("an answer").status, expected);
    }
    for seed in 10..13 {
        assert!(leave(&pair.a, seed));
    }
    pair.a.add_user("7201", "Later Born");
    let before = agree(&pair, &user);
    audit(&pair.b);

    pair.a.kill();
    fs::remove_dir_all(pair.a.data_dir()).expect("the data goes");
    copy(&backup, &pair.a.data_dir());
    pair.a.run();
    let healed = until("what was there before", || {
        let rows = agree(&pair, &user);
        (rows == before).then_some(rows)
    });
    assert_eq!(healed.len(), 5);
    assert!(healed.iter().any(|row| row.subject == voice::subject(12)));
    until("the later user on both", || {
        pair.a.log_in("7201").and(pair.b.log_in("7201"))
    });
    // The next audits of both find nothing to take away.
    audit(&pair.b);
    audit(&pair.a);
    assert_eq!(agree(&pair, &user), before);
    assert!(pair.a.log_in("7201").is_some() && pair.b.log_in("7201").is_some());
}
