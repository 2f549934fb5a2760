//! Which rows of a list are drawn: those near what can be seen, and the one that the keyboard is at. Every row is as high as any other, and so is
//! every heading of a day (the style sheet says how high), so that where a row lies follows from what is above it.

use super::mail::DayGroup;
use contract::ObjectId;
use std::ops::Range;
use ui::times::Day;

/// Rows beyond each edge of what can be seen that are drawn, too: what comes into sight next is there already.
const BEYOND: usize = 8;
/// The drawn rows change in steps of so many, and not with every row that is scrolled over.
const STEP: usize = 8;

/// How high the lines of a list are, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heights {
    /// A message.
    pub row: f64,
    /// The heading of a day.
    pub day: f64,
}

/// A day of which any row is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnDay {
    /// Which day.
    pub day: Day,
    /// Rows above it in the whole list.
    pub rows_above: usize,
    /// Days above it.
    pub days_above: usize,
    /// Rows of this day in all.
    pub size: usize,
    /// The rows that are drawn, each with its place within the day.
    pub rows: Vec<(usize, ObjectId)>,
}

/// The number of rows in all.
pub fn length(groups: &[DayGroup]) -> usize {
    groups.iter().map(|group| group.ids.len()).sum()
}

/// The place of the row that lies at so many pixels below the top of the list, or comes next there.
pub fn row_at(groups: &[DayGroup], heights: Heights, y: f64) -> usize {
    let (mut rows, mut top) = (0, 0.0);
    for group in groups {
        let first = top + heights.day;
        let end = first + heights.row * group.ids.len() as f64;
        if y < end {
            // A float that is negative becomes 0.
            return rows + ((y - first) / heights.row) as usize;
        }
        rows += group.ids.len();
        top = end;
    }
    rows
}

/// Pixels from the top of the list to that of a row, given by its place.
pub fn top_of(groups: &[DayGroup], heights: Heights, place: usize) -> f64 {
    let (mut rows, mut days) = (0, 0);
    for group in groups {
        if rows > place {
            break;
        }
        days += 1;
        rows += group.ids.len();
    }
    heights.row * place as f64 + heights.day * f64::from(days)
}

/// The places of the rows to draw where the list can be seen from `top` to `bottom`, in pixels below its top.
pub fn near(groups: &[DayGroup], heights: Heights, top: f64, bottom: f64) -> Range<usize> {
    let first = row_at(groups, heights, top).saturating_sub(BEYOND);
    let end = row_at(groups, heights, bottom) + 1 + BEYOND;
    first / STEP * STEP..end.next_multiple_of(STEP)
}

/// What is drawn of a list: the rows at these places, and `kept` wherever it is.
pub fn drawn(groups: &[DayGroup], near: &Range<usize>, kept: Option<ObjectId>) -> Vec<DrawnDay> {
    let mut rows_above = 0;
    let mut days = Vec::new();
    for (days_above, group) in groups.iter().enumerate() {
        let is_drawn = |(place, id): &(usize, ObjectId)| {
            near.contains(&(rows_above + place)) || kept == Some(*id)
        };
        let rows = group.ids.iter().copied().enumerate();
        let rows: Vec<_> = rows.filter(is_drawn).collect();
        if !rows.is_empty() {
            days.push(DrawnDay {
                day: group.day,
                rows_above,
                days_above,
                size: group.ids.len(),
                rows,
            });
        }
        rows_above += group.ids.len();
    }
    days
}

/// By how many pixels the list has to be scrolled on, so that what is seen at its top edge stays there when the list becomes another one.
/// `top` is what lies above that edge; at the very top of a list one sees what comes.
pub fn shift(before: &[DayGroup], now: &[DayGroup], heights: Heights, top: f64) -> f64 {
    if top <= 0.0 {
        return 0.0;
    }
    let ids = |groups: &[DayGroup]| -> Vec<ObjectId> {
        let ids = groups.iter().flat_map(|group| group.ids.iter().copied());
        ids.collect()
    };
    let (were, are) = (ids(before), ids(now));
    let first = row_at(before, heights, top);
    // What was seen may have gone, but hardly all of it.
    let stayed = were
        .iter()
        .enumerate()
        .skip(first)
        .take(STEP)
        .find_map(|(place, id)| {
            let now = are.iter().position(|other| other == id)?;
            Some((place, now))
        });
    stayed.map_or(0.0, |(place, at)| {
        top_of(now, heights, at) - top_of(before, heights, place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::id;

    const HEIGHTS: Heights = Heights {
        row: 50.0,
        day: 20.0,
    };

    /// Days of so many rows each; ids count on.
    fn list(sizes: &[u8]) -> Vec<DayGroup> {
        let mut ids = 0..;
        sizes
            .iter()
            .zip(0..)
            .map(|(size, day)| DayGroup {
                day: Day(-day),
                ids: ids.by_ref().take(usize::from(*size)).map(id).collect(),
            })
            .collect()
    }

    #[test]
    fn a_row_lies_where_what_is_above_it_puts_it() {
        let groups = list(&[2, 1, 3]);
        let tops: Vec<f64> = (0..6).map(|row| top_of(&groups, HEIGHTS, row)).collect();
        assert_eq!(tops, [20.0, 70.0, 140.0, 210.0, 260.0, 310.0]);
        for (place, top) in tops.into_iter().enumerate() {
            assert_eq!(row_at(&groups, HEIGHTS, top), place);
            assert_eq!(row_at(&groups, HEIGHTS, top + 49.0), place);
        }
        assert_eq!(row_at(&groups, HEIGHTS, -5.0), 0);
        assert_eq!(
            row_at(&groups, HEIGHTS, 125.0),
            2,
            "a heading belongs to the row below it"
        );
        assert_eq!(row_at(&groups, HEIGHTS, 9_999.0), 6);
    }

    #[test]
    fn what_is_drawn_is_bounded_by_what_can_be_seen() {
        let groups = list(&[200]);
        let near = near(&groups, HEIGHTS, 4_000.0, 5_000.0);
        assert_eq!(near, 64..112);
        let days = drawn(&groups, &near, None);
        assert_eq!(days.len(), 1);
        assert_eq!((days[0].size, days[0].rows.len()), (200, 48));
        assert_eq!(days[0].rows[0], (64, id(64)));
    }

    #[test]
    fn the_row_of_the_keyboard_is_drawn_wherever_it_is() {
        let groups = list(&[40, 40, 40]);
        let days = drawn(&groups, &(48..56), Some(id(119)));
        let rows: Vec<_> = days.iter().map(|day| (day.day, day.rows.len())).collect();
        assert_eq!(rows, [(Day(-1), 8), (Day(-2), 1)]);
        assert_eq!((days[1].rows_above, days[1].days_above), (80, 2));
        assert_eq!(days[1].rows, [(39, id(119))]);
    }

    #[test]
    fn what_one_reads_stays_where_it_is_when_a_message_comes_or_goes_above_it() {
        let (before, mut now) = (list(&[10]), list(&[10]));
        now[0].ids.insert(0, id(200));
        assert_eq!(shift(&before, &now, HEIGHTS, 100.0), 50.0);
        assert_eq!(shift(&now, &before, HEIGHTS, 100.0), -50.0);
        assert_eq!(
            shift(&before, &now, HEIGHTS, 0.0),
            0.0,
            "at the top one sees what comes"
        );
        now.insert(
            0,
            DayGroup {
                day: Day(1),
                ids: vec![id(201)],
            },
        );
        assert_eq!(
            shift(&before, &now, HEIGHTS, 100.0),
            120.0,
            "a new day has a heading"
        );
        // The row at the edge has gone: the next one counts.
        let mut gone = list(&[10]);
        gone[0].ids.remove(1);
        assert_eq!(shift(&before, &gone, HEIGHTS, 100.0), -50.0);
        assert_eq!(shift(&before, &[], HEIGHTS, 100.0), 0.0);
    }
}
