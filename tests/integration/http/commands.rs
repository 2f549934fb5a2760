//! `callpilot class|shortcut|remote-user|setting` and `callpilot user set`.

use crate::cli::{callpilot, config, json};
use crate::server;
use serde_json::{Value, json as value};
use std::process::Output;
use support::Server;

fn run(server: &Server, args: &[&str]) -> Output {
    let config = config(server);
    callpilot(&[args, &["--config", &config, "--json"]].concat(), "")
}

/// What a command answers that succeeds.
fn done(server: &Server, args: &[&str]) -> Value {
    let output = run(server, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
    json(&output)
}

/// Why a command is refused.
fn refused(server: &Server, args: &[&str]) -> String {
    let output = run(server, args);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
    let message = json(&output)["error"]["message"].clone();
    message.as_str().expect("a sentence").to_owned()
}

/// What people read.
fn shown(server: &Server, args: &[&str]) -> String {
    let output = callpilot(&[args, &["--config", &config(server)]].concat(), "");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn classes_are_managed_from_the_command_line() {
    let (_dir, server) = server("");
    assert_eq!(
        done(&server, &["class", "add", "4", "Executive"])["number"],
        4
    );
    assert!(refused(&server, &["class", "add", "4", "Board"]).contains("Executive"));
    assert_eq!(
        done(&server, &["class", "set", "4", "Board"])["name"],
        "Board"
    );
    assert_eq!(
        shown(&server, &["class", "list"]),
        "NUMBER  NAME\n1       Standard\n4       Board\n"
    );
    assert_eq!(
        done(&server, &["user", "set", "7200", "--class", "4"])["class"],
        4
    );
    assert!(refused(&server, &["class", "remove", "4"]).contains("7200"));
    assert!(refused(&server, &["class", "remove", "1"]).contains("stays"));
    assert_eq!(
        done(&server, &["user", "set", "7200", "--class", "1"])["class"],
        1
    );
    assert_eq!(done(&server, &["class", "remove", "4"])["number"], 4);
    assert_eq!(
        done(&server, &["class", "list"]).as_array().unwrap().len(),
        1
    );
}

#[test]
fn shortcuts_and_remote_users_are_managed_from_the_command_line() {
    let (_dir, server) = server("");
    let guide = value!({ "prefix": "1272", "overlap": 2 });
    assert_eq!(
        done(&server, &["shortcut", "add", "1272", "--overlap", "2"]),
        guide
    );
    assert!(refused(&server, &["shortcut", "add", "12", "--overlap", "3"]).contains("longer"));
    assert_eq!(
        shown(&server, &["shortcut", "list"]),
        "PREFIX  OVERLAP\n1272    2\n"
    );
    assert_eq!(
        done(&server, &["shortcut", "remove", "1272"])["prefix"],
        "1272"
    );
    for (list, said) in [
        ("shortcut", "no VPIM shortcut"),
        ("remote-user", "no Temporary Remote User"),
    ] {
        assert!(shown(&server, &[list, "list"]).contains(said), "{list}");
    }
    let nobody = shown(&server, &["audit-trail", "list", "--who", "nobody"]);
    assert_eq!(nobody, "There is no such entry.\n");
    assert_eq!(
        run(&server, &["shortcut", "add", "12x"]).status.code(),
        Some(2)
    );

    let add = |mailbox| {
        [
            "remote-user",
            "add",
            mailbox,
            "Else Where",
            "1000@vm.example",
        ]
    };
    assert_eq!(done(&server, &add("1000"))["mailbox"], "1000");
    assert!(refused(&server, &add("7200")).contains("local user"));
    assert!(
        shown(&server, &["remote-user", "list"])
            .ends_with("1000     Else Where  1000@vm.example\n")
    );
    assert_eq!(
        done(&server, &["remote-user", "remove", "1000"])["mailbox"],
        "1000"
    );
    assert_eq!(done(&server, &["remote-user", "list"]), value!([]));
}

#[test]
fn settings_are_managed_from_the_command_line() {
    let (_dir, server) = server("");
    let set = done(
        &server,
        &[
            "setting",
            "set",
            "--broadcast-mailbox",
            "5555",
            "--name-order",
            "first-last",
        ],
    );
    assert_eq!(set["broadcast_mailbox"], "5555");
    assert_eq!(
        set["name_dialing"],
        value!({ "prefix": "11", "order": "first_last" })
    );
    let added = done(
        &server,
        &["setting", "add", "Head office", "imap.example.net"],
    );
    assert_eq!(added["email_servers"][0]["port"], 993);
    done(
        &server,
        &["setting", "add", "Old one", "10.0.0.9", "--plain"],
    );
    assert!(
        refused(&server, &["setting", "add", "Old one", "10.0.0.9"]).contains("two e-mail servers")
    );
    let text = shown(&server, &["setting", "list"]);
    for said in [
        "5555",
        "11, first name first",
        "Head office at imap.example.net:993\n",
        "Old one at 10.0.0.9:143, not encrypted",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
    assert!(refused(&server, &["setting", "remove", "Nobody"]).contains("Nobody"));
    let left = done(&server, &["setting", "remove", "Head office"]);
    assert_eq!(left["email_servers"].as_array().unwrap().len(), 1);
    assert!(refused(&server, &["setting", "set"]).contains("Nothing"));
    assert_eq!(
        done(&server, &["setting", "set", "--broadcast-mailbox", ""])["broadcast_mailbox"],
        Value::Null
    );
}

#[test]
fn a_user_is_changed_from_the_command_line() {
    let (_dir, server) = server("");
    let set = done(
        &server,
        &[
            "user",
            "set",
            "7200",
            "--name",
            "Tilde Renn",
            "--dn",
            "5001",
            "--dn",
            "5002",
            "--device-class",
            "Pagers",
        ],
    );
    assert_eq!(
        (&set["name"], &set["dns"]),
        (&value!("Tilde Renn"), &value!(["5001", "5002"]))
    );
    let text = shown(&server, &["user", "show", "7200"]);
    assert!(
        text.contains("Tilde Renn") && text.contains("5001, 5002") && text.ends_with("Pagers\n"),
        "{text}"
    );
    assert_eq!(
        done(&server, &["user", "set", "7200", "--locked", "true"])["locked"],
        true
    );
    assert!(refused(&server, &["user", "set", "7200"]).contains("Nothing"));
    assert!(
        refused(&server, &["user", "set", "7200", "--class", "9"]).contains("no mailbox class 9")
    );
}
