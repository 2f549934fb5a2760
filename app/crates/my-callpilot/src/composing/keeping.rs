//! What this browser keeps of the messages that are being composed, so that a reload, a crash or a day without a server loses nothing of them: of each
//! what is typed and chosen under `<mailbox> <draft>`, and of what was recorded and attached each piece under
//! `<mailbox> <draft> <part> <octets before it>`.

use super::{ComposingContext, find};
use crate::model::composition::Composition;
use contract::ObjectId;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use ui::browser;
use ui::byte_store::ByteStore;

const STORE: ByteStore = ByteStore::named("callpilot.compositions");
/// Set while something is kept: then it is gone on with when the application starts.
const KEPT_KEY: &str = "callpilot.composing";
/// Changes within this time are written together.
const WRITTEN_AFTER: Duration = Duration::from_millis(250);

/// What was recorded and attached here, in memory.
#[derive(Default)]
pub(super) struct Octets {
    parts: Vec<(ObjectId, Vec<u8>)>,
    /// Compositions that are to be written.
    unwritten: Vec<ObjectId>,
}

impl Octets {
    pub(super) fn get(&self, part: ObjectId) -> Option<&[u8]> {
        let found = self.parts.iter().find(|(id, _)| *id == part);
        found.map(|(_, octets)| &octets[..])
    }

    fn append(&mut self, part: ObjectId, more: &[u8]) -> usize {
        match self.parts.iter_mut().find(|(id, _)| *id == part) {
            Some((_, octets)) => {
                octets.extend_from_slice(more);
                octets.len()
            }
            None => {
                self.parts.push((part, more.to_vec()));
                more.len()
            }
        }
    }
}

/// Something of a former page waits in this browser.
pub fn something_waits() -> bool {
    browser::load(KEPT_KEY).is_some()
}

/// Removes all that is kept: whoever logs out leaves nothing behind.
pub fn remove_all() {
    if something_waits() {
        browser::store(KEPT_KEY, None);
        spawn_local(STORE.clear());
    }
}

impl ComposingContext {
    /// Goes on with what was kept for a mailbox.
    pub(super) fn restore(self, number: String) {
        spawn_local(async move {
            let mut found: Vec<Composition> = Vec::new();
            // Of a newer page, perhaps: it is left as it is.
            let mut unreadable: Vec<String> = Vec::new();
            let mut octets = Octets::default();
            let keys = STORE.keys().await;
            for key in &keys {
                let fields: Vec<&str> = key.split(' ').collect();
                match fields[..] {
                    [owner, draft] if owner == number => {
                        let json = STORE.get(key).await.unwrap_or_default();
                        match Composition::from_json(&json) {
                            Some(one) => found.push(one),
                            None => unreadable.push(draft.to_owned()),
                        }
                    }
                    // Keys come in order, so each piece follows the one before it, and all of them their composition.
                    [owner, draft, part, _] if owner == number => {
                        if unreadable.iter().any(|one| one == draft) {
                            continue;
                        }
                        if !found.iter().any(|one| one.id.to_string() == draft) {
                            STORE.remove(key).await;
                            continue;
                        }
                        let piece = STORE.get(key).await.unwrap_or_default();
                        if let Ok(part) = part.parse() {
                            octets.append(part, &piece);
                        }
                    }
                    _ => {}
                }
            }
            if self.number() != number {
                return;
            }
            for one in &mut found {
                one.restored(&|part| octets.get(part).map_or(0, <[u8]>::len) as u64);
            }
            self.all.update(|all| {
                found.retain(|one| find(all, one.id).is_none());
                all.extend(found);
            });
            self.octets
                .update_value(|held| held.parts.extend(octets.parts));
            self.ready.set(true);
            self.work();
        });
    }

    fn key(self, id: ObjectId) -> String {
        format!("{} {id}", self.number())
    }

    /// Writes one a moment later.
    pub(super) fn keep_later(self, id: ObjectId) {
        let first = self.octets.try_update_value(|octets| {
            if !octets.unwritten.contains(&id) {
                octets.unwritten.push(id);
            }
            octets.unwritten.len() == 1
        });
        if first == Some(true) {
            set_timeout(move || self.keep_now(), WRITTEN_AFTER);
        }
    }

    /// Writes what is not written yet.
    pub(super) fn keep_now(self) {
        let unwritten = self
            .octets
            .try_update_value(|octets| std::mem::take(&mut octets.unwritten));
        for id in unwritten.unwrap_or_default() {
            let key = self.key(id);
            let json = self.all.with_untracked(|all| {
                let one = find(all, id).filter(|one| one.was_saved() || !one.is_blank());
                one.and_then(Composition::to_json)
            });
            match json {
                Some(json) => {
                    browser::store(KEPT_KEY, Some("1"));
                    spawn_local(async move {
                        STORE.put(&key, json.as_bytes()).await;
                    });
                }
                None => spawn_local(async move { STORE.remove(&key).await }),
            }
        }
    }

    /// Keeps more of a part; says how long it is now.
    pub(super) fn keep_octets(self, id: ObjectId, part: ObjectId, more: &[u8]) -> u64 {
        let length = self
            .octets
            .try_update_value(|octets| octets.append(part, more))
            .unwrap_or(0);
        let key = format!("{} {part} {:012}", self.key(id), length - more.len());
        let more = more.to_vec();
        if !more.is_empty() {
            spawn_local(async move {
                STORE.put(&key, &more).await;
            });
        }
        length as u64
    }

    /// Removes what is kept of a part.
    pub(super) fn drop_octets(self, id: ObjectId, part: ObjectId) {
        self.octets
            .update_value(|octets| octets.parts.retain(|(other, _)| *other != part));
        self.remove(format!("{} {part}", self.key(id)));
    }

    /// One is over, or whole on the servers: nothing of it stays here.
    pub(super) fn forget(self, id: ObjectId) {
        let parts: Vec<ObjectId> = self.all.with_untracked(|all| {
            let parts = find(all, id).map(|one| one.parts.iter().map(|part| part.id).collect());
            parts.unwrap_or_default()
        });
        self.octets
            .update_value(|octets| octets.parts.retain(|(part, _)| !parts.contains(part)));
        self.all.update(|all| all.retain(|one| one.id != id));
        if self.all.with_untracked(Vec::is_empty) {
            browser::store(KEPT_KEY, None);
        }
        self.remove(self.key(id));
    }

    /// Removes all whose key begins so.
    fn remove(self, head: String) {
        spawn_local(async move {
            for key in STORE.keys().await {
                if key.starts_with(&head) {
                    STORE.remove(&key).await;
                }
            }
        });
    }
}
