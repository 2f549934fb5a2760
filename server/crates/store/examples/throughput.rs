//! Messages a second into the store, beside what the disk does with the same bytes in the same run.
//!
//! `cargo run --release -p store --example throughput [-- DIR [SECONDS [BYTES]]]`
//!
//! For each group size, raw and store take turns in short rounds, because a disk changes its mood from second to second: raw is one
//! append of the group's bytes and `fdatasync`; the store commits the bodies with object, mark and state. Numbers are the medians
//! of the rounds.

use domain::{
    BodyRef, Envelope, Hlc, Incarnation, Kind, Message, MessageFolder, Object, ObjectId, Sender,
    Timestamp, Version,
};
use ledger::{Lane, Ledger, Mark};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use store::{Options, Store, Writer};

const GROUPS: [usize; 4] = [1, 8, 32, 128];
const ROUNDS: u32 = 8;

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let seconds: u64 = args.next().map_or(24, |s| s.parse().expect("seconds"));
    let size: usize = args.next().map_or(120_000, |s| s.parse().expect("bytes"));
    let dir = dir.join(format!("store-throughput-{}", std::process::id()));
    let round = Duration::from_millis(seconds * 1000) / (ROUNDS * 2 * GROUPS.len() as u32);

    println!("{size} bytes a message, medians of {ROUNDS} rounds");
    println!("group     raw/s   store/s   share   p50 ms   p99 ms");
    for group in GROUPS {
        let mut raw = Raw::new(&dir.join(format!("raw-{group}")), size);
        let mut kept = Kept::new(&dir.join(format!("store-{group}")), size);
        let (mut raws, mut stores, mut waits) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            raws.push(rate(round, group, &mut Vec::new(), || raw.write(group)));
            stores.push(rate(round, group, &mut waits, || kept.write(group)));
        }
        let (raw, store) = (quantile(&mut raws, 0.5), quantile(&mut stores, 0.5));
        let (p50, p99) = (quantile(&mut waits, 0.5), quantile(&mut waits, 0.99));
        let share = 100.0 * store / raw;
        println!("{group:>5} {raw:>9.0} {store:>9.0} {share:>6.0}% {p50:>8.2} {p99:>8.2}");
        std::fs::remove_dir_all(&dir).expect("the directory was made by this run");
    }
}

/// Runs for a while, and says how many messages a second it was. Notes how long each group took, in milliseconds.
fn rate(round: Duration, group: usize, waits: &mut Vec<f64>, mut write: impl FnMut()) -> f64 {
    let begin = Instant::now();
    let mut messages = 0;
    while begin.elapsed() < round {
        let before = Instant::now();
        write();
        waits.push(before.elapsed().as_secs_f64() * 1e3);
        messages += group;
    }
    messages as f64 / begin.elapsed().as_secs_f64()
}

fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() - 1) as f64 * q;
    values[at.round() as usize]
}

/// Bodies that differ from each other, so that none is found to be here already.
struct Bodies {
    bytes: Vec<u8>,
    n: u64,
}

impl Bodies {
    fn new(size: usize) -> Self {
        let bytes = (0..size).map(|i| (i * 31 % 251) as u8).collect();
        Self { bytes, n: 0 }
    }

    fn next(&mut self) -> &[u8] {
        self.n += 1;
        self.bytes[..8].copy_from_slice(&self.n.to_le_bytes());
        &self.bytes
    }
}

struct Raw {
    file: File,
    bodies: Bodies,
}

impl Raw {
    fn new(dir: &Path, size: usize) -> Self {
        std::fs::create_dir_all(dir).expect("directory");
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(dir.join("raw"));
        Self {
            file: file.expect("file"),
            bodies: Bodies::new(size),
        }
    }

    fn write(&mut self, group: usize) {
        let mut bytes = Vec::new();
        for _ in 0..group {
            bytes.extend_from_slice(self.bodies.next());
        }
        self.file.write_all(&bytes).expect("write");
        self.file.sync_data().expect("sync");
    }
}

struct Kept {
    writer: Writer,
    bodies: Bodies,
}

impl Kept {
    fn new(dir: &Path, size: usize) -> Self {
        let (writer, _) = Store::open(dir, Options::default()).expect("store");
        Self {
            writer,
            bodies: Bodies::new(size),
        }
    }

    fn write(&mut self, group: usize) {
        let mut tx = self.writer.begin().expect("begin");
        let mut state = tx.state().expect("state");
        for _ in 0..group {
            let body = tx.append_body(self.bodies.next()).expect("append");
            let at = Timestamp(1_800_000_000_000 + self.bodies.n as i64);
            let (id, object) = message(self.bodies.n, at, body);
            tx.put(&id, &object).expect("put");
            state.csn += 1;
            let mark = Mark {
                lane: Lane::Messages,
                n: state.csn,
                since: at,
                body: true,
                unsent: true,
                recovery: false,
            };
            tx.set_mark(&id, &mark).expect("mark");
        }
        tx.set_state(&state).expect("state");
        tx.commit().expect("commit");
    }
}

fn message(n: u64, at: Timestamp, body: BodyRef) -> (ObjectId, Object) {
    let mut random = [0; 10];
    random[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    let owner = ObjectId::from_bytes([(n % 200) as u8; 16]);
    let mut object = Object::new(Kind::MESSAGE, Some(owner), Some(body));
    let envelope = Envelope {
        kind: contract::Kind::Voice,
        sender: Sender {
            name: "Mira Tandell".into(),
            address: "7201@cp-north.example.net".into(),
            number: Some("7201".into()),
            unverified: false,
        },
        subject: "New delivery times".into(),
        received_at: at,
        duration_ms: 30_000,
        pages: None,
        attachments: 0,
        urgent: false,
        private: false,
    };
    let version = Version {
        hlc: Hlc::at(at),
        incarnation: Incarnation(1),
    };
    for (key, value) in Message::registers(&envelope, MessageFolder::Inbox, true) {
        object.set(key, version, value);
    }
    (ObjectId::new(at, random), object)
}
