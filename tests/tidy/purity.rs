//! The pure heart: `gr-proto` and the SDK's connector compute, and do nothing else.
//!
//! The same inputs give the same outputs in every run; the simulator's "same seed, same trace" rests on it.

use crate::{
    arrows::Package,
    rust_code,
    tree::{Fault, SourceFile},
};

/// Where the rule holds.
const PURE: [&str; 4] = [
    "server/crates/gr-proto/src/",
    "server/crates/ledger/src/",
    "plugin-sdk/src/connector/",
    "plugin-sdk/src/connector.rs",
];

/// What would make a run differ from another, or reach out of the program.
const IMPURE: [(&str, &str); 30] = [
    ("Instant", "a clock"),
    ("SystemTime", "a clock"),
    ("Timestamp::now", "a clock"),
    ("Zoned::now", "a clock"),
    ("chrono", "a clock"),
    ("now_v7", "a clock and random bits"),
    ("new_v4", "random bits"),
    ("getrandom", "random bits"),
    ("rand::", "random bits"),
    ("HashMap", "an order that differs in every run"),
    ("HashSet", "an order that differs in every run"),
    ("RandomState", "an order that differs in every run"),
    ("std::fs", "files"),
    ("std::io", "IO"),
    ("std::net", "the network"),
    ("std::env", "the environment"),
    ("std::process", "processes"),
    ("std::thread", "threads"),
    ("std::sync::mpsc", "threads"),
    ("thread_local", "threads"),
    ("println!", "IO"),
    ("eprintln!", "IO"),
    ("tracing::", "IO"),
    ("tokio", "a runtime"),
    ("futures", "a runtime"),
    (".await", "a runtime"),
    ("async", "a runtime"),
    ("web_sys", "the browser"),
    ("js_sys", "the browser"),
    ("gloo", "the browser"),
];

/// The crates that `gr-proto` may use.
const PURE_CRATES: [&str; 7] = [
    "blake3",
    "ciborium",
    "contract",
    "domain",
    "ledger",
    "serde",
    "thiserror",
];

/// Parts of them that only tests use.
const FOR_TESTS: [&str; 1] = ["server/crates/ledger/src/conformance"];

/// True for a file that must be pure.
pub fn must_be_pure(path: &str) -> bool {
    let within = |parts: &[&str]| parts.iter().any(|part| path.starts_with(part));
    within(&PURE) && !within(&FOR_TESTS)
}

/// What reaches out of the computation; unit tests may.
pub fn faults(file: &SourceFile) -> Vec<Fault> {
    let code = rust_code::code(&file.text);
    let code = rust_code::without_unit_tests(&code);
    // `use std::{fs, io}` names what `std::fs` names.
    let grouped = |word: &str| {
        let inner = word.strip_prefix("std::")?;
        code.match_indices("std::{").find_map(|(at, _)| {
            let group = &code[at..at + code[at..].find(';').unwrap_or(0)];
            rust_code::find_word(group, inner).map(|offset| at + offset)
        })
    };
    let found = IMPURE.iter().filter_map(|(word, what)| {
        let at = rust_code::find_word(code, word).or_else(|| grouped(word))?;
        Some(file.fault(at, format!("`{word}` is {what}")))
    });
    found.collect()
}

/// Crates of the engine that may do anything at all.
pub fn dependency_faults(packages: &[Package]) -> Vec<Fault> {
    let engine = packages
        .iter()
        .filter(|package| ["gr-proto", "ledger"].contains(&package.name.as_str()));
    let used = engine.flat_map(|package| {
        package
            .dependencies()
            .into_iter()
            .map(move |used| (package, used))
    });
    used.filter(|(_, used)| !PURE_CRATES.contains(&used.as_str()))
        .map(|(package, used)| Fault {
            place: package.path.clone(),
            what: format!("`{used}` is not known to be pure"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_reaches_out_is_a_fault_in_its_line() {
        let text = "use std::time::Duration;\nuse std::{collections::BTreeMap, fs};\nlet x = Instant::now();\n// std::net\nasync fn f() {}\n#[cfg(test)]\nmod tests { use std::io; }";
        let faults = faults(&SourceFile::sample("a.rs", text));
        let found = faults
            .iter()
            .map(|fault| format!("{} {}", fault.place, fault.what))
            .collect::<Vec<_>>();
        assert_eq!(
            found,
            [
                "a.rs:3 `Instant` is a clock",
                "a.rs:2 `std::fs` is files",
                "a.rs:5 `async` is a runtime"
            ]
        );
    }

    #[test]
    fn a_computation_is_no_fault() {
        let text = "use std::collections::BTreeMap;\n/// Sent by tokio.\nfn step(now_ms: u64) -> Option<Instantly> { None }";
        assert_eq!(faults(&SourceFile::sample("a.rs", text)), []);
    }

    #[test]
    fn the_rule_holds_for_the_engine_and_the_connector_alone() {
        assert!(
            must_be_pure("server/crates/gr-proto/src/engine.rs")
                && must_be_pure("plugin-sdk/src/connector.rs")
        );
        assert!(!must_be_pure("plugin-sdk/src/transport/native.rs"));
    }

    #[test]
    fn a_runtime_in_the_engines_manifest_is_a_fault() {
        let manifest =
            "[package]\nname = \"gr-proto\"\n[dependencies]\nserde = \"1\"\ntokio = \"1\"";
        let faults = dependency_faults(&[Package::new("gr-proto/Cargo.toml", manifest)]);
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].what, "`tokio` is not known to be pure");
    }
}
