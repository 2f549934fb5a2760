//! An administrator's word to a task that deletes users, given with the numbers that it will delete.

use crate::cli::Failure;
use crate::counted::counted;
use contract::TaskCounts;
use std::io::{BufRead, IsTerminal};

/// Above so many per cent of a server's users a plain yes is not enough: the number of deletions has to be repeated.
const PLAIN_YES_PERCENT_MAX: u64 = 10;

/// How the word is given.
#[derive(clap::Args)]
pub struct Consent {
    /// Do not ask. Where more than 10 % of the users would be deleted, --allow-deletes is needed too.
    #[arg(long)]
    yes: bool,
    /// Agree to just so many deleted users, both servers together.
    #[arg(long, value_name = "N")]
    allow_deletes: Option<u64>,
}

/// What is needed before a task may begin.
#[derive(Debug, PartialEq, Eq)]
enum Need {
    /// Nothing more.
    Nothing,
    /// A yes.
    Yes,
    /// The number of deletions, typed.
    Number(u64),
}

impl Consent {
    /// Asks, where something is left to be asked. `users` is how many there are here now.
    pub async fn obtain(&self, what: &str, counts: &TaskCounts, users: u64) -> Result<(), Failure> {
        let need = self.need(counts, users)?;
        let question = match need {
            Need::Nothing => return Ok(()),
            Need::Yes => format!("Start the {what}? [y/N] "),
            Need::Number(n) => format!(
                "More than {PLAIN_YES_PERCENT_MAX} % of the users would be deleted. Type the number of deleted users to go on ({n}): "
            ),
        };
        if !std::io::stdin().is_terminal() {
            return Err(Failure::new(match need {
                Need::Number(n) => format!(
                    "The {what} would delete {}, more than {PLAIN_YES_PERCENT_MAX} % of them. Add --allow-deletes {n} if that is \
                     right. Nothing was changed.",
                    counted(n, "user", "users")
                ),
                _ => format!(
                    "The {what} asks first. Add --yes to start it without being asked. Nothing was changed."
                ),
            }));
        }
        let answer = ask(question).await?;
        let given = match need {
            Need::Number(n) => answer.parse() == Ok(n),
            _ => matches!(answer.as_str(), "y" | "Y" | "yes"),
        };
        if given {
            Ok(())
        } else {
            Err(Failure::new("Nothing was changed."))
        }
    }

    fn need(&self, counts: &TaskCounts, users: u64) -> Result<Need, Failure> {
        let deletes = counts.deleted_here + counts.deleted_there;
        if let Some(allowed) = self.allow_deletes {
            return if allowed == deletes {
                Ok(Need::Nothing)
            } else {
                Err(Failure::new(format!(
                    "{} would be deleted, not {allowed}. Nothing was changed.",
                    counted(deletes, "user", "users")
                )))
            };
        }
        if many(counts, users) {
            if self.yes {
                return Err(Failure::new(format!(
                    "{} would be deleted, more than {PLAIN_YES_PERCENT_MAX} % of them: --yes alone does not cover that. Add \
                     --allow-deletes {deletes} if it is right. Nothing was changed.",
                    counted(deletes, "user", "users")
                )));
            }
            return Ok(Need::Number(deletes));
        }
        Ok(if self.yes { Need::Nothing } else { Need::Yes })
    }
}

/// Whether more than a tenth of the users of either server would be deleted. In the end both have the same users, which tells how many the
/// partner has now.
fn many(counts: &TaskCounts, users: u64) -> bool {
    let is_many = |gone: u64, all: u64| gone * 100 > all * PLAIN_YES_PERCENT_MAX;
    let in_the_end = (users + counts.created_here).saturating_sub(counts.deleted_here);
    let there = (in_the_end + counts.deleted_there).saturating_sub(counts.created_there);
    is_many(counts.deleted_here, users) || is_many(counts.deleted_there, there)
}

/// Reads a line, or gives up when somebody presses Ctrl-C.
async fn ask(question: String) -> Result<String, Failure> {
    let line = tokio::task::spawn_blocking(move || {
        eprint!("{question}");
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        read.map(|_| line)
    });
    tokio::select! {
        line = line => match line {
            Ok(Ok(line)) => Ok(line.trim().to_owned()),
            Ok(Err(e)) => Err(Failure::new(e.to_string())),
            Err(e) => Err(Failure::new(e.to_string())),
        },
        _ = tokio::signal::ctrl_c() => Err(Failure::new("Nothing was changed.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(here: u64, there: u64) -> TaskCounts {
        TaskCounts {
            deleted_here: here,
            deleted_there: there,
            ..TaskCounts::default()
        }
    }

    fn need(yes: bool, allow_deletes: Option<u64>, counts: &TaskCounts) -> Result<Need, String> {
        let consent = Consent { yes, allow_deletes };
        consent
            .need(counts, 100)
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn up_to_a_tenth_a_yes_is_enough() {
        assert_eq!(need(false, None, &counts(10, 0)), Ok(Need::Yes));
        assert_eq!(need(true, None, &counts(10, 10)), Ok(Need::Nothing));
        assert_eq!(need(false, None, &counts(11, 0)), Ok(Need::Number(11)));
        assert_eq!(need(false, None, &counts(0, 15)), Ok(Need::Number(15)));
    }

    #[test]
    fn above_a_tenth_the_number_has_to_be_right() {
        assert_eq!(need(false, Some(15), &counts(11, 4)), Ok(Need::Nothing));
        assert!(
            need(true, Some(14), &counts(11, 4))
                .is_err_and(|e| e.contains("15 users would be deleted, not 14"))
        );
        assert!(need(true, None, &counts(11, 0)).is_err_and(|e| e.contains("--allow-deletes 11")));
        assert!(
            need(true, Some(3), &counts(2, 0)).is_err(),
            "a wrong number is wrong however few go"
        );
    }

    #[test]
    fn the_partners_users_are_counted_from_what_it_has_now() {
        // 300 here, of which 150 go; 125 there, of which 25 go and to which 50 come: 150 in the end.
        let resync = TaskCounts {
            created_there: 50,
            ..counts(150, 25)
        };
        assert!(many(&resync, 300));
        let few = TaskCounts {
            created_there: 50,
            ..counts(0, 13)
        };
        // 150 here stay; there are 113 now, and 13 of them are more than a tenth.
        assert!(many(&few, 150));
        assert!(!many(&counts(0, 13), 150));
    }
}
