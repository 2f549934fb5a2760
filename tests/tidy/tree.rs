//! The source tree: every file of text that belongs to the project, and faults in it.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

/// Folders that hold what is built or installed, in any place; `target` also with an ending (`target-msrv`).
const NOT_OURS: [&str; 7] = [
    ".git",
    "dist",
    "dist.partial",
    "node_modules",
    "pkg",
    "results",
    "target",
];

/// A file of text.
pub struct SourceFile {
    /// Its path from the top of the repository, with `/`.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl SourceFile {
    /// A file for a test of a rule.
    #[cfg(test)]
    pub fn sample(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// True when its name ends with one of these extensions.
    pub fn has_extension(&self, extensions: &[&str]) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|own| extensions.iter().any(|extension| own == *extension))
    }

    /// A fault in the line that holds the byte at `offset`.
    pub fn fault(&self, offset: usize, what: impl Into<String>) -> Fault {
        let line = self.text.as_bytes()[..offset]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        Fault {
            place: format!("{}:{line}", self.path),
            what: what.into(),
        }
    }
}

/// Something that a rule forbids, and where it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// A file, perhaps with a line.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// The top folder of the repository.
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .expect("the package stands in the repository")
        .to_path_buf()
}

/// Every file of text in the repository, in the order of their paths.
pub fn files() -> Vec<SourceFile> {
    let mut found = Vec::new();
    collect(&root(), "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(
        found.len() > 50,
        "the walk has lost its way: {} files",
        found.len()
    );
    found
}

/// Every Rust file in the repository.
pub fn rust_files() -> Vec<SourceFile> {
    files()
        .into_iter()
        .filter(|file| file.has_extension(&["rs"]))
        .collect()
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<SourceFile>) {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    for entry in entries {
        let entry =
            entry.unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry
            .file_type()
            .unwrap_or_else(|error| panic!("cannot look at {path}: {error}"));
        if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) && !name.starts_with("target-") {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if kind.is_file() {
            // What is not text (a sound, a picture) has no lines to judge. A file may also go away while we look.
            found.extend(
                fs::read_to_string(entry.path())
                    .ok()
                    .map(|text| SourceFile { path, text }),
            );
        }
    }
}
