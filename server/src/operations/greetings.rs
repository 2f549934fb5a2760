//! Greetings and recorded names: listing and hearing them, taking new recordings in, and clearing superseded ones away.

use super::users::check_drawn_id;
use super::{OpError, OpResult};
use crate::reading::{Crowded, ReadingSide};
use crate::server::{Abort, ChangeEvent, Server, Wait, WriteError, WriteTx};
use bytes::Bytes;
use domain::{Change, Greeting, Kind, Object, ObjectId, Slot, Timestamp};
use ledger::{Ledger, LedgerError};
use std::convert::Infallible;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;
use vpim::audio::g726::{self, NibbleOrder};
use vpim::audio::{SAMPLE_RATE_HZ, duration_ms, stored};
use vpim::limits::TRANSCODING_CONSTANT;
use vpim::{FileRefusal, Undecodable};

/// What stands before the sound: a body is a MIME entity wherever it is kept or sent, so that whoever inspects one can play it.
const HEAD: &[u8] = b"MIME-Version: 1.0 (Voice 2.0)\r\nContent-Type: audio/32KADPCM\r\n\
    Content-Transfer-Encoding: binary\r\n\r\n";

/// The most samples of one recording.
pub const SAMPLES_MAX: usize = (Greeting::LENGTH_MS_MAX * SAMPLE_RATE_HZ as u64 / 1_000) as usize;

/// The last moment that an end may have: that of the year 9999.
const END_MAX: i64 = 253_402_300_799_999;

/// Memory for reading a file besides the file itself: two bytes for each sample, while they become more perhaps three times, the code, and what
/// a decoder holds.
const READING_UPLOAD: usize = 7 * SAMPLES_MAX + TRANSCODING_CONSTANT;

/// A sound as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// A MIME entity, to be read by [`vpim::parse_kept`].
    pub body: Vec<u8>,
    /// Its length in milliseconds.
    pub length_ms: u64,
}

impl Recording {
    /// Encodes samples of 8 kHz. Takes 50 ms or so for a minute.
    pub fn encode(samples: &[i16]) -> Self {
        let codes = g726::encode(samples, NibbleOrder::default());
        Self {
            length_ms: duration_ms(samples.len() as u64),
            ..Self::of_codes(&codes)
        }
    }

    /// Keeps codes of G.726 as they are, two samples an octet.
    fn of_codes(codes: &[u8]) -> Self {
        Self {
            body: [HEAD, codes].concat(),
            length_ms: duration_ms(codes.len() as u64 * 2),
        }
    }
}

/// Why a file is not taken as a recording.
#[derive(Debug)]
pub enum NoRecording {
    /// Longer than [`SAMPLES_MAX`].
    TooLong,
    /// Not a file of sound, or one that cannot be decoded.
    Undecodable(Undecodable),
    /// There is nothing in it.
    Empty,
    /// It was not read.
    Operation(OpError),
}

/// Reads a file of sound and encodes it as it is kept, on the blocking pool and within the budget for reading.
///
/// # Errors
/// What is wrong with it; [`OpError::Unavailable`] when others read so much that there is no room in time.
pub async fn read(server: &Server, file: Bytes) -> Result<Recording, NoRecording> {
    let crowded = |crowded: Crowded| NoRecording::Operation(crowded.into());
    let turn = server.reading().take_turn_to_transcode().await;
    let turn = turn.map_err(crowded)?;
    let bytes = file.len().saturating_add(READING_UPLOAD);
    let held = server.reading().take(ReadingSide::Answers, bytes).await;
    let held = held.map_err(crowded)?;
    let reading = tokio::task::spawn_blocking(move || {
        let _held = (turn, held);
        encoded(&file)
    });
    let failed = |error| NoRecording::Operation(OpError::internal(error));
    reading.await.map_err(failed)?
}

fn encoded(file: &[u8]) -> Result<Recording, NoRecording> {
    // What a client records in the browser comes as it is kept.
    match stored::adpcm(file) {
        Some([]) => return Err(NoRecording::Empty),
        Some(codes) if codes.len() > SAMPLES_MAX / 2 => return Err(NoRecording::TooLong),
        Some(codes) => return Ok(Recording::of_codes(codes)),
        None => {}
    }
    let samples = vpim::decode_file(file, SAMPLES_MAX as u64).map_err(|refusal| match refusal {
        FileRefusal::TooLong => NoRecording::TooLong,
        FileRefusal::Undecodable(error) => NoRecording::Undecodable(error),
    })?;
    if samples.len() < 2 {
        return Err(NoRecording::Empty);
    }
    Ok(Recording::encode(&samples))
}

/// The greetings of `user` as far as they are recorded; [`Greeting::of`] reads them.
///
/// # Errors
/// What the store cannot do.
pub async fn all(server: &Server, user: ObjectId) -> OpResult<Vec<(Slot, Object)>> {
    let read = move |readers: &store::Readers| {
        readers.snapshot(|view| view.belongings(&user, Kind::GREETING))
    };
    let all = server.read(read).await?;
    let recorded = Slot::ALL.into_iter();
    Ok(recorded
        .filter_map(|slot| Some((slot, sound_of(slot, &all)?.clone())))
        .collect())
}

/// The recording of `user` in a slot.
///
/// # Errors
/// [`OpError::NotFound`].
pub async fn find(server: &Server, user: ObjectId, slot: Slot) -> OpResult<Object> {
    let found = all(server, user).await?.into_iter();
    let found = found.into_iter().find(|(its, _)| *its == slot);
    found.map(|(_, object)| object).ok_or_else(not_recorded)
}

/// Records a greeting or the name of `user`. It takes the place of the one before, on both servers. A request that names the id of the
/// recording may be repeated: it finds what the first one recorded. Returns when that was, and its length in milliseconds.
///
/// # Errors
/// [`OpError::Invalid`] for an id that cannot be drawn; [`OpError::Conflict`] for one that something else has, and for a recording whose
/// place another has taken since.
pub async fn set(
    server: &Server,
    user: ObjectId,
    slot: Slot,
    drawn: Option<ObjectId>,
    recording: Recording,
) -> OpResult<(Timestamp, u64)> {
    if let Some(id) = drawn {
        check_drawn_id(id)?;
    }
    let (id, weight) = (
        drawn.unwrap_or_else(|| server.new_id()),
        recording.body.len(),
    );
    let written = server.write_weighing(weight, Wait::Partner, move |scope| {
        if drawn.is_some()
            && let Some(made) = made_before(scope, id, user, slot, &recording)?
        {
            return Ok(made);
        }
        record(scope, id, user, slot, Some(&recording))?;
        Ok::<_, Abort<OpError>>((scope.now(), recording.length_ms))
    });
    Ok(written.await?.value)
}

/// What a request with this id and content has recorded before.
fn made_before(
    scope: &mut WriteTx<'_, '_>,
    id: ObjectId,
    user: ObjectId,
    slot: Slot,
    recording: &Recording,
) -> Result<Option<(Timestamp, u64)>, Abort<OpError>> {
    if scope.tx().deletion_record(&id)?.is_some() {
        return Err(Abort::Refused(OpError::Conflict(
            "This was recorded, and another recording has taken its place since.".into(),
        )));
    }
    let Some(object) = scope.tx().object(&id)? else {
        return Ok(None);
    };
    let hash = *blake3::hash(&recording.body).as_bytes();
    let made = Greeting::of(&object)
        .filter(|made| object.owner == Some(user) && made.slot() == Some(slot))
        .filter(|made| made.body().is_some_and(|body| body.hash == hash));
    match made {
        Some(made) => Ok(Some((made.recorded_at(), made.length_ms()))),
        None => Err(Abort::Refused(OpError::Conflict(
            "The id is that of something else. Draw another id for this recording.".into(),
        ))),
    }
}

/// Says when the temporary greeting of `user` switches itself off, on both servers; a moment that has passed switches it off now, and with `None` it
/// takes the place of the others for as long as it is recorded. Returns its object as it is then.
///
/// # Errors
/// [`OpError::Invalid`] for another greeting, and for a moment outside of the years that have four digits; [`OpError::NotFound`].
pub async fn set_end(
    server: &Server,
    user: ObjectId,
    slot: Slot,
    ends_at: Option<Timestamp>,
) -> OpResult<Object> {
    if slot != Slot::Temporary {
        let only = "Only the temporary greeting has an end.";
        return Err(OpError::Invalid(only.into()));
    }
    if ends_at.is_some_and(|at| !(0..=END_MAX).contains(&at.0)) {
        let unknown = "The end is a moment after 1970 and before the year 10000.";
        return Err(OpError::Invalid(unknown.into()));
    }
    let written = server.write(Wait::Partner, move |scope| {
        let all = scope.tx().view().belongings(&user, Kind::GREETING)?;
        let newest = Greeting::newest(slot, &all).filter(|(_, object)| object.body.is_some());
        let Some((id, _)) = newest else {
            return Err(Abort::Refused(not_recorded()));
        };
        let registers = vec![Greeting::end(ends_at)];
        scope.change(&Change::Set { id: *id, registers })?;
        scope
            .tx()
            .object(id)?
            .ok_or_else(|| Abort::Refused(not_recorded()))
    });
    Ok(written.await?.value)
}

fn not_recorded() -> OpError {
    OpError::NotFound("Nothing is recorded for this greeting.".into())
}

/// Takes a greeting away, on both servers: callers hear the system's again.
///
/// # Errors
/// What the writer cannot do; nothing to take away is no error.
pub async fn remove(server: &Server, user: ObjectId, slot: Slot) -> OpResult<()> {
    let id = server.new_id();
    let written = server.write_anyway(Wait::Partner, move |scope| {
        Ok::<_, Abort<OpError>>(record(scope, id, user, slot, None)?)
    });
    written.await?;
    Ok(())
}

/// Puts a recording, or with `None` the absence of one, into a slot. What was there goes.
fn record(
    scope: &mut WriteTx<'_, '_>,
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
fn sound_of(slot: Slot, greetings: &[(ObjectId, Object)]) -> Option<&Object> {
    let (_, object) = Greeting::newest(slot, greetings)?;
    Greeting::of(object)?.body()?;
    Some(object)
}

/// Clears superseded recordings away as they meet the newer ones of the partner, until `stop`. What is missed here is harmless: only
/// the newest is ever read, and the next recording removes all others.
pub fn tidy(server: Server, stop: CancellationToken) -> impl Future<Output = ()> {
    // From this call on, not from the first time that somebody waits.
    let notices = server.notices();
    listen(server, notices, stop)
}

async fn listen(server: Server, mut notices: Receiver<ChangeEvent>, stop: CancellationToken) {
    while let Some(heard) = stop.run_until_cancelled(notices.recv()).await {
        match heard {
            Ok(ChangeEvent::Object {
                owner: Some(owner),
                kind: Kind::GREETING,
                arrived: true,
                ..
            }) => {
                if let Err(error) = clear(&server, owner).await {
                    tracing::warn!(%error, "superseded greetings stay for now");
                }
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => break,
        }
    }
}

async fn clear(server: &Server, owner: ObjectId) -> Result<(), WriteError<Infallible>> {
    // Nearly always there is nothing to clear, and the writer need not be asked.
    let read = move |readers: &store::Readers| readers.snapshot(|view| superseded(view, &owner));
    if server.read(read).await?.is_empty() {
        return Ok(());
    }
    let write = server.write_anyway(Wait::Local, move |scope| {
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
    use crate::config::Config;
    use std::thread::JoinHandle;
    use std::time::Duration;
    use vpim::Content;
    use vpim::audio::wav;

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

    fn file(rate: u32, samples: usize) -> Vec<u8> {
        let mut file = wav::write(&vec![100; samples]);
        file[24..28].copy_from_slice(&rate.to_le_bytes());
        file
    }

    #[test]
    fn what_cannot_be_a_recording_is_refused() {
        assert_eq!(encoded(&file(8_000, 8_000)).unwrap().length_ms, 1_000);
        let refused = |file: &[u8]| encoded(file).unwrap_err();
        assert!(matches!(
            refused(&file(1_000, 100)),
            NoRecording::Undecodable(_)
        ));
        assert!(matches!(refused(b"OggS"), NoRecording::Undecodable(_)));
        assert!(matches!(refused(&file(8_000, 0)), NoRecording::Empty));
        let long = file(8_000, SAMPLES_MAX + 1);
        assert!(matches!(refused(&long), NoRecording::TooLong));
    }

    #[test]
    fn whatever_sound_is_heard_in_a_message_is_taken_as_a_recording() {
        assert_eq!(encoded(&file(44_100, 44_100)).unwrap().length_ms, 1_000);
        let vectors = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
        for (name, length_ms) in [
            ("speech.wav", 1_381),
            ("mpeg1-tagged.mp3", 1_381),
            ("stereo.m4a", 1_393),
            ("hybrid.opus", 1_381),
            ("amr.3gp", 1_400),
        ] {
            let file = std::fs::read(vectors.join("sound").join(name)).unwrap();
            assert_eq!(encoded(&file).unwrap().length_ms, length_ms, "{name}");
        }
    }

    #[test]
    fn stored_sound_is_kept_as_it_came() {
        let codes = g726::encode(&[500; 16_000], NibbleOrder::default());
        let of = |codes: &[u8]| {
            let coding = vpim::audio::Coding::Adpcm(NibbleOrder::LowFirst);
            let head = stored::head(&[(coding, u64::from(stored::SAMPLES_UNKNOWN))]);
            [&head, codes].concat()
        };
        let recording = encoded(&of(&codes)).unwrap();
        assert!(recording.body.ends_with(&codes));
        assert_eq!(recording.length_ms, 2_000);
        assert_eq!(recording, Recording::encode(&[500; 16_000]));
        assert!(matches!(encoded(&of(&[])), Err(NoRecording::Empty)));
        let longest = vec![1; SAMPLES_MAX / 2];
        assert_eq!(encoded(&of(&longest)).unwrap().length_ms, 300_000);
        let long = [&longest[..], &[1]].concat();
        assert!(matches!(encoded(&of(&long)), Err(NoRecording::TooLong)));
    }

    fn open() -> (tempfile::TempDir, Server, JoinHandle<()>) {
        let dir = tempfile::tempdir().unwrap();
        let text = format!("fqdn = \"a.example.net\"\ndata_dir = {:?}\n", dir.path());
        let config = Config::parse(&text, "test", &|_| None).unwrap();
        let (server, writer) = Server::open(config).unwrap();
        let writing = || {
            writer.run();
        };
        (dir, server, std::thread::spawn(writing))
    }

    #[tokio::test]
    async fn an_upload_is_read_when_there_is_room_in_the_budget_for_reading() {
        let (_dir, server, writer) = open();
        let all = server.reading().take(ReadingSide::Answers, usize::MAX);
        let all = all.await.unwrap();
        let reading = {
            let server = server.clone();
            tokio::spawn(async move { read(&server, file(8_000, 8_000).into()).await })
        };
        for _ in 0..20 {
            let another = tokio::task::spawn_blocking(|| encoded(&file(8_000, 8_000)).is_ok());
            assert!(another.await.unwrap());
        }
        assert!(!reading.is_finished(), "it waits for room");
        drop(all);
        assert_eq!(reading.await.unwrap().unwrap().length_ms, 1_000);
        server.stop().await;
        writer.join().unwrap();
    }

    #[tokio::test]
    async fn recordings_that_met_a_newer_one_are_cleared_away() {
        let (_dir, server, writer) = open();
        let stop = CancellationToken::new();
        let tidying = tokio::spawn(tidy(server.clone(), stop.clone()));

        let id = |n| ObjectId::from_bytes([n; 16]);
        let owner = id(9);
        // As they come from the partner: each by itself, none deleted by the next.
        for (n, slot) in [
            (1, Slot::External),
            (2, Slot::External),
            (3, Slot::Internal),
        ] {
            let made = server.write(Wait::Local, move |scope| {
                let change = Change::Create {
                    id: id(n),
                    kind: Kind::GREETING,
                    owner: Some(owner),
                    body: None,
                    registers: Greeting::registers(slot, Timestamp(0), 0),
                };
                Ok::<_, Abort<Infallible>>(scope.change(&change)?)
            });
            made.await.unwrap();
        }
        let mut notices = server.notices();
        loop {
            let read = |view: &store::View<'_>| view.belongings(&owner, Kind::GREETING);
            let all = server.readers().snapshot(read).unwrap();
            let mut left: Vec<ObjectId> = all.into_iter().map(|(id, _)| id).collect();
            left.sort();
            if left == [id(2), id(3)] {
                break;
            }
            let next = tokio::time::timeout(Duration::from_secs(60), notices.recv());
            next.await.expect("it is cleared away").unwrap();
        }
        stop.cancel();
        tidying.await.unwrap();
        server.stop().await;
        writer.join().unwrap();
    }
}
