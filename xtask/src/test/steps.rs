//! What each step of the test run does.

use std::{fs, path::PathBuf, process::Command};

use super::{step::Step, summary::Outcome};
use crate::{
    build,
    failure::Failure,
    paths, process,
    setup::{self, wasm},
};

/// Packages outside cargo's default members, each built by itself, so that their features do not change the others'.
const SELECTIONS: [&[&str]; 3] = [&[], &["-p", "ui", "-p", "my-callpilot"], &["-p", "xtask"]];

/// The simulator's test with a switch for each rule of the protocol: a feature that no server may have.
const RULE_SWITCHES: [&str; 6] = [
    "-p",
    "tests",
    "--features",
    "rule-switches",
    "--test",
    "simulation",
];
/// The tests that only the switches add.
const SWITCHED_TESTS: &str = "rules::";

/// The steps of one run, and what they have in common.
pub struct Steps<'a> {
    filter: Option<&'a str>,
    server: Option<Result<(), Failure>>,
    app: Option<Result<(), Failure>>,
}

impl<'a> Steps<'a> {
    /// The steps of a run that is limited to tests whose name contains `filter`.
    pub fn new(filter: Option<&'a str>) -> Self {
        Self {
            filter,
            server: None,
            app: None,
        }
    }

    /// Runs one step.
    pub fn run(&mut self, step: Step) -> Outcome {
        process::see_to_null();
        let outcome = match step {
            Step::Format => format(),
            Step::Lints => lints(),
            Step::Licences => licences(),
            Step::Build => self
                .server()
                .and(self.app())
                .and_then(|()| told(build::judge_first_load())),
            Step::Native => self.native(),
            Step::Docs => self.docs(),
            Step::Wasm => self.wasm(),
            Step::Browser => self.browser(),
            Step::Tidy => self.tidy(),
        };
        match outcome {
            Ok(remark) => Outcome::Passed(remark),
            Err(failure) => Outcome::Failed(failure.what),
        }
    }

    fn server(&mut self) -> Result<(), Failure> {
        self.server
            .get_or_insert_with(|| told(build::server()))
            .clone()
    }

    fn app(&mut self) -> Result<(), Failure> {
        self.app.get_or_insert_with(|| told(build::app())).clone()
    }

    fn native(&mut self) -> Result<String, Failure> {
        // Tests of whole servers run the program itself.
        let mut outcomes = vec![self.server()];
        let asked_anew = told(metadata())?;
        for selection in SELECTIONS {
            outcomes.push(native_tests(selection, self.filter, asked_anew));
        }
        let filter = self.filter.unwrap_or(SWITCHED_TESTS);
        outcomes.push(native_tests(&RULE_SWITCHES, Some(filter), asked_anew));
        all(outcomes)
    }

    fn tidy(&self) -> Result<String, Failure> {
        let mut command = cargo();
        command
            .args(["test", "--release", "-p", "tests", "--test", "tidy"])
            .args(self.filter);
        all([process::run_shown(&mut command)])
    }

    fn docs(&self) -> Result<String, Failure> {
        let mut command = cargo();
        command
            .args(["test", "--release", "--doc", "--no-fail-fast"])
            .args(self.filter);
        all([process::run_shown(&mut command)])
    }

    fn wasm(&self) -> Result<String, Failure> {
        let files = wasm_test_files();
        if files.is_empty() {
            return Ok("there are no WebAssembly tests".to_owned());
        }
        let compiler = wasm::compiler().ok_or_else(no_compiler)?;
        let mut outcomes = Vec::new();
        for (package, targets) in wasm_packages(&files) {
            let mut command = compiler.command("cargo")?;
            command.args([
                "test",
                "--release",
                "--no-fail-fast",
                "--target",
                wasm::TARGET,
                "--manifest-path",
            ]);
            command.arg(package.join("Cargo.toml")).args(targets);
            if package.ends_with("plugin-sdk") {
                // What pages turn on when they need it.
                command.args(["--features", "upload-progress"]);
            }
            command.args(self.filter);
            command.env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
                "wasm-bindgen-test-runner",
            );
            command.env(
                "WASM_BINDGEN_TEST_WEBDRIVER_JSON",
                paths::root().join("tests/browser/webdriver.json"),
            );
            outcomes.push(process::run_shown(&mut command));
        }
        all(outcomes)
    }

    fn browser(&mut self) -> Result<String, Failure> {
        self.server().and(self.app())?;
        if setup::chromium().is_none() {
            return Err(Failure::new(
                "there is no Chromium, so nothing was tested in a browser",
            ));
        }
        let files = in_folder("tests/browser", ".test.mjs");
        if files.is_empty() {
            return Err(Failure::new(
                "there are no tests in tests/browser/*.test.mjs",
            ));
        }
        let mut command = Command::new("node");
        // Each test starts servers and a browser: one after the other, so that a small machine can give each its time.
        command.args(["--test", "--test-concurrency=1", "--test-reporter=spec"]);
        if let Some(filter) = self.filter {
            command.arg(format!("--test-name-pattern={filter}"));
        }
        setup::name_programs(&mut command);
        all([process::run_shown(
            command.args(files).current_dir(paths::root()),
        )])
    }
}

/// The setting by which cargo asks the compiler again instead of remembering what it said.
const RUSTC_INFO: (&str, &str) = ("CARGO_CACHE_RUSTC_INFO", "0");

/// Asks cargo what nextest asks it first; its answer is all that nextest would not show of a failure. Cargo remembers in the target folder
/// what the compiler says of itself, also that it could not say anything: if that is why it fails, it is asked anew, and the result is true.
fn metadata() -> Result<bool, Failure> {
    let version = process::output(Command::new("rustc").arg("-vV")).unwrap_or_default();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let mut question = cargo();
    question.args(["metadata", "--format-version", "1", "--all-features"]);
    question.args(host.map(|host| format!("--filter-platform={host}")));
    let Err(first) = process::run_unseen(&mut question) else {
        return Ok(false);
    };
    process::say(first.to_string());
    process::run_unseen(question.env(RUSTC_INFO.0, RUSTC_INFO.1))?;
    process::say("cargo knows its packages when it asks the compiler anew, and goes on so");
    Ok(true)
}

/// Runs the native tests of some packages, by nextest where it is installed.
fn native_tests(selection: &[&str], filter: Option<&str>, asked_anew: bool) -> Result<(), Failure> {
    let mut command = cargo();
    if asked_anew {
        command.env(RUSTC_INFO.0, RUSTC_INFO.1);
    }
    if paths::on_path("cargo-nextest").is_some() {
        command.args([
            "nextest",
            "run",
            "--release",
            "--no-fail-fast",
            "--no-tests",
            "pass",
        ]);
    } else {
        command.args(["test", "--release", "--no-fail-fast"]);
        // The examples in the documentation are a step of their own.
        command.args((!selection.contains(&"--test")).then_some("--tests"));
    }
    command.args(selection).args(filter);
    setup::name_programs(&mut command);
    process::run_shown(&mut command)
}

fn format() -> Result<String, Failure> {
    all([process::run_shown(
        cargo().args(["fmt", "--all", "--check"]),
    )])
}

fn lints() -> Result<String, Failure> {
    let mut outcomes = Vec::new();
    for selection in SELECTIONS {
        // The release profile: C libraries are then compiled once for lints, tests and the demo.
        let mut command = cargo();
        command
            .args(["clippy", "--release", "--all-targets"])
            .args(selection)
            .args(["--", "-D", "warnings"]);
        outcomes.push(process::run_shown(&mut command));
    }
    let mut command = cargo();
    command
        .args(["clippy", "--release"])
        .args(RULE_SWITCHES)
        .args(["--", "-D", "warnings"]);
    outcomes.push(process::run_shown(&mut command));
    let compiler = wasm::compiler().ok_or_else(no_compiler)?;
    if compiler != wasm::Compiler::Rustup {
        return all(outcomes)
            .map(|_| "wasm32 left out: Debian's compiler for it has no clippy".to_owned());
    }
    let mut command = compiler.command("cargo")?;
    command.args(["clippy", "--profile", "wasm-release", "-p", "ui"]);
    for application in &build::APPLICATIONS {
        command.args(["-p", application.package]);
    }
    command.args(["--target", wasm::TARGET, "--", "-D", "warnings"]);
    outcomes.push(process::run_shown(&mut command));
    // The engine knows no operating system: it would run in a browser, too.
    let mut command = compiler.command("cargo")?;
    command.args(["check", "--profile", "wasm-release", "-p", "gr-proto"]);
    command.args(["--target", wasm::TARGET]);
    outcomes.push(process::run_shown(&mut command));
    all(outcomes)
}

fn licences() -> Result<String, Failure> {
    // cargo-deny looks offline; the packages of other systems, which no build here needs, may have to come first.
    let fetched = process::run(cargo().args(["fetch", "--quiet", "--locked"]));
    let advisories = paths::cargo_home().join("advisory-dbs").is_dir();
    let mut command = cargo();
    setup::add_to_path(&mut command, &[])?;
    command.args(["deny", "--offline", "check", "licenses", "bans", "sources"]);
    if advisories {
        command.arg("advisories");
    }
    process::run_shown(&mut command).map_err(|failure| match fetched {
        Ok(()) => failure,
        Err(_) => failure.remedy("the packages could not be fetched either; check the network"),
    })?;
    Ok(if advisories {
        String::new()
    } else {
        "advisories left out: their database is not on this machine".to_owned()
    })
}

/// The source files that hold WebAssembly tests.
pub fn wasm_test_files() -> Vec<PathBuf> {
    let folders = ["app", "plugin-sdk"].map(|folder| paths::root().join(folder));
    let files = folders
        .iter()
        .flat_map(|folder| build::files(folder).unwrap_or_default());
    files
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .filter(|file| {
            fs::read_to_string(file).is_ok_and(|text| text.contains("#[wasm_bindgen_test"))
        })
        .collect()
}

/// The packages of these files, each with cargo's arguments for just the targets that hold such tests: what else a package
/// tests may need a native machine.
fn wasm_packages(files: &[PathBuf]) -> Vec<(PathBuf, Vec<String>)> {
    let mut packages: Vec<(PathBuf, Vec<String>)> = Vec::new();
    for file in files {
        let Some(package) = file
            .ancestors()
            .find(|folder| folder.join("Cargo.toml").is_file())
        else {
            continue;
        };
        let is_test = file.parent() == Some(&package.join("tests"));
        let targets = match file.file_stem().filter(|_| is_test) {
            Some(name) => vec!["--test".to_owned(), name.to_string_lossy().into_owned()],
            None => vec!["--lib".to_owned()],
        };
        match packages.iter_mut().find(|(known, _)| known == package) {
            Some((_, known)) if known.ends_with(&targets) => {}
            Some((_, known)) => known.extend(targets),
            None => packages.push((package.to_path_buf(), targets)),
        }
    }
    packages
}

fn in_folder(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(paths::root().join(folder))
        .into_iter()
        .flatten();
    let mut files = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect::<Vec<_>>();
    files.retain(|file| file.to_string_lossy().ends_with(ending));
    files.sort();
    files
}

fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(paths::root());
    command
}

fn no_compiler() -> Failure {
    Failure::new("there is no compiler for wasm32, so nothing was tested in WebAssembly")
}

/// Prints a failure as it happens; the table at the end has room for its first line only.
fn told<T>(outcome: Result<T, Failure>) -> Result<T, Failure> {
    outcome.inspect_err(|failure| process::say(failure.to_string()))
}

/// Passed when all passed; else the first failure, after all have run.
fn all(outcomes: impl IntoIterator<Item = Result<(), Failure>>) -> Result<String, Failure> {
    let mut outcomes = outcomes
        .into_iter()
        .filter_map(|outcome| told(outcome).err());
    let first = outcomes.next();
    outcomes.for_each(drop);
    first.map_or_else(|| Ok(String::new()), Err)
}
