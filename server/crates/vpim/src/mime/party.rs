//! Address lists (RFC 5322 section 3.4), read leniently and written strictly.

use super::word::{self, EncodedWord};
use crate::legible;
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
    /// and encoded words, also where they hold all of it. The address of somebody of whom only a name is given is empty.
    pub fn read_list(text: &str) -> Vec<Party> {
        Party::read_first(text, PARTIES_MAX)
    }

    /// Reads the first `most` addresses of a field.
    pub(crate) fn read_first(text: &str, most: usize) -> Vec<Party> {
        let mut reader = ListReader::default();
        let mut rest = text;
        while reader.parties.len() < most {
            if let Some(len) = reader.encoded_word(rest) {
                rest = &rest[len..];
                continue;
            }
            let mut chars = rest.chars();
            match chars.next() {
                Some(c) => reader.take(c, &mut chars),
                None => {
                    reader.flush();
                    break;
                }
            }
            rest = chars.as_str();
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
    /// The comment that stood between a name and the bracket.
    comment_beside: String,
    bracketed: Option<String>,
    in_bracket: bool,
    in_quotes: bool,
    /// Something of the phrase stood in quotes or was encoded, as only names are.
    is_quoted: bool,
    comment_depth: usize,
}

impl ListReader {
    /// Takes an encoded word in one: a comma in it parts nothing (RFC 2047 section 5 forbids it, and it comes). Gives its length.
    fn encoded_word(&mut self, text: &str) -> Option<usize> {
        if self.in_bracket || !text.starts_with("=?") {
            return None;
        }
        let word = EncodedWord::at_front(text)?;
        if self.in_quotes && word.payload.contains('"') {
            return None;
        }
        let into = if self.comment_depth > 0 {
            &mut self.comment
        } else {
            self.is_quoted = true;
            &mut self.phrase
        };
        text[..word.len].chars().for_each(|c| push(into, Some(c)));
        Some(word.len)
    }

    fn take(&mut self, c: char, rest: &mut std::str::Chars<'_>) {
        if self.comment_depth > 0 {
            return self.take_in_comment(c, rest);
        }
        match c {
            '\\' if self.in_quotes => self.push_all(rest.next()),
            '"' => {
                self.in_quotes = !self.in_quotes;
                self.is_quoted |= !self.in_bracket;
            }
            _ if self.in_quotes => self.push_all(Some(c)),
            '(' => {
                self.comment_depth = 1;
                self.comment.clear();
            }
            '<' if !self.in_bracket => {
                self.in_bracket = true;
                self.bracketed = Some(String::new());
                self.comment_beside.clone_from(&self.comment);
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
        let phrase = one_line(&self.phrase);
        // The buffers are kept: a list of nothing costs nothing.
        self.phrase.clear();
        let is_quoted = std::mem::take(&mut self.is_quoted);
        self.in_bracket = false;
        let beside = std::mem::take(&mut self.comment_beside);
        let (name, address) = match self.bracketed.take() {
            Some(route) => {
                // `@relay,@relay:mailbox@domain` (RFC 5322 section 4.4): the route is of no use today.
                let address = if route.starts_with('@') {
                    route.rsplit(':').next().unwrap_or_default()
                } else {
                    &route
                };
                let name = if is_quoted || beside.is_empty() || phrase.is_empty() {
                    phrase
                } else {
                    format!("{phrase} ({})", one_line(&beside))
                };
                (name, address.to_string())
            }
            None => without_brackets(phrase, is_quoted),
        };
        let name = if name.is_empty() && !address.is_empty() {
            one_line(&self.comment)
        } else {
            name
        };
        self.comment.clear();
        let party = Party {
            name: Some(shown_own(name, NAME_CHARS_MAX)).filter(|name| !name.is_empty()),
            address: shown_own(seen_address(&address), ADDRESS_CHARS_MAX),
        };
        if party.name.is_some() || !party.address.is_empty() {
            self.parties.push(party);
        }
    }
}

/// An address without what nobody sees in it, so that it is the one that it looks like. Of a telephone's address (RFC 3261 section 19.1) what
/// stands in the place of one of mail.
fn seen_address(address: &str) -> String {
    let seen: String = address
        .chars()
        .filter(|&c| !legible::is_invisible(c))
        .collect();
    let Some((scheme, rest)) = seen.split_once(':') else {
        return seen;
    };
    let is_telephone = ["sip", "sips"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    let rest = rest.split([';', '?']).next().unwrap_or_default();
    let (front, port) = rest.rsplit_once(':').unwrap_or((rest, ""));
    let has_port = front.contains('@') && port.bytes().all(|byte| byte.is_ascii_digit());
    match (is_telephone, has_port) {
        (false, _) => seen,
        (true, false) => rest.to_string(),
        (true, true) => front.to_string(),
    }
}

/// Name and address of words without angle brackets: an address, or a name, or both.
fn without_brackets(phrase: String, is_quoted: bool) -> (String, String) {
    // Some senders put all of it into quotes or into an encoded word: `"Jörg <22@vm.example>"`.
    if let Some((name, rest)) = phrase.split_once('<') {
        let address = rest.split('>').next().unwrap_or_default();
        if address.contains('@') {
            let name = name.trim_matches(|c: char| c.is_whitespace() || c == '"');
            return (name.to_string(), address.split_whitespace().collect());
        }
    }
    let is_address = |word: &&str| {
        let at = word.find('@');
        at.is_some_and(|at| at > 0 && at + 1 < word.len())
    };
    if let Some(address) = phrase.split(' ').find(is_address) {
        let others = phrase.split(' ').filter(|&word| word != address);
        let name = others.collect::<Vec<_>>().join(" ");
        return (name, address.to_string());
    }
    let is_number = phrase
        .chars()
        .all(|c| c.is_ascii_digit() || "+-./ ".contains(c));
    let is_name = is_quoted || phrase.contains(' ') && !phrase.contains('@') || !phrase.is_ascii();
    if is_name && !is_number {
        (phrase, String::new())
    } else {
        (String::new(), phrase.split_whitespace().collect())
    }
}

/// A phrase with its encoded words decoded, and single blanks between words.
fn one_line(phrase: &str) -> String {
    let words = |text: &str| {
        let mut line = String::with_capacity(text.len());
        for word in text.split_whitespace() {
            line.extend((!line.is_empty()).then_some(' '));
            line.push_str(word);
        }
        line
    };
    let phrase = words(phrase);
    if phrase.contains("=?") {
        words(&word::decode(&phrase))
    } else {
        phrase
    }
}

/// Appends while there is room: what is longer than [`PHRASE_LEN_MAX`] is no name and no address. What is never shown is not kept either, so
/// that a list of it makes nothing.
fn push(phrase: &mut String, c: Option<char>) {
    let c = c.filter(|_| phrase.len() < PHRASE_LEN_MAX);
    phrase.extend(c.and_then(legible::in_line));
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
    fn an_encoded_word_is_one_word_whatever_it_holds() {
        let list = "=?UTF-8?Q?M=C3=BCller,_J=C3=B6rg?= <22@x>, =?utf-8?Q?\"A;_B\"_<:(?= <b@c>, \
                    \"=?utf-8?Q?M=C3=BCller,_J?=\" <c@d>, e@f (=?koi8-r?B?78zYx8E=?= =?utf-8?q?(x)?=), \
                    =?utf-8?Q?Pa=C5?= =?utf-8?Q?=BEa?= =?utf-8?q?never <g@h>";
        let expected = [
            Party::named("Müller, Jörg", "22@x"),
            Party::named("\"A; B\" <:(", "b@c"),
            Party::named("Müller, J", "c@d"),
            Party::named("Ольга(x)", "e@f"),
            Party::named("Paža =?utf-8?q?never", "g@h"),
        ];
        assert_eq!(Party::read_list(list), expected);
        let broken = Party::read_list("\"=?utf-8?q?a\" <a@b>, \"b?=\" <c@d>");
        assert_eq!(broken[1], Party::named("b?=", "c@d"));
    }

    #[test]
    fn names_and_addresses_come_without_brackets_too() {
        let whole = "=?utf-8?b?SsO2cmcgQW1zZWwgPDU1NTEwMDBAZWxzZXdoZXJlLmV4YW1wbGU+?=, \"Jörg <a@b>\", =?utf-8?q?c=40d?=";
        let expected = [
            Party::named("Jörg Amsel", "5551000@elsewhere.example"),
            Party::named("Jörg", "a@b"),
            Party::new("c@d"),
        ];
        assert_eq!(Party::read_list(whole), expected);
        let loose = "Ann Onym a@b, c @ d, +1 613 763, \"Onym, Ann\", Jörg Amsel, =?utf-8?q?Joerg?=, Ann <>, <e@f> (Eva)";
        let expected = [
            Party::named("Ann Onym", "a@b"),
            Party::new("c@d"),
            Party::new("+1613763"),
            Party::named("Onym, Ann", ""),
            Party::named("Jörg Amsel", ""),
            Party::named("Joerg", ""),
            Party::named("Ann", ""),
            Party::named("Eva", "e@f"),
        ];
        assert_eq!(Party::read_list(loose), expected);
    }

    #[test]
    fn nobody_can_turn_round_the_number_beside_a_name() {
        let list = "\"Evil \u{202e} Rabbit\" <5551000@x>, \"N\u{1b}]0;t\u{7}ame\" <\u{202e}22@x>, =?utf-8?q?=E2=80=AEa=1B?= <b@c>";
        let expected = [
            Party::named("Evil Rabbit", "5551000@x"),
            Party::named("N]0;tame", "22@x"),
            Party::named("a", "b@c"),
        ];
        assert_eq!(Party::read_list(list), expected);
    }

    #[test]
    fn an_address_is_the_one_that_it_looks_like() {
        for list in [
            "8002@a.example\u{200b}",
            "80\u{200d}02@a\u{200c}.example",
            "<8002\u{fe0f}@a.example\u{2060}>",
            "=?utf-8?q?8002=40a.example=E2=80=8B?=",
            "\"x <8002@a.example\u{e0041}\u{ad}>\"",
            "<8002@a.example\u{3164}\u{e0100}>",
        ] {
            assert_eq!(
                Party::read_list(list)[0].address,
                "8002@a.example",
                "{list:?}"
            );
        }
        assert_eq!(Party::read_list("\u{200d}, <\u{200b}>, \u{ad}"), []);
        for (list, address) in [
            ("<sip:1001@cucm.example>", "1001@cucm.example"),
            (
                "\"1001\" <SIPS:1001@[::1]:5061;transport=tcp?a=b>",
                "1001@[::1]",
            ),
            ("<sip:1001@[::1]>", "1001@[::1]"),
            ("<sip:+43155@gw;user=phone>", "+43155@gw"),
            ("<x:1001@gw>", "x:1001@gw"),
        ] {
            assert_eq!(Party::read_list(list)[0].address, address, "{list}");
        }
    }

    #[test]
    fn a_comment_beside_a_name_is_part_of_it() {
        let list = "Jörg Müller (CH) <a@b>, (x) <c@d>, Ann <e@f> (y), \"Eva\" (z) <g@h>, Max (=?utf-8?q?=C3=BC?=) <i@j>, Zoe <k@l>";
        let expected = [
            Party::named("Jörg Müller (CH)", "a@b"),
            Party::named("x", "c@d"),
            Party::named("Ann", "e@f"),
            Party::named("Eva", "g@h"),
            Party::named("Max (ü)", "i@j"),
            Party::named("Zoe", "k@l"),
        ];
        assert_eq!(Party::read_list(list), expected);
    }

    #[test]
    fn broken_lists_give_what_there_is() {
        assert_eq!(
            Party::read_list("\"never closed <a@b>"),
            [Party::named("never closed", "a@b")]
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
