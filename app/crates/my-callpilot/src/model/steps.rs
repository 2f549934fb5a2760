//! The way from the list that is shown to the list that is wanted, one new row at a time.
//!
//! Of rows that come before shown ones the page draws only one in a stroke: given several at once it would take shown rows out
//! and put them back, and the focus, and the place one had scrolled to, would be lost.

use super::mail::DayGroup;
use contract::ObjectId;

/// More new rows than this come in one stroke: the list is then another one (a search has ended), not the same with more in it.
const SINGLY_MAX: usize = 20;

/// The next list to show. It is `wanted` itself, or `wanted` without new rows that have to wait for their turn.
pub fn step(shown: &[DayGroup], wanted: &[DayGroup]) -> Vec<DayGroup> {
    let is_shown = |id: ObjectId| shown.iter().any(|group| group.ids.contains(&id));
    let ids = || wanted.iter().flat_map(|group| group.ids.iter().copied());
    let after_last_shown = ids().zip(1..).filter(|(id, _)| is_shown(*id)).last();
    let before = after_last_shown.map_or(0, |(_, place)| place);
    let new: Vec<ObjectId> = ids().take(before).filter(|id| !is_shown(*id)).collect();
    let Some((_, waiting)) = new
        .split_last()
        .filter(|(_, waiting)| waiting.len() < SINGLY_MAX)
    else {
        return wanted.to_vec();
    };
    let comes = |id: &ObjectId| !waiting.contains(id);
    wanted
        .iter()
        .map(|group| DayGroup {
            day: group.day,
            ids: group.ids.iter().copied().filter(comes).collect(),
        })
        .filter(|group| !group.ids.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::id;
    use ui::times::Day;

    fn list(days: &[&[u8]]) -> Vec<DayGroup> {
        days.iter()
            .zip(0..)
            .map(|(ids, day)| DayGroup {
                day: Day(-day),
                ids: ids.iter().map(|n| id(*n)).collect(),
            })
            .collect()
    }

    #[test]
    fn several_arrivals_come_one_by_one_the_oldest_first() {
        let wanted = list(&[&[5, 4, 3, 2, 1]]);
        let mut shown = list(&[&[2, 1]]);
        let mut strokes = Vec::new();
        while shown != wanted {
            shown = step(&shown, &wanted);
            strokes.push(shown[0].ids.len());
        }
        assert_eq!(strokes, [3, 4, 5]);
        assert_eq!(step(&list(&[&[2, 1]]), &wanted), list(&[&[3, 2, 1]]));
    }

    #[test]
    fn a_new_day_waits_with_its_rows() {
        let shown = list(&[&[], &[2, 1]]);
        let wanted = list(&[&[5, 4], &[3, 2, 1]]);
        let next = step(&shown, &wanted);
        assert_eq!(next, [list(&[&[], &[3, 2, 1]])[1].clone()]);
    }

    #[test]
    fn the_first_list_older_pages_and_what_goes_need_no_steps() {
        let wanted = list(&[&[5, 4, 3], &[2, 1]]);
        assert_eq!(step(&[], &wanted), wanted);
        assert_eq!(step(&list(&[&[5, 4]]), &wanted), wanted);
        assert_eq!(step(&wanted, &list(&[&[5], &[1]])), list(&[&[5], &[1]]));
        assert_eq!(step(&wanted, &[]), []);
    }

    #[test]
    fn another_list_comes_in_one_stroke() {
        let many: Vec<u8> = (0..=100).rev().collect();
        let wanted = list(&[&many]);
        assert_eq!(step(&list(&[&[0]]), &wanted), wanted);
    }
}
