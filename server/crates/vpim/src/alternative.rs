//! `multipart/alternative` (RFC 2046 section 5.1.4): several forms of one thing, of which a person wants one.
//!
//! Only texts are chosen between. A form may hold more than its text: some mail programs put the files of a mail into its last form. They
//! stay, whichever text is taken; what only the markup of a text shows, its pictures, goes with it. Recordings stay all.

use std::ops::Range;

use crate::content::{Content, Part};
use crate::mime::field;
use crate::mime::parameter::Structured;
use crate::text::Text;

/// Keeps the text of one form among `parts`, from `start` on. `forms` are the ends of the forms. Whether the parts, one by one, are still
/// the forms of one thing: then a reader of them chooses the same.
pub(crate) fn keep_one(parts: &mut Vec<Part<'_>>, start: usize, forms: &[usize]) -> bool {
    let starts = std::iter::once(&start).chain(forms);
    let forms: Vec<Range<usize>> = starts.zip(forms).map(|(&from, &to)| from..to).collect();
    let best = |form: &Range<usize>| parts[form.clone()].iter().filter_map(worth).max();
    // The last of the best: senders put the form that they like best at the end.
    let chosen = forms.iter().max_by_key(|form| best(form));
    let chosen = chosen.cloned().unwrap_or_default();
    let mut are_forms = forms.iter().all(|form| form.len() == 1);
    if forms.iter().filter(|form| best(form).is_some()).count() > 1 {
        are_forms = false;
        let mut at = 0;
        parts.retain(|part| {
            let is_other = at >= start && !chosen.contains(&at);
            at += 1;
            !(is_other && (worth(part).is_some() || is_picture(part)))
        });
    }
    are_forms
}

/// How well a person is served by a text; `None` of what is no text, or a file of its own.
fn worth(part: &Part<'_>) -> Option<u8> {
    let text = match &part.content {
        Content::Text(text) if !is_file(part) => text,
        _ => return None,
    };
    Some(match text {
        text if text.is_blank() => 0,
        Text { subtype, .. } if subtype == "plain" => 3,
        text if text.is_html() => 2,
        _ => 1,
    })
}

/// A picture or the like that a page refers to by its identifier (RFC 2392).
fn is_picture(part: &Part<'_>) -> bool {
    matches!(part.content, Content::Other { .. })
        && field::find(&part.fields, "content-id").is_some()
        && !is_file(part)
}

fn is_file(part: &Part<'_>) -> bool {
    Structured::of(&part.fields, "content-disposition")
        .is_some_and(|disposition| disposition.value == "attachment")
}
