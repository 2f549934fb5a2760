//! The content of a message for a client: its parts in order.
//!
//! They are counted depth first, as [`crate::operations::sounds`] counts them: what a client is given as `index` is what it asks the
//! sound of.

use super::party;
use contract::{Part, Timestamp, VoicePurpose};
use vpim::{Action, Content, Message, Purpose, Text};

/// Most text of one part that is sent, in bytes.
const TEXT_LENGTH_MAX: usize = 64 * 1024;
/// Most text of all parts that is sent, in bytes. A text beyond is told of like a file.
const TEXT_IN_ALL_MAX: usize = 256 * 1024;
/// Most remarks about a message.
const REMARKS_MAX: usize = 16;

/// The parts of a message. How many there are, and how long what they say is, follows from the limits of `vpim`.
pub fn parts(message: &Message<'_>) -> Vec<Part> {
    let mut walk = Walk {
        next: 0,
        text_left: TEXT_IN_ALL_MAX,
    };
    level(message, &mut walk)
}

/// What is counted over all parts, enclosed ones included.
struct Walk {
    /// The next part's index.
    next: u32,
    /// Bytes of text for which there is room.
    text_left: usize,
}

fn level(message: &Message<'_>, walk: &mut Walk) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut original = original(message);
    for part in &message.parts {
        let next = &mut walk.next;
        let mut index = || {
            *next += 1;
            *next - 1
        };
        match &part.content {
            Content::Voice(voice) => parts.push(Part::Voice {
                index: index(),
                purpose: purpose(voice.purpose),
                duration_ms: voice.duration_ms(),
            }),
            Content::Fax(fax) => parts.push(Part::Fax {
                index: index(),
                pages: fax.pages(),
            }),
            Content::Text(text) => {
                let index = index();
                match text.subtype.as_str() {
                    _ if text.is_blank() => {}
                    subtype if walk.text_left == 0 => {
                        parts.push(Part::Other {
                            index,
                            media_type: format!("text/{subtype}"),
                            size: text.data.len() as u64,
                        });
                    }
                    _ => parts.push(Part::Text {
                        index,
                        text: readable(text, &mut walk.text_left),
                    }),
                }
            }
            Content::Forwarded(inner) => parts.push(Part::Forwarded {
                sender: inner.envelope.from.as_ref().map(party).unwrap_or_default(),
                subject: inner.envelope.subject.clone().unwrap_or_default(),
                sent_at: inner
                    .envelope
                    .date
                    .map(|date| Timestamp(date.unix_s.saturating_mul(1000))),
                parts: level(inner, walk),
            }),
            Content::VCard(card) => {
                parts.push(Part::Card {
                    index: index(),
                    name: card.name.clone().unwrap_or_default(),
                });
            }
            Content::DeliveryReport(report) => parts.extend(delivery(report, &mut original)),
            Content::DispositionReport(report) => parts.push(disposition(report)),
            // What is heard of it stands before it.
            Content::Original { .. } => {
                index();
            }
            Content::Other {
                content_type,
                bytes,
            } => parts.push(Part::Other {
                index: index(),
                media_type: content_type.clone(),
                size: bytes.len() as u64,
            }),
        }
    }
    parts
}

/// The text of a part, as much as may be sent of it. Only that much is decoded.
fn readable(text: &Text<'_>, room: &mut usize) -> String {
    let (decoded, is_whole) = text.text_within(TEXT_LENGTH_MAX);
    let shown = cut(plain(&decoded), is_whole, TEXT_LENGTH_MAX.min(*room));
    *room -= shown.len().min(*room);
    shown
}

/// Line ends as the web has them, and none at the end; blanks for other control characters, which nobody can read.
fn plain(text: &str) -> String {
    let mut plain = text.replace("\r\n", "\n");
    if plain.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        let visible = |c: char| {
            if c.is_control() && c != '\n' && c != '\t' {
                ' '
            } else {
                c
            }
        };
        plain = plain.chars().map(visible).collect();
    }
    plain.truncate(plain.trim_end().len());
    plain
}

/// At most so many bytes, cut between characters, with `…` at the end if it is not all.
fn cut(mut text: String, is_whole: bool, len_max: usize) -> String {
    if is_whole && text.len() <= len_max {
        return text;
    }
    let end = (0..=len_max.saturating_sub('…'.len_utf8()).min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at));
    text.truncate(end.unwrap_or(0));
    text.push('…');
    text
}

fn purpose(purpose: Purpose) -> VoicePurpose {
    match purpose {
        Purpose::VoiceMessage => VoicePurpose::Message,
        Purpose::OriginatorSpokenName => VoicePurpose::OriginatorSpokenName,
        Purpose::RecipientSpokenName => VoicePurpose::RecipientSpokenName,
        Purpose::SpokenSubject => VoicePurpose::SpokenSubject,
        Purpose::Notification => VoicePurpose::Notification,
    }
}

/// The identifier of the message that a report is about: that of the original that is enclosed, if one is.
fn original(message: &Message<'_>) -> Option<String> {
    message.parts.iter().find_map(|part| match &part.content {
        Content::Forwarded(original) => original.envelope.message_id.clone(),
        _ => None,
    })
}

/// One part for each addressee. The message reported on is named once, by the first of them: it is the same for all.
fn delivery(report: &vpim::DeliveryReport<'_>, original: &mut Option<String>) -> Vec<Part> {
    let mut about = |status: &vpim::RecipientStatus| {
        let recipient = status
            .original_recipient
            .clone()
            .or(status.final_recipient.clone())
            .unwrap_or_default();
        let whom = if recipient.is_empty() {
            "an addressee"
        } else {
            &recipient
        };
        let summary = match status.action {
            Some(Action::Failed) => format!("The message to {whom} was not delivered."),
            Some(Action::Delayed) => {
                format!("The message to {whom} is delayed; it is still being tried.")
            }
            Some(Action::Delivered) => format!("The message to {whom} was delivered."),
            Some(Action::Relayed) => {
                format!("The message to {whom} was passed on to a system that does not report.")
            }
            Some(Action::Expanded) => {
                format!("The message to {whom} was passed on to several addressees.")
            }
            None => format!("There is news of the message to {whom}."),
        };
        let code = status
            .status
            .map(|code| code.to_string())
            .unwrap_or_default();
        Part::Report {
            summary,
            recipient,
            status: code,
            original_message_id: original.take(),
        }
    };
    let mut parts: Vec<Part> = report.recipients.iter().map(&mut about).collect();
    if report.recipients_left_out > 0 {
        parts.push(Part::Report {
            summary: format!(
                "The report tells of {} more addressees, which are not listed here.",
                report.recipients_left_out
            ),
            recipient: String::new(),
            status: String::new(),
            original_message_id: None,
        });
    }
    parts
}

fn disposition(report: &vpim::DispositionReport<'_>) -> Part {
    let recipient = report
        .original_recipient
        .clone()
        .or(report.final_recipient.clone())
        .unwrap_or_default();
    let who = if recipient.is_empty() {
        "The addressee"
    } else {
        &recipient
    };
    let status = report
        .disposition
        .as_ref()
        .map(|d| d.kind.clone())
        .unwrap_or_default();
    let summary = match status.as_str() {
        "displayed" => format!("{who} has heard or read your message."),
        "deleted" => format!("{who} has deleted your message without hearing or reading it."),
        "dispatched" => format!("{who} has passed your message on."),
        "denied" => format!("{who} does not say what became of your message."),
        "failed" => format!("{who} could not open your message."),
        _ => format!("There is news of your message to {who}."),
    };
    Part::Report {
        summary,
        recipient,
        status,
        original_message_id: report.original_message_id.clone(),
    }
}

/// A message with its parts.
pub fn detail(row: contract::MessageRow, message: &Message<'_>) -> contract::MessageDetail {
    contract::MessageDetail {
        row,
        recipients: super::recipients(&message.envelope),
        parts: parts(message),
        remarks: remarks(message),
    }
}

/// Adds to a sent message what became of it on other systems: what its sender has to know first of all.
pub fn say_what_became(
    detail: &mut contract::MessageDetail,
    became: &[(String, domain::DeliveryState)],
) {
    let order = |state: &domain::DeliveryState| match state {
        domain::DeliveryState::Failed { .. } => 0,
        domain::DeliveryState::Waiting { .. } => 1,
        domain::DeliveryState::Delivered { .. } => 2,
    };
    let mut became: Vec<_> = became.iter().collect();
    became.sort_by_key(|(_, state)| order(state));
    let room = REMARKS_MAX.saturating_sub(detail.remarks.len());
    let said = became.into_iter().take(room);
    detail
        .remarks
        .extend(said.map(|(address, state)| super::became_of(address, state)));
}

/// What its reader would wonder about, each once.
fn remarks(message: &Message<'_>) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for remark in vpim::remarks(message) {
        let remark = remark.to_string();
        if said.len() < REMARKS_MAX && !said.contains(&remark) {
            said.push(remark);
        }
    }
    said
}

#[cfg(test)]
#[path = "../../../crates/vpim/tests/worst/mod.rs"]
mod worst;

#[cfg(test)]
mod cost_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::sounds::{self, Silence};

    /// A forwarded message: a spoken name, a comment, and the message with two recordings and a text.
    const FORWARDED: &str = "From: Lena Corvick <7214@a.example>\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/voice-message; boundary=o\r\n\r\n\
        --o\r\nContent-Type: audio/basic\r\nContent-Disposition: inline; voice=Originator-Spoken-Name\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n//8=\r\n\
        --o\r\nContent-Type: audio/basic\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n\
        --o\r\nContent-Type: message/rfc822\r\n\r\n\
        From: <+442079460107@a.example>\r\nSubject: Call\r\nDate: Fri, 13 Nov 2026 09:58:00 +0000\r\n\
        Content-Type: multipart/voice-message; boundary=i\r\n\r\n\
        --i\r\nContent-Type: audio/basic\r\nContent-Transfer-Encoding: base64\r\n\r\n////\r\n\
        --i\r\nContent-Type: text/plain\r\n\r\nPrice list\r\n\
        --i\r\nContent-Type: audio/basic\r\nContent-Transfer-Encoding: base64\r\n\r\n/w==\r\n--i--\r\n\
        \r\n--o--\r\n";

    #[test]
    fn what_came_as_html_alone_is_text_to_read() {
        let mail = "From: a@a.example\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n\
            <style>p { color: red }</style><p>Caf\u{e9} &amp; more</p><script>alert(1)</script><p>Second";
        let mail: Vec<u8> = mail.chars().map(|c| c as u8).collect();
        let Part::Text { text, .. } = &parts(&vpim::parse(&mail))[0] else {
            panic!("no text");
        };
        assert!(
            text.starts_with("Caf\u{e9} & more\n") && text.ends_with("Second"),
            "{text:?}"
        );
        assert!(
            !text.contains("alert") && !text.contains("color"),
            "{text:?}"
        );
    }

    #[test]
    fn what_cannot_be_heard_is_said_once() {
        let part = "--b\r\nContent-Type: audio/mpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n//uQAA==\r\n";
        let mail = format!(
            "From: a@a.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\nlisten\r\n{part}{part}--b--\r\n"
        );
        let remarks = remarks(&vpim::parse(mail.as_bytes()));
        assert_eq!(remarks.len(), 1, "{remarks:?}");
        assert!(remarks[0].contains("cannot be played here"), "{remarks:?}");
    }

    #[test]
    fn the_file_behind_its_recording_is_counted_and_not_shown() {
        let mail = "Content-Type: multipart/mixed; boundary=b\r\n\r\n\
            --b\r\nContent-Type: audio/32KADPCM\r\n\r\n12345678\r\n\
            --b\r\nContent-Type: audio/mpeg\r\nX-CallPilot-Part: original\r\n\r\nMP3\r\n\
            --b\r\nContent-Type: audio/basic\r\n\r\n1234567812345678\r\n--b--\r\n";
        let parts = parts(&vpim::parse(mail.as_bytes()));
        let voices: Vec<_> = parts
            .iter()
            .map(|part| match part {
                Part::Voice {
                    index, duration_ms, ..
                } => (*index, *duration_ms),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(voices, [(0, 2), (2, 2)]);
        assert_eq!(sounds::length(mail.as_bytes(), Some(2)), Ok(16));
        assert_eq!(remarks(&vpim::parse(mail.as_bytes())), [""; 0]);
    }

    #[test]
    fn parts_are_counted_depth_first_and_heard_by_that_count() {
        let message = vpim::parse(FORWARDED.as_bytes());
        let parts = parts(&message);
        assert!(matches!(
            &parts[0],
            Part::Voice {
                index: 0,
                purpose: VoicePurpose::OriginatorSpokenName,
                ..
            }
        ));
        assert!(matches!(
            &parts[1],
            Part::Voice {
                index: 1,
                purpose: VoicePurpose::Message,
                ..
            }
        ));
        let Part::Forwarded {
            sender,
            parts: inner,
            sent_at,
            ..
        } = &parts[2]
        else {
            panic!("{parts:?}")
        };
        assert_eq!(
            (sender.number.as_deref(), sent_at.map(|t| t.0)),
            (Some("+442079460107"), Some(1_794_563_880_000))
        );
        assert!(matches!(&inner[0], Part::Voice { index: 2, .. }));
        assert!(matches!(&inner[1], Part::Text { index: 3, text } if text == "Price list"));
        assert!(matches!(&inner[2], Part::Voice { index: 4, .. }));
        let heard = |part| sounds::length(FORWARDED.as_bytes(), part);
        assert_eq!(
            [
                heard(Some(0)),
                heard(Some(1)),
                heard(Some(2)),
                heard(Some(4))
            ],
            [Ok(2), Ok(3), Ok(3), Ok(1)]
        );
        assert_eq!(
            (heard(Some(3)), heard(Some(5))),
            (Err(Silence::NotVoice), Err(Silence::NoPart))
        );
    }

    #[test]
    fn the_whole_sound_is_what_is_said_without_spoken_names() {
        assert_eq!(sounds::length(FORWARDED.as_bytes(), None), Ok(7));
        let text = b"Content-Type: text/plain\r\n\r\nHello\r\n";
        assert_eq!(sounds::length(text, None), Err(Silence::NoVoice));
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let long = format!("{}é", "a".repeat(TEXT_LENGTH_MAX - 4));
        let text = cut(long.repeat(2), true, TEXT_LENGTH_MAX);
        assert_eq!(text.len(), TEXT_LENGTH_MAX - 1);
        assert!(text.ends_with("a…"));
        assert_eq!(cut("short".into(), true, TEXT_LENGTH_MAX), "short");
        assert_eq!(cut("short".into(), false, TEXT_LENGTH_MAX), "short…");
        assert_eq!(plain("a\r\nb\u{1}\tc\r\n"), "a\nb \tc");
    }

    #[test]
    fn a_report_names_the_message_once_and_counts_what_it_does_not_list() {
        let groups = "Final-Recipient: rfc822; 1@a\n\n".repeat(300);
        let mail = worst::report(&groups, "m@x");
        let parts = parts(&vpim::parse(&mail));
        let named = |part: &&Part| matches!(part, Part::Report { original_message_id: Some(id), .. } if id == "m@x");
        assert_eq!(parts.iter().filter(named).count(), 1);
        let reports = parts
            .iter()
            .filter(|part| matches!(part, Part::Report { .. }));
        assert_eq!(reports.count(), vpim::limits::REPORT_RECIPIENTS_MAX + 1);
        let more = |part: &Part| matches!(part, Part::Report { summary, .. } if summary.contains(" 44 more "));
        assert!(parts.iter().any(more));
    }

    #[test]
    fn text_beyond_what_fits_in_an_answer_is_told_of_like_a_file() {
        let part = format!(
            "--b\r\nContent-Type: text/plain\r\n\r\n{}\r\n",
            "x".repeat(60_000)
        );
        let mail = format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n",
            part.repeat(6)
        );
        let parts = parts(&vpim::parse(mail.as_bytes()));
        let text = parts.iter().map(|part| match part {
            Part::Text { text, .. } => text.len(),
            _ => 0,
        });
        assert_eq!(text.sum::<usize>(), TEXT_IN_ALL_MAX);
        assert!(matches!(
            &parts[5],
            Part::Other {
                index: 5,
                size: 60_000,
                ..
            }
        ));
    }
}
