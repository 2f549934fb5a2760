//! One mutant: a condition of the engine made wrong in one way, and the name by which people and files know it.

use std::{collections::BTreeMap, fmt};

/// How a condition is made wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A condition is always true, or always false.
    Forced,
    /// One operand of `&&` or `||` is left out.
    Dropped,
    /// A comparison is another one: `<` becomes `<=`, `==` becomes `!=`.
    Compared,
    /// `if let` or `while let` never matches.
    Unmatched,
    /// A function gives the same answer to everybody.
    Answered,
}

impl Kind {
    /// All kinds, in the order of the table.
    pub const ALL: [Self; 5] = [
        Self::Forced,
        Self::Dropped,
        Self::Compared,
        Self::Unmatched,
        Self::Answered,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forced => "condition always true or false",
            Self::Dropped => "operand of `&&` or `||` left out",
            Self::Compared => "comparison moved",
            Self::Unmatched => "`if let` never matches",
            Self::Answered => "answer of a function fixed",
        })
    }
}

/// One way to be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The value of `MUTANT` that switches it on. It is another one when the code has changed; the name stays.
    pub number: u32,
    /// The file, as `gr-proto/inbox.rs`.
    pub file: String,
    /// The function, as `Inbox::admit`.
    pub function: String,
    /// The line, from 1.
    pub line: usize,
    /// How it is wrong.
    pub kind: Kind,
    /// The condition as it is written, on one line.
    pub from: String,
    /// What it becomes.
    pub to: String,
    /// Which one of those that look the same in one function, from 1.
    pub ordinal: u32,
}

impl Mutant {
    /// The name: it stays when other code changes, and is another one when the condition changes.
    pub fn name(&self) -> String {
        let ordinal = match self.ordinal {
            1 => String::new(),
            n => format!(" ({n})"),
        };
        format!(
            "{} {}: `{}` becomes `{}`{ordinal}",
            self.file, self.function, self.from, self.to
        )
    }
}

/// Tells apart mutants that look the same.
pub fn number_equals(mutants: &mut [Mutant]) {
    let mut seen = BTreeMap::new();
    for mutant in mutants {
        let ordinal = seen.entry(mutant.name()).or_insert(0);
        *ordinal += 1;
        mutant.ordinal = *ordinal;
    }
}

/// A piece of source on one line, cut where nobody would read on.
pub fn one_line(text: &str) -> String {
    const CHARACTERS_MAX: usize = 110;
    let words: Vec<_> = text.split_whitespace().collect();
    let line = words.join(" ").replace('`', "'");
    match line.char_indices().nth(CHARACTERS_MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
