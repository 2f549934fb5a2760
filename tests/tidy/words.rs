//! Rules on the text of single files: places, unfinished code, sleeping tests, length, `unsafe`.

use crate::{
    rust_code,
    tree::{Fault, SourceFile},
};

/// Written in two parts, so that this file does not break its own rule.
const MACHINE_PLACES: [&str; 3] = [
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
];

/// Names by which a registry or a mirror of one would get into a lock file or a configuration.
const REGISTRIES: [&str; 6] = [
    concat!("registry.npm", "js.org"),
    concat!("static.crates", ".io"),
    concat!("index.crates", ".io"),
    concat!("pkg", ".dev"),
    concat!("\"resol", "ved\":"),
    concat!("replace", "-with"),
];

/// So many blanks in a row are no gap between words.
const BLANKS: usize = 8;

const UNFINISHED: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];

/// A file that is longer is divided. Documents and generated files are not read from end to end.
const LINES_MAX: usize = 700;
const READ_WHOLE: [&str; 7] = ["css", "html", "js", "mjs", "rs", "sh", "ts"];

/// The C skin of the SDK, the VFS of the faulty disk, which SQLite calls, and the settings of the server's allocator: a C interface cannot be
/// safe. An allocator for tests cannot be either.
const MAY_BE_UNSAFE: [&str; 4] = [
    "plugin-sdk/crates/plugin-sdk-c/",
    "server/crates/allocator/src/lib.rs",
    "tests/counting-allocator/src/lib.rs",
    "tests/faulty-disk/src/vfs.rs",
];

/// Paths of one machine, and hosts of registries.
pub fn machine_faults(file: &SourceFile) -> Vec<Fault> {
    let starts_a_path = |at: usize| {
        let before = file.text[..at].chars().next_back();
        before.is_none_or(|before| !before.is_alphanumeric() && !"-._}$>)/*~".contains(before))
    };
    let place = |place: &&str| {
        file.text
            .match_indices(*place)
            .map(|(at, _)| at)
            .find(|at| starts_a_path(*at))
    };
    let places = MACHINE_PLACES
        .iter()
        .filter_map(|word| Some((place(word)?, word)));
    let registries = REGISTRIES
        .iter()
        .filter_map(|word| Some((file.text.find(word)?, word)));
    places
        .chain(registries)
        .map(|(at, word)| file.fault(at, format!("`{word}`")))
        .collect()
}

/// Code that says it will be written later.
pub fn unfinished_faults(file: &SourceFile) -> Vec<Fault> {
    let code = rust_code::code(&file.text);
    let found = UNFINISHED
        .iter()
        .filter_map(|word| Some((rust_code::find_word(&code, word)?, word)));
    found
        .map(|(at, word)| file.fault(at, format!("`{word}`")))
        .collect()
}

/// Tests that wait for time instead of a state.
pub fn sleep_faults(file: &SourceFile) -> Vec<Fault> {
    let found = if file.has_extension(&["rs"]) {
        let code = rust_code::code(&file.text);
        let before = if is_test_file(&file.path) {
            0
        } else {
            rust_code::without_unit_tests(&code).len()
        };
        rust_code::find_word(&code[before..], "thread::sleep")
            .map(|at| (before + at, "thread::sleep"))
    } else if file.has_extension(&["mjs", "js", "ts"]) && is_test_file(&file.path) {
        file.text
            .find("waitForTimeout(")
            .map(|at| (at, "waitForTimeout"))
    } else {
        None
    };
    found
        .into_iter()
        .map(|(at, word)| file.fault(at, format!("`{word}`")))
        .collect()
}

/// True for a file that holds nothing but tests. `tests/support` waits for states, step by step; `tests/bench` measures.
fn is_test_file(path: &str) -> bool {
    let is_exempt = path.starts_with("tests/support/") || path.starts_with("tests/bench/");
    (path.starts_with("tests/") || path.contains("/tests/")) && !is_exempt
}

/// A file that is too long.
pub fn length_faults(file: &SourceFile) -> Vec<Fault> {
    let lines = file.text.lines().count();
    if lines <= LINES_MAX || !file.has_extension(&READ_WHOLE) {
        return Vec::new();
    }
    vec![Fault {
        place: file.path.clone(),
        what: format!("{lines} lines, more than {LINES_MAX}"),
    }]
}

/// A sentence with a run of blanks: a line that went on in the next one, and was joined without its backslash.
pub fn blank_faults(file: &SourceFile) -> Vec<Fault> {
    let blanks = " ".repeat(BLANKS);
    let is_sentence = |at: usize| {
        let (before, after) = file.text.split_at(at);
        let goes_on = after
            .trim_start_matches(' ')
            .starts_with(|c: char| c.is_alphabetic());
        before.ends_with([',', '.', ';', ':']) && goes_on
    };
    let runs = file.text.match_indices(&blanks).map(|(at, _)| at);
    runs.filter(|&at| is_sentence(at))
        .map(|at| file.fault(at, format!("a run of {BLANKS} blanks or more")))
        .collect()
}

/// `unsafe` where it is not allowed.
pub fn unsafe_faults(file: &SourceFile) -> Vec<Fault> {
    if MAY_BE_UNSAFE
        .iter()
        .any(|place| file.path.starts_with(place))
    {
        return Vec::new();
    }
    let found = rust_code::find_word(&rust_code::code(&file.text), "unsafe");
    found
        .into_iter()
        .map(|at| file.fault(at, "`unsafe`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(rule: fn(&SourceFile) -> Vec<Fault>, path: &str, text: &str) -> Vec<String> {
        rule(&SourceFile::sample(path, text))
            .into_iter()
            .map(|fault| fault.place)
            .collect()
    }

    #[test]
    fn a_path_of_one_machine_is_a_fault_and_a_part_of_another_path_is_none() {
        let [root, work, home] = MACHINE_PLACES;
        assert_eq!(
            places(machine_faults, "a.md", &format!("see\n`{root}x`")),
            ["a.md:2"]
        );
        assert_eq!(
            places(machine_faults, "a.toml", &format!("path = \"{work}x\"")),
            ["a.toml:1"]
        );
        assert_eq!(
            places(
                machine_faults,
                "a.rs",
                &format!("artwork{work}x $HOME{home} https://a.b{root}")
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_registry_in_a_lock_file_is_a_fault() {
        let lock = format!(
            "{{\n  {} \"https://{}/x.tgz\"\n}}",
            REGISTRIES[4], REGISTRIES[0]
        );
        assert_eq!(
            places(machine_faults, "package-lock.json", &lock),
            ["package-lock.json:2", "package-lock.json:2"]
        );
        assert_eq!(
            places(
                machine_faults,
                "Cargo.lock",
                "source = \"registry+https://github.com/x\""
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_marker_for_later_is_a_fault_in_code_and_not_in_words() {
        assert_eq!(
            places(unfinished_faults, "a.rs", "fn f() {\n    todo!()\n}"),
            ["a.rs:2"]
        );
        assert_eq!(
            places(
                unfinished_faults,
                "a.rs",
                "// todo! later\nlet x = \"dbg!\";"
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_sleep_is_a_fault_in_tests_alone() {
        let sleep = "fn f() { std::thread::sleep(x) }\n#[cfg(test)]\nmod tests { fn g() { thread::sleep(x) } }";
        assert_eq!(
            places(sleep_faults, "server/src/a.rs", sleep),
            ["server/src/a.rs:3"]
        );
        assert_eq!(
            places(sleep_faults, "tests/integration/a.rs", sleep),
            ["tests/integration/a.rs:1"]
        );
        assert_eq!(
            places(
                sleep_faults,
                "server/src/a.rs",
                "fn f() { thread::sleep(x) }"
            ),
            [""; 0]
        );
        assert_eq!(
            places(
                sleep_faults,
                "tests/browser/a.mjs",
                "await page.waitForTimeout(500);"
            ),
            ["tests/browser/a.mjs:1"]
        );
    }

    #[test]
    fn a_long_file_is_a_fault_when_people_read_it() {
        let long = "x\n".repeat(LINES_MAX + 1);
        assert_eq!(places(length_faults, "a.rs", &long), ["a.rs"]);
        assert_eq!(places(length_faults, "Cargo.lock", &long), [""; 0]);
        assert_eq!(
            places(length_faults, "a.rs", &"x\n".repeat(LINES_MAX)),
            [""; 0]
        );
    }

    #[test]
    fn a_sentence_with_a_run_of_blanks_is_a_fault() {
        let broken = concat!("f(\"it says why,", "          and what to do\");");
        assert_eq!(places(blank_faults, "a.rs", broken), ["a.rs:1"]);
        for good in [
            "f(\"why, \\\n          and what\");",
            "let a = 1;          // why",
            "        f();",
        ] {
            assert_eq!(places(blank_faults, "a.rs", good), [""; 0], "{good}");
        }
    }

    #[test]
    fn unsafe_code_is_a_fault_where_no_c_is_met() {
        assert_eq!(
            places(unsafe_faults, "app/src/a.rs", "\nunsafe { x() }"),
            ["app/src/a.rs:2"]
        );
        assert_eq!(
            places(
                unsafe_faults,
                "app/src/a.rs",
                "#![forbid(unsafe_code)] // unsafe"
            ),
            [""; 0]
        );
        assert_eq!(
            places(
                unsafe_faults,
                "plugin-sdk/crates/plugin-sdk-c/src/lib.rs",
                "unsafe {}"
            ),
            [""; 0]
        );
        assert_eq!(
            places(unsafe_faults, "tests/faulty-disk/src/lib.rs", "unsafe {}"),
            ["tests/faulty-disk/src/lib.rs:1"]
        );
    }
}
