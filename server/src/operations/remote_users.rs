//! Temporary Remote Users, stubs for users of other servers of the network.
//!
//! A user of the partner whose number one of them has is not taken here (R9 b), and comes when the stub goes.

use super::{OpError, OpResult};
use crate::constraints::{
    self, NAME_LENGTH_MAX, REMOTE_USERS_MAX, remote_user, remote_user_key, remote_users,
};
use crate::server::{Abort, Server, Wait};
use domain::{
    Object, ServerId, User, ValidationError, check_address, check_mailbox_number, check_name,
};
use std::collections::BTreeMap;

/// A stub, under its mailbox number.
pub use crate::constraints::RemoteUser;

/// All of them, by their mailbox numbers.
///
/// # Errors
/// What the store cannot do.
pub async fn all(server: &Server) -> OpResult<BTreeMap<String, RemoteUser>> {
    Ok(server
        .read(|readers| readers.snapshot(remote_users))
        .await?)
}

/// Adds one. A number that a user here has, local or GR, is refused.
///
/// # Errors
/// [`OpError::Invalid`], [`OpError::Conflict`] for a number that is taken, [`OpError::Forbidden`] when there are too many.
pub async fn add(server: &Server, mailbox: String, user: RemoteUser) -> OpResult<()> {
    check(&mailbox, &user)?;
    let users_max = server.config().limits.users_max;
    let written = server.write(Wait::Local, move |scope| {
        let here = scope.home();
        let view = scope.tx().view();
        if let Some((_, taken)) = view.users_by_number(&mailbox)?.first() {
            return Err(Abort::Refused(taken_by(&mailbox, taken, here)));
        }
        if let Some(same) = remote_user(&view, &mailbox)? {
            let there = format!(
                "Mailbox {mailbox} is a Temporary Remote User already: {}.",
                same.name
            );
            return Err(Abort::Refused(OpError::Conflict(there)));
        }
        if remote_users(&view)?.len() >= REMOTE_USERS_MAX {
            let full =
                format!("There are {REMOTE_USERS_MAX} Temporary Remote Users, which is the most.");
            return Err(Abort::Refused(OpError::Forbidden(full)));
        }
        let value = serde_json::to_vec(&user).expect("plain data");
        scope.tx().put_setting(&remote_user_key(&mailbox), &value)?;
        Ok(constraints::renew(scope, users_max)?)
    });
    written.await?;
    Ok(())
}

/// Removes one. If the partner has a user with its number, that one comes now.
///
/// # Errors
/// [`OpError::NotFound`].
pub async fn remove(server: &Server, mailbox: String) -> OpResult<()> {
    let users_max = server.config().limits.users_max;
    let written = server.write_anyway(Wait::Local, move |scope| {
        let key = remote_user_key(&mailbox);
        if scope.tx().setting(&key)?.is_none() {
            let none = format!("There is no Temporary Remote User {mailbox}.");
            return Err(Abort::Refused(OpError::NotFound(none)));
        }
        scope.tx().remove_setting(&key)?;
        Ok(constraints::renew(scope, users_max)?)
    });
    written.await?;
    Ok(())
}

fn check(mailbox: &str, user: &RemoteUser) -> Result<(), ValidationError> {
    check_mailbox_number(mailbox)?;
    let what = "The name of a Temporary Remote User";
    check_name(what, &user.name, NAME_LENGTH_MAX)?;
    check_address(&user.address)
}

fn taken_by(mailbox: &str, object: &Object, here: ServerId) -> OpError {
    let user = User::of(object);
    let name = user.map_or("", |user| user.name());
    let local = user.is_none_or(|user| user.home().is_none_or(|home| home == here));
    OpError::Conflict(if local {
        format!("Mailbox {mailbox} is a local user of this server: {name}.")
    } else {
        format!("Mailbox {mailbox} is a GR user on this server, local to its partner: {name}.")
    })
}
