//! Greetings and the recorded name: listing, hearing, recording, taking away.

use super::call::{Call, Progress};
use super::driver::Driver;
use crate::Error;
use crate::transport::Method;
use contract::{GreetingEnd, GreetingRow, GreetingSlot, Timestamp};
use std::rc::Rc;

const GREETINGS: &str = "/api/v1/greetings";

/// The greetings of the user who is logged in. See [`crate::Client::greetings`].
pub struct Greetings(pub(super) Rc<Driver>);

impl Greetings {
    /// The greetings that are recorded. Safe.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn all(&self) -> Result<Vec<GreetingRow>, Error> {
        let call = Call::safe(Method::Get, GREETINGS.to_owned()).by(self.0.user()?);
        self.0.call_json(&call).await
    }

    /// The sound of a greeting as a WAV file of 8 kHz, 16 bit, mono. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not_found` where nothing is recorded.
    pub async fn audio(
        &self,
        slot: GreetingSlot,
        progress: impl Fn(Progress) + 'static,
    ) -> Result<Vec<u8>, Error> {
        let call = Call::safe(Method::Get, path(slot)).by(self.0.user()?);
        self.0.call_bytes(&call.receiving(progress)).await
    }

    /// Records a greeting: a file of sound of at most 5 minutes, be it WAV of any rate, MP3, M4A, Ogg, WebM or AMR, or stored sound of G.726. It takes the place of the one before, on both servers.
    /// `progress` is told as it is sent; dropping the future stops it.
    ///
    /// By key: the recording gets its id here, so a repetition after a lost answer is known, and does not take the place of a newer
    /// recording that another device has made in between.
    ///
    /// # Errors
    /// [`Error::Refused`] with `too_large`, `unsupported_media`, or with `conflict` when a newer recording has taken its place.
    pub async fn record(
        &self,
        slot: GreetingSlot,
        wav: impl Into<Rc<[u8]>>,
        progress: impl Fn(Progress) + 'static,
    ) -> Result<GreetingRow, Error> {
        let path = format!("{}?id={}", path(slot), self.0.new_id());
        let call = Call::by_key(Method::Put, path).by(self.0.user()?);
        let call = call.with_bytes("audio/wav", wav.into()).sending(progress);
        self.0.call_json(&call).await
    }

    /// Says when the temporary greeting switches itself off; a moment that has passed switches it off now. Its recording stays. Safe.
    ///
    /// # Errors
    /// [`Error::Refused`] with `bad_request` for another greeting, and with `not_found` where nothing is recorded.
    pub async fn set_end(
        &self,
        slot: GreetingSlot,
        ends_at: Option<Timestamp>,
    ) -> Result<GreetingRow, Error> {
        let call = Call::safe(Method::Patch, path(slot)).by(self.0.user()?);
        self.0
            .call_json(&call.with_json(&GreetingEnd { ends_at })?)
            .await
    }

    /// Takes a greeting away, on both servers: callers hear the system's again. Safe.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn remove(&self, slot: GreetingSlot) -> Result<(), Error> {
        let call = Call::safe(Method::Delete, path(slot)).by(self.0.user()?);
        self.0.call_empty(&call).await
    }
}

fn path(slot: GreetingSlot) -> String {
    let name = match slot {
        GreetingSlot::External => "external",
        GreetingSlot::Internal => "internal",
        GreetingSlot::Temporary => "temporary",
        GreetingSlot::RecordedName => "recorded_name",
    };
    format!("{GREETINGS}/{name}")
}
