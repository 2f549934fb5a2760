//! What puts a pair right: resync, rebuild, audit, mailbox resync, undo, abort, and mailboxes that are held.

use crate::stock::{self, A, B, Person};
use crate::{agree, folder, leave, pair, subjects, tilde};
use contract::{
    Event, Folder, GrTask, GrTasks, HeldMailboxes, TaskCounts, TaskOutcome, TaskPhase, UserKind,
    UserRow,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{Pair, Server, Smtp, until, voice};
use tempfile::TempDir;

const TASKS: &str = "/api/v1/admin/gr/tasks";

#[test]
fn a_resync_makes_of_100_and_200_with_50_and_75_the_guides_100_and_50_with_50_and_100() {
    let (_dir, pair) = guides_pair();
    let shown = counts(&finished(
        &pair.a,
        &start(&pair.a, json!({ "kind": "resync", "dry_run": true })),
    ));
    assert_eq!(users(&pair.a), (100, 200), "a dry run changes nothing");
    assert_eq!(users(&pair.b), (50, 75));
    let expected = TaskCounts {
        created_here: 20,
        created_there: 40,
        updated: 5,
        deleted_here: 170,
        deleted_there: 15,
        ..TaskCounts::default()
    };
    assert_eq!(shown, expected);

    let task = start(
        &pair.a,
        json!({ "kind": "resync", "agreed": { "here": 170, "there": 15 } }),
    );
    assert_eq!(
        counts(&finished(&pair.a, &task)),
        expected,
        "what was shown is what happens"
    );
    until_users(&pair, (100, 50), (50, 100));
    for server in [&pair.a, &pair.b] {
        assert_eq!(names(server)["1000"], "As it is now", "the newer data wins");
        assert_eq!(names(server)["1005"], "As it was");
    }
    let again = start(&pair.a, json!({ "kind": "resync", "dry_run": true }));
    assert_eq!(counts(&finished(&pair.a, &again)), TaskCounts::default());
}

#[test]
fn a_resync_may_start_on_either_side_and_each_side_can_undo_its_own_deletions() {
    let (_dir, pair) = guides_pair();
    let dry = start(&pair.b, json!({ "kind": "resync", "dry_run": true }));
    let shown = counts(&finished(&pair.b, &dry));
    assert_eq!(
        (shown.deleted_here, shown.deleted_there),
        (15, 170),
        "here is the other side now"
    );
    let task = start(
        &pair.b,
        json!({ "kind": "resync", "agreed": { "here": 15, "there": 170 } }),
    );
    assert_eq!(finished(&pair.b, &task).outcome, Some(TaskOutcome::Done));
    until_users(&pair, (100, 50), (50, 100));

    let kept = tasks(&pair.a).kept.expect("what was deleted is kept");
    assert_eq!(kept.objects, 170);
    assert_eq!(post(&pair.a, "/api/v1/admin/gr/undo").0, 202);
    until_users(&pair, (100, 220), (50, 100));
    until("nothing kept any more", || {
        tasks(&pair.a).kept.is_none().then_some(())
    });
    let (status, error) = post(&pair.a, "/api/v1/admin/gr/undo");
    assert_eq!((status, error["code"].as_str()), (409, Some("conflict")));
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("Nothing is kept"),
        "{error}"
    );
}

#[test]
fn a_rebuild_makes_of_100_and_200_with_50_and_75_the_guides_75_and_50_and_can_be_undone() {
    let (_dir, pair) = guides_pair();
    let dry = finished(
        &pair.a,
        &start(&pair.a, json!({ "kind": "rebuild", "dry_run": true })),
    );
    let shown = counts(&dry);
    assert_eq!((shown.deleted_here, shown.created_here), (300, 125));
    assert_eq!((shown.deleted_there, shown.created_there), (0, 0));
    assert_eq!(users(&pair.a), (100, 200));
    let before = names(&pair.b);
    let task = start(
        &pair.a,
        json!({ "kind": "rebuild", "agreed": { "here": 300, "there": 0 } }),
    );
    assert_eq!(finished(&pair.a, &task).outcome, Some(TaskOutcome::Done));
    until_users(&pair, (75, 50), (50, 75));
    pair.running();
    assert_eq!(names(&pair.a), before, "a holds what b holds");
    assert_eq!(names(&pair.b), before, "and b is as it was");

    until("no errand", || {
        tasks(&pair.a).errand.is_none().then_some(())
    });
    assert_eq!(post(&pair.a, "/api/v1/admin/gr/undo").0, 202);
    // All that was there, and what came: the 40 that b lacked go there, too.
    until_users(&pair, (115, 220), (50, 115));
}

#[test]
fn a_rebuild_that_is_stopped_on_either_side_leaves_the_original_exactly() {
    let dir = tempfile::tempdir().expect("a folder");
    let pair = slow_to_rebuild(dir.path());
    let before = (rows(&pair.a), rows(&pair.b));
    for (stopper, outcome) in [
        (&pair.a, TaskOutcome::Aborted),
        (&pair.b, TaskOutcome::AbortedThere),
    ] {
        let task = half_rebuilt(&pair.a);
        until("the partner knows of it", || tasks(&pair.b).serving);
        let path = format!("{TASKS}/{}", task.id);
        let stopped = stopper.admin().ask("DELETE", &path, None).unwrap();
        assert_eq!(stopped.status, 204, "{}", stopped.json());
        assert_eq!(finished(&pair.a, &task).outcome, Some(outcome));
        until("everything cleared away", || {
            let (here, there) = (tasks(&pair.a), tasks(&pair.b));
            (here.errand.is_none() && there.serving.is_none()).then_some(())
        });
        assert_eq!((rows(&pair.a), rows(&pair.b)), before);
    }
    let again = pair
        .a
        .admin()
        .ask("DELETE", &format!("{TASKS}/0123456789abcdef"), None)
        .unwrap();
    assert_eq!(again.status, 409);
}

#[test]
fn a_rebuild_goes_on_after_a_kill_of_the_server_that_drives_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut pair = slow_to_rebuild(dir.path());
    let task = half_rebuilt(&pair.a);
    pair.a.kill();
    pair.a.run();
    assert_eq!(users(&pair.a), (100, 200), "the original serves meanwhile");
    assert_eq!(finished(&pair.a, &task).outcome, Some(TaskOutcome::Done));
    until_users(&pair, (75, 50), (50, 75));
    assert_eq!(names(&pair.a), names(&pair.b));
}

#[test]
fn an_open_page_reads_everything_anew_after_a_rebuild() {
    let (_dir, pair) = pair("");
    let user = tilde(&pair.a);
    assert!(leave(&pair.a, 1));
    agree(&pair, &user);
    let mut events = user.events();
    let task = start(&pair.a, json!({ "kind": "rebuild" }));
    let told = events.find(|event| matches!(event, Event::Resync | Event::Ended));
    assert_eq!(told, Some(Event::Resync));
    assert_eq!(finished(&pair.a, &task).outcome, Some(TaskOutcome::Done));
    assert_eq!(subjects(&pair.a, &user), [voice::subject(1)].into());
}

#[test]
fn of_two_resyncs_at_the_same_moment_one_does_the_work() {
    let (_dir, pair) = guides_pair();
    let begin = |server: &Server, here: u32, there: u32| {
        let new = json!({ "kind": "resync", "agreed": { "here": here, "there": there } });
        let (status, answer) = post_json(server, TASKS, &new);
        assert!(status == 202 || status == 409, "{answer}");
    };
    std::thread::scope(|scope| {
        scope.spawn(|| begin(&pair.a, 170, 15));
        scope.spawn(|| begin(&pair.b, 15, 170));
    });
    until_users(&pair, (100, 50), (50, 100));
    let outcomes = until("both ended", || {
        let (here, there) = (tasks(&pair.a), tasks(&pair.b));
        let open = [&here, &there].map(|t| t.open.is_some() || t.serving.is_some());
        let ended = [here.last, there.last].into_iter().flatten();
        (open == [false, false]).then(|| ended.map(|task| task.outcome).collect::<Vec<_>>())
    });
    let done = outcomes.iter().filter(|o| **o == Some(TaskOutcome::Done));
    assert_eq!(done.count(), 1, "{outcomes:?}");
}

#[test]
fn deletions_that_nobody_agreed_to_wait_and_gr_is_not_configured_meanwhile() {
    let (_dir, pair) = guides_pair();
    let task = start(&pair.a, json!({ "kind": "resync" }));
    let waiting = until("a task that waits", || {
        tasks(&pair.a)
            .open
            .filter(|open| open.phase == Some(TaskPhase::Waiting))
    });
    assert_eq!(
        (waiting.counts.deleted_here, waiting.counts.deleted_there),
        (170, 15)
    );
    assert_eq!(
        users(&pair.a).1,
        220,
        "what was missing has come, and nobody has gone"
    );
    for server in [&pair.a, &pair.b] {
        let refused = server
            .admin()
            .ask("DELETE", "/api/v1/admin/gr", None)
            .unwrap();
        assert_eq!(refused.status, 409);
        assert!(
            refused.json()["message"]
                .as_str()
                .unwrap()
                .contains("resync"),
            "{}",
            refused.json()
        );
    }
    let (status, error) = post_json(&pair.b, TASKS, &json!({ "kind": "audit" }));
    assert_eq!(status, 409);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("driven by the partner"),
        "{error}"
    );

    let status: Value = pair.a.admin().get("/api/v1/admin/gr").json();
    assert_eq!(status["task"]["phase"], "waiting");
    assert_eq!(post(&pair.a, &format!("{TASKS}/{}/agree", task.id)).0, 202);
    assert_eq!(finished(&pair.a, &task).outcome, Some(TaskOutcome::Done));
    until_users(&pair, (100, 50), (50, 100));
}

#[test]
fn an_audit_recreates_and_deletes_gr_users_and_leaves_data_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let of = |home, number| Person { number, home };
    let pair = stock::pair_with(dir.path(), || {
        stock::write(dir.path(), A, |tx| {
            stock::put(tx, of(A, 1_000), "As it was", 1);
            stock::put(tx, of(A, 1_001), "As it was", 1);
            stock::put(tx, of(B, 3_000), "Without an original", 1);
        });
        stock::write(dir.path(), B, |tx| {
            stock::put(tx, of(A, 1_000), "As it is now", 2);
            stock::put(tx, of(B, 2_000), "As it was", 1);
        });
    });
    let task = finished(&pair.a, &start(&pair.a, json!({ "kind": "audit" })));
    let expected = TaskCounts {
        created_here: 1,
        created_there: 1,
        updated: 1,
        deleted_here: 1,
        ..TaskCounts::default()
    };
    assert_eq!(
        (task.outcome, counts(&task)),
        (Some(TaskOutcome::Done), expected)
    );
    until_users(&pair, (2, 1), (1, 2));
    let name = |server| names(server)["1000"].clone();
    assert_eq!(
        (name(&pair.a), name(&pair.b)),
        ("As it was".into(), "As it is now".into())
    );
}

#[test]
fn a_held_user_is_listed_on_both_sides_and_fills_in_by_itself_when_the_cause_goes() {
    let (_dir, pair) = pair("");
    let stub = json!({ "mailbox": "7299", "name": "Stub", "address": "7299@far.example" });
    assert_eq!(
        post_json(&pair.b, "/api/v1/admin/remote-users", &stub).0,
        201
    );
    pair.a.add_user("7299", "Ivar Quist");
    let here = until("a held user", || {
        let held = held(&pair.a);
        (held.held_count == 1).then(|| held.held[0].clone())
    });
    assert_eq!(
        (here.mailbox.as_deref(), here.name.as_deref()),
        (Some("7299"), Some("Ivar Quist"))
    );
    assert!(
        here.reason.contains("Temporary Remote User"),
        "{}",
        here.reason
    );
    let there = until("the same on the other side", || held(&pair.b).refused.pop());
    assert_eq!(
        (there.id, there.mailbox, there.name),
        (here.id, here.mailbox, here.name)
    );
    assert!(
        there.reason.contains("Temporary Remote User"),
        "{}",
        there.reason
    );
    let status = Pair::status(&pair.a).unwrap();
    assert_eq!(
        (status.held_count, status.users.count),
        (1, 0),
        "what is held is no backlog"
    );

    // What is said of a message of such a user is the same wherever it is asked.
    let to = "7299@cp-a.test.example";
    let mail = voice::message("4711@client.example", to, 1, voice::SECOND);
    let mut smtp = Smtp::hello(pair.a.smtp);
    assert_eq!(smtp.mail("4711@client.example", &[to], &mail).code, 250);
    let user = pair.a.log_in("7299").expect("a log-in");
    let row = pair.a.inbox(&user).messages.remove(0);
    let detail = user.get(&format!("/api/v1/messages/{}", row.id)).json();
    assert!(row.one_server_only);
    assert_eq!(detail["one_server_only"], true, "{detail}");
    let said = String::from_utf8_lossy(&pair.a.command(&["gr", "held"]).stdout).into_owned();
    assert!(
        said.contains("1 mailbox of this server is not kept up to date on cp-b.test.example"),
        "{said}"
    );

    let gone = pair
        .b
        .admin()
        .ask("DELETE", "/api/v1/admin/remote-users/7299", None)
        .unwrap();
    assert_eq!(gone.status, 204);
    until("the user on the partner", || names(&pair.b).remove("7299"));
    until("nothing held", || {
        (held(&pair.a).held_count == 0).then_some(())
    });
    until("nothing refused", || {
        held(&pair.b).refused.is_empty().then_some(())
    });
}

#[test]
fn a_mailbox_resync_brings_what_is_missing_and_does_not_bring_back_what_was_deleted() {
    let (_dir, pair) = torn_apart();
    let task = start(
        &pair.a,
        json!({ "kind": "mailboxes", "mailboxes": ["7200"] }),
    );
    let task = finished(&pair.a, &task);
    assert_eq!(
        (task.outcome, task.counts.contents_there),
        (Some(TaskOutcome::Done), 1)
    );
    let user = tilde(&pair.a);
    agree(&pair, &user);
    let expected = [voice::subject(1), voice::subject(2)].into();
    until("the same inbox on both", || {
        (subjects(&pair.a, &user) == expected && subjects(&pair.b, &user) == expected).then_some(())
    });
    let (status, error) = post_json(
        &pair.a,
        TASKS,
        &json!({ "kind": "mailboxes", "mailboxes": ["7999"] }),
    );
    assert_eq!(
        (status, error["message"].as_str()),
        (404, Some("There is no mailbox 7999 on this server."))
    );
    let all = finished(&pair.b, &start(&pair.b, json!({ "kind": "mailboxes" })));
    assert_eq!(
        counts(&all),
        TaskCounts::default(),
        "every mailbox is the same"
    );
}

#[test]
fn a_log_in_brings_what_the_mailbox_lacks() {
    let (_dir, pair) = torn_apart();
    let user = tilde(&pair.b);
    let expected = [voice::subject(1), voice::subject(2)].into();
    until("the missing message, and not the deleted one", || {
        (subjects(&pair.b, &user) == expected).then_some(())
    });
    assert_eq!(folder(&pair.a, &user, Folder::Inbox).len(), 2);
    let seen = tasks(&pair.b);
    assert!(
        seen.open.is_none() && seen.last.is_none(),
        "no task was needed"
    );
}

/// The guide's pair, paired and running.
fn guides_pair() -> (TempDir, Pair) {
    let dir = tempfile::tempdir().expect("a folder");
    let pair = stock::pair_with(dir.path(), || stock::guides_pair(dir.path()));
    assert_eq!((users(&pair.a), users(&pair.b)), ((100, 200), (50, 75)));
    (dir, pair)
}

/// The guide's pair with so much on b that fetching it takes long enough to be disturbed.
fn slow_to_rebuild(root: &std::path::Path) -> Pair {
    let owner = Person {
        number: 2_000,
        home: B,
    };
    stock::pair_with(root, || {
        stock::guides_pair(root);
        stock::write(root, B, |tx| {
            for n in 0..400 {
                stock::put_message(tx, owner, n, 200_000);
            }
        });
    })
}

/// Starts a rebuild and waits until it has fetched something.
fn half_rebuilt(server: &Server) -> GrTask {
    let task = start(server, json!({ "kind": "rebuild" }));
    until("a rebuild that fetches", || {
        let fetching =
            |open: &GrTask| open.phase == Some(TaskPhase::Fetching) && open.counts.done > 0;
        tasks(server).open.filter(fetching)
    });
    task
}

/// 7200 has three messages: b has lost the second, and the third was deleted on a, which b has forgotten.
fn torn_apart() -> (TempDir, Pair) {
    let (dir, mut pair) = pair("");
    let user = tilde(&pair.a);
    for seed in 1..=3 {
        assert!(leave(&pair.a, seed));
    }
    let inbox = until("three messages on both", || {
        Some(agree(&pair, &user)).filter(|inbox| inbox.len() == 3)
    });
    let id = |seed| {
        let found = inbox.iter().find(|row| row.subject == voice::subject(seed));
        found.expect("the message").id
    };
    let (lost, deleted) = (id(2), id(3));
    assert!(pair.a.stop().success() && pair.b.stop().success());
    stock::write(dir.path(), A, |tx| stock::delete(tx, deleted));
    stock::write(dir.path(), B, |tx| stock::lose(tx, lost));
    pair.a.run();
    pair.b.run();
    pair.running();
    (dir, pair)
}

fn post(server: &Server, path: &str) -> (u16, Value) {
    post_json(server, path, &Value::Null)
}

fn post_json(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let answer = server
        .admin()
        .ask("POST", path, Some(body))
        .expect("an answer");
    (answer.status, answer.json())
}

/// Starts a task, as soon as both servers are ready for it.
fn start(server: &Server, new: Value) -> GrTask {
    until("a server that is ready for a task", || {
        let (status, answer) = post_json(server, TASKS, &new);
        (status == 202).then(|| serde_json::from_value(answer).expect("a task"))
    })
}

fn tasks(server: &Server) -> GrTasks {
    let answer = server.admin().get(TASKS);
    serde_json::from_slice(&answer.body).expect("tasks")
}

fn held(server: &Server) -> HeldMailboxes {
    let answer = server.admin().get("/api/v1/admin/gr/held");
    serde_json::from_slice(&answer.body).expect("held mailboxes")
}

/// Waits for the end of a task.
fn finished(server: &Server, task: &GrTask) -> GrTask {
    until("the end of a task", || {
        tasks(server).last.filter(|last| last.id == task.id)
    })
}

/// What a task found, without its steps.
fn counts(task: &GrTask) -> TaskCounts {
    TaskCounts {
        done: 0,
        total: 0,
        left_out: 0,
        ..task.counts
    }
}

fn rows(server: &Server) -> Vec<UserRow> {
    let answer = server.admin().get("/api/v1/admin/users");
    serde_json::from_slice(&answer.body).expect("users")
}

/// Local users and GR users.
fn users(server: &Server) -> (usize, usize) {
    let rows = rows(server);
    let local = rows
        .iter()
        .filter(|row| row.kind == UserKind::Local)
        .count();
    (local, rows.len() - local)
}

fn until_users(pair: &Pair, a: (usize, usize), b: (usize, usize)) {
    until(&format!("{a:?} and {b:?} users"), || {
        ((users(&pair.a), users(&pair.b)) == (a, b)).then_some(())
    });
}

/// Names by mailbox number.
fn names(server: &Server) -> BTreeMap<String, String> {
    rows(server)
        .into_iter()
        .map(|row| (row.mailbox, row.name))
        .collect()
}
