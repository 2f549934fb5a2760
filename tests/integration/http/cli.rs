use crate::server;
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use support::{Server, program};

pub(super) fn callpilot(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(program())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A command that does not read its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().expect("the program ends")
}

pub(super) fn config(server: &Server) -> String {
    let path: PathBuf = server.data_dir().parent().unwrap().join("callpilot.toml");
    path.to_str().unwrap().to_owned()
}

pub(super) fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).expect("one line of JSON")
}

#[test]
fn users_are_managed_from_the_command_line() {
    let (_dir, server) = server("");
    let config = config(&server);
    let run = |args: &[&str], input: &str| {
        callpilot(&[args, &["--config", &config, "--json"]].concat(), input)
    };
    let added = run(&["user", "add", "7216", "Mira Tandell"], "a-password\n");
    assert_eq!(added.status.code(), Some(0));
    assert_eq!(json(&added)["mailbox"], "7216");
    assert_eq!(
        json(&run(&["user", "list"], "")).as_array().unwrap().len(),
        3
    );
    let again = run(&["user", "add", "7216", "Mira Tandell"], "a-password\n");
    assert_eq!(
        (again.status.code(), json(&again)["error"]["code"].as_str()),
        (Some(1), Some("conflict"))
    );
    assert_eq!(
        json(&run(&["user", "passwd", "7200"], "new-password\n"))["mailbox"],
        "7200"
    );
    assert!(
        server.log_in("7200").is_none(),
        "the old password is none any more"
    );
    for what in ["unlock", "logout", "show"] {
        assert_eq!(json(&run(&["user", what, "7200"], ""))["mailbox"], "7200");
    }
    assert_eq!(
        run(&["user", "delete", "7216"], "").status.code(),
        Some(1),
        "nobody was asked"
    );
    assert_eq!(
        json(&run(&["user", "delete", "7216", "--yes"], ""))["mailbox"],
        "7216"
    );
    assert_eq!(run(&["user", "show", "7216"], "").status.code(), Some(1));
    assert_eq!(json(&run(&["gr", "status"], ""))["state"], "not_configured");
    assert_eq!(run(&["doctor"], "").status.code(), Some(0));
}

#[test]
fn tables_are_for_people() {
    let (_dir, server) = server("");
    let output = callpilot(&["user", "list", "--config", &config(&server)], "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("MAILBOX") && text.contains("Tilde Brask"),
        "{text}"
    );
}

#[test]
fn wrong_usage_is_2_and_a_failure_is_1() {
    assert_eq!(callpilot(&["user", "add", "72"], "").status.code(), Some(2));
    assert_eq!(callpilot(&["fly"], "").status.code(), Some(2));
    let told = callpilot(&["user", "add", "72", "--json"], "");
    assert_eq!(told.status.code(), Some(2));
    let told = json(&told)["error"]["message"].clone();
    assert!(
        told.as_str()
            .is_some_and(|said| said.contains("3 to 20 digits")),
        "{told}"
    );
    let missing = callpilot(&["serve", "--config", "/nowhere/callpilot.toml"], "");
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("/nowhere/callpilot.toml"));
}

#[test]
fn a_password_that_no_administrator_may_have_is_not_hashed_for_one() {
    for weak in ["", "abc", "1234567890"] {
        let refused = callpilot(&["hash-password", "--password", weak], "");
        assert_eq!(refused.status.code(), Some(1), "{weak:?}");
        let why = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(
            refused.stdout.is_empty() && why.contains("password"),
            "{why}"
        );
    }
    let hashed = callpilot(&["hash-password", "--password", "cloudy-harbour"], "");
    assert!(hashed.status.success());
}

#[test]
fn a_server_without_pages_and_a_pair_that_is_not_there_are_told_of() {
    let (_dir, server) = server("");
    let config = config(&server);
    let run = |args: &[&str]| callpilot(&[args, &["--config", &config]].concat(), "");
    let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let doctor = run(&["doctor"]);
    assert!(
        text(&doctor).contains("http.web_root names no folder"),
        "{}",
        text(&doctor)
    );
    let held = text(&run(&["gr", "held"]));
    assert!(
        held.contains("no GR partner") && !held.contains("both servers"),
        "{held}"
    );
    let unpair = run(&["gr", "unpair", "--yes"]);
    assert_eq!(unpair.status.code(), Some(1));
    let why = String::from_utf8_lossy(&unpair.stderr).into_owned();
    assert_eq!(why, "callpilot: There is no GR partner.\n");
}

#[test]
fn all_faults_of_a_configuration_are_told_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.toml");
    std::fs::write(
        &path,
        "fqdn = \"x\"\n[smtp]\nlisten = 25\nrecipient_max = 100\n",
    )
    .unwrap();
    let output = callpilot(&["serve", "--config", path.to_str().unwrap()], "");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    for said in [
        "bad.toml:1: fqdn",
        "bad.toml:3: smtp.listen",
        "bad.toml:4: smtp.recipient_max is not a setting; smtp.recipients_max is",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
}

#[test]
fn the_printed_configuration_starts_with_what_it_is() {
    let output = callpilot(&["serve", "--print-config"], "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success()
            && text.contains("# accept_wait_ms = 250")
            && text.contains("# Unit: milliseconds.")
    );
}

#[test]
fn a_server_ends_with_the_input_of_whoever_started_it() {
    let (_dir, mut server) = server("");
    server.stop();
    let output = callpilot(
        &["serve", "--stop-with-stdin", "--config", &config(&server)],
        "",
    );
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!server.data_dir().join("run.json").exists());
}
