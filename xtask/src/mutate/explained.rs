//! Why a survivor changes nothing that anybody promised: `docs/mutants-explained.toml`, which is kept by hand.

use std::{collections::BTreeMap, fs};

use toml::{Table, Value};

use crate::{failure::Failure, paths};

/// The file, from the top of the clone.
pub const FILE: &str = "docs/mutants-explained.toml";

/// A reason, with the mutants that it explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// In a sentence.
    pub why: String,
    /// The names of mutants.
    pub mutants: Vec<String>,
}

/// Reads the file.
pub fn read() -> Result<Vec<Reason>, Failure> {
    let path = paths::root().join(FILE);
    let text = fs::read_to_string(&path).map_err(|source| Failure::io("read", &path, &source))?;
    parse(&text).map_err(|what| Failure::new(what).at(path.display()))
}

fn parse(text: &str) -> Result<Vec<Reason>, String> {
    let file = text.parse::<Table>().map_err(|error| error.to_string())?;
    let reasons = file.get("reason").and_then(Value::as_array);
    let reasons = reasons.map_or(&[][..], Vec::as_slice);
    let mut seen = BTreeMap::new();
    let read = |entry: &Value| {
        let why = entry.get("why").and_then(Value::as_str);
        let mutants = entry.get("mutants").and_then(Value::as_array);
        let mutants = mutants.and_then(|names| {
            names
                .iter()
                .map(|name| name.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
        });
        match (why, mutants) {
            (Some(why), Some(mutants)) => Ok(Reason {
                why: why.trim().to_owned(),
                mutants,
            }),
            _ => Err("a reason is a table with `why` and `mutants`, a list of names".to_owned()),
        }
    };
    let reasons = reasons.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for name in reasons.iter().flat_map(|reason| &reason.mutants) {
        if seen.insert(name.clone(), ()).is_some() {
            return Err(format!("explained twice: {name}"));
        }
    }
    Ok(reasons)
}

/// What does not fit together: survivors without a reason, and reasons for what did not survive.
pub fn misfits(survivors: &[String], reasons: &[Reason]) -> Vec<String> {
    let explained: Vec<_> = reasons.iter().flat_map(|reason| &reason.mutants).collect();
    let missing = survivors.iter().filter(|name| !explained.contains(name));
    let spare = explained.iter().filter(|name| !survivors.contains(name));
    missing
        .map(|name| format!("survived, and nothing says why: {name}"))
        .chain(spare.map(|name| format!("explained, and no survivor: {name}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_survivor_without_a_reason_and_a_reason_without_a_survivor_are_misfits() {
        let text = "[[reason]]\nwhy = 'Only a log line.'\nmutants = ['a', 'b']\n";
        let reasons = parse(text).unwrap();
        let survivors = ["b", "c"].map(str::to_owned);
        assert_eq!(
            misfits(&survivors, &reasons),
            [
                "survived, and nothing says why: c",
                "explained, and no survivor: a"
            ]
        );
    }

    #[test]
    fn a_mutant_is_explained_once() {
        let text =
            "[[reason]]\nwhy = 'x'\nmutants = ['a']\n[[reason]]\nwhy = 'y'\nmutants = ['a']\n";
        assert_eq!(parse(text).unwrap_err(), "explained twice: a");
        assert!(parse("[[reason]]\nwhy = 'x'\n").is_err());
    }
}
