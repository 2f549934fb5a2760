//! `/api/v1/session`: logging in, renewing, logging out.

use super::auth::{LoggedIn, in_service};
use super::error::{Answer, Problem};
use super::extract::{Body, Params};
use super::request::Peer;
use super::{Api, convert};
use crate::password::PASSWORD_LENGTH_MAX;
use crate::site::{Abort, Wait};
use crate::token::{self, Claims};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use contract::{ApiError, Login, ObjectId, Session, Timestamp};
use domain::{Change, Key, Ledger, Object, ServerId, User, Value, user_fields};
use serde::Deserialize;
use std::time::Instant;
use tokio::sync::OwnedMutexGuard;

/// Far above the 20 digits of the longest mailbox number.
const NUMBER_LENGTH_MAX: usize = 32;

/// Logs in with mailbox number and password.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", request_body = Login, responses(
    (status = 201, description = "Logged in", body = Session),
    (status = 401, description = "Mailbox number or password is wrong", body = ApiError),
    (status = 423, description = "The mailbox is locked", body = ApiError),
    (status = 429, description = "Too many tries from this network address", body = ApiError),
    (status = 503, description = "Out of service: ask the partner", body = ApiError),
))]
pub async fn log_in(
    State(api): State<Api>,
    Extension(Peer(peer)): Extension<Peer>,
    Body(login): Body<Login>,
) -> Answer<(StatusCode, Json<Session>)> {
    in_service(&api)?;
    let number = login.mailbox.trim().to_owned();
    if number.is_empty()
        || number.len() > NUMBER_LENGTH_MAX
        || login.password.len() > PASSWORD_LENGTH_MAX
    {
        return Err(Problem::BadRequest(
            "A mailbox number has 3 to 20 digits, and a password at most 256 characters.".into(),
        ));
    }
    let what = "Too many log-ins from your network.";
    api.addresses()
        .take(peer.ip(), Instant::now())
        .map_err(|wait| Problem::TooMany { what, wait })?;
    let turn = api.attempts().turn(&number).await;
    let (site, home) = (api.site(), api.site().home());
    let asked = number.clone();
    let found = site
        .read(move |readers| readers.user_by_number(&asked, home))
        .await?;

    let tries_max = site.config().login.tries_max;
    let wrong = wrong_so_far(&api, &number, found.as_ref().map(|(_, user)| user));
    if wrong >= tries_max {
        return Err(Problem::Locked { tries_max });
    }
    let password = found
        .as_ref()
        .and_then(|(_, object)| User::of(object)?.password());
    if !api
        .hasher()
        .verify(login.password, password.map(|p| p.phc))
        .await?
    {
        count_wrong(&api, number, found.map(|(id, _)| id), turn);
        return Err(match tries_max.saturating_sub(wrong + 1) {
            0 => {
                tracing::info!("a mailbox is locked after {tries_max} wrong passwords");
                Problem::Locked { tries_max }
            }
            tries_left => Problem::WrongPassword { tries_left },
        });
    }
    let Some((id, object)) = found else {
        return Err(Problem::internal("a password fits nobody"));
    };
    api.addresses().give_back(peer.ip());
    let user =
        User::of(&object).ok_or_else(|| Problem::internal("a mailbox number leads to no user"))?;
    if user.locked() {
        return Err(Problem::LockedByAdministrator);
    }
    if wrong > 0 {
        forget_wrong(&api, &number, id).await?;
    }
    tracing::debug!(user = %id, "logged in");
    metrics::counter!("callpilot_logins_total", "result" => "right").increment(1);
    let session = session(&api, id, &object)?;
    look_for_missing(&api, id);
    Ok((StatusCode::CREATED, Json(session)))
}

/// Resync on login (R13): the mailbox is compared with the partner's beside everything else. The log-in has its answer already (I23).
fn look_for_missing(api: &Api, id: ObjectId) {
    if api.pair().borrow().status.state != gr_proto::PartnerState::Running {
        return;
    }
    let site = api.site().clone();
    tokio::spawn(async move {
        if let Err(error) = site.logged_in(id).await {
            tracing::debug!(%error, "no resync on login");
        }
    });
}

/// Wrong passwords since the last right one: those of the mailbox over both servers, and those counted in memory only.
fn wrong_so_far(api: &Api, number: &str, user: Option<&Object>) -> u32 {
    let kept = user
        .and_then(User::of)
        .map_or(0, |user| user.failed_logins());
    u32::try_from(kept.max(0))
        .unwrap_or(u32::MAX)
        .saturating_add(api.attempts().wrong(number))
}

/// Counts a wrong password. The answer does not wait for the disk, or the time it takes would tell which mailboxes exist; the next
/// try waits, because `turn` goes along.
fn count_wrong(api: &Api, number: String, user: Option<ObjectId>, turn: OwnedMutexGuard<()>) {
    metrics::counter!("callpilot_logins_total", "result" => "wrong").increment(1);
    let Some(id) = user else {
        return api.attempts().count(&number);
    };
    let api = api.clone();
    tokio::spawn(async move {
        let counted = api.site().write_anyway(Wait::Local, move |scope| {
            let Some(object) = scope.tx().object(&id)? else {
                return Ok(());
            };
            let key = Key::per_server(user_fields::FAILED_LOGINS, scope.home());
            let count = object
                .get(key)
                .and_then(Value::as_int)
                .unwrap_or(0)
                .saturating_add(1);
            Ok::<_, Abort<Problem>>(scope.change(&Change::Set {
                id,
                registers: vec![(key, Value::Int(count))],
            })?)
        });
        if let Err(error) = counted.await {
            tracing::warn!(%error, "a wrong password could not be stored; it is counted in memory");
            api.attempts().count(&number);
        }
        drop(turn);
    });
}

/// After a right password, or when an administrator unlocks.
pub(super) async fn forget_wrong(api: &Api, number: &str, id: ObjectId) -> Answer<()> {
    api.attempts().forget(number);
    let written = api.site().write_anyway(Wait::Local, move |scope| {
        let Some(object) = scope.tx().object(&id)? else {
            return Ok(());
        };
        let registers = no_failed_logins(&object);
        Ok::<_, Abort<Problem>>(scope.change(&Change::Set { id, registers })?)
    });
    written.await?;
    Ok(())
}

/// All counters of wrong passwords at 0, those of both servers.
pub(super) fn no_failed_logins(object: &Object) -> Vec<(Key, Value)> {
    let all = Key(user_fields::FAILED_LOGINS, 0)..=Key(user_fields::FAILED_LOGINS, u64::MAX);
    object
        .registers
        .range(all)
        .map(|(key, _)| (*key, Value::Int(0)))
        .collect()
}

fn session(api: &Api, id: ObjectId, object: &Object) -> Answer<Session> {
    let user = User::of(object)
        .ok_or_else(|| Problem::internal("the session of something that is no user"))?;
    let site = api.site();
    let issued_at = site.now();
    let length_ms = site.config().login.session_hours.saturating_mul(3_600_000);
    let expires_at = Timestamp(issued_at.0.saturating_add_unsigned(length_ms));
    let claims = Claims {
        user: id,
        epoch: user.epoch(),
        issued_at,
        expires_at,
    };
    let partner = api.pair().borrow().partner.as_ref().map(|p| p.fqdn.clone());
    Ok(Session {
        token: token::make(&site.session_keys(), &claims),
        expires_at,
        mailbox: convert::mailbox(id, &user),
        primary: primary(user.home(), &site.config().fqdn, partner),
        discovery: api.discover(),
    })
}

/// The server that a user belongs to. A home that is neither server of the pair is a pair that was taken apart: then it is this one.
fn primary(home: Option<ServerId>, here: &str, partner: Option<String>) -> String {
    partner
        .filter(|p| home == Some(ServerId::of(p)))
        .unwrap_or_else(|| here.to_owned())
}

/// The present session, with a token that lasts longer.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", security(("session" = [])), responses(
    (status = 200, body = Session),
    (status = 401, description = "No session, or one that has ended", body = ApiError),
))]
pub async fn renew(State(api): State<Api>, who: LoggedIn) -> Answer<Json<Session>> {
    Ok(Json(session(&api, who.id, &who.object)?))
}

/// How far a log-out goes.
#[derive(Deserialize)]
pub struct LogOut {
    #[serde(default)]
    everywhere: bool,
}

/// Logs out. A client forgets its token; with `everywhere` all sessions of the user end, on both servers.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", security(("session" = [])),
    params(("everywhere" = Option<bool>, Query, description = "End all sessions of this user, on both servers")),
    responses(
        (status = 204, description = "Logged out"),
        (status = 401, description = "No session, or one that has ended", body = ApiError),
    ))]
pub async fn log_out(
    State(api): State<Api>,
    who: LoggedIn,
    Params(how): Params<LogOut>,
) -> Answer<StatusCode> {
    if how.everywhere {
        end_sessions(&api, who.id).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions of a user, on both servers.
pub(super) async fn end_sessions(api: &Api, id: ObjectId) -> Answer<()> {
    let written = api.site().write_anyway(Wait::Partner, move |scope| {
        let Some(object) = scope.tx().object(&id)? else {
            return Ok(());
        };
        let registers = vec![next_epoch(&object)];
        Ok::<_, Abort<Problem>>(scope.change(&Change::Set { id, registers })?)
    });
    written.await?;
    Ok(())
}

/// The register that ends all sessions.
pub(super) fn next_epoch(object: &Object) -> (Key, Value) {
    let epoch = User::of(object).map_or(0, |user| user.epoch());
    (
        Key::field(user_fields::EPOCH),
        Value::Int(epoch.saturating_add(1)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_is_the_server_a_user_belongs_to() {
        let (north, south) = ("cp-north.example.net", "cp-south.example.net");
        let home = |fqdn: &str| Some(ServerId::of(fqdn));
        assert_eq!(primary(home(north), north, Some(south.into())), north);
        assert_eq!(primary(home(south), north, Some(south.into())), south);
        assert_eq!(primary(home(south), north, None), north);
        assert_eq!(primary(None, north, Some(south.into())), north);
    }
}
