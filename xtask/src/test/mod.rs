//! `cargo xtask test`: every check of the project, each step whether or not the one before it went well.

mod step;
mod steps;
mod summary;

use std::time::Instant;

use self::summary::{Line, Outcome};
pub use self::{step::Step, steps::wasm_test_files};
use crate::{
    failure::Failure,
    setup::{self, Purpose},
};

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
