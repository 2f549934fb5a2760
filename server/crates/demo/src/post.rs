//! The demo's messages as mail: VPIM, built as another voice-mail system would build it.

use crate::cast::{Content, LETTERS, Letter, Mark, NORTH, person_of};
use crate::{fax, speech};
use vpim::build::{
    BuildError, Composition, CompositionPart, DeliveryNotice, Explanation, Original, Recording,
};
use vpim::{Action, Date, Message, Party, Purpose, RecipientStatus, StatusCode, Transfer};

/// A message on its way.
pub struct Post {
    /// The server of its addressee.
    pub home: &'static str,
    /// Where reports about it go; empty for reports.
    pub return_path: String,
    /// The addressee.
    pub recipient: String,
    /// The mail.
    pub mail: Vec<u8>,
}

/// Why the messages could not be made. Each is a fault of the demo's own content.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// A message is for a mailbox that nobody has.
    #[error("nobody in the demo has mailbox {0}")]
    Nobody(&'static str),
    /// A message is not one that may be sent.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The thread that made half of them broke.
    #[error("the messages of the demo could not be made")]
    Broken,
}

/// All messages, of each mailbox the newest last; what comes last was sent a little before `sent`. `random` gives what makes their identifiers unique among all messages of
/// all demos. Makes the speech that is not in the cache, which takes some seconds.
///
/// # Errors
/// [`PostError`] for content that is no message.
pub fn posts(sent: Date, random: fn() -> [u8; 12]) -> Result<Vec<Post>, PostError> {
    let office = PostOffice { sent, random };
    let dated: Vec<(&Letter, i64)> = LETTERS.iter().zip((0..).map(age_min)).collect();
    // Two lines of work, as many as the smallest machine has processors.
    let (first, second) = dated.split_at(LETTERS.len() / 2);
    let make = |letters: &[(&Letter, i64)]| {
        let posts = letters
            .iter()
            .map(|(letter, age)| office.before(*age).post(letter));
        posts.collect::<Result<Vec<_>, _>>()
    };
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(|| make(second));
        (make(first), other.join())
    });
    let second = second.map_err(|_| PostError::Broken)?;
    Ok([first?, second?].into_iter().flatten().collect())
}

/// What all messages have in common.
struct PostOffice {
    sent: Date,
    random: fn() -> [u8; 12],
}

/// How old the last letter of a mailbox is, the one before it, and so on, in minutes: of today, of yesterday, of the week, and of the week before.
const AGES_MIN: [i64; 8] = [6, 95, 310, 1_570, 3_060, 5_800, 10_150, 17_400];

/// How old a letter is, in minutes: in each mailbox the last one is the newest, and not all mailboxes have got theirs at the same time.
fn age_min(number: usize) -> i64 {
    let later = LETTERS.iter().skip(number + 1);
    let later = later
        .filter(|letter| letter.to == LETTERS[number].to)
        .count();
    let first = match LETTERS[number].to {
        FIRST => 0,
        _ => number % 6,
    };
    AGES_MIN[(later + first).min(AGES_MIN.len() - 1)]
}

impl PostOffice {
    /// The same office, so many minutes before.
    fn before(&self, minutes: i64) -> Self {
        let Date { unix_s, zone_min } = self.sent;
        let sent = Date {
            unix_s: unix_s - 60 * minutes,
            zone_min,
        };
        Self { sent, ..*self }
    }
}

/// The mailbox that the demo's words tell people to log in to.
const FIRST: &str = "7200";

type Built = Result<Message<'static>, BuildError>;

impl PostOffice {
    fn post(&self, letter: &Letter) -> Result<Post, PostError> {
        let to = person_of(letter.to).ok_or(PostError::Nobody(letter.to))?;
        let recipient = Party::named(to.name, format!("{}@{}", to.mailbox, to.home));
        let address = recipient.address.clone();
        let message = self.message(letter, recipient)?;
        let return_path = match letter.content {
            Content::NotDelivered(_) => String::new(),
            _ => party(letter.from).address,
        };
        let mail = vpim::encode(&message, Transfer::Base64, 0);
        Ok(Post {
            home: to.home,
            return_path,
            recipient: address,
            mail,
        })
    }

    fn message(&self, letter: &Letter, to: Party) -> Built {
        let parts = match &letter.content {
            Content::Voice(words) => vec![spoken(letter.from, words)],
            Content::Forwarded {
                comment,
                from,
                subject,
                words,
            } => {
                let parts = vec![spoken(from, words)];
                let inner = self.draft(from, party(letter.from), subject, Mark::None, parts);
                vec![
                    spoken(letter.from, comment),
                    CompositionPart::Forwarded(inner.message()?),
                ]
            }
            Content::Fax(pages) => {
                vec![CompositionPart::Fax {
                    data: fax::blank(*pages).into(),
                    filename: None,
                }]
            }
            Content::NotDelivered(address) => return self.not_delivered(letter, address, to),
        };
        self.draft(letter.from, to, letter.subject, letter.mark, parts)
            .message()
    }

    fn draft(
        &self,
        from: &str,
        to: Party,
        subject: &str,
        mark: Mark,
        parts: Vec<CompositionPart<'static>>,
    ) -> Composition<'static> {
        Composition {
            from: party(from),
            to: vec![to],
            cc: Vec::new(),
            subject: Some(subject.to_owned()),
            date: self.sent,
            message_id: self.message_id(from),
            in_reply_to: None,
            urgent: mark == Mark::Urgent,
            private: mark == Mark::Private,
            language: Some("en".into()),
            receipt_to: None,
            text: String::new(),
            parts,
        }
    }

    fn not_delivered(&self, letter: &Letter, address: &str, to: Party) -> Built {
        let original = self.draft(
            letter.to,
            Party::new(address),
            "Price list",
            Mark::None,
            vec![spoken(
                letter.to,
                "Here is the price list that you asked for.",
            )],
        );
        let status = RecipientStatus {
            original_recipient: Some(address.to_owned()),
            final_recipient: Some(address.to_owned()),
            action: Some(Action::Failed),
            status: Some(StatusCode(5, 1, 1)),
            diagnostic: Some("550 5.1.1 No such mailbox".into()),
            remote_mta: None,
        };
        let notice = DeliveryNotice {
            from: Party::named("Mail delivery", format!("postmaster@{NORTH}")),
            to,
            date: self.sent,
            message_id: self.message_id(letter.to),
            subject: letter.subject.to_owned(),
            reporting_mta: NORTH.to_owned(),
            original_envelope_id: None,
            recipients: vec![status],
            explanation: Explanation::Text(
                format!("Your message to {address} was not delivered: there is no such mailbox.")
                    .into(),
            ),
            original: Original::Whole(original.message()?),
        };
        notice.message()
    }

    fn message_id(&self, from: &str) -> String {
        let random = (self.random)();
        let hex: String = random.iter().map(|b| format!("{b:02x}")).collect();
        let domain = party(from).address;
        format!(
            "{hex}@{}",
            domain.rsplit_once('@').map_or(NORTH, |(_, domain)| domain)
        )
    }
}

/// Who a mailbox or telephone number is.
fn party(number: &str) -> Party {
    match person_of(number) {
        Some(person) => Party::named(person.name, format!("{}@{}", person.mailbox, person.home)),
        None => Party::new(format!("{number}@{NORTH}")),
    }
}

fn spoken(number: &str, words: &str) -> CompositionPart<'static> {
    let voice = person_of(number).map_or("en-gb+m5", |person| person.voice);
    let sound = speech::say(voice, words);
    CompositionPart::Voice(Recording::adpcm(Purpose::VoiceMessage, sound))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does without espeak-ng: what counts here is the form.
    #[test]
    fn every_message_of_the_demo_is_taken_by_a_mailbox() {
        let sent = Date {
            unix_s: 1_764_000_000,
            zone_min: 0,
        };
        let posts = posts(sent, || [7; 12]).unwrap();
        assert_eq!(posts.len(), LETTERS.len());
        for (post, letter) in posts.iter().zip(&LETTERS) {
            let message = vpim::parse(&post.mail);
            assert!(vpim::judge(&message).is_ok(), "{}", letter.subject);
            let summary = vpim::Summary::of(&message);
            assert_eq!(summary.subject.as_deref(), Some(letter.subject));
            let seconds = summary.voice_ms / 1000;
            assert!(
                summary.voice_ms == 0 || (1..=75).contains(&seconds),
                "{}: {seconds} s",
                letter.subject
            );
        }
    }

    #[test]
    fn letters_are_of_several_days_and_the_last_of_a_mailbox_is_the_newest() {
        let days = |mailbox: &str| {
            let its = (0..LETTERS.len()).filter(|&n| LETTERS[n].to == mailbox);
            its.map(age_min).collect::<Vec<_>>()
        };
        let first = days(FIRST);
        assert!(
            first.is_sorted_by(|before, after| before > after),
            "{first:?}"
        );
        let distinct: std::collections::BTreeSet<_> = first.iter().map(|age| age / 1_440).collect();
        assert!(distinct.len() >= 5, "{first:?}");
        let others = LETTERS.iter().filter(|letter| letter.to != FIRST);
        let newest: std::collections::BTreeSet<_> =
            others.filter_map(|letter| days(letter.to).pop()).collect();
        assert!(newest.len() >= 3, "{newest:?}");
    }
}
