//! `/api/v1/admin/users`: creating, listing, deleting, passwords, unlocking.

use super::Administrator;
use crate::conditions::{self, NO_SERVICE, device_class_key, has_class, remote_user};
use crate::http::error::{Answer, Problem};
use crate::http::extract::{Body, Id, Params};
use crate::http::{Api, convert, session};
use crate::password::PASSWORD_LENGTH_MAX;
use crate::site::{Abort, Scope, Wait};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, NewPassword, NewUser, ObjectId, UserPatch, UserRow};
use domain::{
    Change, Key, Kind, Ledger, Object, Password, ServerId, User, Value, check_mailbox_number,
    check_name, user_fields,
};
use serde::Deserialize;
use store::{StoreError, UserCursor, View};

/// Users of one answer, unless the request says otherwise.
const LIST_LIMIT: usize = 1_000;
/// Characters of a notification device class.
const DEVICE_CLASS_LENGTH_MAX: usize = 40;

/// Which users.
#[derive(Deserialize)]
pub struct Wanted {
    mailbox: Option<String>,
    search: Option<String>,
    after: Option<ObjectId>,
    limit: Option<usize>,
}

/// Users in order of their mailbox numbers: local users and GR users.
#[utoipa::path(get, path = "/api/v1/admin/users", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(
        ("mailbox" = Option<String>, Query, description = "Only the users with this mailbox number"),
        ("search" = Option<String>, Query, description = "Only users with this in their mailbox number or name, whatever the case"),
        ("after" = Option<ObjectId>, Query, description = "Go on after this user"),
        ("limit" = Option<usize>, Query, description = "At most so many, 1,000 unless said"),
    ),
    responses((status = 200, body = Vec<UserRow>), (status = 401, body = ApiError)))]
pub async fn list(
    State(api): State<Api>,
    _: Administrator,
    Params(wanted): Params<Wanted>,
) -> Answer<Json<Vec<UserRow>>> {
    let limit = wanted.limit.unwrap_or(LIST_LIMIT).clamp(1, 10 * LIST_LIMIT);
    let reader = api.clone();
    let read = api.site().read(move |readers| {
        readers.snapshot(|view| {
            let users = match &wanted.mailbox {
                Some(number) => view.users_by_number(number)?,
                None => {
                    let after = wanted
                        .after
                        .map(|id| cursor(view, id))
                        .transpose()?
                        .flatten();
                    match wanted.search.as_deref().map(str::trim) {
                        None | Some("") => view.users(after.as_ref(), limit)?,
                        Some(text) => found_by(view, text, after, limit)?,
                    }
                }
            };
            let rows = users
                .iter()
                .map(|(id, object)| row(&reader, view, *id, object));
            rows.filter_map(Result::transpose)
                .collect::<Result<Vec<_>, _>>()
        })
    });
    Ok(Json(read.await?))
}

/// Users whose mailbox number or name contains a text.
fn found_by(
    view: &View<'_>,
    text: &str,
    mut after: Option<UserCursor>,
    limit: usize,
) -> Result<Vec<(ObjectId, Object)>, StoreError> {
    let text = text.to_lowercase();
    let mut found = Vec::new();
    loop {
        let page = view.users(after.as_ref(), LIST_LIMIT)?;
        let Some((id, last)) = page.last() else {
            return Ok(found);
        };
        let number = User::of(last).map_or(String::new(), |user| user.number().to_owned());
        after = Some(UserCursor { number, id: *id });
        found.extend(page.into_iter().filter(|(_, object)| {
            User::of(object).is_some_and(|user| {
                user.number().contains(&text) || user.name().to_lowercase().contains(&text)
            })
        }));
        if found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

fn cursor(view: &View<'_>, id: ObjectId) -> Result<Option<UserCursor>, StoreError> {
    let object = view.object(&id)?;
    let number = object
        .as_ref()
        .and_then(User::of)
        .map(|user| user.number().to_owned());
    Ok(number.map(|number| UserCursor { number, id }))
}

fn row(
    api: &Api,
    view: &View<'_>,
    id: ObjectId,
    object: &Object,
) -> Result<Option<UserRow>, StoreError> {
    let (counts, waiting) = (view.counts(&id)?, view.mark(&id)?.is_some());
    let config = api.site().config();
    let pair = api.pair().borrow();
    let place = convert::Neighbourhood {
        home: api.site().home(),
        fqdn: &config.fqdn,
        partner: pair.partner.as_ref().map(|p| p.fqdn.as_str()),
        tries_max: config.login.tries_max,
    };
    // A device class is each server's own: a user of the partner has none here (R4).
    let device_class = match User::of(object) {
        Some(user) if place.is_local(&user) => conditions::device_class(view, &id)?,
        _ => NO_SERVICE.to_owned(),
    };
    Ok(convert::user(
        id,
        object,
        &counts,
        waiting,
        device_class,
        &place,
    ))
}

/// One user.
#[utoipa::path(get, path = "/api/v1/admin/users/{id}", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 200, body = UserRow), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn read(State(api): State<Api>, _: Administrator, Id(id): Id) -> Answer<Json<UserRow>> {
    found(&api, id).await.map(Json)
}

async fn found(api: &Api, id: ObjectId) -> Answer<UserRow> {
    let reader = api.clone();
    let read = api.site().read(move |readers| {
        readers.snapshot(|view| match view.object(&id)? {
            Some(object) => row(&reader, view, id, &object),
            None => Ok(None),
        })
    });
    read.await?.ok_or_else(no_user)
}

fn no_user() -> Problem {
    Problem::NotFound("There is no such user.".into())
}

/// Creates a user. It belongs to the answering server.
#[utoipa::path(post, path = "/api/v1/admin/users", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = NewUser,
    responses((status = 201, body = UserRow), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "The mailbox number is taken", body = ApiError)))]
pub async fn create(
    State(api): State<Api>,
    _: Administrator,
    Body(new): Body<NewUser>,
) -> Answer<(StatusCode, Json<UserRow>)> {
    let (number, name) = (new.mailbox.trim().to_owned(), new.name.trim().to_owned());
    check_mailbox_number(&number)?;
    check_name("The name", &name, User::NAME_LENGTH_MAX)?;
    let class = new.class.map_or(User::CLASS_DEFAULT, i64::from);
    let password = hashed(&api, new.password).await?;
    let id = api.site().new_id();
    let users_max = api.site().config().limits.users_max;
    let asked = number.clone();
    let written = api.site().write(Wait::Partner, move |scope| {
        let view = scope.tx().view();
        if let Some((_, taken)) = view.users_by_number(&asked)?.first() {
            return Err(Abort::Refused(taken_by(&asked, taken)));
        }
        if let Some(stub) = remote_user(&view, &asked)? {
            return Err(Abort::Refused(stands_for(&asked, &stub)));
        }
        if view.user_count(None)? >= users_max {
            let full = format!("This server has {users_max} users, which is the most that its configuration allows.");
            return Err(Abort::Refused(Problem::Forbidden(full)));
        }
        if !has_class(&view, class)? {
            return Err(Abort::Refused(unknown_class(class)));
        }
        let mut registers = User::registers(scope.home(), &asked, &name, &password);
        if class != User::CLASS_DEFAULT {
            registers.push((Key::field(user_fields::CLASS), Value::Int(class)));
        }
        Ok(scope.change(&Change::Create { id, kind: Kind::USER, owner: None, body: None, registers })?)
    });
    written.await?;
    api.attempts().forget(&number);
    Ok((StatusCode::CREATED, Json(found(&api, id).await?)))
}

fn taken_by(number: &str, object: &Object) -> Problem {
    let name = User::of(object).map_or("", |user| user.name());
    Problem::Conflict(format!(
        "Mailbox {number} belongs to {name} already. Choose another number."
    ))
}

fn stands_for(number: &str, stub: &conditions::RemoteUser) -> Problem {
    Problem::Conflict(format!(
        "Mailbox {number} is a Temporary Remote User here: {}. Remove that first, or choose another number.",
        stub.name
    ))
}

fn unknown_class(class: i64) -> Problem {
    Problem::BadRequest(format!(
        "There is no mailbox class {class} on this server. Add it first, or choose another."
    ))
}

async fn hashed(api: &Api, password: String) -> Answer<Password> {
    let least = api.site().config().login.password_length_min;
    if password.chars().count() < least || password.len() > PASSWORD_LENGTH_MAX {
        return Err(Problem::BadRequest(format!(
            "The password must have at least {least} characters, and at most {PASSWORD_LENGTH_MAX} bytes."
        )));
    }
    let phc = api.hasher().hash(password).await?;
    Ok(Password {
        phc,
        changed_at: api.site().now(),
    })
}

/// Changes a user. Only what is named changes; both servers may do it, but for the notification device class.
#[utoipa::path(patch, path = "/api/v1/admin/users/{id}", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(("id" = ObjectId, Path)), request_body = UserPatch,
    responses((status = 200, body = UserRow), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 404, body = ApiError),
        (status = 403, description = "The notification device class is set on the user's own server", body = ApiError)))]
pub async fn change(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
    Body(patch): Body<UserPatch>,
) -> Answer<Json<UserRow>> {
    let patch = checked(patch)?;
    let written = api.site().write_anyway(Wait::Partner, move |scope| {
        let object = user(scope, id)?;
        if let Some(class) = patch.class.map(i64::from)
            && !has_class(&scope.tx().view(), class)?
        {
            return Err(Abort::Refused(unknown_class(class)));
        }
        if let Some(name) = patch.device_class.as_deref() {
            let elsewhere = User::of(&object).and_then(|user| user.home());
            if elsewhere.is_some_and(|home| home != scope.home()) {
                return Err(Abort::Refused(set_at_home()));
            }
            let key = device_class_key(&id);
            if name.is_empty() || name == NO_SERVICE {
                scope.tx().remove_setting(&key)?;
            } else {
                scope.tx().put_setting(&key, name.as_bytes())?;
            }
        }
        let registers = registers(&object, patch);
        Ok(scope.change(&Change::Set { id, registers })?)
    });
    written.await?;
    found(&api, id).await.map(Json)
}

fn set_at_home() -> Problem {
    Problem::Forbidden(
        "The notification device class is not shared by the servers: it is set on the one that the user belongs to."
            .into(),
    )
}

fn checked(mut patch: UserPatch) -> Answer<UserPatch> {
    for text in [&mut patch.name, &mut patch.device_class]
        .into_iter()
        .flatten()
        .chain(patch.dns.iter_mut().flatten())
    {
        *text = text.trim().to_owned();
    }
    if let Some(name) = &patch.name {
        check_name("The name", name, User::NAME_LENGTH_MAX)?;
    }
    if let Some(dns) = &patch.dns {
        User::check_dns(dns)?;
    }
    if let Some(name) = patch
        .device_class
        .as_deref()
        .filter(|name| !name.is_empty())
    {
        let what = "The notification device class";
        check_name(what, name, DEVICE_CLASS_LENGTH_MAX)?;
    }
    Ok(patch)
}

fn registers(object: &Object, patch: UserPatch) -> Vec<(Key, Value)> {
    let mut registers = Vec::new();
    if let Some(name) = patch.name {
        registers.push((Key::field(user_fields::NAME), Value::Text(name)));
    }
    if let Some(dns) = patch.dns {
        let number = User::of(object).map_or("", |user| user.number());
        registers.push((
            Key::field(user_fields::NUMBERS),
            User::numbers(number, &dns),
        ));
    }
    if let Some(class) = patch.class {
        registers.push((Key::field(user_fields::CLASS), Value::Int(class.into())));
    }
    if let Some(locked) = patch.locked {
        registers.push((Key::field(user_fields::LOCKED), Value::Bool(locked)));
    }
    registers
}

/// Deletes a user with the mailbox, here and on the partner. Only the server that the user belongs to does this.
#[utoipa::path(delete, path = "/api/v1/admin/users/{id}", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 204, description = "Gone"), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 403, description = "The user belongs to the partner", body = ApiError)))]
pub async fn delete(State(api): State<Api>, _: Administrator, Id(id): Id) -> Answer<StatusCode> {
    let partner = api.pair().borrow().partner.as_ref().map(|p| p.fqdn.clone());
    let written = api.site().write_anyway(Wait::Partner, move |scope| {
        let object = user(scope, id)?;
        if let Some(partner) = elsewhere(&object, scope.home(), partner.as_deref()) {
            return Err(Abort::Refused(partner));
        }
        scope.tx().remove_setting(&device_class_key(&id))?;
        Ok(scope.change(&Change::Delete { id })?)
    });
    written.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses for a user of the partner. A user of a server that is no longer the partner belongs to whoever has it.
fn elsewhere(object: &Object, here: ServerId, partner: Option<&str>) -> Option<Problem> {
    let user = User::of(object)?;
    let partner =
        partner.filter(|p| user.home() != Some(here) && user.home() == Some(ServerId::of(p)))?;
    let number = user.number();
    Some(Problem::Forbidden(format!(
        "{number} belongs to {partner}. Delete it there; it goes here by itself."
    )))
}

fn user(scope: &mut Scope<'_, '_>, id: ObjectId) -> Result<Object, Abort<Problem>> {
    let object = scope.tx().object(&id)?;
    object
        .filter(|o| User::of(o).is_some())
        .ok_or_else(|| Abort::Refused(no_user()))
}

/// Sets a password. Ends all sessions of the user and unlocks the mailbox.
#[utoipa::path(put, path = "/api/v1/admin/users/{id}/password", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = ObjectId, Path)), request_body = NewPassword,
    responses((status = 200, body = UserRow), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 404, body = ApiError)))]
pub async fn password(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
    Body(new): Body<NewPassword>,
) -> Answer<Json<UserRow>> {
    let password = hashed(&api, new.password).await?;
    let written = api.site().write_anyway(Wait::Partner, move |scope| {
        let object = user(scope, id)?;
        let mut registers = session::no_failed_logins(&object);
        registers.push((
            Key::field(user_fields::PASSWORD),
            User::password_value(&password),
        ));
        registers.push(session::next_epoch(&object));
        Ok(scope.change(&Change::Set { id, registers })?)
    });
    written.await?;
    let row = found(&api, id).await?;
    api.attempts().forget(&row.mailbox);
    Ok(Json(row))
}

/// Unlocks a mailbox that was locked, by wrong passwords or by an administrator.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/unlock", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = ObjectId, Path)),
    responses((status = 200, body = UserRow), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn unlock(State(api): State<Api>, _: Administrator, Id(id): Id) -> Answer<Json<UserRow>> {
    let written = api.site().write_anyway(Wait::Partner, move |scope| {
        let object = user(scope, id)?;
        let mut registers = session::no_failed_logins(&object);
        if User::of(&object).is_some_and(|user| user.locked()) {
            registers.push((Key::field(user_fields::LOCKED), Value::Bool(false)));
        }
        Ok::<_, Abort<Problem>>(scope.change(&Change::Set { id, registers })?)
    });
    written.await?;
    let row = found(&api, id).await?;
    api.attempts().forget(&row.mailbox);
    Ok(Json(row))
}

/// Ends all sessions of a user, on both servers.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/logout", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("id" = ObjectId, Path)),
    responses((status = 200, body = UserRow), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn log_out(
    State(api): State<Api>,
    _: Administrator,
    Id(id): Id,
) -> Answer<Json<UserRow>> {
    found(&api, id).await?;
    session::end_sessions(&api, id).await?;
    found(&api, id).await.map(Json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Hlc, Life, Version};

    #[test]
    fn only_its_own_server_deletes_a_user() {
        let (here, partner) = (ServerId::of("a.example"), "b.example");
        let of = |home: &str| {
            let mut object = Object::new(Kind::USER, None, None);
            let version = Version {
                hlc: Hlc(1),
                life: Life(1),
            };
            object.set(
                Key::field(user_fields::HOME),
                version,
                ServerId::of(home).into(),
            );
            object
        };
        assert!(elsewhere(&of("a.example"), here, Some(partner)).is_none());
        assert!(elsewhere(&of("b.example"), here, Some(partner)).is_some());
        assert!(
            elsewhere(&of("b.example"), here, None).is_none(),
            "the pair was taken apart"
        );
    }
}
