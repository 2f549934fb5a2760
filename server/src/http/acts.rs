//! Administrative acts for the audit trail: which request is which act, and what is entered when it has ended.
//!
//! Whose act it is the extractor [`super::admin::Administrator`] says. An act goes on when its client goes away, so that its end is entered
//! whatever happens to the connection.

use super::error::Problem;
use super::request::Peer;
use super::{Api, reference};
use crate::act::{self, Act};
use crate::audit_trail;
use crate::operations::users;
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::User;
use tracing::Instrument;

/// Where the addresses of administration begin.
pub const ADMIN: &str = "/api/v1/admin/";
/// The part of an address that names a user by identity.
const USER: &str = "users/{id}";

/// What a request of an administrator does; `None` if it only looks.
fn action(method: &Method, route: &str) -> Option<&'static str> {
    let resource = route.strip_prefix(ADMIN)?;
    if method.is_safe() {
        return None;
    }
    Some(match (method.as_str(), resource) {
        // Entered by itself, right or wrong, and not as an act.
        ("POST", "session") => "administrator.sign-in",
        ("DELETE", "session") => "administrator.sign-out",
        ("PUT", "session/password") => "administrator.own-password",
        ("POST", "session/second-factor") => "administrator.begin-second-factor",
        ("PUT", "session/second-factor") => "administrator.confirm-second-factor",
        ("POST", "administrators") => "administrator.create",
        ("PATCH", "administrators/{name}") => "administrator.change",
        ("DELETE", "administrators/{name}") => "administrator.remove",
        ("PUT", "administrators/{name}/password") => "administrator.password",
        ("DELETE", "administrators/{name}/sessions") => "administrator.end-sessions",
        ("DELETE", "administrators/{name}/sessions/{id}") => "administrator.end-session",
        ("POST", "users") => "user.create",
        ("PATCH", "users/{id}") => "user.change",
        ("DELETE", "users/{id}") => "user.delete",
        ("PUT", "users/{id}/password") => "user.password",
        ("POST", "users/{id}/unlock") => "user.unlock",
        ("POST", "users/{id}/logout") => "user.logout",
        ("POST", "users/{id}/empty-deleted") => "user.empty-deleted",
        ("PUT", "users/{id}/notification") => "user.notification",
        ("POST", "classes") => "class.add",
        ("PUT", "classes/{number}") => "class.rename",
        ("DELETE", "classes/{number}") => "class.remove",
        ("POST", "shortcuts") => "shortcut.add",
        ("DELETE", "shortcuts/{prefix}") => "shortcut.remove",
        ("POST", "remote-users") => "remote-user.add",
        ("DELETE", "remote-users/{mailbox}") => "remote-user.remove",
        ("POST", "queue/{id}/retry") => "queue.retry",
        ("POST", "queue/{id}/hold") => "queue.hold",
        ("POST", "queue/{id}/release") => "queue.release",
        ("DELETE", "queue/{id}") => "queue.delete",
        ("PATCH", "settings") => "setting.change",
        ("PUT", "gr") => "gr.pair",
        ("DELETE", "gr") => "gr.unpair",
        ("PUT", "gr/password") => "gr.password",
        ("POST", "gr/tasks") => "task.start",
        ("DELETE", "gr/tasks/{id}") => "task.abort",
        ("POST", "gr/tasks/{id}/agree") => "task.agree",
        ("POST", "gr/undo") => "gr.undo",
        ("POST", "gr/held/retry") => "held.retry",
        _ => OTHER,
    })
}

/// What a request does; `None` if it only looks.
pub fn of(parts: &Parts) -> Option<&'static str> {
    let route = parts.extensions.get::<MatchedPath>();
    route.map_or(Some(OTHER), |route| action(&parts.method, route.as_str()))
}

/// An act without a name; a test sees that there is none.
const OTHER: &str = "other";

/// The layer around the handlers.
pub async fn around(State(api): State<Api>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let Some(action) = route.and_then(|route| action(request.method(), route.as_str())) else {
        return next.run(request).await;
    };
    let Some(Peer(origin)) = request.extensions().get::<Peer>() else {
        return Problem::internal("a request from nowhere").into_response();
    };
    let act = Act::new(action, origin.to_string(), String::new());
    let doing = async move {
        let response = act::within(act.clone(), next.run(request)).await;
        let result = result(response.status());
        let now = api.server().now();
        if let Some(line) = act.line(now, &result) {
            audit_trail::say(&line.cut());
        }
        if let Some(entry) = act.entry(now, &result) {
            api.trail().enter_act(entry).await;
        }
        response
    };
    let doing = reference::within(reference::reference(), doing).in_current_span();
    let done = tokio::spawn(doing).await;
    done.unwrap_or_else(|error| Problem::internal(error).into_response())
}

fn result(status: StatusCode) -> String {
    match status.as_u16() {
        200..400 => "done".into(),
        code @ 400..500 => format!("refused-{code}"),
        code => format!("failed-{code}"),
    }
}

/// Says that somebody who may does the present act, and to what, as far as the address says it.
pub async fn done_by(api: &Api, name: &str, parts: &Parts) {
    if act::present().is_none() {
        return;
    }
    act::done_by(name);
    let Some(route) = parts.extensions.get::<MatchedPath>() else {
        return;
    };
    let Some(value) = parameter(route.as_str(), parts.uri.path()) else {
        return;
    };
    let is_user = route.as_str().contains(USER);
    let user = match value.parse().ok().filter(|_| is_user) {
        Some(id) => users::read(api.server(), id).await.ok(),
        None => None,
    };
    let number = user.as_ref().and_then(|found| User::of(&found.object));
    act::about(number.map_or(value, |user| user.number()));
}

/// The one part of an address that is not fixed.
fn parameter<'a>(route: &str, path: &'a str) -> Option<&'a str> {
    let mut parts = route.split('/').zip(path.split('/'));
    parts.find_map(|(name, value)| name.starts_with('{').then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_administrative_act_of_the_document_has_a_name_of_its_own() {
        let document = serde_json::to_value(super::super::documented().1).unwrap();
        let mut names = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                if path.starts_with(ADMIN.trim_end_matches('/'))
                    && item[method.as_str().to_lowercase()].is_object()
                {
                    let name = action(&method, path);
                    assert!(name.is_some_and(|name| name != OTHER), "{method} {path}");
                    names.extend(name);
                }
            }
        }
        assert!(names.len() > 20);
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{names:?}");
    }

    #[test]
    fn what_an_act_is_done_to_is_found_in_its_address() {
        let found = parameter("/api/v1/admin/classes/{number}", "/api/v1/admin/classes/7");
        assert_eq!(found, Some("7"));
        assert_eq!(parameter("/api/v1/admin/gr", "/api/v1/admin/gr"), None);
    }
}
