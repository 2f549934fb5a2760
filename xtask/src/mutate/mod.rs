//! `cargo xtask mutate`: makes every condition of the engine wrong, one at a time, and sees whether tests and simulator notice.
//!
//! All mutants are compiled into one program, each behind a switch that the environment turns on; so a mutant costs a run, not a build.

mod copy;
mod explained;
mod find;
mod judge;
mod mutant;
mod rewrite;
#[cfg(test)]
mod rewrite_test;
mod table;
mod verdicts;

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use clap::Args;

use crate::{failure::Failure, paths, process};
use judge::{Court, Verdict};
use verdicts::Round;

/// What a round is about.
#[derive(Args)]
pub struct Wish {
    /// Programs that run at the same time (as many as there are cores)
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Histories for each mutant
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    histories: u64,
    /// Stop after so long; the table then tells of those that were judged, which are drawn by chance
    #[arg(long, value_name = "M")]
    minutes: Option<u64>,
    /// The first history (a random place)
    #[arg(long, value_name = "SEED")]
    from: Option<u64>,
    /// Judge only mutants whose name contains this, and print what became of them
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Judge only what survived the last round, and print what became of it
    #[arg(long)]
    survivors: bool,
    /// Judge nothing: write the table from the last round and the reasons as they are now
    #[arg(long, conflicts_with_all = ["only", "survivors"])]
    table: bool,
    /// Judge nothing: see that each survivor in the table has a reason, and each reason a survivor
    #[arg(long, conflicts_with_all = ["only", "survivors", "table"])]
    check: bool,
    /// Judge nothing: list the mutants
    #[arg(long, conflicts_with_all = ["only", "survivors", "table", "check"])]
    list: bool,
}

/// Does what was wished.
pub fn run(wish: &Wish) -> Result<(), Failure> {
    if wish.check {
        return check();
    }
    let found = copy::find_all()?;
    if wish.list {
        for mutant in &found.mutants {
            println!("{} {} (line {})", mutant.number, mutant.name(), mutant.line);
        }
        return Ok(());
    }
    let last = Round::last();
    if wish.table {
        return write_table(&found.mutants, &last);
    }
    copy::write(&found)?;
    let court = Court::convene(wish.histories, wish.from)?;
    let (first, end) = (court.first, court.first + court.histories);
    process::say(format!(
        "mutate: {} mutants; histories --seeds {first}..{end}",
        found.mutants.len()
    ));
    let some = wish.survivors || !wish.only.is_empty();
    let mut mutants = found.mutants.clone();
    mutants.retain(|mutant| {
        let name = mutant.name();
        let survived = last
            .verdicts
            .get(&name)
            .is_none_or(|verdict| *verdict == Verdict::Survived);
        (wish.only.is_empty() || wish.only.iter().any(|part| name.contains(part)))
            && (!wish.survivors || survived)
    });
    let workers = wish
        .workers
        .unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let end = wish
        .minutes
        .map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let before = |name: &str| last.verdicts.get(name).cloned();
    let verdicts = court.judge(&mutants, workers, end, before)?;
    let judged = mutants.iter().filter_map(|mutant| {
        let verdict = verdicts.get(&mutant.number)?;
        Some((mutant.name(), verdict.clone()))
    });
    if some {
        for (name, verdict) in judged {
            println!("{:40} {name}", verdict.to_string().replace('\t', ": "));
        }
        return Ok(());
    }
    let round = Round {
        commit: commit(),
        first,
        histories: court.histories,
        verdicts: judged.collect(),
    };
    round.keep()?;
    write_table(&found.mutants, &round)
}

fn write_table(mutants: &[mutant::Mutant], round: &Round) -> Result<(), Failure> {
    let reasons = explained::read()?;
    let document = table::write(mutants, round, &reasons);
    let path = paths::root().join(table::FILE);
    fs::write(&path, &document).map_err(|source| Failure::io("write", &path, &source))?;
    process::say(format!("mutate: {} is written", table::FILE));
    fitting(&document, &reasons)
}

fn check() -> Result<(), Failure> {
    let path = paths::root().join(table::FILE);
    let document =
        fs::read_to_string(&path).map_err(|source| Failure::io("read", &path, &source))?;
    fitting(&document, &explained::read()?)
}

/// Survivors and reasons fit together.
fn fitting(document: &str, reasons: &[explained::Reason]) -> Result<(), Failure> {
    let misfits = explained::misfits(&table::read_survivors(document), reasons);
    if misfits.is_empty() {
        return Ok(());
    }
    misfits.iter().for_each(process::say);
    Err(Failure::new(format!("{} survivors and reasons do not fit", misfits.len()))
        .at(explained::FILE)
        .remedy("write a test that notices the mutant, or say in a sentence why nothing can; remove reasons that are not needed"))
}

/// The commit that is judged, as git names it.
fn commit() -> String {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--exclude=*"]);
    process::output(git.current_dir(paths::root())).unwrap_or_else(|| "unknown".to_owned())
}
