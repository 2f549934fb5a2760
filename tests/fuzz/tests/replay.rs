//! Every file that was ever worth keeping, and thousands of inputs made of them, through every target.

use counting_allocator::Counting;
use fuzz_targets::{Changed, TARGETS, Target};
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Octets of changed inputs that each target reads.
const OCTETS: usize = 8 << 20;
/// Changed inputs that each target reads at most.
const INPUTS_MAX: usize = 100_000;

fn known(target: Target) -> Vec<(String, Vec<u8>)> {
    let folder = target.corpus();
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let octets = fs::read(entry.path()).expect("a file of the corpus");
            (name, octets)
        })
        .collect();
    files.sort();
    files
}

/// Shows what broke a promise, so that it can be kept as a file.
fn check(target: Target, from: &str, octets: &[u8]) {
    let run = catch_unwind(AssertUnwindSafe(|| target.run(octets)));
    assert!(
        run.is_ok(),
        "{} breaks a promise on {from}: {}",
        target.name,
        octets.escape_ascii()
    );
}

fn replay(name: &str) {
    let target = Target::by_name(name).expect("a target");
    let files = known(target);
    assert!(!files.is_empty(), "{name} has a corpus");
    check(target, "nothing", b"");
    for (file, octets) in &files {
        check(target, file, octets);
    }
    let known: Vec<_> = files.into_iter().map(|(_, octets)| octets).collect();
    // The same ones each time, and others that nobody has seen: an input that breaks a promise is shown whole, and can be kept.
    for seed in [1, RandomState::new().hash_one(name)] {
        let mut octets = 0;
        for (n, input) in Changed::new(&known, seed).take(INPUTS_MAX).enumerate() {
            check(target, &format!("changed input {n} of seed {seed}"), &input);
            octets += input.len();
            if octets > OCTETS {
                break;
            }
        }
    }
}

#[test]
fn any_mail_is_read_within_its_limits_and_kept_so_that_it_reads_the_same() {
    replay("mail");
}

#[test]
fn any_message_of_the_partner_is_read_or_refused() {
    replay("wire");
}

#[test]
fn any_object_is_read_or_refused() {
    replay("objects");
}

#[test]
fn an_smtp_client_is_answered_alike_in_whatever_pieces_it_speaks() {
    replay("smtp");
}

#[test]
fn any_body_of_a_request_is_taken_as_it_is_or_refused() {
    replay("bodies");
}

#[test]
fn any_header_of_a_stranger_names_nobody_else() {
    replay("headers");
}

#[test]
fn no_mail_opens_that_the_partner_has_not_sealed() {
    replay("envelope");
}

#[test]
fn the_header_of_a_proxy_is_read_to_its_end_and_no_further() {
    replay("proxy");
}

#[test]
fn any_wav_file_is_read_or_refused() {
    replay("wav");
}

#[test]
fn any_file_of_sound_is_read_or_refused() {
    replay("sound-file");
}

#[test]
fn any_compressed_sound_is_decoded_within_its_bounds_or_refused() {
    replay("compressed-sound");
}

#[test]
fn stored_sound_is_decoded_alike_in_whatever_pieces_it_comes() {
    replay("stored-sound");
}

#[test]
fn every_target_is_replayed() {
    let this = include_str!("replay.rs");
    for target in TARGETS {
        let call = format!("replay(\"{}\")", target.name);
        assert!(this.contains(&call), "{}", target.name);
    }
}
