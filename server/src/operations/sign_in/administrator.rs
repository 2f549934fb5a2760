//! Signing in as an administrator: name, password and perhaps a code lead to a session that both servers accept and each of them can end.
//!
//! A session is kept with its administrator's account (`domain::HeldSession`), so its end reaches the partner like any other change. One
//! that the partner has not heard of yet is good there all the same: its token says when it began, and only something later ends it.

use super::{SignIn, said};
use crate::audit_trail::Attempt;
use crate::login::Account;
use crate::one_time_code::step_of;
use crate::operations::password_rules::TOO_LONG;
use crate::operations::principal::{Origin, Principal};
use crate::operations::{OpError, OpResult};
use crate::password::PASSWORD_LENGTH_MAX;
use crate::server::{Abort, Server, Wait};
use crate::token::{self, AdministratorClaims, TokenError};
use domain::{
    AdministratorAccount, AdministratorRole, Change, Key, Object, ObjectId, SecondFactor,
    Timestamp, Value, administrator_fields,
};
use ledger::Ledger;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is wrong when an administrator cannot sign in.
const WHAT: &str = "Name, password or code";

/// An administrator with a session.
#[derive(Clone, Debug)]
pub struct AdministratorIn {
    /// The account.
    pub id: ObjectId,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: AdministratorRole,
    /// What the session's token says.
    pub claims: AdministratorClaims,
    /// The server asks for a second factor, and there is none yet.
    pub second_factor_needed: bool,
}

impl AdministratorIn {
    /// Who acts.
    ///
    /// # Errors
    /// [`OpError::SecondFactorNeeded`]: nothing else can be done before.
    pub fn principal(&self) -> OpResult<Principal> {
        if self.second_factor_needed {
            return Err(OpError::SecondFactorNeeded);
        }
        Ok(Principal {
            name: self.name.clone(),
            role: self.role,
        })
    }
}

/// What the audit trail is told of a try.
struct Told {
    who: String,
    result: Option<&'static str>,
}

impl SignIn {
    /// Begins a session of an administrator who comes from `from`.
    ///
    /// # Errors
    /// [`OpError::WrongPassword`] whatever of it is wrong, [`OpError::CodeNeeded`] once name and password are right, [`OpError::TooMany`],
    /// [`OpError::Forbidden`] for an account that is locked, or whose second factor this server cannot read; [`OpError::Invalid`],
    /// [`OpError::Unavailable`].
    pub async fn sign_in_administrator(
        &self,
        from: IpAddr,
        name: &str,
        password: String,
        code: Option<&str>,
    ) -> OpResult<AdministratorIn> {
        let mut told = Told {
            // Not what was typed: it may be a password in the wrong field.
            who: "(unknown)".to_owned(),
            result: None,
        };
        let tried = self.try_administrator(from, name, password, code, &mut told);
        let tried = tried.await;
        self.0.trail.attempt(&Attempt {
            action: "administrator.sign-in",
            who: &told.who,
            from: Origin::Network(from),
            result: told.result.unwrap_or_else(|| said(&tried)),
            is_right: tried.is_ok(),
        });
        tried
    }

    async fn try_administrator(
        &self,
        from: IpAddr,
        name: &str,
        password: String,
        code: Option<&str>,
        told: &mut Told,
    ) -> OpResult<AdministratorIn> {
        let (server, attempts) = (&self.0.server, &self.0.attempts);
        if password.len() > PASSWORD_LENGTH_MAX {
            return Err(OpError::Invalid(TOO_LONG.into()));
        }
        // What cannot be a name is nobody's, and answers like a name that is nobody's.
        let name = AdministratorAccount::checked_name(name).unwrap_or_default();
        let guessed = Account::Administrator(name.clone());
        let _entered = attempts.enter(from).ok_or(super::TOO_MANY_AT_ONCE)?;
        let _turn = attempts.turn(&guessed, from).await;
        let id = AdministratorAccount::id(&name);
        let found = server.read(move |readers| readers.object(&id)).await?;
        let account = found.as_ref().and_then(AdministratorAccount::of);
        if let Some(account) = &account {
            account.name().clone_into(&mut told.who);
        }
        let kept = account.and_then(|account| account.password());
        // A new password forgives wrong ones before, on both servers.
        let forgiven = kept.as_ref().map(|password| password.changed_at);
        let phc = kept.map(|password| password.phc);
        let factor = account.and_then(|account| account.second_factor());
        let factor = factor.filter(SecondFactor::is_confirmed);
        let used = account.and_then(|account| account.code_used());
        let wrong_code = AtomicBool::new(false);
        let check = async {
            if !self.0.hasher.verify(password, phc.clone()).await? {
                return Ok(None);
            }
            let secret = match factor {
                None => return Ok(Some(None)),
                Some(SecondFactor::Plain(secret)) => secret,
                Some(SecondFactor::Sealed(_)) => return Err(unreadable()),
            };
            let code = code.ok_or(OpError::CodeNeeded)?;
            let step = step_of(&secret.bytes, code, server.now(), used);
            wrong_code.store(step.is_none(), Ordering::Relaxed);
            Ok(step.map(Some))
        };
        let checked = self.try_as_allowed(&guessed, from, forgiven, WHAT, check);
        let checked = checked.await;
        if wrong_code.load(Ordering::Relaxed) {
            told.result = Some("wrong-code");
        }
        let step = checked?;
        if account.is_some_and(|account| account.locked()) {
            told.result = Some("locked");
            return Err(locked());
        }
        self.begin(id, from, phc, step).await
    }

    /// Writes a session into the account. `phc` is the password that was right, `step` that of the code.
    async fn begin(
        &self,
        id: ObjectId,
        from: IpAddr,
        phc: Option<String>,
        step: Option<i64>,
    ) -> OpResult<AdministratorIn> {
        let server = &self.0.server;
        let (now, length_ms) = (server.now(), session_length_ms(server));
        let written = server.write_anyway(Wait::Partner, move |scope| {
            let (object, home) = (scope.tx().object(&id)?, scope.home());
            let account = object.as_ref().and_then(AdministratorAccount::of);
            let still = account.filter(|account| {
                // What was looked up may have changed since; a code that came twice at once counts once.
                let same = account.password().map(|password| password.phc) == phc;
                let unused = step.is_none_or(|step| account.code_used().is_none_or(|u| u < step));
                same && unused
            });
            let Some(account) = still else {
                let tries_left = 1;
                return Err(Abort::Refused(OpError::WrongPassword {
                    what: WHAT,
                    tries_left,
                }));
            };
            let session = account.begin_session(home, &from.to_string(), now, length_ms);
            let mut registers = vec![session.register()];
            if let Some(step) = step {
                let used = Key::per_server(administrator_fields::CODE_USED, home);
                registers.push((used, Value::Int(step)));
            }
            let epoch = account.epoch();
            scope.change(&Change::Set { id, registers })?;
            Ok((scope.tx().object(&id)?, session, epoch))
        });
        let (object, session, epoch) = written.await?.value;
        let claims = AdministratorClaims {
            account: id,
            epoch,
            place: session.place,
            began_at: session.began_at,
            ends_at: session.ends_at,
            expires_at: now,
        };
        let account = object.as_ref().and_then(AdministratorAccount::of);
        let account = account.ok_or(OpError::SessionOver("This account is gone."))?;
        Ok(administrator(server, id, &account, claims))
    }

    /// Whose session a token is of; `None` for a token that neither server made.
    ///
    /// # Errors
    /// [`OpError::SessionOver`]; [`OpError::Forbidden`] for an account that is locked; [`OpError::Unavailable`].
    pub async fn resume_administrator(&self, token: &str) -> OpResult<Option<AdministratorIn>> {
        let server = &self.0.server;
        let read = token::read_of_administrator(&server.session_keys(), token, server.now());
        let claims = match read {
            Ok(claims) => claims,
            Err(TokenError::NotOurs) => return Ok(None),
            Err(TokenError::Expired) => return Err(OpError::SessionOver(super::over(server))),
        };
        let id = claims.account;
        let looked = server.read(move |readers| {
            readers.snapshot(|view| {
                let object = view.object(&id)?;
                let unreadable = object.is_none() && view.is_in_doubt(&id)?;
                Ok((object, unreadable))
            })
        });
        let object = match looked.await? {
            (_, true) => return Err(OpError::unreadable()),
            (object, false) => object,
        };
        let account = object.as_ref().and_then(AdministratorAccount::of);
        let account = account.ok_or(OpError::SessionOver("This account is gone."))?;
        match standing(&account, &claims) {
            Standing::Good => Ok(Some(administrator(server, id, &account, claims))),
            Standing::Ended => Err(OpError::SessionOver("The session was ended.")),
            Standing::Locked => Err(locked()),
        }
    }

    /// The token of a session, good until it has not been renewed for `admin.session_idle_minutes`, and no longer than the session.
    pub fn renew_administrator(&self, who: &AdministratorIn) -> (AdministratorClaims, String) {
        let server = &self.0.server;
        let idle = server.config().admin.session_idle_minutes;
        let claims = AdministratorClaims {
            expires_at: expires_at(server.now(), idle, who.claims.ends_at),
            ..who.claims
        };
        let token = token::make_for_administrator(&server.session_keys(), &claims);
        (claims, token)
    }

    /// Ends a session, on both servers. From then on neither its token nor any that it was renewed to is good.
    ///
    /// # Errors
    /// What the writer cannot do.
    pub async fn end_administrator(&self, who: &AdministratorIn) -> OpResult<()> {
        let claims = who.claims;
        let written = self.0.server.write_anyway(Wait::Partner, move |scope| {
            let object = scope.tx().object(&claims.account)?;
            let Some(account) = object.as_ref().and_then(AdministratorAccount::of) else {
                return Ok(());
            };
            let id = claims.account;
            let registers = vec![ended(&account, &claims)];
            Ok::<_, Abort<OpError>>(scope.change(&Change::Set { id, registers })?)
        });
        written.await?;
        Ok(())
    }

    /// Forgets wrong passwords for an administrator on this server, from everywhere.
    pub fn forget_administrator(&self, name: &str) {
        let account = Account::Administrator(name.to_owned());
        self.0.attempts.forget(&account);
    }
}

/// When a token ends that is made now.
fn expires_at(now: Timestamp, idle_minutes: u64, ends_at: Timestamp) -> Timestamp {
    let idle_ms = i64::try_from(idle_minutes).unwrap_or(30) * 60_000;
    Timestamp(now.0.saturating_add(idle_ms)).min(ends_at)
}

/// How long a session lasts at most.
fn session_length_ms(server: &Server) -> i64 {
    let hours = server.config().admin.session_hours;
    i64::try_from(hours).unwrap_or(12) * 3_600_000
}

fn administrator(
    server: &Server,
    id: ObjectId,
    account: &AdministratorAccount<'_>,
    claims: AdministratorClaims,
) -> AdministratorIn {
    let required = server.config().admin.second_factor_required;
    AdministratorIn {
        id,
        name: account.name().to_owned(),
        role: account.role(),
        claims,
        second_factor_needed: required && !account.has_second_factor(),
    }
}

/// The key of its second factor is lost, and without a code nobody gets in.
fn unreadable() -> OpError {
    OpError::Forbidden(
        "This server cannot read the second factor of this account any more. Sign in on the partner, or have the second factor taken away: another \
         administrator can, and so can `callpilot admin set NAME --no-second-factor` on the server's machine."
            .into(),
    )
}

fn locked() -> OpError {
    OpError::Forbidden("This account was locked by an administrator, who can unlock it.".into())
}

/// The register of a session that is over. One that was never heard of here is written as ended, too.
fn ended(account: &AdministratorAccount<'_>, claims: &AdministratorClaims) -> (Key, Value) {
    let kept = account.session_at(claims.place);
    // A later one at the same place has ended it already.
    let kept = kept.filter(|kept| kept.began_at >= claims.began_at);
    let mut session = kept.unwrap_or(domain::HeldSession {
        place: claims.place,
        began_at: claims.began_at,
        ends_at: claims.ends_at,
        epoch: claims.epoch,
        from: String::new(),
        ended: true,
    });
    session.ended |= session.began_at == claims.began_at;
    session.register()
}

/// Whether a session still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It does.
    Good,
    /// It was ended, or all were: the password is another, or the account was removed meanwhile.
    Ended,
    /// The account is locked.
    Locked,
}

/// How the session of these claims stands with its account.
fn standing(account: &AdministratorAccount<'_>, claims: &AdministratorClaims) -> Standing {
    if account.epoch() > claims.epoch {
        return Standing::Ended;
    }
    if account.locked() {
        return Standing::Locked;
    }
    match account.session_at(claims.place) {
        Some(kept) if kept.began_at > claims.began_at => Standing::Ended,
        Some(kept) if kept.began_at == claims.began_at && kept.ended => Standing::Ended,
        // What is kept may be older: the other server gave it out a moment ago.
        _ => Standing::Good,
    }
}

/// Whether there is an administrator's account: from then on the password of the configuration is none.
pub(crate) async fn has_accounts(server: &Server) -> OpResult<bool> {
    let all = server.read(|readers| readers.snapshot(|view| view.administrators()));
    let all = all.await?;
    Ok(all
        .iter()
        .any(|(_, object)| AdministratorAccount::of(object).is_some()))
}

/// An account as a write sees it.
pub(crate) fn present(object: Option<&Object>) -> Result<AdministratorAccount<'_>, Abort<OpError>> {
    let account = object.and_then(AdministratorAccount::of);
    account.ok_or_else(|| Abort::Refused(no_account()))
}

pub(crate) fn no_account() -> OpError {
    OpError::NotFound("There is no such administrator.".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Hlc, Incarnation, Kind, Password, ServerId, Version};

    fn set(object: &mut Object, hlc: u64, registers: Vec<(Key, Value)>) {
        let version = Version {
            hlc: Hlc(hlc),
            incarnation: Incarnation(hlc),
        };
        for (key, value) in registers {
            object.set(key, version, value);
        }
    }

    #[test]
    fn a_token_lasts_until_it_has_not_been_renewed_for_a_while_and_never_beyond_its_session() {
        let ends_at = Timestamp(3_600_000);
        let of = |now| expires_at(Timestamp(now), 30, ends_at);
        assert_eq!(of(0), Timestamp(1_800_000));
        assert_eq!(of(1_799_999), Timestamp(3_599_999), "renewed");
        assert_eq!(of(3_000_000), ends_at);
    }

    #[test]
    fn a_session_holds_until_something_later_ends_it_and_before_it_is_heard_of() {
        let mut object = Object::new(Kind::ADMINISTRATOR, None, None);
        let (role, password) = (
            AdministratorRole::Operator,
            Password::new(String::new(), Timestamp(0)),
        );
        let registers = AdministratorAccount::registers("mira", role, &password, 3);
        set(&mut object, 1, registers);
        let stands = |object: &Object, claims: &AdministratorClaims| {
            standing(&AdministratorAccount::of(object).unwrap(), claims)
        };
        let begin = |object: &Object, now| {
            let account = AdministratorAccount::of(object).unwrap();
            let begun = account.begin_session(ServerId(64), "192.0.2.1", Timestamp(now), 1_000);
            let claims = AdministratorClaims {
                account: ObjectId::from_bytes([4; 16]),
                epoch: 3,
                place: begun.place,
                began_at: begun.began_at,
                ends_at: begun.ends_at,
                expires_at: begun.ends_at,
            };
            (begun, claims)
        };
        let (begun, claims) = begin(&object, 10);
        assert_eq!(stands(&object, &claims), Standing::Good, "not heard of yet");
        set(&mut object, 2, vec![begun.register()]);
        assert_eq!(stands(&object, &claims), Standing::Good);
        let mut over = object.clone();
        let end = ended(&AdministratorAccount::of(&over).unwrap(), &claims);
        set(&mut over, 3, vec![end]);
        assert_eq!(stands(&over, &claims), Standing::Ended);
        let (later, claims_of_later) = begin(&over, 11);
        assert_eq!(later.place, begun.place);
        assert_eq!(
            stands(&over, &claims_of_later),
            Standing::Good,
            "not heard of yet"
        );
        set(&mut over, 4, vec![later.register()]);
        assert_eq!(stands(&over, &claims), Standing::Ended);
        let again = ended(&AdministratorAccount::of(&over).unwrap(), &claims);
        set(&mut over, 5, vec![again]);
        assert_eq!(
            stands(&over, &claims_of_later),
            Standing::Good,
            "not ended by the old one"
        );
        let locked = (Key::field(administrator_fields::LOCKED), Value::Bool(true));
        set(&mut object, 6, vec![locked]);
        assert_eq!(stands(&object, &claims), Standing::Locked);
        let next = AdministratorAccount::of(&object).unwrap().next_epoch();
        set(&mut object, 7, vec![next]);
        assert_eq!(stands(&object, &claims), Standing::Ended);
    }
}
