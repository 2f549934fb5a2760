//! `cargo xtask fuzz`: lets libFuzzer look for octets that break a promise of what reads strangers' octets.
//!
//! The targets and their files stand in `tests/fuzz`. They are built once more, by the same compiler, so that the code counts where it
//! goes: LLVM's pass for that is there on stable, and libFuzzer comes with the crate `libfuzzer-sys`. Several targets run beside each other,
//! one on each processor.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

use crate::{failure::Failure, paths, process};

/// The code counts edges and shows what is compared, so that libFuzzer gets on.
const FLAGS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "-Cdebug-assertions",
];
/// An input is no longer than this, reading it takes no longer than this many seconds, and the whole program no more memory than this many MiB.
const LIMITS: [&str; 3] = ["-max_len=16384", "-timeout=10", "-rss_limit_mb=2048"];

/// What is looked for, and how long.
#[derive(clap::Args)]
pub struct Wish {
    /// How long each target is explored
    #[arg(long, default_value_t = 1)]
    minutes: u64,
    /// Only this target (may be given several times)
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// Add the inputs that reach new code to the corpus in the repository
    #[arg(long)]
    keep: bool,
}

/// Builds the targets and explores them; errors when an input breaks a promise.
pub fn run(wish: &Wish) -> Result<(), Failure> {
    let all = targets()?;
    let chosen = match &wish.target[..] {
        [] => all,
        named => {
            if let Some(name) = named.iter().find(|name| !all.contains(name)) {
                return Err(Failure::new(format!("there is no target {name}"))
                    .remedy(format!("choose of {}", all.join(", "))));
            }
            named.to_vec()
        }
    };
    let program = build()?;
    let queue = Mutex::new(chosen.iter());
    let failures = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers.min(chosen.len()) {
            scope.spawn(|| {
                while let Some(name) = next(&queue) {
                    match explore(&program, name, wish) {
                        Ok(line) => process::say(line),
                        Err(failure) => {
                            process::say(failure.to_string());
                            failures.lock().expect("no worker panics").push(failure);
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no worker panics");
    failures.into_iter().next().map_or(Ok(()), Err)
}

fn next<'a>(queue: &Mutex<impl Iterator<Item = &'a String>>) -> Option<&'a String> {
    queue.lock().expect("no worker panics").next()
}

/// The names of all targets: each has a folder with files.
fn targets() -> Result<Vec<String>, Failure> {
    let folder = corpus();
    let entries = fs::read_dir(&folder).map_err(|e| Failure::io("list", &folder, &e))?;
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    let names = folders.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

fn corpus() -> PathBuf {
    paths::root().join("tests/fuzz/corpus")
}

/// Where everything is built and found: beside what other jobs build, for its flags are others.
fn folder() -> PathBuf {
    paths::target().join("fuzz")
}

fn build() -> Result<PathBuf, Failure> {
    let about = process::output(Command::new("rustc").arg("-vV"));
    let host = about.as_deref().and_then(|about| {
        let mut lines = about.lines();
        lines.find_map(|line| line.strip_prefix("host: "))
    });
    let host = host.ok_or_else(|| {
        Failure::new("rustc does not say for which machine it compiles").remedy("install Rust")
    })?;
    process::say("building the targets with counters; the first time this takes some minutes");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "-p", "fuzz-targets", "--bin", "fuzz"]);
    // With a target of its own cargo gives the flags to what is explored, and not to build scripts and macros.
    cargo.args(["--features", "libfuzzer", "--target", host, "--target-dir"]);
    cargo.arg(folder()).env("RUSTFLAGS", FLAGS.join(" "));
    cargo.env("CARGO_PROFILE_RELEASE_INCREMENTAL", "false");
    process::run(cargo.current_dir(paths::root()))?;
    Ok(folder().join(host).join("release/fuzz"))
}

/// Explores one target; returns a line about it.
fn explore(program: &Path, name: &str, wish: &Wish) -> Result<String, Failure> {
    let (known, new) = (
        corpus().join(name),
        made(folder().join("corpus").join(name))?,
    );
    let found = made(folder().join("found").join(name))?;
    let log = folder().join(format!("{name}.log"));
    let output = fs::File::create(&log).map_err(|e| Failure::io("write", &log, &e))?;
    let mut command = Command::new(program);
    command.args(LIMITS);
    command.arg(format!("-max_total_time={}", 60 * wish.minutes));
    command.args(["-print_final_stats=1", "-use_value_profile=1"]);
    command.arg(format!("-artifact_prefix={}/", found.display()));
    command.args([&new, &known]).env("FUZZ_TARGET", name);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.stderr(output).status();
    let said = fs::read(&log).map_or_else(
        |_| String::new(),
        |octets| String::from_utf8_lossy(&octets).into_owned(),
    );
    if !status.is_ok_and(|status| status.success()) {
        return Err(broken(name, &said, &log));
    }
    if wish.keep {
        let mut merge = Command::new(program);
        merge.arg("-set_cover_merge=1").args(["-verbosity=0"]);
        merge.args([&known, &new]).env("FUZZ_TARGET", name);
        merge.stderr(Stdio::null());
        process::run_quietly(&mut merge)?;
    }
    let inputs = said.lines().find_map(|line| {
        let count = line.strip_prefix("stat::number_of_executed_units:")?;
        Some(count.trim().to_owned())
    });
    let inputs = inputs.unwrap_or_else(|| "?".to_owned());
    Ok(format!("{name}: {inputs} inputs, no promise broken"))
}

fn broken(name: &str, said: &str, log: &Path) -> Failure {
    let panic = said
        .lines()
        .skip_while(|line| !line.contains("panicked at"));
    let why: Vec<&str> = panic.take(4).map(str::trim).collect();
    let saved = said
        .lines()
        .rev()
        .find_map(|line| line.split("written to ").nth(1));
    let what = match &why[..] {
        [] => "the program ended".to_owned(),
        why => why.join(" "),
    };
    Failure::new(format!("{name}: an input breaks a promise: {what}"))
        .at(saved.map_or_else(|| log.display().to_string(), str::to_owned))
        .remedy(format!(
            "copy the file to tests/fuzz/corpus/{name}, where the test `replay` of fuzz-targets runs it, and mend what it shows"
        ))
}

fn made(folder: PathBuf) -> Result<PathBuf, Failure> {
    fs::create_dir_all(&folder).map_err(|e| Failure::io("make", &folder, &e))?;
    Ok(folder)
}
