//! `/api/v1/admin/shortcuts`: the VPIM shortcuts of this server. With an overlap they decide which mailboxes are replicated (R9 a).

use super::Administrator;
use crate::conditions::{self, SHORTCUTS_MAX, shortcut_key, shortcuts};
use crate::http::Api;
use crate::http::error::{Answer, Problem};
use crate::http::extract::{Body, Segment};
use crate::site::{Abort, Wait};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, VpimShortcut};
use domain::Shortcut;

const PREFIX_LENGTH_MAX: usize = 20;

/// The VPIM shortcuts of this server, in order of their prefixes.
#[utoipa::path(get, path = "/api/v1/admin/shortcuts", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = Vec<VpimShortcut>), (status = 401, body = ApiError)))]
pub async fn list(State(api): State<Api>, _: Administrator) -> Answer<Json<Vec<VpimShortcut>>> {
    let read = api.site().read(|readers| readers.snapshot(shortcuts));
    let shown = |Shortcut { prefix, overlap }| VpimShortcut { prefix, overlap };
    Ok(Json(read.await?.into_iter().map(shown).collect()))
}

/// Adds a VPIM shortcut. Users who may no longer, or may again, be replicated are held or sent by themselves.
#[utoipa::path(post, path = "/api/v1/admin/shortcuts", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = VpimShortcut,
    responses((status = 201, body = VpimShortcut), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "There is a shortcut with this prefix", body = ApiError)))]
pub async fn add(
    State(api): State<Api>,
    _: Administrator,
    Body(new): Body<VpimShortcut>,
) -> Answer<(StatusCode, Json<VpimShortcut>)> {
    check(&new)?;
    let shortcut = Shortcut {
        prefix: new.prefix.clone(),
        overlap: new.overlap,
    };
    let users_max = api.site().config().limits.users_max;
    let written = api.site().write(Wait::Local, move |scope| {
        let present = shortcuts(&scope.tx().view())?;
        if let Some(same) = present.iter().find(|s| s.prefix == shortcut.prefix) {
            let there = format!(
                "There is a shortcut with the prefix {}, of overlap {}. Remove it first.",
                same.prefix, same.overlap
            );
            return Err(Abort::Refused(Problem::Conflict(there)));
        }
        if present.len() >= SHORTCUTS_MAX {
            let full = format!("There are {SHORTCUTS_MAX} VPIM shortcuts, which is the most.");
            return Err(Abort::Refused(Problem::Forbidden(full)));
        }
        let value = serde_json::to_vec(&shortcut).expect("plain data");
        scope
            .tx()
            .put_setting(&shortcut_key(&shortcut.prefix), &value)?;
        Ok(conditions::renew(scope, users_max)?)
    });
    written.await?;
    Ok((StatusCode::CREATED, Json(new)))
}

fn check(new: &VpimShortcut) -> Answer<()> {
    let digits = new.prefix.bytes().all(|b| b.is_ascii_digit());
    if !digits || !(1..=PREFIX_LENGTH_MAX).contains(&new.prefix.len()) {
        return Err(Problem::BadRequest(format!(
            "\"{}\" is not a prefix: it has 1 to {PREFIX_LENGTH_MAX} digits.",
            new.prefix
        )));
    }
    if usize::from(new.overlap) > new.prefix.len() {
        return Err(Problem::BadRequest(format!(
            "An overlap of {} is longer than the prefix {}, which has {} digits.",
            new.overlap,
            new.prefix,
            new.prefix.len()
        )));
    }
    Ok(())
}

/// Removes a VPIM shortcut.
#[utoipa::path(delete, path = "/api/v1/admin/shortcuts/{prefix}", tag = "administration",
    security(("admin" = []), ("admin_token" = [])), params(("prefix" = String, Path)),
    responses((status = 204, description = "Gone"), (status = 401, body = ApiError), (status = 404, body = ApiError)))]
pub async fn remove(
    State(api): State<Api>,
    _: Administrator,
    Segment(prefix): Segment,
) -> Answer<StatusCode> {
    let users_max = api.site().config().limits.users_max;
    let written = api.site().write_anyway(Wait::Local, move |scope| {
        let key = shortcut_key(&prefix);
        if scope.tx().setting(&key)?.is_none() {
            let none = format!("There is no VPIM shortcut with the prefix {prefix}.");
            return Err(Abort::Refused(Problem::NotFound(none)));
        }
        scope.tx().remove_setting(&key)?;
        Ok(conditions::renew(scope, users_max)?)
    });
    written.await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_at_most_as_long_as_its_prefix() {
        let of = |prefix: &str, overlap| {
            check(&VpimShortcut {
                prefix: prefix.into(),
                overlap,
            })
            .is_ok()
        };
        assert!(of("1272", 0) && of("1272", 2) && of("1272", 4));
        assert!(!of("1272", 5) && !of("", 0) && !of("12a", 1));
        assert!(!of("123456789012345678901", 1));
    }
}
