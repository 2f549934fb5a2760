//! Links in Markdown documents to files of the repository and to headings.

use std::fs;

use crate::tree::{self, Fault, SourceFile};

/// Links of a document that lead nowhere.
pub fn faults(file: &SourceFile) -> Vec<Fault> {
    targets(&file.text)
        .into_iter()
        .filter(|(_, target)| !resolves(file, target))
        .map(|(at, target)| file.fault(at, format!("`{target}` leads nowhere")))
        .collect()
}

/// The targets of inline links and of link definitions outside code, with their offsets.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut offset, mut is_code) = (0, false);
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            let line_without_code = blank_code_spans(line);
            found.extend(
                inline_targets(&line_without_code).map(|(at, target)| (offset + at, target)),
            );
            found.extend(definition_target(&line_without_code).map(|target| (offset, target)));
        }
        offset += line.len();
    }
    found
}

fn inline_targets(line: &str) -> impl Iterator<Item = (usize, String)> {
    line.match_indices("](").filter_map(|(at, opening)| {
        let rest = &line[at + opening.len()..];
        let target = rest[..rest.find(')')?].split_whitespace().next()?;
        Some((at, target.trim_matches(['<', '>']).to_owned()))
    })
}

/// `[name]: target`
fn definition_target(line: &str) -> Option<String> {
    let (name, target) = line.strip_prefix('[')?.split_once("]: ")?;
    (!name.contains(']')).then(|| target.split_whitespace().next().map(str::to_owned))?
}

fn blank_code_spans(line: &str) -> String {
    let parts = line.split('`').enumerate();
    let parts = parts.map(|(index, part)| {
        if index % 2 == 0 {
            part.to_owned()
        } else {
            " ".repeat(part.len())
        }
    });
    parts.collect::<Vec<_>>().join("`")
}

fn resolves(file: &SourceFile, target: &str) -> bool {
    // A scheme leads out of the repository.
    if target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let place = tree::root().join(folder).join(path);
    if path.is_empty() {
        return has_heading(&file.text, heading);
    }
    if heading.is_empty() || !path.ends_with(".md") {
        return place.exists();
    }
    fs::read_to_string(place).is_ok_and(|text| has_heading(&text, heading))
}

fn has_heading(text: &str, anchor: &str) -> bool {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .any(|line| self::anchor(line) == anchor)
}

/// The anchor that Markdown renderers give a heading.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faulty(text: &str) -> Vec<String> {
        faults(&SourceFile::sample("tests/README.md", text))
            .into_iter()
            .map(|fault| fault.to_string())
            .collect()
    }

    #[test]
    fn a_link_to_nothing_is_a_fault() {
        let text =
            "# Top\n[a](missing.md) [b](../Cargo.toml)\n[c](#nowhere) [d](#top)\n[e]: gone/\n";
        let expected = [
            "tests/README.md:2: `missing.md` leads nowhere",
            "tests/README.md:3: `#nowhere` leads nowhere",
            "tests/README.md:4: `gone/` leads nowhere",
        ];
        assert_eq!(faulty(text), expected);
    }

    #[test]
    fn links_out_of_the_repository_and_examples_in_code_are_not_judged() {
        assert_eq!(
            faulty("[a](https://example.com/x) `[b](x)`\n```\n[c](x)\n```\n"),
            [""; 0]
        );
    }

    #[test]
    fn a_heading_is_found_by_the_anchor_that_renderers_give_it() {
        assert_eq!(
            anchor("## What it is, in five lines"),
            "what-it-is-in-five-lines"
        );
        assert_eq!(anchor("# `cargo xtask`"), "cargo-xtask");
    }
}
