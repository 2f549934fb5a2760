//! Search and filter over the messages that are here. The server looks through all (`mailbox::find`).

use super::telephone;
use contract::{Kind, MessageRow};

/// Which kinds of messages the list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// All of them.
    #[default]
    All,
    /// Not yet heard or read.
    New,
    /// Marked urgent.
    Urgent,
    /// With sound.
    Voice,
    /// With fax pages.
    Fax,
}

impl Show {
    /// All choices, in the order of the menu.
    pub const ALL: [Self; 5] = [Self::All, Self::New, Self::Urgent, Self::Voice, Self::Fax];

    /// Its name in the menu.
    pub fn words(self) -> &'static str {
        match self {
            Self::All => "All messages",
            Self::New => "New only",
            Self::Urgent => "Urgent only",
            Self::Voice => "Voice only",
            Self::Fax => "Fax only",
        }
    }

    /// The kind of message that is wanted, if it is one.
    pub fn kind(self) -> Option<Kind> {
        match self {
            Self::Voice => Some(Kind::Voice),
            Self::Fax => Some(Kind::Fax),
            Self::All | Self::New | Self::Urgent => None,
        }
    }

    /// Whether a row is of the wanted kind.
    pub fn takes(self, row: &MessageRow) -> bool {
        match self {
            Self::All => true,
            Self::New => row.unread,
            Self::Urgent => row.urgent,
            Self::Voice => matches!(row.kind, Kind::Voice | Kind::Mixed),
            Self::Fax => matches!(row.kind, Kind::Fax | Kind::Mixed),
        }
    }
}

/// Whether a row is shown: it is of the wanted kind, and each word of the query stands in its sender, number or subject. Case does
/// not matter: `small` makes letters small, as the caller's platform does it for every script.
pub fn fits(row: &MessageRow, show: Show, query: &str, small: &dyn Fn(&str) -> String) -> bool {
    if !show.takes(row) {
        return false;
    }
    if query.trim().is_empty() {
        return true;
    }
    let sender = &row.sender;
    let number = sender.number.as_deref().unwrap_or_default();
    let grouped = telephone::grouped(number);
    let text = [
        sender.name.as_str(),
        sender.address.as_str(),
        number,
        &grouped,
        row.subject.as_str(),
    ]
    .map(small);
    // Of what one has sent, those to whom it went are what one remembers.
    let to: Vec<String> = row.sent_to.iter().map(|to| small(&to.name)).collect();
    query.split_whitespace().all(|word| {
        let word = small(word);
        text.iter().chain(&to).any(|part| holds(part, &word))
    })
}

/// Whether `words` stand in `text`. Messages are short: what `str::contains` does for long texts would be 4 kB more to send.
pub fn holds(text: &str, words: &str) -> bool {
    let (text, words) = (text.as_bytes(), words.as_bytes());
    words.is_empty() || text.windows(words.len()).any(|part| part == words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::row;

    #[test]
    fn each_word_must_stand_somewhere_in_sender_number_or_subject() {
        let row = row(1, 0);
        for query in ["", "mira", "TANDELL new", "7213", "delivery mira"] {
            assert!(fits(&row, Show::All, query, &str::to_lowercase), "{query}");
        }
        assert!(!fits(&row, Show::All, "mira halvik", &str::to_lowercase));
    }

    #[test]
    fn words_stand_in_a_text_at_its_ends_too_and_nothing_stands_everywhere() {
        for words in ["", "Mira", "dell", "ra Ta", "Mira Tandell"] {
            assert!(holds("Mira Tandell", words), "{words}");
        }
        assert!(!holds("Mira", "Mira Tandell"));
        assert!(!holds("Mira", "Mirk"));
        assert!(holds("", "") && !holds("", "a"));
    }

    #[test]
    fn the_filter_narrows_what_the_search_finds() {
        let heard = row(1, 0);
        let urgent = MessageRow {
            urgent: true,
            unread: true,
            kind: Kind::Mixed,
            ..heard.clone()
        };
        let shown = |row| Show::ALL.map(|show| fits(row, show, "mira", &str::to_lowercase));
        assert_eq!(shown(&heard), [true, false, false, true, false]);
        assert_eq!(shown(&urgent), [true; 5]);
    }
}
