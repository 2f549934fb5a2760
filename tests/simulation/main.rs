//! `gr-sim`: runs histories of a GR pair and says which of them break a promise.
//!
//! ```text
//! gr-sim --seeds 0..10000      these histories, on all cores
//! gr-sim --minutes 5           as many as fit into the time, from a random place
//! gr-sim --seed 4711 --story   one history, told line by line
//! gr-sim --without Numbers     one rule of the engine off (built with the feature rule-switches)
//! ```

mod dials;
mod dice;
mod net;
mod node;
mod operators;
mod oracle;
mod outputs;
mod quiet;
mod run;
mod sometimes;
mod transaction;
mod users;
mod world;

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};
use world::Options;

struct Arguments {
    seeds: std::ops::Range<u64>,
    minutes: Option<u64>,
    options: Options,
}

fn main() -> ExitCode {
    let arguments = match read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!(
                "{problem}\nusage: gr-sim [--seeds A..B | --seed N [--story] | --minutes M] [--without RULE]"
            );
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    if arguments.options.story {
        let outcome = world::run(arguments.seeds.start, arguments.options);
        println!("{}", outcome.story.join("\n"));
        return verdict(outcome.result.map_err(|f| (arguments.seeds.start, f)));
    }
    let end = arguments
        .minutes
        .map(|minutes| began + Duration::from_secs(60 * minutes));
    let found = run::all(arguments.seeds, arguments.options, end);
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{} histories, {} transactions in {seconds:.1} s: {:.0} histories/s on {} cores",
        found.histories,
        found.steps,
        found.histories as f64 / seconds,
        found.cores
    );
    print!("sometimes:\n{}", found.counters);
    println!("never: {:?}", found.counters.rarer_than(1));
    verdict(found.failure.map_or(Ok(()), Err))
}

fn verdict(result: Result<(), (u64, oracle::Failure)>) -> ExitCode {
    let Err((seed, failure)) = result else {
        return ExitCode::SUCCESS;
    };
    println!("seed {seed} breaks `{}`: {}", failure.check, failure.found);
    println!("its story: gr-sim --seed {seed} --story");
    ExitCode::FAILURE
}

fn read(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        seeds: 0..3_000,
        minutes: None,
        options: Options::default(),
    };
    while let Some(word) = words.next() {
        if word == "--story" {
            arguments.options.story = true;
            continue;
        }
        let value = words.next().ok_or(format!("{word} needs a value"))?;
        let number = |text: &str| text.parse::<u64>().map_err(|e| format!("{text}: {e}"));
        match word.as_str() {
            "--seed" => {
                let seed = number(&value)?;
                arguments.seeds = seed..seed + 1;
            }
            "--seeds" => {
                let (first, end) = value.split_once("..").ok_or("--seeds A..B")?;
                arguments.seeds = number(first)?..number(end)?;
            }
            "--minutes" => {
                arguments.minutes = Some(number(&value)?);
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                let first = now.map_or(0, |d| d.as_nanos() as u64) >> 8;
                arguments.seeds = first..u64::MAX;
            }
            "--without" => arguments.options = without(&value, arguments.options)?,
            _ => return Err(format!("{word} is not known")),
        }
    }
    Ok(arguments)
}

#[cfg(feature = "rule-switches")]
fn without(rule: &str, options: Options) -> Result<Options, String> {
    run::without(rule).map(|off| Options {
        story: options.story,
        ..off
    })
}

#[cfg(not(feature = "rule-switches"))]
fn without(rule: &str, _: Options) -> Result<Options, String> {
    Err(format!(
        "without {rule}: build with --features rule-switches"
    ))
}
