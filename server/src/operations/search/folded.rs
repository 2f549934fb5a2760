//! Texts as they are compared when somebody looks for words: without case, without accents, in one form of each letter.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// A text as it is compared: compatibility decomposition (UAX #15: a letter and its accents apart, ligatures and full-width letters as plain
/// ones), without its combining marks, in lower case. Letters that have no decomposition and are written otherwise where they are missing go by what is written then.
pub(in crate::operations) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let plain = text.nfkd().filter(|c| !is_mark(*c));
    for c in plain.flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ħ' => folded.push('h'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            // The form at the end of a word.
            'ς' => folded.push('σ'),
            // What comes out of a letter in lower case may be one with a mark again.
            c if is_mark(c) => {}
            c => folded.push(c),
        }
    }
    folded
}

/// An accent or another mark over, under or through a letter. The vowel signs of Indic scripts and of Thai are none: they are letters.
fn is_mark(c: char) -> bool {
    canonical_combining_class(c) != 0
}

/// The digits of a word that is a telephone number as people write them; `None` for anything else, and for one digit alone.
pub(super) fn number(word: &str) -> Option<String> {
    let is_written = |c: char| c.is_ascii_digit() || c.is_whitespace() || "+-./()".contains(c);
    let digits: String = word.chars().filter(char::is_ascii_digit).collect();
    (digits.len() > 1 && word.chars().all(is_written)).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_compared_in_one_form() {
        for (text, expected) in [
            ("Ångström", "angstrom"),
            ("A\u{30a}NGSTRO\u{308}M", "angstrom"),
            ("STRASSE Straße ẞ", "strasse strasse ss"),
            ("İstanbul ISTANBUL ısı", "istanbul istanbul isi"),
            ("Łódź Øresund Đorđe Ħal", "lodz oresund dorde hal"),
            ("ΟΔΌΣ οδός", "οδοσ οδοσ"),
            ("Ёлка й", "елка и"),
            ("ﬁn Ｆａｘ ①", "fin fax 1"),
            ("東京 ガ", "東京 カ"),
            ("æon œuvre þing", "aeon oeuvre thing"),
            ("हिन्दी", "हिनदी"),
            ("مُحَمَّد", "محمد"),
        ] {
            assert_eq!(folded(text), expected);
        }
    }

    #[test]
    fn a_number_is_its_digits_however_it_is_written() {
        for word in ["442079460107", "+44(20)7946-0107", "+44 20 7946.0107"] {
            assert_eq!(number(word).as_deref(), Some("442079460107"), "{word}");
        }
        for word in ["", "+", "7", "7a", "a7201"] {
            assert_eq!(number(word), None, "{word}");
        }
    }
}
