//! Session tokens: PASETO v4.local, made with a key that both servers of a pair derive from the GR root.
//!
//! A token says whose it is, of which session and session epoch, and until when. Nothing about it is stored while it is good: a token ends by
//! its time, when its user's epoch is raised (password changed, logged out everywhere), or when its session was ended by itself; both are
//! registers of the user, which is replicated. An administrator's session is kept from its beginning (`domain::HeldSession`).

use crate::gr::pairing::{Secret, SessionKeys};
use contract::{ObjectId, Timestamp};
use pasetors::Local;
use pasetors::keys::SymmetricKey;
use pasetors::token::UntrustedToken;
use pasetors::version4::{LocalToken, V4};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Bound into every token of a user, so that none made for another purpose is taken for a session.
const OF_USER: &[u8] = b"callpilot session 1";
/// The same for the tokens of administrators.
const OF_ADMINISTRATOR: &[u8] = b"callpilot administrator session 1";
/// Far above the length of any token that this module makes.
const TOKEN_LENGTH_MAX: usize = 1024;

/// What the token of a user says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Whose session.
    #[serde(rename = "u")]
    pub user: ObjectId,
    /// The user's session epoch when it was made.
    #[serde(rename = "e")]
    pub epoch: i64,
    /// When it was made.
    #[serde(rename = "i")]
    pub issued_at: Timestamp,
    /// When it ends.
    #[serde(rename = "x")]
    pub expires_at: Timestamp,
    /// The number of the session: every token that it is renewed to has the same.
    #[serde(rename = "s", default)]
    pub session: u64,
}

impl Claims {
    /// Earlier releases gave sessions no number: one that follows from the token stands for it.
    fn numbered(mut self) -> Self {
        if self.session == 0 {
            let mut hasher = blake3::Hasher::new();
            hasher.update(self.user.as_bytes());
            for part in [self.epoch, self.issued_at.0] {
                hasher.update(&part.to_be_bytes());
            }
            let mut first = [0; 8];
            first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
            self.session = u64::from_be_bytes(first);
        }
        self
    }
}

/// What the token of an administrator says. What the administrator may do it does not say: that is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdministratorClaims {
    /// Whose session: the account.
    #[serde(rename = "a")]
    pub account: ObjectId,
    /// The account's session epoch when it was made.
    #[serde(rename = "e")]
    pub epoch: i64,
    /// The place of the session among those that are kept.
    #[serde(rename = "p")]
    pub place: u64,
    /// When the session began.
    #[serde(rename = "b")]
    pub began_at: Timestamp,
    /// When the session ends however often it is renewed.
    #[serde(rename = "l")]
    pub ends_at: Timestamp,
    /// When the token ends.
    #[serde(rename = "x")]
    pub expires_at: Timestamp,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not made by this pair, or altered.
    #[error("the token was not made by this server or its partner")]
    NotOurs,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
}

/// A token with these claims.
pub fn make(keys: &SessionKeys, claims: &Claims) -> String {
    seal(keys, OF_USER, claims)
}

/// A token of an administrator with these claims.
pub fn make_for_administrator(keys: &SessionKeys, claims: &AdministratorClaims) -> String {
    seal(keys, OF_ADMINISTRATOR, claims)
}

/// What a token says, if one of the keys opens it and its time is not over.
///
/// # Errors
/// [`TokenError`].
pub fn read(keys: &SessionKeys, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
    let claims: Claims = open(keys, OF_USER, token)?;
    until(claims.expires_at, now).map(|()| claims.numbered())
}

/// The same for the token of an administrator.
///
/// # Errors
/// [`TokenError`].
pub fn read_of_administrator(
    keys: &SessionKeys,
    token: &str,
    now: Timestamp,
) -> Result<AdministratorClaims, TokenError> {
    let claims: AdministratorClaims = open(keys, OF_ADMINISTRATOR, token)?;
    until(claims.expires_at, now).map(|()| claims)
}

fn until(end: Timestamp, now: Timestamp) -> Result<(), TokenError> {
    match end <= now {
        true => Err(TokenError::Expired),
        false => Ok(()),
    }
}

fn seal(keys: &SessionKeys, purpose: &[u8], claims: &impl Serialize) -> String {
    let bytes = serde_json::to_vec(claims).expect("claims are plain data");
    LocalToken::encrypt(&key(&keys.current), &bytes, None, Some(purpose))
        .expect("a payload that is not empty is encrypted if the system has random bytes")
}

fn open<T: DeserializeOwned>(
    keys: &SessionKeys,
    purpose: &[u8],
    token: &str,
) -> Result<T, TokenError> {
    if token.len() > TOKEN_LENGTH_MAX {
        return Err(TokenError::NotOurs);
    }
    let token = UntrustedToken::<Local, V4>::try_from(token).map_err(|_| TokenError::NotOurs)?;
    let open =
        |secret: &Secret| LocalToken::decrypt(&key(secret), &token, None, Some(purpose)).ok();
    let trusted = std::iter::once(&keys.current)
        .chain(&keys.accepted)
        .find_map(open)
        .ok_or(TokenError::NotOurs)?;
    serde_json::from_str(trusted.payload()).map_err(|_| TokenError::NotOurs)
}

fn key(secret: &Secret) -> SymmetricKey<V4> {
    SymmetricKey::from(&secret.0).expect("a key of v4.local has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(current: u8, accepted: &[u8]) -> SessionKeys {
        let secret = |n: u8| Secret([n; 32]);
        SessionKeys {
            current: secret(current),
            accepted: accepted.iter().copied().map(secret).collect(),
        }
    }

    fn claims() -> Claims {
        Claims {
            user: ObjectId::from_bytes([4; 16]),
            epoch: 3,
            issued_at: Timestamp(1_000),
            expires_at: Timestamp(2_000),
            session: 9,
        }
    }

    #[test]
    fn a_token_of_an_earlier_release_has_a_session_of_its_own() {
        let keys = keys(1, &[]);
        let of_before = |issued_at| {
            let mut claims = serde_json::to_value(claims()).unwrap();
            claims.as_object_mut().unwrap().remove("s").unwrap();
            claims["i"] = issued_at;
            let token = seal(&keys, OF_USER, &claims);
            read(&keys, &token, Timestamp(0)).unwrap().session
        };
        assert_eq!(of_before(1_000.into()), of_before(1_000.into()));
        assert_ne!(of_before(1_000.into()), of_before(1_001.into()));
        assert_ne!(of_before(1_000.into()), 0);
    }

    #[test]
    fn a_token_is_read_by_everyone_who_has_the_key_until_its_time_is_over() {
        let token = make(&keys(1, &[]), &claims());
        assert_eq!(read(&keys(1, &[]), &token, Timestamp(1_999)), Ok(claims()));
        assert_eq!(read(&keys(2, &[1]), &token, Timestamp(1_999)), Ok(claims()));
        assert_eq!(
            read(&keys(2, &[]), &token, Timestamp(1_999)),
            Err(TokenError::NotOurs)
        );
        assert_eq!(
            read(&keys(1, &[]), &token, Timestamp(2_000)),
            Err(TokenError::Expired)
        );
    }

    #[test]
    fn a_users_token_is_none_of_an_administrator_and_the_other_way_round() {
        let keys = keys(1, &[]);
        let of_administrator = AdministratorClaims {
            account: ObjectId::from_bytes([4; 16]),
            epoch: 3,
            place: u64::MAX,
            began_at: Timestamp(1_000),
            ends_at: Timestamp(3_000),
            expires_at: Timestamp(2_000),
        };
        let token = make_for_administrator(&keys, &of_administrator);
        let read_back = read_of_administrator(&keys, &token, Timestamp(1_999));
        assert_eq!(read_back, Ok(of_administrator));
        let late = read_of_administrator(&keys, &token, Timestamp(2_000));
        assert_eq!(late, Err(TokenError::Expired));
        let as_user = read(&keys, &token, Timestamp(1_999));
        assert_eq!(as_user, Err(TokenError::NotOurs));
        let users = make(&keys, &claims());
        let as_administrator = read_of_administrator(&keys, &users, Timestamp(1_999));
        assert_eq!(as_administrator, Err(TokenError::NotOurs));
    }

    #[test]
    fn an_altered_token_or_one_for_another_purpose_is_not_ours() {
        let keys = keys(1, &[]);
        let token = make(&keys, &claims());
        for i in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[i] = if bytes[i] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(bytes).unwrap();
            assert_eq!(
                read(&keys, &altered, Timestamp(0)),
                Err(TokenError::NotOurs),
                "byte {i}"
            );
        }
        let payload = serde_json::to_vec(&claims()).unwrap();
        let other = LocalToken::encrypt(&key(&keys.current), &payload, None, None).unwrap();
        assert_eq!(read(&keys, &other, Timestamp(0)), Err(TokenError::NotOurs));
        for nonsense in ["", "v4.local.", "v4.local.AAAA", &"v".repeat(9_999)] {
            assert_eq!(
                read(&keys, nonsense, Timestamp(0)),
                Err(TokenError::NotOurs)
            );
        }
    }
}
