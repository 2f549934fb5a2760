//! Address lists (RFC 5322 section 3.4), read leniently and written strictly.

use super::word;
use crate::limits::{ADDRESS_CHARS_MAX, NAME_CHARS_MAX, PARTIES_MAX, PHRASE_LEN_MAX, shown_own};

/// Somebody named in a header field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Party {
    /// The text name, if one stood beside the address. Of a name that was read, at most [`NAME_CHARS_MAX`] characters.
    pub name: Option<String>,
    /// `mailbox@domain`, without angle brackets. Of an address that was read, at most [`ADDRESS_CHARS_MAX`] characters.
    pub address: String,
}

impl Party {
    /// A party without a text name.
    pub fn new(address: impl Into<String>) -> Party {
        Party {
            name: None,
            address: address.into(),
        }
    }

    /// A party with a text name.
    pub fn named(name: impl Into<String>, address: impl Into<String>) -> Party {
        Party {
            name: Some(name.into()),
            address: address.into(),
        }
    }

    /// What a person should see: the name, or else what stands before the `@`.
    pub fn display(&self) -> &str {
        match &self.name {
            Some(name) => name,
            None => self
                .address
                .rsplit_once('@')
                .map_or(&self.address, |(local, _)| local),
        }
    }

    /// Reads the addresses of a field, the first [`PARTIES_MAX`]. Knows names in quotes, comments as names, groups, source routes
    /// and encoded words; passes over what has no address.
    pub fn read_list(text: &str) -> Vec<Party> {
        Party::read_first(text, PARTIES_MAX)
    }

    /// Reads the first `most` addresses of a field.
    pub(crate) fn read_first(text: &str, most: usize) -> Vec<Party> {
        let mut reader = ListReader::default();
        let mut chars = text.chars();
        while reader.parties.len() < most {
            match chars.next() {
                Some(c) => reader.take(c, &mut chars),
                None => {
                    reader.flush();
                    break;
                }
            }
        }
        reader.parties
    }
}

impl std::fmt::Display for Party {
    /// The strict form: `"Parsons, Glenn" <12145551234@vm1.example>`, ASCII only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(name) = self.name.as_deref().filter(|name| !name.is_empty()) else {
            return write!(f, "<{}>", self.address);
        };
        let encoded = word::encode(name);
        let atoms = |c: char| c.is_ascii_alphanumeric() || " !#$%&'*+-/=?^_`{|}~".contains(c);
        if encoded != name || name.chars().all(atoms) {
            return write!(f, "{encoded} <{}>", self.address);
        }
        let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "\"{escaped}\" <{}>", self.address)
    }
}

#[derive(Default)]
struct ListReader {
    parties: Vec<Party>,
    /// Words outside brackets and comments: a name, or an address without brackets.
    phrase: String,
    comment: String,
    bracketed: Option<String>,
    in_bracket: bool,
    in_quotes: bool,
    comment_depth: usize,
}

impl ListReader {
    fn take(&mut self, c: char, rest: &mut std::str::Chars<'_>) {
        if self.comment_depth > 0 {
            return self.take_in_comment(c, rest);
        }
        match c {
            '\\' if self.in_quotes => self.push_all(rest.next()),
            '"' => self.in_quotes = !self.in_quotes,
            _ if self.in_quotes => self.push_all(Some(c)),
            '(' => {
                self.comment_depth = 1;
                self.comment.clear();
            }
            '<' if !self.in_bracket => {
                self.in_bracket = true;
                self.bracketed = Some(String::new());
            }
            '>' => self.in_bracket = false,
            _ if self.in_bracket => self.push_all(Some(c).filter(|c| !c.is_whitespace())),
            ',' | ';' => self.flush(),
            // The name of a group: only its members have addresses.
            ':' => self.phrase.clear(),
            _ => push(&mut self.phrase, Some(c)),
        }
    }

    fn take_in_comment(&mut self, c: char, rest: &mut std::str::Chars<'_>) {
        match c {
            '\\' => return push(&mut self.comment, rest.next()),
            '(' => self.comment_depth += 1,
            ')' => self.comment_depth -= 1,
            _ => {}
        }
        if self.comment_depth > 0 {
            push(&mut self.comment, Some(c));
        }
    }

    fn push_all(&mut self, c: Option<char>) {
        match &mut self.bracketed {
            Some(bracketed) if self.in_bracket => push(bracketed, c),
            _ => push(&mut self.phrase, c),
        }
    }

    fn flush(&mut self) {
        let phrase = std::mem::take(&mut self.phrase);
        let comment = std::mem::take(&mut self.comment);
        let (name, address) = match self.bracketed.take() {
            Some(route) => {
                // `@relay,@relay:mailbox@domain` (RFC 5322 section 4.4): the route is of no use today.
                let address = if route.starts_with('@') {
                    route.rsplit(':').next().unwrap_or_default()
                } else {
                    &route
                };
                (phrase, address.to_string())
            }
            None => (comment, phrase.split_whitespace().collect()),
        };
        self.in_bracket = false;
        if address.is_empty() {
            return;
        }
        let name = word::decode(
            name.split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .as_str(),
        );
        self.parties.push(Party {
            name: Some(shown_own(name, NAME_CHARS_MAX)).filter(|name| !name.is_empty()),
            address: shown_own(address, ADDRESS_CHARS_MAX),
        });
    }
}

/// Appends while there is room: what is longer than [`PHRASE_LEN_MAX`] is no name and no address.
fn push(phrase: &mut String, c: Option<char>) {
    phrase.extend(c.filter(|_| phrase.len() < PHRASE_LEN_MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_come_in_many_forms() {
        let list = "\"Parsons, Glenn\" <12145551234@VM1.mycompany.com>, a@b (Anna (x)), <@r1,@r2:c@d>,\
                    =?utf-8?q?J=C3=B6rg?= <e@f>, team: g@h, <i@j>;, , MAILER-DAEMON";
        let expected = [
            Party::named("Parsons, Glenn", "12145551234@VM1.mycompany.com"),
            Party::named("Anna (x)", "a@b"),
            Party::new("c@d"),
            Party::named("Jörg", "e@f"),
            Party::new("g@h"),
            Party::new("i@j"),
            Party::new("MAILER-DAEMON"),
        ];
        assert_eq!(Party::read_list(list), expected);
    }

    #[test]
    fn broken_lists_give_what_there_is() {
        assert_eq!(
            Party::read_list("\"never closed <a@b>"),
            [Party::new("neverclosed<a@b>")]
        );
        assert_eq!(Party::read_list("Ann <a@b"), [Party::named("Ann", "a@b")]);
        assert_eq!(Party::read_list("(((("), []);
        assert_eq!(Party::read_list("a\\"), [Party::new("a\\")]);
    }

    #[test]
    fn a_list_without_end_gives_its_first_and_long_names_are_cut() {
        assert_eq!(Party::read_list(&"a@b,".repeat(100_000)).len(), PARTIES_MAX);
        assert_eq!(Party::read_first("a@b, c@d", 1), [Party::new("a@b")]);
        assert_eq!(Party::read_first("a@b", 0), []);
        let long = format!("{} <a{}@b>", "é".repeat(100_000), "x".repeat(100_000));
        let party = &Party::read_list(&long)[0];
        let name = party.name.as_deref().expect("a name");
        assert_eq!(name.chars().count(), NAME_CHARS_MAX);
        assert!(name.ends_with('…') && party.address.ends_with('…'));
        assert_eq!(party.address.chars().count(), ADDRESS_CHARS_MAX);
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for party in [
            Party::new("a@b"),
            Party::named("Ann Onym", "+17035245550+230@vm.example"),
            Party::named("O\"Hara, \\ (Scarlett)", "a@b"),
            Party::named("Jörg Müßig", "a@b"),
        ] {
            let text = party.to_string();
            assert!(text.is_ascii());
            assert_eq!(Party::read_list(&text), [party]);
        }
    }

    #[test]
    fn the_name_is_shown_before_the_number() {
        assert_eq!(Party::named("Ann", "22@x").display(), "Ann");
        assert_eq!(Party::new("22@x").display(), "22");
        assert_eq!(Party::new("MAILER-DAEMON").display(), "MAILER-DAEMON");
    }
}
