//! Of several forms of a text one is shown.
//!
//! A form may hold more than its text: some mail programs put the files of a mail into its last form. They stay, whichever text is taken; what
//! only the markup of a text shows, its pictures, goes with it.

use std::ops::Range;

use crate::content::{Content, Part};
use crate::mime::field;
use crate::mime::parameter::Structured;
use crate::text::Text;

/// Which parts go, so that the text of one form stays; `None` if there are not several to choose from.
pub(super) fn surplus(parts: &[Part<'_>], forms: &[Range<usize>]) -> Option<Vec<bool>> {
    let best = |form: &Range<usize>| parts[form.clone()].iter().filter_map(worth).max();
    if forms.iter().filter(|form| best(form).is_some()).count() < 2 {
        return None;
    }
    // The last of the best: senders put the form that they like best at the end.
    let chosen = forms.iter().max_by_key(|form| best(form))?;
    let goes = |at: usize, part: &Part<'_>| {
        let is_other = !chosen.contains(&at) && forms.iter().any(|form| form.contains(&at));
        is_other && (worth(part).is_some() || is_picture(part))
    };
    let parts = parts.iter().enumerate();
    Some(parts.map(|(at, part)| goes(at, part)).collect())
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

/// A picture or the like that a page refers to by its identifier (RFC 2392). An invitation is no picture.
fn is_picture(part: &Part<'_>) -> bool {
    matches!(&part.content, Content::Other { content_type, .. } if content_type != "text/calendar")
        && field::find(&part.fields, "content-id").is_some()
        && !is_file(part)
}

fn is_file(part: &Part<'_>) -> bool {
    Structured::of(&part.fields, "content-disposition")
        .is_some_and(|disposition| disposition.value == "attachment")
}
