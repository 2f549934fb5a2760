//! Which mutant is switched on: the one whose number is in the environment variable `MUTANT`; `0` for none.
//!
//! With `MUTANT=seen` all is as it is written, and the numbers of mutants that would have made a difference, or may have, are written
//! into the file that `MUTANTS_SEEN` names, each once. A run that sees nothing of a mutant goes with it as it goes without it.

use std::{
    env,
    fs::OpenOptions,
    io::Write,
    sync::Mutex,
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
};

/// Nobody has looked yet.
const UNREAD: u32 = u32::MAX;
/// None is switched on, and what is seen is written down.
const SEEN: u32 = u32::MAX - 1;
const MUTANTS_MAX: usize = 16_384;

static ON: AtomicU32 = AtomicU32::new(UNREAD);
static WRITTEN: [AtomicBool; MUTANTS_MAX] = [const { AtomicBool::new(false) }; MUTANTS_MAX];
static FILE: Mutex<()> = Mutex::new(());

/// Whether this mutant is switched on.
#[inline(always)]
pub fn on(number: u32) -> bool {
    let on = ON.load(Relaxed);
    on == number || (on >= SEEN && is_on(number))
}

/// What a condition comes to that mutants force: one makes it true, another false; `0` is none.
#[inline(always)]
pub fn forced(value: bool, truly: u32, falsely: u32) -> bool {
    let on = ON.load(Relaxed);
    if on >= SEEN {
        let other = if value { falsely } else { truly };
        return value != (other != 0 && is_on(other));
    }
    (value || (on == truly && on != 0)) && (on != falsely || on == 0)
}

#[cold]
#[inline(never)]
fn is_on(number: u32) -> bool {
    if ON.load(Relaxed) == UNREAD {
        let named = env::var("MUTANT").unwrap_or_default();
        let on = match named.as_str() {
            "" => 0,
            "seen" => SEEN,
            number => number.parse().expect("MUTANT is a number"),
        };
        ON.store(on, Relaxed);
    }
    let on = ON.load(Relaxed);
    if on == SEEN && !WRITTEN[number as usize].swap(true, Relaxed) {
        let _one = FILE.lock();
        let path = env::var_os("MUTANTS_SEEN").expect("MUTANTS_SEEN names a file");
        let file = OpenOptions::new().create(true).append(true).open(path);
        let written = file.and_then(|mut file| file.write_all(format!("{number}\n").as_bytes()));
        written.expect("what is seen is written");
    }
    on == number
}
