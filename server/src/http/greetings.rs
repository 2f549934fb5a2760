//! `/api/v1/greetings`: the greetings and the recorded name of a user.

use super::audio::{AudioEncoding, ENCODINGS, Sound, respond};
use super::auth::LoggedIn;
use super::error::{HttpResult, Problem};
use super::extract::{Body, Octets, Params, Segment};
use super::{Api, audio, convert, web};
use crate::operations::greetings::{self, NoRecording, SAMPLES_MAX};
use crate::operations::sounds::{Silence, Unheard};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use contract::{ApiError, GreetingEnd, GreetingRow, GreetingSlot, ObjectId};
use domain::{Greeting, Slot};
use serde::Deserialize;

/// Bytes of an upload: the longest recording as 16-bit samples, with room for what recorders write beside the sound.
pub const UPLOAD_MAX: usize = 2 * SAMPLES_MAX + 64 * 1024;

/// The id of a recording, if the client has drawn one.
#[derive(Deserialize)]
pub struct RecordingIdQuery {
    id: Option<ObjectId>,
}

/// How a greeting is sent.
#[derive(Deserialize)]
pub struct EncodingQuery {
    #[serde(default)]
    encoding: AudioEncoding,
}

/// One's greetings and recorded name, as far as they are recorded.
#[utoipa::path(get, path = "/api/v1/greetings", tag = "mailbox", security(("session" = [])),
    responses((status = 200, body = Vec<GreetingRow>), (status = 401, body = ApiError)))]
pub async fn list(State(api): State<Api>, who: LoggedIn) -> HttpResult<Json<Vec<GreetingRow>>> {
    let all = greetings::all(api.server(), who.id).await?;
    let rows = all
        .iter()
        .filter_map(|(slot, object)| Some(convert::greeting(*slot, &Greeting::of(object)?)));
    Ok(Json(rows.collect()))
}

/// The sound of a greeting: 8 kHz, mono.
#[utoipa::path(get, path = "/api/v1/greetings/{slot}", tag = "mailbox", security(("session" = [])),
    params(
        ("slot" = GreetingSlot, Path),
        ("encoding" = Option<AudioEncoding>, Query, description = ENCODINGS),
    ),
    responses(
        (status = 200, description = "The whole sound", content((Vec<u8> = "audio/wav"), (Vec<u8> = "audio/vnd.callpilot.stored"))),
        (status = 206, description = "The range that was asked for", content((Vec<u8> = "audio/wav"), (Vec<u8> = "audio/vnd.callpilot.stored"))),
        (status = 304, description = "The client has it already"),
        (status = 400, body = ApiError), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 409, description = "Its sound is not here at present; it is asked from the partner, which may have it", body = ApiError),
        (status = 416, description = "The range lies outside of the sound", body = ApiError)))]
pub async fn hear(
    State(api): State<Api>,
    who: LoggedIn,
    Segment(slot): Segment,
    Params(EncodingQuery { encoding }): Params<EncodingQuery>,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let slot = parsed(&slot)?;
    let greeting = greetings::find(api.server(), who.id, slot).await?;
    let no_sound = || Problem::internal("a greeting without sound");
    let body = greeting.body.ok_or_else(no_sound)?;
    let etag = audio::etag(body, None, encoding)?;
    let sound = if web::matches(&headers, &etag) {
        Sound::Same
    } else {
        let open = api.sounds().open(who.id, body, None, encoding.into());
        Sound::Open(open.await.map_err(|why| match why {
            Unheard::Operation(error) => error.into(),
            // It was encoded here.
            Unheard::Silent(Silence::Undecodable(what)) => Problem::internal(what.to_string()),
            Unheard::Silent(_) => no_sound(),
        })?)
    };
    respond(&headers, etag, encoding, sound, "greeting")
}

/// Records a greeting or the name: a file of sound of whatever kind is heard in a message (WAV of any rate, MP3, M4A, Ogg, WebM, AMR), or
/// stored sound of G.726, which is kept as it is; at most 5 minutes; its content says what it is. It takes the place of the one before, on both servers. A
/// request with an `id` may be repeated: it finds what the first one recorded.
#[utoipa::path(put, path = "/api/v1/greetings/{slot}", tag = "mailbox", security(("session" = [])),
    params(
        ("slot" = GreetingSlot, Path),
        ("id" = Option<ObjectId>, Query, description = "Identity of the recording, a UUIDv7 that the client has drawn"),
    ),
    request_body(content = [u8], content_type = "audio/wav"),
    responses((status = 200, body = GreetingRow), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "It was recorded and another recording has taken its place, or the id is that of something else", body = ApiError),
        (status = 413, description = "Longer than 5 minutes", body = ApiError),
        (status = 415, description = "Not a file of sound that can be decoded", body = ApiError)))]
pub async fn set(
    State(api): State<Api>,
    who: LoggedIn,
    Segment(slot): Segment,
    Params(drawn): Params<RecordingIdQuery>,
    Octets(file): Octets<UPLOAD_MAX>,
) -> HttpResult<Json<GreetingRow>> {
    let slot = parsed(&slot)?;
    let read = greetings::read(api.server(), file).await;
    let recording = read.map_err(refused)?;
    let (recorded_at, length_ms) =
        greetings::set(api.server(), who.id, slot, drawn.id, recording).await?;
    Ok(Json(GreetingRow {
        slot: convert::slot(slot),
        recorded_at,
        duration_ms: length_ms,
        ends_at: None,
    }))
}

/// Says how long the temporary greeting takes the place of the others, from now on, on both servers. Its recording stays.
#[utoipa::path(patch, path = "/api/v1/greetings/{slot}", tag = "mailbox", security(("session" = [])),
    params(("slot" = GreetingSlot, Path)), request_body = GreetingEnd,
    responses((status = 200, body = GreetingRow),
        (status = 400, description = "Only the temporary greeting has an end, and within the years of four digits", body = ApiError),
        (status = 401, body = ApiError), (status = 404, description = "It is not recorded", body = ApiError)))]
pub async fn set_end(
    State(api): State<Api>,
    who: LoggedIn,
    Segment(slot): Segment,
    Body(GreetingEnd { ends_at }): Body<GreetingEnd>,
) -> HttpResult<Json<GreetingRow>> {
    let slot = parsed(&slot)?;
    let object = greetings::set_end(api.server(), who.id, slot, ends_at).await?;
    let greeting = Greeting::of(&object).ok_or_else(|| Problem::internal("no greeting"))?;
    Ok(Json(convert::greeting(slot, &greeting)))
}

fn refused(why: NoRecording) -> Problem {
    match why {
        NoRecording::TooLong => Problem::TooLarge {
            size_max: UPLOAD_MAX,
        },
        NoRecording::Undecodable(error) => Problem::Unsupported(format!(
            "This cannot be taken as a greeting: {error}. Send a WAV file, MP3, AAC, Vorbis, Opus or AMR."
        )),
        NoRecording::Empty => Problem::invalid("The recording is empty.".into()),
        NoRecording::Operation(error) => error.into(),
    }
}

/// Takes a greeting away, on both servers: callers hear the system's again.
#[utoipa::path(delete, path = "/api/v1/greetings/{slot}", tag = "mailbox", security(("session" = [])),
    params(("slot" = GreetingSlot, Path)),
    responses((status = 204, description = "Nothing is recorded there now"), (status = 400, body = ApiError),
        (status = 401, body = ApiError)))]
pub async fn remove(
    State(api): State<Api>,
    who: LoggedIn,
    Segment(slot): Segment,
) -> HttpResult<StatusCode> {
    let slot = parsed(&slot)?;
    greetings::remove(api.server(), who.id, slot).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parsed(slot: &str) -> HttpResult<Slot> {
    let name = serde_json::Value::String(slot.to_owned());
    let slot: Result<GreetingSlot, _> = serde_json::from_value(name);
    slot.map(convert::greeting_slot).map_err(|_| {
        Problem::invalid(
            "The greetings are external, internal, temporary and recorded_name.".into(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vpim::audio::wav;

    #[test]
    fn a_recording_that_is_a_sample_too_long_is_told_so_and_not_cut_off_by_the_limit_of_uploads() {
        let long = wav::write(&vec![100; SAMPLES_MAX + 1]);
        assert!(long.len() <= UPLOAD_MAX);
    }

    #[test]
    fn a_refusal_names_what_would_be_taken() {
        let said = |why| match refused(why) {
            Problem::Unsupported(said) => said,
            other => panic!("{other:?}"),
        };
        let what = "the file (it is damaged)".to_string();
        let said = said(NoRecording::Undecodable(vpim::Undecodable { what }));
        assert!(said.contains("damaged") && said.contains("MP3"), "{said}");
    }

    #[test]
    fn greetings_are_named_as_in_the_contract() {
        for (name, slot) in [
            ("external", Slot::External),
            ("internal", Slot::Internal),
            ("temporary", Slot::Temporary),
            ("recorded_name", Slot::RecordedName),
        ] {
            assert_eq!(parsed(name).unwrap(), slot);
        }
        assert!(parsed("External").is_err());
    }
}
