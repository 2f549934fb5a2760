//! Several forms of one text, of which a person is shown one.

use vpim::{Container, Content, Message, Summary, canonical, judge, parse, parse_kept};

/// The texts of a mail, and how many parts it has. What is kept of it reads the same.
fn texts(mail: &str) -> (Vec<String>, usize) {
    let message = parse(mail.as_bytes());
    assert!(judge(&message).is_ok(), "{mail}");
    let kept = canonical(&message);
    let again = parse_kept(&kept);
    assert_eq!(again, message);
    assert_eq!(canonical(&again), kept);
    let texts = message.parts.iter().filter_map(|part| match &part.content {
        Content::Text(text) => Some(text.text()),
        _ => None,
    });
    (texts.collect(), message.parts.len())
}

fn multipart(kind: &str, boundary: &str, parts: &[&str]) -> String {
    let parts: String = parts
        .iter()
        .map(|part| format!("--{boundary}\r\n{part}\r\n"))
        .collect();
    format!("Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n{parts}--{boundary}--\r\n")
}

fn kind(message: &Message<'_>) -> String {
    match &message.container {
        Container::Multipart(kind) => kind.clone(),
        other => format!("{other:?}"),
    }
}

const PLAIN: &str = "Content-Type: text/plain\r\n\r\nplain";
const HTML: &str = "Content-Type: text/html\r\n\r\n<p>the <i>page</i></p>";
const VOICE: &str = "Content-Type: audio/basic\r\n\r\n\u{7f}\u{7f}";
const PDF: &str = "Content-Type: application/pdf\r\nContent-Disposition: attachment\r\nContent-ID: <p@q>\r\n\r\npdf";
const PICTURE: &str = "Content-Type: image/png\r\nContent-ID: <a@b>\r\n\r\npng";
const INVITATION: &str =
    "Content-Type: text/calendar; method=REQUEST\r\nContent-ID: <c@d>\r\n\r\nBEGIN:VCALENDAR";
const NOTES: &str =
    "Content-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment\r\n\r\nnotes";

#[test]
fn of_several_forms_of_a_text_one_is_shown() {
    let one = |text: &str, parts: usize| (vec![text.to_string()], parts);
    let alternative = |parts: &[&str]| multipart("alternative", "a", parts);
    let mixed = |parts: &[&str]| multipart("mixed", "m", parts);
    let related = multipart("related", "r", &[HTML, PICTURE]);
    let blank = "Content-Type: text/plain\r\n\r\n \r\n";
    let other = "Content-Type: text/x-watch\r\n\r\nwatch";
    for (mail, expected) in [
        (alternative(&[PLAIN, HTML]), one("plain", 1)),
        (alternative(&[HTML, PLAIN]), one("plain", 1)),
        (alternative(&[blank, HTML]), one("the page", 1)),
        (alternative(&[HTML]), one("the page", 1)),
        (alternative(&[PLAIN, other, HTML]), one("plain", 1)),
        (alternative(&[other, HTML]), one("the page", 1)),
        (alternative(&[PLAIN, &related]), one("plain", 1)),
        (alternative(&[blank, &related]), one("the page", 2)),
        (
            mixed(&[&alternative(&[PLAIN, HTML]), VOICE]),
            one("plain", 2),
        ),
        (
            alternative(&[PLAIN, &mixed(&[HTML, PDF, HTML])]),
            one("plain", 2),
        ),
        (alternative(&[PLAIN, HTML, INVITATION]), one("plain", 2)),
        (alternative(&[INVITATION, HTML]), one("the page", 2)),
        (alternative(&[PLAIN, INVITATION]), one("plain", 2)),
        (
            mixed(&[&alternative(&[PLAIN, &related, INVITATION]), VOICE]),
            one("plain", 3),
        ),
        (INVITATION.to_string(), (vec![], 1)),
        (alternative(&[PLAIN, VOICE]), one("plain", 2)),
        (alternative(&[VOICE, VOICE]), (vec![], 1)),
    ] {
        assert_eq!(texts(&mail), expected, "{mail}");
    }
}

#[test]
fn an_invitation_is_an_attachment() {
    let mail = multipart("alternative", "a", &[PLAIN, HTML, INVITATION]);
    let summary = Summary::of(&parse(mail.as_bytes()));
    assert_eq!(summary.attachments, 1);
}

#[test]
fn files_and_all_texts_of_the_chosen_form_stay() {
    let inner = multipart("mixed", "m", &[HTML, NOTES, HTML]);
    let mail = multipart("alternative", "a", &[PLAIN, &inner]);
    assert_eq!(
        texts(&mail),
        (vec!["plain".to_string(), "notes".to_string()], 2)
    );
    let mail = multipart("alternative", "a", &[&inner]);
    assert_eq!(texts(&mail).0, ["the page", "notes", "the page"]);
    assert_eq!(
        kind(&parse(mail.as_bytes())),
        "mixed",
        "one form is no choice"
    );
    let mail = multipart("alternative", "a", &[PLAIN, HTML]);
    assert_eq!(
        kind(&parse(mail.as_bytes())),
        "mixed",
        "what was chosen is no choice"
    );
    // Two texts that are no forms of one thing are two.
    let mail = multipart("mixed", "m", &[PLAIN, HTML]);
    assert_eq!(texts(&mail).1, 2);
    let message = parse(mail.as_bytes());
    assert_eq!(Summary::of(&message).attachments, 0);
}

#[test]
fn what_is_chosen_between_stays_as_it_was_written() {
    let mail = multipart("alternative", "a", &[PLAIN, VOICE]);
    assert_eq!(kind(&parse(mail.as_bytes())), "alternative");
    let nested = multipart("alternative", "b", &[PLAIN, HTML]);
    let mail = multipart("report; report-type=delivery-status", "a", &[&nested]);
    assert_eq!(texts(&mail).1, 1);
}
