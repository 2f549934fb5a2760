//! What a machine is made ready for, and where what it lacks comes from.

use clap::ValueEnum;

/// What a machine is made ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Purpose {
    /// Building and running the pair
    Demo,
    /// Running every test
    Test,
    /// Measuring
    Bench,
}

/// How a need is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// System packages.
    Apt(&'static [&'static str]),
    /// A component of the Rust toolchain in use.
    RustupComponent(&'static str),
    /// The target wasm32-unknown-unknown, or its substitute.
    WasmTarget,
    /// A program from crates.io at this version, in the cache.
    Crate(&'static str, String),
    /// The packages of the `package-lock.json` in this folder of the clone, in the cache.
    Npm(&'static str),
}
