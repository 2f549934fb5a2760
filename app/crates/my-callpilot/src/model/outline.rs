//! The order in which an opened message is shown: its sound, what came with it, and what was forwarded, one inside the other.

use super::words;
use contract::{Kind, MessageDetail, Part, Timestamp, VoicePurpose};

/// An opened message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// It has sound, which the large player plays from beginning to end.
    pub sound: bool,
    /// What came with it.
    pub items: Vec<Item>,
    /// What the enclosed messages are: `What was forwarded`.
    pub enclosed_as: &'static str,
    /// What was forwarded, the last forwarder first; empty if nothing was.
    pub forwarded: Vec<ForwardedPart>,
}

/// What one person said, wrote or sent, and what that person had got before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardedPart {
    /// Who.
    pub who: String,
    /// What that person did: `said before it`, `forwarded, and wrote`.
    pub did: &'static str,
    /// The subject it had; may be empty.
    pub subject: String,
    /// When, if it says so.
    pub at: Option<Timestamp>,
    /// The pieces in order.
    pub items: Vec<Item>,
    /// What was forwarded with it.
    pub inner: Vec<ForwardedPart>,
}

/// One piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Sound that can be played by itself.
    Sound {
        /// For the audio request.
        index: u32,
        /// What it is, for its controls: `introduction by Lena Corvick`.
        label: String,
        /// Its length.
        duration_ms: u64,
    },
    /// Text.
    Text(String),
    /// Fax pages, if they could be counted.
    Fax(Option<u32>),
    /// A visiting card with this name.
    Card(String),
    /// What became of a message sent earlier.
    Report {
        /// One sentence.
        summary: String,
        /// Whom it is about; may be empty.
        recipient: String,
        /// Status code or disposition; may be empty.
        status: String,
    },
    /// Of a kind that cannot be shown here.
    Other(String),
    /// What is to be said of sound that was announced and cannot be had.
    Remark(String),
}

/// Puts a message in its order.
pub fn outline(detail: &MessageDetail) -> Outline {
    let (enclosed, own): (Vec<&Part>, Vec<&Part>) = detail
        .parts
        .iter()
        .partition(|part| matches!(part, Part::Forwarded { .. }));
    let inner: Vec<ForwardedPart> = enclosed.into_iter().filter_map(forwarded_part).collect();
    // A report encloses the message it is about; what stands before it is the report itself, not an introduction to it.
    let report = detail.row.kind == Kind::Report;
    let (mut items, forwarded) = if report || inner.is_empty() {
        (pieces(detail, &own), inner)
    } else {
        introduced(detail, &own, inner)
    };
    items.extend(detail.remarks.iter().cloned().map(Item::Remark));
    Outline {
        sound: detail.row.duration_ms > 0,
        items,
        enclosed_as: if report {
            "The message it is about"
        } else {
            "What was forwarded"
        },
        forwarded,
    }
}

/// What came with a message. A single sound is left out: the large player plays it. Of several each can also be played by itself.
fn pieces(detail: &MessageDetail, own: &[&Part]) -> Vec<Item> {
    let who = words::sender(&detail.row.sender);
    let single = own.iter().filter(|part| is_spoken(part)).count() == 1;
    own.iter()
        .filter(|part| !(single && is_spoken(part)))
        .zip(1..)
        .filter_map(|(part, number): (_, u32)| item(part, &format!("part {number} by {who}")))
        .collect()
}

/// A message that forwards others: what its sender said and wrote introduces them, the rest came with it.
fn introduced(
    detail: &MessageDetail,
    own: &[&Part],
    inner: Vec<ForwardedPart>,
) -> (Vec<Item>, Vec<ForwardedPart>) {
    let who = words::sender(&detail.row.sender);
    let label = format!("introduction by {who}");
    let (introducing, rest): (Vec<&Part>, Vec<&Part>) = own
        .iter()
        .partition(|part| is_spoken(part) || matches!(part, Part::Text { .. }));
    let take = |parts: Vec<&Part>| -> Vec<Item> {
        parts
            .into_iter()
            .filter_map(|part| item(part, &label))
            .collect()
    };
    let introduction = take(introducing);
    if introduction.is_empty() {
        return (take(rest), inner);
    }
    let spoke = introduction
        .iter()
        .any(|item| matches!(item, Item::Sound { .. }));
    let first = ForwardedPart {
        who,
        did: if spoke {
            "said before it"
        } else {
            "wrote before it"
        },
        subject: String::new(),
        at: Some(detail.row.received_at),
        items: introduction,
        inner,
    };
    (take(rest), vec![first])
}

/// Sound that belongs to what is said, as against a recorded name or subject.
fn is_spoken(part: &Part) -> bool {
    matches!(
        part,
        Part::Voice {
            purpose: VoicePurpose::Message | VoicePurpose::Notification,
            ..
        }
    )
}

fn forwarded_part(part: &Part) -> Option<ForwardedPart> {
    let Part::Forwarded {
        sender,
        subject,
        sent_at,
        parts,
    } = part
    else {
        return None;
    };
    let who = words::sender(sender);
    let inner: Vec<ForwardedPart> = parts.iter().filter_map(forwarded_part).collect();
    let label = match inner.is_empty() {
        true => format!("message from {who}"),
        false => format!("introduction by {who}"),
    };
    let items: Vec<Item> = parts.iter().filter_map(|part| item(part, &label)).collect();
    let spoke = items.iter().any(|item| matches!(item, Item::Sound { .. }));
    let wrote = items.iter().any(|item| matches!(item, Item::Text(_)));
    let faxed = items.iter().any(|item| matches!(item, Item::Fax(_)));
    let did = match (inner.is_empty(), spoke, wrote) {
        (false, true, true) => "forwarded, said and wrote",
        (false, true, false) => "forwarded, and said",
        (false, false, true) => "forwarded, and wrote",
        (false, false, false) => "forwarded",
        (true, true, true) => "said and wrote",
        (true, true, false) => "said",
        (true, false, true) => "wrote",
        (true, false, false) if faxed => "sent a fax",
        (true, false, false) => "sent",
    };
    Some(ForwardedPart {
        who,
        did,
        subject: subject.trim().to_owned(),
        at: *sent_at,
        items,
        inner,
    })
}

fn item(part: &Part, label: &str) -> Option<Item> {
    Some(match part {
        Part::Voice {
            index,
            purpose,
            duration_ms,
        } => Item::Sound {
            index: *index,
            label: match purpose {
                VoicePurpose::Message => label.to_owned(),
                VoicePurpose::OriginatorSpokenName => "recorded name of the sender".into(),
                VoicePurpose::RecipientSpokenName => "recorded name of the addressee".into(),
                VoicePurpose::SpokenSubject => "spoken subject".into(),
                VoicePurpose::Notification => "spoken report".into(),
            },
            duration_ms: *duration_ms,
        },
        Part::Text { text, .. } if text.trim().is_empty() => return None,
        Part::Text { text, .. } => Item::Text(text.trim().to_owned()),
        Part::Fax { pages, .. } => Item::Fax(*pages),
        Part::Card { name, .. } => Item::Card(name.clone()),
        Part::Report {
            summary,
            recipient,
            status,
            ..
        } => Item::Report {
            summary: summary.clone(),
            recipient: recipient.clone(),
            status: status.clone(),
        },
        Part::Other { media_type, .. } => Item::Other(media_type.clone()),
        Part::Forwarded { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::{NOON, row};
    use contract::Party;

    fn voice(index: u32) -> Part {
        Part::Voice {
            index,
            purpose: VoicePurpose::Message,
            duration_ms: 12_000,
        }
    }

    fn text(index: u32, text: &str) -> Part {
        Part::Text {
            index,
            text: text.into(),
        }
    }

    fn forwarded(name: &str, parts: Vec<Part>) -> Part {
        Part::Forwarded {
            sender: Party {
                name: name.into(),
                ..Party::default()
            },
            subject: String::new(),
            sent_at: Some(NOON),
            parts,
        }
    }

    fn of(parts: Vec<Part>) -> Outline {
        outline(&MessageDetail {
            row: row(1, 0),
            recipients: Vec::new(),
            parts,
            remarks: Vec::new(),
        })
    }

    #[test]
    fn a_single_sound_is_played_by_the_large_player_alone() {
        let shown = of(vec![voice(0)]);
        assert!(shown.sound && shown.items.is_empty() && shown.forwarded.is_empty());
    }

    #[test]
    fn several_sounds_can_also_be_played_one_by_one_in_their_order() {
        let shown = of(vec![voice(0), text(1, "between"), voice(2)]);
        let order: Vec<_> = shown
            .items
            .iter()
            .map(|item| match item {
                Item::Sound { index, .. } => *index,
                _ => 99,
            })
            .collect();
        assert_eq!(order, [0, 99, 2]);
    }

    #[test]
    fn a_forward_of_a_forward_is_shown_one_inside_the_other() {
        let call = forwarded("+44 20 7946 0107", vec![voice(2)]);
        let reception = forwarded("Reception", vec![text(1, "Call back by Thursday."), call]);
        let shown = of(vec![voice(0), reception]);
        let [first] = shown.forwarded.as_slice() else {
            panic!("one chain");
        };
        assert_eq!(
            (first.who.as_str(), first.did),
            ("Mira Tandell", "said before it")
        );
        let second = &first.inner[0];
        assert_eq!(
            (second.who.as_str(), second.did),
            ("Reception", "forwarded, and wrote")
        );
        let third = &second.inner[0];
        assert_eq!(
            (third.who.as_str(), third.did),
            ("+44 20 7946 0107", "said")
        );
        assert!(matches!(&third.items[..], [Item::Sound { index: 2, .. }]));
        assert!(shown.items.is_empty());
    }

    #[test]
    fn a_forward_without_an_introduction_starts_with_what_was_forwarded() {
        let fax = Part::Fax {
            index: 1,
            pages: Some(2),
        };
        let shown = of(vec![forwarded("Lena", vec![voice(0)]), fax]);
        assert_eq!(shown.forwarded[0].who, "Lena");
        assert_eq!(shown.items, [Item::Fax(Some(2))]);
    }

    #[test]
    fn a_report_shows_the_message_it_is_about_and_is_no_introduction_to_it() {
        let report = MessageDetail {
            row: contract::MessageRow {
                kind: Kind::Report,
                ..row(1, 0)
            },
            recipients: Vec::new(),
            parts: vec![
                text(0, "Not delivered."),
                forwarded("Tilde Brask", vec![voice(1)]),
            ],
            remarks: Vec::new(),
        };
        let shown = outline(&report);
        assert_eq!(shown.enclosed_as, "The message it is about");
        assert_eq!(shown.items, [Item::Text("Not delivered.".into())]);
        assert_eq!(shown.forwarded[0].who, "Tilde Brask");
    }

    #[test]
    fn reports_cards_and_unknown_kinds_come_with_the_message_and_empty_text_does_not() {
        let report = Part::Report {
            summary: "Not delivered".into(),
            recipient: "7999@cp-north.example.net".into(),
            status: "5.1.1".into(),
            original_message_id: None,
        };
        let card = Part::Card {
            index: 2,
            name: "Mira Tandell".into(),
        };
        let shown = of(vec![report, text(1, " \n"), card]);
        assert!(matches!(
            &shown.items[..],
            [Item::Report { .. }, Item::Card(_)]
        ));
    }
}
