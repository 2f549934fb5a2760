//! The mailbox classes of this server. They are its own, and decide which users of the partner are taken (R4, R9).

use super::{OpError, OpResult};
use crate::constraints::{
    self, CLASS_NUMBER_MAX, CLASSES_MAX, NAME_LENGTH_MAX, class_key, classes, has_class,
};
use crate::server::{Abort, Server, Wait};
use domain::{User, check_name};
use std::collections::BTreeMap;
use store::{Readers, StoreError, UserCursor};

/// Users looked at in one snapshot while searching for those of a class.
const PAGE: usize = 1_000;

/// All classes, by their numbers.
///
/// # Errors
/// What the store cannot do.
pub async fn all(server: &Server) -> OpResult<BTreeMap<i64, String>> {
    Ok(server.read(|readers| readers.snapshot(classes)).await?)
}

/// Adds a class. Returns its name as it is kept.
///
/// # Errors
/// [`OpError::Invalid`], [`OpError::Conflict`] for a number that is taken, [`OpError::Forbidden`] when there are too many.
pub async fn add(server: &Server, number: i64, name: &str) -> OpResult<String> {
    if !(1..=CLASS_NUMBER_MAX).contains(&number) {
        return Err(OpError::Invalid(format!(
            "Mailbox classes have the numbers 1 to {CLASS_NUMBER_MAX}."
        )));
    }
    let name = checked(name)?;
    let users_max = server.config().limits.users_max;
    let kept = name.clone();
    let written = server.write(Wait::Local, move |scope| {
        let present = classes(&scope.tx().view())?;
        if let Some(name) = present.get(&number) {
            let there = format!("Mailbox class {number} is there already: {name}.");
            return Err(Abort::Refused(OpError::Conflict(there)));
        }
        if present.len() >= CLASSES_MAX {
            let full = format!("There are {CLASSES_MAX} mailbox classes, which is the most.");
            return Err(Abort::Refused(OpError::Forbidden(full)));
        }
        scope
            .tx()
            .put_setting(&class_key(number), kept.as_bytes())?;
        Ok(constraints::renew(scope, users_max)?)
    });
    written.await?;
    Ok(name)
}

/// Gives a class another name. Returns it as it is kept.
///
/// # Errors
/// [`OpError::Invalid`], [`OpError::NotFound`].
pub async fn rename(server: &Server, number: i64, name: &str) -> OpResult<String> {
    let name = checked(name)?;
    let kept = name.clone();
    let written = server.write(Wait::Local, move |scope| {
        if !has_class(&scope.tx().view(), number)? {
            return Err(Abort::Refused(no_class(number)));
        }
        Ok(scope
            .tx()
            .put_setting(&class_key(number), kept.as_bytes())?)
    });
    written.await?;
    Ok(name)
}

/// Removes a class that no user has. Class 1 stays.
///
/// # Errors
/// [`OpError::NotFound`]; [`OpError::Forbidden`] for class 1; [`OpError::Conflict`] while users have it.
pub async fn remove(server: &Server, number: i64) -> OpResult<()> {
    if number == User::CLASS_DEFAULT {
        return Err(OpError::Forbidden(
            "Class 1 is for users to whom no other was given; it stays.".into(),
        ));
    }
    // All users are looked at beside the writer. If somebody gives a user this class in the same moment, that user is listed with
    // a class that is missing, as one of the partner can be.
    let read = server.read(move |readers| some_user(readers, number));
    if let Some(mailbox) = read.await? {
        return Err(OpError::Conflict(format!(
            "Mailbox class {number} is in use, by {mailbox} for one. Give its users another class first."
        )));
    }
    let users_max = server.config().limits.users_max;
    let written = server.write_anyway(Wait::Local, move |scope| {
        if !has_class(&scope.tx().view(), number)? {
            return Err(Abort::Refused(no_class(number)));
        }
        scope.tx().remove_setting(&class_key(number))?;
        Ok(constraints::renew(scope, users_max)?)
    });
    written.await?;
    Ok(())
}

/// The mailbox number of some user with this class.
fn some_user(readers: &Readers, class: i64) -> Result<Option<String>, StoreError> {
    let mut after: Option<UserCursor> = None;
    loop {
        let users = readers.users(after.as_ref(), PAGE)?;
        let has = |object| User::of(object).filter(|user| user.class() == class);
        if let Some(user) = users.iter().find_map(|(_, object)| has(object)) {
            return Ok(Some(user.number().to_owned()));
        }
        let Some((id, last)) = users.last() else {
            return Ok(None);
        };
        let number = User::of(last).map_or(String::new(), |user| user.number().to_owned());
        after = Some(UserCursor { number, id: *id });
    }
}

fn no_class(number: i64) -> OpError {
    OpError::NotFound(format!(
        "There is no mailbox class {number} on this server."
    ))
}

fn checked(name: &str) -> OpResult<String> {
    let name = name.trim();
    check_name("The name of a mailbox class", name, NAME_LENGTH_MAX)?;
    Ok(name.to_owned())
}
