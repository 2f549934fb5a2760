//! A server whose disk is full: new messages are put off, and people and administrators can make room. Needs a small disk of its own, a
//! tmpfs that only root can mount; without, these tests say so and pass.

use crate::{agree, folder, tilde};
use contract::{Folder, GrStatus, MessageRow, PartnerState};
use serde_json::json;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{Http, PASSWORD, Pair, Server, Smtp, until, voice};

/// A small disk. It goes when this is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one where server a will have its data.
    fn mount(root: &Path, mib: u64) -> Option<Self> {
        let at = root.join("cp-a.test.example/data");
        fs::create_dir_all(&at).expect("a folder");
        let size = format!("size={mib}m,mode=700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&at)
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(at));
        }
        eprintln!("skipped: a small disk (tmpfs) cannot be mounted here; run the tests as root");
        None
    }

    /// Another program fills it to the last byte.
    fn fill(&self) {
        fill_up(&self.junk());
    }

    /// The same for as long as something is asked, whatever has become free since: what SQLite gives back of its log is room for something short.
    fn while_full<R>(&self, ask: impl FnOnce() -> R) -> R {
        let junk = self.0.join("of-one-more");
        fill_up(&junk);
        let answer = ask();
        fs::remove_file(junk).expect("it was filled");
        answer
    }

    /// Another program fills it but for so many bytes.
    fn fill_but(&self, left: u64) {
        let about = Command::new("stat")
            .args(["-f", "-c", "%a %S"])
            .arg(&self.0)
            .output();
        let about = String::from_utf8(about.expect("stat").stdout).expect("two numbers");
        let numbers: Vec<u64> = about.split_whitespace().flat_map(str::parse).collect();
        let free = numbers[0] * numbers[1];
        let junk = vec![7; usize::try_from(free - left).expect("a small disk")];
        fs::write(self.junk(), junk).expect("there was room");
    }

    /// And makes room again.
    fn clear(&self) {
        fs::remove_file(self.junk()).expect("it was filled");
    }

    fn junk(&self) -> PathBuf {
        self.0.join("of-another-program")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server may still have files open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn fill_up(path: &Path) {
    let mut options = fs::File::options();
    let mut file = options
        .create(true)
        .append(true)
        .open(path)
        .expect("a file");
    for piece in [1 << 16, 1 << 12, 1] {
        while file.write_all(&vec![7; piece]).is_ok() {}
    }
}

fn leave_long(server: &Server, seed: u64) -> support::Reply {
    let to = "7200@cp-a.test.example";
    let mail = voice::message("4711@client.example", to, seed, 120 * voice::SECOND);
    Smtp::hello(server.smtp).mail("4711@client.example", &[to], &mail)
}

/// Fills the disk of a by mail until it is put off. Returns how many messages were taken.
fn fill_by_mail(pair: &Pair, first: u64) -> u64 {
    for n in 0..1_000 {
        let reply = leave_long(&pair.a, first + n);
        match reply.code {
            250 => {}
            _ => {
                assert_eq!(
                    (reply.code, reply.status()),
                    (452, Some("4.3.1")),
                    "{}",
                    reply.text
                );
                assert!(reply.text.contains("nearly full"), "{}", reply.text);
                return n;
            }
        }
    }
    panic!("the disk is not full after a thousand messages");
}

fn path(row: &MessageRow) -> String {
    format!("/api/v1/messages/{}", row.id)
}

fn for_good(row: &MessageRow) -> String {
    path(row) + "?folder=deleted"
}

fn status_of(user: &Http, method: &str, path: &str, body: Option<&serde_json::Value>) -> u16 {
    user.ask(method, path, body).expect("an answer").status
}

/// On this disk of which nothing is left everything that people need to make room works, and nothing new is taken.
fn full_but_not_stuck(disk: &SmallDisk, server: &Server, rows: &[MessageRow]) {
    assert_eq!(leave_long(server, 9_000).code, 452);
    let user = tilde(server);
    let read = json!({ "unread": false });
    assert_eq!(status_of(&user, "PATCH", &path(&rows[0]), Some(&read)), 200);
    assert_eq!(status_of(&user, "DELETE", &path(&rows[0]), None), 200);
    assert_eq!(status_of(&user, "DELETE", &for_good(&rows[0]), None), 204);
    let wrong = json!({ "mailbox": "7200", "password": "wrong" });
    assert_eq!(
        status_of(
            &Http::new(server.http, ""),
            "POST",
            "/api/v1/session",
            Some(&wrong)
        ),
        401
    );
    let sound = voice::wav(1, 8_000);
    let put = || user.put_file("/api/v1/greetings/external", "audio/wav", &sound);
    let greeting = disk.while_full(put).expect("an answer");
    assert_eq!(greeting.status, 507, "{}", greeting.json());
    assert_eq!(greeting.json()["code"], "no_room");
    let new = json!({ "mailbox": "7300", "name": "Nobody", "password": PASSWORD });
    let admin = server.admin();
    let add = || status_of(&admin, "POST", "/api/v1/admin/users", Some(&new));
    assert_eq!(disk.while_full(add), 507);
}

#[test]
fn on_a_disk_that_mail_has_filled_people_and_administrators_make_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::mount(dir.path(), 40) else {
        return;
    };
    let mut pair = Pair::start(dir.path(), "");
    for (number, name) in [("7200", "Tilde Brask"), ("7201", "Soon Gone")] {
        pair.a.add_user(number, name);
    }
    pair.running();
    let user = tilde(&pair.a);
    let taken = fill_by_mail(&pair, 0);
    assert!(taken > 10, "{taken}");
    let of_a = |pair: &Pair| -> GrStatus { Pair::status(&pair.a).expect("a status") };
    assert!(of_a(&pair).disk.expect("a disk").low);
    assert_eq!(pair.a.metric("callpilot_disk_low"), 1.0);
    assert!(pair.a.log().contains("the disk is nearly full"));
    let doctor = pair.a.command(&["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(
        !doctor.status.success() && said.contains("new messages are put off"),
        "{said}"
    );

    // Not a byte is left, and the partner has a message for it.
    disk.fill();
    let inbox = agree(&pair, &user);
    assert_eq!(inbox.len() as u64, taken);
    assert_eq!(leave_long(&pair.b, 5_000).code, 250);
    full_but_not_stuck(&disk, &pair.a, &inbox[0..1]);
    until("the deletion on the partner", || {
        (folder(&pair.b, &user, Folder::Inbox).len() as u64 == taken).then_some(())
    });
    assert!(
        folder(&pair.b, &user, Folder::Inbox)
            .iter()
            .all(|row| row.id != inbox[0].id)
    );
    assert_eq!(
        Pair::status(&pair.b).map(|s| s.state),
        Some(PartnerState::Running)
    );

    // It is killed, the rest is filled, and it starts.
    pair.a.kill();
    disk.fill();
    pair.a.run();
    full_but_not_stuck(&disk, &pair.a, &inbox[1..2]);
    let removed = pair.a.command(&["user", "delete", "7201", "--yes"]);
    assert!(
        removed.status.success(),
        "{}",
        String::from_utf8_lossy(&removed.stderr)
    );

    // Deleting alone makes the room that is missing, of what mail had filled.
    disk.clear();
    for row in &inbox[2..inbox.len() / 2] {
        for (path, expected) in [(path(row), 200), (for_good(row), 204)] {
            assert_eq!(status_of(&user, "DELETE", &path, None), expected);
        }
    }
    until("new messages taken again", || {
        (leave_long(&pair.a, 6_000).code == 250).then_some(())
    });
    let last = until("the message that the partner held", || {
        let rows = agree(&pair, &user);
        let there = rows.iter().any(|row| row.subject == voice::subject(5_000));
        there.then_some(rows)
    });
    assert_eq!(last.len(), inbox.len() - inbox.len() / 2 + 2);
    // The last refusal is remembered for a moment.
    until("a disk with room", || {
        (!of_a(&pair).disk.expect("a disk").low).then_some(())
    });
}

#[test]
fn without_a_reserve_a_server_starts_on_a_full_disk_all_the_same() {
    let dir = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::mount(dir.path(), 24) else {
        return;
    };
    let mut pair = Pair::start(dir.path(), "disk.reserve = 0\ndisk.spare = 0\n");
    pair.a.add_user("7200", "Tilde Brask");
    pair.running();
    let taken = (0..10)
        .filter(|n| leave_long(&pair.a, *n).code == 250)
        .count();
    let user = tilde(&pair.a);
    assert_eq!(agree(&pair, &user).len(), taken);
    pair.a.kill();
    disk.fill();
    pair.a.run();
    assert_eq!(folder(&pair.a, &tilde(&pair.a), Folder::Inbox).len(), taken);
    disk.clear();
    until("writes again", || {
        (leave_long(&pair.a, 100).code == 250).then_some(())
    });
}

#[test]
fn strangers_are_put_off_while_what_the_partner_accepted_still_finds_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::mount(dir.path(), 64) else {
        return;
    };
    // Of this disk: 8 MiB for strangers, 1 MiB for the partner.
    let pair = Pair::start(
        dir.path(),
        "disk.partner_spare = 1_048_576\ndisk.reserve = 1_048_576\n",
    );
    pair.a.add_user("7200", "Tilde Brask");
    pair.running();
    let user = tilde(&pair.a);
    assert_eq!(leave_long(&pair.a, 1).code, 250);
    assert_eq!(agree(&pair, &user).len(), 1);

    disk.fill_but(6 << 20);
    let reply = leave_long(&pair.a, 2);
    assert_eq!(
        (reply.code, reply.status()),
        (452, Some("4.3.1")),
        "{}",
        reply.text
    );
    assert_eq!(leave_long(&pair.b, 3).code, 250);
    let rows = until("the partner's message", || {
        let rows = folder(&pair.a, &user, Folder::Inbox);
        (rows.len() == 2).then_some(rows)
    });
    agree(&pair, &user);
    let room = Pair::status(&pair.a).and_then(|status| status.disk);
    let room = room.expect("a disk");
    assert!(room.low && !room.low_for_partner, "{room:?}");
    assert_eq!(pair.a.metric("callpilot_disk_low"), 1.0);
    assert_eq!(pair.a.metric("callpilot_disk_low_for_partner"), 0.0);
    let health = pair.a.client("").get("/healthz");
    let reason = health.json()["reason"].to_string();
    assert_eq!(health.status, 200);
    assert!(
        reason.contains("new messages are put off") && !reason.contains("partner"),
        "{reason}"
    );
    // What makes room goes on.
    let read = json!({ "unread": false });
    assert_eq!(status_of(&user, "PATCH", &path(&rows[0]), Some(&read)), 200);
    assert_eq!(status_of(&user, "GET", &path(&rows[0]), None), 200);
    assert_eq!(status_of(&user, "DELETE", &path(&rows[0]), None), 200);
    assert_eq!(
        status_of(&user, "POST", "/api/v1/messages/empty-deleted", None),
        200
    );
    disk.clear();
    until("new messages taken again", || {
        (leave_long(&pair.a, 4).code == 250).then_some(())
    });
}
