//! `/api/v1/drafts`: messages that are being composed; `POST /api/v1/messages`: handing one in; `POST /api/v1/addresses`: whom an address leads to.

use super::auth::LoggedIn;
use super::error::{HttpResult, Problem};
use super::extract::{Body, Id, Ids, Octets, Params};
use super::{Api, convert};
use crate::operations::address_book;
use crate::operations::addressing::{self, Destination};
use crate::operations::drafts::{self, NewPiece};
use crate::operations::sending;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contract::{
    AddressQuery, ApiError, Draft, DraftContent, DraftPart, DraftRow, NewSubmission, ObjectId,
    PartKind, ResolvedAddress, Submission,
};
use domain::{DraftPiece, PiecePlace};
use serde::Deserialize;

/// Bytes of one piece of a recording.
pub const PIECE_MAX: usize = DraftPiece::BYTES_MAX;

/// Where a piece belongs, and what its part is.
#[derive(Deserialize)]
pub struct PieceQuery {
    offset: u64,
    kind: PartKind,
    #[serde(default)]
    name: String,
    #[serde(default)]
    last: bool,
}

/// What is typed of a name or number.
#[derive(Deserialize)]
pub struct WordsQuery {
    #[serde(default)]
    words: String,
}

/// From where on a part is read.
#[derive(Deserialize)]
pub struct OffsetQuery {
    #[serde(default)]
    offset: u64,
}

/// One's drafts, the one that was changed last first.
#[utoipa::path(get, path = "/api/v1/drafts", tag = "composing", security(("session" = [])),
    responses((status = 200, body = Vec<DraftRow>), (status = 401, body = ApiError)))]
pub async fn list(State(api): State<Api>, who: LoggedIn) -> HttpResult<Json<Vec<DraftRow>>> {
    let drafts = drafts::all(api.server(), who.id).await?;
    Ok(Json(drafts.iter().map(convert::draft_row).collect()))
}

/// One draft.
#[utoipa::path(get, path = "/api/v1/drafts/{id}", tag = "composing", security(("session" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 200, body = Draft), (status = 400, body = ApiError), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 409, description = "It was sent or discarded", body = ApiError)))]
pub async fn read(State(api): State<Api>, who: LoggedIn, Id(id): Id) -> HttpResult<Json<Draft>> {
    let found = drafts::find(api.server(), who.id, id).await?;
    Ok(Json(convert::draft(found)))
}

/// Saves what is typed and chosen of a draft, and makes it if it is not there. The client draws its id (a UUIDv7), so this is safe to repeat.
#[utoipa::path(put, path = "/api/v1/drafts/{id}", tag = "composing", security(("session" = [])),
    params(("id" = ObjectId, Path)), request_body = DraftContent,
    responses((status = 200, body = Draft), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 403, description = "There are as many drafts as there may be", body = ApiError),
        (status = 409, description = "It was sent or discarded, or the id is that of something else", body = ApiError)))]
pub async fn save(
    State(api): State<Api>,
    who: LoggedIn,
    Id(id): Id,
    Body(content): Body<DraftContent>,
) -> HttpResult<Json<Draft>> {
    let content = convert::draft_content(content);
    let found = drafts::save(api.server(), who.id, id, content).await?;
    Ok(Json(convert::draft(found)))
}

/// Discards a draft, with all that was recorded for it, on both servers. Safe to repeat.
#[utoipa::path(delete, path = "/api/v1/drafts/{id}", tag = "composing", security(("session" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 204, description = "It is not there any more"), (status = 400, body = ApiError), (status = 401, body = ApiError)))]
pub async fn discard(State(api): State<Api>, who: LoggedIn, Id(id): Id) -> HttpResult<StatusCode> {
    drafts::discard(api.server(), who.id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a piece of what is recorded or attached for a draft, and says how much of the part has come. Pieces may overlap, and each may be sent again, to
/// either server. A part that is there because a piece of it is; the client draws its id (a UUIDv7).
#[utoipa::path(put, path = "/api/v1/drafts/{id}/parts/{part}", tag = "composing", security(("session" = [])),
    params(
        ("id" = ObjectId, Path), ("part" = ObjectId, Path),
        ("offset" = u64, Query, description = "Where in the part the piece begins"),
        ("kind" = PartKind, Query, description = "What the part is: sound as any file that is heard in a message, or stored sound; a TIFF file"),
        ("name" = Option<String>, Query, description = "The name of the file, at most 120 characters"),
        ("last" = Option<bool>, Query, description = "The part ends with this piece"),
    ),
    request_body(content = [u8], content_type = "application/octet-stream", description = "1 byte to 1 MiB"),
    responses((status = 200, body = DraftPart), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 403, description = "The drafts hold as much as they may", body = ApiError),
        (status = 404, description = "The draft is not here: save it first", body = ApiError),
        (status = 409, description = "The draft was sent or discarded, or other octets have come for this place", body = ApiError),
        (status = 413, description = "More than 1 MiB", body = ApiError)))]
pub async fn add_piece(
    State(api): State<Api>,
    who: LoggedIn,
    Ids(draft, part): Ids,
    Params(query): Params<PieceQuery>,
    Octets(octets): Octets<PIECE_MAX>,
) -> HttpResult<Json<DraftPart>> {
    let place = PiecePlace {
        draft,
        part,
        offset: query.offset,
    };
    let piece = NewPiece {
        place,
        kind: convert::part_kind(query.kind),
        name: query.name,
        last: query.last,
        octets,
    };
    let part = drafts::add_piece(api.server(), who.id, piece).await?;
    Ok(Json(convert::draft_part(&part)))
}

/// Some of what was recorded or attached, from `offset` on: at most one piece. Nothing is sent where the part has not come so far.
#[utoipa::path(get, path = "/api/v1/drafts/{id}/parts/{part}", tag = "composing", security(("session" = [])),
    params(("id" = ObjectId, Path), ("part" = ObjectId, Path),
        ("offset" = Option<u64>, Query, description = "Where to begin; 0 unless said")),
    responses((status = 200, body = [u8], content_type = "application/octet-stream"), (status = 400, body = ApiError),
        (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 409, description = "The draft was sent or discarded, or this cannot be read here at present", body = ApiError)))]
pub async fn read_part(
    State(api): State<Api>,
    who: LoggedIn,
    Ids(draft, part): Ids,
    Params(query): Params<OffsetQuery>,
) -> HttpResult<Response> {
    let octets = drafts::read_part(api.server(), who.id, (draft, part), query.offset).await?;
    let kind = HeaderValue::from_static("application/octet-stream");
    Ok(([(header::CONTENT_TYPE, kind)], octets).into_response())
}

/// Discards something that was recorded or attached. Safe to repeat.
#[utoipa::path(delete, path = "/api/v1/drafts/{id}/parts/{part}", tag = "composing", security(("session" = [])),
    params(("id" = ObjectId, Path), ("part" = ObjectId, Path)),
    responses((status = 204, description = "It is not there any more"), (status = 400, body = ApiError), (status = 401, body = ApiError)))]
pub async fn discard_part(
    State(api): State<Api>,
    who: LoggedIn,
    Ids(draft, part): Ids,
) -> HttpResult<StatusCode> {
    drafts::discard_part(api.server(), who.id, (draft, part)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hands a draft in: it becomes a message in the mailbox of each recipient and one in Sent, and the draft goes. All of it happens, or nothing. A
/// request with the same `id` may be repeated, at either server: it says what became of the first one.
#[utoipa::path(post, path = "/api/v1/messages", tag = "composing", security(("session" = [])),
    request_body = NewSubmission,
    responses((status = 201, body = Submission),
        (status = 400, description = "It cannot be sent as it is: nobody is reached, or nothing is said", body = ApiError),
        (status = 401, body = ApiError),
        (status = 403, description = "A private message is not passed on; a mailbox is full", body = ApiError),
        (status = 404, description = "The draft is not here: save it first", body = ApiError),
        (status = 409, description = "The draft was sent under another id or discarded, or a recording has not come whole", body = ApiError)))]
pub async fn submit(
    State(api): State<Api>,
    who: LoggedIn,
    Body(new): Body<NewSubmission>,
) -> HttpResult<(StatusCode, Json<Submission>)> {
    let submitted = sending::submit(api.server(), who.id, new.id, new.draft).await?;
    let submission = Submission {
        id: new.id,
        message: submitted.message,
        accepted_at: submitted.at,
    };
    Ok((StatusCode::CREATED, Json(submission)))
}

/// What addresses lead to, in their order: so that whoever composes sees at the address what cannot be reached.
#[utoipa::path(post, path = "/api/v1/addresses", tag = "composing", security(("session" = [])),
    request_body = AddressQuery,
    responses((status = 200, body = Vec<ResolvedAddress>), (status = 400, body = ApiError), (status = 401, body = ApiError)))]
pub async fn resolve(
    State(api): State<Api>,
    _who: LoggedIn,
    Body(query): Body<AddressQuery>,
) -> HttpResult<Json<Vec<ResolvedAddress>>> {
    let max = domain::Draft::RECIPIENTS_MAX;
    if query.addresses.len() > max {
        return Err(Problem::invalid(format!(
            "At most {max} addresses are looked up at once."
        )));
    }
    let found = addressing::resolve_all(api.server(), query.addresses).await?;
    Ok(Json(found.into_iter().map(convert::destination).collect()))
}

/// Users of both servers whose names or numbers begin with what is typed: at most 20, in the order of their numbers.
#[utoipa::path(get, path = "/api/v1/address-book", tag = "composing", security(("session" = [])),
    params(("words" = Option<String>, Query, description = "What is typed: each word begins a word of the name, or the number. Nothing is found for nothing")),
    responses((status = 200, body = Vec<ResolvedAddress>), (status = 401, body = ApiError)))]
pub async fn address_book(
    State(api): State<Api>,
    who: LoggedIn,
    Params(query): Params<WordsQuery>,
) -> HttpResult<Json<Vec<ResolvedAddress>>> {
    let found = address_book::find(api.server(), who.id, &query.words).await?;
    let found = found.into_iter().map(Destination::Mailbox);
    Ok(Json(found.map(convert::destination).collect()))
}
