//! What an administrator does for itself: its password, its second factor.

use super::administrators::hashed;
use super::sign_in::SignIn;
use super::sign_in::administrator::{AdministratorIn, present};
use super::{OpError, OpResult};
use crate::login::Account;
use crate::one_time_code::{self, step_of};
use crate::server::{Abort, Server, Wait};
use domain::{
    AdministratorAccount, Change, HeldSession, Key, OneTimeSecret, SecondFactor, Value,
    administrator_fields,
};
use ledger::Ledger;
use std::net::IpAddr;

/// Changes the password of an administrator who knows the present one. All its other sessions end; this one goes on with the claims that
/// are returned.
///
/// # Errors
/// [`OpError::WrongPassword`] and [`OpError::TooMany`] for the old one, as signing in; [`OpError::Invalid`] for the new one.
pub async fn change_password(
    sign_in: &SignIn,
    who: &AdministratorIn,
    from: IpAddr,
    old: String,
    new: String,
) -> OpResult<AdministratorIn> {
    let server = sign_in.server();
    let id = who.id;
    let object = server.read(move |readers| readers.object(&id)).await?;
    let account = object.as_ref().and_then(AdministratorAccount::of);
    let phc = account
        .and_then(|account| account.password())
        .map(|password| password.phc);
    let guessed = Account::Administrator(who.name.clone());
    sign_in.prove(&guessed, from, old, phc.clone()).await?;
    let repeated = sign_in.hasher().verify(new.clone(), phc).await?;
    if repeated {
        return Err(OpError::Invalid(
            "The new password is the old one. Choose another.".into(),
        ));
    }
    let password = hashed(sign_in, &who.name, new).await?;
    let claims = who.claims;
    let written = server.write_anyway(Wait::Partner, move |scope| {
        let object = scope.tx().object(&id)?;
        let account = present(object.as_ref())?;
        let (key, epoch) = account.next_epoch();
        let next = epoch.as_int().unwrap_or(claims.epoch);
        let kept = account.session_at(claims.place);
        let own = kept.filter(|kept| kept.began_at == claims.began_at);
        // It may have been begun on the other server a moment ago.
        let own = own.unwrap_or(HeldSession {
            place: claims.place,
            began_at: claims.began_at,
            ends_at: claims.ends_at,
            epoch: next,
            from: from.to_string(),
            ended: false,
        });
        let own = HeldSession { epoch: next, ..own };
        let password_key = Key::field(administrator_fields::PASSWORD);
        let registers = vec![
            (password_key, domain::User::password_value(&password)),
            (key, epoch),
            own.register(),
        ];
        scope.change(&Change::Set { id, registers })?;
        Ok::<_, Abort<OpError>>(next)
    });
    let epoch = written.await?.value;
    let mut who = who.clone();
    who.claims.epoch = epoch;
    Ok(who)
}

/// Begins to set up a second factor: a new secret, which counts once a code of it has been shown.
///
/// # Errors
/// [`OpError::Conflict`] if there is one already.
pub async fn begin_second_factor(
    server: &Server,
    who: &AdministratorIn,
) -> OpResult<OneTimeSecret> {
    let secret = OneTimeSecret {
        bytes: server.random::<{ one_time_code::SECRET_LENGTH }>().to_vec(),
        confirmed: false,
    };
    let (id, value) = (who.id, SecondFactor::Plain(secret.clone()).value());
    let written = server.write_anyway(Wait::Partner, move |scope| {
        let object = scope.tx().object(&id)?;
        if present(object.as_ref())?.has_second_factor() {
            return Err(Abort::Refused(OpError::Conflict(
                "There is a second factor already. An administrator can take it away.".into(),
            )));
        }
        let registers = vec![(SecondFactor::KEY, value)];
        Ok(scope.change(&Change::Set { id, registers })?)
    });
    written.await?;
    Ok(secret)
}

/// Ends setting up a second factor: from now on signing in takes a code.
///
/// # Errors
/// [`OpError::Invalid`] for a wrong code; [`OpError::Conflict`] if none is being set up.
pub async fn confirm_second_factor(
    server: &Server,
    who: &AdministratorIn,
    code: String,
) -> OpResult<AdministratorIn> {
    let (id, now) = (who.id, server.now());
    let written = server.write_anyway(Wait::Partner, move |scope| {
        let (object, home) = (scope.tx().object(&id)?, scope.home());
        let account = present(object.as_ref())?;
        let Some(SecondFactor::Plain(mut secret)) = account.second_factor() else {
            return Err(Abort::Refused(none_begun()));
        };
        if secret.confirmed {
            return Err(Abort::Refused(none_begun()));
        }
        let step = step_of(&secret.bytes, &code, now, account.code_used());
        let step = step.ok_or_else(|| Abort::Refused(wrong_code()))?;
        secret.confirmed = true;
        let registers = vec![
            (SecondFactor::KEY, SecondFactor::Plain(secret).value()),
            (
                Key::per_server(administrator_fields::CODE_USED, home),
                Value::Int(step),
            ),
        ];
        Ok::<_, Abort<OpError>>(scope.change(&Change::Set { id, registers })?)
    });
    written.await?;
    let mut who = who.clone();
    who.second_factor_needed = false;
    Ok(who)
}

fn none_begun() -> OpError {
    OpError::Conflict("No second factor is being set up. Begin with a new secret.".into())
}

fn wrong_code() -> OpError {
    OpError::Invalid(
        "The code is wrong. Look whether the clocks of the telephone and of the server are right, and wait for the next code."
            .into(),
    )
}
