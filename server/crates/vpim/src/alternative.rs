//! `multipart/alternative` (RFC 2046 section 5.1.4): several forms of one thing, of which a person wants one.

mod sound;
mod text;

use std::ops::Range;

use crate::content::Part;

pub(crate) use sound::several;

/// Keeps one form of what is said in several, and `of_sounds` also of what is heard. `forms` are the parts that each alternative came to.
/// Whether the parts, one by one, are still the forms of one thing: then a reader of them chooses the same.
pub(crate) fn keep_one(parts: &mut Vec<Part<'_>>, forms: &[Range<usize>], of_sounds: bool) -> bool {
    let texts = text::surplus(parts, forms);
    let are_forms = texts.is_none() && forms.iter().all(|form| form.len() == 1);
    let mut surplus = texts.unwrap_or_else(|| vec![false; parts.len()]);
    if of_sounds {
        for (goes, sound) in surplus.iter_mut().zip(sound::surplus(parts, forms)) {
            *goes |= sound;
        }
    }
    let mut surplus = surplus.into_iter();
    parts.retain(|_| !surplus.next().unwrap_or_default());
    are_forms
}
