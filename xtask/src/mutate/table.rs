//! `docs/mutants.md`: what became of the mutants, in numbers, and every survivor with its reason.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    explained::{self, Reason},
    judge::Verdict,
    mutant::{Kind, Mutant},
    verdicts::Round,
};

/// The file, from the top of the clone.
pub const FILE: &str = "docs/mutants.md";

const SURVIVORS: &str = "## Survivors";

/// Counts of one line of a table.
#[derive(Default, Clone, Copy)]
struct Counts {
    mutants: usize,
    by_tests: usize,
    by_histories: usize,
}

impl Counts {
    fn add(&mut self, verdict: &Verdict) {
        self.mutants += 1;
        match verdict {
            Verdict::Test(_) => self.by_tests += 1,
            Verdict::History(_) => self.by_histories += 1,
            Verdict::Survived => {}
        }
    }

    fn survived(self) -> usize {
        self.mutants - self.by_tests - self.by_histories
    }

    fn line(self, name: &str) -> String {
        let Self {
            mutants,
            by_tests,
            by_histories,
        } = self;
        let survived = self.survived();
        format!("| {name} | {mutants} | {by_tests} | {by_histories} | {survived} |\n")
    }
}

/// The whole document.
pub fn write(mutants: &[Mutant], round: &Round, reasons: &[Reason]) -> String {
    let judged: Vec<(&Mutant, &Verdict)> = mutants
        .iter()
        .filter_map(|mutant| Some((mutant, round.verdicts.get(&mutant.name())?)))
        .collect();
    let mut all = Counts::default();
    judged.iter().for_each(|(_, verdict)| all.add(verdict));
    let mut text = beginning(round, all, mutants.len());
    text.push_str(&by_file(&judged));
    text.push_str(&by_kind(&judged));
    text.push_str(&by_promise(&judged));
    text.push_str(&survivors(&judged, reasons));
    text
}

fn beginning(round: &Round, all: Counts, there_are: usize) -> String {
    let noticed = all.by_tests + all.by_histories;
    let percent = 100.0 * noticed as f64 / all.mutants.max(1) as f64;
    let end = round.first + round.histories;
    let part = if all.mutants < there_are {
        format!(" (of {there_are} that there are, drawn by chance)")
    } else {
        String::new()
    };
    format!(
        "# Mutants of the engine\n\n\
        Written by `cargo xtask mutate`, not by hand. Every condition of `gr-proto` and `domain` is made wrong in each way that a table in \
        `xtask/src/mutate/find.rs` knows, one at a time; then the tests of both packages run, and {} histories of the simulator from a random \
        place, each once. What fails with a mutant and holds without it has noticed the mutant. A loop without end counts as noticed.\n\n\
        **{} mutants{part}, {noticed} noticed ({percent:.1} %), {} survived**, at commit `{}`, with the histories `--seeds {}..{end}`.\n\n",
        round.histories,
        all.mutants,
        all.survived(),
        round.commit,
        round.first,
    )
}

const HEAD: &str =
    "| mutants | noticed by tests | by histories | survived |\n|---|---|---|---|---|\n";

fn by_file(judged: &[(&Mutant, &Verdict)]) -> String {
    let mut files: BTreeMap<&str, Counts> = BTreeMap::new();
    for (mutant, verdict) in judged {
        files.entry(&mutant.file).or_default().add(verdict);
    }
    let lines = files
        .iter()
        .map(|(file, counts)| counts.line(&format!("`{file}`")));
    format!("## By file\n| file {HEAD}{}\n", lines.collect::<String>())
}

fn by_kind(judged: &[(&Mutant, &Verdict)]) -> String {
    let lines = Kind::ALL.map(|kind| {
        let mut counts = Counts::default();
        let of_kind = judged.iter().filter(|(mutant, _)| mutant.kind == kind);
        of_kind.for_each(|(_, verdict)| counts.add(verdict));
        counts.line(&kind.to_string())
    });
    format!("## By kind\n| kind {HEAD}{}\n", lines.concat())
}

/// Which promises of the simulator noticed something that no test had noticed before.
fn by_promise(judged: &[(&Mutant, &Verdict)]) -> String {
    let mut checks: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, verdict) in judged {
        if let Verdict::History(check) = verdict {
            *checks.entry(check).or_default() += 1;
        }
    }
    let lines = checks
        .iter()
        .map(|(check, count)| format!("| {check} | {count} |\n"));
    format!(
        "## By promise\nWhat the histories noticed after every test had passed.\n\n| promise | mutants |\n|---|---|\n{}\n",
        lines.collect::<String>()
    )
}

fn survivors(judged: &[(&Mutant, &Verdict)], reasons: &[Reason]) -> String {
    let survived = judged
        .iter()
        .filter(|(_, verdict)| **verdict == Verdict::Survived);
    let lines: BTreeMap<String, usize> = survived
        .map(|(mutant, _)| (mutant.name(), mutant.line))
        .collect();
    let mut text = format!(
        "{SURVIVORS}\nThe reasons are kept in `{}`.\n",
        explained::FILE
    );
    let mut left = lines.clone();
    for reason in reasons {
        let names = reason
            .mutants
            .iter()
            .filter(|name| lines.contains_key(*name));
        let listed: String = names
            .inspect(|name| _ = left.remove(*name))
            .map(|name| entry(name, lines[name]))
            .collect();
        if !listed.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n**{}**\n{listed}", reason.why);
        }
    }
    if !left.is_empty() {
        let listed: String = left.iter().map(|(name, line)| entry(name, *line)).collect();
        let _ = write!(text, "\n**Not explained.**\n{listed}");
    }
    text
}

fn entry(name: &str, line: usize) -> String {
    format!("- {name}, line {line}\n")
}

/// The names of the survivors in a document.
pub fn read_survivors(document: &str) -> Vec<String> {
    let (_, survivors) = document.split_once(SURVIVORS).unwrap_or_default();
    let names = survivors.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("- ")?.rsplit_once(", line ")?;
        Some(name.to_owned())
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(number: u32, from: &str) -> Mutant {
        Mutant {
            number,
            file: "gr-proto/a.rs".to_owned(),
            function: "f".to_owned(),
            line: 7,
            kind: Kind::Forced,
            from: from.to_owned(),
            to: "true".to_owned(),
            ordinal: 1,
        }
    }

    #[test]
    fn the_table_counts_and_lists_every_survivor_under_its_reason() {
        let mutants = [mutant(1, "a"), mutant(2, "b"), mutant(3, "c || d")];
        let mut round = Round::default();
        let verdicts = [
            Verdict::History("safe is safe".to_owned()),
            Verdict::Survived,
            Verdict::Survived,
        ];
        for (mutant, verdict) in mutants.iter().zip(verdicts) {
            round.verdicts.insert(mutant.name(), verdict);
        }
        let reasons = [Reason {
            why: "It saves a look.".to_owned(),
            mutants: vec![mutants[1].name()],
        }];
        let document = write(&mutants, &round, &reasons);
        assert!(
            document.contains("**3 mutants, 1 noticed (33.3 %), 2 survived**"),
            "{document}"
        );
        assert!(
            document.contains("| `gr-proto/a.rs` | 3 | 0 | 1 | 2 |"),
            "{document}"
        );
        assert!(
            document.contains("**It saves a look.**\n- gr-proto/a.rs f: `b`"),
            "{document}"
        );
        assert!(
            document.contains("**Not explained.**\n- gr-proto/a.rs f: `c || d`"),
            "{document}"
        );
        let names = [mutants[1].name(), mutants[2].name()];
        assert_eq!(read_survivors(&document), names);
    }
}
