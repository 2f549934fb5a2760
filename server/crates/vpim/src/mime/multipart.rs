//! Cutting a multipart body at its boundary lines (RFC 2046 section 5.1.1).

use std::ops::Range;

use crate::limits::BOUNDARY_LEN_MAX;
use memchr::memmem::Finder;

/// The parts of a multipart body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Where each part lies, its header included, without the line break that belongs to the boundary line.
    pub ranges: Vec<Range<usize>>,
    /// The closing boundary line was there.
    pub closed: bool,
}

/// Whether a boundary can be searched for at all.
pub(crate) fn is_usable(boundary: &str) -> bool {
    (1..=BOUNDARY_LEN_MAX).contains(&boundary.len()) && !boundary.contains(['\r', '\n'])
}

/// Cuts `body`. Preamble and epilogue are left out. At most `most` parts are looked for.
///
/// A boundary line holds the boundary, perhaps the closing `--`, and blanks, nothing else: `--ab` does not match the
/// boundary `a`, though RFC 2046 would let it, because mail with boundaries that begin alike exists (RFC 3801 prints one).
pub(crate) fn split(body: &[u8], boundary: &str, most: usize) -> Parts {
    let needle = [b"\n--", boundary.as_bytes()].concat();
    let finder = Finder::new(&needle);
    let mut parts = Parts {
        ranges: Vec::new(),
        closed: false,
    };
    let mut open = None;
    let mut from = 0;
    // The line break before the first boundary line belongs to the header when nothing stands in front of it.
    if body.starts_with(&needle[1..]) {
        match line_tail(body, needle.len() - 1) {
            Some(Tail::Closing) => {
                return Parts {
                    closed: true,
                    ..parts
                };
            }
            Some(Tail::Opening { next }) => {
                open = Some(next);
                from = next - 1;
            }
            None => {}
        }
    }
    while let Some(found) = finder.find(&body[from..]) {
        let (newline, after) = (from + found, from + found + needle.len());
        let Some(tail) = line_tail(body, after) else {
            from = after;
            continue;
        };
        if let Some(start) = open.take() {
            let end = if newline > start && body[newline - 1] == b'\r' {
                newline - 1
            } else {
                newline
            };
            parts.ranges.push(start..end.max(start));
        }
        match tail {
            Tail::Closing => {
                return Parts {
                    closed: true,
                    ..parts
                };
            }
            Tail::Opening { next } => {
                open = Some(next);
                // The line break of this boundary line may serve the next one too: a part can be empty.
                from = (next - 1).max(after);
            }
        }
        if parts.ranges.len() >= most {
            return parts;
        }
    }
    parts.ranges.extend(open.map(|start| start..body.len()));
    parts
}

enum Tail {
    Closing,
    /// Where the part behind the boundary line begins.
    Opening {
        next: usize,
    },
}

/// What follows a boundary; `None` if the line goes on with something else.
fn line_tail(body: &[u8], after: usize) -> Option<Tail> {
    let tail = &body[after..];
    let closing = tail.starts_with(b"--");
    let tail = if closing { &tail[2..] } else { tail };
    let blanks = tail
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let rest = match &tail[blanks..] {
        [] => &tail[blanks..],
        [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => rest,
        _ => return None,
    };
    Some(if closing {
        Tail::Closing
    } else {
        Tail::Opening {
            next: body.len() - rest.len(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut<'a>(raw: &'a str, boundary: &str) -> (Vec<&'a str>, bool) {
        let parts = split(raw.as_bytes(), boundary, 100);
        (
            parts.ranges.into_iter().map(|range| &raw[range]).collect(),
            parts.closed,
        )
    }

    #[test]
    fn preamble_and_epilogue_are_left_out() {
        let raw =
            "pre\r\n--b\r\n\r\none\r\n--b \t\r\n\r\ntwo\r\n\r\n--b--\r\nepilogue\r\n--b\r\n\r\nno";
        assert_eq!(cut(raw, "b"), (vec!["\r\none", "\r\ntwo\r\n"], true));
        assert_eq!(cut("--b\n1\n--b--", "b"), (vec!["1"], true));
    }

    #[test]
    fn a_longer_boundary_is_another_boundary() {
        let raw = "--b\r\nx\r\n--b2\r\ny\r\n--b2--\r\n--b-\r\n--b--";
        assert_eq!(
            cut(raw, "b"),
            (vec!["x\r\n--b2\r\ny\r\n--b2--\r\n--b-"], true)
        );
    }

    #[test]
    fn empty_parts_are_parts() {
        assert_eq!(
            cut("--b\r\n--b\r\n\r\n--b--\r\n", "b"),
            (vec!["", ""], true)
        );
        assert_eq!(cut("--b--", "b"), (vec![], true));
    }

    #[test]
    fn a_body_that_breaks_off_is_not_closed() {
        assert_eq!(
            cut("--b\r\none\r\n--b\r\ntw", "b"),
            (vec!["one", "tw"], false)
        );
        assert_eq!(cut("--b", "b"), (vec![""], false));
        assert_eq!(cut("nothing", "b"), (vec![], false));
        assert_eq!(cut("", "b"), (vec![], false));
    }

    #[test]
    fn no_more_parts_are_looked_for_than_asked() {
        let raw = "--b\r\nx\r\n".repeat(1000);
        assert_eq!(split(raw.as_bytes(), "b", 7).ranges.len(), 7);
    }
}
