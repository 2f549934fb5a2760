//! Of several forms of a recording one is heard.

use std::ops::Range;

use compressed_sound::FileFormat;

use crate::content::{Content, Part};
use crate::voice::{Purpose, purpose};

/// Which parts go, so that of the recordings of each purpose those of the best form stay. `forms` are the parts that each alternative came to,
/// in the order in which they stand.
///
/// Texts and files stay: what is written beside a recording is not the same as what is said.
pub(super) fn surplus(parts: &[Part<'_>], forms: &[Range<usize>]) -> Vec<bool> {
    let mut surplus = vec![false; parts.len()];
    for wanted in PURPOSES {
        let sounds = |form: &Range<usize>| {
            let sounds = form.clone().filter(|&at| sound(&parts[at]) == Some(wanted));
            sounds.collect::<Vec<_>>()
        };
        let forms: Vec<Vec<usize>> = forms
            .iter()
            .map(sounds)
            .filter(|form| !form.is_empty())
            .collect();
        // The last of those that are equally good: they stand in the order of increasing faithfulness.
        let quality = |(at, form): &(usize, &Vec<usize>)| {
            let worst = form.iter().map(|&at| quality(&parts[at])).min();
            (worst, *at)
        };
        let best = forms.iter().enumerate().max_by_key(quality);
        let Some((best, _)) = best else {
            continue;
        };
        for (form, its) in forms.iter().enumerate() {
            its.iter().for_each(|&at| surplus[at] = form != best);
        }
    }
    surplus
}

/// Whether there are several recordings of one purpose. They are no alternatives to each other any more.
pub(crate) fn several(parts: &[Part<'_>]) -> bool {
    let count = |wanted| {
        parts
            .iter()
            .filter(|part| sound(part) == Some(wanted))
            .count()
    };
    PURPOSES.into_iter().any(|purpose| count(purpose) > 1)
}

const PURPOSES: [Purpose; 5] = [
    Purpose::VoiceMessage,
    Purpose::OriginatorSpokenName,
    Purpose::RecipientSpokenName,
    Purpose::SpokenSubject,
    Purpose::Notification,
];

/// What the part is for, if it is sound, decodable or not.
fn sound(part: &Part<'_>) -> Option<Purpose> {
    match &part.content {
        Content::Voice(voice) => Some(voice.purpose),
        Content::Other { .. } if part.is_labelled_sound() => Some(purpose(&part.fields)),
        _ => None,
    }
}

/// What is heard for sure is better than what has yet to be decoded, that is better than nothing, and nothing better than what cannot be decoded.
fn quality(part: &Part<'_>) -> u8 {
    match part.voice() {
        Some(voice) if voice.samples() > 0 => 3,
        Some(_) => 1,
        None if part.content.data().and_then(FileFormat::of).is_some() => 2,
        None => 0,
    }
}
