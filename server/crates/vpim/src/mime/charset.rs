//! Character sets: from the bytes of a text to the text.
//!
//! A byte order mark decides, then the label, and where that says nothing the bytes themselves. Labels mean what they mean to browsers
//! (WHATWG Encoding), because senders test with them: `iso-8859-1` is Windows-1252, `gb2312` is GBK.

use std::borrow::Cow;

use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::memchr_iter;

use super::shifted::{Shifted, without_idle_escapes};
use super::utf_7;

/// Text of a character set, without a byte order mark. What is wrong in it becomes U+FFFD.
pub(crate) fn decode(label: &str, bytes: &[u8]) -> String {
    decode_front(label, bytes, true)
}

/// [`decode`] for the front of a text; `is_whole` says that it is all of it. Else a character that was cut in two at the end is left out.
pub(crate) fn decode_front(label: &str, bytes: &[u8], is_whole: bool) -> String {
    if let Some((encoding, mark_len)) = Encoding::for_bom(bytes) {
        return run(encoding, &bytes[mark_len..], is_whole);
    }
    match named(label) {
        Some(encoding) if encoding == UTF_16LE => run(utf_16(label, bytes), bytes, is_whole),
        Some(encoding) => run(encoding, bytes, is_whole),
        None => unread_by_browsers(label, bytes, is_whole)
            .unwrap_or_else(|| unlabelled(bytes, is_whole).into_owned()),
    }
}

/// Text of a character set that browsers do not know any more.
fn unread_by_browsers(label: &str, bytes: &[u8], is_whole: bool) -> Option<String> {
    let label = without_language(label);
    if utf_7::is_meant(label) {
        return Some(utf_7::decode(bytes, |plain| unlabelled(plain, true)));
    }
    let (encoding, plain) = Shifted::of(label)?.unshifted(bytes);
    Some(run(encoding, &plain, is_whole))
}

/// Whether each encoded word of that character set begins anew, so that adjacent ones cannot be joined.
pub(crate) fn begins_anew(label: &str) -> bool {
    utf_7::is_meant(label) || Shifted::of(label).is_some()
}

/// Text of which nothing is known: Japanese if it says so, UTF-8 if it can be that, else Windows-1252, in which every byte is something.
pub(crate) fn unlabelled(bytes: &[u8], is_whole: bool) -> Cow<'_, str> {
    let error = match std::str::from_utf8(bytes) {
        Ok(_) if is_japanese(bytes) => return Cow::Owned(run(ISO_2022_JP, bytes, is_whole)),
        Ok(text) => return Cow::Borrowed(text),
        Err(error) => error,
    };
    let valid = &bytes[..error.valid_up_to()];
    // Some senders cut a text after so many bytes, and the last character with it. One letter alone at the end is rather Latin-1.
    let is_cut = error.error_len().is_none() && !(is_whole && valid.is_ascii());
    match std::str::from_utf8(valid) {
        Ok(text) if is_cut => Cow::Borrowed(text),
        _ => Cow::Owned(run(WINDOWS_1252, bytes, true)),
    }
}

/// Whether ASCII changes into Japanese (RFC 1468). Japanese mail did so before it said so.
fn is_japanese(bytes: &[u8]) -> bool {
    memchr_iter(ESCAPE, bytes).any(|at| matches!(bytes.get(at + 1..at + 3), Some(b"$B" | b"$@")))
}

const ESCAPE: u8 = 0x1b;

/// Whether a label names a character set at all. `us-ascii` does not: what is said to be ASCII, and is not, can be anything.
pub(crate) fn is_named(label: &str) -> bool {
    named(label).is_some()
}

/// The character set that bytes of a header may be in which are not UTF-8 and say nothing of themselves, if the body is in the one with this
/// label. None of those that a mail cannot be written in.
pub(crate) fn of_raw_header(label: &str) -> Option<&'static Encoding> {
    named(label).filter(|encoding| encoding.is_ascii_compatible() && *encoding != UTF_8)
}

/// [`unlabelled`] for text of a header: in `beside`, the character set of the body, if it can be that.
pub(crate) fn raw_header<'a>(
    bytes: &'a [u8],
    beside: Option<&'static Encoding>,
    is_whole: bool,
) -> Cow<'a, str> {
    let is_other = std::str::from_utf8(bytes).is_err_and(|error| {
        let is_cut = error.error_len().is_none();
        !is_cut || is_whole && bytes[..error.valid_up_to()].is_ascii()
    });
    if let (Some(encoding), true) = (beside, is_other) {
        let text = run(encoding, bytes, is_whole);
        if !text.contains(char::REPLACEMENT_CHARACTER) {
            return Cow::Owned(text);
        }
    }
    unlabelled(bytes, is_whole)
}

/// The label without the language that RFC 2231 section 5 allows behind an asterisk.
pub(crate) fn without_language(label: &str) -> &str {
    label.split('*').next().unwrap_or_default().trim()
}

fn named(label: &str) -> Option<&'static Encoding> {
    const NOTHING_SAID: [&str; 4] = ["us-ascii", "ascii", "ansi_x3.4-1968", "x-user-defined"];
    let label = without_language(label).trim_matches(['"', '\'']);
    if NOTHING_SAID
        .iter()
        .any(|name| label.eq_ignore_ascii_case(name))
    {
        return None;
    }
    let known = |label: &str| Encoding::for_label_no_replacement(label.as_bytes());
    known(label).or_else(|| known(&standard(&label.to_ascii_lowercase())?))
}

/// The standard name of a label that browsers do not know and that mail programs send.
fn standard(label: &str) -> Option<String> {
    let label = label.replace('_', "-");
    let digits = label.trim_start_matches(|c: char| !c.is_ascii_digit());
    let front = label[..label.len() - digits.len()].trim_end_matches('-');
    let name = match (front, digits) {
        ("cp" | "windows" | "ms" | "win", "932") => "shift_jis",
        ("cp" | "windows" | "ms" | "win", "936") | ("euc-cn", "") => "gbk",
        ("cp" | "windows" | "ms" | "win", "949") | ("uhc", "") => "euc-kr",
        ("cp" | "windows" | "ms" | "win", "950") => "big5",
        ("cp", "50220" | "50221" | "50222") => "iso-2022-jp",
        ("cp", "65001") => "utf-8",
        ("cp" | "windows" | "ms" | "win" | "x-cp", page) if page.starts_with("125") => {
            return Some(format!("windows-{page}"));
        }
        ("iso" | "", part) if part.starts_with("8859-") => return Some(format!("iso-{part}")),
        ("iso", part) if part.starts_with("2022-jp") => "iso-2022-jp",
        ("utf", part) if part.starts_with('8') => "utf-8",
        ("latin", part) => return Some(format!("latin{part}")),
        ("koi", "8-ru") => "koi8-u",
        ("chinesebig" | "big", "5") => "big5",
        ("eucjp" | "x-eucjp", "") => "euc-jp",
        ("euckr", "") | ("ks-c", "5601") => "euc-kr",
        ("gb", "18030-2000" | "18030-2005") => "gb18030",
        ("macroman", "") => "macintosh",
        _ => return None,
    };
    Some(name.to_string())
}

/// Which UTF-16 it is when there is no mark: the high halves of most characters are zero. RFC 2781 section 4.3 and browsers differ.
fn utf_16(label: &str, bytes: &[u8]) -> &'static Encoding {
    let is_told = without_language(label).to_ascii_lowercase().ends_with("le");
    let (mut even, mut odd) = (0usize, 0usize);
    for pair in bytes.chunks_exact(2) {
        even += usize::from(pair[0] == 0);
        odd += usize::from(pair[1] == 0);
    }
    if !is_told && even > odd {
        UTF_16BE
    } else {
        UTF_16LE
    }
}

fn run(encoding: &'static Encoding, bytes: &[u8], is_whole: bool) -> String {
    if let (true, Ok(text)) = (encoding == UTF_8, std::str::from_utf8(bytes)) {
        return text.to_owned();
    }
    let idle_free;
    let bytes = if encoding == ISO_2022_JP {
        idle_free = without_idle_escapes(bytes);
        &*idle_free
    } else {
        bytes
    };
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(bytes.len() + 16);
    let mut rest = bytes;
    loop {
        let (result, read, _) = decoder.decode_to_string(rest, &mut text, is_whole);
        rest = &rest[read..];
        match result {
            encoding_rs::CoderResult::InputEmpty => return text,
            // At once for all that may still come, which is three bytes for each byte.
            encoding_rs::CoderResult::OutputFull => text.reserve_exact(3 * rest.len() + 16),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_of_the_world_is_read() {
        let cases: [(&str, &[u8], &str); 16] = [
            (
                "windows-1251",
                b"\xcf\xe5\xf0\xe5\xe7\xe2\xee\xed",
                "Перезвон",
            ),
            ("KOI8-R", b"\xef\xcc\xd8\xc7\xc1", "Ольга"),
            ("ISO-8859-2", b"St\xf8ede\xe8n\xed", "Středeční"),
            ("iso-8859-15", b"\xa6koda \xa4\xbd", "Škoda €œ"),
            ("iso-8859-1", b"\x93J\xf6rg\x94", "“Jörg”"),
            ("gb2312", b"\xc1\xf4\xd1\xd4", "留言"),
            ("gb18030", b"\x81\x30\x81\x30\xc1\xf4", "\u{80}留"),
            ("Shift_JIS", b"\x93d\x98b", "電話"),
            ("iso-2022-jp", b"\x1b$BEEOC\x1b(B!", "電話!"),
            ("euc-kr", b"\xc0\xfc\xc8\xad", "전화"),
            ("big5", b"\xb9q\xb8\xdc", "電話"),
            ("utf-16be", b"\0J\0\xf6", "Jö"),
            ("windows-1256*ar", b"\xe5\xc7\xca\xdd", "هاتف"),
            ("\"cp1253\"", b"\xc3\xe5\xe9\xdc", "Γειά"),
            ("x-mac-roman", b"J\x9arg", "Jörg"),
            ("iso-8859-8-i", b"\xf9\xec", "של"),
        ];
        for (label, bytes, text) in cases {
            assert_eq!(decode(label, bytes), text, "{label}");
        }
    }

    #[test]
    fn labels_that_only_mail_programs_send_are_known() {
        for (label, bytes, text) in [
            ("cp932", &b"\x93d"[..], "電"),
            ("CP936", b"\xc1\xf4", "留"),
            ("ms949", b"\xc0\xfc", "전"),
            ("cp950", b"\xb9q", "電"),
            ("win-1251", b"\xcf", "П"),
            ("windows1250", b"\x8a", "Š"),
            ("8859_2", b"\xf8", "ř"),
            ("latin-2", b"\xf8", "ř"),
            ("cp50221", b"\x1b$BEE\x1b(B", "電"),
            ("utf8mb4", b"\xc3\xb6", "ö"),
            ("ChineseBig5", b"\xb9q\xb8\xdc", "電話"),
            ("big-5", b"\xb9q", "電"),
            ("ks_c_5601", b"\xc0\xfc", "전"),
            ("eucJP", b"\xc5\xc5", "電"),
            ("GB18030-2000", b"\xc1\xf4", "留"),
            ("iso-2022-kr", b"\x1b$)C\x0e@|H-\x0f", "전화"),
            ("HZ-GB-2312", b"~{AtQT~}!", "留言!"),
            ("UTF-7", b"J+APY-rg", "Jörg"),
            ("UTF-7", b"\xfc+AA", "ü"),
        ] {
            assert_eq!(decode(label, bytes), text, "{label}");
        }
    }

    #[test]
    fn redundant_changes_between_ascii_and_japanese_are_no_errors() {
        let body = b"\x1b$B;3ED\x1b(B\x1b$BB@O:\x1b(B\n\x1b(J\x1b(Bx\n";
        for label in ["iso-2022-jp", "", "cp50220"] {
            assert_eq!(decode(label, body), "山田太郎\nx\n", "{label}");
        }
        assert_eq!(decode_front("iso-2022-jp", &body[..15], false), "山田太");
    }

    #[test]
    fn a_raw_header_is_in_the_character_set_of_the_body_if_it_can_be() {
        let read =
            |label: &str, bytes: &[u8]| raw_header(bytes, of_raw_header(label), true).into_owned();
        assert_eq!(read("koi8-r", b"\xef\xcc\xd8\xc7\xc1"), "Ольга");
        assert_eq!(read("shift_jis", b"\x93d\x98b"), "電話");
        assert_eq!(read("gb2312", b"\xc1\xf4\xd1\xd4"), "留言");
        for label in [
            "shift_jis",
            "utf-8",
            "utf-16",
            "us-ascii",
            "iso-2022-jp",
            "",
            "?",
        ] {
            assert_eq!(read(label, b"R\xfcckruf \x80"), "Rückruf €", "{label}");
            assert_eq!(read(label, "Büro".as_bytes()), "Büro", "{label}");
        }
    }

    #[test]
    fn without_a_label_it_is_utf_8_if_it_can_be_and_windows_1252_else() {
        for label in [
            "",
            "us-ascii",
            "ASCII",
            "x-unknown",
            "unknown-8bit",
            "x-user-defined",
        ] {
            assert_eq!(decode(label, "Büro ☎".as_bytes()), "Büro ☎", "{label}");
            assert_eq!(decode(label, b"R\xfcckruf \x80"), "Rückruf €", "{label}");
            assert_eq!(decode(label, b"a \x1b$BEEOC\x1b(B"), "a 電話", "{label}");
        }
        assert_eq!(
            decode("", "ein Büro ü".as_bytes().split_last().expect("text").1),
            "ein Büro "
        );
        assert_eq!(decode("", b"Universit\xe4"), "Universitä");
    }

    #[test]
    fn a_mark_in_front_decides_and_is_no_text() {
        assert_eq!(decode("us-ascii", b"\xef\xbb\xbfHello"), "Hello");
        assert_eq!(decode("iso-8859-1", "\u{feff}ü".as_bytes()), "ü");
        assert_eq!(decode("utf-8", b"\xff\xfeJ\0\xf6\0"), "Jö");
        assert_eq!(decode("utf-16le", b"\xfe\xff\0J"), "J");
        assert_eq!(decode("utf-16", b"\0J\0o"), "Jo");
        assert_eq!(decode("utf-16", b"J\0o\0"), "Jo");
    }

    #[test]
    fn what_was_cut_in_two_at_the_end_is_left_out() {
        assert_eq!(decode_front("utf-8", b"a\xc3", false), "a");
        assert_eq!(decode_front("utf-8", b"a\xc3", true), "a\u{fffd}");
        assert_eq!(decode_front("", b"a\xc3", false), "a");
        assert_eq!(decode_front("shift_jis", b"a\x93", false), "a");
        assert_eq!(decode_front("utf-16le", b"a\0b", false), "a");
        let long = [0x80; 10_000];
        assert_eq!(decode("cp1252", &long), "€".repeat(10_000));
    }
}
