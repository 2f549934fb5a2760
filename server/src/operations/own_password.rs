//! A user changes its own password.

use super::password_rules::{Owner, hashed, past, remembered};
use super::sign_in::{SignIn, SignedIn, forgiven, next_epoch};
use super::users::no_user;
use super::{OpError, OpResult};
use crate::login::Account;
use crate::server::{Abort, Wait};
use domain::{Change, Key, Password, User, user_fields};
use ledger::Ledger;
use std::net::IpAddr;

/// Changes the password of a user who knows the present one. All its sessions end, on both servers; the claims of the session that is
/// returned are good.
///
/// # Errors
/// [`OpError::WrongPassword`] and [`OpError::TooMany`] for the old one, as signing in; [`OpError::Invalid`] for a new one that the rules do
/// not allow, or that was used before; [`OpError::Conflict`] if it was changed at the same time.
pub async fn change(
    sign_in: &SignIn,
    who: &SignedIn,
    from: IpAddr,
    old: String,
    new: String,
) -> OpResult<SignedIn> {
    let user = User::of(&who.object).ok_or_else(no_user)?;
    let present = user.password();
    let phc = present.as_ref().map(|password| password.phc.clone());
    let account = Account::Mailbox(user.number().to_owned());
    sign_in.prove(&account, from, old, phc).await?;
    let earlier = present.map_or(Vec::new(), |present| past(present, remembered(sign_in)));
    for used in &earlier {
        if sign_in
            .hasher()
            .verify(new.clone(), Some(used.clone()))
            .await?
        {
            return Err(OpError::Invalid(
                "You have used this password before. Choose another.".into(),
            ));
        }
    }
    let before = earlier.first().cloned();
    let password = Password {
        earlier,
        ..hashed(sign_in, &Owner::of(&user), new).await?
    };
    let id = who.id;
    let written = sign_in.server().write_anyway(Wait::Partner, move |scope| {
        let object = scope.tx().object(&id)?;
        let user = object.as_ref().and_then(User::of);
        let user = user.ok_or_else(|| Abort::Refused(no_user()))?;
        if user.password().map(|password| password.phc) != before {
            return Err(Abort::Refused(changed_meanwhile()));
        }
        let object = object.as_ref().ok_or_else(|| Abort::Refused(no_user()))?;
        let mut registers = forgiven(object, scope.home());
        let key = Key::field(user_fields::PASSWORD);
        registers.push((key, User::password_value(&password)));
        registers.push(next_epoch(object));
        scope.change(&Change::Set { id, registers })?;
        Ok::<_, Abort<OpError>>(scope.tx().object(&id)?)
    });
    let object = written.await?.value.ok_or_else(no_user)?;
    let mut who = who.clone();
    who.object = object;
    Ok(who)
}

fn changed_meanwhile() -> OpError {
    OpError::Conflict("The password was changed at the same time. Log in again.".into())
}
