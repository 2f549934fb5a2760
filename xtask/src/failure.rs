//! The one error of this program: what went wrong, where, and what to do.

use std::{fmt, path::Path};

/// A sentence for each question that a person has when a job stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub what: String,
    /// The file, command or place where it went wrong; may be empty.
    pub place: String,
    /// What to do next; may be empty.
    pub remedy: String,
}

impl Failure {
    /// A failure with nothing known but what went wrong.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            place: String::new(),
            remedy: String::new(),
        }
    }

    /// A failure to read, write, move or list `path`.
    pub fn io(doing: &str, path: &Path, source: &std::io::Error) -> Self {
        Self::new(format!("cannot {doing}: {source}")).at(path.display())
    }

    /// Adds where it went wrong.
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = place.to_string();
        self
    }

    /// Adds what to do next.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed: {}", self.what)?;
        if !self.place.is_empty() {
            write!(f, "\n    at: {}", self.place)?;
        }
        if !self.remedy.is_empty() {
            write!(f, "\n to do: {}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
