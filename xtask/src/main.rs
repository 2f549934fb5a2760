//! The project's jobs: `cargo xtask setup|build|demo|test|bench|sim|fuzz|attack|mutate`.
//!
//! This file reads the arguments and calls one job. What a job says goes to standard error, so that standard output
//! belongs to the program it starts (`cargo xtask demo --json` prints one line of JSON and nothing else).

mod bench;
mod build;
mod demo;
mod failure;
mod fuzz;
mod mutate;
mod paths;
mod process;
mod setup;
mod test;
mod versions;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{failure::Failure, setup::Purpose, test::Step};

/// Jobs of the CallPilot GR repository.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_version_flag = true
)]
struct Arguments {
    #[command(subcommand)]
    job: Job,
}

#[derive(Subcommand)]
enum Job {
    /// Install what this machine lacks (nothing when everything is there)
    ///
    /// Programs come from apt, crates.io and npm. What is not a system package goes to a cache outside the clone
    /// ($XDG_CACHE_HOME/callpilot-gr or ~/.cache/callpilot-gr), one folder for each version.
    Setup {
        /// What the machine is to be made ready for
        #[arg(long = "for", value_enum, default_value = "demo")]
        purpose: Purpose,
        /// Print the outcome as one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Build the server (target/release/callpilot) and the browser client (dist/)
    Build {
        /// Only the browser client
        #[arg(long, conflicts_with = "server_only")]
        app_only: bool,
        /// Only the server
        #[arg(long)]
        server_only: bool,
    },
    /// Set up, build and run a GR pair on loopback with demo users; Ctrl-C ends it
    Demo {
        /// Arguments for `callpilot demo`, such as --json, --dir DIR or --base-port N
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ARGUMENTS"
        )]
        arguments: Vec<String>,
    },
    /// Set up and run every check: format, lints, licences, native, WebAssembly and browser tests
    ///
    /// Every step runs even when one before it failed; a table at the end says how each went. The exit code is 1 when any
    /// step failed or could not run.
    Test {
        /// Run only this step (may be given several times)
        #[arg(long, value_enum, value_name = "STEP")]
        only: Vec<Step>,
        /// Run only the tests whose name contains this
        filter: Option<String>,
    },
    /// Measure delay, throughput, bundle size and failover time
    Bench {
        /// Arguments for `callpilot-bench`
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ARGUMENTS"
        )]
        arguments: Vec<String>,
    },
    /// Run the deterministic simulator of the replication engine
    Sim {
        /// Arguments for `gr-sim`
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ARGUMENTS"
        )]
        arguments: Vec<String>,
    },
    /// Let libFuzzer look for octets that break a promise of what reads strangers' octets
    ///
    /// The exit code is 1 when an input was found that does; the file is named.
    Fuzz(fuzz::Wish),
    /// Attack a GR pair as strangers can, and measure its memory and how long an honest client waits meanwhile
    ///
    /// The exit code is 1 when a server took more memory, or answered later, than is promised.
    Attack {
        /// Arguments for `callpilot-attack`
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ARGUMENTS"
        )]
        arguments: Vec<String>,
    },
    /// Make every condition of the engine wrong, one at a time, and see whether its tests and the simulator notice
    ///
    /// Takes an hour or two of one core. Writes docs/mutants.md; the exit code is 1 when a survivor is not explained in
    /// docs/mutants-explained.toml.
    Mutate(mutate::Wish),
    /// What wasm-pack calls in place of wasm-bindgen
    #[command(hide = true)]
    Bind {
        /// As for wasm-bindgen
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().job) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(job: Job) -> Result<(), Failure> {
    match job {
        Job::Setup { purpose, json } => setup::run(purpose, json),
        Job::Build {
            app_only,
            server_only,
        } => {
            setup::require(Purpose::Demo)?;
            if !app_only {
                build::server()?;
            }
            if !server_only {
                build::app()?;
            }
            Ok(())
        }
        Job::Demo { arguments } => demo::run(&arguments),
        Job::Test { only, filter } => test::run(&only, filter.as_deref()),
        Job::Bench { arguments } => bench::run(&arguments),
        Job::Sim { arguments } => bench::simulate(&arguments),
        Job::Fuzz(wish) => fuzz::run(&wish),
        Job::Attack { arguments } => bench::attack(&arguments),
        Job::Mutate(wish) => mutate::run(&wish),
        Job::Bind { arguments } => build::bind::run(&arguments),
    }
}
