//! The examples do what they say, against a pair of servers, and are short enough to be read at once.

mod fake;

#[allow(dead_code, reason = "its `main` is not called here")]
#[path = "../examples/follow_events.rs"]
mod follow_events;
#[allow(dead_code, reason = "its `main` is not called here")]
#[path = "../examples/list_and_play.rs"]
mod list_and_play;
#[allow(dead_code, reason = "its `main` is not called here")]
#[path = "../examples/status.rs"]
mod status;

use fake::{Deed, Mode, Server};
use plugin_sdk::{Config, State, Timing};
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;
use std::{fs, thread};
use tokio::sync::mpsc::UnboundedSender;

const LIMIT: Duration = Duration::from_secs(60);
const LINES_MAX: usize = 60;

/// Passes on each line that an example writes.
struct Lines {
    to: mpsc::Sender<String>,
    line: String,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.push_str(&String::from_utf8_lossy(bytes));
        while let Some(end) = self.line.find('\n') {
            let line = self.line.drain(..=end).collect::<String>();
            self.to
                .send(line.trim_end().to_owned())
                .map_err(io::Error::other)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lines() -> (Lines, mpsc::Receiver<String>) {
    let (to, lines) = mpsc::channel();
    let line = String::new();
    (Lines { to, line }, lines)
}

fn servers() -> (Config, UnboundedSender<Deed>) {
    let (server, act) = fake::elsewhere();
    let timing = Timing::default().quickened(4);
    (Config { server, timing }, act)
}

fn act(servers: &UnboundedSender<Deed>, deed: impl FnOnce(&Rc<Server>) + Send + 'static) {
    assert!(servers.send(Box::new(deed)).is_ok(), "the servers live");
}

fn await_line(lines: &mpsc::Receiver<String>, what: &str) {
    loop {
        let line = lines
            .recv_timeout(LIMIT)
            .unwrap_or_else(|_| panic!("no line with {what:?}"));
        if line.contains(what) {
            return;
        }
    }
}

#[test]
fn the_status_shows_the_primary_and_then_the_partner_after_a_failure() {
    let (config, servers) = servers();
    let (out, lines) = lines();
    let shows =
        thread::spawn(move || status::show(config, out, |status| status.state == State::OnPartner));
    await_line(&lines, "connected to the primary");
    act(&servers, |north| north.mode.set(Mode::Mute));
    await_line(&lines, "working on the partner");
    shows.join().unwrap().unwrap();
}

#[test]
fn the_inbox_is_listed_and_its_newest_message_reaches_the_player() {
    let dir = tempfile::tempdir().unwrap();
    let (heard, player) = (dir.path().join("heard"), dir.path().join("player"));
    fs::write(
        &player,
        format!("#!/bin/sh\nexec cat >'{}'\n", heard.display()),
    )
    .unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&player, executable).unwrap();
    let (config, _servers) = servers();
    let (out, lines) = lines();
    let player = player.display().to_string();
    list_and_play::list_and_play(config, "7200", "right", &player, out).unwrap();
    await_line(&lines, "Message 1");
    assert!(
        fs::read(&heard).unwrap() == fake::sound(),
        "not the whole sound"
    );
}

#[test]
fn a_new_message_is_told_and_so_is_the_end_of_the_session() {
    let (config, servers) = servers();
    let (out, lines) = lines();
    let follows = thread::spawn(move || {
        let followed = follow_events::follow(config, "7200", "right", out);
        followed.map_err(|error| error.to_string())
    });
    await_line(&lines, "OnPrimary");
    act(&servers, |north| {
        north.say(&fake::arrival(fake::message(9)))
    });
    await_line(&lines, "Message 9");
    act(&servers, |north| north.say(&contract::Event::Ended));
    await_line(&lines, "the session has ended");
    follows.join().unwrap().unwrap();
}

#[test]
fn no_example_is_longer_than_a_screen() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut seen = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
        seen += 1;
    }
    assert!(seen >= 3);
}
