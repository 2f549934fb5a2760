//! The sounds that this browser keeps, so that they play after a reload also while no server answers. `model::kept_sounds` has the rules.

use super::sounds::SoundId;
use crate::mailbox::MailboxContext;
use crate::model::kept_sounds::{KeptSound, to_make_room};
use crate::model::mail::Mail;
use contract::{ObjectId, Timestamp};
use leptos::prelude::*;
use leptos::task::spawn_local;
use ui::byte_store::ByteStore;
use ui::clock;

const STORE: ByteStore = ByteStore::named("callpilot.sounds");

/// The sounds that are kept of one mailbox, oldest first. A handle.
#[derive(Clone, Copy)]
pub struct KeptSounds {
    /// Each with whether its message belongs on a list that is here.
    kept: RwSignal<Vec<(KeptSound, bool)>>,
    mailbox: StoredValue<OpenMailbox>,
}

/// Whose sounds they are.
#[derive(Clone, Default)]
struct OpenMailbox {
    number: Option<String>,
    /// How often one was opened, closed or emptied: what was asked for before that is not kept any more.
    turn: u64,
    /// Of when the lists are that this browser kept. Only a newer one can say that a message is destroyed.
    as_of: Option<Timestamp>,
}

impl KeptSounds {
    /// None, until [`Self::open`].
    pub fn new() -> Self {
        Self {
            kept: RwSignal::new(Vec::new()),
            mailbox: StoredValue::new(OpenMailbox::default()),
        }
    }

    /// Somebody is at work: what is kept of this mailbox can be played, and all else goes. What belongs to messages that are on none of the
    /// lists that come goes with them: nobody would find it, or hear that its message is destroyed.
    pub fn open(self, number: &str, mailbox: MailboxContext) {
        let as_of = mailbox.mail().with_untracked(|mail| mail.as_of);
        self.mailbox.update_value(|open| {
            *open = OpenMailbox {
                number: Some(number.to_owned()),
                turn: open.turn + 1,
                as_of,
            };
        });
        let turn = self.mailbox.with_value(|open| open.turn);
        let number = number.to_owned();
        spawn_local(async move {
            let mut kept = Vec::new();
            for key in STORE.keys().await {
                match KeptSound::of(&key).filter(|sound| sound.mailbox == number) {
                    Some(sound) => kept.push((sound, true)),
                    None => STORE.remove(&key).await,
                }
            }
            if self.is_at(turn) {
                self.kept.update(|known| {
                    kept.retain(|(sound, _)| known.iter().all(|(other, _)| other != sound));
                    known.splice(..0, kept);
                });
            }
        });
    }

    /// Lets go of all, here and in the browser. Who is at work stays at work.
    pub fn forget(self) {
        self.mailbox.update_value(|open| open.turn += 1);
        self.kept.set(Vec::new());
        spawn_local(STORE.clear());
    }

    /// Nobody is at work any more.
    pub fn close(self) {
        self.mailbox.update_value(|open| open.number = None);
        self.forget();
    }

    /// What is kept (tracked).
    pub fn with<T>(self, look: impl FnOnce(&[(KeptSound, bool)]) -> T) -> T {
        self.kept.with(|kept| look(kept))
    }

    /// The octets of a sound, if it is kept.
    pub async fn get(self, (id, part): SoundId) -> Option<Vec<u8>> {
        let number = self.mailbox.with_value(|open| open.number.clone());
        // A message that was open before a reload asks before what is kept is known here, and another tab may have kept it.
        let is_it = |key: &String| {
            KeptSound::of(key).is_some_and(|sound| {
                (sound.id, sound.part) == (id, part) && Some(&sound.mailbox) == number.as_ref()
            })
        };
        let key = STORE.keys().await.into_iter().find(is_it)?;
        STORE.get(&key).await
    }

    /// Keeps a sound, in place of the oldest ones.
    pub async fn keep(self, (id, part): SoundId, octets: &[u8]) {
        let OpenMailbox { number, turn, .. } = self.mailbox.get_value();
        let Some(number) = number else { return };
        self.remove(|sound| (sound.id, sound.part) == (id, part))
            .await;
        // Other tabs keep sounds, too.
        let keys = STORE.keys().await;
        let kept: Vec<KeptSound> = keys.iter().filter_map(|key| KeptSound::of(key)).collect();
        let Some(gone) = to_make_room(&kept, octets.len()) else {
            return;
        };
        for old in &kept[..gone] {
            self.remove(|sound| sound == old).await;
            STORE.remove(&old.key()).await;
        }
        let sound = KeptSound {
            at: clock::now(),
            mailbox: number,
            id,
            part,
            bytes: octets.len(),
        };
        if !self.is_at(turn) || !STORE.put(&sound.key(), octets).await {
            return;
        }
        if self.is_at(turn) {
            self.kept.update(|kept| kept.push((sound, false)));
        } else {
            STORE.remove(&sound.key()).await;
        }
    }

    /// Removes some.
    pub async fn remove(self, which: impl Fn(&KeptSound) -> bool) {
        let of = |(sound, _): &&(KeptSound, bool)| which(sound);
        let gone: Vec<KeptSound> = self.kept.with_untracked(|kept| {
            kept.iter()
                .filter(of)
                .map(|(sound, _)| sound.clone())
                .collect()
        });
        if gone.is_empty() {
            return;
        }
        self.kept
            .update(|kept| kept.retain(|(sound, _)| !gone.contains(sound)));
        for sound in gone {
            STORE.remove(&sound.key()).await;
        }
    }

    /// Messages of which any sound is kept, and which a server no longer lists (tracks neither).
    pub fn destroyed(self, mail: &Mail) -> Vec<ObjectId> {
        let is_newer = self.mailbox.with_value(|open| open.as_of != mail.as_of);
        let mut gone = Vec::new();
        self.kept.try_maybe_update(|kept| {
            for (sound, belongs) in kept {
                let listed = mail.row(sound.id).is_some();
                if *belongs && is_newer && !listed {
                    gone.push(sound.id);
                }
                *belongs |= listed;
            }
            (false, ())
        });
        gone
    }

    fn is_at(self, turn: u64) -> bool {
        self.mailbox.with_value(|open| open.turn == turn)
    }
}
