//! `/api/v1/admin/users`: creating, listing, deleting, passwords, unlocking.

use super::Administrator;
use crate::http::error::{Answer, Problem};
use crate::http::extract::{Body, Id, Params};
use crate::http::{Api, convert, session};
use crate::password::PASSWORD_LENGTH_MAX;
use crate::site::{Abort, Scope, Wait};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, NewPassword, NewUser, ObjectId, UserRow};
use domain::{Change, Key, Kind, Ledger, Object, Password, ServerId, User, Value, user_fields};
use serde::Deserialize;
use store::{StoreError, UserCursor, View};

/// Users of one answer, unless the request says otherwise.
const LIST_LIMIT: usize = 1_000;
const NAME_LENGTH_MAX: usize = 100;

/// Which users.
#[derive(Deserialize)]
pub struct Wanted {
    mailbox: Option<String>,
    after: Option<ObjectId>,
    limit: Option<usize>,
}

/// Users in order of their mailbox numbers: local users and GR users.
#[utoipa::path(get, path = "/api/v1/admin/users", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(
        ("mailbox" = Option<String>, Query, description = "Only the users with this mailbox number"),
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
                    view.users(after.as_ref(), limit)?
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
    Ok(convert::user(id, object, &counts, waiting, &place))
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
    check_number(&number)?;
    check_name(&name)?;
    let password = hashed(&api, new.password).await?;
    let id = api.site().new_id();
    let users_max = api.site().config().limits.users_max;
    let asked = number.clone();
    let written = api.site().write(Wait::Partner, move |scope| {
        if let Some((_, taken)) = scope.tx().view().users_by_number(&asked).map_err(domain::LedgerError::from)?.first() {
            return Err(Abort::Refused(taken_by(&asked, taken)));
        }
        if scope.tx().view().user_count(None).map_err(domain::LedgerError::from)? >= users_max {
            let full = format!("This server has {users_max} users, which is the most that its configuration allows.");
            return Err(Abort::Refused(Problem::Forbidden(full)));
        }
        let registers = User::registers(scope.home(), &asked, &name, &password);
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

fn check_number(number: &str) -> Answer<()> {
    if (3..=20).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Problem::BadRequest(format!(
            "\"{number}\" is not a mailbox number: it has 3 to 20 digits."
        )))
    }
}

fn check_name(name: &str) -> Answer<()> {
    if name.is_empty()
        || name.chars().count() > NAME_LENGTH_MAX
        || name.chars().any(char::is_control)
    {
        return Err(Problem::BadRequest(format!(
            "The name must have 1 to {NAME_LENGTH_MAX} characters on one line."
        )));
    }
    Ok(())
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

/// Deletes a user with the mailbox, here and on the partner. Only the server that the user belongs to does this.
#[utoipa::path(delete, path = "/api/v1/admin/users/{id}", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    params(("id" = ObjectId, Path)),
    responses((status = 204, description = "Gone"), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 403, description = "The user belongs to the partner", body = ApiError)))]
pub async fn delete(State(api): State<Api>, _: Administrator, Id(id): Id) -> Answer<StatusCode> {
    let partner = api.pair().borrow().partner.as_ref().map(|p| p.fqdn.clone());
    let written = api.site().write(Wait::Partner, move |scope| {
        let object = user(scope, id)?;
        if let Some(partner) = elsewhere(&object, scope.home(), partner.as_deref()) {
            return Err(Abort::Refused(partner));
        }
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
    let written = api.site().write(Wait::Partner, move |scope| {
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
    let written = api.site().write(Wait::Partner, move |scope| {
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
    fn a_mailbox_number_has_three_to_twenty_digits() {
        for good in ["720", "7200", "12345678901234567890"] {
            assert!(check_number(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "72",
            "123456789012345678901",
            "72o0",
            "+7200",
            "72 00",
            "٧٢٠٠",
        ] {
            assert!(check_number(bad).is_err(), "{bad}");
        }
    }

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
