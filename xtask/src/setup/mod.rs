//! Makes a machine ready: finds what is missing, says what it installs and why, installs it, and looks again.
//!
//! Looking costs some file look-ups and one call of rustc, so a machine that has everything passes in a fraction of a
//! second. Whatever cannot be installed is reported with what to do by hand and what does not work without it.

mod apt;
mod cached;
mod needs;
mod npm;
mod purpose;
mod report;
pub mod wasm;

use std::{fs, path::PathBuf, process::Command};

pub use self::{cached::add_to_path, needs::chromium, purpose::Purpose, report::Report};
use self::{needs::Need, purpose::Source, report::Missing};
use crate::{
    failure::Failure,
    paths,
    process::{self, say},
};

/// `cargo xtask setup`: prepares, then reports for a person or as JSON.
pub fn run(purpose: Purpose, json: bool) -> Result<(), Failure> {
    let report = prepare(purpose)?;
    if json {
        println!("{}", report.to_json());
    }
    report.require_all()
}

/// Prepares, and fails when something that the purpose cannot do without is missing.
pub fn require(purpose: Purpose) -> Result<(), Failure> {
    prepare(purpose)?.require_needed()
}

/// Prepares; what could not be installed is in the report.
pub fn prepare(purpose: Purpose) -> Result<Report, Failure> {
    read_out_linker_note();
    if missing(purpose)?.is_empty() {
        link_node_modules(purpose)?;
        say("setup: everything is there");
        return Ok(Report::default());
    }
    // Two jobs may run at once; the second waits, and then finds everything in its place.
    let _lock = paths::lock(&paths::cache().join("lock")).map_err(|failure| {
        failure.remedy("make the folder writable, or set XDG_CACHE_HOME to one that is")
    })?;
    let wanted = missing(purpose)?;
    say("setup: installing what this machine lacks:");
    for need in &wanted {
        say(format!(
            "  - {} ({}): {}",
            need.name,
            need.origin(),
            need.why
        ));
    }
    let failures = install(&wanted);
    link_node_modules(purpose)?;

    let still = missing(purpose)?;
    let installed = wanted
        .iter()
        .filter(|need| still.iter().all(|other| other.name != need.name));
    let report = Report {
        installed: installed.map(|need| need.name).collect(),
        missing: still
            .into_iter()
            .map(|need| Missing::new(need, &failures))
            .collect(),
    };
    report.tell();
    Ok(report)
}

fn missing(purpose: Purpose) -> Result<Vec<Need>, Failure> {
    let mut needs = needs::of(purpose)?;
    needs.retain(|need| !(need.present)());
    Ok(needs)
}

/// Installs as much as can be; gives back what failed, by the name of the need.
fn install(wanted: &[Need]) -> Vec<(&'static str, Failure)> {
    let mut failures = Vec::new();
    let mut packages = Vec::new();
    let mut substitute = None;
    for need in wanted {
        match &need.source {
            Source::Apt(names) => packages.extend(names.iter().copied()),
            Source::RustupComponent(name) => {
                let mut command = Command::new("rustup");
                note(
                    &mut failures,
                    need,
                    process::run(command.args(["component", "add", name])),
                );
            }
            // Tried before apt, so that the substitute's packages come with the others in one call.
            Source::WasmTarget => {
                if let Err(failure) = wasm::add_target() {
                    say(
                        "setup: rustup cannot get the target; taking Debian's newer compiler instead",
                    );
                    packages.extend(wasm::SUBSTITUTE_PACKAGES);
                    substitute = Some((need, failure));
                }
            }
            Source::Crate(..) | Source::Npm(_) => {}
        }
    }
    let apt = apt::install(&packages);
    if let Some((need, first)) = substitute {
        note(&mut failures, need, wasm::build_substitute(&first));
    }
    for need in wanted {
        match &need.source {
            Source::Apt(_) if !(need.present)() => note(&mut failures, need, apt.clone()),
            Source::Crate(name, version) => {
                note(&mut failures, need, cached::install(name, version))
            }
            Source::Npm(folder) => note(&mut failures, need, npm::install(folder)),
            _ => {}
        }
    }
    cached::clear_leftovers();
    failures
}

fn note(failures: &mut Vec<(&'static str, Failure)>, need: &Need, outcome: Result<(), Failure>) {
    failures.extend(outcome.err().map(|failure| (need.name, failure)));
}

fn link_node_modules(purpose: Purpose) -> Result<(), Failure> {
    if purpose == Purpose::Demo {
        Ok(())
    } else {
        npm::link(needs::BROWSER_TESTS)
    }
}

/// Says what `.cargo/linker` installed before this program could be built.
fn read_out_linker_note() {
    let note = paths::cache().join("installed-by-linker");
    if let Ok(text) = fs::read_to_string(&note) {
        say(format!("setup: already installed {}", text.trim()));
        // At worst it is said twice.
        let _ = fs::remove_file(&note);
    }
}

/// The file of wasm-opt, to be run by Node.js.
pub fn wasm_opt() -> PathBuf {
    npm::node_modules(needs::BUILD_TOOLS).join("binaryen/bin/wasm-opt")
}

/// Tells a test or a measurement where the programs are: `CALLPILOT_BIN`, `CALLPILOT_WEB_ROOT`, `CHROMIUM`, `NODE_PATH`.
pub fn name_programs(command: &mut Command) {
    command
        .env("CALLPILOT_BIN", paths::program("callpilot"))
        .env("CALLPILOT_WEB_ROOT", paths::dist());
    command.env("NODE_PATH", npm::node_modules(needs::BROWSER_TESTS));
    if let Some(chromium) = chromium() {
        command.env("CHROMIUM", chromium);
    }
}
