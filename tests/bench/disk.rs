//! What the disk does when each message is simply written twice: append and fdatasync, in groups, nothing else.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Messages per second. Each group is appended to one file and synced, then to the other.
pub fn written_twice(dir: &Path, messages: usize, size: usize, group: usize) -> f64 {
    let paths = [dir.join("raw-a"), dir.join("raw-b")];
    let mut files = paths
        .clone()
        .map(|path| File::create(path).expect("a file can be made"));
    let content: Vec<u8> = (0..size * group)
        .map(|i| (i as u8).wrapping_mul(167))
        .collect();
    let began = Instant::now();
    let mut left = messages;
    while left > 0 {
        let now = left.min(group);
        for file in &mut files {
            file.write_all(&content[..now * size])
                .expect("the disk takes it");
            file.sync_data().expect("the disk takes it");
        }
        left -= now;
    }
    let rate = messages as f64 / began.elapsed().as_secs_f64();
    for path in paths {
        fs::remove_file(path).expect("a file can be removed");
    }
    rate
}

/// Milliseconds of appending one message and syncing it, once for each round.
pub fn sync_times(dir: &Path, size: usize, rounds: usize) -> Vec<f64> {
    let path = dir.join("raw-sync");
    let mut file = File::create(&path).expect("a file can be made");
    let content: Vec<u8> = (0..size).map(|i| (i as u8).wrapping_mul(167)).collect();
    let times = (0..rounds).map(|_| {
        let began = Instant::now();
        file.write_all(&content).expect("the disk takes it");
        file.sync_data().expect("the disk takes it");
        began.elapsed().as_secs_f64() * 1e3
    });
    let times = times.collect();
    fs::remove_file(path).expect("a file can be removed");
    times
}
