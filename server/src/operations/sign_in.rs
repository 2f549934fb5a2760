//! Signing in: who gets a session, how guessing is limited, and whether a session still holds. One rule for every
//! edge that takes a mailbox number and a password.

pub(crate) mod administrator;
mod log_out;

use super::principal::Origin;
use super::{OpError, OpResult};
use crate::audit_trail::{Attempt, AuditTrail};
use crate::login::{Account, AddressLimit, Attempts, Moment, Wrong};
use crate::password::{Hasher, PASSWORD_LENGTH_MAX};
use crate::server::{Abort, Server, Wait, WriterError};
use crate::token::{self, Claims, TokenError};
use domain::{
    Change, Key, Object, ObjectId, Password, ServerId, Timestamp, User, Value, user_fields,
};
use ledger::Ledger;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Far above the 20 digits of the longest mailbox number.
const NUMBER_LENGTH_MAX: usize = 32;
/// Of the name of a peer so much tells it from others.
const PEER_NAME_CHARS_MAX: usize = 64;
/// Whoever tries too much at once may come again a little later.
const TOO_MANY_AT_ONCE: OpError = OpError::TooMany {
    what: "Too many log-ins at once from your network.",
    wait: Duration::from_secs(1),
};

/// Signing in to a server; cheap to clone. All edges of a server share one, or each would grant tries of its own.
#[derive(Clone)]
pub struct SignIn(Arc<SignInParts>);

struct SignInParts {
    server: Server,
    hasher: Hasher,
    attempts: Attempts,
    addresses: AddressLimit,
    trail: AuditTrail,
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
    /// With the limits of the server's configuration. Every try is entered into the audit trail.
    pub fn new(server: Server, trail: AuditTrail) -> Self {
        let login = &server.config().login;
        Self(Arc::new(SignInParts {
            hasher: Hasher::new(login.hashing_max),
            attempts: Attempts::new(login.tries_max, login.account_tries_max),
            addresses: AddressLimit::new(login.address_burst, login.address_per_minute),
            server,
            trail,
        }))
    }

    /// Where tries are entered.
    pub fn trail(&self) -> &AuditTrail {
        &self.0.trail
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
    /// [`OpError::Invalid`], [`OpError::TooMany`], [`OpError::WrongPassword`], [`OpError::LockedByAdministrator`],
    /// [`OpError::Unavailable`] while the server is out of service. Mailboxes that do not exist answer like those that do.
    pub async fn sign_in(
        &self,
        from: IpAddr,
        number: &str,
        password: String,
    ) -> OpResult<SignedIn> {
        // Not what was typed: it may be a password in the wrong field.
        let mut who = "(unknown)".to_owned();
        let tried = self.tried(from, number, password, &mut who).await;
        self.0.trail.attempt(&Attempt {
            action: "sign-in",
            who: &who,
            from: Origin::Network(from),
            result: said(&tried),
            is_right: tried.is_ok(),
        });
        tried
    }

    async fn tried(
        &self,
        from: IpAddr,
        number: &str,
        password: String,
        who: &mut String,
    ) -> OpResult<SignedIn> {
        let SignInParts {
            server, attempts, ..
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
        let (asked, home) = (number.clone(), server.home());
        let account = Account::Mailbox(number);
        let _entered = attempts.enter(from).ok_or(TOO_MANY_AT_ONCE)?;
        let _turn = attempts.turn(&account, from).await;
        let found = server
            .read(move |readers| readers.user_by_number(&asked, home))
            .await?;
        let user = found.as_ref().and_then(|(_, object)| User::of(object));
        if let Some(user) = &user {
            user.number().clone_into(who);
        }
        let phc = user.as_ref().and_then(User::password).map(|p| p.phc);
        let forgiven = found.as_ref().and_then(|(_, object)| forgiven_at(object));
        let what = "Mailbox number or password";
        let right = self.try_password(&account, from, password, phc, forgiven, what);
        right.await?;
        let Some((id, object)) = found else {
            return Err(OpError::internal("a password fits nobody"));
        };
        let user = User::of(&object)
            .ok_or_else(|| OpError::internal("a mailbox number leads to no user"))?;
        if user.locked() {
            return Err(OpError::LockedByAdministrator);
        }
        tracing::debug!(user = %id, "logged in");
        let session = u64::from_be_bytes(server.random());
        let claims = claims(server, id, &user, session);
        look_for_missing(server, id);
        Ok(SignedIn { id, object, claims })
    }

    /// Checks the name and password of the configuration; `phc` is the hash, if the name is right. They open the administration only while
    /// there is no account of an administrator, unless `admin.keep_password` says otherwise.
    ///
    /// # Errors
    /// [`OpError::TooMany`], [`OpError::WrongPassword`], [`OpError::Forbidden`] once there is an account, [`OpError::Unavailable`].
    pub async fn configured_administrator(
        &self,
        from: IpAddr,
        name: &str,
        password: String,
        phc: Option<String>,
    ) -> OpResult<()> {
        let name = name.chars().take(NUMBER_LENGTH_MAX).collect();
        let account = Account::Administrator(name);
        let who = match &account {
            Account::Administrator(name) if phc.is_some() => name.clone(),
            _ => "(unknown)".to_owned(),
        };
        let tried = self.try_configured(&account, from, password, phc).await;
        let result = match &tried {
            Ok(()) => {
                self.0.trail.administrator(&who, from);
                return tried;
            }
            Err(OpError::Forbidden(_)) => "replaced-by-accounts",
            Err(_) => said(&tried),
        };
        self.0.trail.attempt(&Attempt {
            action: "administrator.sign-in",
            who: &who,
            from: Origin::Network(from),
            result,
            is_right: false,
        });
        tried
    }

    async fn try_configured(
        &self,
        account: &Account,
        from: IpAddr,
        password: String,
        phc: Option<String>,
    ) -> OpResult<()> {
        let (server, attempts) = (&self.0.server, &self.0.attempts);
        let _entered = attempts.enter(from).ok_or(TOO_MANY_AT_ONCE)?;
        let _turn = attempts.turn(account, from).await;
        let what = "Name or password";
        let right = self.try_password(account, from, password, phc, None, what);
        right.await?;
        if !server.config().admin.keep_password && administrator::has_accounts(server).await? {
            return Err(OpError::Forbidden(
                "This server has administrators' accounts, so the password of its configuration is none any more: sign in as one of them. The setting admin.keep_password keeps it."
                    .into(),
            ));
        }
        Ok(())
    }

    /// Checks that somebody who has a session knows the present password, too. Wrong ones count as those of a sign-in do.
    ///
    /// # Errors
    /// [`OpError::WrongPassword`], [`OpError::TooMany`], [`OpError::Unavailable`].
    pub(crate) async fn prove(
        &self,
        account: &Account,
        from: IpAddr,
        password: String,
        phc: Option<String>,
    ) -> OpResult<()> {
        let attempts = &self.0.attempts;
        let _entered = attempts.enter(from).ok_or(TOO_MANY_AT_ONCE)?;
        let _turn = attempts.turn(account, from).await;
        let tried = self.try_password(account, from, password, phc, None, "The old password");
        let tried = tried.await;
        // What an administrator does for itself is entered as an act.
        if let Account::Mailbox(number) = account {
            self.0.trail.attempt(&Attempt {
                action: "own-password",
                who: number,
                from: Origin::Network(from),
                result: said(&tried),
                is_right: tried.is_ok(),
            });
        }
        tried
    }

    /// Checks the name and password of a VPIM peer; `phc` is the hash of its, if there is one of this name.
    ///
    /// # Errors
    /// [`OpError::TooMany`], [`OpError::WrongPassword`], [`OpError::Unavailable`].
    pub async fn peer(
        &self,
        from: IpAddr,
        name: &str,
        password: String,
        phc: Option<String>,
    ) -> OpResult<()> {
        let attempts = &self.0.attempts;
        let _entered = attempts.enter(from).ok_or(TOO_MANY_AT_ONCE)?;
        let known = phc.is_some();
        let account = Account::Peer(name.chars().take(PEER_NAME_CHARS_MAX).collect());
        let _turn = attempts.turn(&account, from).await;
        let what = "Name or password";
        let tried = self.try_password(&account, from, password, phc, None, what);
        let tried = tried.await;
        self.0.trail.attempt(&Attempt {
            action: "peer.sign-in",
            // Not what was typed: it may be a password in the wrong field.
            who: if known { name } else { "(unknown)" },
            from: Origin::Network(from),
            result: said(&tried),
            is_right: tried.is_ok(),
        });
        tried
    }

    /// Checks a password as often as guessing is allowed, whether or not there is such an account. `what` is wrong, if it is.
    async fn try_password(
        &self,
        account: &Account,
        from: IpAddr,
        password: String,
        phc: Option<String>,
        forgiven: Option<Timestamp>,
        what: &'static str,
    ) -> OpResult<()> {
        let check = async {
            let right = self.0.hasher.verify(password, phc).await?;
            Ok(right.then_some(()))
        };
        self.try_as_allowed(account, from, forgiven, what, check)
            .await
    }

    /// Lets something be checked as often as guessing is allowed. `check` gives nothing for what is wrong, and an error for what is neither
    /// right nor wrong and does not count.
    async fn try_as_allowed<T>(
        &self,
        account: &Account,
        from: IpAddr,
        forgiven: Option<Timestamp>,
        what: &'static str,
        check: impl Future<Output = OpResult<Option<T>>>,
    ) -> OpResult<T> {
        let SignInParts {
            server,
            attempts,
            addresses,
            ..
        } = &*self.0;
        let at = Moment {
            now: Instant::now(),
            wall: server.now(),
        };
        let delayed = |wait| {
            metrics::counter!("callpilot_logins_total", "result" => "delayed").increment(1);
            let what = "Too many wrong passwords from your network.";
            OpError::TooMany { what, wait }
        };
        attempts.ask(account, from, at, forgiven).map_err(delayed)?;
        // Others behind the same address may guess: they do not keep out those who are known to belong here.
        let is_counted = !attempts.is_familiar(account, from, at.now);
        if is_counted {
            addresses.take(from, at.now).map_err(delayed)?;
        }
        let give_back = || {
            if is_counted {
                addresses.give_back(from);
            }
        };
        match check.await {
            Ok(Some(right)) => {
                give_back();
                attempts.right(account, from, at.now);
                metrics::counter!("callpilot_logins_total", "result" => "right").increment(1);
                Ok(right)
            }
            Ok(None) => {
                metrics::counter!("callpilot_logins_total", "result" => "wrong").increment(1);
                Err(match attempts.wrong(account, from, at) {
                    Wrong::TriesLeft(tries_left) => OpError::WrongPassword { what, tries_left },
                    Wrong::Wait(wait) => delayed(wait),
                })
            }
            Err(neither) => {
                give_back();
                Err(neither)
            }
        }
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

    /// The token of the same session that lasts as long as one that begins now.
    ///
    /// # Errors
    /// [`OpError::Internal`] for what is no user.
    pub fn renew(&self, who: &SignedIn) -> OpResult<(Claims, String)> {
        let server = &self.0.server;
        let user = User::of(&who.object)
            .ok_or_else(|| OpError::internal("the session of something that is no user"))?;
        let claims = claims(server, who.id, &user, who.claims.session);
        Ok((claims, token::make(&server.session_keys(), &claims)))
    }

    /// Whether a user may go on with the present password.
    ///
    /// # Errors
    /// [`OpError::PasswordChangeNeeded`].
    pub fn password_stands(&self, who: &SignedIn) -> OpResult<()> {
        let server = &self.0.server;
        let Some(password) = User::of(&who.object).and_then(|user| user.password()) else {
            return Ok(());
        };
        match must_change(&password, server.config().login.password_days, server.now()) {
            Some(why) => Err(OpError::PasswordChangeNeeded(why)),
            None => Ok(()),
        }
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

    /// Forgets wrong passwords for a mailbox on this server, from everywhere. The partner does when it sees [`forgiven`] registers.
    pub fn forget_number(&self, number: &str) {
        let account = Account::Mailbox(number.to_owned());
        self.0.attempts.forget(&account);
    }
}

/// Why a password has to be changed before anything else, if it has; `days`: how old it may be, 0: any age.
fn must_change(password: &Password, days: u64, now: Timestamp) -> Option<&'static str> {
    if password.must_change {
        return Some("Your password was chosen by an administrator.");
    }
    let age_ms = i64::try_from(days).unwrap_or(0).saturating_mul(86_400_000);
    let ends_at = password.changed_at.0.saturating_add(age_ms);
    (days > 0 && ends_at <= now.0).then_some("Your password is too old.")
}

/// How a try to get in ended, in the words of the audit trail.
fn said<T>(tried: &OpResult<T>) -> &'static str {
    match tried {
        Ok(_) => "right",
        Err(OpError::WrongPassword { .. }) => "wrong-password",
        Err(OpError::TooMany { .. }) => "delayed",
        Err(OpError::LockedByAdministrator) => "locked",
        Err(OpError::Unavailable { .. }) => "unavailable",
        Err(OpError::Invalid(_)) => "invalid",
        Err(OpError::CodeNeeded) => "code-needed",
        Err(_) => "failed",
    }
}

/// Whether a session still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It does.
    Good,
    /// It was ended, or all of the user were: the password was changed, for one.
    Ended,
    /// An administrator has locked the mailbox.
    Locked,
}

/// How the session of these claims stands with its user.
fn standing(object: &Object, claims: &Claims) -> Standing {
    match User::of(object) {
        Some(user) if user.epoch() > claims.epoch => Standing::Ended,
        Some(user) if user.has_ended(claims.session) => Standing::Ended,
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

/// What says on both servers that wrong passwords until now are forgiven: counters at 0, written now. Releases that counted wrong
/// passwords there unlock by it, too.
pub(crate) fn forgiven(object: &Object, home: ServerId) -> Vec<(Key, Value)> {
    let all = Key(user_fields::FAILED_LOGINS, 0)..=Key(user_fields::FAILED_LOGINS, u64::MAX);
    let counted = object.registers.range(all).map(|(key, _)| *key);
    let own = Key::per_server(user_fields::FAILED_LOGINS, home);
    let keys: BTreeSet<Key> = counted.chain([own]).collect();
    keys.into_iter().map(|key| (key, Value::Int(0))).collect()
}

/// When wrong passwords of a user were last forgiven.
fn forgiven_at(object: &Object) -> Option<Timestamp> {
    let all = Key(user_fields::FAILED_LOGINS, 0)..=Key(user_fields::FAILED_LOGINS, u64::MAX);
    let zeros = object.registers.range(all).map(|(_, register)| register);
    let zeros = zeros.filter(|register| register.value.as_int() == Some(0));
    zeros.map(|register| register.version.hlc.wall()).max()
}

/// The register that ends all sessions.
pub(crate) fn next_epoch(object: &Object) -> (Key, Value) {
    let epoch = User::of(object).map_or(0, |user| user.epoch());
    (
        Key::field(user_fields::EPOCH),
        Value::Int(epoch.saturating_add(1)),
    )
}

fn claims(server: &Server, id: ObjectId, user: &User<'_>, session: u64) -> Claims {
    let issued_at = server.now();
    Claims {
        user: id,
        epoch: user.epoch(),
        issued_at,
        expires_at: expires_at(server, issued_at),
        session,
    }
}

/// When a token of a user ends that is made at this moment.
fn expires_at(server: &Server, issued_at: Timestamp) -> Timestamp {
    let hours = server.config().login.session_hours;
    let length_ms = hours.saturating_mul(3_600_000);
    Timestamp(issued_at.0.saturating_add_unsigned(length_ms))
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
    fn a_password_is_changed_when_somebody_else_chose_it_or_when_it_is_too_old() {
        let day = 86_400_000;
        let mut password = Password::new(String::new(), Timestamp(day));
        let at = |password: &Password, days, now| must_change(password, days, Timestamp(now));
        assert_eq!(at(&password, 0, i64::MAX), None, "any age");
        assert_eq!(at(&password, 90, 91 * day - 1), None);
        assert!(at(&password, 90, 91 * day).is_some());
        password.must_change = true;
        assert!(at(&password, 0, day).is_some());
    }

    #[test]
    fn a_session_of_an_earlier_epoch_has_ended() {
        let claims = |epoch| Claims {
            user: ObjectId::from_bytes([1; 16]),
            epoch,
            issued_at: Timestamp(0),
            expires_at: Timestamp(1),
            session: 7,
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
        let of_user = User::of(&user).unwrap();
        let (key, ended) = of_user.ended_session(ServerId(1), 8, Timestamp(9), Timestamp(0));
        user.set(key, version, ended);
        assert_eq!(standing(&user, &claims(2)), Standing::Good, "another one");
        let of_this = Claims {
            session: 8,
            ..claims(2)
        };
        assert_eq!(standing(&user, &of_this), Standing::Ended);
        user.set(Key::field(user_fields::LOCKED), version, Value::Bool(true));
        assert_eq!(standing(&user, &claims(2)), Standing::Locked);
        assert_eq!(
            standing(&Object::new(Kind::MESSAGE, None, None), &claims(0)),
            Standing::Ended
        );
    }
}
