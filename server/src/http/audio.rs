//! `GET /api/v1/messages/{id}/audio`: the sound of a stored message, made while it is sent.

use super::auth::LoggedIn;
use super::error::{HttpResult, Problem};
use super::extract::{Id, Params};
use super::{Api, range, web};
use crate::operations::messages;
use crate::operations::sounds::{OpenSound, Silence, SoundEncoding, SoundPieces, Unheard};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contract::{ApiError, ObjectId};
use domain::BodyRef;
use futures_util::stream;
use serde::Deserialize;
use tokio::task::JoinError;
use utoipa::ToSchema;
use vpim::audio::stored;

/// Raised when the same message would decode to other bytes than before.
const DECODER_VERSION: u8 = 1;

/// How a sound is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AudioEncoding {
    /// A WAV file: 8 kHz, 16 bit, mono.
    #[default]
    Wav,
    /// As it is kept: G.726 or G.711 behind a short head, a quarter or half of a WAV file.
    Stored,
}

/// Which sound of the message, and how.
#[derive(Deserialize)]
pub struct SoundQuery {
    part: Option<u32>,
    #[serde(default)]
    encoding: AudioEncoding,
}

/// What is answered to who asks for a sound.
pub(super) enum Sound {
    /// That the client has it.
    Same,
    /// The sound.
    Open(OpenSound),
}

/// The sound of a message, or of one of its parts: 8 kHz, mono.
#[utoipa::path(get, path = "/api/v1/messages/{id}/audio", tag = "messages", security(("session" = [])),
    params(
        ("id" = ObjectId, Path),
        ("part" = Option<u32>, Query, description = "`index` of a voice part; without it all that is said in the message, in order"),
        ("encoding" = Option<AudioEncoding>, Query, description = ENCODINGS),
    ),
    responses(
        (status = 200, description = "The whole sound", content((Vec<u8> = "audio/wav"), (Vec<u8> = "audio/vnd.callpilot.stored"))),
        (status = 206, description = "The range that was asked for", content((Vec<u8> = "audio/wav"), (Vec<u8> = "audio/vnd.callpilot.stored"))),
        (status = 304, description = "The client has it already"),
        (status = 400, body = ApiError), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 409, description = "Its content, or the message itself, is not here at present; it is asked from the partner, which may have it", body = ApiError),
        (status = 415, description = "The sound is of a kind that cannot be decoded", body = ApiError),
        (status = 416, description = "The range lies outside of the sound", body = ApiError),
        (status = 503, description = "Too many long messages are being heard, or the server is going out of service", body = ApiError),
    ))]
pub async fn audio(
    State(api): State<Api>,
    who: LoggedIn,
    Id(id): Id,
    Params(SoundQuery { part, encoding }): Params<SoundQuery>,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let message = messages::find(api.server(), who.id, id).await?;
    let body = message.body.ok_or_else(|| refuse(Silence::NoVoice))?;
    let etag = etag(body, part, encoding)?;
    let sound = if web::matches(&headers, &etag) {
        Sound::Same
    } else {
        let open = api.sounds().open(who.id, body, part, encoding.into());
        Sound::Open(open.await.map_err(unheard)?)
    };
    respond(&headers, etag, encoding, sound, "message")
}

/// What `encoding` says, for those who read the API's document.
pub(super) const ENCODINGS: &str = "`wav` (default): a WAV file of 16 bit. `stored`: the codes as they are kept, a quarter or half as \
    many octets: `CPS1`, a 16-bit count of recordings, for each of them 8 bits of coding (1 G.726 at 32 kbit/s with the earlier code in bits 0-3, \
    2 with it in bits 4-7, 3 µ-law, 4 A-law, 5 PCM of 16 bits) and 32 bits of its number of samples, then the codes of each in turn; \
    all numbers little-endian. A server that does not know it answers `audio/wav`";

/// Answers with a sound, or the range of it that was asked for. It is made in pieces, the next one when the client has taken the one
/// before; when the client is gone, no more is made.
pub(super) fn respond(
    headers: &HeaderMap,
    etag: HeaderValue,
    encoding: AudioEncoding,
    sound: Sound,
    name: &str,
) -> HttpResult<Response> {
    let mut response = match sound {
        Sound::Same => StatusCode::NOT_MODIFIED.into_response(),
        Sound::Open(sound) => range::respond(headers, &etag, sound.size(), |range| {
            body(sound.pieces(range))
        })?,
    };
    let (media_type, ending) = match encoding {
        AudioEncoding::Wav => ("audio/wav", "wav"),
        AudioEncoding::Stored => (stored::MEDIA_TYPE, "cps"),
    };
    let disposition = format!("inline; filename=\"{name}.{ending}\"");
    let disposition = HeaderValue::try_from(disposition).map_err(Problem::internal)?;
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    set.insert(header::ETAG, etag);
    set.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    set.insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}

fn body(pieces: SoundPieces) -> Body {
    Body::from_stream(stream::try_unfold(pieces, |mut pieces| async move {
        let piece = pieces.next().await.inspect_err(|error| {
            tracing::error!(cause = %super::chain(error), "a sound broke off");
        })?;
        Ok::<_, JoinError>(piece.map(|piece| (piece, pieces)))
    }))
}

/// A body never changes, and neither does what is decoded from it: its hash is the version.
pub(super) fn etag(
    body: BodyRef,
    part: Option<u32>,
    encoding: AudioEncoding,
) -> Result<HeaderValue, Problem> {
    let hash = blake3::Hash::from_bytes(body.hash).to_hex();
    let part = part.map_or("all".to_owned(), |n| n.to_string());
    let stored = match encoding {
        AudioEncoding::Wav => "",
        AudioEncoding::Stored => "-stored",
    };
    HeaderValue::try_from(format!(
        "\"{}-{part}-{DECODER_VERSION}{stored}\"",
        &hash[..24]
    ))
    .map_err(Problem::internal)
}

impl From<AudioEncoding> for SoundEncoding {
    fn from(encoding: AudioEncoding) -> Self {
        match encoding {
            AudioEncoding::Wav => Self::Wav,
            AudioEncoding::Stored => Self::Stored,
        }
    }
}

fn unheard(why: Unheard) -> Problem {
    match why {
        Unheard::Operation(error) => error.into(),
        Unheard::Silent(silence) => refuse(silence),
    }
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
