//! The demo's messages as mail: VPIM, built as another voice-mail system would build it.

use super::cast::{Content, LETTERS, Letter, Mark, person_of};
use super::household::NORTH;
use super::{fax, speech};
use crate::cli::Failure;
use std::time::{SystemTime, UNIX_EPOCH};
use vpim::build::{DeliveryNotice, Draft, DraftPart, Explanation, Original, Recording};
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

/// All messages. Makes the speech that is not in the cache, which takes some seconds.
pub fn all() -> Result<Vec<Post>, Failure> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let date = Date {
        unix_s: i64::try_from(now.as_secs()).unwrap_or(0),
        zone_min: 0,
    };
    // Two lines of work, as many as the smallest machine has processors.
    let (first, second) = LETTERS.split_at(LETTERS.len() / 2);
    let make = |letters: &'static [Letter]| {
        letters
            .iter()
            .map(|l| post(l, date))
            .collect::<Result<Vec<_>, _>>()
    };
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(|| make(second));
        (make(first), other.join())
    });
    let second = second.map_err(|_| Failure::new("the messages of the demo could not be made"))?;
    Ok([first?, second?].into_iter().flatten().collect())
}

fn post(letter: &Letter, date: Date) -> Result<Post, Failure> {
    let to = person_of(letter.to)
        .ok_or_else(|| Failure::new(format!("nobody in the demo has mailbox {}", letter.to)))?;
    let recipient = Party::named(to.name, format!("{}@{}", to.mailbox, to.home));
    let address = recipient.address.clone();
    let message = message(letter, date, recipient).map_err(|e| Failure::new(e.to_string()))?;
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

/// Who a mailbox or telephone number is.
fn party(number: &str) -> Party {
    match person_of(number) {
        Some(person) => Party::named(person.name, format!("{}@{}", person.mailbox, person.home)),
        None => Party::new(format!("{number}@{NORTH}")),
    }
}

fn voice(number: &str) -> &'static str {
    person_of(number).map_or("en-gb+m5", |person| person.voice)
}

/// Unique among all messages of all demos.
fn message_id(from: &str) -> String {
    let random: [u8; 12] = crate::clock::random();
    let hex: String = random.iter().map(|b| format!("{b:02x}")).collect();
    let domain = party(from).address;
    format!(
        "{hex}@{}",
        domain.rsplit_once('@').map_or(NORTH, |(_, domain)| domain)
    )
}

type Built = Result<Message<'static>, vpim::build::BuildError>;

fn message(letter: &Letter, date: Date, to: Party) -> Built {
    let parts = match &letter.content {
        Content::Voice(words) => vec![spoken(letter.from, words)],
        Content::Forwarded {
            comment,
            from,
            subject,
            words,
        } => {
            let inner = draft(
                from,
                party(letter.from),
                subject,
                Mark::None,
                date,
                vec![spoken(from, words)],
            );
            vec![
                spoken(letter.from, comment),
                DraftPart::Forwarded(inner.message()?),
            ]
        }
        Content::Fax(pages) => {
            vec![DraftPart::Fax {
                data: fax::blank(*pages).into(),
                filename: None,
            }]
        }
        Content::NotDelivered(address) => return not_delivered(letter, address, date, to),
    };
    draft(letter.from, to, letter.subject, letter.mark, date, parts).message()
}

fn spoken(number: &str, words: &str) -> DraftPart<'static> {
    let sound = speech::say(voice(number), words);
    DraftPart::Voice(Recording::adpcm(Purpose::VoiceMessage, sound))
}

fn draft(
    from: &str,
    to: Party,
    subject: &str,
    mark: Mark,
    date: Date,
    parts: Vec<DraftPart<'static>>,
) -> Draft<'static> {
    Draft {
        from: party(from),
        to: vec![to],
        cc: Vec::new(),
        subject: Some(subject.to_owned()),
        date,
        message_id: message_id(from),
        urgent: mark == Mark::Urgent,
        private: mark == Mark::Private,
        language: Some("en".into()),
        receipt_to: None,
        parts,
    }
}

fn not_delivered(letter: &Letter, address: &str, date: Date, to: Party) -> Built {
    let original = draft(
        letter.to,
        Party::new(address),
        "Price list",
        Mark::None,
        date,
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
        date,
        message_id: message_id(letter.to),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Does without espeak-ng: what counts here is the form.
    #[test]
    fn every_message_of_the_demo_is_taken_by_a_mailbox() {
        let posts = all().unwrap();
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
}
