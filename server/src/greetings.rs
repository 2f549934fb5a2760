//! Greetings and recorded names: taking new recordings in, and clearing superseded ones away.

use crate::site::{Notice, Scope, Site, Wait, WriteError};
use domain::{Change, Greeting, Kind, LedgerError, Object, ObjectId, Slot};
use std::convert::Infallible;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use vpim::audio::g726::{self, NibbleOrder};
use vpim::audio::{SAMPLE_RATE_HZ, duration_ms};

/// What stands before the sound: a body is a MIME entity wherever it is kept or sent, so that whoever inspects one can play it.
const HEAD: &[u8] = b"MIME-Version: 1.0 (Voice 2.0)\r\nContent-Type: audio/32KADPCM\r\n\
    Content-Transfer-Encoding: binary\r\n\r\n";

/// The most samples of one recording.
pub const SAMPLES_MAX: usize = (Greeting::LENGTH_MS_MAX * SAMPLE_RATE_HZ as u64 / 1_000) as usize;

/// A sound as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// A MIME entity, to be read by [`vpim::parse()`].
    pub body: Vec<u8>,
    /// Its length in milliseconds.
    pub length_ms: u64,
}

impl Recording {
    /// Encodes samples of 8 kHz. Takes 50 ms or so for a minute.
    pub fn encode(samples: &[i16]) -> Self {
        let mut body = HEAD.to_vec();
        body.extend(g726::encode(samples, NibbleOrder::default()));
        Self {
            body,
            length_ms: duration_ms(samples.len() as u64),
        }
    }
}

/// Puts a recording, or with `None` the absence of one, into a slot. What was there goes.
pub fn record(
    scope: &mut Scope<'_, '_>,
    id: ObjectId,
    owner: ObjectId,
    slot: Slot,
    recording: Option<&Recording>,
) -> Result<(), LedgerError> {
    let old = scope.tx().view().belongings(&owner, Kind::GREETING)?;
    if recording.is_none() && sound_of(slot, &old).is_none() {
        return Ok(());
    }
    let body = match recording {
        Some(recording) => Some(scope.append_body(&recording.body)?),
        None => None,
    };
    let length_ms = recording.map_or(0, |recording| recording.length_ms);
    let registers = Greeting::registers(slot, scope.now(), length_ms);
    scope.change(&Change::Create {
        id,
        kind: Kind::GREETING,
        owner: Some(owner),
        body,
        registers,
    })?;
    let of = |object| Greeting::of(object).and_then(|greeting| greeting.slot());
    for (id, _) in old.iter().filter(|(_, object)| of(object) == Some(slot)) {
        scope.change(&Change::Delete { id: *id })?;
    }
    Ok(())
}

/// The recording that is heard in a slot, among the greetings of a user.
pub fn sound_of(slot: Slot, greetings: &[(ObjectId, Object)]) -> Option<&Object> {
    let (_, object) = Greeting::newest(slot, greetings)?;
    Greeting::of(object)?.body()?;
    Some(object)
}

/// Clears superseded recordings away as they meet the newer ones of the partner, until `stop`. What is missed here is harmless: only
/// the newest is ever read, and the next recording removes all others.
pub async fn tidy(site: Site, stop: CancellationToken) {
    let mut notices = site.notices();
    while let Some(heard) = stop.run_until_cancelled(notices.recv()).await {
        match heard {
            Ok(Notice::Object {
                owner: Some(owner),
                kind: Kind::GREETING,
                arrived: true,
                ..
            }) => {
                if let Err(error) = clear(&site, owner).await {
                    tracing::warn!(%error, "superseded greetings stay for now");
                }
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => break,
        }
    }
}

async fn clear(site: &Site, owner: ObjectId) -> Result<(), WriteError<Infallible>> {
    // Nearly always there is nothing to clear, and the writer need not be asked.
    let read = move |readers: &store::Readers| readers.snapshot(|view| superseded(view, &owner));
    if site.read(read).await?.is_empty() {
        return Ok(());
    }
    let write = site.write(Wait::Local, move |scope| {
        for id in superseded(&scope.tx().view(), &owner)? {
            scope.change(&Change::Delete { id })?;
        }
        Ok(())
    });
    write.await.map(|_| ())
}

fn superseded(
    view: &store::View<'_>,
    owner: &ObjectId,
) -> Result<Vec<ObjectId>, store::StoreError> {
    let all = view.belongings(owner, Kind::GREETING)?;
    let each = Slot::ALL.into_iter();
    Ok(each
        .flat_map(|slot| Greeting::superseded(slot, &all))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use vpim::Content;

    #[test]
    fn a_recording_is_a_mime_entity_with_its_sound() {
        let samples: Vec<i16> = (0..16_000).map(|n| (n % 160) * 100 - 8_000).collect();
        let recording = Recording::encode(&samples);
        assert_eq!(recording.length_ms, 2_000);
        let message = vpim::parse(&recording.body);
        let [part] = &message.parts[..] else {
            panic!("{message:?}");
        };
        let Content::Voice(voice) = &part.content else {
            panic!("{part:?}");
        };
        assert_eq!(voice.duration_ms(), 2_000);
        let heard = voice.decode(NibbleOrder::default()).unwrap();
        assert_eq!(heard.len(), samples.len());
    }
}
