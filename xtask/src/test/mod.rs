//! `cargo xtask test`: every check of the project, each step whether or not the one before it went well.

mod steps;
mod summary;

use std::time::Instant;

use clap::ValueEnum;

pub use self::steps::wasm_test_files;
use self::summary::{Line, Outcome};
use crate::{
    failure::Failure,
    setup::{self, Purpose},
};

/// One step of the test run, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// cargo fmt --check
    Format,
    /// clippy without a warning: all packages natively, the browser client also for wasm32
    Lints,
    /// cargo deny: licences, bans and sources; advisories where their database is at hand
    Licences,
    /// Build the server and the browser client, which the tests run
    Build,
    /// Unit, integration, simulation and tidiness tests
    Native,
    /// The examples in the documentation
    Docs,
    /// WebAssembly tests, in Node.js or headless Chromium as each asks
    Wasm,
    /// Journeys of My CallPilot in Chromium against two real servers
    Browser,
    /// Only the rules of the source tree (part of native)
    Tidy,
}

impl Step {
    /// What runs when nothing is chosen. Tidy is a part of native.
    const ALL: [Self; 8] = [
        Self::Format,
        Self::Lints,
        Self::Licences,
        Self::Build,
        Self::Native,
        Self::Docs,
        Self::Wasm,
        Self::Browser,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Lints => "lints",
            Self::Licences => "licences",
            Self::Build => "build",
            Self::Native => "native",
            Self::Docs => "docs",
            Self::Wasm => "wasm",
            Self::Browser => "browser",
            Self::Tidy => "tidy",
        }
    }
}

/// Runs the chosen steps, or all; errors when any of them failed or a tool for them is missing.
pub fn run(only: &[Step], filter: Option<&str>) -> Result<(), Failure> {
    let chosen = if only.is_empty() { &Step::ALL } else { only };
    let mut lines = Vec::new();
    if chosen
        .iter()
        .any(|step| !matches!(step, Step::Format | Step::Docs | Step::Tidy))
    {
        let start = Instant::now();
        let report = setup::prepare(Purpose::Test)?;
        let losses = report.losses();
        let outcome = if losses.is_empty() {
            Outcome::passed()
        } else {
            Outcome::Failed(losses.join("; "))
        };
        lines.push(Line {
            step: "set-up",
            outcome,
            time: start.elapsed(),
        });
    }
    let mut steps = steps::Steps::new(filter);
    for step in chosen {
        println!("\n=== {} ===", step.name());
        let start = Instant::now();
        let outcome = steps.run(*step);
        if let Outcome::Failed(why) = &outcome {
            println!("=== {} failed: {why}", step.name());
        }
        lines.push(Line {
            step: step.name(),
            outcome,
            time: start.elapsed(),
        });
    }
    print!("\n{}", summary::table(&lines));
    let failed = lines
        .iter()
        .filter(|line| line.outcome.is_failure())
        .map(|line| line.step)
        .collect::<Vec<_>>();
    if failed.is_empty() {
        return Ok(());
    }
    Err(
        Failure::new(format!("not everything passed: {}", failed.join(", "))).remedy(format!(
            "read the output of the step; run it alone with `cargo xtask test --only {}`",
            failed[0]
        )),
    )
}
