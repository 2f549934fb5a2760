//! What it takes to find out in what two servers differ: bytes, rounds, and time in memory and over real stores.

use crate::Args;
use crate::report::{Aim, Report, percentile};
use crate::stock::{self, MESSAGES};
use crate::wired::{Place, Traffic, Wired};
use ledger::Tree;
use ledger::memory::Memory;
use std::fs;
use std::path::Path;
use std::time::Instant;
use store::{Options, Store, Writer};

/// One comparison, and how its figures are called.
struct Case {
    differing: u64,
    bytes: &'static str,
    bytes_aim: Option<Aim>,
    rounds: &'static str,
    memory: &'static str,
    store: &'static str,
    time_aim: Option<Aim>,
}

/// In this order: each adds to the differences of the one before.
const CASES: [Case; 3] = [
    Case {
        differing: 0,
        bytes: "compare_0_kB",
        bytes_aim: Some(Aim::AtMost(2.0)),
        rounds: "compare_0_rounds",
        memory: "compare_0_memory_ms",
        store: "compare_0_store_ms",
        time_aim: Some(Aim::AtMost(200.0)),
    },
    Case {
        differing: 10,
        bytes: "compare_10_kB",
        bytes_aim: Some(Aim::AtMost(100.0)),
        rounds: "compare_10_rounds",
        memory: "compare_10_memory_ms",
        store: "compare_10_store_ms",
        time_aim: None,
    },
    Case {
        differing: 1_000,
        bytes: "compare_1000_kB",
        bytes_aim: None,
        rounds: "compare_1000_rounds",
        memory: "compare_1000_memory_ms",
        store: "compare_1000_store_ms",
        time_aim: None,
    },
];

pub fn measure(dir: &Path, args: &Args, report: &mut Report) {
    let users = args.users;
    eprintln!("compare: {users} users with {MESSAGES} messages each");
    let mut full = Memory::default();
    stock::fill(users, |work| {
        full.transact(|ledger| work(ledger))
            .expect("a sound ledger");
    });
    let mut memory = Wired::running([full.clone(), full]);
    let in_memory = CASES.map(|case| compare(&mut memory, users, args.passes, &case));
    drop(memory);

    let dir = dir.join("compare");
    let mut stores = Wired::running(stores(&dir, users));
    let mut times = sums(&mut stores.places[0], args.passes);
    report.add(
        "sums_ms",
        "reading the sums of all buckets of the users' tree from a store, p50",
        percentile(&mut times, 0.5),
        "ms",
        None,
    );
    for (case, (traffic, memory_ms)) in CASES.iter().zip(in_memory) {
        let (_, store_ms) = compare(&mut stores, users, args.passes, case);
        tell(report, users, case, traffic, memory_ms, store_ms);
    }
    drop(stores);
    fs::remove_dir_all(dir).expect("a folder can be removed");
}

fn tell(
    report: &mut Report,
    users: u64,
    case: &Case,
    traffic: Traffic,
    memory_ms: f64,
    store_ms: f64,
) {
    let what = format!("comparing {users} users, {} differ", case.differing);
    let bytes = traffic.bytes as f64 / 1e3;
    let rounds = traffic.rounds as f64;
    report.add(
        case.bytes,
        format!("{what}: on the wire"),
        bytes,
        "kB",
        case.bytes_aim,
    );
    report.add(
        case.rounds,
        format!("{what}: questions one after the other"),
        rounds,
        "",
        None,
    );
    report.add(
        case.memory,
        format!("{what}: in memory, p50"),
        memory_ms,
        "ms",
        case.time_aim,
    );
    report.add(
        case.store,
        format!("{what}: over two stores, p50"),
        store_ms,
        "ms",
        case.time_aim,
    );
}

/// Makes the case's differences and compares; the middle one of some passes counts.
fn compare<P: Place>(
    pair: &mut Wired<P>,
    users: u64,
    passes: usize,
    case: &Case,
) -> (Traffic, f64) {
    let differing = case.differing.min(users);
    pair.places[1]
        .transact(|ledger| {
            let step = users / differing.max(1);
            (0..differing).try_for_each(|n| stock::rename(ledger, n * step))
        })
        .expect("a sound ledger");
    let mut traffic = Traffic::default();
    let times = (0..passes.max(1)).map(|_| {
        let began = Instant::now();
        let (found, said) = pair.compare();
        let time = began.elapsed().as_secs_f64() * 1e3;
        assert_eq!(found.counts.updated, differing);
        traffic = said;
        time
    });
    let mut times: Vec<f64> = times.collect();
    (traffic, percentile(&mut times, 0.5))
}

/// Milliseconds of reading the sums of a whole tree.
fn sums(store: &mut Writer, passes: usize) -> Vec<f64> {
    let times = (0..5 * passes.max(1)).map(|_| {
        store.transact(|ledger| {
            let began = Instant::now();
            let sums = ledger.sums(Tree::Users, None).expect("a sound ledger");
            assert_eq!(sums.len(), 256);
            began.elapsed().as_secs_f64() * 1e3
        })
    });
    times.collect()
}

/// Two stores with the same content: the second is a copy of the first.
fn stores(dir: &Path, users: u64) -> [Writer; 2] {
    let paths = [dir.join("a"), dir.join("b")];
    let open = |path: &Path| Store::open(path, Options::default()).expect("a store").0;
    fs::create_dir_all(dir).expect("a folder");
    let mut first = open(&paths[0]);
    stock::fill(users, |work| {
        first
            .transact(|ledger| work(ledger))
            .expect("a sound ledger");
    });
    drop(first);
    fs::create_dir_all(&paths[1]).expect("a folder");
    for file in fs::read_dir(&paths[0]).expect("a folder").flatten() {
        // There are no bodies, and the lock is each store's own.
        if file.file_name().to_string_lossy().starts_with("callpilot") {
            fs::copy(file.path(), paths[1].join(file.file_name())).expect("room for a copy");
        }
    }
    paths.map(|path| open(&path))
}
