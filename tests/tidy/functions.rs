//! How long a function is: about a screen, so that a person sees all of it at once.

use crate::{
    rust_code,
    tree::{Fault, SourceFile},
};

/// From the line with `fn` to the closing brace.
const LINES_MAX: usize = 70;

/// Files that hold tests alone; a test may tell a long story.
const TESTS: [&str; 3] = [
    "server/crates/ledger/src/conformance",
    "tests/conformance/",
    "tests/integration/",
];

/// Functions that may be longer: flat lists of cases, which are read like a table and gain nothing by being cut.
const FLAT: [(&str, &str); 2] = [
    // One line of the log for each event of the engine.
    ("server/src/gr/mod.rs", "log"),
    // One draw for each dial of a simulated history, in an order that the seeds depend on.
    ("tests/simulation/dials.rs", "draw"),
];

/// Functions that are too long, and exceptions that nothing needs any more.
pub fn faults(files: &[SourceFile]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut spare = FLAT.to_vec();
    for file in files.iter().filter(|file| is_judged(&file.path)) {
        let code = rust_code::code(&file.text);
        let functions = functions(rust_code::without_unit_tests(&code));
        for Function { at, name, lines } in functions {
            if lines <= LINES_MAX {
                continue;
            }
            let exception = (file.path.as_str(), name);
            spare.retain(|flat| *flat != exception);
            if !FLAT.contains(&exception) {
                let what = format!("`{name}` has {lines} lines, more than {LINES_MAX}");
                faults.push(file.fault(at, what));
            }
        }
    }
    faults.extend(spare.into_iter().map(|(path, name)| Fault {
        place: path.to_owned(),
        what: format!("`{name}` needs no exception"),
    }));
    faults
}

fn is_judged(path: &str) -> bool {
    let within = |parts: &[&str]| parts.iter().any(|part| path.starts_with(part));
    path.ends_with(".rs") && !path.contains("/tests/") && !within(&TESTS)
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
struct Function<'a> {
    /// Where its `fn` stands.
    at: usize,
    name: &'a str,
    lines: usize,
}

/// The functions in code without comments and literals, those within others too.
fn functions(code: &str) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = rust_code::find_word(&code[from..], "fn ").map(|at| from + at) {
        from = at + "fn ".len();
        let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
        let rest = &code[from..];
        let name = &rest[..rest.find(|c| !is_of_name(c)).unwrap_or(rest.len())];
        if let Some(end) = body_end(&code[from..]) {
            let lines = code[at..from + end].lines().count();
            found.push(Function { at, name, lines });
        }
    }
    found
}

/// Where the body ends that begins behind a signature; `None` if a semicolon stands in its place.
fn body_end(code: &str) -> Option<usize> {
    // Semicolons within brackets are those of array types.
    let (mut brackets, mut braces) = (0, 0);
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets -= 1,
            b';' if brackets == 0 && braces == 0 => return None,
            b'{' => braces += 1,
            b'}' => {
                braces -= 1;
                if braces == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function of so many lines.
    fn function(name: &str, lines: usize) -> String {
        let body = "    x();\n".repeat(lines - 2);
        format!("fn {name}(of: [u8; 2]) {{\n{body}}}\n")
    }

    fn faulty(path: &str, text: &str) -> Vec<String> {
        let needed = FLAT.map(|(path, name)| {
            let text = function(name, LINES_MAX + 1);
            SourceFile::sample(path, &text)
        });
        let files = needed.into_iter().chain([SourceFile::sample(path, text)]);
        let faults = faults(&files.collect::<Vec<_>>());
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_function_longer_than_a_screen_is_a_fault() {
        let text = function("short", LINES_MAX) + &function("long", LINES_MAX + 1);
        assert_eq!(
            faulty("server/src/a.rs", &text),
            ["server/src/a.rs:71: `long` has 71 lines, more than 70"]
        );
        assert_eq!(faulty("tests/integration/a.rs", &text), [""; 0]);
        assert_eq!(faulty("plugin-sdk/tests/a.rs", &text), [""; 0]);
        let unit_tests = format!("#[cfg(test)]\nmod tests {{\n{text}}}\n");
        assert_eq!(faulty("server/src/a.rs", &unit_tests), [""; 0]);
    }

    #[test]
    fn a_signature_without_a_body_and_a_type_of_functions_are_none() {
        let text = "trait A {\n    fn a(&self) -> [u8; 2];\n    fn b(&self) {}\n}\nstruct C(fn() -> u8);\n// fn d() {\n";
        let code = rust_code::code(text);
        let found = functions(&code);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].name, found[0].lines), ("b", 1));
    }

    #[test]
    fn an_exception_that_nothing_needs_is_a_fault() {
        let faults = faults(&[]);
        assert_eq!(faults.len(), FLAT.len());
        assert_eq!(
            faults[0].to_string(),
            "server/src/gr/mod.rs: `log` needs no exception"
        );
    }
}
