//! `callpilot demo`: what it starts, what it says, and that nothing is left of it.

use contract::{Kind, MessageRow, Part};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use support::{Http, Smtp, Tls, program, until};

struct Demo {
    child: Child,
    said: Value,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        Self::start_by(&mut Command::new(program()), arguments)
    }

    fn start_by(command: &mut Command, arguments: &[&str]) -> Self {
        let mut child = command
            .args(["demo", "--json", "--stop-with-stdin"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        out.read_line(&mut line).expect("a line");
        let said = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        child.stdout = Some(out.into_inner());
        Self { child, said }
    }

    fn pids(&self) -> [u32; 2] {
        [0, 1].map(|i| self.said["servers"][i]["pid"].as_u64().expect("a process") as u32)
    }

    fn http(&self, server: usize) -> std::net::SocketAddr {
        let url = self.said["servers"][server]["http"]
            .as_str()
            .expect("a URL");
        let address = url.trim_start_matches("http://");
        let address = address.trim_start_matches("https://");
        address.parse().expect("an address")
    }

    /// A client of one of the servers.
    fn client(&self, server: usize, token: &str) -> Http {
        let roots = self.said["roots"].as_str();
        let tls = roots.map(|file| Tls::trusting(Path::new(file)));
        Http::new(self.http(server), token).by(tls.as_ref())
    }

    fn log_in(&self, server: usize, mailbox: &str) -> Option<Http> {
        let users = self.said["users"].as_array().expect("users");
        let user = users
            .iter()
            .find(|u| u["mailbox"] == mailbox)
            .expect("a demo user");
        let login = json!({ "mailbox": mailbox, "password": user["password"] });
        let answer = self
            .client(server, "")
            .ask("POST", "/api/v1/session", Some(&login))?;
        Some(self.client(server, answer.json()["token"].as_str()?))
    }

    fn inbox(&self, server: usize, mailbox: &str) -> Vec<MessageRow> {
        let list = self
            .log_in(server, mailbox)
            .expect("a log-in")
            .get("/api/v1/messages")
            .json();
        serde_json::from_value(list["messages"].clone()).expect("rows")
    }

    fn signal(pid: u32, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &pid.to_string()])
            .status();
        assert!(sent.is_ok_and(|s| s.success()));
    }

    fn wait(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        let out = self.child.stdout.take();
        let status = self.child.wait().expect("the demo ends");
        out.expect("its output")
            .read_to_string(&mut rest)
            .expect("text");
        (status, rest)
    }
}

/// A process that is there and not merely waiting to be buried.
fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with(['Z', 'X']))
}

fn gone(pids: [u32; 2]) {
    until("the end of both servers", || {
        pids.iter().all(|&pid| !lives(pid)).then_some(())
    });
}

#[test]
fn a_pair_with_people_and_messages_is_up_and_says_so_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(&["--dir", folder.path().to_str().unwrap()]);
    for server in demo.said["servers"].as_array().unwrap() {
        assert!(server["imap"].is_null() && server["ldap"].is_null());
        assert!(server["smtp"].is_string() && server["admin"]["password"].is_string());
    }
    let users = demo.said["users"].as_array().unwrap().clone();
    for home in ["cp-north.example.net", "cp-south.example.net"] {
        assert!(users.iter().filter(|u| u["home"] == home).count() >= 6);
    }
    let rows: Vec<MessageRow> = users
        .iter()
        .flat_map(|u| {
            let mailbox = u["mailbox"].as_str().unwrap();
            let (north, south) = (demo.inbox(0, mailbox), demo.inbox(1, mailbox));
            assert_eq!(north, south, "{mailbox} is the same on both");
            assert!(!north.is_empty(), "{mailbox} has a message");
            north
        })
        .collect();
    let any = |what: &str, is: fn(&MessageRow) -> bool| assert!(rows.iter().any(is), "{what}");
    any("urgent", |r| r.urgent);
    any("private", |r| r.private);
    any("a fax", |r| r.kind == Kind::Fax && r.pages == Some(3));
    any("a report", |r| r.kind == Kind::Report);
    any("a short one", |r| (1_500..4_000).contains(&r.duration_ms));
    any("a long one", |r| (45_000..=65_000).contains(&r.duration_ms));

    let (tilde, tildes) = (demo.log_in(1, "7200").unwrap(), demo.inbox(1, "7200"));
    let kinds: BTreeSet<&str> = tildes
        .iter()
        .flat_map(|row| {
            let detail = tilde.get(&format!("/api/v1/messages/{}", row.id)).json();
            let parts: Vec<Part> = serde_json::from_value(detail["parts"].clone()).unwrap();
            parts.iter().map(name).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        kinds,
        BTreeSet::from(["fax", "forwarded", "report", "text", "voice"])
    );

    let pids = demo.pids();
    Demo::signal(demo.child.id(), "TERM");
    let (status, rest) = demo.wait();
    assert!(
        status.success() && rest.is_empty(),
        "nothing but the one line: {rest}"
    );
    gone(pids);
    assert!(
        folder.path().join("north.toml").exists(),
        "a folder that was named is kept"
    );

    // The same folder again: the same people and messages.
    let again = Demo::start(&["--dir", folder.path().to_str().unwrap()]);
    assert_eq!(again.said["users"], Value::from(users));
    assert_eq!(again.inbox(0, "7200"), tildes);
    let pids = again.pids();
    again.wait_for_stdin();
    gone(pids);
}

fn name(part: &Part) -> &'static str {
    match part {
        Part::Voice { .. } => "voice",
        Part::Fax { .. } => "fax",
        Part::Text { .. } => "text",
        Part::Forwarded { .. } => "forwarded",
        Part::Card { .. } => "card",
        Part::Report { .. } => "report",
        Part::Other { .. } => "other",
    }
}

impl Demo {
    /// Closes its input, which is what happens when whoever started it ends.
    fn wait_for_stdin(mut self) {
        drop(self.child.stdin.take());
        assert!(self.wait().0.success());
    }
}

#[test]
fn where_there_are_no_pages_the_demo_says_so_and_names_none() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = Command::new(program())
        .args(["demo", "--web-root"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        said.contains("index.html") && said.contains("cargo xtask demo"),
        "{said}"
    );
    let mut alone = Command::new(program());
    let demo = Demo::start_by(alone.env_remove("CALLPILOT_WEB_ROOT"), &[]);
    assert_eq!(demo.said["pages"], false);
    demo.wait_for_stdin();
}

#[test]
fn nothing_is_left_of_a_demo_that_was_killed_but_its_folder() {
    let mut demo = Demo::start(&[]);
    let pids = demo.pids();
    let folder = folder_of(pids[0]);
    demo.child.kill().unwrap();
    gone(pids);
    assert!(folder.join("north.log").exists());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_killed_server_is_told_stays_down_and_can_be_brought_back_by_hand() {
    let demo = Demo::start(&[]);
    let pids = demo.pids();
    let folder = folder_of(pids[0]);
    let before = demo.inbox(1, "7200");
    Demo::signal(pids[0], "KILL");
    until("the end of north", || (!lives(pids[0])).then_some(()));
    assert_eq!(demo.inbox(1, "7200"), before, "south goes on");
    let restart: Vec<String> =
        serde_json::from_value(demo.said["servers"][0]["restart"].clone()).unwrap();
    let mut back = Command::new(&restart[0])
        .args(&restart[1..])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("north on its old address", || demo.log_in(0, "7200"));
    assert_eq!(demo.inbox(0, "7200"), before);
    demo.wait_for_stdin();
    gone(pids);
    let ended = until("the end of the one that was started by hand", || {
        back.try_wait().unwrap()
    });
    assert!(ended.success());
    assert!(!folder.exists(), "the temporary folder is removed");
}

#[test]
fn a_demo_that_runs_is_left_alone_by_a_second_one_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let demo = Demo::start(&["--dir", dir]);
    let log = || {
        std::fs::read(folder.path().join("north.log"))
            .unwrap()
            .len()
    };
    let config = || std::fs::read(folder.path().join("north.toml")).unwrap();
    let (length, text) = (log(), config());
    let second = Command::new(program())
        .args(["demo", "--dir", dir, "--base-port", "1"])
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(
        said.contains("A demo runs in ") && said.contains("--dir"),
        "{said}"
    );
    assert_eq!((log(), config()), (length, text), "nothing was touched");
    assert!(!demo.inbox(0, "7200").is_empty());
    demo.wait_for_stdin();
}

/// The folder of the demo, by the arguments of one of its servers.
fn folder_of(pid: u32) -> PathBuf {
    let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    let last = arguments
        .split(|&b| b == 0)
        .rfind(|a| !a.is_empty())
        .unwrap();
    Path::new(std::str::from_utf8(last).unwrap())
        .parent()
        .unwrap()
        .to_owned()
}

#[test]
fn the_same_pair_runs_on_tls_and_in_plain_again() {
    let folder = tempfile::tempdir().unwrap();
    let dir = ["--dir", folder.path().to_str().unwrap()];
    let demo = Demo::start(&[&dir[..], &["--tls"]].concat());
    let roots = PathBuf::from(demo.said["roots"].as_str().expect("whom to trust"));
    for server in 0..2 {
        let said = &demo.said["servers"][server];
        assert!(
            said["http"].as_str().unwrap().starts_with("https://"),
            "{said}"
        );
        let smtps = said["smtps"].as_str().unwrap().parse().unwrap();
        let name = said["name"].as_str().unwrap();
        let mut smtp = Smtp::open_by(&Tls::trusting(&roots), smtps, name);
        assert_eq!(smtp.reply().code, 220);
        let config = ["north.toml", "south.toml"].map(|file| folder.path().join(file));
        let status = Command::new(program())
            .args(["gr", "status", "--json", "--config"])
            .arg(&config[server])
            .output()
            .unwrap();
        let status: Value = serde_json::from_slice(&status.stdout).unwrap();
        assert_eq!(status["tls"]["partner"], "name", "{status}");
        assert_eq!(status["tls"]["secured"], true, "{status}");
    }
    let (inbox, pids) = (demo.inbox(0, "7200"), demo.pids());
    assert_eq!(demo.inbox(1, "7200"), inbox);
    demo.wait_for_stdin();
    gone(pids);

    let plain = Demo::start(&dir);
    assert!(plain.said["roots"].is_null() && plain.said["servers"][0]["smtps"].is_null());
    assert_eq!(plain.inbox(1, "7200"), inbox);
    let pids = plain.pids();
    plain.wait_for_stdin();
    gone(pids);
}
