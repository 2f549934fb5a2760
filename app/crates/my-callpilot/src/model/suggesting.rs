//! Whom the writer may mean while an address is typed.

use contract::{MessageRow, Party, ResolvedAddress};

/// So many are offered.
pub const OFFERED_MAX: usize = 6;

/// Somebody who is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Their name.
    pub name: String,
    /// Their address.
    pub address: String,
    /// What stands behind the name: the number, else the address.
    pub detail: String,
}

impl Suggestion {
    /// Somebody, if they can be written to.
    pub fn of(party: &Party) -> Option<Self> {
        let number = party.number.clone().unwrap_or_default();
        let address = match party.address.is_empty() {
            true => number.clone(),
            false => party.address.clone(),
        };
        let known = !address.is_empty() && !party.name.trim().is_empty();
        known.then(|| Self {
            name: party.name.trim().to_owned(),
            detail: if number.is_empty() {
                address.clone()
            } else {
                number
            },
            address,
        })
    }
}

/// Those of the address book behind those who are offered already, each once.
pub fn add_found(offered: &mut Vec<Suggestion>, found: &[ResolvedAddress]) {
    for one in found {
        if !offered.iter().any(|other| other.address == one.address) {
            offered.push(Suggestion {
                name: one.name.clone(),
                address: one.address.clone(),
                detail: one.number.clone(),
            });
        }
    }
    offered.truncate(OFFERED_MAX);
}

/// Those with whom messages were exchanged and who fit what is typed, the latest first, each once. `small` makes letters small.
pub fn known<'a>(
    rows: impl IntoIterator<Item = &'a MessageRow>,
    typed: &str,
    small: &dyn Fn(&str) -> String,
) -> Vec<Suggestion> {
    let typed = small(typed.trim());
    let mut offered: Vec<Suggestion> = Vec::new();
    if typed.is_empty() {
        return offered;
    }
    for row in rows {
        for party in row.sent_to.iter().chain([&row.sender]) {
            let Some(one) = Suggestion::of(party) else {
                continue;
            };
            let is_new = !offered.iter().any(|other| other.address == one.address);
            if is_new && fits(&one, &typed, small) {
                offered.push(one);
            }
        }
        if offered.len() >= OFFERED_MAX {
            break;
        }
    }
    offered.truncate(OFFERED_MAX);
    offered
}

/// Each word that is typed begins a word of the name, or the number or address begins so.
fn fits(one: &Suggestion, typed: &str, small: &dyn Fn(&str) -> String) -> bool {
    let name = small(&one.name);
    let begins = |word: &str| {
        name.split([' ', ',', '-', '.'])
            .any(|part| part.starts_with(word))
            || one.detail.starts_with(word)
            || one.address.starts_with(word)
    };
    typed.split_whitespace().all(begins)
}

/// The addresses in what was typed or pasted, and what is left to be gone on with.
pub fn addresses(typed: &str, all: bool) -> (Vec<String>, String) {
    let mut found: Vec<String> = typed
        .split([',', ';', '\n', '\r'])
        .map(|part| part.trim().to_owned())
        .collect();
    let rest = if all { None } else { found.pop() };
    found.retain(|part| !part.is_empty());
    (found, rest.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::row;

    #[test]
    fn each_word_begins_a_word_of_the_name_or_the_number() {
        let rows = [row(1, 0), row(2, 5)];
        let names = |typed| known(&rows, typed, &str::to_lowercase).len();
        for typed in ["mi", "TAN", "tan mir", "72", "7213@cp"] {
            assert_eq!(names(typed), 1, "{typed}");
        }
        for typed in ["", " ", "ndell", "mira halvik", "13"] {
            assert_eq!(names(typed), 0, "{typed}");
        }
    }

    #[test]
    fn whom_one_wrote_to_is_known_as_well() {
        let mut sent = row(1, 0);
        sent.sent_to = vec![Party {
            name: "Oren Halvik".into(),
            address: "7231@cp-south.example.net".into(),
            number: Some("7231".into()),
        }];
        let found = known([&sent], "hal", &str::to_lowercase);
        assert_eq!(found[0].detail, "7231");
    }

    #[test]
    fn several_addresses_can_be_typed_or_pasted_at_once() {
        let (found, rest) = addresses("7200, 7201;a@b.example\nmi", false);
        assert_eq!(found, ["7200", "7201", "a@b.example"]);
        assert_eq!(rest, "mi");
        let (found, rest) = addresses(" 7200 ", true);
        assert_eq!((found.len(), rest.as_str()), (1, ""));
    }
}
