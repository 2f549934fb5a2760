//! Rules of the source tree that no compiler holds. Each test is one rule, and its message says what to do.
//!
//! Each rule is a function from text to faults; below it stands a test with bad samples that shows that it can fail.

mod arrows;
mod citations;
mod functions;
mod layers;
mod links;
mod purity;
mod rust_code;
mod tree;
mod words;

use tree::{Fault, SourceFile};

/// Fails with every fault found and with what to do about them.
fn require_none(faults: Vec<Fault>, what_to_do: &str) {
    let lines = faults
        .iter()
        .map(|fault| format!("  {fault}\n"))
        .collect::<String>();
    assert!(faults.is_empty(), "\n{lines}What to do: {what_to_do}");
}

fn in_every(
    files: impl IntoIterator<Item = SourceFile>,
    rule: impl Fn(&SourceFile) -> Vec<Fault>,
) -> Vec<Fault> {
    files.into_iter().flat_map(|file| rule(&file)).collect()
}

#[test]
fn packages_depend_only_on_those_below_them() {
    require_none(
        arrows::faults(&arrows::packages()),
        "turn the dependency around, or pass the data in. The map of packages is ARCHITECTURE.md; a new package is added to \
         `MAY_USE` in tests/tidy/arrows.rs together with it.",
    );
}

#[test]
fn the_replication_engine_depends_only_on_pure_crates() {
    require_none(
        purity::dependency_faults(&arrows::packages()),
        "do it in server/src/gr, which drives the engine. A crate without clock, random, IO and runtime may be added to \
         `PURE_CRATES` in tests/tidy/purity.rs.",
    );
}

#[test]
fn the_replication_engine_and_the_connector_touch_no_clock_random_io_or_runtime() {
    let pure = tree::files()
        .into_iter()
        .filter(|file| purity::must_be_pure(&file.path));
    require_none(
        in_every(pure, purity::faults),
        "pass the time and the seed in, and give out what is to be done; use BTreeMap and BTreeSet, whose order is the same \
         in every run.",
    );
}

#[test]
fn nothing_names_a_place_on_somebodys_machine() {
    require_none(
        in_every(tree::files(), words::machine_faults),
        "name it relative to the repository, or let the caller say it. A lock file of npm is written with \
         `npm install --package-lock-only --omit-lockfile-registry-resolved`.",
    );
}

#[test]
fn no_code_is_left_to_be_written_later() {
    require_none(
        in_every(tree::rust_files(), words::unfinished_faults),
        "write it, or return an error that says it is not there.",
    );
}

#[test]
fn no_test_sleeps() {
    require_none(
        in_every(tree::files(), words::sleep_faults),
        "wait for the state that the test needs, with a limit; the helpers in tests/support do so.",
    );
}

#[test]
fn no_source_file_is_longer_than_a_person_can_hold() {
    require_none(
        in_every(tree::files(), words::length_faults),
        "divide it by subject; most files have 100 to 300 lines.",
    );
}

#[test]
fn no_function_is_longer_than_a_screen() {
    require_none(
        functions::faults(&tree::rust_files()),
        "divide it where a reader would: a table for what is a list, a helper with a name for what is a step. A flat list of cases may \
         be added to `FLAT` in tests/tidy/functions.rs.",
    );
}

#[test]
fn no_sentence_has_a_run_of_blanks() {
    require_none(
        in_every(tree::rust_files(), words::blank_faults),
        "end the line within the string with a backslash, or join the two.",
    );
}

#[test]
fn only_where_c_is_met_is_code_unsafe() {
    require_none(
        in_every(tree::rust_files(), words::unsafe_faults),
        "find the safe way; the only places for `unsafe` are plugin-sdk/crates/plugin-sdk-c, server/crates/allocator/src/lib.rs, tests/counting-allocator/src/lib.rs and tests/faulty-disk/src/vfs.rs.",
    );
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() {
    require_none(
        arrows::lint_faults(&arrows::packages()),
        "add `[lints]` with `workspace = true` to its Cargo.toml.",
    );
}

#[test]
fn links_in_documents_lead_somewhere() {
    let documents = tree::files()
        .into_iter()
        .filter(|file| file.has_extension(&["md"]));
    require_none(
        in_every(documents, links::faults),
        "correct the link, or write what it promises.",
    );
}

#[test]
fn rules_that_are_cited_are_written_down() {
    require_none(
        citations::rule_faults(&tree::files()),
        "write the rule into docs/protocol.md, with its reason and what holds it; or cite the one that is meant.",
    );
}

#[test]
fn files_and_tests_that_are_named_are_there() {
    let files = tree::files();
    let functions = citations::functions(&files);
    // The table of mutants is written by a program, and names files within their packages.
    let written =
        |file: &&SourceFile| file.has_extension(&["md"]) && file.path != "docs/mutants.md";
    let documents = files.iter().filter(written);
    let mut faults: Vec<_> = documents
        .flat_map(|file| citations::path_faults(file, &files))
        .collect();
    let text = files
        .iter()
        .filter(|file| file.has_extension(&["md", "rs"]));
    faults.extend(text.flat_map(|file| citations::test_faults(file, &functions)));
    require_none(faults, "name what is there now, or write what is missing.");
}

#[test]
fn edges_call_operations_and_operations_know_no_protocol() {
    require_none(
        in_every(tree::rust_files(), layers::faults),
        "move the rule into server/src/operations, and let the edge map what it returns.",
    );
}
