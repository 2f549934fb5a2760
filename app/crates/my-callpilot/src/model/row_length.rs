//! How long a message is, in words and figures: minutes for sound, pages for fax, never kilobytes.

use contract::{Kind, MessageRow};
use ui::length::{clock, counted, spoken, spoken_in_full};

/// What a row is to its reader. Several things in one message are a voice message if there is something to hear and no fax in it, and a text
/// if there is neither.
pub fn main_kind(row: &MessageRow) -> Kind {
    match (row.kind, row.duration_ms > 0, row.pages) {
        (Kind::Mixed, true, Some(0)) => Kind::Voice,
        (Kind::Mixed, false, Some(0)) => Kind::Text,
        (Kind::Mixed, false, Some(_)) => Kind::Fax,
        (kind, ..) => kind,
    }
}

/// The length column of a row: `0:41`, `3 pages`, `0:18 · 2 p.`, `text`, `report`.
pub fn length(row: &MessageRow) -> String {
    let sound = (row.duration_ms > 0).then(|| clock(row.duration_ms));
    let pages = row.pages.filter(|&pages| pages > 0);
    match (sound, pages) {
        (Some(sound), Some(pages)) => format!("{sound} · {pages} p."),
        (Some(sound), None) => sound,
        (None, Some(pages)) => counted(u64::from(pages), "page"),
        (None, None) => match main_kind(row) {
            Kind::Voice => "0:00".into(),
            Kind::Fax | Kind::Mixed => "? pages".into(),
            Kind::Text => "text".into(),
            Kind::Report => "report".into(),
        },
    }
}

/// The same for a screen reader: `41 seconds`, `3 pages`, `18 seconds and 2 pages`; empty for a text or report.
pub fn spoken_length(row: &MessageRow) -> String {
    let sound = (row.duration_ms > 0).then(|| spoken(row.duration_ms));
    let pages = row
        .pages
        .filter(|&pages| pages > 0)
        .map(|pages| counted(u64::from(pages), "page"));
    match (sound, pages) {
        (Some(_), Some(pages)) => format!("{} and {pages}", spoken_in_full(row.duration_ms)),
        (Some(length), None) | (None, Some(length)) => length,
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::row;

    #[test]
    fn several_things_are_called_by_what_there_is() {
        let mixed = |duration_ms, pages| MessageRow {
            kind: Kind::Mixed,
            duration_ms,
            pages,
            ..row(1, 0)
        };
        for (row, kind, words) in [
            (mixed(0, Some(0)), Kind::Text, "text"),
            (mixed(9_000, Some(0)), Kind::Voice, "0:09"),
            (mixed(0, Some(2)), Kind::Fax, "2 pages"),
            (mixed(9_000, Some(2)), Kind::Mixed, "0:09 · 2 p."),
            (mixed(0, None), Kind::Mixed, "? pages"),
        ] {
            assert_eq!((main_kind(&row), &*length(&row)), (kind, words));
        }
    }

    #[test]
    fn a_row_shows_sound_pages_or_both() {
        let voice = row(1, 0);
        let fax = MessageRow {
            kind: Kind::Fax,
            duration_ms: 0,
            pages: Some(3),
            ..voice.clone()
        };
        let mixed = MessageRow {
            kind: Kind::Mixed,
            duration_ms: 18_000,
            pages: Some(2),
            ..voice.clone()
        };
        let uncounted = MessageRow {
            pages: None,
            ..fax.clone()
        };
        let shown: Vec<_> = [&voice, &fax, &mixed, &uncounted].map(length).into();
        assert_eq!(shown, ["0:41", "3 pages", "0:18 · 2 p.", "? pages"]);
        assert_eq!(spoken_length(&mixed), "18 seconds and 2 pages");
        assert_eq!(spoken_length(&uncounted), "");
    }
}
