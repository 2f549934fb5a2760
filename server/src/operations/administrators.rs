//! The accounts of administrators: both servers of a pair have the same. What an administrator does for itself is in `own_administrator`.

use super::password_rules;
use super::sign_in::SignIn;
use super::sign_in::administrator::{no_account, present};
use super::{OpError, OpResult};
use crate::server::{Abort, Server, Wait, WriteTx};
use domain::{
    AdministratorAccount, AdministratorRole, Change, HeldSession, Key, Kind, Object, ObjectId,
    Password, SecondFactor, Timestamp, Value, administrator_fields,
};
use ledger::Ledger;
use store::View;

/// An administrator as others see it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: AdministratorRole,
    /// Locked.
    pub locked: bool,
    /// Signing in takes a code.
    pub second_factor: bool,
    /// … and this server cannot say which.
    pub second_factor_unreadable: bool,
    /// When its password was set.
    pub password_changed_at: Timestamp,
    /// Its sessions that go on, the latest first.
    pub sessions: Vec<HeldSession>,
}

/// An administrator to be. Not printable: it holds a password.
pub struct NewAccount {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: AdministratorRole,
    /// Password, in the clear.
    pub password: String,
}

/// What is to be different about an administrator. `None` leaves it as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccountPatch {
    /// What it may do.
    pub role: Option<AdministratorRole>,
    /// Locked.
    pub locked: Option<bool>,
    /// `false` takes the second factor away.
    pub second_factor: Option<bool>,
}

/// All administrators in order of their names.
///
/// # Errors
/// What the store cannot do.
pub async fn list(server: &Server) -> OpResult<Vec<Listed>> {
    let now = server.now();
    let all = server.read(|readers| readers.snapshot(|view| view.administrators()));
    let all = all.await?;
    let accounts = all
        .iter()
        .filter_map(|(_, object)| AdministratorAccount::of(object));
    let mut listed: Vec<Listed> = accounts.map(|account| listed(&account, now)).collect();
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listed)
}

/// One administrator.
///
/// # Errors
/// [`OpError::NotFound`], [`OpError::Invalid`].
pub async fn read(server: &Server, name: &str) -> OpResult<Listed> {
    let (id, now) = (id(name)?, server.now());
    let object = server.read(move |readers| readers.object(&id)).await?;
    let account = object.as_ref().and_then(AdministratorAccount::of);
    account
        .map(|account| listed(&account, now))
        .ok_or_else(no_account)
}

/// Creates an administrator on both servers. The first one must be one who may do everything. A request with the same content may be
/// repeated.
///
/// # Errors
/// [`OpError::Invalid`] for a name, role or password that cannot be; [`OpError::Conflict`] for a name that is taken;
/// [`OpError::Forbidden`] when there are too many.
pub async fn create(sign_in: &SignIn, new: NewAccount) -> OpResult<Listed> {
    let server = sign_in.server();
    let name = AdministratorAccount::checked_name(&new.name)?;
    let id = AdministratorAccount::id(&name);
    let before = server.read(move |readers| readers.object(&id)).await?;
    if let Some(account) = before.as_ref().and_then(AdministratorAccount::of) {
        let phc = account.password().map(|password| password.phc);
        let same = account.role() == new.role && sign_in.hasher().verify(new.password, phc).await?;
        return match same {
            true => Ok(listed(&account, server.now())),
            false => Err(taken(&name)),
        };
    }
    let password = hashed(sign_in, &name, new.password).await?;
    let (role, wanted) = (new.role, name.clone());
    let written = server.write(Wait::Partner, move |scope| {
        let all = scope.tx().view().administrators()?;
        let accounts = all
            .iter()
            .filter_map(|(_, object)| AdministratorAccount::of(object));
        if accounts.count() == 0 && role != AdministratorRole::Administrator {
            return Err(Abort::Refused(first_may_do_everything()));
        }
        let object = scope.tx().object(&id)?;
        let before = object.as_ref().and_then(AdministratorAccount::of_any);
        if object.as_ref().and_then(AdministratorAccount::of).is_some() {
            return Err(Abort::Refused(taken(&wanted)));
        }
        if before.is_none() && all.len() >= AdministratorAccount::ACCOUNTS_MAX {
            return Err(Abort::Refused(too_many()));
        }
        // No session of an account that was removed comes back with the name.
        let epoch = before.map_or(0, |account| account.epoch().saturating_add(1));
        let registers = AdministratorAccount::registers(&wanted, role, &password, epoch);
        let kind = Kind::ADMINISTRATOR;
        let change = match before {
            Some(_) => Change::Set { id, registers },
            None => Change::Create {
                id,
                kind,
                owner: None,
                body: None,
                registers,
            },
        };
        Ok(scope.change(&change)?)
    });
    written.await?;
    sign_in.forget_administrator(&name);
    read(server, &name).await
}

/// Changes an administrator. Locking ends its sessions.
///
/// # Errors
/// [`OpError::NotFound`]; [`OpError::Invalid`]; [`OpError::Conflict`] if nobody were left who may do everything.
pub async fn change(server: &Server, name: &str, patch: AccountPatch) -> OpResult<Listed> {
    if patch.second_factor == Some(true) {
        return Err(OpError::Invalid(
            "Only an administrator can set up a second factor for itself: it has to show the first code."
                .into(),
        ));
    }
    set(server, name, move |account, view| {
        let loses = patch.locked == Some(true)
            || patch
                .role
                .is_some_and(|role| role != AdministratorRole::Administrator);
        if loses {
            somebody_is_left(view, account)?;
        }
        let mut registers = Vec::new();
        registers.extend(patch.role.map(AdministratorAccount::role_value));
        if let Some(locked) = patch.locked {
            let key = Key::field(administrator_fields::LOCKED);
            registers.push((key, Value::Bool(locked)));
            registers.extend(locked.then(|| account.next_epoch()));
        }
        if patch.second_factor.is_some() {
            registers.push((SecondFactor::KEY, Value::Null));
        }
        Ok(registers)
    })
    .await?;
    read(server, name).await
}

/// Removes an administrator on both servers, and ends its sessions. The name can be given again.
///
/// # Errors
/// [`OpError::NotFound`]; [`OpError::Conflict`] if nobody were left who may do everything.
pub async fn remove(server: &Server, name: &str) -> OpResult<()> {
    set(server, name, |account, view| {
        somebody_is_left(view, account)?;
        let present = Key::field(administrator_fields::PRESENT);
        Ok(vec![(present, Value::Bool(false)), account.next_epoch()])
    })
    .await
}

/// Sets the password of an administrator. Ends its sessions, and forgives wrong passwords until now.
///
/// # Errors
/// [`OpError::NotFound`], [`OpError::Invalid`].
pub async fn set_password(sign_in: &SignIn, name: &str, password: String) -> OpResult<Listed> {
    let name = AdministratorAccount::checked_name(name)?;
    read(sign_in.server(), &name).await?;
    let password = hashed(sign_in, &name, password).await?;
    set(sign_in.server(), &name, move |account, _| {
        let key = Key::field(administrator_fields::PASSWORD);
        let value = domain::User::password_value(&password);
        Ok(vec![(key, value), account.next_epoch()])
    })
    .await?;
    sign_in.forget_administrator(&name);
    read(sign_in.server(), &name).await
}

/// Ends all sessions of an administrator, on both servers.
///
/// # Errors
/// [`OpError::NotFound`].
pub async fn end_sessions(server: &Server, name: &str) -> OpResult<()> {
    set(server, name, |account, _| Ok(vec![account.next_epoch()])).await
}

/// Ends one session of an administrator, on both servers. One that is over already stays so.
///
/// # Errors
/// [`OpError::NotFound`].
pub async fn end_session(server: &Server, name: &str, session: &str) -> OpResult<()> {
    let wanted = parsed(session).ok_or_else(no_session)?;
    set(server, name, move |account, _| {
        let found = account.session_at(wanted.0);
        let found = found.filter(|found| found.began_at == wanted.1);
        let mut found = found.ok_or_else(|| Abort::Refused(no_session()))?;
        found.ended = true;
        Ok(vec![found.register()])
    })
    .await
}

/// What names a session among those of its administrator: place and beginning.
pub fn session_name(session: &HeldSession) -> String {
    format!("{:016x}-{}", session.place, session.began_at.0)
}

fn parsed(name: &str) -> Option<(u64, Timestamp)> {
    let (place, began) = name.split_once('-')?;
    let place = u64::from_str_radix(place, 16).ok()?;
    Some((place, Timestamp(began.parse().ok()?)))
}

/// The hash of a password that the rules allow.
pub(crate) async fn hashed(sign_in: &SignIn, name: &str, password: String) -> OpResult<Password> {
    let server = sign_in.server();
    let least = server.config().admin.password_length_min;
    password_rules::check(&password, least, &[name])?;
    let phc = sign_in.hasher().hash(password).await?;
    Ok(Password::new(phc, server.now()))
}

/// Sets registers of an account.
async fn set(
    server: &Server,
    name: &str,
    registers: impl FnOnce(
        &AdministratorAccount<'_>,
        &View<'_>,
    ) -> Result<Vec<(Key, Value)>, Abort<OpError>>
    + Send
    + 'static,
) -> OpResult<()> {
    let id = id(name)?;
    let written = server.write_anyway(Wait::Partner, move |scope: &mut WriteTx<'_, '_>| {
        let object: Option<Object> = scope.tx().object(&id)?;
        let account = present(object.as_ref())?;
        let registers = registers(&account, &scope.tx().view())?;
        Ok::<_, Abort<OpError>>(scope.change(&Change::Set { id, registers })?)
    });
    written.await?;
    Ok(())
}

/// Refuses if without this one nobody could do everything.
fn somebody_is_left(
    view: &View<'_>,
    without: &AdministratorAccount<'_>,
) -> Result<(), Abort<OpError>> {
    let all = view.administrators()?;
    let accounts = all
        .iter()
        .filter_map(|(_, object)| AdministratorAccount::of(object));
    let may_all = |account: &AdministratorAccount<'_>| {
        account.role() == AdministratorRole::Administrator && !account.locked()
    };
    let mut others = accounts.filter(may_all);
    if !may_all(without) || others.any(|account| account.name() != without.name()) {
        return Ok(());
    }
    Err(Abort::Refused(OpError::Conflict(format!(
        "{} is the only one who may do everything. Make another one an administrator first.",
        without.name()
    ))))
}

fn listed(account: &AdministratorAccount<'_>, now: Timestamp) -> Listed {
    let live = account.sessions().filter(|s| account.is_live(s, now));
    let mut sessions: Vec<HeldSession> = live.collect();
    sessions.sort_by_key(|session| std::cmp::Reverse(session.began_at));
    Listed {
        name: account.name().to_owned(),
        role: account.role(),
        locked: account.locked(),
        second_factor: account.has_second_factor(),
        second_factor_unreadable: account.has_unreadable_second_factor(),
        password_changed_at: account.password().map_or(Timestamp(0), |p| p.changed_at),
        sessions,
    }
}

fn id(name: &str) -> OpResult<ObjectId> {
    Ok(AdministratorAccount::id(
        &AdministratorAccount::checked_name(name)?,
    ))
}

fn no_session() -> OpError {
    OpError::NotFound("There is no such session of this administrator.".into())
}

fn taken(name: &str) -> OpError {
    OpError::Conflict(format!(
        "There is an administrator {name} already. Choose another name, or change that one."
    ))
}

fn too_many() -> OpError {
    let max = AdministratorAccount::ACCOUNTS_MAX;
    OpError::Forbidden(format!(
        "There can be {max} administrators, those that were removed included: use the name of one of those."
    ))
}

fn first_may_do_everything() -> OpError {
    OpError::Invalid(
        "The first administrator must be one who may do everything: role administrator.".into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_session_says_which_one_it_is() {
        let session = HeldSession {
            place: u64::MAX - 3,
            began_at: Timestamp(1_780_000_000_000),
            ends_at: Timestamp(0),
            epoch: 0,
            from: String::new(),
            ended: false,
        };
        let name = session_name(&session);
        assert_eq!(name, "fffffffffffffffc-1780000000000");
        assert_eq!(parsed(&name), Some((session.place, session.began_at)));
        for bad in ["", "-", "x-1", "1", "1-x"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
