//! How fast the store is on a faulty disk: transactions of one message with 1 kB of sound, and starts.

use domain::{BodyRef, Kind, Object, ObjectId};
use faulty_disk::FaultyDisk;
use ledger::Ledger;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Options, Store, Tx};

const TRANSACTIONS: u64 = 5_000;
const STARTS: u32 = 200;

fn main() {
    let disk = FaultyDisk::new().unwrap();
    let dir = disk.directory().join("store");
    let options = Options {
        disk: Arc::new(disk.clone()),
        ..Options::default()
    };
    let (mut writer, _readers) = Store::open(&dir, options.clone()).unwrap();
    let began = Instant::now();
    for n in 0..TRANSACTIONS {
        let mut tx = writer.begin().unwrap();
        put(&mut tx, n);
        tx.commit().unwrap();
    }
    let took = began.elapsed();
    let rate = TRANSACTIONS as f64 / took.as_secs_f64();
    let operations = disk.operations() / TRANSACTIONS;
    println!("{rate:.0} transactions/s, {operations} operations each");
    drop((writer, _readers));

    let began = Instant::now();
    for _ in 0..STARTS {
        Store::open(&dir, options.clone()).unwrap();
    }
    println!(
        "{:?} for a start and an orderly end",
        began.elapsed() / STARTS
    );

    let mut first = Duration::ZERO;
    for _ in 0..STARTS {
        let disk = FaultyDisk::new().unwrap();
        let options = Options {
            disk: Arc::new(disk.clone()),
            ..Options::default()
        };
        let began = Instant::now();
        Store::open(disk.directory(), options).unwrap();
        first += began.elapsed();
    }
    println!("{:?} for a first start and an orderly end", first / STARTS);
}

fn put(tx: &mut Tx<'_>, n: u64) {
    let bytes: Vec<u8> = n.to_le_bytes().into_iter().cycle().take(1_000).collect();
    let body: BodyRef = tx.append_body(&bytes).unwrap();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    let owner = Some(ObjectId::from_bytes([1; 16]));
    let object = Object::new(Kind::MESSAGE, owner, Some(body));
    tx.put(&ObjectId::from_bytes(id), &object).unwrap();
}
