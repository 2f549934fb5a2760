//! `/api/v1/admin/classes`: the mailbox classes of this server.

use super::Administrator;
use crate::conditions::{
    self, CLASS_NUMBER_MAX, CLASSES_MAX, NAME_LENGTH_MAX, class_key, classes, has_class,
};
use crate::http::Api;
use crate::http::error::{Answer, Problem};
use crate::http::extract::{Body, Segment};
use crate::site::{Abort, Wait};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, ClassName, MailboxClass};
use domain::{User, check_name};
use store::{Readers, StoreError, UserCursor};

/// Users looked at in one snapshot while searching for those of a class.
const PAGE: usize = 1_000;

/// The mailbox classes of this server, in order of their numbers.
#[utoipa::path(get, path = "/api/v1/admin/classes", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = Vec<MailboxClass>), (status = 401, body = ApiError)))]
pub async fn list(State(api): State<Api>, _: Administrator) -> Answer<Json<Vec<MailboxClass>>> {
    let read = api.site().read(|readers| readers.snapshot(classes));
    let all = read.await?.into_iter();
    Ok(Json(
        all.map(|(number, name)| shown(number, name)).collect(),
    ))
}

fn shown(number: i64, name: String) -> MailboxClass {
    MailboxClass {
        number: u32::try_from(number).unwrap_or(0),
        name,
    }
}

/// Adds a mailbox class.
#[utoipa::path(post, path = "/api/v1/admin/classes", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = MailboxClass,
    responses((status = 201, body = MailboxClass), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "There is such a class", body = ApiError)))]
pub async fn add(
    State(api): State<Api>,
    _: Administrator,
    Body(class): Body<MailboxClass>,
) -> Answer<(StatusCode, Json<MailboxClass>)> {
    let number = i64::from(class.number);
    if !(1..=CLASS_NUMBER_MAX).contains(&number) {
        return Err(Problem::BadRequest(format!(
            "Mailbox classes have the numbers 1 to {CLASS_NUMBER_MAX}."
        )));
    }
    let name = checked(&class.name)?;
    let users_max = api.site().config().limits.users_max;
    let kept = name.clone();
    let written = api.site().write(Wait::Local, move |scope| {
        let present = classes(&scope.tx().view())?;
        if let Some(name) = present.get(&number) {
            let there = format!("Mailbox class {number} is there already: {name}.");
            return Err(Abort::Refused(Problem::Conflict(there)));
        }
        if present.len() >= CLASSES_MAX {
            let full = format!("There are {CLASSES_MAX} mailbox classes, which is the most.");
            return Err(Abort::Refused(Problem::Forbidden(full)));
        }
        scope
            .tx()
            .put_setting(&class_key(number), kept.as_bytes())?;
        Ok(conditions::renew(scope, users_max)?)
    });
    written.await?;
    Ok((StatusCode::CREATED, Json(shown(number, name))))
}

/// Gives a mailbox class another name.
#[utoipa::path(put, path = "/api/v1/admin/classes/{number}", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("number" = u32, Path)), request_body = ClassName,
    responses((status = 200, body = MailboxClass), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 404, body = ApiError)))]
pub async fn rename(
    State(api): State<Api>,
    _: Administrator,
    Segment(number): Segment,
    Body(class): Body<ClassName>,
) -> Answer<Json<MailboxClass>> {
    let number = parsed(&number)?;
    let name = checked(&class.name)?;
    let kept = name.clone();
    let written = api.site().write(Wait::Local, move |scope| {
        if !has_class(&scope.tx().view(), number)? {
            return Err(Abort::Refused(no_class(number)));
        }
        Ok(scope
            .tx()
            .put_setting(&class_key(number), kept.as_bytes())?)
    });
    written.await?;
    Ok(Json(shown(number, name)))
}

/// Removes a mailbox class that no user has. Class 1 stays.
#[utoipa::path(delete, path = "/api/v1/admin/classes/{number}", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("number" = u32, Path)),
    responses((status = 204, description = "Gone"), (status = 401, body = ApiError), (status = 404, body = ApiError),
        (status = 403, description = "It is class 1", body = ApiError),
        (status = 409, description = "Users have this class", body = ApiError)))]
pub async fn remove(
    State(api): State<Api>,
    _: Administrator,
    Segment(number): Segment,
) -> Answer<StatusCode> {
    let number = parsed(&number)?;
    if number == User::CLASS_DEFAULT {
        return Err(Problem::Forbidden(
            "Class 1 is for users to whom no other was given; it stays.".into(),
        ));
    }
    // All users are looked at beside the writer. If somebody gives a user this class in the same moment, that user is listed with
    // a class that is missing, as one of the partner can be.
    let read = api.site().read(move |readers| some_user(readers, number));
    if let Some(mailbox) = read.await? {
        return Err(Problem::Conflict(format!(
            "Mailbox class {number} is in use, by {mailbox} for one. Give its users another class first."
        )));
    }
    let users_max = api.site().config().limits.users_max;
    let written = api.site().write_anyway(Wait::Local, move |scope| {
        if !has_class(&scope.tx().view(), number)? {
            return Err(Abort::Refused(no_class(number)));
        }
        scope.tx().remove_setting(&class_key(number))?;
        Ok(conditions::renew(scope, users_max)?)
    });
    written.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The mailbox number of some user with this class.
fn some_user(readers: &Readers, class: i64) -> Result<Option<String>, StoreError> {
    let mut after: Option<UserCursor> = None;
    loop {
        let users = readers.users(after.as_ref(), PAGE)?;
        let has = |object| User::of(object).filter(|user| user.class() == class);
        if let Some(user) = users.iter().find_map(|(_, object)| has(object)) {
            return Ok(Some(user.number().to_owned()));
        }
        let Some((id, last)) = users.last() else {
            return Ok(None);
        };
        let number = User::of(last).map_or(String::new(), |user| user.number().to_owned());
        after = Some(UserCursor { number, id: *id });
    }
}

/// What is said of a class that is not here.
pub(super) fn no_class(number: i64) -> Problem {
    Problem::NotFound(format!(
        "There is no mailbox class {number} on this server."
    ))
}

fn parsed(number: &str) -> Answer<i64> {
    number
        .parse()
        .map_err(|_| Problem::BadRequest(format!("\"{number}\" is not the number of a class.")))
}

fn checked(name: &str) -> Answer<String> {
    let name = name.trim();
    check_name("The name of a mailbox class", name, NAME_LENGTH_MAX)?;
    Ok(name.to_owned())
}
