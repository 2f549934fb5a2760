//! The rows of a list, by days: those that [`ListWindow`] says, each at the place where it would lie if all were drawn.

use super::folder_context::FolderContext;
use super::list_window::{ListWindow, edge};
use crate::components::message_row::{MessageRowView, RowPlace};
use crate::model::list_window::{self, DrawnDay};
use contract::ObjectId;
use leptos::html;
use leptos::prelude::*;
use ui::clock::Clock;
use ui::strip::Strip;
use ui::times::Day;

/// The rows of a list.
#[component]
pub fn MessageRows(
    /// Which messages, and what is done with them.
    folder: FolderContext,
    /// What of them can be seen.
    window: ListWindow,
) -> impl IntoView {
    let clock = Clock::here();
    let rows = DrawnRows {
        folder,
        window,
        drawn: Memo::new(move |_| {
            let kept = folder.reachable.get();
            let near = window.near.get();
            folder
                .groups
                .with(|groups| list_window::drawn(groups, &near, kept))
        }),
        today: Memo::new(move |_| Day::of(&clock.zone(), clock.now().get())),
    };
    let days = StoredValue::new_local(Strip::new());
    Effect::new(move || {
        let keys = rows
            .drawn
            .with(|days| days.iter().map(|drawn| drawn.day).collect::<Vec<_>>());
        if let Some(canvas) = window.canvas.get() {
            days.update_value(|days| days.show(&canvas, &keys, |day| rows.day(day)));
        }
    });
    view! { <div class="rows" node_ref=window.canvas></div> }
}

/// What is drawn. A handle.
#[derive(Clone, Copy)]
struct DrawnRows {
    folder: FolderContext,
    window: ListWindow,
    drawn: Memo<Vec<DrawnDay>>,
    today: Memo<Day>,
}

impl DrawnRows {
    /// Something of a day that is drawn (tracked).
    fn of<T>(self, day: Day, what: impl Fn(&DrawnDay) -> T) -> Option<T> {
        self.drawn
            .with(|days| days.iter().find(|drawn| drawn.day == day).map(what))
    }

    /// A day: its heading, and those of its rows that are drawn.
    fn day(self, day: Day) -> AnyView {
        let head = format!("day-{}", day.0);
        let top = move || self.of(day, |drawn| edge(drawn.rows_above, drawn.days_above));
        let list = NodeRef::<html::Ol>::new();
        let rows = StoredValue::new_local(Strip::new());
        let shown = Memo::new(move |_| {
            let ids = |drawn: &DrawnDay| drawn.rows.iter().map(|(_, id)| *id).collect::<Vec<_>>();
            self.of(day, ids).unwrap_or_default()
        });
        Effect::new(move || {
            let ids = shown.get();
            if let Some(list) = list.get() {
                rows.update_value(|rows| rows.show(&list, &ids, |id| self.row(day, id)));
            }
        });
        view! {
            <div>
                <h2 class="day" id=head.clone() style:top=move || top().unwrap_or_default()>
                    {move || day.heading(self.today.get())}
                </h2>
                <ol aria-labelledby=head node_ref=list></ol>
            </div>
        }
        .into_any()
    }

    fn row(self, day: Day, id: ObjectId) -> AnyView {
        let Self { folder, window, .. } = self;
        let place = Memo::new(move |_| self.place(day, id).unwrap_or_default());
        view! {
            <MessageRowView
                id
                href=folder.address(Some(id))
                open=Signal::derive(move || folder.open.get() == Some(id))
                picked=Signal::derive(move || folder.picked().with(|picked| picked.contains(&id)))
                current=Signal::derive(move || folder.reachable.get() == Some(id))
                place
                on_pick=Callback::new(move |(id, range)| if range { folder.pick_to(id) } else { folder.pick(id) })
                on_focus=Callback::new(move |id| {
                    folder.is_at(id);
                    window.look();
                })
            />
        }
        .into_any()
    }

    fn place(self, day: Day, id: ObjectId) -> Option<RowPlace> {
        let place = |drawn: &DrawnDay| {
            let (place, _) = drawn.rows.iter().find(|(_, other)| *other == id)?;
            Some(RowPlace {
                top: edge(drawn.rows_above + place, drawn.days_above + 1),
                number: place + 1,
                size: drawn.size,
            })
        };
        self.of(day, place).flatten()
    }
}
