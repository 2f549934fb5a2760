//! What of a list can be seen: it follows scrolling and the size of the window, and holds what one reads in its place when messages come
//! and go above it. `model::list_window` has the rules.

use crate::model::list_window::{self, Heights};
use crate::model::mail::DayGroup;
use contract::Folder;
use leptos::html;
use leptos::prelude::*;
use leptos::{ev, web_sys};
use std::ops::Range;
use ui::browser;

/// What is drawn before anything can be measured.
const FIRST: Range<usize> = 0..24;

/// How far the lists are scrolled, for as long as somebody is at work: whoever comes back to one finds it as it was. A handle.
#[derive(Clone, Copy, Default)]
pub struct ListPlaces(StoredValue<Vec<(Folder, i32)>>);

impl ListPlaces {
    fn of(self, folder: Folder) -> i32 {
        self.0.with_value(|places| {
            let place = places.iter().find(|(of, _)| *of == folder);
            place.map_or(0, |(_, at)| *at)
        })
    }

    fn set(self, folder: Folder, at: i32) {
        self.0.update_value(|places| {
            places.retain(|(of, _)| *of != folder);
            places.push((folder, at));
        });
    }
}

/// What of a list can be seen. A handle.
#[derive(Clone, Copy)]
pub struct ListWindow {
    /// The element in which the list scrolls; in a low window the whole page does.
    pub scroller: NodeRef<html::Div>,
    /// The element that is as high as all rows together.
    pub canvas: NodeRef<html::Div>,
    /// The places of the rows that are near what can be seen.
    pub near: RwSignal<Range<usize>>,
    groups: Memo<Vec<DayGroup>>,
    folder: Folder,
    places: ListPlaces,
}

impl ListWindow {
    /// Follows the list of this folder.
    pub fn new(folder: Folder, groups: Memo<Vec<DayGroup>>) -> Self {
        let window = Self {
            scroller: NodeRef::new(),
            canvas: NodeRef::new(),
            near: RwSignal::new(FIRST),
            groups,
            folder,
            places: ui::context::provided(),
        };
        let scrolled = window_event_listener(ev::scroll, move |_| window.look());
        on_cleanup(move || scrolled.remove());
        // The element has another size in another window, beside an open search row, and when it is shown again.
        window.scroller.on_load(move |scroller| {
            browser::when_resized(&scroller, move || window.look());
        });
        Effect::new(move |before: Option<Vec<DayGroup>>| {
            let now = window.groups.get();
            let Some(canvas) = window.canvas.get() else {
                return Vec::new();
            };
            match before.filter(|before| !before.is_empty()) {
                Some(before) => window.hold(&canvas, &before, &now),
                None => window.come_back(&canvas, &now),
            }
            now
        });
        window
    }

    /// Sees what is to be drawn.
    pub fn look(self) {
        let Some((heights, seen)) = self.measure() else {
            return;
        };
        let near = self
            .groups
            .with_untracked(|groups| list_window::near(groups, heights, seen.start, seen.end));
        if self.near.with_untracked(|now| *now != near) {
            self.near.set(near);
        }
        if let Some(scroller) = self.scroller.get_untracked() {
            self.places.set(self.folder, scroller.scroll_top());
        }
    }

    /// How high the lines are, and from where to where the list can be seen, in pixels below its top. `None`: it cannot be seen now.
    fn measure(self) -> Option<(Heights, Range<f64>)> {
        let (scroller, canvas) = (
            self.scroller.try_get_untracked()??,
            self.canvas.try_get_untracked()??,
        );
        let height = |what: &str| {
            let element = canvas.query_selector(what).ok()??;
            Some(element.get_bounding_client_rect().height()).filter(|height| *height > 1.0)
        };
        let heights = Heights {
            row: height(".row")?,
            day: height(".day")?,
        };
        let (frame, list) = (
            scroller.get_bounding_client_rect(),
            canvas.get_bounding_client_rect(),
        );
        let top = frame.top().max(0.0);
        let bottom = frame.bottom().min(browser::window_height());
        (bottom > top).then(|| (heights, top - list.top()..bottom - list.top()))
    }

    /// The list is shown: again as far scrolled as it was.
    fn come_back(self, canvas: &web_sys::HtmlElement, now: &[DayGroup]) {
        set_height(canvas, now);
        if let Some(scroller) = self.scroller.get_untracked() {
            scroller.set_scroll_top(self.places.of(self.folder));
        }
    }

    /// The list has become another one: what is seen at its upper edge stays there.
    fn hold(self, canvas: &web_sys::HtmlElement, before: &[DayGroup], now: &[DayGroup]) {
        let measured = self.measure();
        set_height(canvas, now);
        let Some((heights, seen)) = measured else {
            return;
        };
        let by = list_window::shift(before, now, heights, seen.start);
        if by != 0.0 {
            self.scroll_by(by);
        }
        self.look();
    }

    fn scroll_by(self, by: f64) {
        let Some(scroller) = self.scroller.get_untracked() else {
            return;
        };
        if scroller.scroll_height() > scroller.client_height() {
            scroller.scroll_by_with_x_and_y(0.0, by);
        } else if let Some(window) = web_sys::window() {
            window.scroll_by_with_x_and_y(0.0, by);
        }
    }
}

fn set_height(canvas: &web_sys::HtmlElement, groups: &[DayGroup]) {
    browser::set_height(canvas, &edge(list_window::length(groups), groups.len()));
}

/// So many rows and headings from the top of a list, as the style sheet takes it.
pub fn edge(rows: usize, days: usize) -> String {
    format!("calc({rows} * var(--row-height) + {days} * var(--day-height))")
}
