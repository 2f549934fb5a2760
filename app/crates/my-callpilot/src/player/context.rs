//! What all players share: the sounds that are here, which of them sounds now, how fast, and where the reader stopped.

use super::kept::KeptSounds;
use super::sounds::{Sound, SoundId, Sounds};
use crate::mailbox::MailboxContext;
use crate::model::ids::IdSet;
use crate::model::kept_sounds::KeptSound;
use contract::ObjectId;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::rc::Rc;
use ui::connection::ConnectionContext;
use ui::read_only::ReadOnly;
use ui::sdk::Trouble;

/// Speeds in thousandths of the usual one, slowest first, and their names.
pub const SPEEDS: [(u64, &str); 4] = [
    (1_000, "1×"),
    (1_250, "1.25×"),
    (1_500, "1.5×"),
    (2_000, "2×"),
];

/// At most so many places are kept.
const PLACES_MAX: usize = 100;

/// What all players share. A handle.
#[derive(Clone, Copy)]
pub struct PlayerContext {
    connection: ConnectionContext,
    /// Sounds that are here.
    sounds: StoredValue<Sounds, LocalStorage>,
    /// Sounds that this browser keeps.
    pub(super) kept: KeptSounds,
    /// Changes whenever `sounds` does.
    sounds_changed: Trigger,
    /// The sound that plays now.
    playing: RwSignal<Option<SoundId>>,
    /// How fast sounds play, in thousandths of the usual speed.
    speed: RwSignal<u64>,
    /// Where the reader stopped in sounds, in milliseconds, the latest last.
    places: StoredValue<Vec<(SoundId, u64)>>,
    /// This message shall play as soon as it is open.
    to_play: RwSignal<Option<ObjectId>>,
}

impl PlayerContext {
    /// No sound yet.
    pub fn new(connection: ConnectionContext) -> Self {
        Self {
            connection,
            sounds: StoredValue::new_local(Sounds::default()),
            kept: KeptSounds::new(),
            sounds_changed: Trigger::new(),
            playing: RwSignal::new(None),
            speed: RwSignal::new(1_000),
            places: StoredValue::new(Vec::new()),
            to_play: RwSignal::new(None),
        }
    }

    /// The players of the present application.
    pub fn here() -> Self {
        ui::context::provided()
    }

    /// Somebody is at work: what this browser keeps of the mailbox can be played.
    pub fn open(self, number: &str, mailbox: MailboxContext) {
        self.kept.open(number, mailbox);
    }

    /// Nobody is any more: nothing of the mailbox stays behind.
    pub fn close(self) {
        self.forget();
        self.kept.close();
    }

    /// From now on lets go of the sounds of messages that are destroyed. What the partner does not have may be on the primary.
    pub fn follow(self, mailbox: MailboxContext) {
        Effect::new(move || {
            let gone = mailbox.mail().with(|mail| self.kept.destroyed(mail));
            if !gone.is_empty() && !self.connection.is_on_partner() {
                self.sounds.update_value(|sounds| sounds.remove(&gone));
                self.sounds_changed.notify();
                spawn_local(async move {
                    let of_one = |sound: &KeptSound| gone.contains(&sound.id);
                    self.kept.remove(of_one).await;
                });
            }
        });
    }

    /// Lets go of all sounds and places.
    pub fn forget(self) {
        self.kept.forget();
        self.sounds.update_value(Sounds::clear);
        self.sounds_changed.notify();
        self.places.set_value(Vec::new());
    }

    /// Messages of which any sound is here, and the bytes of all sounds (tracked).
    pub fn held(self) -> (usize, usize) {
        self.sounds_changed.track();
        self.kept.with(|kept| {
            let mut messages: IdSet = kept.iter().map(|(sound, _)| sound.id).collect();
            let mut bytes = kept.iter().map(|(sound, _)| sound.bytes).sum();
            self.sounds.with_value(|sounds| {
                for ((id, _), size) in sounds.sizes() {
                    if messages.insert(id) {
                        bytes += size;
                    }
                }
            });
            (messages.len(), bytes)
        })
    }

    /// A sound, if it is here.
    pub fn sound(self, which: SoundId) -> Option<Rc<Sound>> {
        self.sounds.with_value(|sounds| sounds.get(which))
    }

    /// Holds a sound for as long as there is room.
    pub fn hold(self, which: SoundId, sound: Rc<Sound>) {
        self.sounds.update_value(|sounds| sounds.hold(which, sound));
        self.sounds_changed.notify();
    }

    /// Octets from a server, stored sound or a WAV file; `received` is told all that have come so far and, if known, how many it will be.
    ///
    /// # Errors
    /// No server gave it.
    pub async fn fetch(
        self,
        (id, part): SoundId,
        received: impl Fn(&[u8], Option<u64>) + 'static,
    ) -> Result<Vec<u8>, Trouble> {
        let client = self.connection.client();
        Ok(client.messages().stored_audio(id, part, received).await?)
    }

    /// The sound that plays now.
    pub fn playing(self) -> ReadOnly<Option<SoundId>> {
        self.playing.into()
    }

    /// A player has begun to sound: it is the only one, and the page stays with its server meanwhile.
    pub fn started(self, which: SoundId) {
        self.playing.set(Some(which));
        self.connection.playback(true);
    }

    /// A player has stopped in the middle, at so many milliseconds, or else was heard to the end.
    pub fn stopped(self, which: SoundId, at_ms: Option<u64>) {
        self.places.update_value(|places| {
            places.retain(|(place, _)| *place != which);
            places.extend(at_ms.map(|at| (which, at)));
            let surplus = places.len().saturating_sub(PLACES_MAX);
            places.drain(..surplus);
        });
        // Another player that has just started keeps the page where it is.
        if self.playing.get_untracked() == Some(which) {
            self.playing.set(None);
            self.connection.playback(false);
        }
    }

    /// Where the reader stopped in a sound, in milliseconds; 0 if nowhere.
    pub fn place(self, which: SoundId) -> u64 {
        self.places.with_value(|places| {
            let place = places.iter().find(|(place, _)| *place == which);
            place.map_or(0, |(_, at)| *at)
        })
    }

    /// How fast sounds play, in thousandths of the usual speed.
    pub fn speed(self) -> ReadOnly<u64> {
        self.speed.into()
    }

    /// Sets how fast sounds play.
    pub fn set_speed(self, speed: u64) {
        self.speed.set(speed);
    }

    /// Lets a message play as soon as it is open.
    pub fn play_when_open(self, id: ObjectId) {
        self.to_play.set(Some(id));
    }

    /// Whether the message that has just been opened shall play; says so once (tracked).
    pub fn shall_play(self, id: ObjectId) -> bool {
        let shall = self.to_play.get() == Some(id);
        if shall {
            self.to_play.set(None);
        }
        shall
    }
}
