//! Mails of which some recipients had no room: who has them already.
//!
//! SMTP has one answer for a whole mail. Where a mailbox was full at the moment of writing, the others get the message all the same, the
//! mail is put off, and its sender sends it again, to all of them. What is remembered here keeps those who have it from getting it
//! twice. It is kept in memory: after a restart, or on the other server, a message may come twice, but none is lost.

use domain::ObjectId;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Mails that are remembered; the oldest is forgotten first.
const MAILS_MAX: usize = 1_000;

/// The identity of a mail: what it says and who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailId([u8; 32]);

impl MailId {
    /// Of a mail as it came.
    pub fn of(return_path: Option<&str>, raw: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        let path = return_path.unwrap_or_default().as_bytes();
        hasher.update(&(path.len() as u64).to_be_bytes());
        hasher.update(path);
        hasher.update(raw);
        Self(*hasher.finalize().as_bytes())
    }
}

/// The messages of a mail that are in their mailboxes, by their owners.
pub type Copies = BTreeMap<ObjectId, ObjectId>;

/// What was delivered to some and not to others.
#[derive(Debug, Default)]
pub struct PartlyDelivered(Mutex<VecDeque<(MailId, Copies)>>);

impl PartlyDelivered {
    /// Who has this mail already. `mail` is asked only if there is anything to compare it with.
    pub fn who_has(&self, mail: impl FnOnce() -> MailId) -> Copies {
        let known = self.lock();
        if known.is_empty() {
            return Copies::new();
        }
        let mail = mail();
        let found = known.iter().find(|(other, _)| *other == mail);
        found.map(|(_, copies)| copies.clone()).unwrap_or_default()
    }

    /// Remembers who has it now.
    pub fn remember(&self, mail: MailId, copies: Copies) {
        let mut known = self.lock();
        known.retain(|(other, _)| *other != mail);
        if known.len() >= MAILS_MAX {
            known.pop_front();
        }
        known.push_back((mail, copies));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(MailId, Copies)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_a_bounded_number_of_mails_is_remembered() {
        let (partly, mail) = (PartlyDelivered::default(), |n: usize| {
            MailId::of(Some("4711@client.example"), &n.to_be_bytes())
        });
        let id = ObjectId::from_bytes([1; 16]);
        for n in 0..=MAILS_MAX {
            partly.remember(mail(n), Copies::from([(id, id)]));
        }
        assert!(
            partly.who_has(|| mail(0)).is_empty(),
            "the oldest is forgotten"
        );
        assert_eq!(partly.who_has(|| mail(MAILS_MAX)).len(), 1);
        assert_eq!(partly.lock().len(), MAILS_MAX);
        assert_ne!(MailId::of(None, b"x"), MailId::of(Some("x"), b""));
    }
}
