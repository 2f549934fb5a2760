//! `GET /api/v1/messages/{id}/audio`: the sound as WAV, made from the stored message each time it is asked for.

use super::auth::LoggedIn;
use super::convert::content::{self, Silence};
use super::error::{HttpResult, Problem};
use super::extract::{Id, Params};
use super::{Api, range, web};
use crate::operations::messages;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use contract::{ApiError, ObjectId};
use domain::BodyRef;
use serde::Deserialize;
use vpim::audio::wav;

/// Raised when the same message would decode to other bytes than before.
const DECODER_VERSION: u8 = 1;

/// Which sound of the message.
#[derive(Deserialize)]
pub struct Which {
    part: Option<u32>,
}

/// What is answered to who asks for a sound.
pub(super) enum Sound {
    /// That the client has it.
    Same,
    /// The sound.
    Wav(Bytes),
}

/// The sound of a message, or of one of its parts: 8 kHz, 16 bit, mono.
#[utoipa::path(get, path = "/api/v1/messages/{id}/audio", tag = "messages", security(("session" = [])),
    params(
        ("id" = ObjectId, Path),
        ("part" = Option<u32>, Query, description = "`index` of a voice part; without it all that is said in the message, in order"),
    ),
    responses(
        (status = 200, description = "The whole sound", content_type = "audio/wav", body = [u8]),
        (status = 206, description = "The range that was asked for", content_type = "audio/wav", body = [u8]),
        (status = 304, description = "The client has it already"),
        (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 415, description = "The sound is of a kind that cannot be decoded", body = ApiError),
        (status = 416, description = "The range lies outside of the sound", body = ApiError),
    ))]
pub async fn audio(
    State(api): State<Api>,
    who: LoggedIn,
    Id(id): Id,
    Params(which): Params<Which>,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let message = messages::find(api.server(), who.id, id).await?;
    let etag = etag(message.body, which.part)?;
    let sound = if web::matches(&headers, &etag) {
        Sound::Same
    } else {
        let samples = messages::open(api.server(), who.id, id, move |_, bytes| {
            Ok(content::sound(&vpim::parse_kept(bytes), which.part)
                .map(|samples| wav::write(&samples)))
        });
        Sound::Wav(samples.await?.map_err(refuse)?.into())
    };
    respond(&headers, etag, sound, "inline; filename=\"message.wav\"")
}

/// Answers with a sound, or the range of it that was asked for.
pub(super) fn respond(
    headers: &HeaderMap,
    etag: HeaderValue,
    sound: Sound,
    disposition: &'static str,
) -> HttpResult<Response> {
    let mut response = match sound {
        Sound::Same => StatusCode::NOT_MODIFIED.into_response(),
        Sound::Wav(wav) => range::respond(headers, &etag, &wav)?,
    };
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/wav"));
    set.insert(header::ETAG, etag);
    set.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    set.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static(disposition),
    );
    Ok(response)
}

/// A body never changes, and neither does what is decoded from it: its hash is the version.
pub(super) fn etag(body: Option<BodyRef>, part: Option<u32>) -> Result<HeaderValue, Problem> {
    let body = body.ok_or_else(|| refuse(Silence::NoVoice))?;
    let hash = blake3::Hash::from_bytes(body.hash).to_hex();
    let part = part.map_or("all".to_owned(), |n| n.to_string());
    HeaderValue::try_from(format!("\"{}-{part}-{DECODER_VERSION}\"", &hash[..24]))
        .map_err(Problem::internal)
}

fn refuse(silence: Silence) -> Problem {
    match silence {
        Silence::NoVoice => Problem::not_found("There is nothing to hear in this message.".into()),
        Silence::NoPart => Problem::not_found("This message has no such part.".into()),
        Silence::NotVoice => Problem::Unsupported("This part of the message is not sound.".into()),
        Silence::Undecodable(what) => {
            Problem::Unsupported(format!("The sound cannot be played here: {what}."))
        }
    }
}
