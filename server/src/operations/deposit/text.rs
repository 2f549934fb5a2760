//! The beginning of what can be read in a mail, which is kept beside the envelope, so that whoever looks for words reads no body.

use vpim::{Content, Message};

/// Bytes of it that are kept: some three hundred words.
const TEXT_BYTES_MAX: usize = 2_048;

/// The words of the texts of a mail in order, enclosed mails with their senders and subjects included, with one blank between them, as
/// far as they are kept.
pub(super) fn text(message: &Message<'_>) -> String {
    let mut text = String::new();
    gather(message, &mut text);
    text
}

fn gather(message: &Message<'_>, text: &mut String) {
    for part in &message.parts {
        let left = TEXT_BYTES_MAX - text.len();
        if left == 0 {
            return;
        }
        match &part.content {
            Content::Text(words) => append(text, &words.text_within(left).0),
            Content::Forwarded(inner) => {
                let from = inner.envelope.from.as_ref();
                append(text, from.map_or("", |party| party.display()));
                append(text, inner.envelope.subject.as_deref().unwrap_or_default());
                gather(inner, text);
            }
            _ => {}
        }
    }
}

fn append(text: &mut String, words: &str) {
    for word in words.split_whitespace() {
        if !text.is_empty() && text.len() < TEXT_BYTES_MAX {
            text.push(' ');
        }
        let left = TEXT_BYTES_MAX - text.len();
        let whole = |end: &usize| word.is_char_boundary(*end);
        let end = (0..=left.min(word.len())).rev().find(whole).unwrap_or(0);
        text.push_str(&word[..end]);
        if word.len() > left {
            // What was cut is not filled up with letters of a later word.
            text.extend(std::iter::repeat_n(' ', TEXT_BYTES_MAX - text.len()));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[&str]) -> String {
        let mut mail =
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned();
        for part in parts {
            mail += &format!("--b\r\n{part}\r\n");
        }
        let mail = mail + "--b--\r\n";
        let message = vpim::parse(mail.as_bytes());
        assert_eq!(message.fault, None);
        text(&message)
    }

    fn plain(words: &str) -> String {
        format!(
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{words}\r\n"
        )
    }

    #[test]
    fn the_words_of_all_texts_are_kept_those_of_enclosed_mails_too() {
        let inner = format!(
            "Content-Type: message/rfc822\r\n\r\nFrom: Odo Renn <7201@a.example>\r\nSubject: Keys\r\n{}",
            plain("in the drawer")
        );
        let html = "Content-Type: text/html\r\n\r\n<p>Call <b>back</b></p>\r\n";
        let sound = "Content-Type: audio/basic\r\n\r\nxxxx\r\n";
        let all = of(&[&plain("Good\r\n  morning\t there"), sound, html, &inner]);
        assert_eq!(
            all,
            "Good morning there Call back Odo Renn Keys in the drawer"
        );
        assert_eq!(of(&[sound]), "");
    }

    #[test]
    fn however_long_texts_are_their_beginning_is_kept_in_whole_letters() {
        for words in [
            "é ".repeat(9_000),
            "é".repeat(9_000),
            "x".repeat(2_047),
            "a bc ".repeat(410),
        ] {
            let kept = of(&[&plain(&words), &plain("ßßß"), &plain("later")]);
            assert!(kept.len() <= TEXT_BYTES_MAX, "{}", kept.len());
            assert!(!kept.contains("later"));
            let whole: Vec<_> = words.split_whitespace().collect();
            assert!(
                whole
                    .join(" ")
                    .starts_with(kept.trim_end_matches([' ', 'ß']))
            );
        }
    }
}
