//! Which messages of a folder a list shows: those with certain words in them, of a kind, unread, urgent, private, of a time.
//!
//! What is compared stands in the row of a message: its envelope, and the beginning of its texts, which a deposit puts beside it. So no
//! body is read, and what one request looks at is bounded: its page then ends early, with the place where the next one goes on.

mod folded;

use super::{OpError, OpResult};
use domain::{Envelope, Message, Object, Timestamp};
pub(super) use folded::folded;
use folded::number;

/// Characters of the words that are looked for, all together.
const WORDS_CHARS_MAX: usize = 200;
/// Words that are looked for at once.
const WORDS_MAX: usize = 10;
/// Rows that one request looks at.
const ROWS_MAX: usize = 2_000;
/// Bytes of text that one request looks through.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// What messages are to be like. By default anything.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Folded; every one has to be found.
    pub(super) words: Vec<String>,
    /// What it mainly is. A message with voice and fax is both.
    pub kind: Option<contract::Kind>,
    /// Not yet heard or read.
    pub unread: Option<bool>,
    /// Marked urgent by its sender.
    pub urgent: Option<bool>,
    /// Marked private by its sender.
    pub private: Option<bool>,
    /// Received at this moment or later.
    pub since: Option<Timestamp>,
    /// Received before this moment.
    pub until: Option<Timestamp>,
}

/// How much a request has looked at.
#[derive(Debug, Default)]
pub(super) struct Looked {
    rows: usize,
    bytes: usize,
}

impl MessageFilter {
    /// Looks for words, separated by white space, each of which has to stand somewhere in the sender's name, number or address, the subject or
    /// the text: in any letters, with or without accents, also as a part of a longer word.
    ///
    /// # Errors
    /// [`OpError::Invalid`] for more than is looked for at once.
    pub fn of_words(words: &str) -> OpResult<Self> {
        if words.chars().take(WORDS_CHARS_MAX + 1).count() > WORDS_CHARS_MAX {
            return Err(OpError::Invalid(format!(
                "At most {WORDS_CHARS_MAX} characters can be looked for."
            )));
        }
        let words = folded(words);
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        if words.len() > WORDS_MAX {
            return Err(OpError::Invalid(format!(
                "At most {WORDS_MAX} words can be looked for at once."
            )));
        }
        Ok(Self {
            words,
            ..Self::default()
        })
    }

    /// Whether it shows everything, but perhaps not of every time.
    pub(super) fn is_any(&self) -> bool {
        let Self {
            words,
            kind,
            unread,
            urgent,
            private,
            since: _,
            until: _,
        } = self;
        words.is_empty()
            && kind.is_none()
            && [unread, urgent, private].iter().all(|of| of.is_none())
    }

    /// Whether a message is to be shown.
    pub(super) fn shows(&self, object: &Object, looked: &mut Looked) -> bool {
        looked.rows += 1;
        let Some(message) = Message::of(object) else {
            return false;
        };
        if !fits(self.unread, message.unread()) {
            return false;
        }
        let of_envelope = [self.urgent, self.private].iter().any(Option::is_some);
        if self.words.is_empty() && self.kind.is_none() && !of_envelope {
            return true;
        }
        // What cannot be read of a row says nothing of itself, and is found by nothing.
        let Some(envelope) = message.envelope() else {
            return false;
        };
        self.kind.is_none_or(|kind| is_of_kind(&envelope, kind))
            && fits(self.urgent, envelope.urgent)
            && fits(self.private, envelope.private)
            && (self.words.is_empty() || self.finds(&message, &envelope, looked))
    }

    fn finds(&self, message: &Message<'_>, envelope: &Envelope, looked: &mut Looked) -> bool {
        let sender = &envelope.sender;
        let of_sender = [
            &*sender.name,
            sender.number.as_deref().unwrap_or_default(),
            &*sender.address,
        ];
        let texts = [&*envelope.subject, message.text().unwrap_or_default()];
        let all = of_sender.iter().chain(&texts);
        let all: Vec<String> = all.map(|text| folded(text)).collect();
        looked.bytes += all.iter().map(String::len).sum::<usize>();
        // A number is found however it is written: +44 (0)20-7946 by its digits.
        let numbers: Vec<String> = all.iter().take(2).filter_map(|text| number(text)).collect();
        self.words.iter().all(|word| {
            let digits = number(word);
            all.iter().any(|text| text.contains(&**word))
                || digits.is_some_and(|digits| numbers.iter().any(|n| n.contains(&*digits)))
        })
    }
}

impl Looked {
    /// One request is not to look any further.
    pub(super) fn is_enough(&self) -> bool {
        self.rows >= ROWS_MAX || self.bytes >= TEXT_BYTES_MAX
    }
}

fn fits(wanted: Option<bool>, is: bool) -> bool {
    wanted.is_none_or(|wanted| wanted == is)
}

fn is_of_kind(envelope: &Envelope, kind: contract::Kind) -> bool {
    use contract::Kind::{Fax, Mixed, Voice};
    match (kind, envelope.kind) {
        // Voice and fax together, or either with files.
        (Voice, Mixed) => envelope.duration_ms > 0,
        (Fax, Mixed) => envelope.pages != Some(0),
        (wanted, is) => wanted == is,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Kind;
    use domain::{Hlc, Incarnation, Sender, Version};

    fn message(change: impl FnOnce(&mut Envelope), text: &str) -> Object {
        let mut envelope = Envelope {
            kind: Kind::Text,
            sender: Sender {
                name: "Jörg Ångström".into(),
                address: "+442079460107@vm.example".into(),
                number: Some("+442079460107".into()),
                unverified: false,
            },
            subject: "Termin am ΟΔΟΣ".into(),
            received_at: Timestamp(5),
            duration_ms: 0,
            pages: Some(0),
            attachments: 0,
            urgent: false,
            private: true,
        };
        change(&mut envelope);
        let mut object = Object::new(domain::Kind::MESSAGE, None, None);
        let version = Version {
            hlc: Hlc(1),
            incarnation: Incarnation(1),
        };
        for (key, value) in Message::arrival(&envelope, String::new(), text.into()) {
            object.set(key, version, value);
        }
        object
    }

    fn found(words: &str) -> bool {
        let filter = MessageFilter::of_words(words).unwrap();
        let message = message(|_| {}, "Bitte die Straße sperren. Crème brûlée, ﬁn.");
        filter.shows(&message, &mut Looked::default())
    }

    #[test]
    fn words_are_found_in_any_letters_with_or_without_accents() {
        for words in [
            "",
            "jörg",
            "JORG",
            "Ångström angstrom",
            "A\u{30a}ngstro\u{308}m",
            "termin οδος",
            "ΟΔΌΣ",
            "strasse",
            "STRASSE sperren jorg",
            "creme BRULEE",
            "fin",
            "sperr",
            "vm.example",
            "0107",
            "+44 2079460107",
            "2079-46",
            "(0107)",
        ] {
            assert!(found(words), "{words:?}");
        }
        for words in ["jörn", "termin morgen", "0108", "-", "44.2080"] {
            assert!(!found(words), "{words:?}");
        }
    }

    #[test]
    fn more_than_is_looked_for_at_once_is_refused() {
        let with = |words: &str| MessageFilter::of_words(words).is_ok();
        assert!(with(&"é".repeat(200)) && !with(&"é".repeat(201)));
        assert!(with("a b c d e f g h i j") && !with("a b c d e f g h i j k"));
    }

    #[test]
    fn each_condition_leaves_out_what_is_otherwise() {
        let shown =
            |filter: MessageFilter, object: &Object| filter.shows(object, &mut Looked::default());
        let text = message(|_| {}, "");
        let any = MessageFilter::default;
        for yes in [true, false] {
            let unread = MessageFilter {
                unread: Some(yes),
                ..any()
            };
            assert_eq!(shown(unread, &text), yes);
            let urgent = MessageFilter {
                urgent: Some(yes),
                ..any()
            };
            assert_eq!(shown(urgent, &text), !yes);
            let private = MessageFilter {
                private: Some(yes),
                ..any()
            };
            assert_eq!(shown(private, &text), yes);
        }
        let kinds = |object: &Object| {
            let all = [
                Kind::Voice,
                Kind::Fax,
                Kind::Text,
                Kind::Mixed,
                Kind::Report,
            ];
            all.map(|kind| {
                shown(
                    MessageFilter {
                        kind: Some(kind),
                        ..any()
                    },
                    object,
                )
            })
        };
        assert_eq!(kinds(&text), [false, false, true, false, false]);
        let mixed = |duration_ms, pages| {
            kinds(&message(
                |e| (e.kind, e.duration_ms, e.pages) = (Kind::Mixed, duration_ms, pages),
                "",
            ))
        };
        assert_eq!(mixed(9, Some(0)), [true, false, false, true, false]);
        assert_eq!(mixed(9, None), [true, true, false, true, false]);
        assert_eq!(mixed(0, Some(2)), [false, true, false, true, false]);
    }

    #[test]
    fn a_request_looks_at_so_many_rows_and_through_so_much_text() {
        let (mut looked, text) = (Looked::default(), "x".repeat(2_000));
        let message = message(|_| {}, &text);
        for _ in 0..ROWS_MAX - 1 {
            MessageFilter::default().shows(&message, &mut looked);
        }
        assert!(!looked.is_enough());
        MessageFilter::default().shows(&message, &mut looked);
        assert!(looked.is_enough());
        let (mut looked, mut rows) = (Looked::default(), 0);
        let filter = MessageFilter::of_words("y").unwrap();
        while !looked.is_enough() {
            filter.shows(&message, &mut looked);
            rows += 1;
        }
        assert!((400..600).contains(&rows), "{rows} rows");
    }
}
