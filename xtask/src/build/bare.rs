//! Scripts and style sheets without what only their readers need: comments and indentation, 3 kB of what the first load puts on the wire.
//!
//! This is no minifier: it knows just enough of both languages to leave alone what could be a part of a string.

/// A script without lines that are only comment, and without indentation. One with a text over several lines stays as it is.
pub fn script(text: &str) -> String {
    if text.lines().any(|line| line.matches('`').count() % 2 == 1) {
        return text.to_owned();
    }
    let mut bare = String::with_capacity(text.len());
    let mut in_comment = false;
    for line in text.lines().map(str::trim) {
        if in_comment || line.starts_with("/*") {
            match line.split_once("*/") {
                None => {
                    in_comment = true;
                    continue;
                }
                Some((_, "")) => {
                    in_comment = false;
                    continue;
                }
                // What stands behind it is no comment.
                Some(_) => in_comment = false,
            }
        }
        if !line.is_empty() && !line.starts_with("//") {
            bare.push_str(line);
            bare.push('\n');
        }
    }
    bare
}

/// A style sheet without comments and indentation.
pub fn style(text: &str) -> String {
    let mut without = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let (before, from) = rest.split_at(at);
        without.push_str(before);
        let taken = match from.strip_prefix("/*") {
            Some(comment) => comment.find("*/").map_or(from.len(), |end| end + 4),
            None => {
                let taken = string_length(from);
                without.push_str(&from[..taken]);
                taken
            }
        };
        rest = &from[taken..];
    }
    without.push_str(rest);
    let lines = without.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The bytes of the string at the beginning, with its quotes; 1 where there is none.
fn string_length(text: &str) -> usize {
    let mut characters = text.char_indices();
    let quote = match characters.next() {
        Some((_, quote @ ('"' | '\''))) => quote,
        _ => return 1,
    };
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            end if end == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_keeps_all_that_is_no_comment() {
        let text = "// About it.\n/**\n * @param {string} a\n */\nexport function f(a) {\n    // Why.\n    return `${a} // no comment`; // stays\n\n}\n\
                    /* one */\n/* two */ f(\"/*\");\n";
        assert_eq!(
            script(text),
            "export function f(a) {\nreturn `${a} // no comment`; // stays\n}\n/* two */ f(\"/*\");\n"
        );
    }

    #[test]
    fn a_script_with_a_text_over_several_lines_stays_as_it_is() {
        let text = "const text = `\n  // a part of it\n`;\n";
        assert_eq!(script(text), text);
    }

    #[test]
    fn a_style_sheet_keeps_its_strings() {
        let text = "/* About it. */\n.a { /* in it */ color: red; }\n  .b::before { content: \"/* \\\" a */\"; }\n.c { background: url('a/*b'); grid-area: 1 / 2; }\n/* open";
        assert_eq!(
            style(text),
            ".a {  color: red; }\n.b::before { content: \"/* \\\" a */\"; }\n.c { background: url('a/*b'); grid-area: 1 / 2; }\n"
        );
        assert_eq!(style("a{content:\"é"), "a{content:\"é\n");
    }
}
