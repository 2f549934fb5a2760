//! The rewriting as a whole: a small program is compiled with its mutants in it, and run with each.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use super::{
    copy::SWITCH,
    find::{Answering, find},
    mutant::{Mutant, number_equals},
    rewrite::rewrite,
};

const SAMPLE: &str = include_str!("sample.rs");

/// The sample's mutants, and its text with them.
fn mutated() -> (Vec<Mutant>, String) {
    let parsed = syn::parse_file(SAMPLE).expect("the sample is Rust");
    let mut answering = Answering::default();
    answering.learn(&parsed);
    let (mut mutants, edits) = find("sample.rs", SAMPLE, &parsed, &answering, 1);
    number_equals(&mut mutants);
    (mutants, rewrite(SAMPLE, &edits))
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("callpilot-mutants-{}", process::id()));
        fs::create_dir_all(&folder).expect("a folder for the test");
        Self(folder)
    }

    fn compile(&self, name: &str, text: &str, words: &[&str]) -> PathBuf {
        let (source, program) = (self.0.join(format!("{name}.rs")), self.0.join(name));
        fs::write(&source, text).expect("the source is written");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut rustc = Command::new(rustc);
        rustc
            .args(["--edition", "2024", "--cap-lints", "allow"])
            .args(words);
        rustc
            .args(["--extern", "mutants=libmutants.rlib", "--out-dir", "."])
            .arg(&source);
        let output = rustc
            .current_dir(&self.0)
            .output()
            .expect("the compiler starts");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        program
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What it prints before it ends or panics.
fn printed(program: &Path, mutant: u32) -> String {
    let output = Command::new(program)
        .env("MUTANT", mutant.to_string())
        .output();
    String::from_utf8_lossy(&output.expect("the program starts").stdout).into_owned()
}

#[test]
fn a_rewritten_program_does_the_same_until_a_mutant_is_switched_on() {
    let folder = Folder::new();
    let (mutants, text) = mutated();
    fs::write(folder.0.join("libmutants.rlib"), []).expect("a place for the switch");
    folder.compile("mutants", SWITCH, &["--crate-type", "rlib"]);
    let (plain, rewritten) = (
        folder.compile("plain", SAMPLE, &[]),
        folder.compile("rewritten", &text, &[]),
    );
    let right = printed(&plain, 0);
    assert!(right.lines().count() > 10, "{right}");
    assert_eq!(printed(&rewritten, 0), right);
    let same = mutants
        .iter()
        .filter(|mutant| printed(&rewritten, mutant.number) == right);
    let same: Vec<_> = same.map(Mutant::name).collect();
    assert_eq!(same, [""; 0], "these change nothing");
}

#[test]
fn conditions_are_found_wherever_they_stand_and_nothing_else_is() {
    let (mutants, _) = mutated();
    let names: Vec<_> = mutants.iter().map(Mutant::name).collect();
    for expected in [
        "Item::is_odd: `self.no % 2 == 1` becomes `true`",
        "Item::is_wanted: `is_wanted` becomes `true`",
        "Item::is_wanted: `self.no > above` becomes `self.no >= above`",
        "Item::is_wanted: `high` becomes `true`",
        "Item::may_go: `body < 50` becomes `false`",
        "Item::size: `body >= 50` becomes `body > 50`",
        "items: `(no != 6)` becomes `true`",
        "sum_below: `at < end` becomes `at <= end`",
        "odd_among_the_last: `let Some(item) = items.pop() && seen < 3` becomes `false`",
        "odd_among_the_last: `seen < 3` becomes `true`",
        "main: `body % 20 == 0` becomes `false`",
        "main: `item.no <= 5` becomes `item.no < 5`",
        "main: `item.is_odd()` becomes `false`",
    ] {
        let name = format!("sample.rs {expected}");
        assert!(names.contains(&name), "{name} is missing in {names:#?}");
    }
    let wrongly = names.iter().filter(|name| {
        ["fmt", "is_far:", "1_000"]
            .iter()
            .any(|part| name.contains(part))
    });
    assert_eq!(wrongly.count(), 0, "{names:#?}");
}

#[test]
fn a_rule_that_only_a_test_can_switch_off_has_no_mutants() {
    let text = "fn f(&self) -> bool { let numbers = self.rules.hold(Rule::Numbers); \
        if numbers && self.a { return !self.rules.hold(Rule::Join) || self.b; } false }";
    let text = format!("impl T {{ {text} }}");
    let parsed = syn::parse_file(&text).expect("it is Rust");
    let (mutants, _) = find("a.rs", &text, &parsed, &Answering::default(), 1);
    let changed: Vec<_> = mutants
        .iter()
        .map(|m| format!("{} -> {}", m.from, m.to))
        .collect();
    let expected = [
        "f -> true",
        "f -> false",
        "numbers && self.a -> true",
        "numbers && self.a -> false",
        "!self.rules.hold(Rule::Join) || self.b -> true",
        "!self.rules.hold(Rule::Join) || self.b -> false",
        "false -> true",
    ];
    assert_eq!(changed, expected);
}
