//! What the pages say of messages and folders. Short sentences in the present: what is, what it means, what to do.

use super::row_length::{main_kind, spoken_length};
use super::telephone;
use contract::{Folder, Kind, MessageRow, Party};
use ui::length::{counted, spoken, spoken_in_full};
use ui::times::{Zone, time_words};

/// The name of a folder.
pub fn folder(folder: Folder) -> &'static str {
    match folder {
        Folder::Inbox => "Inbox",
        Folder::Sent => "Sent",
        Folder::Deleted => "Deleted",
    }
}

/// A message by its kind: `Voice message`.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Voice => "Voice message",
        Kind::Fax => "Fax message",
        Kind::Text => "Text message",
        Kind::Mixed => "Voice and fax message",
        Kind::Report => "Report",
    }
}

/// Whether one hears it; anything else is read.
pub fn is_heard(kind: Kind) -> bool {
    matches!(kind, Kind::Voice | Kind::Mixed)
}

/// What the button is called that takes *new* from messages, where `heard` says that one hears them.
pub fn mark_done(heard: bool) -> &'static str {
    if heard {
        "Mark as heard"
    } else {
        "Mark as read"
    }
}

/// How many messages fit a search.
pub fn hits(fit: usize) -> String {
    match fit {
        0 => "No message fits.".into(),
        1 => "1 message fits.".into(),
        fit => format!("{fit} messages fit."),
    }
}

/// Who sent it, as it is shown among other words.
pub fn sender(party: &Party) -> String {
    isolated(name(party))
}

/// A stranger's words, fit to stand among others: those of a script that is written from the right are kept from turning round what stands
/// beside them, a caller's number above all (Unicode Standard Annex 9, section 2.4).
fn isolated(words: String) -> String {
    let from_the_right = |letter| matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}');
    if words.chars().any(from_the_right) {
        format!("\u{2068}{words}\u{2069}")
    } else {
        words
    }
}

/// Who sent it: the name, else the number, else the address.
pub fn name(party: &Party) -> String {
    let number = telephone::grouped(party.number.as_deref().unwrap_or_default());
    [&party.name[..], &number, &party.address]
        .into_iter()
        .find(|words| !words.trim().is_empty())
        .unwrap_or("Unknown caller")
        .trim()
        .to_owned()
}

/// The same with the number behind the name, where there are both: `Lena Corvick, 7214`.
pub fn sender_in_full(party: &Party) -> String {
    let name = sender(party);
    match party.number.as_deref() {
        Some(number) if !number.is_empty() => match telephone::grouped(number) {
            number if number == name => name,
            number => format!("{name}, {number}"),
        },
        _ => name,
    }
}

/// With whom a message was exchanged: its sender, or of what one has sent oneself those to whom it went: `To Mira Tandell and Oren Halvik`.
pub fn counterpart(row: &MessageRow) -> String {
    match &row.sent_to[..] {
        [] => sender(&row.sender),
        to => format!("To {}", names(to)),
    }
}

/// Names in a sentence: `Mira Tandell`, `Mira Tandell and Oren Halvik`, `Mira Tandell, Oren Halvik and others`: servers name four at most.
pub fn names(parties: &[Party]) -> String {
    match parties {
        [] => String::new(),
        [only] => sender(only),
        [one, other] => format!("{} and {}", sender(one), sender(other)),
        [one, other, ..] => format!("{}, {} and others", sender(one), sender(other)),
    }
}

/// The subject, or the kind where the sender gave none.
pub fn subject(row: &MessageRow) -> String {
    match row.subject.trim() {
        "" => kind(main_kind(row)).to_owned(),
        subject => isolated(subject.to_owned()),
    }
}

/// The name of a row's link for a screen reader: kind, and then what is seen, in the order in which it is seen (WCAG 2.2, 2.5.3): sender,
/// subject; then marks, time and length.
pub fn row_name(zone: &impl Zone, row: &MessageRow) -> String {
    let new = if row.unread { "New. " } else { "" };
    let marks: String = [
        (row.urgent, ", urgent"),
        (row.private, ", private"),
        (row.sender_unverified, ", unverified sender"),
        (row.attachments > 0, ", with attachment"),
        (row.one_server_only, ", on one server only so far"),
    ]
    .into_iter()
    .filter_map(|(set, words)| set.then_some(words))
    .collect();
    let length = match spoken_length(row) {
        length if length.is_empty() => length,
        length => format!(", {length}"),
    };
    let who = match row.sent_to.is_empty() {
        true => format!(" from {}", sender(&row.sender)),
        false => format!(" to {}", names(&row.sent_to)),
    };
    format!(
        "{new}{}{who}. {}{marks}. {}{length}",
        kind(main_kind(row)),
        subject(row),
        time_words(zone, row.received_at)
    )
}

/// `New voice message from Mira Tandell, urgent`.
pub fn arrival(row: &MessageRow) -> String {
    let urgent = if row.urgent { ", urgent" } else { "" };
    let kind = match main_kind(row) {
        Kind::Voice => "voice message",
        Kind::Fax => "fax message",
        Kind::Text => "text message",
        Kind::Mixed => "voice and fax message",
        Kind::Report => "report",
    };
    format!("New {kind} from {}{urgent}", sender(&row.sender))
}

/// What is selected, in numbers: `2 voice messages, 1 fax; 1 minute 53 seconds and 3 pages together.`
pub fn selection(rows: &[&MessageRow]) -> String {
    let count = |kind: Kind| rows.iter().filter(|row| main_kind(row) == kind).count() as u64;
    let kinds: Vec<String> = [
        (count(Kind::Voice), "voice message", "voice messages"),
        (count(Kind::Fax), "fax", "faxes"),
        (
            count(Kind::Mixed),
            "voice and fax message",
            "voice and fax messages",
        ),
        (count(Kind::Text), "text", "texts"),
        (count(Kind::Report), "report", "reports"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, one, many)| format!("{number} {}", if number == 1 { one } else { many }))
    .collect();
    let sound: u64 = rows.iter().map(|row| row.duration_ms).sum();
    let pages: u64 = rows.iter().filter_map(|row| row.pages).map(u64::from).sum();
    let lengths: Vec<String> = [
        (sound > 0).then(|| match pages {
            0 => spoken(sound),
            _ => spoken_in_full(sound),
        }),
        (pages > 0).then(|| counted(pages, "page")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let together = if rows.len() > 1 { " together" } else { "" };
    match lengths.is_empty() {
        true => format!("{}.", kinds.join(", ")),
        false => format!("{}; {}{together}.", kinds.join(", "), lengths.join(" and ")),
    }
}

/// The foot of a whole list: on how many servers its messages are.
pub fn both_servers(all: u32, one_only: u32, paired: bool) -> String {
    let messages = counted(u64::from(all), "message");
    if !paired || all == 0 {
        return format!("{messages}.");
    }
    match one_only {
        0 if all == 1 => "1 message: it is on both servers.".into(),
        0 => format!("{messages}: all are on both servers."),
        one if one >= all => format!("{messages}: on one server only so far."),
        one => {
            let is = |number: u32| if number == 1 { "is" } else { "are" };
            let both = all - one;
            format!(
                "{messages}: {both} {} on both servers, {one} {} on the way.",
                is(both),
                is(one)
            )
        }
    }
}

/// What it means to delete messages for good, asked before it is done.
pub fn expunging(messages: u64) -> &'static str {
    match messages {
        1 => "It leaves both servers and cannot be brought back.",
        _ => "They leave both servers and cannot be brought back.",
    }
}

/// What it means to empty Deleted, asked before it is done.
pub fn emptying(messages: u64) -> &'static str {
    match messages {
        1 => {
            "It goes for good, on both servers and in every browser of yours. There is no way back."
        }
        _ => {
            "They go for good, on both servers and in every browser of yours. There is no way back."
        }
    }
}

/// The question before logging out while changes wait here.
pub fn log_out_question(waiting: u64) -> String {
    let (has, it) = match waiting {
        0 => return "All changes have been sent. Log out?".into(),
        1 => ("has", "it"),
        _ => ("have", "them"),
    };
    let changes = counted(waiting, "change");
    format!("{changes} {has} not been sent. Log out and lose {it}?")
}

/// What it means to remove what this browser keeps, asked before it is done: of the changes that wait, too.
pub fn removing_kept(waiting: u64) -> String {
    let messages = "The messages leave this browser, none leaves the servers. They come back when a server answers.";
    let stay = match waiting {
        0 => return messages.into(),
        1 => "waits to be sent stays here and goes out by itself",
        _ => "wait to be sent stay here and go out by themselves",
    };
    format!("{messages} {} that {stay}.", counted(waiting, "change"))
}

/// What this browser keeps: `8, with the sound of 2 (0.4 MB)`.
pub fn kept(messages: u64, sounds: usize, bytes: usize) -> String {
    // What is less would read as nothing.
    let megabytes = match bytes {
        0..100_000 => "less than 0.1 MB".into(),
        bytes => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    };
    match sounds {
        0 => messages.to_string(),
        sounds => format!("{messages}, with the sound of {sounds} ({megabytes})"),
    }
}

/// What became of a message that was handed in.
pub fn sent(addresses: u64) -> String {
    match addresses {
        1 => "Sent.".into(),
        many => format!("Sent to {many} addresses."),
    }
}

/// What was recorded or attached is not in this browser any more, and not all of it is on a server.
pub fn part_lost() -> String {
    "This browser has lost a recording or file of a draft before all of it was uploaded. Look at the draft before you send it.".into()
}

/// A server did not take what was composed; it stays a draft.
pub fn not_sent(why: &str) -> String {
    format!("Not sent: it stays in Drafts. {why}")
}

/// How emptying Deleted has ended.
pub fn emptied(messages: u64) -> String {
    match messages {
        0 => "Nothing was in Deleted.".into(),
        1 => "1 message is gone from both servers.".into(),
        n => format!("{n} messages are gone from both servers."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::{UTC, row};

    #[test]
    fn a_row_says_kind_sender_marks_subject_time_and_length() {
        let plain = row(1, 0);
        let marked = MessageRow {
            unread: true,
            urgent: true,
            private: true,
            sender_unverified: true,
            attachments: 1,
            one_server_only: true,
            ..plain.clone()
        };
        assert_eq!(
            row_name(&UTC, &plain),
            "Voice message from Mira Tandell. New delivery times. 14:02, 41 seconds"
        );
        assert_eq!(
            row_name(&UTC, &marked),
            "New. Voice message from Mira Tandell. New delivery times, urgent, private, unverified sender, with attachment, \
             on one server only so far. 14:02, 41 seconds"
        );
    }

    #[test]
    fn a_name_written_from_the_right_does_not_turn_the_number_round() {
        let mut party = Party {
            name: "\u{5e8}\u{5d5}\u{5ea} 12".into(),
            number: Some("5551000".into()),
            address: String::new(),
        };
        assert_eq!(
            sender_in_full(&party),
            "\u{2068}\u{5e8}\u{5d5}\u{5ea} 12\u{2069}, 5551000"
        );
        party.name = "\u{41f}\u{451}\u{442}\u{440}".into();
        assert_eq!(
            sender_in_full(&party),
            "\u{41f}\u{451}\u{442}\u{440}, 5551000"
        );
    }

    #[test]
    fn a_sender_without_a_name_is_shown_by_number_then_address() {
        let mut party = Party {
            name: " ".into(),
            address: "0018@cp-south.example.net".into(),
            number: Some("+44 20 7946 0018".into()),
        };
        assert_eq!(sender(&party), "+44 20 7946 0018");
        assert_eq!(sender_in_full(&party), "+44 20 7946 0018");
        party.number = None;
        assert_eq!(sender(&party), "0018@cp-south.example.net");
        assert_eq!(sender(&Party::default()), "Unknown caller");
        assert_eq!(sender_in_full(&row(1, 0).sender), "Mira Tandell, 7213");
    }

    #[test]
    fn what_one_has_sent_is_told_by_whom_it_went_to() {
        let to = |number| Party {
            name: format!("Name of {number}"),
            ..Party::default()
        };
        let mut sent = MessageRow {
            sent_to: vec![to(1)],
            ..row(1, 0)
        };
        assert_eq!(counterpart(&sent), "To Name of 1");
        assert!(row_name(&UTC, &sent).starts_with("Voice message to Name of 1. "));
        sent.sent_to.push(to(2));
        assert_eq!(counterpart(&sent), "To Name of 1 and Name of 2");
        sent.sent_to.push(to(3));
        assert_eq!(counterpart(&sent), "To Name of 1, Name of 2 and others");
    }

    #[test]
    fn arrivals_and_missing_subjects_use_the_kind() {
        let urgent = MessageRow {
            urgent: true,
            subject: String::new(),
            ..row(1, 0)
        };
        assert_eq!(
            arrival(&urgent),
            "New voice message from Mira Tandell, urgent"
        );
        assert_eq!(subject(&urgent), "Voice message");
    }

    #[test]
    fn a_selection_is_told_in_numbers() {
        let voice = row(1, 0);
        let fax = MessageRow {
            kind: Kind::Fax,
            duration_ms: 0,
            pages: Some(3),
            ..row(2, 0)
        };
        assert_eq!(
            selection(&[&voice, &voice, &fax]),
            "2 voice messages, 1 fax; 1 minute 22 seconds and 3 pages together."
        );
        assert_eq!(selection(&[&voice]), "1 voice message; 41 seconds.");
        let voices = [&voice, &voice];
        assert_eq!(
            selection(&voices),
            "2 voice messages; 1 minute 22 together."
        );
    }

    #[test]
    fn questions_speak_of_one_as_of_one_and_of_several_as_of_several() {
        assert!(expunging(1).starts_with("It leaves") && expunging(2).starts_with("They leave"));
        assert!(emptying(1).starts_with("It goes") && emptying(2).starts_with("They go"));
        assert_eq!(
            log_out_question(1),
            "1 change has not been sent. Log out and lose it?"
        );
        assert_eq!(
            log_out_question(3),
            "3 changes have not been sent. Log out and lose them?"
        );
    }

    #[test]
    fn removing_what_is_kept_names_the_changes_that_wait_and_stay() {
        assert!(!removing_kept(0).contains("change"));
        assert!(
            removing_kept(1)
                .ends_with("1 change that waits to be sent stays here and goes out by itself.")
        );
        assert!(removing_kept(2).contains("2 changes that wait to be sent stay here"));
    }

    #[test]
    fn what_is_kept_is_never_nothing_while_there_is_some() {
        assert_eq!(kept(8, 0, 0), "8");
        assert_eq!(
            kept(8, 1, 49_000),
            "8, with the sound of 1 (less than 0.1 MB)"
        );
        assert_eq!(
            kept(214, 38, 61_240_000),
            "214, with the sound of 38 (61.2 MB)"
        );
    }

    #[test]
    fn emptying_says_what_went() {
        assert_eq!(emptied(0), "Nothing was in Deleted.");
        assert_eq!(emptied(1), "1 message is gone from both servers.");
        assert_eq!(emptied(6), "6 messages are gone from both servers.");
    }

    #[test]
    fn the_foot_says_where_the_messages_are() {
        assert_eq!(
            both_servers(214, 1, true),
            "214 messages: 213 are on both servers, 1 is on the way."
        );
        assert_eq!(
            both_servers(3, 0, true),
            "3 messages: all are on both servers."
        );
        assert_eq!(both_servers(3, 1, false), "3 messages.");
        assert_eq!(
            both_servers(2, 2, true),
            "2 messages: on one server only so far."
        );
    }
}
