//! The order in which an opened message is shown: its sound, what came with it, and what was forwarded, one inside the other.

use super::words;
use contract::{MessageDetail, Part, Timestamp, VoicePurpose};

/// An opened message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// It has sound, which the large player plays from beginning to end.
    pub sound: bool,
    /// What came with it.
    pub items: Vec<Item>,
    /// What was forwarded, the last forwarder first; empty if nothing was.
    pub forwarded: Vec<Said>,
}

/// What one person said, wrote or sent, and what that person had got before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
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
    pub inner: Vec<Said>,
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
}

/// Puts a message in its order.
pub fn outline(detail: &MessageDetail) -> Outline {
    let who = words::sender(&detail.row.sender);
    let is_forwarded = |part: &&Part| matches!(part, Part::Forwarded { .. });
    let inner: Vec<Said> = detail
        .parts
        .iter()
        .filter(is_forwarded)
        .filter_map(said)
        .collect();
    let own: Vec<&Part> = detail
        .parts
        .iter()
        .filter(|part| !is_forwarded(part))
        .collect();
    let spoken = own.iter().filter(|part| is_message_sound(part)).count();
    let of_introduction =
        |part: &&&Part| is_message_sound(part) || matches!(part, Part::Text { .. });
    let introduction: Vec<Item> = match inner.is_empty() {
        true => Vec::new(),
        false => own
            .iter()
            .filter(of_introduction)
            .filter_map(|part| item(part, &format!("introduction by {who}")))
            .collect(),
    };
    let items = own
        .iter()
        .filter(|part| match inner.is_empty() {
            // A single sound is what the large player plays; of several each can also be played by itself.
            true => spoken > 1 || !is_message_sound(part),
            false => !of_introduction(part),
        })
        .enumerate()
        .filter_map(|(place, part)| item(part, &format!("part {} by {who}", place + 1)))
        .collect();
    let forwarded = if introduction.is_empty() {
        inner
    } else {
        let did = match introduction
            .iter()
            .any(|item| matches!(item, Item::Sound { .. }))
        {
            true => "said before it",
            false => "wrote before it",
        };
        vec![Said {
            who,
            did,
            subject: String::new(),
            at: Some(detail.row.received_at),
            items: introduction,
            inner,
        }]
    };
    Outline {
        sound: detail.row.duration_ms > 0,
        items,
        forwarded,
    }
}

fn is_message_sound(part: &Part) -> bool {
    let purpose = VoicePurpose::Message;
    matches!(part, Part::Voice { purpose: p, .. } if *p == purpose)
}

fn said(part: &Part) -> Option<Said> {
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
    let inner: Vec<Said> = parts.iter().filter_map(said).collect();
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
    Some(Said {
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
