//! `/api/v1/admin`: who may administer, and the resources.
//!
//! [`AdminAuth`] is the one place where it is decided who calls. The door opens to the session of an administrator's account, with what its
//! role may do; to root and the server's own account by the socket in the data folder, which is what the command line uses; to the token in
//! the data folder as a Bearer token: who can read that file owns the server anyway; and, while there is no account, to the name and
//! password of the configuration by HTTP Basic.

pub mod administrators;
pub mod classes;
pub mod gr;
pub mod queue;
pub mod remote_users;
pub mod session;
pub mod settings;
pub mod shortcuts;
pub mod tasks;
pub mod trail;
pub mod users;

use super::Api;
use super::acts;
use super::auth::credentials;
use super::error::Problem;
use super::request::Peer;
use crate::audit_trail::Attempt;
use crate::config::Config;
use crate::local_socket::may_administer;
use crate::operations::OpError;
use crate::operations::principal::{Origin, Principal, account};
use crate::operations::sign_in::administrator::AdministratorIn;
use crate::password;
use crate::server::WriterError;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use std::path::PathBuf;
use std::{fs, io};

/// The file with the administration token, in the data folder.
pub const TOKEN_FILE: &str = "admin.token";

/// What opens the administration.
pub struct AdminAuth {
    user: String,
    phc: Option<String>,
    /// The hash, because comparing hashes tells nothing by its time.
    token: blake3::Hash,
}

impl AdminAuth {
    /// Reads the password and lays a new token into the data folder. If there is no room for it, the old one is kept, for it is as secret;
    /// without an old one none opens the door, and the server serves all the same.
    pub fn open(config: &Config) -> Result<Self, WriterError> {
        let phc = match (&config.admin.password_hash, &config.admin.password_file) {
            (Some(hash), _) => Some(hash.as_str().to_owned()),
            (None, Some(path)) => Some(read_password(path)?),
            (None, None) => None,
        };
        let mut token = BASE64_URL_SAFE_NO_PAD.encode(crate::clock::random::<32>());
        let path = config.data_dir.join(TOKEN_FILE);
        if let Err(error) = crate::files::write_private(&path, token.as_bytes()) {
            let old = fs::read_to_string(&path).ok();
            let kept = old.filter(|old| old.len() == token.len());
            tracing::warn!(
                %error,
                old_one = kept.is_some(),
                "the new administration token could not be written; without an old one none opens the administration until the next start"
            );
            token = kept.unwrap_or(token);
        }
        Ok(Self {
            user: config.admin.user.clone(),
            phc,
            token: blake3::hash(token.as_bytes()),
        })
    }

    /// Who calls, if it may administer.
    async fn authenticate(
        &self,
        api: &Api,
        headers: &HeaderMap,
        origin: Origin,
    ) -> Result<Principal, Problem> {
        if let Origin::Local { uid, .. } = origin
            && may_administer(uid)
        {
            return Ok(Principal::owner(account(uid)));
        }
        if let Some(token) = credentials(headers, "Bearer") {
            if blake3::hash(token.as_bytes()) == self.token {
                return Ok(Principal::owner("token".into()));
            }
            return Ok(session(api, token, origin).await?.principal()?);
        }
        let given = credentials(headers, "Basic")
            .and_then(name_and_password)
            .ok_or(Problem::NotAdministrator)?;
        let phc = self.phc.clone().filter(|_| given.0 == self.user);
        let right = api
            .sign_in()
            .configured_administrator(origin.address(), &given.0, given.1, phc)
            .await;
        match right {
            Ok(()) => Ok(Principal::owner(self.user.clone())),
            Err(OpError::WrongPassword { .. }) => Err(Problem::NotAdministrator),
            Err(other) => Err(other.into()),
        }
    }
}

/// The session of an administrator. A token of 256 random bits is not guessed, so these tries need no limit.
async fn session(api: &Api, token: &str, origin: Origin) -> Result<AdministratorIn, Problem> {
    if let Some(who) = api.sign_in().resume_administrator(token).await? {
        return Ok(who);
    }
    api.trail().attempt(&Attempt {
        action: "administrator.sign-in",
        who: "(token)",
        from: origin,
        result: "wrong-token",
        is_right: false,
    });
    Err(Problem::NotAdministrator)
}

fn read_password(path: &PathBuf) -> Result<String, WriterError> {
    let text = fs::read_to_string(path).map_err(|e| WriterError::io(path, e))?;
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() => Ok(password::hash_blocking(line, crate::clock::random())),
        _ => Err(WriterError::io(
            path,
            io::Error::other("the first line holds no password"),
        )),
    }
}

/// RFC 7617: `base64(name:password)`.
fn name_and_password(encoded: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// A request of somebody who may administer, and may do this.
pub struct Administrator;

impl FromRequestParts<Api> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let origin = origin(parts)?;
        let found = api.0.admin.authenticate(api, &parts.headers, origin);
        let principal = found.await?;
        acts::done_by(api, &principal.name, parts).await;
        principal.may(acts::of(parts))?;
        Ok(Self)
    }
}

/// A request of an administrator about its own session.
pub struct SignedIn(pub AdministratorIn);

impl FromRequestParts<Api> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let token = credentials(&parts.headers, "Bearer").ok_or(Problem::NotAdministrator)?;
        let who = session(api, token, origin(parts)?).await?;
        acts::done_by(api, &who.name, parts).await;
        Ok(Self(who))
    }
}

fn origin(parts: &Parts) -> Result<Origin, Problem> {
    let peer = parts.extensions.get::<Peer>();
    let peer = peer.ok_or_else(|| Problem::internal("a request from nowhere"))?;
    Ok(peer.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_may_hold_colons() {
        let encoded = BASE64_STANDARD.encode("admin:a:b");
        assert_eq!(
            name_and_password(&encoded),
            Some(("admin".into(), "a:b".into()))
        );
        assert_eq!(name_and_password("%%%"), None);
        assert_eq!(name_and_password(&BASE64_STANDARD.encode("admin")), None);
    }
}
