//! What the list and the reader of a folder share: what is shown, selected and open, and what the keyboard and the buttons do
//! with it. `message_list` and `reader` show it.

use crate::components::message_row::row_dom_id;
use crate::mailbox::MailboxContext;
use crate::model::ids::IdSet;
use crate::model::list_window;
use crate::model::mail::{DayGroup, days, neighbour};
use crate::model::search::{Show, fits};
use crate::model::undo::Action;
use crate::model::words;
use crate::player::PlayerContext;
use crate::route::Page;
use contract::{Folder, MessageRow, ObjectId};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use ui::announcer::Announcer;
use ui::browser;
use ui::clock::Clock;
use ui::keys::Command;
use ui::read_only::ReadOnly;
use ui::router::Router;
use ui::sdk::Trouble;

/// The reader has stopped typing when nothing came for this time.
const STOPPED_AFTER: Duration = Duration::from_millis(700);

/// How a search on the server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is over, or none is wanted.
    Done,
    /// It is under way.
    Busy,
    /// No server looked: only what is here was searched.
    OnlyHere,
}

/// What list and reader of a folder share. A handle.
#[derive(Clone, Copy)]
pub struct FolderContext {
    /// The mailbox it is of.
    pub mailbox: MailboxContext,
    /// Which folder.
    pub folder: Folder,
    /// The message that is open, by the page's address.
    pub open: Memo<Option<ObjectId>>,
    /// What is searched for; the search field is bound to it.
    pub query: RwSignal<String>,
    /// What is shown; the menu is bound to it.
    pub show: RwSignal<Show>,
    /// What the server has found for the query.
    found: RwSignal<Vec<ObjectId>>,
    /// How far the server has looked.
    finding: RwSignal<Finding>,
    /// The search row is there.
    searching: RwSignal<bool>,
    /// The rows that fit, newest first, by days.
    pub groups: Memo<Vec<DayGroup>>,
    /// The selection.
    picked: RwSignal<IdSet>,
    /// The row that was picked last: a range begins there.
    anchor: StoredValue<Option<ObjectId>>,
    /// The row that the reader was at.
    current: RwSignal<Option<ObjectId>>,
    /// The row that Tab reaches: the one the reader was at, else the open one, else the first.
    pub reachable: Memo<Option<ObjectId>>,
    /// The help is open.
    pub help: RwSignal<bool>,
    /// The question before something is deleted for good is open.
    pub asking: RwSignal<bool>,
    /// The question before Deleted is emptied is open.
    pub emptying: RwSignal<bool>,
    /// The messages that are deleted for good if the answer is yes; they stay while the question closes.
    pending_expunge: RwSignal<Vec<ObjectId>>,
    router: Router,
    player: PlayerContext,
}

impl FolderContext {
    /// A folder with everything shown and nothing selected.
    pub fn new(folder: Folder, open: Memo<Option<ObjectId>>) -> Self {
        let (mailbox, zone) = (MailboxContext::here(), Clock::here().zone());
        let (query, show) = (RwSignal::new(String::new()), RwSignal::new(Show::All));
        let found = RwSignal::new(Vec::<ObjectId>::new());
        let groups = Memo::new(move |_| {
            let (query, show, found) = (query.get(), show.get(), found.get());
            let is_shown = |row: &&MessageRow| {
                fits(row, show, &query, &browser::small_letters)
                    || show.takes(row) && found.contains(&row.id)
            };
            mailbox
                .mail()
                .with(|mail| days(&zone, mail.rows(folder).into_iter().filter(is_shown)))
        });
        let current = RwSignal::new(None);
        let folder = Self {
            mailbox,
            folder,
            open,
            query,
            show,
            found,
            finding: RwSignal::new(Finding::Done),
            searching: RwSignal::new(false),
            groups,
            picked: RwSignal::new(IdSet::default()),
            anchor: StoredValue::new(None),
            current,
            reachable: Memo::new(move |_| reachable(groups, [current.get(), open.get()])),
            help: RwSignal::new(false),
            asking: RwSignal::new(false),
            emptying: RwSignal::new(false),
            pending_expunge: RwSignal::new(Vec::new()),
            router: Router::here(),
            player: PlayerContext::here(),
        };
        folder.keep_in_folder();
        folder.search_on_server();
        folder
    }

    /// The selection.
    pub fn picked(self) -> ReadOnly<IdSet> {
        self.picked.into()
    }

    /// The selected messages, newest first.
    pub fn picked_rows(self) -> Vec<ObjectId> {
        let mut rows = self.ids();
        self.picked
            .with_untracked(|picked| rows.retain(|id| picked.contains(id)));
        rows
    }

    /// The search row is there.
    pub fn searching(self) -> ReadOnly<bool> {
        self.searching.into()
    }

    /// The messages that are deleted for good if the answer is yes.
    pub fn pending_expunge(self) -> ReadOnly<Vec<ObjectId>> {
        self.pending_expunge.into()
    }

    /// The reader is at this row.
    pub fn is_at(self, id: ObjectId) {
        self.current.set(Some(id));
    }

    /// Takes everything out of the selection.
    pub fn clear_selection(self) {
        self.picked.update(IdSet::clear);
    }

    /// Messages that have left the folder leave the selection, too, and the reader who was at one of them is then at the next.
    fn keep_in_folder(self) {
        Effect::new(move |before: Option<Vec<ObjectId>>| {
            self.groups.track();
            let ids = self.ids();
            let here: IdSet = ids.iter().copied().collect();
            if !self.picked.with_untracked(|picked| picked.is_within(&here)) {
                self.picked.update(|picked| picked.keep_those_in(&here));
            }
            let at = self.current.get_untracked();
            if let (Some(at), Some(before)) = (at.filter(|at| !here.contains(at)), before) {
                let gone = before.iter().filter(|id| !here.contains(id));
                let gone = gone.copied().collect();
                self.current.set(neighbour(&before, at, &gone));
            }
            ids
        });
    }

    /// How a search on the server stands.
    pub fn finding(self) -> ReadOnly<Finding> {
        self.finding.into()
    }

    /// When the reader has stopped typing, the server looks, too; then it is said how many fit.
    fn search_on_server(self) {
        let announcer = Announcer::here();
        let pending = StoredValue::new(None::<TimeoutHandle>);
        let stop = move || {
            if let Some(pending) = pending.try_get_value().flatten() {
                pending.clear();
            }
        };
        on_cleanup(stop);
        Effect::new(move |before: Option<()>| {
            self.query.track();
            self.show.track();
            stop();
            if before.is_none() {
                return;
            }
            self.found.set(Vec::new());
            self.finding.set(Finding::Done);
            let look = move || self.look_on_server(announcer);
            pending.set_value(set_timeout_with_handle(look, STOPPED_AFTER).ok());
        });
    }

    fn look_on_server(self, announcer: Announcer) {
        let say = move || {
            if let (true, fit) = untrack(|| (self.is_narrowed(), self.shown())) {
                announcer.say(words::hits(fit));
            }
        };
        let wanted = move || (self.query.get_untracked(), self.show.get_untracked());
        let (query, show) = wanted();
        if query.trim().is_empty() && show == Show::All {
            return;
        }
        self.finding.set(Finding::Busy);
        spawn_local(async move {
            let found = self.mailbox.find(self.folder, query.trim(), show).await;
            // The page has gone, or something else is searched for.
            if self.query.is_disposed() || wanted() != (query, show) {
                return;
            }
            self.finding.set(match found {
                Ok(found) => {
                    self.found.set(found);
                    Finding::Done
                }
                Err(_) => Finding::OnlyHere,
            });
            say();
        });
    }

    /// A search or a choice leaves messages out (tracked).
    pub fn is_narrowed(self) -> bool {
        self.show.get() != Show::All || self.query.with(|query| !query.trim().is_empty())
    }

    /// How many rows fit (tracked).
    pub fn shown(self) -> usize {
        self.groups.with(|groups| list_window::length(groups))
    }

    /// The rows that fit, newest first.
    pub fn ids(self) -> Vec<ObjectId> {
        self.groups.with_untracked(|groups| {
            groups
                .iter()
                .flat_map(|group| group.ids.iter().copied())
                .collect()
        })
    }

    /// Opens a message, or with `None` goes back to the list.
    pub fn go(self, id: Option<ObjectId>) {
        self.router.go(&self.address(id));
    }

    /// The address of a message, or of the list.
    pub fn address(self, id: Option<ObjectId>) -> String {
        let page = Page::Messages(self.folder);
        id.map_or_else(|| page.address(), |id| page.address_of(id))
    }

    /// Gives a row the focus, after the page has been drawn.
    pub fn focus_row(self, id: ObjectId) {
        self.current.set(Some(id));
        browser::after_drawing(move || {
            browser::focus(&row_dom_id(id));
        });
    }

    /// Takes all messages that are shown into the selection.
    pub fn pick_all(self) {
        self.picked.set(self.ids().into_iter().collect());
    }

    /// Takes the messages from the one that was picked last to this one into the selection.
    pub fn pick_to(self, id: ObjectId) {
        let ids = self.ids();
        let place = |id: ObjectId| ids.iter().position(|other| *other == id);
        let anchor = self.anchor.get_value().and_then(place);
        let (Some(from), Some(to)) = (anchor, place(id)) else {
            return self.pick(id);
        };
        self.picked
            .update(|picked| picked.extend(&ids[from.min(to)..=from.max(to)]));
    }

    /// Takes the row one is at and its neighbour into the selection.
    fn extend(self, step: isize) {
        let at = self.focused_row().or(self.current.get_untracked());
        if let (Some(at), true) = (at, self.picked.with_untracked(IdSet::is_empty)) {
            self.anchor.set_value(Some(at));
        }
        self.move_focus(step);
        if let Some(next) = self.current.get_untracked() {
            self.pick_to(next);
        }
    }

    /// Takes a message into the selection, or out of it.
    pub fn pick(self, id: ObjectId) {
        self.anchor.set_value(Some(id));
        self.picked.update(|picked| {
            if !picked.remove(&id) {
                picked.insert(id);
            }
        });
    }

    /// What a command is about: the selection, else the row that has the focus, else the open message.
    fn meant(self) -> Vec<ObjectId> {
        let picked = self.picked_rows();
        if !picked.is_empty() {
            return picked;
        }
        self.focused_row()
            .or(self.open.get_untracked())
            .into_iter()
            .collect()
    }

    fn focused_row(self) -> Option<ObjectId> {
        browser::focused()?.id().strip_prefix("row-")?.parse().ok()
    }

    /// Deletes messages: from the inbox to Deleted, from there for good after a question.
    pub fn delete(self, ids: Vec<ObjectId>) {
        match self.folder {
            _ if ids.is_empty() => {}
            Folder::Deleted => {
                self.pending_expunge.set(ids);
                self.asking.set(true);
            }
            Folder::Inbox | Folder::Sent => self.shift(Action::Deleted, ids),
        }
    }

    /// The answer was yes: the messages go for good.
    pub fn expunge(self) {
        let pending = self.pending_expunge.get_untracked();
        self.step_aside(&pending);
        self.mailbox.expunge(pending);
    }

    /// The answer was yes: all that lies in Deleted goes for good.
    pub fn empty(self) {
        self.step_aside(&self.ids());
        self.mailbox.empty_deleted();
    }

    /// Moves messages to Deleted or out of it; the focus goes to the next row.
    pub fn shift(self, action: Action, ids: Vec<ObjectId>) {
        self.step_aside(&ids);
        self.mailbox.shift(action, ids);
    }

    /// Takes the last action back; the focus goes to the message that is here again.
    pub fn take_back(self) {
        let undo = self.mailbox.undo().get_untracked();
        self.mailbox.take_back();
        let here = self.ids();
        let back = undo.and_then(|undo| undo.ids.into_iter().find(|id| here.contains(id)));
        if let Some(back) = back {
            self.focus_row(back);
        }
    }

    /// Reads the next older page; the focus goes from the button, which moves down or goes, to the first of its messages.
    ///
    /// # Errors
    /// It is not there.
    pub async fn read_older(self) -> Result<(), Trouble> {
        let last = self.ids().last().copied();
        self.mailbox.read_older(self.folder).await?;
        let after_last = |ids: &[ObjectId]| match last {
            Some(last) => ids.iter().position(|id| *id == last).map(|at| at + 1),
            None => Some(0),
        };
        if !self.current.is_disposed() && browser::focus_is_in(".list__foot") {
            let ids = self.ids();
            if let Some(first) = after_last(&ids).and_then(|at| ids.get(at)) {
                self.focus_row(*first);
            }
        }
        Ok(())
    }

    /// Leaves messages that are about to go: selection, open message and focus move on.
    fn step_aside(self, gone: &[ObjectId]) {
        let at = self.focused_row().or_else(|| gone.first().copied());
        let gone: IdSet = gone.iter().copied().collect();
        let next = at.and_then(|at| neighbour(&self.ids(), at, &gone));
        self.picked.update(|picked| picked.drop_those_in(&gone));
        if self
            .open
            .get_untracked()
            .is_some_and(|open| gone.contains(&open))
        {
            // Back would lead to what is no longer in this folder.
            self.router.replace(&self.address(None));
        }
        match next {
            Some(next) => self.focus_row(next),
            None => browser::after_drawing(|| {
                browser::focus("heading");
            }),
        }
    }

    /// Takes the focus that has been lost. With a selection it goes to what says how many there are, beside what can be done with them.
    pub fn take_focus(self) -> bool {
        let row = self.reachable.get_untracked();
        let selecting = self.picked.with_untracked(|picked| !picked.is_empty());
        let on_row = || row.is_some_and(|row| browser::focus(&row_dom_id(row)));
        !selecting && on_row() || browser::focus("subject") || browser::focus("heading")
    }

    fn move_focus(self, step: isize) {
        let ids = self.ids();
        let place = self
            .focused_row()
            .or(self.current.get_untracked())
            .or(self.open.get_untracked())
            .and_then(|at| ids.iter().position(|id| *id == at));
        let next = match place {
            Some(place) => place
                .saturating_add_signed(step)
                .min(ids.len().saturating_sub(1)),
            None => 0,
        };
        if let Some(id) = ids.get(next) {
            self.focus_row(*id);
        }
    }

    fn back(self) {
        let at = self.open.get_untracked().or(self.current.get_untracked());
        if self.open.get_untracked().is_some() {
            self.go(None);
        }
        if let Some(at) = at {
            self.focus_row(at);
        }
    }

    /// Opens the search row and goes into it.
    pub fn search(self) {
        if self.open.get_untracked().is_some()
            && !browser::element("list").is_some_and(|list| browser::is_shown(&list))
        {
            self.go(None);
        }
        self.searching.set(true);
        browser::after_drawing(|| {
            browser::focus("search");
        });
    }

    /// Closes the search row and shows everything again.
    pub fn end_search(self) {
        self.query.set(String::new());
        self.show.set(Show::All);
        self.searching.set(false);
    }

    fn escape(self) -> bool {
        if !self.picked.with_untracked(IdSet::is_empty) {
            self.clear_selection();
        } else if self.searching.get_untracked() {
            self.end_search();
            match self.reachable.get_untracked() {
                Some(id) => self.focus_row(id),
                None => self.move_focus(0),
            }
        } else if self.open.get_untracked().is_some() {
            self.back();
        } else {
            return false;
        }
        true
    }

    /// Does what a key asks for; false if it is not for a folder now.
    pub fn command(self, command: Command) -> bool {
        match command {
            Command::Next => self.move_focus(1),
            Command::Previous => self.move_focus(-1),
            Command::First => self.move_focus(isize::MIN),
            Command::Last => self.move_focus(isize::MAX),
            Command::Select => match self.focused_row().or(self.current.get_untracked()) {
                Some(id) => self.pick(id),
                None => return false,
            },
            Command::SelectNext => self.extend(1),
            Command::SelectPrevious => self.extend(-1),
            Command::SelectAll if self.shown() > 0 => self.pick_all(),
            Command::Undo if self.mailbox.undo().with_untracked(Option::is_some) => {
                self.take_back();
            }
            Command::SelectAll | Command::Undo => return false,
            Command::PlayPause => {
                // The open message's player has been asked before; this is for a row that is not open.
                let Some(id) = self.focused_row() else {
                    return false;
                };
                self.player.play_when_open(id);
                self.go(Some(id));
            }
            Command::Delete => {
                let meant = self.meant();
                if meant.is_empty() {
                    return false;
                }
                self.delete(meant);
            }
            Command::Back => self.back(),
            Command::Search => self.search(),
            Command::Help => self.help.set(true),
            Command::Escape => return self.escape(),
            Command::Record | Command::Slower | Command::Faster | Command::ReadConnection => {
                return false;
            }
        }
        true
    }
}

/// The first of these that is in the list, else the first of the list (tracked).
fn reachable(groups: Memo<Vec<DayGroup>>, wanted: [Option<ObjectId>; 2]) -> Option<ObjectId> {
    groups.with(|groups| {
        let present = |id: &ObjectId| groups.iter().any(|group| group.ids.contains(id));
        let first = || groups.first()?.ids.first().copied();
        wanted.into_iter().flatten().find(present).or_else(first)
    })
}
