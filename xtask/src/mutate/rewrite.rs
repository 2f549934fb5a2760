//! The text of a source file with all its mutants in it, each behind a switch.
//!
//! Nothing is printed from a syntax tree: the file stays as it is written, and only conditions get something around them.

use std::ops::Range;

/// What happens to a piece of the source.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The bytes of the piece.
    pub range: Range<usize>,
    /// What is written instead.
    pub shape: Shape,
}

/// How a piece is rewritten. Numbers are those of mutants.
#[derive(Debug, Clone)]
pub enum Shape {
    /// A condition that can be forced.
    Forced {
        truly: Option<u32>,
        falsely: Option<u32>,
    },
    /// `true` or `false`, which can be the other.
    Flipped(u32),
    /// A comparison that can be another one.
    Compared {
        left: Range<usize>,
        right: Range<usize>,
        operator: &'static str,
        moved: &'static str,
        number: u32,
    },
    /// A chain that begins with `let` and can be kept from matching. Nothing may stand around it, only before it.
    Unmatched(u32),
    /// The beginning of a function's body, where it can answer at once.
    Answered(Vec<(u32, &'static str)>),
}

/// Rewrites a file. Edits are in the order of their beginnings, outer before inner.
pub fn rewrite(text: &str, edits: &[Edit]) -> String {
    let mut rest = edits;
    piece(text, 0..text.len(), &mut rest)
}

/// Rewrites a part of the file and takes the edits in it.
fn piece(text: &str, range: Range<usize>, edits: &mut &[Edit]) -> String {
    let mut out = String::new();
    let mut at = range.start;
    while let Some((edit, rest)) = edits.split_first() {
        if edit.range.start >= range.end {
            break;
        }
        assert!(
            edit.range.start >= at && edit.range.end <= range.end,
            "edits overlap at byte {at}"
        );
        *edits = rest;
        out.push_str(&text[at..edit.range.start]);
        out.push_str(&shaped(text, edit, edits));
        at = edit.range.end;
    }
    out.push_str(&text[at..range.end]);
    out
}

fn shaped(text: &str, edit: &Edit, edits: &mut &[Edit]) -> String {
    match &edit.shape {
        Shape::Forced { truly, falsely } => {
            let inner = piece(text, edit.range.clone(), edits);
            let [truly, falsely] = [truly, falsely].map(|number| number.unwrap_or(0));
            format!("::mutants::forced({inner}, {truly}, {falsely})")
        }
        Shape::Flipped(n) => format!("({} != {})", on(*n), &text[edit.range.clone()]),
        Shape::Compared {
            left,
            right,
            operator,
            moved,
            number,
        } => {
            let left = piece(text, left.clone(), edits);
            let right = piece(text, right.clone(), edits);
            format!(
                "(if {} {{ ({left}) {moved} ({right}) }} else {{ ({left}) {operator} ({right}) }})",
                on(*number)
            )
        }
        Shape::Unmatched(n) => format!("!{} && ", on(*n)),
        Shape::Answered(answers) => {
            let answers = answers
                .iter()
                .map(|(n, answer)| format!(" if {} {{ return {answer}; }}", on(*n)));
            answers.collect()
        }
    }
}

/// The switch of a mutant; the crate is [`super::copy`]'s.
fn on(number: u32) -> String {
    format!("::mutants::on({number})")
}
