//! Rust source reduced to what the compiler acts on: comments and the content of literals become blanks.
//!
//! Offsets and lines stay as they were. It is a scanner of a few tokens, not a parser.

/// The code in `text`; everything else is blank.
pub fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => line_end(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => block_comment_end(bytes, at),
            b'"' => string_end(bytes, at + 1),
            b'r' if !continues_word(bytes, at) && raw_hashes(bytes, at).is_some() => {
                raw_string_end(bytes, at)
            }
            b'\'' => char_end(bytes, at),
            _ => at,
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    // Whole literals and comments were blanked, so no character was cut in two.
    String::from_utf8(out).expect("blanks are text")
}

/// The code before the unit tests, which stand at the end of a file.
pub fn without_unit_tests(code: &str) -> &str {
    code.find("#[cfg(test)]\nmod ")
        .map_or(code, |start| &code[..start])
}

/// The code of the unit tests.
pub fn unit_tests(code: &str) -> &str {
    &code[without_unit_tests(code).len()..]
}

/// Where `word` stands in `code` as a whole: not as a part of a longer name.
pub fn find_word(code: &str, word: &str) -> Option<usize> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).find(|&at| {
        let before = at
            .checked_sub(1)
            .is_some_and(|before| is_name(bytes[before]));
        let after = bytes
            .get(at + word.len())
            .is_some_and(|&after| is_name(after));
        let joined_before = before && is_name(word.as_bytes()[0]);
        let joined_after = after && is_name(word.as_bytes()[word.len() - 1]);
        !joined_before && !joined_after
    })
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |length| from + length)
}

fn block_comment_end(bytes: &[u8], from: usize) -> usize {
    let (mut depth, mut at) = (0, from);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if bytes[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The number of `#` when a raw string starts here.
fn raw_hashes(bytes: &[u8], from: usize) -> Option<usize> {
    let hashes = bytes[from + 1..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    (bytes.get(from + 1 + hashes) == Some(&b'"')).then_some(hashes)
}

fn raw_string_end(bytes: &[u8], from: usize) -> usize {
    let hashes = raw_hashes(bytes, from).unwrap_or_default();
    let closing = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    let content = from + 2 + hashes;
    let length = bytes[content..]
        .windows(closing.len())
        .position(|window| window == closing);
    length.map_or(bytes.len(), |length| content + length + closing.len())
}

/// A character literal, or nothing when the quote starts a lifetime.
fn char_end(bytes: &[u8], from: usize) -> usize {
    match bytes.get(from + 1) {
        Some(b'\\') => bytes[from + 3..]
            .iter()
            .position(|byte| *byte == b'\'')
            .map_or(from, |length| from + 4 + length),
        // A character has one to four bytes; a lifetime has no quote behind it.
        Some(_) => (from + 2..=from + 5)
            .find(|&at| bytes.get(at) == Some(&b'\''))
            .map_or(from, |at| {
                let inner = std::str::from_utf8(&bytes[from + 1..at]);
                if inner.is_ok_and(|inner| inner.chars().count() == 1) {
                    at + 1
                } else {
                    from
                }
            }),
        None => from,
    }
}

fn continues_word(bytes: &[u8], at: usize) -> bool {
    // `br"…"` is a literal too; any other letter before the r belongs to a name.
    let before = at.checked_sub(1).map(|before| bytes[before]);
    before.is_some_and(|byte| byte.is_ascii_alphanumeric() && byte != b'b' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blank_and_code_stays_where_it_was() {
        let text = "let a = \"unsafe \\\" x\"; // unsafe\n/* unsafe /* nested */ unsafe */ let b: &'static str = r#\"unsafe \" \"#; let c = '\"'; let d = 'é'; end";
        let code = code(text);
        assert_eq!(code.len(), text.len());
        assert_eq!(find_word(&code, "unsafe"), None, "{code}");
        assert_eq!(find_word(&code, "end"), text.find("end"), "{code}");
        assert!(code.contains("&'static str"), "{code}");
    }

    #[test]
    fn a_word_is_found_only_as_a_whole() {
        assert_eq!(find_word("unsafe_code", "unsafe"), None);
        assert_eq!(find_word("my_rand::x", "rand::"), None);
        assert_eq!(find_word("rand::random()", "rand::"), Some(0));
        assert_eq!(find_word("unsafe_code unsafe {", "unsafe"), Some(12));
    }

    #[test]
    fn unit_tests_are_what_follows_their_module() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {}";
        assert_eq!(without_unit_tests(text), "fn a() {}\n");
        assert_eq!(unit_tests(text), "#[cfg(test)]\nmod tests {}");
        assert_eq!(unit_tests("fn a() {}"), "");
    }
}
