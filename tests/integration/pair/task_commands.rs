//! `callpilot gr resync` and its relatives, as an administrator types them.

use crate::{agree, leave, pair, stock, tilde};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};
use support::{Server, program};

#[test]
fn a_resync_shows_its_numbers_and_goes_on_only_with_the_right_ones() {
    let dir = tempfile::tempdir().expect("a folder");
    let pair = stock::pair_with(dir.path(), || stock::guides_pair(dir.path()));
    let run = |args: &[&str]| callpilot(&pair.a, args);

    let dry = run(&["resync", "--dry-run"]);
    assert_eq!(dry.status.code(), Some(0), "{}", errors(&dry));
    let shown = text(&dry);
    for said in [
        "USERS        HERE   PARTNER",
        "created        20        40",
        "updated         5         5",
        "deleted       170        15",
    ] {
        assert!(shown.contains(said), "{said} in {shown}");
    }
    for (args, said) in [
        (&["resync"][..], "would delete 185 users, more than 10 %"),
        (&["resync", "--yes"], "--yes alone does not cover that"),
        (
            &["resync", "--yes", "--allow-deletes", "184"],
            "185 users would be deleted, not 184",
        ),
    ] {
        let refused = run(args);
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            errors(&refused).contains(said),
            "{said} in {}",
            errors(&refused)
        );
        assert!(errors(&refused).contains("Nothing was changed."));
    }
    let done = run(&["resync", "--yes", "--allow-deletes", "185", "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    let task = json(&done);
    assert_eq!(
        (task["outcome"].as_str(), &task["dry_run"]),
        (Some("done"), &Value::Bool(false))
    );
    assert_eq!(task["counts"]["deleted_here"], 170);
    assert_eq!(errors(&done), "", "with JSON there is nothing but JSON");

    let again = run(&["resync"]);
    assert!(
        text(&again).contains("there is nothing to do"),
        "{}",
        text(&again)
    );
    let tasks = text(&run(&["tasks"]));
    assert!(
        tasks.starts_with("No task is open.") && tasks.contains("170 objects"),
        "{tasks}"
    );
    let undone = run(&["undo"]);
    assert!(
        text(&undone).contains("is back"),
        "{}{}",
        text(&undone),
        errors(&undone)
    );
    let nothing = run(&["undo"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(
        errors(&nothing).contains("Nothing is kept"),
        "{}",
        errors(&nothing)
    );
}

#[test]
fn a_rebuild_warns_and_what_waits_is_agreed_to_or_stopped_by_command() {
    let dir = tempfile::tempdir().expect("a folder");
    let pair = stock::pair_with(dir.path(), || stock::guides_pair(dir.path()));
    let rebuild = callpilot(&pair.a, &["rebuild", "--yes"]);
    assert_eq!(rebuild.status.code(), Some(1));
    assert!(
        text(&rebuild).contains("A rebuild deletes all users of this server"),
        "{}",
        text(&rebuild)
    );
    assert!(
        errors(&rebuild).contains("--allow-deletes 300"),
        "{}",
        errors(&rebuild)
    );

    let audit = callpilot(&pair.b, &["audit"]);
    assert_eq!(audit.status.code(), Some(1));
    let said = errors(&audit);
    assert!(
        said.contains("it would delete 15 users here and 170 on the partner"),
        "{said}"
    );
    let open = text(&callpilot(&pair.b, &["tasks"]));
    assert!(
        open.contains("audit: waiting for an administrator"),
        "{open}"
    );
    let agreed = callpilot(&pair.b, &["agree", "--allow-deletes", "185"]);
    assert_eq!(agreed.status.code(), Some(0), "{}", errors(&agreed));
    assert!(
        text(&agreed).contains("The audit is done."),
        "{}",
        text(&agreed)
    );
    for (args, said) in [
        (&["agree"][..], "No task of this server waits"),
        (&["abort"], "No task is open"),
    ] {
        let refused = callpilot(&pair.b, args);
        assert_eq!(refused.status.code(), Some(1));
        assert!(errors(&refused).contains(said), "{}", errors(&refused));
    }
}

#[test]
fn ctrl_c_leaves_a_task_going_and_says_how_to_stop_it() {
    let (_dir, pair) = pair("");
    // A partner that stands still keeps the audit from its end.
    pair.b.signal("STOP");
    let mut command = command(&pair.a, &["audit"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut lines = BufReader::new(command.stderr.take().expect("its errors"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    assert_eq!(line.trim(), "audit: comparing with the partner");
    let pid = command.id().to_string();
    let sent = Command::new("kill").args(["-s", "INT", &pid]).status();
    assert!(sent.is_ok_and(|status| status.success()));
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("text");
    assert_eq!(command.wait().expect("an end").code(), Some(1));
    assert!(
        rest.contains("The audit goes on without this window.")
            && rest.contains("`callpilot gr abort` stops it"),
        "{rest}"
    );
    let open = json(&callpilot(&pair.a, &["tasks", "--json"]));
    assert_eq!(open["open"]["kind"], "audit");
    let stopped = callpilot(&pair.a, &["abort"]);
    assert!(
        text(&stopped).contains("The audit is stopped."),
        "{}",
        errors(&stopped)
    );
    pair.b.signal("CONT");
    pair.running();
    let tasks = json(&callpilot(&pair.a, &["tasks", "--json"]));
    assert_eq!(tasks["last"]["outcome"], "aborted");
}

#[test]
fn mailboxes_are_searched_collected_and_compared() {
    let (_dir, pair) = pair("");
    pair.a.add_user("7201", "Odo Renn");
    pair.a.add_user("7300", "Tilde Moss");
    pair.running();
    let user = tilde(&pair.a);
    assert!(leave(&pair.a, 1));
    agree(&pair, &user);
    let run = |args: &[&str]| callpilot(&pair.a, args);
    let found = run(&["mailbox-resync", "--search", "tilde", "--mailbox", "7201"]);
    assert_eq!(found.status.code(), Some(0), "{}", errors(&found));
    let shown = text(&found);
    for said in [
        "7200     Tilde Brask",
        "7201     Odo Renn",
        "7300     Tilde Moss",
        "The mailbox resync is done.",
    ] {
        assert!(shown.contains(said), "{said} in {shown}");
    }
    let numbers = json(&run(&["mailbox-resync", "--search", "730", "--json"]));
    assert_eq!(numbers["outcome"], "done");
    assert_eq!(run(&["mailbox-resync", "--all"]).status.code(), Some(0));
    assert_eq!(
        run(&["mailbox-resync"]).status.code(),
        Some(2),
        "nothing was selected"
    );
    let nobody = run(&["mailbox-resync", "--search", "nobody & co"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(
        errors(&nobody).contains("nobody & co"),
        "{}",
        errors(&nobody)
    );
    let held = run(&["held"]);
    assert!(text(&held).contains("on both servers"), "{}", text(&held));
    assert_eq!(json(&run(&["held", "--retry", "--json"]))["held_count"], 0);
}

fn callpilot(server: &Server, args: &[&str]) -> Output {
    let run = command(server, args).output();
    run.expect("the program runs")
}

fn command(server: &Server, args: &[&str]) -> Command {
    let config = server
        .data_dir()
        .parent()
        .expect("a folder")
        .join("callpilot.toml");
    let mut command = Command::new(program());
    command
        .arg("gr")
        .args(args)
        .arg("--config")
        .arg(config)
        .stdin(Stdio::null());
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    let text = text(output);
    assert_eq!(text.lines().count(), 1, "{text}{}", errors(output));
    serde_json::from_str(&text).expect("one line of JSON")
}

#[test]
fn gr_is_turned_off_only_by_who_has_read_what_that_means() {
    let (_dir, mut pair) = pair("");
    let user = tilde(&pair.a);
    assert!(leave(&pair.a, 1));
    let inbox = agree(&pair, &user);
    let refused = callpilot(&pair.a, &["unpair"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("--yes"), "{}", errors(&refused));
    assert_eq!(agree(&pair, &user), inbox, "they are a pair");
    // A user that the partner does not have is not on its way to anybody afterwards.
    pair.b.kill();
    pair.a.add_user("7298", "Ivar Quist");
    let users = |pair: &support::Pair| text(&pair.a.command(&["user", "list"]));
    assert!(users(&pair).contains("on its way"), "{}", users(&pair));
    let done = callpilot(&pair.a, &["unpair", "--yes"]);
    assert!(done.status.success(), "{}", errors(&done));
    let status = support::Pair::status(&pair.a).expect("it answers");
    assert_eq!(status.partner, None);
    assert!(!users(&pair).contains("on its way"), "{}", users(&pair));
    // Sessions were sealed by keys of the pair.
    let user = pair.a.log_in("7200").expect("a log-in");
    assert_eq!(
        crate::folder(&pair.a, &user, contract::Folder::Inbox),
        inbox
    );
}
