//! Everything that takes octets of strangers, each as a function of octets that panics when a promise is broken.
//!
//! The promises: nothing panics, whatever comes; what is read takes memory by its length ([`Target::run`] measures it, where the program has
//! the counting allocator); and what each target says of itself. The test `replay` runs every file below `corpus`, and thousands of
//! others made of them ([`changed`]); `cargo xtask fuzz` lets libFuzzer look for new ones. A file that found a fault stays in `corpus`.

mod changed;
mod envelope;
mod http;
mod mail;
mod objects;
mod proxy;
mod smtp;
mod sound;
mod wire;

pub use changed::Changed;

use counting_allocator::measure;
use std::path::{Path, PathBuf};

/// One decoder, or several that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folder below `corpus`.
    pub name: &'static str,
    /// For `n` octets it holds at most this many times `n` at once…
    pub memory_factor: usize,
    /// …and so many octets.
    pub memory_constant: usize,
    read: fn(&[u8]),
}

/// Whoever is explored.
pub const TARGETS: [Target; 12] = [
    target("mail", 12, 1 << 20, mail::read),
    target("wire", 48, 64 << 10, wire::read),
    target("objects", 64, 64 << 10, objects::read),
    target("smtp", 24, 256 << 10, smtp::read),
    target("bodies", 48, 64 << 10, http::read_body),
    target("headers", 16, 64 << 10, http::read_headers),
    target("envelope", 8, 64 << 10, envelope::read),
    target("proxy", 4, 16 << 10, proxy::read),
    target("wav", 16, 64 << 10, sound::read_wav),
    target("sound-file", 32, 1 << 20, sound::read_sound_file),
    target("compressed-sound", 8, 8 << 20, sound::read_compressed),
    target("stored-sound", 24, 64 << 10, sound::read_stored),
];

const fn target(
    name: &'static str,
    memory_factor: usize,
    memory_constant: usize,
    read: fn(&[u8]),
) -> Target {
    Target {
        name,
        memory_factor,
        memory_constant,
        read,
    }
}

impl Target {
    /// The one with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// Reads some octets.
    ///
    /// # Panics
    /// If a promise is broken.
    pub fn run(&self, octets: &[u8]) {
        let ((), taken) = measure(|| (self.read)(octets));
        let most = octets.len() * self.memory_factor + self.memory_constant;
        assert!(
            taken.peak <= most,
            "{} octets took {} of memory at once, more than {most}",
            octets.len(),
            taken.peak
        );
    }

    /// Where its files are.
    pub fn corpus(&self) -> PathBuf {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        package.join("corpus").join(self.name)
    }
}
