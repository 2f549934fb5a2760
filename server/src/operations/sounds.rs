//! The sound of a message or a greeting: which of it is heard, and any range of it, computed when it is asked for.
//!
//! Nothing is decoded as a whole. A sound that is being sent holds the content of its message, one copy for all who hear it, and what
//! such contents take together is bounded (`room`). From it pieces are made as fast as their reader takes them (`pieces`); where
//! to go on in G.726, whose every code depends on all before it, is remembered every few seconds (`checkpoints`).

mod checkpoints;
mod heard;
mod listeners;
mod open;
mod pieces;
mod room;
mod track;

pub use heard::Silence;
#[cfg(test)]
pub(crate) use heard::length;
pub use open::{OpenSound, SoundEncoding};
pub use pieces::SoundPieces;

use super::messages::content;
use super::{OpError, OpResult};
use crate::server::Server;
use checkpoints::Checkpoints;
use domain::{BodyRef, ObjectId};
use listeners::Listeners;
use room::SoundRoom;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use track::{Slot, SoundKey, Tracks};

/// Why a sound cannot be heard.
#[derive(Debug)]
pub enum Unheard {
    /// It could not be read.
    Operation(OpError),
    /// There is none.
    Silent(Silence),
}

/// The sounds that are being sent.
#[derive(Clone)]
pub struct OpenSounds(Arc<SoundParts>);

struct SoundParts {
    server: Server,
    room: SoundRoom,
    listeners: Listeners,
    open: Mutex<HashMap<SoundKey, Weak<Slot>>>,
    checkpoints: Arc<Checkpoints>,
}

impl OpenSounds {
    /// None is open.
    pub fn new(server: Server) -> Self {
        Self(Arc::new(SoundParts {
            listeners: Listeners::new(server.turns().clone()),
            server,
            room: SoundRoom::default(),
            open: Mutex::default(),
            checkpoints: Arc::default(),
        }))
    }

    /// Opens the sound of a body that `user` may hear: of one part, or all that is said in it, in order.
    ///
    /// # Errors
    /// [`Unheard::Silent`] where there is nothing to hear; [`OpError::NotHere`] while the content is not here; [`OpError::Unavailable`]
    /// while too much is being heard.
    pub async fn open(
        &self,
        user: ObjectId,
        body: BodyRef,
        part: Option<u32>,
        encoding: SoundEncoding,
    ) -> Result<OpenSound, Unheard> {
        let listener = self.0.listeners.admit(user).await?;
        let key = (body.hash, part);
        let slot = self.slot(key);
        let read = || self.read(user, body, key);
        let tracks = Arc::clone(slot.0.get_or_try_init(read).await?);
        let checkpoints = Arc::clone(&self.0.checkpoints);
        Ok(OpenSound::new(
            tracks,
            encoding,
            checkpoints,
            listener,
            Some(slot),
        ))
    }

    fn slot(&self, key: SoundKey) -> Arc<Slot> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = open.get(&key).and_then(Weak::upgrade) {
            return slot;
        }
        open.retain(|_, slot| slot.strong_count() > 0);
        let slot = Arc::new(Slot::default());
        open.insert(key, Arc::downgrade(&slot));
        slot
    }

    async fn read(
        &self,
        user: ObjectId,
        body: BodyRef,
        key: SoundKey,
    ) -> Result<Arc<Tracks>, Unheard> {
        let held = self.0.room.hold(user, body.len as usize).await?;
        let read = self.0.server.read(move |readers| {
            let bytes = content(readers, Some(body))?;
            Ok(bytes.map(|bytes| heard::tracks(&bytes, key.1)))
        });
        let read: OpResult<_> = read.await.map_err(OpError::from)?;
        let tracks = read?.map_err(Unheard::Silent)?;
        Ok(Arc::new(Tracks::new(key, tracks, Some(held))))
    }
}

impl From<OpError> for Unheard {
    fn from(error: OpError) -> Self {
        Self::Operation(error)
    }
}
