//! `/api/v1/admin`: who may administer, and the resources.
//!
//! The door opens to name and password by HTTP Basic, or to the token in the data folder as a Bearer token: who can read that file
//! owns the server anyway. The command line uses the token.

pub mod classes;
pub mod gr;
pub mod remote_users;
pub mod settings;
pub mod shortcuts;
pub mod tasks;
pub mod users;

use super::Api;
use super::auth::credentials;
use super::error::Problem;
use super::request::Peer;
use crate::config::Config;
use crate::login::AddressLimit;
use crate::operations::OpError;
use crate::password;
use crate::server::WriterError;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Instant;
use std::{fs, io};

/// The file with the administration token, in the data folder.
pub const TOKEN_FILE: &str = "admin.token";

/// What opens the administration.
pub struct AdminAuth {
    user: String,
    phc: Option<String>,
    /// The hash, because comparing hashes tells nothing by its time.
    token: blake3::Hash,
    guesses: AddressLimit,
}

impl AdminAuth {
    /// Reads the password and lays a new token into the data folder. If there is no room for it, the old one is kept, for it is as secret;
    /// without an old one the command line finds no door, and the server serves all the same.
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
                "the new administration token could not be written; without an old one `callpilot` commands are refused until the next start"
            );
            token = kept.unwrap_or(token);
        }
        Ok(Self {
            user: config.admin.user.clone(),
            phc,
            token: blake3::hash(token.as_bytes()),
            guesses: AddressLimit::new(config.login.address_burst, config.login.address_per_minute),
        })
    }

    async fn authenticate(
        &self,
        api: &Api,
        headers: &HeaderMap,
        from: IpAddr,
    ) -> Result<(), Problem> {
        if let Some(token) = credentials(headers, "Bearer") {
            // A token of 256 random bits is not guessed, so these tries need no limit.
            let right = blake3::hash(token.as_bytes()) == self.token;
            return if right {
                Ok(())
            } else {
                Err(Problem::NotAdministrator)
            };
        }
        let given = credentials(headers, "Basic")
            .and_then(name_and_password)
            .ok_or(Problem::NotAdministrator)?;
        let what = "Too many wrong passwords from your network.";
        self.guesses
            .take(from, Instant::now())
            .map_err(|wait| OpError::TooMany { what, wait })?;
        let phc = self.phc.clone().filter(|_| given.0 == self.user);
        if !api.hasher().verify(given.1, phc).await? {
            return Err(Problem::NotAdministrator);
        }
        self.guesses.give_back(from);
        Ok(())
    }
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

/// A request of an administrator.
pub struct Administrator;

impl FromRequestParts<Api> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let peer = parts
            .extensions
            .get::<Peer>()
            .ok_or_else(|| Problem::internal("a request from nowhere"))?;
        let from = peer.0.ip();
        api.0
            .admin
            .authenticate(api, &parts.headers, from)
            .await
            .map(|()| Self)
    }
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
