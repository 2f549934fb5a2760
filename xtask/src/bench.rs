//! `cargo xtask bench` and `cargo xtask sim`: build a program of the package `tests` and become it.

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
    build::program("callpilot-bench")?;
    let mut command = Command::new(paths::program("callpilot-bench"));
    setup::name_programs(&mut command);
    Err(process::become_program(command.args(arguments)))
}

/// Builds the simulator, then becomes it. It needs no more than a compiler.
pub fn simulate(arguments: &[String]) -> Result<(), Failure> {
    build::program("gr-sim")?;
    Err(process::become_program(
        Command::new(paths::program("gr-sim")).args(arguments),
    ))
}
