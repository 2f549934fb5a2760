//! `/api/v1/admin/remote-users`: Temporary Remote Users, stubs for users of other servers of the network.
//!
//! A user of the partner whose number one of them has is not taken here (R9 b), and comes when the stub goes.

use super::Administrator;
use crate::conditions::{
    self, NAME_LENGTH_MAX, REMOTE_USERS_MAX, remote_user, remote_user_key, remote_users,
};
use crate::http::Api;
use crate::http::error::{Answer, Problem};
use crate::http::extract::{Body, Segment};
use crate::site::{Abort, Wait};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, RemoteUser};
use domain::{Object, ServerId, Unfit, User, check_address, check_mailbox_number, check_name};

/// The Temporary Remote Users of this server, in order of their mailbox numbers.
#[utoipa::path(get, path = "/api/v1/admin/remote-users", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = Vec<RemoteUser>), (status = 401, body = ApiError)))]
pub async fn list(State(api): State<Api>, _: Administrator) -> Answer<Json<Vec<RemoteUser>>> {
    let read = api.site().read(|readers| readers.snapshot(remote_users));
    let all = read.await?.into_iter();
    let shown = all.map(|(mailbox, user)| RemoteUser {
        mailbox,
        name: user.name,
        address: user.address,
    });
    Ok(Json(shown.collect()))
}

/// Adds a Temporary Remote User. A number that a user here has, local or GR, is refused.
#[utoipa::path(post, path = "/api/v1/admin/remote-users", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = RemoteUser,
    responses((status = 201, body = RemoteUser), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "The mailbox number is taken", body = ApiError)))]
pub async fn add(
    State(api): State<Api>,
    _: Administrator,
    Body(new): Body<RemoteUser>,
) -> Answer<(StatusCode, Json<RemoteUser>)> {
    let new = RemoteUser {
        mailbox: new.mailbox.trim().to_owned(),
        name: new.name.trim().to_owned(),
        address: new.address.trim().to_owned(),
    };
    check(&new)?;
    let user = conditions::RemoteUser {
        name: new.name.clone(),
        address: new.address.clone(),
    };
    let mailbox = new.mailbox.clone();
    let users_max = api.site().config().limits.users_max;
    let written = api.site().write(Wait::Local, move |scope| {
        let here = scope.home();
        let view = scope.tx().view();
        if let Some((_, taken)) = view.users_by_number(&mailbox)?.first() {
            return Err(Abort::Refused(taken_by(&mailbox, taken, here)));
        }
        if let Some(same) = remote_user(&view, &mailbox)? {
            let there = format!(
                "Mailbox {mailbox} is a Temporary Remote User already: {}.",
                same.name
            );
            return Err(Abort::Refused(Problem::Conflict(there)));
        }
        if remote_users(&view)?.len() >= REMOTE_USERS_MAX {
            let full =
                format!("There are {REMOTE_USERS_MAX} Temporary Remote Users, which is the most.");
            return Err(Abort::Refused(Problem::Forbidden(full)));
        }
        let value = serde_json::to_vec(&user).expect("plain data");
        scope.tx().put_setting(&remote_user_key(&mailbox), &value)?;
        Ok(conditions::renew(scope, users_max)?)
    });
    written.await?;
    Ok((StatusCode::CREATED, Json(new)))
}

fn check(new: &RemoteUser) -> Result<(), Unfit> {
    check_mailbox_number(&new.mailbox)?;
    check_name(
        "The name of a Temporary Remote User",
        &new.name,
        NAME_LENGTH_MAX,
    )?;
    check_address(&new.address)
}

fn taken_by(mailbox: &str, object: &Object, here: ServerId) -> Problem {
    let user = User::of(object);
    let name = user.map_or("", |user| user.name());
    let local = user.is_none_or(|user| user.home().is_none_or(|home| home == here));
    Problem::Conflict(if local {
        format!("Mailbox {mailbox} is a local user of this server: {name}.")
    } else {
        format!("Mailbox {mailbox} is a GR user on this server, local to its partner: {name}.")
    })
}

/// Removes a Temporary Remote User. If the partner has a user with its number, that one comes now.
#[utoipa::path(delete, path = "/api/v1/admin/remote-users/{mailbox}", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("mailbox" = String, Path)),
    responses((status = 204, description = "Gone"), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn remove(
    State(api): State<Api>,
    _: Administrator,
    Segment(mailbox): Segment,
) -> Answer<StatusCode> {
    let users_max = api.site().config().limits.users_max;
    let written = api.site().write_anyway(Wait::Local, move |scope| {
        let key = remote_user_key(&mailbox);
        if scope.tx().setting(&key)?.is_none() {
            let none = format!("There is no Temporary Remote User {mailbox}.");
            return Err(Abort::Refused(Problem::NotFound(none)));
        }
        scope.tx().remove_setting(&key)?;
        Ok(conditions::renew(scope, users_max)?)
    });
    written.await?;
    Ok(StatusCode::NO_CONTENT)
}
