//! `cargo xtask bench`, `cargo xtask sim` and `cargo xtask attack`: build a program of the package `tests` and become it.

use std::process::Command;

use crate::{
    build,
    failure::Failure,
    paths, process,
    setup::{self, Purpose},
};

/// Builds everything that is measured, then becomes `callpilot-bench`.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    setup::require(Purpose::Bench)?;
    build::server()?;
    build::app()?;
    build::program("gr-sim")?;
    build::program("callpilot-bench")?;
    let mut command = Command::new(paths::program("callpilot-bench"));
    setup::name_programs(&mut command);
    Err(process::become_program(command.args(arguments)))
}

/// Builds the simulator, with a switch for each rule of the protocol, then becomes it. It needs no more than a compiler.
pub fn simulate(arguments: &[String]) -> Result<(), Failure> {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "build",
        "--release",
        "-p",
        "tests",
        "--features",
        "rule-switches",
        "--bin",
        "gr-sim",
    ]);
    process::run(cargo.current_dir(paths::root()))?;
    Err(process::become_program(
        Command::new(paths::program("gr-sim")).args(arguments),
    ))
}

/// Builds the server and who attacks it, then becomes the latter. It needs no more than a compiler.
pub fn attack(arguments: &[String]) -> Result<(), Failure> {
    build::server()?;
    build::program("callpilot-attack")?;
    Err(process::become_program(
        Command::new(paths::program("callpilot-attack")).args(arguments),
    ))
}
