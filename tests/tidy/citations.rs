//! What text cites must be there: rules by their codes in docs/protocol.md, files by their paths, tests by their names.

use std::collections::BTreeSet;

use crate::tree::{Fault, SourceFile};

/// The document that has each rule.
pub const RULES: &str = "docs/protocol.md";

/// Codes that code and documents cite and that are no row of the document, and rows that nobody cites.
pub fn rule_faults(files: &[SourceFile]) -> Vec<Fault> {
    let document = files.iter().find(|file| file.path == RULES);
    let Some(document) = document else {
        let (place, what) = (RULES.to_owned(), "it is not there".to_owned());
        return vec![Fault { place, what }];
    };
    let rows: BTreeSet<&str> = document.text.lines().filter_map(row).collect();
    let mut faults = Vec::new();
    let mut cited = BTreeSet::new();
    for file in files.iter().filter(|file| file.path != RULES) {
        for (at, code) in citations(file) {
            cited.insert(code);
            if !rows.contains(code) {
                faults.push(file.fault(at, format!("{code} is not in {RULES}")));
            }
        }
    }
    let spare = rows.iter().filter(|code| !cited.contains(*code));
    faults.extend(spare.map(|code| Fault {
        place: RULES.to_owned(),
        what: format!("nobody cites {code}"),
    }));
    faults
}

/// Paths of files in a document that lead nowhere. A path may be cut at its beginning: `gr-proto/src/session/age.rs`.
pub fn path_faults(file: &SourceFile, all: &[SourceFile]) -> Vec<Fault> {
    let written = |path: &str| {
        let path = path.trim_end_matches('/');
        let within = format!("/{path}/");
        all.iter()
            .any(|file| format!("/{}/", file.path).contains(&within))
    };
    code_spans(&file.text)
        .filter(|(_, span)| is_path(span) && !written(span))
        .map(|(at, span)| file.fault(at, format!("there is no `{span}`")))
        .collect()
}

/// Tests that are named in a document, or in a comment as *test `name`*, and are not there.
pub fn test_faults(file: &SourceFile, functions: &BTreeSet<String>) -> Vec<Fault> {
    let document = file.has_extension(&["md"]);
    code_spans(&file.text)
        .filter(|(at, span)| {
            let named = document || file.text[..at - 1].ends_with("test ");
            named && is_test_name(span) && !functions.contains(*span)
        })
        .map(|(at, span)| file.fault(at, format!("there is no test `{span}`")))
        .collect()
}

/// The names of all functions in Rust files.
pub fn functions(files: &[SourceFile]) -> BTreeSet<String> {
    let rust = files.iter().filter(|file| file.has_extension(&["rs"]));
    let names = rust.flat_map(|file| file.text.split("fn ").skip(1));
    names
        .map(|rest| {
            let end = rest.find(|c: char| !is_of_name(c));
            rest[..end.unwrap_or(rest.len())].to_owned()
        })
        .collect()
}

fn row(line: &str) -> Option<&str> {
    let (code, _) = line.strip_prefix("| ")?.split_once(" |")?;
    is_code(code).then_some(code)
}

fn is_code(word: &str) -> bool {
    let digits = word.strip_prefix(['E', 'I', 'R']).unwrap_or_default();
    matches!(digits.len(), 1 | 2) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Codes in the comments of a Rust file, or in a document, with their offsets.
fn citations(file: &SourceFile) -> Vec<(usize, &str)> {
    let rust = file.has_extension(&["rs"]);
    if !rust && !file.has_extension(&["md"]) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut offset = 0;
    for line in file.text.split_inclusive('\n') {
        let from = if rust { line.find("//") } else { Some(0) };
        if let Some(from) = from {
            let comment = &line[from..];
            let edges = comment.match_indices(|c: char| !is_of_word(c));
            let ends = edges.map(|(at, _)| at).chain([comment.len()]);
            let mut start = 0;
            for end in ends {
                if comment.get(start..end).is_some_and(is_code) {
                    found.push((offset + from + start, &comment[start..end]));
                }
                start = end + 1;
            }
        }
        offset += line.len();
    }
    found
}

/// What stands between single backticks within a line, with its offset.
fn code_spans(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.split_inclusive('\n').scan(0, |offset, line| {
        let start = *offset;
        *offset += line.len();
        Some((start, line))
    });
    lines.flat_map(|(start, line)| {
        let mut at = start;
        let parts = line.split('`').enumerate().map(move |(no, part)| {
            let here = at;
            at += part.len() + 1;
            (no, here, part)
        });
        let spans = parts.filter(|(no, _, _)| no % 2 == 1);
        spans.map(|(_, at, part)| (at, part)).collect::<Vec<_>>()
    })
}

/// A file or folder of the repository; not a path of a server or of what is built.
fn is_path(span: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    let ending = span.rsplit_once('.').map_or("", |(_, ending)| ending);
    let file = ["css", "html", "js", "json", "md", "mjs", "rs", "toml", "ts"].contains(&ending);
    span.contains('/')
        && !span.starts_with(['/', '.'])
        && !span.starts_with("target")
        && span.chars().all(plain)
        && (file || span.ends_with('/'))
}

/// Four words at least: a shorter name may be a setting's. Names of metrics begin with the product's.
fn is_test_name(span: &str) -> bool {
    let is_metric = span.starts_with("callpilot_");
    span.chars().all(is_of_name) && span.matches('_').count() >= 3 && !is_metric
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(faults: &[Fault]) -> Vec<String> {
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_code_that_is_cited_is_a_row_and_a_row_is_cited() {
        let files = [
            SourceFile::sample(RULES, "| rule |\n|---|\n| E1 | x |\n| R9 | y |\n"),
            SourceFile::sample("a.rs", "// Marks (E1, I27).\nlet E2 = 1;\n"),
            SourceFile::sample("b.md", "R100 and XE3 are no codes.\n"),
        ];
        assert_eq!(
            texts(&rule_faults(&files)),
            [
                format!("a.rs:1: I27 is not in {RULES}"),
                format!("{RULES}: nobody cites R9")
            ]
        );
        assert_eq!(
            texts(&rule_faults(&files[1..])),
            [format!("{RULES}: it is not there")]
        );
    }

    #[test]
    fn a_path_may_be_cut_at_its_beginning_and_leads_somewhere() {
        let all = [SourceFile::sample("server/crates/store/src/seal.rs", "")];
        let text =
            "`store/src/seal.rs` `store/` `/healthz/` `target/mutants/a.md`\n`store/seal.rs` `a/b`";
        let file = SourceFile::sample("A.md", text);
        assert_eq!(
            texts(&path_faults(&file, &all)),
            ["A.md:2: there is no `store/seal.rs`"]
        );
    }

    #[test]
    fn a_test_that_is_named_is_there() {
        let gone = "it_is_gone_now";
        let text = format!("// test `{gone}`, but `this_is_no_test`\nfn it_is_all_right() {{}}");
        let rust = SourceFile::sample("a.rs", &text);
        let names = functions(std::slice::from_ref(&rust));
        assert_eq!(
            texts(&test_faults(&rust, &names)),
            [format!("a.rs:1: there is no test `{gone}`")]
        );
        let text = "`it_is_all_right` `silence_ms_max`\n`it_is_gone_now`";
        let document = SourceFile::sample("a.md", text);
        assert_eq!(
            texts(&test_faults(&document, &names)),
            [format!("a.md:2: there is no test `{gone}`")]
        );
    }
}
