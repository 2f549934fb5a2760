//! The messages this browser knows, joined by id.
//!
//! Lists, events and kept copies from either server all flow into one table. A row is replaced by the row with the same id and
//! never made anew, so whatever is shown of it (focus, selection, playback) stays.

use super::ids::{IdSet, ReceivedTimes};
use super::outbox::{self, Outbox};
use contract::{Counts, Folder, MessageList, MessagePatch, MessageRow, ObjectId, Timestamp};
use ui::times::{Day, Zone};

/// What is known of one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderState {
    /// Whether a list of it was ever read, from a server or from the kept copy.
    pub known: bool,
    /// Where the next older page begins; `None` when everything is here.
    pub next: Option<String>,
}

/// All known messages of one mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// Newest first.
    rows: Vec<MessageRow>,
    /// When each row was received: by this it is found among thousands.
    received: ReceivedTimes,
    /// The counts that a server gave last.
    counts: Counts,
    inbox: FolderState,
    sent: FolderState,
    deleted: FolderState,
    /// When a server last gave its word on the mailbox.
    pub as_of: Option<Timestamp>,
}

/// The messages of one day, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayGroup {
    /// Which day, in the reader's calendar.
    pub day: Day,
    /// Its messages.
    pub ids: Vec<ObjectId>,
}

impl Mail {
    /// Joins a page of a folder: its rows replace the known ones, and known rows of the stretch it covers that are no longer in it go.
    /// `before` is the cursor with which it was asked for. Changes that still wait here stay visible over it.
    pub fn join(
        &mut self,
        folder: Folder,
        before: Option<&str>,
        page: MessageList,
        waiting: &Outbox,
    ) {
        let oldest = match (&page.next, page.messages.last()) {
            (Some(_), Some(last)) => last.received_at,
            _ => Timestamp(i64::MIN),
        };
        // Of later pages only the rows are taken: where they begin is known to the server alone.
        if before.is_none() {
            let listed: IdSet = page.messages.iter().map(|row| row.id).collect();
            let received = &mut self.received;
            self.rows.retain(|row| {
                let stays = row.folder != folder
                    || listed.contains(&row.id)
                    || row.received_at < oldest
                    // It arrived while the list was on its way.
                    || row.received_at >= page.as_of
                    || waiting.holds(row.id);
                if !stays {
                    received.remove(&row.id);
                }
                stays
            });
        }
        for row in page.messages {
            self.insert(row, waiting);
        }
        self.counts = page.counts;
        self.as_of = Some(page.as_of.max(self.as_of.unwrap_or_default()));
        let state = self.state_mut(folder);
        state.known = true;
        state.next = page.next;
    }

    /// Joins one row that a server has sent; true if it was not known before.
    pub fn put(&mut self, row: MessageRow, counts: Option<Counts>, waiting: &Outbox) -> bool {
        self.counts = counts.unwrap_or(self.counts);
        self.insert(row, waiting)
    }

    /// Puts a row in its place; true if it is new.
    fn insert(&mut self, mut row: MessageRow, waiting: &Outbox) -> bool {
        waiting.overlay(&mut row);
        let known = self.place(row.id);
        if let Some(place) = known {
            self.rows.remove(place);
        }
        self.received.insert(row.id, row.received_at);
        let place = self.place_for(row.received_at, row.id);
        self.rows.insert(place, row);
        known.is_none()
    }

    /// Where a row of that time stands, or would stand.
    fn place_for(&self, at: Timestamp, id: ObjectId) -> usize {
        self.rows
            .partition_point(|other| (other.received_at, other.id) > (at, id))
    }

    fn place(&self, id: ObjectId) -> Option<usize> {
        Some(self.place_for(self.received.get(&id)?, id))
    }

    /// Takes out a message that is gone for good.
    pub fn remove(&mut self, id: ObjectId, counts: Option<Counts>) {
        if let Some(place) = self.place(id) {
            self.rows.remove(place);
            self.received.remove(&id);
        }
        self.counts = counts.unwrap_or(self.counts);
    }

    /// Shows a change of the reader at once, before any server has it.
    pub fn change(&mut self, id: ObjectId, patch: &MessagePatch) {
        if let Some(place) = self.place(id) {
            outbox::overlay(patch, &mut self.rows[place]);
        }
    }

    /// One row.
    pub fn row(&self, id: ObjectId) -> Option<&MessageRow> {
        self.place(id).map(|place| &self.rows[place])
    }

    /// The rows of a folder, newest first.
    pub fn rows(&self, folder: Folder) -> Vec<&MessageRow> {
        self.rows
            .iter()
            .filter(|row| row.folder == folder)
            .collect()
    }

    /// What is known of a folder.
    pub fn state(&self, folder: Folder) -> FolderState {
        match folder {
            Folder::Inbox => self.inbox.clone(),
            Folder::Deleted => self.deleted.clone(),
            Folder::Sent => self.sent.clone(),
        }
    }

    /// Whether a folder goes on at the servers, though no message of it is here any more.
    pub fn older_only(&self, folder: Folder) -> bool {
        self.state(folder).next.is_some() && !self.has_any(folder)
    }

    /// Whether a folder is known to hold nothing.
    pub fn is_empty(&self, folder: Folder) -> bool {
        let state = self.state(folder);
        state.known && state.next.is_none() && !self.has_any(folder)
    }

    fn has_any(&self, folder: Folder) -> bool {
        self.rows.iter().any(|row| row.folder == folder)
    }

    fn state_mut(&mut self, folder: Folder) -> &mut FolderState {
        match folder {
            Folder::Inbox => &mut self.inbox,
            Folder::Deleted => &mut self.deleted,
            Folder::Sent => &mut self.sent,
        }
    }

    /// Counts to show. Where a folder is here in full they are counted, so that they fit what one sees; else they are the server's.
    pub fn counts(&self) -> Counts {
        let whole = |state: &FolderState| state.known && state.next.is_none();
        let count = |wanted: &dyn Fn(&MessageRow) -> bool| {
            u32::try_from(self.rows.iter().filter(|row| wanted(row)).count()).unwrap_or(u32::MAX)
        };
        let mut counts = self.counts;
        if whole(&self.inbox) {
            counts.inbox = count(&|row| row.folder == Folder::Inbox);
            counts.unread = count(&|row| row.folder == Folder::Inbox && row.unread);
            counts.one_server_only =
                count(&|row| row.folder == Folder::Inbox && row.one_server_only);
        }
        if whole(&self.sent) {
            counts.sent = count(&|row| row.folder == Folder::Sent);
        }
        if whole(&self.deleted) {
            counts.deleted = count(&|row| row.folder == Folder::Deleted);
        }
        counts
    }
}

/// Groups rows that are sorted newest first by the reader's days.
pub fn days<'a>(zone: &impl Zone, rows: impl IntoIterator<Item = &'a MessageRow>) -> Vec<DayGroup> {
    let mut groups: Vec<DayGroup> = Vec::new();
    for row in rows {
        let day = Day::of(zone, row.received_at);
        match groups.last_mut() {
            Some(group) if group.day == day => group.ids.push(row.id),
            _ => groups.push(DayGroup {
                day,
                ids: vec![row.id],
            }),
        }
    }
    groups
}

/// Where the focus goes when `gone` leave the list: the next row that stays, else the one before, else none.
pub fn neighbour(ids: &[ObjectId], at: ObjectId, gone: &IdSet) -> Option<ObjectId> {
    let place = ids.iter().position(|&id| id == at)?;
    let stays = |id: &&ObjectId| !gone.contains(id);
    ids[place..]
        .iter()
        .find(stays)
        .or_else(|| ids[..place].iter().rev().find(stays))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::{NOON, UTC, id, row};

    fn page(messages: Vec<MessageRow>) -> MessageList {
        MessageList {
            messages,
            as_of: NOON,
            ..MessageList::default()
        }
    }

    fn inbox(mail: &Mail) -> Vec<ObjectId> {
        mail.rows(Folder::Inbox).iter().map(|row| row.id).collect()
    }

    fn filled(rows: Vec<MessageRow>) -> Mail {
        let mut mail = Mail::default();
        mail.join(Folder::Inbox, None, page(rows), &Outbox::default());
        mail
    }

    #[test]
    fn the_newest_message_stands_first_whoever_sent_it() {
        let mail = filled(vec![row(1, 60), row(3, 5), row(2, 30)]);
        assert_eq!(inbox(&mail), [id(3), id(2), id(1)]);
    }

    #[test]
    fn the_partners_list_replaces_rows_of_the_same_id_and_drops_what_it_has_not() {
        let mut mail = filled(vec![row(1, 60), row(2, 30), row(3, 5)]);
        let heard_there = MessageRow {
            subject: "Known on the partner".into(),
            ..row(2, 30)
        };
        mail.join(
            Folder::Inbox,
            None,
            page(vec![heard_there, row(1, 60)]),
            &Outbox::default(),
        );
        assert_eq!(inbox(&mail), [id(2), id(1)]);
        assert_eq!(mail.row(id(2)).unwrap().subject, "Known on the partner");
    }

    #[test]
    fn a_message_that_arrived_while_the_list_was_on_its_way_stays() {
        let mut mail = filled(vec![row(1, 60)]);
        mail.put(row(2, 0), None, &Outbox::default());
        mail.join(
            Folder::Inbox,
            None,
            page(vec![row(1, 60)]),
            &Outbox::default(),
        );
        assert_eq!(inbox(&mail), [id(2), id(1)]);
    }

    #[test]
    fn an_older_page_removes_nothing_and_a_first_page_leaves_what_is_older() {
        let mut mail = filled(vec![row(1, 600), row(2, 30)]);
        let first = MessageList {
            next: Some("2".into()),
            ..page(vec![row(2, 30)])
        };
        mail.join(Folder::Inbox, None, first, &Outbox::default());
        assert_eq!(inbox(&mail), [id(2), id(1)]);
        mail.join(
            Folder::Inbox,
            Some("2"),
            page(vec![row(3, 700)]),
            &Outbox::default(),
        );
        assert_eq!(inbox(&mail), [id(2), id(1), id(3)]);
        assert_eq!(mail.state(Folder::Inbox).next, None);
    }

    #[test]
    fn a_deletion_that_waits_here_is_not_undone_by_a_servers_older_list() {
        let mut mail = filled(vec![row(1, 60), row(2, 30)]);
        let mut waiting = Outbox::default();
        let patch = MessagePatch {
            deleted: Some(true),
            unread: None,
        };
        waiting.add(id(1), patch);
        mail.change(id(1), &patch);
        mail.join(
            Folder::Inbox,
            None,
            page(vec![row(1, 60), row(2, 30)]),
            &waiting,
        );
        assert_eq!(inbox(&mail), [id(2)]);
        assert_eq!(mail.row(id(1)).unwrap().folder, Folder::Deleted);
    }

    #[test]
    fn counts_fit_what_one_sees_and_come_from_the_server_where_the_list_is_not_whole() {
        let new = MessageRow {
            unread: true,
            ..row(2, 30)
        };
        let mut mail = filled(vec![row(1, 60), new]);
        assert_eq!((mail.counts().inbox, mail.counts().unread), (2, 1));
        let heard = MessagePatch {
            unread: Some(false),
            deleted: None,
        };
        mail.change(id(2), &heard);
        assert_eq!(mail.counts().unread, 0);
        let counts = Counts {
            inbox: 900,
            unread: 7,
            ..Counts::default()
        };
        let part = MessageList {
            next: Some("x".into()),
            counts,
            ..page(vec![row(1, 60)])
        };
        mail.join(Folder::Inbox, None, part, &Outbox::default());
        assert_eq!((mail.counts().inbox, mail.counts().unread), (900, 7));
    }

    #[test]
    fn a_row_is_found_after_its_time_has_changed_and_not_after_it_has_gone() {
        let mut mail = filled(vec![row(1, 60), row(2, 30), row(3, 5)]);
        mail.put(row(1, 1), None, &Outbox::default());
        assert_eq!(inbox(&mail), [id(1), id(3), id(2)]);
        assert_eq!(mail.row(id(1)), Some(&row(1, 1)));
        mail.remove(id(3), None);
        mail.join(
            Folder::Inbox,
            None,
            page(vec![row(2, 30)]),
            &Outbox::default(),
        );
        assert_eq!(inbox(&mail), [id(2)]);
        assert_eq!((mail.row(id(1)), mail.row(id(3))), (None, None));
        assert_eq!(mail.row(id(2)), Some(&row(2, 30)));
    }

    #[test]
    fn a_folder_whose_messages_here_have_all_gone_is_not_empty_while_older_ones_are_on_the_server()
    {
        let mut mail = Mail::default();
        let first = MessageList {
            next: Some("2".into()),
            ..page(vec![row(3, 5), row(2, 30)])
        };
        mail.join(Folder::Inbox, None, first, &Outbox::default());
        assert!(!mail.older_only(Folder::Inbox));
        let deleted = MessagePatch {
            deleted: Some(true),
            unread: None,
        };
        mail.change(id(3), &deleted);
        mail.change(id(2), &deleted);
        assert!(mail.older_only(Folder::Inbox));
        assert!(!mail.is_empty(Folder::Inbox));
        let last = page(Vec::new());
        mail.join(Folder::Inbox, Some("2"), last, &Outbox::default());
        assert!(!mail.older_only(Folder::Inbox));
        assert!(mail.is_empty(Folder::Inbox) && !mail.is_empty(Folder::Deleted));
    }

    #[test]
    fn rows_are_grouped_by_the_readers_days() {
        let mail = filled(vec![row(1, 60), row(2, 30), row(3, 1_500)]);
        let groups = days(&UTC, mail.rows(Folder::Inbox));
        let ids: Vec<_> = groups.iter().map(|group| group.ids.clone()).collect();
        assert_eq!(ids, [vec![id(2), id(1)], vec![id(3)]]);
        assert_eq!(groups[0].day.0, groups[1].day.0 + 1);
    }

    #[test]
    fn after_a_deletion_the_focus_goes_to_the_next_row_that_stays() {
        let ids = [id(1), id(2), id(3), id(4)];
        let after = |ids: &[ObjectId], at, gone: &[u8]| {
            neighbour(ids, at, &gone.iter().map(|n| id(*n)).collect())
        };
        assert_eq!(after(&ids, id(2), &[2]), Some(id(3)));
        assert_eq!(after(&ids, id(2), &[2, 3]), Some(id(4)));
        assert_eq!(after(&ids, id(4), &[4]), Some(id(3)));
        assert_eq!(after(&ids[..1], id(1), &[1]), None);
        assert_eq!(after(&ids, id(9), &[9]), None);
    }
}
