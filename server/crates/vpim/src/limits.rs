//! Every limit of what is read, in one place: how many, how deep, how long.
//!
//! A stranger writes a mail in a minute; what reading it costs is decided here and not by the mail. Three things can happen beyond
//! a limit, and each limit says which:
//! - **refused**: [`parse`](crate::parse()) gives a [`Fault`](crate::Fault), and [`judge`](crate::judge) a sentence for the sender;
//! - **left out**: the first so many count, and the rest stays in the mail as it came;
//! - **cut**: a text for people is shortened, with `…` at its end. What was written stays in the mail.
//!
//! Those "in all" are of a whole mail, its parts and the messages that it encloses, at whatever depth. So they are
//! constants however a mail is made, and what is left grows with its length alone: [`READING_FACTOR`].

use std::borrow::Cow;

use crate::legible;

/// Deepest nesting of multiparts and enclosed messages that is followed. Refused beyond.
pub const DEPTH_MAX: usize = 16;
/// Enclosed messages in base64 or quoted-printable, one in the other. RFC 2046 section 5.2.1 allows none; each is a copy of all that
/// is inside. Refused beyond, as nested too deep.
pub const ENCODED_DEPTH_MAX: usize = 2;
/// Body parts of a message in all, containers included. Refused beyond.
pub const PARTS_MAX: usize = 256;
/// Header block of a message or of a part, in bytes. Refused beyond.
pub const HEADER_LEN_MAX: usize = 256 * 1024;
/// Header fields in all. Refused beyond.
pub const FIELDS_MAX: usize = 4_096;

/// People named in all: To, Cc and Disposition-Notification-To. Left out beyond.
pub const PARTIES_MAX: usize = 512;
/// Recipients that delivery reports tell of, in all. Left out beyond, and counted.
pub const REPORT_RECIPIENTS_MAX: usize = 256;
/// Fields of one group of a report that are looked at. Left out beyond; RFC 3464 defines eleven.
pub const REPORT_FIELDS_MAX: usize = 32;
/// Modifiers of a disposition. Left out beyond; RFC 8098 defines one.
pub const MODIFIERS_MAX: usize = 8;
/// Parameters of a content type or disposition. Left out beyond.
pub const PARAMETERS_MAX: usize = 32;
/// Bytes of a content type or disposition that are looked at. Left out beyond.
pub const STRUCTURED_LEN_MAX: usize = 8 * 1024;
/// Boundary of a multipart, in bytes. RFC 2046 allows 70. Refused beyond.
pub const BOUNDARY_LEN_MAX: usize = 256;
/// Media type or subtype, in characters. RFC 6838 section 4.2 allows 127 on each side of the slash. Left out beyond.
pub const MEDIA_TYPE_CHARS_MAX: usize = 255;
/// Name of a character set or language, in characters. Left out beyond.
pub const LABEL_CHARS_MAX: usize = 64;
/// Bytes of a text in a header that are looked at for encoded words. Enough for every text that is cut to its length in characters.
pub const ENCODED_TEXT_LEN_MAX: usize = 16 * 1024;
/// Bytes of a name, or of an address, in a list of addresses that are looked at. Left out beyond.
pub const PHRASE_LEN_MAX: usize = 4 * 1024;
/// Bytes of a date that are looked at. Left out beyond.
pub const DATE_LEN_MAX: usize = 1_024;
/// Bytes of an HTML text that are looked at for its words. Left out beyond.
pub const HTML_LEN_MAX: usize = 512 * 1024;
/// Bytes of a visiting card that are looked at for a name. Left out beyond.
pub const VCARD_LEN_MAX: usize = 64 * 1024;
/// Identifier of a message or a part, in bytes: a line of RFC 5322 section 2.1.1. A longer one counts as none, because half of one
/// is another one's.
pub const IDENTIFIER_LEN_MAX: usize = 998;

/// Channels and samples a second of sound. Beyond them it cannot be played: it is an attachment, or refused where nothing else is said.
pub use crate::audio::foreign::{CHANNELS_MAX, RATE_HZ_MAX, RATE_HZ_MIN};

/// Files of compressed sound in a mail of which recordings are made. The others stay attachments.
pub const TRANSCODED_PARTS_MAX: usize = 16;
/// Samples of 8 kHz that the compressed sound of a mail comes to in all: two hours. A file with which it would be more stays an attachment.
pub const TRANSCODED_SAMPLES_MAX: u64 = 2 * 3_600 * 8_000;
/// The same for each octet of such sound: 2 kbit/s, half of what the thriftiest codecs take to speak…
pub const TRANSCODED_SAMPLES_PER_OCTET: u64 = 32;
/// …and so many besides, five minutes, for pauses that take next to nothing.
pub const TRANSCODED_SAMPLES_MIN: u64 = 5 * 60 * 8_000;

/// Subject or description. Cut.
pub const SUBJECT_CHARS_MAX: usize = 400;
/// Name of a person. Cut.
pub const NAME_CHARS_MAX: usize = 120;
/// Address, RFC 5321 section 4.5.3.1: 64 before the `@`, 255 behind it. Cut: a longer one leads nowhere.
pub const ADDRESS_CHARS_MAX: usize = 320;
/// Proposed name of a file. Cut, keeping what stands behind the last dot.
pub const FILE_NAME_CHARS_MAX: usize = 120;
/// What a report gives as the reason, or as the name of a system. Cut.
pub const REPORT_TEXT_CHARS_MAX: usize = 400;

/// Bytes that reading a mail of `n` bytes and writing its canonical form may hold at once: at most this many times `n`, and
/// [`READING_CONSTANT`]. The mail itself, which the caller holds, is not among them.
///
/// A body in quoted-printable is held once more while it is decoded, inside an encoded message for each of [`ENCODED_DEPTH_MAX`] levels,
/// and base64 with stray characters 1.75 times; what is decoded and the canonical form are there together. The worst mail that is
/// known comes to 3.
pub const READING_FACTOR: usize = 4;
/// See [`READING_FACTOR`]: what all that has a limit in all comes to, [`PARTS_MAX`] parts and [`FIELDS_MAX`] fields above all. The worst
/// mail that is known comes to half of it.
pub const READING_CONSTANT: usize = 1 << 20;

/// Bytes that making recordings of compressed sound may hold at once for each byte that they may come to: the codes while they grow, and in
/// what is written.
pub const TRANSCODING_FACTOR: usize = 3;
/// See [`TRANSCODING_FACTOR`]: what decoders hold. Most are the tables of Vorbis.
pub const TRANSCODING_CONSTANT: usize = 12 << 20;

/// What is left of the limits in all, while a mail is read.
#[derive(Debug)]
pub(crate) struct Allowance {
    pub parts: usize,
    pub fields: usize,
    pub parties: usize,
    pub reported: usize,
}

impl Allowance {
    /// Of a mail that was accepted before: its canonical form has a few fields more, and a recording before each file that one was made
    /// of, perhaps both within a multipart of their own.
    pub fn of_kept() -> Allowance {
        Allowance {
            parts: PARTS_MAX + 2 * TRANSCODED_PARTS_MAX,
            fields: 2 * FIELDS_MAX,
            ..Allowance::whole()
        }
    }

    /// For a header that is read again, of as many people as before.
    pub fn of_parties(parties: usize) -> Allowance {
        Allowance {
            parties,
            ..Allowance::whole()
        }
    }

    /// Of one mail.
    pub fn whole() -> Allowance {
        Allowance {
            parts: PARTS_MAX,
            fields: FIELDS_MAX,
            parties: PARTIES_MAX,
            reported: REPORT_RECIPIENTS_MAX,
        }
    }
}

/// A text for people, of one line and at most `chars_max` characters: a longer one ends in `…`. Line ends become blanks; other control
/// characters, those that set the direction of writing, and those that cannot be seen are left out.
///
/// A letter is not parted from the accents and joined signs that follow it, as far as they are few.
pub fn shown(text: &str, chars_max: usize) -> Cow<'_, str> {
    // One more than is shown is enough to know that it is not all.
    let end = legible::shown_chars(text).nth(chars_max);
    let end = end.map(|(at, _)| at + text[at..].chars().next().map_or(0, char::len_utf8));
    let line = legible::line(&text[..end.unwrap_or(text.len())]);
    if end.is_none() {
        return line;
    }
    let mut shown = cut(&line, chars_max.saturating_sub(1)).to_string();
    shown.push('…');
    Cow::Owned(shown)
}

/// The first `chars` characters, or a few less where a letter would be parted from what belongs to it. Blanks at the end go.
fn cut(text: &str, chars: usize) -> &str {
    /// Accents and joined signs of one letter that are kept together.
    const JOINED_MAX: usize = 8;
    let end = |chars: usize| {
        text.char_indices()
            .nth(chars)
            .map_or(text.len(), |(at, _)| at)
    };
    let whole = (chars.saturating_sub(JOINED_MAX)..=chars)
        .rev()
        .map(end)
        .find(|&at| {
            let before = text[..at].chars().next_back();
            !text[at..].starts_with(joins) && before != Some('\u{200d}')
        });
    text[..whole.unwrap_or(end(chars))].trim_end()
}

/// Characters that belong to the one before: combining marks, variation selectors, the joiner, skin colours.
fn joins(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}'
        | '\u{93c}' | '\u{93e}'..='\u{94d}' | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{200d}' | '\u{20d0}'..='\u{20f0}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// [`shown`] for a text that is kept.
pub(crate) fn shown_own(text: String, chars_max: usize) -> String {
    match shown(&text, chars_max) {
        Cow::Borrowed(_) => text,
        Cow::Owned(cut) => cut,
    }
}

/// A file name of at most [`FILE_NAME_CHARS_MAX`] characters, with its ending.
pub(crate) fn shown_file_name(name: &str) -> String {
    /// A longer ending is none.
    const ENDING_CHARS_MAX: usize = 12;
    let name = &*legible::line(name);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let ending = ending.filter(|ending| ending.chars().count() <= ENDING_CHARS_MAX);
    match ending {
        Some(ending) if name.chars().nth(FILE_NAME_CHARS_MAX).is_some() => {
            let room = FILE_NAME_CHARS_MAX - 1 - ending.chars().count();
            format!("{}.{}", shown(name, room), shown(ending, ENDING_CHARS_MAX))
        }
        _ => shown(name, FILE_NAME_CHARS_MAX).into_owned(),
    }
}

/// At most `len_max` bytes of a text, up to a whole character.
pub(crate) fn within(text: &str, len_max: usize) -> &str {
    let ends = (0..=len_max.min(text.len())).rev();
    let end = ends.into_iter().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_with_an_ellipsis_and_a_short_one_is_not() {
        assert_eq!(shown("Grüße", 5), "Grüße");
        assert_eq!(shown("Grüße!", 5), "Grüß…");
        assert_eq!(shown("two words", 5), "two…");
        assert_eq!(shown("", 5), "");
        assert_eq!(shown("x", 0), "…");
        assert_eq!(shown(&"é".repeat(1_000), 250).chars().count(), 250);
    }

    #[test]
    fn a_letter_keeps_its_accents_and_a_flood_of_them_is_cut_all_the_same() {
        assert_eq!(shown("ae\u{301}x", 3), "a…");
        assert_eq!(shown("a👩\u{200d}👧bc", 3), "a…");
        assert_eq!(shown("a👩\u{200d}👧bc", 5), "a👩\u{200d}👧…");
        let flood = format!("e{}", "\u{301}".repeat(1_000));
        assert_eq!(shown(&flood, 20).chars().count(), 20);
    }

    #[test]
    fn what_would_break_a_line_becomes_a_blank() {
        assert_eq!(shown("a\r\nb\u{85}c", 10), "a  b c");
        assert_eq!(shown("a\nbcdef", 4), "a b…");
    }

    #[test]
    fn nothing_that_is_hidden_counts_or_turns_round_what_stands_beside() {
        assert_eq!(shown("Evil \u{202e} Rabbit", 20), "Evil  Rabbit");
        assert_eq!(shown("\u{2067}\u{200f}a\u{1b}b\u{7f}\u{9c}", 2), "ab");
        assert_eq!(shown(&format!("{}abc", "\u{7}".repeat(50)), 3), "abc");
        assert_eq!(shown(&format!("{}abcd", "\u{7}".repeat(50)), 3), "ab…");
        assert_eq!(shown_file_name("abc\u{202e}vaw.exe"), "abcvaw.exe");
        assert_eq!(shown(&format!("{}abc", "\u{200d}".repeat(50)), 3), "abc");
        assert_eq!(shown("a\u{200b}b\u{ad}c\u{200d}", 3), "abc");
    }

    #[test]
    fn a_long_file_name_keeps_its_ending() {
        let name = shown_file_name(&format!("{}.wav", "x".repeat(1_000)));
        assert!(name.ends_with("x….wav"), "{name}");
        assert_eq!(name.chars().count(), FILE_NAME_CHARS_MAX);
        assert_eq!(shown_file_name("msg1.726"), "msg1.726");
        let endless = shown_file_name(&format!("a.{}", "x".repeat(1_000)));
        assert_eq!(endless.chars().count(), FILE_NAME_CHARS_MAX);
    }

    #[test]
    fn bytes_are_cut_between_characters() {
        assert_eq!(within("aé", 2), "a");
        assert_eq!(within("aé", 3), "aé");
        assert_eq!(within("a", 9), "a");
    }
}
