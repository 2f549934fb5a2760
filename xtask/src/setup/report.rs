//! What a set-up did, and what a person has to do for the rest.

use serde_json::json;

use super::{needs::Need, purpose::Source, wasm};
use crate::{failure::Failure, process::say};

/// The outcome of a set-up.
#[derive(Default)]
pub struct Report {
    /// Names of what was installed now.
    pub installed: Vec<&'static str>,
    /// What is still missing.
    pub missing: Vec<Missing>,
}

/// Something that could not be installed.
pub struct Missing {
    name: &'static str,
    without: &'static str,
    needed: bool,
    by_hand: String,
    packages: &'static [&'static str],
    why_not: String,
}

impl Missing {
    /// A need that is still open, with what went wrong when it was installed.
    pub fn new(need: Need, failures: &[(&'static str, Failure)]) -> Self {
        let failure = failures.iter().find(|(name, _)| *name == need.name);
        Self {
            name: need.name,
            without: need.without,
            needed: need.needed,
            by_hand: need.by_hand(),
            packages: if let Source::Apt(packages) = need.source {
                packages
            } else {
                &[]
            },
            why_not: failure.map_or_else(
                || "it was installed but is not found".to_owned(),
                |(_, f)| f.what.clone(),
            ),
        }
    }
}

impl Report {
    /// Prints what was done and what is left to do by hand.
    pub fn tell(&self) {
        if !self.installed.is_empty() {
            say(format!("setup: installed {}", self.installed.join(", ")));
        }
        for missing in &self.missing {
            say(format!(
                "setup: MISSING {}: {}\n  without it: {}\n  by hand: {}",
                missing.name, missing.why_not, missing.without, missing.by_hand
            ));
        }
        let packages = self
            .missing
            .iter()
            .flat_map(|missing| missing.packages)
            .copied()
            .collect::<Vec<_>>();
        if packages.len() > 1 {
            let packages = packages.join(" ");
            say(format!(
                "setup: all system packages at once, as root: apt-get update && apt-get install -y {packages}"
            ));
        }
    }

    /// Fails when anything is missing.
    pub fn require_all(&self) -> Result<(), Failure> {
        self.refuse(|_| true)
    }

    /// Fails when something is missing that the job cannot do without.
    pub fn require_needed(&self) -> Result<(), Failure> {
        self.refuse(|missing| missing.needed)
    }

    fn refuse(&self, counts: impl Fn(&Missing) -> bool) -> Result<(), Failure> {
        let names = self
            .missing
            .iter()
            .filter(|missing| counts(missing))
            .map(|missing| missing.name)
            .collect::<Vec<_>>();
        if names.is_empty() {
            return Ok(());
        }
        Err(
            Failure::new(format!("this machine lacks {}", names.join(", ")))
                .remedy("install them by hand as written above, and run this again"),
        )
    }

    /// The sentences on what is not tested for want of a tool.
    pub fn losses(&self) -> Vec<String> {
        self.missing
            .iter()
            .map(|missing| format!("{} ({} is missing)", missing.without, missing.name))
            .collect()
    }

    /// One line: `{"ready","installed":[…],"missing":[{"name","without","by_hand"}],"wasm_compiler"}`.
    pub fn to_json(&self) -> String {
        let missing = self.missing.iter().map(|missing| {
            json!({"name": missing.name, "without": missing.without, "by_hand": missing.by_hand, "why_not": missing.why_not})
        });
        json!({
            "ready": self.missing.is_empty(),
            "installed": self.installed,
            "missing": missing.collect::<Vec<_>>(),
            "wasm_compiler": wasm::compiler().map(|compiler| compiler.name()),
        })
        .to_string()
    }
}
