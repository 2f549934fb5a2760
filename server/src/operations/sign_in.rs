//! Signing in: who gets a session, how guessing is limited and mailboxes are locked, and whether a session still holds. One rule for every
//! edge that takes a mailbox number and a password.

use super::{OpError, OpResult};
use crate::login::{AddressLimit, Attempts};
use crate::password::{Hasher, PASSWORD_LENGTH_MAX};
use crate::server::{Abort, Server, Wait, WriterError};
use crate::token::{self, Claims, TokenError};
use domain::{Change, Key, Object, ObjectId, Timestamp, User, Value, user_fields};
use ledger::Ledger;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OwnedMutexGuard;

/// Far above the 20 digits of the longest mailbox number.
const NUMBER_LENGTH_MAX: usize = 32;

/// Signing in to a server; cheap to clone. All edges of a server share one, or each would grant tries of its own.
#[derive(Clone)]
pub struct SignIn(Arc<Inner>);

struct Inner {
    server: Server,
    hasher: Hasher,
    attempts: Attempts,
    addresses: AddressLimit,
}

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The user.
    pub id: ObjectId,
    /// The user as stored.
    pub object: Object,
    /// What the session's token says.
    pub claims: Claims,
}

impl SignIn {
    /// With the limits of the server's configuration.
    pub fn new(server: Server) -> Self {
        let login = &server.config().login;
        Self(Arc::new(Inner {
            hasher: Hasher::new(login.hashing_max),
            attempts: Attempts::default(),
            addresses: AddressLimit::new(login.address_burst, login.address_per_minute),
            server,
        }))
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.0.server
    }

    /// The hasher of passwords, which works on a few at a time.
    pub fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    /// Checks a mailbox number and a password that came from `from`. Right ones forget wrong ones before, and let the mailbox be compared
    /// with the partner's beside everything else (R13).
    ///
    /// # Errors
    /// [`OpError::Invalid`], [`OpError::TooMany`], [`OpError::WrongPassword`], [`OpError::Locked`], [`OpError::LockedByAdministrator`],
    /// [`OpError::Unavailable`] while the server is out of service. Mailboxes that do not exist answer like those that do.
    pub async fn sign_in(
        &self,
        from: IpAddr,
        number: &str,
        password: String,
    ) -> OpResult<SignedIn> {
        let Inner {
            server,
            attempts,
            addresses,
            hasher,
        } = &*self.0;
        in_service(server)?;
        let number = number.trim().to_owned();
        if number.is_empty()
            || number.len() > NUMBER_LENGTH_MAX
            || password.len() > PASSWORD_LENGTH_MAX
        {
            return Err(OpError::Invalid(
                "A mailbox number has 3 to 20 digits, and a password at most 256 characters."
                    .into(),
            ));
        }
        let what = "Too many log-ins from your network.";
        addresses
            .take(from, Instant::now())
            .map_err(|wait| OpError::TooMany { what, wait })?;
        let turn = attempts.turn(&number).await;
        let (asked, home) = (number.clone(), server.home());
        let found = server
            .read(move |readers| readers.user_by_number(&asked, home))
            .await?;
        let tries_max = server.config().login.tries_max;
        let wrong = self.wrong_so_far(&number, found.as_ref().map(|(_, user)| user));
        if wrong >= tries_max {
            return Err(OpError::Locked { tries_max });
        }
        let kept = found
            .as_ref()
            .and_then(|(_, object)| User::of(object)?.password());
        if !hasher.verify(password, kept.map(|p| p.phc)).await? {
            self.count_wrong(number, found.map(|(id, _)| id), turn);
            return Err(match tries_max.saturating_sub(wrong + 1) {
                0 => {
                    tracing::info!("a mailbox is locked after {tries_max} wrong passwords");
                    OpError::Locked { tries_max }
                }
                tries_left => OpError::WrongPassword { tries_left },
            });
        }
        let Some((id, object)) = found else {
            return Err(OpError::internal("a password fits nobody"));
        };
        addresses.give_back(from);
        let user = User::of(&object)
            .ok_or_else(|| OpError::internal("a mailbox number leads to no user"))?;
        if user.locked() {
            return Err(OpError::LockedByAdministrator);
        }
        if wrong > 0 {
            self.forget_wrong(&number, id).await?;
        }
        tracing::debug!(user = %id, "logged in");
        metrics::counter!("callpilot_logins_total", "result" => "right").increment(1);
        let claims = claims(server, id, &user);
        look_for_missing(server, id);
        Ok(SignedIn { id, object, claims })
    }

    /// Whose session a token is of.
    ///
    /// # Errors
    /// [`OpError::SessionOver`], [`OpError::LockedByAdministrator`], [`OpError::Unavailable`].
    pub async fn resume(&self, token: &str) -> OpResult<SignedIn> {
        let server = &self.0.server;
        in_service(server)?;
        let read = token::read(&server.session_keys(), token, server.now());
        let claims = read.map_err(|error| match error {
            TokenError::NotOurs => OpError::SessionOver("The session is not known here."),
            TokenError::Expired => OpError::SessionOver(over(server)),
        })?;
        let read = move |readers: &store::Readers| {
            readers.snapshot(|view| {
                let object = view.object(&claims.user)?;
                // Not gone: the session goes on when the user is back.
                let unreadable = object.is_none() && view.is_in_doubt(&claims.user)?;
                Ok((object, unreadable))
            })
        };
        let object = match server.read(read).await? {
            (Some(object), _) => object,
            (None, true) => return Err(OpError::unreadable()),
            (None, false) => return Err(OpError::SessionOver("This mailbox is gone.")),
        };
        match standing(&object, &claims) {
            Standing::Good => Ok(SignedIn {
                id: claims.user,
                object,
                claims,
            }),
            Standing::Ended => Err(OpError::SessionOver("The session was ended.")),
            Standing::Locked => Err(OpError::LockedByAdministrator),
        }
    }

    /// Whether the session of these claims still holds.
    ///
    /// # Errors
    /// What the store cannot do.
    pub async fn holds(&self, claims: &Claims) -> Result<bool, WriterError> {
        let id = claims.user;
        let object = self
            .0
            .server
            .read(move |readers| readers.object(&id))
            .await?;
        Ok(object.is_some_and(|object| standing(&object, claims) == Standing::Good))
    }

    /// The token of a session that lasts as long as one that begins now.
    ///
    /// # Errors
    /// [`OpError::Internal`] for what is no user.
    pub fn renew(&self, who: &SignedIn) -> OpResult<(Claims, String)> {
        let server = &self.0.server;
        let user = User::of(&who.object)
            .ok_or_else(|| OpError::internal("the session of something that is no user"))?;
        let claims = claims(server, who.id, &user);
        Ok((claims, token::make(&server.session_keys(), &claims)))
    }

    /// Ends all sessions of a user, on both servers.
    ///
    /// # Errors
    /// What the writer cannot do.
    pub async fn end_sessions(&self, id: ObjectId) -> OpResult<()> {
        let written = self.0.server.write_anyway(Wait::Partner, move |scope| {
            let Some(object) = scope.tx().object(&id)? else {
                return Ok(());
            };
            let registers = vec![next_epoch(&object)];
            Ok::<_, Abort<OpError>>(scope.change(&Change::Set { id, registers })?)
        });
        written.await?;
        Ok(())
    }

    /// Forgets wrong passwords of a number that no mailbox's registers count.
    pub fn forget_number(&self, number: &str) {
        self.0.attempts.forget(number);
    }

    /// After a right password.
    async fn forget_wrong(&self, number: &str, id: ObjectId) -> OpResult<()> {
        self.forget_number(number);
        let written = self.0.server.write_anyway(Wait::Local, move |scope| {
            let Some(object) = scope.tx().object(&id)? else {
                return Ok(());
            };
            let registers = no_failed_logins(&object);
            Ok::<_, Abort<OpError>>(scope.change(&Change::Set { id, registers })?)
        });
        written.await?;
        Ok(())
    }

    /// Wrong passwords since the last right one: those of the mailbox over both servers, and those counted in memory only.
    fn wrong_so_far(&self, number: &str, user: Option<&Object>) -> u32 {
        let kept = user
            .and_then(User::of)
            .map_or(0, |user| user.failed_logins());
        u32::try_from(kept.max(0))
            .unwrap_or(u32::MAX)
            .saturating_add(self.0.attempts.wrong(number))
    }

    /// Counts a wrong password. The answer does not wait for the disk, or the time it takes would tell which mailboxes exist; the next
    /// try waits, because `turn` goes along.
    fn count_wrong(&self, number: String, user: Option<ObjectId>, turn: OwnedMutexGuard<()>) {
        metrics::counter!("callpilot_logins_total", "result" => "wrong").increment(1);
        let Some(id) = user else {
            return self.0.attempts.count(&number);
        };
        let this = self.clone();
        tokio::spawn(async move {
            let counted = this.0.server.write_anyway(Wait::Local, move |scope| {
                let Some(object) = scope.tx().object(&id)? else {
                    return Ok(());
                };
                let key = Key::per_server(user_fields::FAILED_LOGINS, scope.home());
                let count = object
                    .get(key)
                    .and_then(Value::as_int)
                    .unwrap_or(0)
                    .saturating_add(1);
                Ok::<_, Abort<OpError>>(scope.change(&Change::Set {
                    id,
                    registers: vec![(key, Value::Int(count))],
                })?)
            });
            if let Err(error) = counted.await {
                tracing::warn!(%error, "a wrong password could not be stored; it is counted in memory");
                this.0.attempts.count(&number);
            }
            drop(turn);
        });
    }
}

/// Whether a session still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It does.
    Good,
    /// The password was changed, or all sessions of the user were ended.
    Ended,
    /// An administrator has locked the mailbox.
    Locked,
}

/// How the session of these claims stands with its user.
fn standing(object: &Object, claims: &Claims) -> Standing {
    match User::of(object) {
        Some(user) if user.epoch() > claims.epoch => Standing::Ended,
        Some(user) if user.locked() => Standing::Locked,
        Some(_) => Standing::Good,
        None => Standing::Ended,
    }
}

/// Refuses while the server is out of service on purpose.
///
/// # Errors
/// [`OpError::Unavailable`].
pub fn in_service(server: &Server) -> OpResult<()> {
    if server.pair().borrow().in_service {
        return Ok(());
    }
    let why = "This server is out of service. Your mailbox is on the partner.";
    Err(OpError::Unavailable {
        why,
        wait: Duration::from_secs(30),
    })
}

/// All counters of wrong passwords at 0, those of both servers.
pub(crate) fn no_failed_logins(object: &Object) -> Vec<(Key, Value)> {
    let all = Key(user_fields::FAILED_LOGINS, 0)..=Key(user_fields::FAILED_LOGINS, u64::MAX);
    object
        .registers
        .range(all)
        .map(|(key, _)| (*key, Value::Int(0)))
        .collect()
}

/// The register that ends all sessions.
pub(crate) fn next_epoch(object: &Object) -> (Key, Value) {
    let epoch = User::of(object).map_or(0, |user| user.epoch());
    (
        Key::field(user_fields::EPOCH),
        Value::Int(epoch.saturating_add(1)),
    )
}

fn claims(server: &Server, id: ObjectId, user: &User<'_>) -> Claims {
    let issued_at = server.now();
    let length_ms = server
        .config()
        .login
        .session_hours
        .saturating_mul(3_600_000);
    Claims {
        user: id,
        epoch: user.epoch(),
        issued_at,
        expires_at: Timestamp(issued_at.0.saturating_add_unsigned(length_ms)),
    }
}

/// A session that the other server gave out seems over early where the clocks differ: then that is what has to be put right.
fn over(server: &Server) -> &'static str {
    let difference = server.pair().borrow().status.clock_difference_ms;
    if difference.is_some_and(contract::clocks_differ) {
        "The session is over by the clock of this server, which differs from its partner's: tell an administrator."
    } else {
        "The session is over."
    }
}

/// Resync on login (R13): the mailbox is compared with the partner's beside everything else. The log-in has its answer already (I23).
fn look_for_missing(server: &Server, id: ObjectId) {
    if server.pair().borrow().status.state != gr_proto::PartnerState::Running {
        return;
    }
    let server = server.clone();
    tokio::spawn(async move {
        if let Err(error) = server.logged_in(id).await {
            tracing::debug!(%error, "no resync on login");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Hlc, Incarnation, Kind, Version};

    #[test]
    fn a_session_of_an_earlier_epoch_has_ended() {
        let claims = |epoch| Claims {
            user: ObjectId::from_bytes([1; 16]),
            epoch,
            issued_at: Timestamp(0),
            expires_at: Timestamp(1),
        };
        let mut user = Object::new(Kind::USER, None, None);
        assert_eq!(standing(&user, &claims(0)), Standing::Good);
        let version = Version {
            hlc: Hlc(1),
            incarnation: Incarnation(1),
        };
        user.set(Key::field(user_fields::EPOCH), version, Value::Int(2));
        assert_eq!(standing(&user, &claims(1)), Standing::Ended);
        assert_eq!(standing(&user, &claims(2)), Standing::Good);
        user.set(Key::field(user_fields::LOCKED), version, Value::Bool(true));
        assert_eq!(standing(&user, &claims(2)), Standing::Locked);
        assert_eq!(
            standing(&Object::new(Kind::MESSAGE, None, None), &claims(0)),
            Standing::Ended
        );
    }
}
