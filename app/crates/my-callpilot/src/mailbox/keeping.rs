//! What this browser keeps of the mailbox: a copy, shown at once when it is opened and written after every change, and the changes that wait for
//! a server, which all its tabs share.

use super::MailboxContext;
use crate::model::kept::OfflineCopy;
use crate::model::mail::Mail;
use crate::model::outbox::Outbox;
use leptos::prelude::*;
use std::time::Duration;
use ui::browser;

const KEPT_KEY: &str = "callpilot.kept";
/// The changes of each mailbox that wait are kept under this and its number.
const OUTBOX_KEY: &str = "callpilot.outbox.";
/// Changes within this time are written together.
const WRITTEN_AFTER: Duration = Duration::from_millis(400);

impl MailboxContext {
    /// Somebody is at work: shows what this browser keeps of the mailbox.
    pub fn open(self, number: &str) {
        self.number.set_value(Some(number.to_owned()));
        self.outbox.set(self.stored_outbox().unwrap_or_default());
        if let Some(kept) =
            browser::load(KEPT_KEY).and_then(|json| OfflineCopy::from_json(&json, number))
        {
            let mail = self.outbox.with_untracked(|outbox| kept.mail(outbox));
            self.mail.set(mail);
        }
    }

    /// Nobody is any more. Nothing of the mailbox stays behind but changes that still wait, and those only if the reader did not
    /// end the session.
    pub fn close(self, by_reader: bool) {
        let nothing_waits = self.outbox.with_untracked(Outbox::is_empty);
        if let Some(key) = self.outbox_key().filter(|_| by_reader || nothing_waits) {
            browser::store(&key, None);
        }
        self.number.set_value(None);
        self.forget();
        self.outbox.set(Outbox::default());
        self.trouble.set(None);
        self.undo.set(None);
        self.lost.set(Vec::new());
    }

    /// Removes what is kept of messages; changes that wait stay.
    pub fn forget(self) {
        self.details.set(Vec::new());
        self.mail.set(Mail::default());
        browser::store(KEPT_KEY, None);
    }

    fn outbox_key(self) -> Option<String> {
        let number = self.number.get_value()?;
        Some(format!("{OUTBOX_KEY}{number}"))
    }

    /// The changes that wait, as the tabs of this browser share them. `None` also where nothing can be stored.
    fn stored_outbox(self) -> Option<Outbox> {
        Outbox::from_json(&browser::load(&self.outbox_key()?)?)
    }

    /// Changes what waits, here and in all tabs.
    pub(super) fn change_outbox(self, change: &dyn Fn(&mut Outbox)) {
        let mut outbox = self
            .stored_outbox()
            .unwrap_or_else(|| self.outbox.get_untracked());
        change(&mut outbox);
        if let Some(key) = self.outbox_key() {
            browser::store(&key, outbox.to_json().as_deref());
        }
        self.outbox.set(outbox);
    }

    /// Takes over what other tabs add to the changes that wait, or have sent of them.
    pub(super) fn share_outbox(self) {
        browser::when_stored_elsewhere(move |key| {
            if key != self.outbox_key() {
                return;
            }
            let Some(outbox) = self.stored_outbox() else {
                return;
            };
            self.mail.update(|mail| {
                for (id, patch) in outbox.waiting() {
                    mail.change(*id, patch);
                }
            });
            self.outbox.set(outbox);
            // The other tab sends it, unless it is closed first.
            self.send_later();
        });
    }

    /// Writes the kept copy after every change, a moment later.
    pub(super) fn keep(self) {
        let pending = StoredValue::new(None::<TimeoutHandle>);
        Effect::new(move || {
            self.mail.track();
            if let Some(pending) = pending.get_value() {
                pending.clear();
            }
            let later = set_timeout_with_handle(move || self.keep_now(), WRITTEN_AFTER);
            pending.set_value(later.ok());
        });
    }

    fn keep_now(self) {
        let Some(number) = self.number.get_value() else {
            return;
        };
        let kept = self
            .mail
            .with_untracked(|mail| OfflineCopy::of(&number, mail));
        let any = [&kept.inbox, &kept.sent, &kept.deleted]
            .iter()
            .any(|rows| !rows.is_empty());
        let json = kept.to_json().filter(|_| any);
        browser::store(KEPT_KEY, json.as_deref());
    }
}
