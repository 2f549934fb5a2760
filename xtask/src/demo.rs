//! `cargo xtask demo`: from a clone to a running pair in one command.

use std::process::Command;

use crate::{
    build,
    failure::Failure,
    paths,
    process::{self, say},
    setup::{self, Purpose},
};

/// Sets up, builds, and becomes `callpilot demo`: Ctrl-C and every other signal go straight to it.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    setup::require(Purpose::Demo)?;
    build::server()?;
    build::app()?;
    let mut command = Command::new(paths::program("callpilot"));
    command
        .args(["demo", "--web-root"])
        .arg(paths::dist())
        .args(arguments);
    say(format!("demo: {}", process::shown(&command)));
    Err(process::become_program(&mut command))
}
