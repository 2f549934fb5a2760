//! Judging a mutant: the tests of the engine, then histories of the simulator, until something notices it.
//!
//! Everything judged here does the same in each run. So it is run once without a mutant, and writes down for which mutants a condition
//! would have come to something else; where that never happened, a run with the mutant is left out, for it would be the same run.
//!
//! A mutant may loop for ever or ask for all memory there is; each program has a limit of both, and passing it counts as noticed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;

use super::{copy, mutant::Mutant};
use crate::{failure::Failure, process};

/// The environment variable that switches a mutant on.
const SWITCH: &str = "MUTANT";
/// Its value for a run without a mutant that writes down which ones it concerns, and the variable that names the file.
const SEEN: &str = "seen";
const SEEN_FILE: &str = "MUTANTS_SEEN";
/// A program may take so many times as long as without a mutant, and the moment beside it.
const TIMES_MAX: u32 = 5;
const MOMENT: Duration = Duration::from_secs(2);
/// A program of tests that takes longer comes after the histories.
const QUICK_MAX: Duration = Duration::from_millis(1_500);
/// Tests that build a large stock first. What they hold to, smaller ones beside them hold to as well.
const LEFT_OUT: [&str; 2] = [
    "what_a_comparison_costs_follows_the_difference",
    "ten_lost_messages_among_two_hundred_thousand_are_found",
];
/// Address space of one program, in KiB.
const MEMORY_KIB_MAX: u64 = 4 << 20;
/// Places in the numbers of histories that are tried before an engine without mutants is said to be broken.
const PLACES_MAX: u32 = 20;
/// Histories that are run by one process when it is seen which mutants they concern.
const TOGETHER: u64 = 20;
/// How often a program is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(2);

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A test failed; which program of tests it was in.
    Test(String),
    /// A history broke a promise; which one.
    History(String),
    /// Nothing noticed it.
    Survived,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test(program) => write!(f, "test\t{program}"),
            Self::History(check) => write!(f, "history\t{check}"),
            Self::Survived => write!(f, "survived\t"),
        }
    }
}

impl Verdict {
    /// Reads what `Display` has written.
    pub fn read(text: &str) -> Option<Self> {
        match text.split_once('\t')? {
            ("test", program) => Some(Self::Test(program.to_owned())),
            ("history", check) => Some(Self::History(check.to_owned())),
            ("survived", _) => Some(Self::Survived),
            _ => None,
        }
    }
}

/// A program of tests, with how long it may run.
#[derive(Debug, Clone)]
struct Program {
    name: String,
    file: PathBuf,
    folder: PathBuf,
    limit: Duration,
    /// The mutants that can make a difference to it.
    concerns: BTreeSet<u32>,
}

/// Everything that judges.
pub struct Court {
    quick: Vec<Program>,
    slow: Vec<Program>,
    simulator: Program,
    /// The mutants that can make a difference to each [`TOGETHER`] of the histories.
    parts: Vec<BTreeSet<u32>>,
    /// The first history.
    pub first: u64,
    /// How many.
    pub histories: u64,
}

/// How a program ended.
enum End {
    Well,
    Badly(String),
    Never,
}

impl Court {
    /// Builds the copy and sees that without a mutant everything holds. Histories begin at `first`, or at a random place.
    pub fn convene(histories: u64, first: Option<u64>) -> Result<Self, Failure> {
        let built = build()?;
        let mut court = Self {
            quick: Vec::new(),
            slow: Vec::new(),
            simulator: Program {
                name: "gr-sim".to_owned(),
                file: copy::folder().join("target/release/gr-sim"),
                folder: copy::folder(),
                limit: Duration::from_secs(60),
                concerns: BTreeSet::new(),
            },
            parts: Vec::new(),
            first: 0,
            histories,
        };
        for mut test in built {
            let began = Instant::now();
            let (end, concerns) = look(&test, &tests_words())?;
            if let End::Badly(_) | End::Never = end {
                return Err(Failure::new("a test fails without any mutant")
                    .at(test.file.display())
                    .remedy("mend it first: `cargo test --release -p gr-proto -p domain`"));
            }
            let took = began.elapsed();
            test.concerns = concerns;
            test.limit = took * TIMES_MAX + MOMENT;
            let tests = if took < QUICK_MAX {
                &mut court.quick
            } else {
                &mut court.slow
            };
            tests.push(test);
        }
        // The quickest first: most mutants are noticed by any of them.
        court.quick.sort_by_key(|test| test.limit);
        court.find_place(first)?;
        Ok(court)
    }

    /// Looks for histories in which an engine without mutants keeps every promise.
    fn find_place(&mut self, first: Option<u64>) -> Result<(), Failure> {
        for place in 0..PLACES_MAX {
            let next = u64::from(place) * self.histories;
            self.first = first.map_or_else(random_place, |first| first + next);
            match self.look_at_histories()? {
                End::Well => return Ok(()),
                End::Badly(why) => process::say(format!(
                    "mutate: a history from {} breaks `{why}` without a mutant; another place is tried",
                    self.first
                )),
                End::Never => process::say("mutate: without a mutant the simulator does not end"),
            }
        }
        Err(
            Failure::new("the engine breaks promises without any mutant")
                .at(self.simulator.file.display())
                .remedy("run `cargo xtask sim --random 20000` and mend what it finds"),
        )
    }

    fn look_at_histories(&mut self) -> Result<End, Failure> {
        self.parts.clear();
        let began = Instant::now();
        let end = self.first + self.histories;
        for first in (self.first..end).step_by(TOGETHER as usize) {
            let words = histories_words(first, end.min(first + TOGETHER));
            let (end, concerns) = look(&self.simulator, &words)?;
            let End::Well = end else {
                return Ok(end);
            };
            self.parts.push(concerns);
        }
        // Of one part; several at once may take as many times as long.
        let parts = u32::try_from(self.parts.len()).unwrap_or(u32::MAX).max(1);
        self.simulator.limit = began.elapsed() / parts * TIMES_MAX;
        Ok(End::Well)
    }

    /// Runs the histories that a mutant can make a difference to. The promise that is broken; `None` if all hold.
    fn histories(&self, mutant: u32) -> Result<Option<String>, Failure> {
        let concerned = |part: &&[BTreeSet<u32>]| part[0].contains(&mutant);
        let alike =
            |a: &BTreeSet<u32>, b: &BTreeSet<u32>| a.contains(&mutant) == b.contains(&mutant);
        let mut first = self.first;
        for parts in self.parts.chunk_by(alike) {
            let next = first + parts.len() as u64 * TOGETHER;
            if concerned(&parts) {
                let mut simulator = self.simulator.clone();
                simulator.limit = simulator.limit * parts.len() as u32 + MOMENT;
                let words = histories_words(first, next.min(self.first + self.histories));
                match run(&simulator, &words, &mutant.to_string(), None)? {
                    End::Well => {}
                    End::Badly(check) => return Ok(Some(check)),
                    End::Never => return Ok(Some("no end".to_owned())),
                }
            }
            first = next;
        }
        Ok(None)
    }

    /// Judges mutants, `workers` at a time, in an order of chance, until `end`. Says by number what became of them; those that the time
    /// did not reach are missing. What noticed one the last time is asked first.
    pub fn judge(
        &self,
        mutants: &[Mutant],
        workers: usize,
        end: Option<Instant>,
        before: impl Fn(&str) -> Option<Verdict> + Sync,
    ) -> Result<BTreeMap<u32, Verdict>, Failure> {
        let mut order: Vec<_> = mutants.iter().collect();
        order.sort_by_cached_key(|mutant| *blake3::hash(mutant.name().as_bytes()).as_bytes());
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some(mutant) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if end.is_some_and(|end| Instant::now() >= end) {
                            break;
                        }
                        let verdict = self.verdict(mutant, before(&mutant.name()).as_ref());
                        if verdict == Ok(Verdict::Survived) {
                            process::say(format!("survived: {}", mutant.name()));
                        }
                        let mut done = done.lock().expect("no worker panics while it holds this");
                        done.push((mutant.number, verdict));
                        report(&done, mutants.len());
                    }
                });
            }
        });
        let done = done
            .into_inner()
            .expect("no worker panics while it holds this");
        done.into_iter()
            .map(|(number, verdict)| Ok((number, verdict?)))
            .collect()
    }

    fn verdict(&self, mutant: &Mutant, before: Option<&Verdict>) -> Result<Verdict, Failure> {
        let mut judges: Vec<_> = self.quick.iter().map(Some).collect();
        judges.push(None);
        judges.extend(self.slow.iter().map(Some));
        // The histories are never the same, so what noticed it before may not notice it again.
        judges.sort_by_key(|judge| match (before, judge) {
            (Some(Verdict::Test(name)), Some(test)) => test.name != *name,
            (Some(Verdict::History(_)), judge) => judge.is_some(),
            _ => true,
        });
        for judge in judges {
            let noticed = match judge {
                Some(test) if !test.concerns.contains(&mutant.number) => None,
                Some(test) => match run(test, &tests_words(), &mutant.number.to_string(), None)? {
                    End::Well => None,
                    End::Badly(_) | End::Never => Some(Verdict::Test(test.name.clone())),
                },
                None => self.histories(mutant.number)?.map(Verdict::History),
            };
            if let Some(noticed) = noticed {
                return Ok(noticed);
            }
        }
        Ok(Verdict::Survived)
    }
}

fn histories_words(first: u64, end: u64) -> Vec<String> {
    let words = ["--brief", "--seeds"].map(str::to_owned);
    words
        .into_iter()
        .chain([format!("{first}..{end}")])
        .collect()
}

fn tests_words() -> Vec<String> {
    let left_out = LEFT_OUT.iter().flat_map(|test| ["--skip", test]);
    left_out.map(str::to_owned).collect()
}

fn report(done: &[(u32, Result<Verdict, Failure>)], all: usize) {
    if done.len().is_multiple_of(100) || done.len() == all {
        let survived = done
            .iter()
            .filter(|(_, verdict)| *verdict == Ok(Verdict::Survived));
        process::say(format!(
            "mutate: {} of {all} judged, {} survived",
            done.len(),
            survived.count()
        ));
    }
}

/// Somewhere in the numbers of histories where nobody has been.
fn random_place() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |since| since.as_nanos() as u64) >> 8
}

/// Builds the simulator and the tests of the judged packages.
fn build() -> Result<Vec<Program>, Failure> {
    process::say("mutate: building the engine with all its mutants");
    let mut simulator = cargo(&["build", "--release", "-p", "simulation"]);
    process::run(&mut simulator)?;
    let packages = copy::JUDGED.iter().flat_map(|(name, _)| ["-p", name]);
    let mut tests = cargo(&[
        "test",
        "--release",
        "--no-run",
        "--message-format=json-render-diagnostics",
    ]);
    tests.args(packages).stderr(Stdio::inherit());
    let output = tests
        .output()
        .map_err(|source| Failure::new(format!("cargo cannot be started: {source}")))?;
    if !output.status.success() {
        return Err(Failure::new("the tests cannot be built").at(process::shown(&tests)));
    }
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let messages = lines
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    Ok(messages
        .filter_map(|message: Value| program(&message))
        .collect())
}

fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(words).current_dir(copy::folder());
    // Of the clone's own; the copy has a folder to itself.
    command.env_remove("CARGO_TARGET_DIR");
    command
}

/// A program of tests among the messages of cargo.
fn program(message: &Value) -> Option<Program> {
    let file = PathBuf::from(message.get("executable")?.as_str()?);
    let target = message.get("target")?;
    let manifest = Path::new(message.get("manifest_path")?.as_str()?);
    let folder = manifest.parent()?.to_path_buf();
    let package = folder.file_name()?.to_string_lossy().into_owned();
    Some(Program {
        name: format!("{package} {}", target.get("name")?.as_str()?),
        file,
        folder,
        limit: Duration::from_secs(300),
        concerns: BTreeSet::new(),
    })
}

/// Runs a program without a mutant. Says which ones can make a difference to it.
fn look(program: &Program, words: &[String]) -> Result<(End, BTreeSet<u32>), Failure> {
    let file = copy::folder().join("seen");
    // There is none the first time.
    let _ = fs::remove_file(&file);
    let end = run(program, words, SEEN, Some(&file))?;
    let seen = fs::read_to_string(&file).unwrap_or_default();
    Ok((
        end,
        seen.lines()
            .filter_map(|number| number.parse().ok())
            .collect(),
    ))
}

/// Runs a program with one mutant switched on, within its limits.
fn run(
    program: &Program,
    words: &[String],
    mutant: &str,
    seen: Option<&Path>,
) -> Result<End, Failure> {
    let limited = format!("ulimit -v {MEMORY_KIB_MAX} -c 0; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command
        .args(["-c", &limited])
        .arg(&program.file)
        .args(words)
        .current_dir(&program.folder)
        .env(SWITCH, mutant)
        .envs(seen.map(|file| (SEEN_FILE, file)))
        .env("RUST_TEST_THREADS", "1")
        .env("RUST_BACKTRACE", "0")
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let failed =
        |source| Failure::new(format!("cannot be run: {source}")).at(program.file.display());
    let mut child = command.spawn().map_err(failed)?;
    // Read beside it: who writes more than a pipe holds would wait for ever.
    let said = child.stdout.take().map(|mut said| {
        thread::spawn(move || {
            let mut text = Vec::new();
            let _ = std::io::Read::read_to_end(&mut said, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        })
    });
    let status = wait(&mut child, program.limit).map_err(failed)?;
    let said = said
        .and_then(|reader| reader.join().ok())
        .unwrap_or_default();
    Ok(match status {
        None => End::Never,
        Some(status) if status.success() => End::Well,
        Some(_) => {
            let check = said
                .lines()
                .find_map(|line| line.split_once(" breaks `")?.1.split('`').next());
            End::Badly(check.unwrap_or("a panic").to_owned())
        }
    })
}

/// Waits for the end, or ends it when its time is over.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            // Killing and reaping fail only when it has ended meanwhile.
            let _ = child.kill();
            let _ = child.wait();
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}
