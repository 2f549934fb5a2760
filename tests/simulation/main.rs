//! `gr-sim`: runs histories of a GR pair and says which of them break a promise.
//!
//! ```text
//! gr-sim --seeds 0..10000      these histories, on all cores
//! gr-sim --seeds 0..10000 --go-on   the same, and all that fail are listed
//! gr-sim --random 20000        so many, from a random place that is printed first
//! gr-sim --minutes 5           as many as fit into the time, from a random place
//! gr-sim --seeds 0..10000 --narrow   without the faults that only widened histories have
//! gr-sim --seeds 0..300 --disk        on real stores, whose disks fail
//! gr-sim --seeds 0..10000 --once     each is run once; without it, twice, and both must come to the same
//! gr-sim --seeds 0..2000 --brief     once, on one core, until the first that fails; its story is not told (`cargo xtask mutate`)
//! gr-sim --seed 4711 --story   one history, told line by line
//! gr-sim --seed 4711 --small   the smallest history that fails as this one does
//! gr-sim --without Numbers     one rule of the engine off (built with the feature rule-switches)
//! gr-sim --rules               each rule, and the first history that fails without it (the same)
//! ```

mod aim;
mod answers;
mod at_rest;
mod bounds;
mod checks;
mod dials;
mod dice;
mod faults;
mod group;
mod minimise;
mod net;
mod node;
mod on_disk;
mod operators;
mod oracle;
mod outputs;
mod process;
mod promises;
mod quiet;
mod repair;
mod run;
mod slow;
mod sometimes;
mod store;
mod twins;
mod users;
mod wear;
mod wide;
mod witness;
mod world;

use std::process::ExitCode;
use std::time::{Duration, Instant};
use world::Options;

/// A history is a million small allocations; the system's allocator would take a tenth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Arguments {
    seeds: std::ops::Range<u64>,
    minutes: Option<u64>,
    options: Options,
    small: bool,
    brief: bool,
    rules: bool,
}

fn main() -> ExitCode {
    let arguments = match read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!(
                "{problem}\nusage: gr-sim [--seeds A..B | --random N | --minutes M | --seed N [--story | --small]] [--brief] [--narrow | --disk] [--once] [--go-on] [--without RULE] | --rules"
            );
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    let flags = arguments.options.flags();
    if arguments.rules {
        return rules();
    }
    if arguments.small {
        let Some(smallest) = minimise::minimise(arguments.seeds.start, &arguments.options) else {
            println!("it keeps every promise");
            return ExitCode::SUCCESS;
        };
        println!("{}", smallest.story());
        println!(
            "{} histories tried in {:.1} s",
            smallest.tried,
            began.elapsed().as_secs_f64()
        );
        return ExitCode::FAILURE;
    }
    if arguments.brief {
        return brief(arguments.seeds, &arguments.options);
    }
    if arguments.options.story {
        let outcome = world::run(arguments.seeds.start, &arguments.options);
        println!("{}", outcome.story.join("\n"));
        return verdict(
            outcome.result.map_err(|f| (arguments.seeds.start, f)),
            flags,
        );
    }
    let end = arguments
        .minutes
        .map(|minutes| began + Duration::from_secs(60 * minutes));
    let found = run::all(arguments.seeds, &arguments.options, end);
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{} histories, {} transactions in {seconds:.1} s: {:.0} histories/s on {} cores",
        found.histories,
        found.steps,
        found.histories as f64 / seconds,
        found.cores
    );
    print!("sometimes:\n{}", found.counters);
    println!(
        "never: {:?}",
        found.counters.rarer_than(1, arguments.options.disk)
    );
    for (seed, failure) in &found.failures {
        println!("seed {seed} breaks `{}`", failure.check);
    }
    if let Some((seed, _)) = found.failures.first()
        && !arguments.options.go_on
        && let Some(smallest) = minimise::minimise(*seed, &arguments.options)
    {
        println!("{}", smallest.story());
    }
    verdict(found.failures.into_iter().next().map_or(Ok(()), Err), flags)
}

/// The first history that breaks a promise, and nothing else of it.
fn brief(seeds: std::ops::Range<u64>, options: &Options) -> ExitCode {
    for seed in seeds {
        if let Err(failure) = world::run(seed, options).result {
            println!("seed {seed} breaks `{}`", failure.check);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// What a run comes to.
fn verdict(result: Result<(), (u64, oracle::Failure)>, flags: &str) -> ExitCode {
    let Err((seed, failure)) = result else {
        return ExitCode::SUCCESS;
    };
    println!("seed {seed} breaks `{}`: {}", failure.check, failure.found);
    println!("its story: gr-sim --seed {seed}{flags} --story");
    ExitCode::FAILURE
}

/// Words that have no value after them.
const FLAGS: [&str; 8] = [
    "--story", "--small", "--brief", "--go-on", "--rules", "--narrow", "--once", "--disk",
];

fn read(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        seeds: 0..3_000,
        minutes: None,
        options: Options::default(),
        small: false,
        brief: false,
        rules: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--story" => arguments.options.story = true,
            "--small" => arguments.small = true,
            "--brief" => arguments.brief = true,
            "--go-on" => arguments.options.go_on = true,
            "--rules" => arguments.rules = true,
            "--narrow" => arguments.options.narrow = true,
            "--once" => arguments.options.once = true,
            "--disk" => arguments.options.disk = true,
            _ => {}
        }
        if FLAGS.contains(&word.as_str()) {
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
                arguments.seeds = run::random_place()..u64::MAX;
            }
            "--random" => {
                let first = run::random_place();
                arguments.seeds = first..first + number(&value)?;
                println!("seeds {first}..{}", arguments.seeds.end);
            }
            "--without" => arguments.options = without(&value, arguments.options)?,
            _ => return Err(format!("{word} is not known")),
        }
    }
    Ok(arguments)
}

/// Within so many histories a rule that is off must be noticed.
#[cfg(feature = "rule-switches")]
const RULES_WITHIN: u64 = 100_000;

/// Prints the table of `rules.rs`.
#[cfg(feature = "rule-switches")]
fn rules() -> ExitCode {
    // Rules that are off make engines panic, and that is noticed like everything else.
    std::panic::set_hook(Box::new(|_| {}));
    let names = gr_proto::Rule::ALL.iter().map(|rule| format!("{rule:?}"));
    let mut unnoticed = Vec::new();
    for name in names.chain(["CommitFirst".to_owned()]) {
        let options = Options {
            once: true,
            ..run::without(&name).expect("it is a rule")
        };
        let found = run::all(0..RULES_WITHIN, &options, None);
        match found.failures.first() {
            Some((seed, failure)) => println!("    (\"{name}\", {seed}), // {}", failure.check),
            None if run::BY_STORY.contains(&name.as_str()) => println!("    // {name}: by a story"),
            None => unnoticed.push(name),
        }
    }
    println!("never noticed: {unnoticed:?}");
    ExitCode::from(u8::from(!unnoticed.is_empty()))
}

#[cfg(not(feature = "rule-switches"))]
fn rules() -> ExitCode {
    eprintln!("--rules: build with --features rule-switches");
    ExitCode::from(2)
}

#[cfg(feature = "rule-switches")]
fn without(rule: &str, options: Options) -> Result<Options, String> {
    run::without(rule).map(|off| Options {
        rules: off.rules,
        leave_early: off.leave_early,
        ..options
    })
}

#[cfg(not(feature = "rule-switches"))]
fn without(rule: &str, _: Options) -> Result<Options, String> {
    Err(format!(
        "without {rule}: build with --features rule-switches"
    ))
}
