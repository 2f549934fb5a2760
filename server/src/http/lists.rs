//! `/api/v1/lists`: personal distribution lists.

use super::Api;
use super::auth::LoggedIn;
use super::error::{HttpResult, Problem};
use super::extract::{Body, Segment};
use crate::operations::lists;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, DistributionList, ListContent};
use domain::ListEntry;

/// One's distribution lists, in order of their numbers.
#[utoipa::path(get, path = "/api/v1/lists", tag = "mailbox", security(("session" = [])),
    responses((status = 200, body = Vec<DistributionList>), (status = 401, body = ApiError)))]
pub async fn list(
    State(api): State<Api>,
    who: LoggedIn,
) -> HttpResult<Json<Vec<DistributionList>>> {
    let lists = lists::all(api.server(), who.id).await?;
    let shown = lists.into_iter().map(|(number, list)| DistributionList {
        number,
        title: list.title,
        addresses: list.addresses,
    });
    Ok(Json(shown.collect()))
}

/// Says what a distribution list is from now on.
#[utoipa::path(put, path = "/api/v1/lists/{number}", tag = "mailbox", security(("session" = [])),
    params(("number" = u8, Path, description = "1 to 99")), request_body = ListContent,
    responses((status = 200, body = DistributionList), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 403, description = "Too much is on this user's lists", body = ApiError)))]
pub async fn set(
    State(api): State<Api>,
    who: LoggedIn,
    Segment(number): Segment,
    Body(content): Body<ListContent>,
) -> HttpResult<Json<DistributionList>> {
    let number = parsed(&number)?;
    let list = domain::DistributionList {
        title: content.title,
        addresses: content.addresses,
    };
    let list = lists::set(api.server(), who.id, number, list).await?;
    Ok(Json(DistributionList {
        number,
        title: list.title,
        addresses: list.addresses,
    }))
}

/// Removes a distribution list.
#[utoipa::path(delete, path = "/api/v1/lists/{number}", tag = "mailbox", security(("session" = [])),
    params(("number" = u8, Path, description = "1 to 99")),
    responses((status = 204, description = "Gone"), (status = 400, body = ApiError), (status = 401, body = ApiError)))]
pub async fn remove(
    State(api): State<Api>,
    who: LoggedIn,
    Segment(number): Segment,
) -> HttpResult<StatusCode> {
    let number = parsed(&number)?;
    lists::remove(api.server(), who.id, number).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parsed(number: &str) -> HttpResult<u8> {
    let read = number.parse().ok();
    read.filter(|n| (1..=ListEntry::NUMBER_MAX).contains(n))
        .ok_or_else(|| {
            Problem::invalid(format!(
                "\"{number}\" is not the number of a list: 1 to 99."
            ))
        })
}
