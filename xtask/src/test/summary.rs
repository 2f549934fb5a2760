//! The table at the end of a test run.

use std::{fmt::Write as _, time::Duration};

/// How a step went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It passed; perhaps with a remark on what was left out.
    Passed(String),
    /// It failed or could not run, and why.
    Failed(String),
}

impl Outcome {
    /// Passed, and nothing to remark.
    pub fn passed() -> Self {
        Self::Passed(String::new())
    }

    /// True when the whole run has failed with it.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// One line of the table.
pub struct Line {
    /// The step's name.
    pub step: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// How long it took.
    pub time: Duration,
}

/// The table, one line for each step and one for the whole.
pub fn table(lines: &[Line]) -> String {
    let mut table = String::from("step      result       time\n");
    for line in lines {
        let (result, remark) = match &line.outcome {
            Outcome::Passed(remark) => ("ok", remark),
            Outcome::Failed(why) => ("FAILED", why),
        };
        // Writing to a string cannot fail.
        let _ = write!(
            table,
            "{:<9} {result:<8} {:>8.1} s",
            line.step,
            line.time.as_secs_f64()
        );
        let _ = if remark.is_empty() {
            writeln!(table)
        } else {
            writeln!(table, "   {remark}")
        };
    }
    let failed = lines
        .iter()
        .filter(|line| line.outcome.is_failure())
        .count();
    let time = lines
        .iter()
        .map(|line| line.time)
        .sum::<Duration>()
        .as_secs_f64();
    let _ = match failed {
        0 => writeln!(
            table,
            "test result: ok. {} steps passed in {time:.0} s",
            lines.len()
        ),
        _ => writeln!(
            table,
            "test result: FAILED. {failed} of {} steps failed, {time:.0} s",
            lines.len()
        ),
    };
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: &'static str, outcome: Outcome) -> Line {
        Line {
            step,
            outcome,
            time: Duration::from_millis(1500),
        }
    }

    #[test]
    fn one_failed_step_makes_the_whole_run_a_failure_and_says_why() {
        let table = table(&[
            line("format", Outcome::passed()),
            line("wasm", Outcome::Failed("no compiler".into())),
        ]);
        assert!(table.contains("format    ok            1.5 s\n"), "{table}");
        assert!(
            table.contains("wasm      FAILED        1.5 s   no compiler\n"),
            "{table}"
        );
        assert!(
            table.ends_with("test result: FAILED. 1 of 2 steps failed, 3 s\n"),
            "{table}"
        );
    }
}
