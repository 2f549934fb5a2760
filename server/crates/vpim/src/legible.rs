//! What of a stranger's text a person gets to see: no control characters, and nothing that turns round the text beside it.
//!
//! Characters that set the direction of writing (Unicode Annex 9: embeddings, overrides, isolates, marks) reach beyond the text that they
//! stand in: a name with U+202E makes the number behind it read backwards. Letters carry their direction themselves and need none.

use std::borrow::Cow;

/// A character in a text of one line: a blank for what would end the line; `None` for what is not shown.
pub(crate) fn in_line(c: char) -> Option<char> {
    match c {
        _ if breaks_line(c) || c == '\t' => Some(' '),
        _ if is_hidden(c) => None,
        _ => Some(c),
    }
}

/// A text of one line without what is not shown.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    if text.contains(|c| in_line(c) != Some(c)) {
        Cow::Owned(text.chars().filter_map(in_line).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A text of several lines without what is not shown, each line ended by a line feed.
pub(crate) fn lines(mut text: String) -> String {
    // Rare, and longer than what they become: one copy is enough.
    if text.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        text = text.replace(['\u{85}', '\u{2028}', '\u{2029}'], "\n");
    }
    let mut before = None;
    text.retain(|c| {
        let is_second = c == '\n' && before == Some('\r');
        before = Some(c);
        !is_second && (breaks_line(c) || c == '\t' || !is_hidden(c))
    });
    if !text.bytes().any(|byte| matches!(byte, 0x0b..=0x0d)) {
        return text;
    }
    let mut bytes = text.into_bytes();
    for byte in &mut bytes {
        if matches!(byte, 0x0b..=0x0d) {
            *byte = b'\n';
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// Whether a character is never shown: controls, what sets the direction of writing, and the byte order mark.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn breaks_line(c: char) -> bool {
    matches!(
        c,
        '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_controls_and_no_changes_of_direction() {
        assert_eq!(line("a\u{1b}[31mred\u{7} b\u{7f}\u{9b}"), "a[31mred b");
        assert_eq!(line("Evil \u{202e} Rabbit\u{2066}\u{200f}"), "Evil  Rabbit");
        assert_eq!(line("a\r\nb\tc\u{2028}d"), "a  b c d");
        assert!(matches!(
            line("שלום می\u{200c}خواهم 👩\u{200d}👧"),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn lines_keep_their_ends_and_tabs() {
        let text = "\u{feff}a\u{0}\r\nb\tc\rd\n\re\u{85}f\u{c}g\u{202e}h\u{2069}";
        assert_eq!(lines(text.to_string()), "a\nb\tc\nd\n\ne\nf\ngh");
        assert_eq!(lines("a\r\n\r\nb".to_string()), "a\n\nb");
    }
}
