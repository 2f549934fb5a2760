//! What of a stranger's text a person gets to see: no control characters, and nothing that turns round the text beside it.
//!
//! Characters that set the direction of writing (Unicode Annex 9: embeddings, overrides, isolates, marks) reach beyond the text that they
//! stand in: a name with U+202E makes the number behind it read backwards. Letters carry their direction themselves and need none.
//!
//! Characters that take no room, such as U+200B, make two texts that differ look the same. They are left out; of the two joiners, without which
//! Persian, Hindi and some emoji are not written right, those that stand between such letters or emoji are kept. Tags (U+E0020 and the
//! following) can hold a text that nobody sees, so the flag of Scotland is shown as a black one.

use std::borrow::Cow;

/// The characters of a text of one line that are shown, and where they stand. What would end the line becomes a blank.
pub(crate) fn shown_chars(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut before = None;
    text.char_indices().filter_map(move |(at, c)| {
        let shown = match c {
            ZWNJ | ZWJ if !is_joined(before, text[at + c.len_utf8()..].chars().next(), c) => None,
            _ => in_line(c),
        };
        before = shown.or(before);
        Some((at, shown?))
    })
}

/// A character in a text of one line: a blank for what would end the line; `None` for what is never shown.
pub(crate) fn in_line(c: char) -> Option<char> {
    match c {
        _ if breaks_line(c) || c == '\t' => Some(' '),
        _ if is_hidden(c) => None,
        _ => Some(c),
    }
}

/// A text of one line without what is not shown.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    if shown_chars(text).map(|(_, c)| c).eq(text.chars()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(shown_chars(text).map(|(_, c)| c).collect())
    }
}

/// A text of several lines without what is not shown, each line ended by a line feed.
pub(crate) fn lines(mut text: String) -> String {
    // Rare, and longer than what they become: one copy is enough.
    if text.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        text = text.replace(['\u{85}', '\u{2028}', '\u{2029}'], "\n");
    }
    let mut text = without_idle_joiners(text);
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

/// A text without the joiners that join nothing.
pub(crate) fn without_idle_joiners(text: String) -> String {
    if !text.contains([ZWNJ, ZWJ]) {
        return text;
    }
    let mut before = None;
    let joined = text.char_indices().filter(|&(at, c)| {
        let next = || text[at + c.len_utf8()..].chars().next();
        let stays = !matches!(c, ZWNJ | ZWJ) || is_joined(before, next(), c);
        if stays {
            before = Some(c);
        }
        stays
    });
    joined.map(|(_, c)| c).collect()
}

/// Whether a character is never shown: controls, what sets the direction of writing, and what takes no room.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'
            | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// Whether a character cannot be seen where it stands alone (Unicode: *Default_Ignorable_Code_Point*). Names and texts need some of these
/// beside a letter or an emoji; an address needs none, and two that look the same must be the same.
pub(crate) fn is_invisible(c: char) -> bool {
    is_hidden(c)
        || matches!(c, ZWNJ | ZWJ | '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Keeps two letters from being joined in writing.
const ZWNJ: char = '\u{200c}';
/// Joins two letters in writing, or emoji to one picture.
const ZWJ: char = '\u{200d}';

/// Whether a joiner between these two is right: letters of a script that is written joined (Unicode section 23.2), or emoji (UTS 51).
fn is_joined(before: Option<char>, next: Option<char>, joiner: char) -> bool {
    let (Some(before), Some(next)) = (before, next) else {
        return false;
    };
    let is_emoji = |c| matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{27bf}' | '\u{2900}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}');
    is_cursive(before) && is_cursive(next)
        || joiner == ZWJ && (is_emoji(before) || before == '\u{fe0f}') && is_emoji(next)
}

/// Letters and signs, not digits, of the scripts that are written joined: Arabic, Syriac, N'Ko, Mongolian, and those of India and its neighbours.
fn is_cursive(c: char) -> bool {
    !c.is_numeric()
        && matches!(c, '\u{600}'..='\u{7ff}' | '\u{840}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1700}'..='\u{18af}'
            | '\u{1900}'..='\u{1c4f}' | '\u{1cd0}'..='\u{1cff}' | '\u{a840}'..='\u{a8ff}' | '\u{a980}'..='\u{aaff}'
            | '\u{abc0}'..='\u{abff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10a00}'..='\u{11fff}'
            | '\u{1e900}'..='\u{1e95f}')
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
    fn what_takes_no_room_is_left_out_and_joiners_stay_where_they_join() {
        let hidden = "a\u{200b}\u{ad}b\u{2060}\u{feff}\u{e0041}\u{e007f}c\u{200d}d\u{200c}\u{200c}5\u{200d}5\u{3164}";
        assert_eq!(line(hidden), "abcd55");
        assert_eq!(lines(hidden.to_string()), "abcd55");
        for text in [
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "ශ්\u{200d}රී",
            "👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥 👩🏽\u{200d}💻 🏳\u{fe0f}\u{200d}🌈",
            "葛\u{e0100}",
        ] {
            assert!(matches!(line(text), Cow::Borrowed(_)), "{text}");
            assert_eq!(lines(text.to_string()), text);
        }
        for text in [
            "می\u{200c}",
            "\u{200c}می",
            "م\u{200c}\u{200c}ی",
            "٠\u{200c}٠",
            "👩\u{200c}👧",
            "👩\u{200d}a",
        ] {
            let joiners = line(text).matches([ZWNJ, ZWJ]).count();
            assert!(
                joiners <= usize::from(text.starts_with("م\u{200c}")),
                "{text}"
            );
        }
        let flood = "\u{200d}".repeat(100_000);
        assert_eq!(line(&flood), "");
    }

    #[test]
    fn lines_keep_their_ends_and_tabs() {
        let text = "\u{feff}a\u{0}\r\nb\tc\rd\n\re\u{85}f\u{c}g\u{202e}h\u{2069}";
        assert_eq!(lines(text.to_string()), "a\nb\tc\nd\n\ne\nf\ngh");
        assert_eq!(lines("a\r\n\r\nb".to_string()), "a\n\nb");
    }
}
