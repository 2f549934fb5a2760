//! What became of each mutant in the last round, kept in `target/mutants/verdicts.tsv`: the next round begins with what noticed it,
//! and the table can be written again when a reason has been added.

use std::{collections::BTreeMap, fs, path::PathBuf};

use super::{copy, judge::Verdict};
use crate::failure::Failure;

/// A round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// The commit that was judged.
    pub commit: String,
    /// The first history.
    pub first: u64,
    /// How many there were for each mutant.
    pub histories: u64,
    /// The verdicts by the names of the mutants.
    pub verdicts: BTreeMap<String, Verdict>,
}

fn file() -> PathBuf {
    copy::folder().join("verdicts.tsv")
}

impl Round {
    /// The last round; an empty one if there was none.
    pub fn last() -> Self {
        fs::read_to_string(file()).map_or_else(|_| Self::default(), |text| Self::read(&text))
    }

    fn read(text: &str) -> Self {
        let mut round = Self::default();
        for line in text.lines() {
            match line.split_once('\t') {
                Some(("commit", commit)) => commit.clone_into(&mut round.commit),
                Some(("first", first)) => round.first = first.parse().unwrap_or_default(),
                Some(("histories", count)) => round.histories = count.parse().unwrap_or_default(),
                Some((name, verdict)) => {
                    let verdict = Verdict::read(verdict);
                    round
                        .verdicts
                        .extend(verdict.map(|verdict| (name.to_owned(), verdict)));
                }
                None => {}
            }
        }
        round
    }

    /// Keeps it for the next time.
    pub fn keep(&self) -> Result<(), Failure> {
        let path = file();
        fs::write(&path, self.written()).map_err(|source| Failure::io("write", &path, &source))
    }

    fn written(&self) -> String {
        let mut text = format!(
            "commit\t{}\nfirst\t{}\nhistories\t{}\n",
            self.commit, self.first, self.histories
        );
        for (name, verdict) in &self.verdicts {
            text.push_str(&format!("{name}\t{verdict}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_read_as_it_was_written() {
        let name = |n: u32| format!("gr-proto/a.rs f: `a{n}` becomes `true`");
        let round = Round {
            commit: "abc".to_owned(),
            first: u64::MAX,
            histories: 2000,
            verdicts: BTreeMap::from([
                (name(1), Verdict::Test("gr-proto held".to_owned())),
                (name(2), Verdict::History("safe is safe".to_owned())),
                (name(3), Verdict::Survived),
            ]),
        };
        assert_eq!(Round::read(&round.written()), round);
    }
}
