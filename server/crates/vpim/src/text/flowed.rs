//! `format=flowed` (RFC 3676): a paragraph is broken into lines that end in a blank, and joined again by who shows it.

use crate::mime::parameter::Structured;

/// How lines are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    /// The blank at the end of a line was put there and is none of the words (`DelSp=Yes`).
    is_blank_added: bool,
}

impl Flow {
    /// How the lines of a text are joined; `None` if they stay as they are.
    pub fn of(subtype: &str, content_type: &Structured) -> Option<Flow> {
        let is = |name: &str, value: &str| {
            let its = content_type.parameter(name);
            its.is_some_and(|its| its.trim().eq_ignore_ascii_case(value))
        };
        (subtype == "plain" && is("format", "flowed")).then(|| Flow {
            is_blank_added: is("delsp", "yes"),
        })
    }

    /// The text in paragraphs. It has line feeds only, and becomes no longer: a line that is quoted loses no mark.
    pub fn joined(self, text: &str) -> String {
        let mut joined = String::with_capacity(text.len());
        // How deep the paragraph is quoted that still goes on.
        let mut open = None;
        for line in text.split_inclusive('\n') {
            let (line, line_end) = match line.strip_suffix('\n') {
                Some(line) => (line, "\n"),
                None => (line, ""),
            };
            let content = line.trim_start_matches('>');
            let depth = line.len() - content.len();
            let stuffed = content.strip_prefix(' ');
            let content = stuffed.unwrap_or(content);
            // The line above a signature is one of its own (section 4.3).
            let is_signature = content == "-- ";
            if open.is_some_and(|open| open != depth || is_signature) {
                joined.push('\n');
                open = None;
            }
            if open.is_none() && depth > 0 {
                joined.push_str(&line[..depth]);
                joined.extend(stuffed.map(|_| ' '));
            }
            if content.ends_with(' ') && !is_signature {
                let words = &content[..content.len() - usize::from(self.is_blank_added)];
                joined.push_str(words);
                open = Some(depth);
            } else {
                joined.push_str(content);
                joined.push_str(line_end);
                open = None;
            }
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(parameters: &str, text: &str) -> Option<String> {
        let content_type = Structured::read(&format!("text/plain{parameters}"));
        Flow::of("plain", &content_type).map(|flow| flow.joined(text))
    }

    #[test]
    fn lines_that_end_in_a_blank_go_on() {
        for (text, expected) in [
            (
                "This is \na long line\nhard.\n",
                "This is a long line\nhard.\n",
            ),
            ("a \n> b \n> c\n>> d \ne", "a \n> b c\n>> d \ne"),
            (" From x\n  >y\n \nz ", "From x\n >y\n\nz "),
            ("a \n-- \nname\n", "a \n-- \nname\n"),
            ("a \n\nb", "a \nb"),
            ("", ""),
        ] {
            assert_eq!(joined("; format=flowed", text).as_deref(), Some(expected));
        }
        let japanese = joined(
            "; Format=Flowed; DelSp=Yes",
            "これは \n長い \n文です。\n> a \n> b",
        );
        assert_eq!(japanese.as_deref(), Some("これは長い文です。\n> ab"));
        assert_eq!(joined("", "a \nb"), None);
        assert_eq!(joined("; format=fixed", "a \nb"), None);
        let html = Structured::read("text/html; format=flowed");
        assert_eq!(Flow::of("html", &html), None);
    }
}
