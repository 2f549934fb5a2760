//! `/api/v1/lists`: personal distribution lists.

use super::Api;
use super::auth::LoggedIn;
use super::error::{Answer, Problem};
use super::extract::{Body, Segment};
use crate::site::{Abort, Scope, Wait};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, DistributionList, ListContent};
use domain::{Change, Key, Kind, ListEntry, Object, ObjectId, Value};
use std::collections::{BTreeMap, BTreeSet};

/// One's distribution lists, in order of their numbers.
#[utoipa::path(get, path = "/api/v1/lists", tag = "mailbox", security(("session" = [])),
    responses((status = 200, body = Vec<DistributionList>), (status = 401, body = ApiError)))]
pub async fn list(State(api): State<Api>, who: LoggedIn) -> Answer<Json<Vec<DistributionList>>> {
    let read = move |readers: &store::Readers| {
        readers.snapshot(|view| view.belongings(&who.id, Kind::LIST_ENTRY))
    };
    let objects = api.site().read(read).await?;
    let lists = domain::DistributionList::all(objects.iter().map(|(_, object)| object));
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
) -> Answer<Json<DistributionList>> {
    let number = parsed(&number)?;
    let addresses = content.addresses.iter().map(|a| a.trim().to_owned());
    let addresses: BTreeSet<String> = addresses.collect();
    let list = domain::DistributionList {
        title: content.title.trim().to_owned(),
        addresses: addresses.into_iter().collect(),
    };
    list.check(number)?;
    let shown = DistributionList {
        number,
        title: list.title.clone(),
        addresses: list.addresses.clone(),
    };
    let written = api.site().write(Wait::Partner, move |scope| {
        write(scope, who.id, number, Some(&list))
    });
    written.await?;
    Ok(Json(shown))
}

/// Removes a distribution list.
#[utoipa::path(delete, path = "/api/v1/lists/{number}", tag = "mailbox", security(("session" = [])),
    params(("number" = u8, Path, description = "1 to 99")),
    responses((status = 204, description = "Gone"), (status = 400, body = ApiError), (status = 401, body = ApiError)))]
pub async fn remove(
    State(api): State<Api>,
    who: LoggedIn,
    Segment(number): Segment,
) -> Answer<StatusCode> {
    let number = parsed(&number)?;
    let written = api.site().write_anyway(Wait::Partner, move |scope| {
        write(scope, who.id, number, None)
    });
    written.await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parsed(number: &str) -> Answer<u8> {
    let read = number.parse().ok();
    read.filter(|n| (1..=ListEntry::NUMBER_MAX).contains(n))
        .ok_or_else(|| {
            Problem::BadRequest(format!(
                "\"{number}\" is not the number of a list: 1 to 99."
            ))
        })
}

/// Makes a list what it should be, entry by entry: what is as it should be is not touched, so that a change of the partner to
/// another entry stands.
fn write(
    scope: &mut Scope<'_, '_>,
    owner: ObjectId,
    number: u8,
    list: Option<&domain::DistributionList>,
) -> Result<(), Abort<Problem>> {
    let objects = scope.tx().view().belongings(&owner, Kind::LIST_ENTRY)?;
    let (all, entries) = (objects.len(), of_list(&objects, number));
    let mut wanted: BTreeMap<&str, Vec<(Key, Value)>> = BTreeMap::new();
    if let Some(list) = list {
        wanted.insert("", ListEntry::head_registers(number, &list.title));
        for address in &list.addresses {
            wanted.insert(address, ListEntry::registers(number, address));
        }
    }
    let new = wanted
        .keys()
        .filter(|address| !entries.contains_key(*address));
    if all + new.count() > ListEntry::OBJECTS_MAX {
        let full = format!(
            "Your lists hold {all} entries, with those that were removed; {} is the most.",
            ListEntry::OBJECTS_MAX
        );
        return Err(Abort::Refused(Problem::Forbidden(full)));
    }
    for (address, id) in &entries {
        if !wanted.contains_key(address) {
            let registers = vec![ListEntry::presence(false)];
            scope.change(&Change::Set { id: *id, registers })?;
        }
    }
    for (address, registers) in wanted {
        scope.change(&match entries.get(address) {
            // Equal values change nothing, so only what differs is written.
            Some(id) => Change::Set { id: *id, registers },
            None => Change::Create {
                id: ListEntry::id(&owner, number, address),
                kind: Kind::LIST_ENTRY,
                owner: Some(owner),
                body: None,
                registers,
            },
        })?;
    }
    Ok(())
}

/// The entries of a list by their addresses, present or not; the head under the empty one.
fn of_list(objects: &[(ObjectId, Object)], number: u8) -> BTreeMap<&str, ObjectId> {
    let entries = objects
        .iter()
        .filter_map(|(id, object)| Some((*id, ListEntry::of(object)?)));
    entries
        .filter(|(_, entry)| entry.number() == Some(number))
        .map(|(id, entry)| (entry.address(), id))
        .collect()
}
