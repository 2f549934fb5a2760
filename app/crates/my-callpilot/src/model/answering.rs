//! What an answer to a message, or a message that passes it on, begins with.

use contract::{
    Addressee, DraftContent, DraftSource, MessageDetail, MessageRow, Party, SourceAction,
};

/// How a message is gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To its sender.
    Reply,
    /// To its sender and all to whom it went.
    ReplyAll,
    /// To others, with all that is in it.
    Forward,
}

/// What stands before the subject of an answer, and what other programs write there.
const REPLY_MARKS: [&str; 4] = ["re:", "aw:", "antw:", "sv:"];
/// The same of what is passed on.
const FORWARD_MARKS: [&str; 4] = ["fwd:", "fw:", "wg:", "tr:"];

impl Answer {
    /// What the button says.
    pub fn words(self) -> &'static str {
        match self {
            Self::Reply => "Reply",
            Self::ReplyAll => "Reply to all",
            Self::Forward => "Forward",
        }
    }
}

/// What it begins with. `own` is the number of one's own mailbox: one does not answer oneself, unless one has sent the message.
pub fn begin(answer: Answer, message: &MessageDetail, own: &str) -> DraftContent {
    let row = &message.row;
    let mut recipients = Vec::new();
    if answer != Answer::Forward {
        let is_own = |party: &Party| party.number.as_deref() == Some(own);
        let mut add = |party: &Party, copy: bool| {
            let addressee = addressee(party, copy);
            let known = |other: &Addressee| other.address == addressee.address;
            if !addressee.address.is_empty() && !is_own(party) && !recipients.iter().any(known) {
                recipients.push(addressee);
            }
        };
        add(&row.sender, false);
        if answer == Answer::ReplyAll || is_own(&row.sender) {
            for recipient in &message.recipients {
                add(&recipient.party, recipient.copy);
            }
        }
    }
    DraftContent {
        recipients,
        subject: subject(answer, row),
        urgent: answer == Answer::Forward && row.urgent,
        source: Some(DraftSource {
            action: match answer {
                Answer::Reply | Answer::ReplyAll => SourceAction::Reply,
                Answer::Forward => SourceAction::Forward,
            },
            message: row.id,
        }),
        ..DraftContent::default()
    }
}

fn addressee(party: &Party, copy: bool) -> Addressee {
    let address = match party.address.is_empty() {
        true => party.number.clone().unwrap_or_default(),
        false => party.address.clone(),
    };
    Addressee {
        address,
        name: party.name.clone(),
        copy,
    }
}

fn subject(answer: Answer, row: &MessageRow) -> String {
    let subject = row.subject.trim();
    if subject.is_empty() {
        return String::new();
    }
    let (mark, marks) = match answer {
        Answer::Reply | Answer::ReplyAll => ("Re:", REPLY_MARKS),
        Answer::Forward => ("Fwd:", FORWARD_MARKS),
    };
    let has = |mark: &&str| {
        let head = subject.get(..mark.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(mark))
    };
    if marks.iter().any(has) {
        return subject.to_owned();
    }
    format!("{mark} {subject}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::{id, row};
    use contract::Recipient;

    fn party(number: &str) -> Party {
        Party {
            name: format!("Name of {number}"),
            address: format!("{number}@cp-north.example.net"),
            number: Some(number.into()),
        }
    }

    fn message(to: &[&str]) -> MessageDetail {
        let recipient = |number: &&str| Recipient {
            party: party(number),
            copy: *number == "7220",
        };
        MessageDetail {
            row: row(1, 5),
            recipients: to.iter().map(recipient).collect(),
            parts: Vec::new(),
            remarks: Vec::new(),
        }
    }

    fn numbers(content: &DraftContent) -> Vec<&str> {
        let number = |to: &Addressee| to.address.split('@').next().unwrap_or_default().len();
        content
            .recipients
            .iter()
            .map(|to| &to.address[..number(to)])
            .collect()
    }

    #[test]
    fn an_answer_goes_to_the_sender_and_to_all_only_where_that_is_wanted() {
        let message = message(&["7200", "7216", "7220", "7216"]);
        let reply = begin(Answer::Reply, &message, "7200");
        assert_eq!(numbers(&reply), ["7213"]);
        let all = begin(Answer::ReplyAll, &message, "7200");
        assert_eq!(numbers(&all), ["7213", "7216", "7220"]);
        assert!(all.recipients[2].copy, "who had a copy gets a copy");
        assert_eq!(numbers(&begin(Answer::Forward, &message, "7200")), [""; 0]);
    }

    #[test]
    fn what_one_has_sent_oneself_is_answered_to_whom_it_went() {
        let message = message(&["7216"]);
        assert_eq!(numbers(&begin(Answer::Reply, &message, "7213")), ["7216"]);
    }

    #[test]
    fn a_subject_is_marked_once() {
        let said = |answer, subject: &str| {
            let mut message = message(&[]);
            message.row.subject = subject.into();
            begin(answer, &message, "7200").subject
        };
        assert_eq!(said(Answer::Reply, "Delivery"), "Re: Delivery");
        assert_eq!(said(Answer::Reply, "RE: Delivery"), "RE: Delivery");
        assert_eq!(said(Answer::Reply, "AW: Lieferung"), "AW: Lieferung");
        assert_eq!(said(Answer::Forward, "Re: Delivery"), "Fwd: Re: Delivery");
        assert_eq!(said(Answer::Forward, ""), "");
        assert_eq!(said(Answer::Reply, "Öl"), "Re: Öl");
    }

    #[test]
    fn it_names_the_message_and_what_it_does_with_it() {
        let forward = begin(Answer::Forward, &message(&[]), "7200");
        let source = forward.source.unwrap();
        assert_eq!(
            (source.action, source.message),
            (SourceAction::Forward, id(1))
        );
    }
}
