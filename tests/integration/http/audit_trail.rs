//! The audit trail of a real server: who did what, who was refused, and how other programs read it.

use super::cli::json;
use crate::server;
use regex::Regex;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use support::{Http, PASSWORD, Server, until};

fn entries(server: &Server, args: &[&str]) -> Vec<Value> {
    let all = [&["audit-trail", "list", "--json"], args].concat();
    let output = server.command(&all);
    json(&output).as_array().expect("a list").clone()
}

/// The entries of one action, the latest first, once there are so many.
fn of(server: &Server, action: &str, count: usize) -> Vec<Value> {
    until("entries of the audit trail", || {
        let mut found = entries(server, &[]);
        found.retain(|entry| entry["action"] == action);
        (found.len() >= count).then_some(found)
    })
}

fn try_log_in(server: &Server, mailbox: &str, password: &str) -> u16 {
    let login = json!({ "mailbox": mailbox, "password": password });
    let answer = server
        .client("")
        .ask("POST", "/api/v1/session", Some(&login));
    answer.expect("an answer").status
}

fn user_path(server: &Server, mailbox: &str) -> String {
    let path = format!("/api/v1/admin/users?mailbox={mailbox}");
    let rows = server.admin().get(&path).json();
    format!("/api/v1/admin/users/{}", rows[0]["id"].as_str().unwrap())
}

#[test]
fn administrative_acts_are_entered_with_who_what_on_whom_from_where_and_how_it_ended() {
    let (_dir, server) = server("");
    let add = [
        "user",
        "add",
        "7216",
        "Mira Tandell",
        "--password",
        "mira-13579",
    ];
    assert!(server.command(&add).status.success());
    assert!(
        !server.command(&add).status.success(),
        "it is there already"
    );
    let path = user_path(&server, "7200");
    let patch = json!({ "name": "Tilde B", "locked": true });
    let changed = server.admin().ask("PATCH", &path, Some(&patch)).unwrap();
    assert_eq!(changed.status, 200);

    let found = entries(&server, &[]);
    let entry = |n: usize, name: &str| found[n][name].as_str().unwrap().to_owned();
    assert_eq!(
        ["action", "result", "who", "from", "target"].map(|name| entry(0, name)),
        [
            "user.change",
            "done",
            "token",
            "127.0.0.1",
            "7200: name, lock"
        ]
    );
    assert_eq!(
        ["action", "result", "target"].map(|name| entry(1, name)),
        ["user.create", "refused-409", "7216"]
    );
    assert_eq!(
        ["action", "result", "target"].map(|name| entry(2, name)),
        ["user.create", "done", "7216"]
    );
    assert!(entry(2, "from").starts_with("local:"), "{}", found[2]);
    assert!(
        entry(2, "who") == "root" || entry(2, "who").starts_with("uid "),
        "{}",
        found[2]
    );
    assert_eq!(
        entries(&server, &["--who", "token"]).len(),
        3,
        "with two of the beginning"
    );
    assert_eq!(entries(&server, &["--limit", "1"]).len(), 1);
    assert!(entries(&server, &["--since", "2d", "--until", "1d"]).is_empty());
}

#[test]
fn an_act_and_its_entry_are_there_together_after_a_kill() {
    let (_dir, mut server) = server("");
    let new = json!({ "mailbox": "7216", "name": "Mira Tandell", "password": "mira-13579" });
    let created = server
        .admin()
        .ask("POST", "/api/v1/admin/users", Some(&new));
    assert_eq!(created.unwrap().status, 201);
    server.kill();
    server.run();
    let found = of(&server, "user.create", 3);
    assert_eq!(found[0]["target"], "7216");
}

#[test]
fn acts_that_the_engine_does_are_entered_too() {
    let (_dir, server) = server("");
    let undo = server
        .admin()
        .ask("POST", "/api/v1/admin/gr/undo", Some(&Value::Null));
    assert_eq!(undo.unwrap().status, 409);
    let entry = &entries(&server, &[])[0];
    assert_eq!(
        (&entry["action"], &entry["result"]),
        (&json!("gr.undo"), &json!("refused-409"))
    );
}

#[test]
fn sign_ins_right_and_wrong_are_entered_and_nothing_that_may_be_a_secret() {
    let (_dir, server) = server("");
    assert_eq!(try_log_in(&server, "7200", PASSWORD), 201);
    assert_eq!(try_log_in(&server, "7200", "wrong-2468"), 401);
    // The password in the field of the number.
    assert_eq!(try_log_in(&server, "97531", "7200"), 401);
    let admin = Http::new(server.http, "9-no-such-token-9");
    assert_eq!(admin.get("/api/v1/admin/users").status, 401);
    let found = of(&server, "sign-in", 3);
    let told = |n: usize| {
        [&found[n]["who"], &found[n]["result"], &found[n]["from"]]
            .map(|v| v.as_str().unwrap().to_owned())
    };
    assert_eq!(told(0), ["(unknown)", "wrong-password", "127.0.0.1"]);
    assert_eq!(told(1), ["7200", "wrong-password", "127.0.0.1"]);
    assert_eq!(told(2), ["7200", "right", "127.0.0.1"]);
    let refused = of(&server, "administrator.sign-in", 1);
    assert_eq!(refused[0]["result"], "wrong-token");
    let passwd = ["user", "passwd", "7201", "--password", "odo-86420"];
    assert!(server.command(&passwd).status.success());
    let export = server.command(&["audit-trail", "export"]);
    let everything = String::from_utf8_lossy(&export.stdout).into_owned() + &server.log();
    assert!(everything.contains("user.password"));
    for secret in [
        PASSWORD,
        "wrong-2468",
        "97531",
        "9-no-such-token-9",
        "odo-86420",
    ] {
        assert!(!everything.contains(secret), "{secret}");
    }
}

#[test]
fn a_crowd_of_failures_is_a_few_entries_and_a_few_lines() {
    let (_dir, server) = server("login.address_burst = 1000");
    for n in 0..40 {
        assert_ne!(
            try_log_in(&server, &format!("{}", 50_000 + n), "wrong"),
            201
        );
    }
    let lines = server.log().matches("audit_trail: action=sign-in").count();
    // Five of the one minute, or of the two that the tries lay in.
    assert!((5..=11).contains(&lines), "{lines}");
}

#[test]
fn the_trail_is_exported_as_csv_and_as_json_and_only_to_administrators() {
    let (_dir, server) = server("");
    assert_eq!(
        server.client("").get("/api/v1/admin/audit-trail").status,
        401
    );
    let user = server.log_in("7200").unwrap();
    assert_eq!(user.get("/api/v1/admin/audit-trail").status, 401);
    let export = server.command(&["audit-trail", "export", "--csv"]);
    let text = String::from_utf8(export.stdout).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("at,action,result,who,from,target,times"));
    let line = lines.find(|line| line.contains("7201")).unwrap();
    let columns = "\"user.create\",\"done\",\"token\",\"127.0.0.1\",\"7201\",1";
    assert!(line.ends_with(columns), "{line}");
    let export = server.command(&["audit-trail", "export", "--json", "--who", "token"]);
    let all: Value = serde_json::from_slice(&export.stdout).unwrap();
    assert!(all.as_array().unwrap().len() >= 2, "{all}");
}

/// The rules of docs/security.md for fail2ban.
fn rules() -> Vec<Regex> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md");
    let text = fs::read_to_string(docs).unwrap();
    let rules = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("failregex = "));
    let rules =
        rules.map(|rule| Regex::new(&rule.replace("<HOST>", r"(?P<host>[0-9a-fA-F:.]+)")).unwrap());
    rules.collect()
}

#[test]
fn the_rules_that_are_documented_for_fail2ban_find_the_guesses_in_both_forms_of_the_log() {
    let rules = rules();
    assert_eq!(rules.len(), 2, "one for each form");
    for (form, rule) in ["human", "json"].into_iter().zip(&rules) {
        let settings = format!("log.format = \"{form}\"\nhttp.trusted_proxies = [\"127.0.0.1\"]");
        let (_dir, server) = server(&settings);
        let from = |client: &str, mailbox: &str, password: &str| {
            let login = json!({ "mailbox": mailbox, "password": password });
            let headers = [("X-Forwarded-For", client)];
            let http = server.client("");
            http.ask_with("POST", "/api/v1/session", &headers, Some(&login))
                .unwrap()
                .status
        };
        assert_eq!(from("192.0.2.9", "7200", PASSWORD), 201);
        assert_eq!(from("192.0.2.66", "7200", "wrong"), 401);
        let forged = "7200\" from=192.0.2.9 x";
        assert_eq!(from("2001:db8::66", forged, "wrong from=192.0.2.9 "), 401);
        let log = server.log();
        let found = log.lines().filter_map(|line| rule.captures(line));
        let hosts: Vec<&str> = found
            .map(|found| found.name("host").unwrap().as_str())
            .collect();
        assert_eq!(hosts, ["192.0.2.66", "2001:db8::66"], "{form}: {log}");
    }
}
