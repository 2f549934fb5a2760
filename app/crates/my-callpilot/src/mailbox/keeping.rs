//! The copy of the mailbox that this browser keeps: shown at once when it is opened, written after every change.

use super::MailboxContext;
use crate::model::kept::OfflineCopy;
use crate::model::mail::Mail;
use crate::model::outbox::Outbox;
use leptos::prelude::*;
use std::time::Duration;
use ui::browser;

const KEPT_KEY: &str = "callpilot.kept";
/// Changes within this time are written together.
const WRITTEN_AFTER: Duration = Duration::from_millis(400);

impl MailboxContext {
    /// Somebody is at work: shows what this browser keeps of the mailbox.
    pub fn open(self, number: &str) {
        if let Some(kept) =
            browser::load(KEPT_KEY).and_then(|json| OfflineCopy::from_json(&json, number))
        {
            self.mail.set(kept.mail());
            self.outbox.set(kept.waiting);
        }
        self.number.set_value(Some(number.to_owned()));
    }

    /// Nobody is any more. Nothing of the mailbox stays behind but changes that still wait, and those only if the reader did not
    /// end the session.
    pub fn close(self, by_reader: bool) {
        let number = self
            .number
            .try_update_value(Option::take)
            .flatten()
            .filter(|_| !by_reader);
        let waiting = self.outbox.get_untracked();
        self.forget();
        self.outbox.set(Outbox::default());
        self.trouble.set(None);
        self.undo.set(None);
        if let Some(number) = number.filter(|_| !waiting.is_empty()) {
            let kept = OfflineCopy::of(&number, &Mail::default(), &waiting);
            browser::store(KEPT_KEY, kept.to_json().as_deref());
        }
    }

    /// Removes what is kept of messages; changes that wait stay.
    pub fn forget(self) {
        self.details.set(Vec::new());
        self.mail.set(Mail::default());
        browser::store(KEPT_KEY, None);
    }

    /// Writes the kept copy after every change, a moment later.
    pub(super) fn keep(self) {
        let pending = StoredValue::new(None::<TimeoutHandle>);
        Effect::new(move || {
            self.mail.track();
            self.outbox.track();
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
        let kept = self.mail.with_untracked(|mail| {
            self.outbox
                .with_untracked(|outbox| OfflineCopy::of(&number, mail, outbox))
        });
        if kept.inbox.is_empty() && kept.deleted.is_empty() && kept.waiting.is_empty() {
            browser::store(KEPT_KEY, None);
        } else {
            browser::store(KEPT_KEY, kept.to_json().as_deref());
        }
    }
}
