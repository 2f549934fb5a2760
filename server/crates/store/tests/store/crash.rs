//! A server killed while it writes: whatever it acknowledged is there, whole.

use crate::support::{add_message, bytes, id, small_segments};
use domain::Timestamp;
use ledger::Ledger;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use store::{Options, Store};
use tempfile::TempDir;

/// Names the store for the process that is to be killed, and where its ids begin.
const DIR: &str = "STORE_TEST_CRASH_DIR";
const FIRST: &str = "STORE_TEST_CRASH_FIRST";
const KILLS: u64 = 20;

fn options() -> Options {
    Options {
        segment_bytes: 400_000,
        ..small_segments()
    }
}

/// Message `n` has this body: of all lengths, some the same as another's.
fn body_of(n: u64) -> Vec<u8> {
    let twin = n - n % 7 / 6;
    bytes(twin, (twin * 7919 % 60_000) as usize)
}

#[test]
fn what_was_acknowledged_survives_twenty_kills() {
    let dir = TempDir::new().unwrap();
    let mut there = BTreeSet::new();
    for round in 0..KILLS {
        let first = 1000 + round * 100_000;
        let last_words = run_and_kill(dir.path(), first, round * 37 % 90);
        for line in last_words.lines() {
            // A line without its end was torn by the kill: it may be true or not.
            let (word, n) = line.split_once(' ').unwrap();
            let n: u64 = n.parse().unwrap();
            match word {
                "put" => there.insert(n),
                _ => there.remove(&n),
            };
        }
        verify(dir.path(), &there);
    }
    assert!(
        there.len() > 100,
        "{} messages are too few to mean something",
        there.len()
    );
}

/// Starts a writer, reads so many acknowledgements, kills it, and returns all it said in whole lines.
fn run_and_kill(dir: &Path, first: u64, acknowledgements: u64) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::the_writer_that_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(DIR, dir)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let (mut all, mut read) = (String::new(), 0);
    let mut killed = false;
    loop {
        if read > acknowledgements && !killed {
            child.kill().unwrap();
            killed = true;
        }
        let mut line = String::new();
        if said.read_line(&mut line).unwrap() == 0 {
            break;
        }
        if line.ends_with('\n') && (line.starts_with("put ") || line.starts_with("removed ")) {
            all.push_str(&line);
            read += 1;
        }
    }
    child.wait().unwrap();
    assert!(killed, "the writer ended by itself: {all}");
    all
}

fn verify(dir: &Path, there: &BTreeSet<u64>) {
    let (writer, readers) = Store::open(dir, options()).unwrap();
    assert_eq!(writer.opened().missing_bodies, 0);
    for n in there {
        let object = readers.object(&id(*n)).unwrap();
        let object = object.unwrap_or_else(|| panic!("message {n} was acknowledged and is gone"));
        let body = readers.body(&object.body.unwrap()).unwrap();
        assert!(body == body_of(*n), "message {n} has another body");
    }
}

/// Writes for ever: groups of messages, now and then the removal of an older one and a step of compaction.
#[test]
#[ignore = "run by what_was_acknowledged_survives_twenty_kills"]
fn the_writer_that_is_killed() {
    let (Ok(dir), Ok(first)) = (std::env::var(DIR), std::env::var(FIRST)) else {
        return;
    };
    let mut n: u64 = first.parse().unwrap();
    let (mut writer, _readers) = Store::open(Path::new(&dir), options()).unwrap();
    let mut out = std::io::stdout();
    writeln!(out).unwrap();
    // Should its parent die, it ends by itself.
    for _ in 0..100_000 {
        let mut tx = writer.begin().unwrap();
        let mut said = String::new();
        for _ in 0..1 + n % 5 {
            n += 1;
            add_message(&mut tx, n, &body_of(n));
            said.push_str(&format!("put {n}\n"));
        }
        if n.is_multiple_of(3) {
            // Said before it is committed: from here on it may be there or not.
            let old = n - 30;
            if tx.object(&id(old)).unwrap().is_some() {
                tx.remove(&id(old)).unwrap();
            }
            out.write_all(format!("removed {old}\n").as_bytes())
                .unwrap();
        }
        tx.commit().unwrap();
        out.write_all(said.as_bytes()).unwrap();
        out.flush().unwrap();
        if n.is_multiple_of(11) {
            writer.compact(Timestamp(0), 50_000).unwrap();
        }
    }
}
