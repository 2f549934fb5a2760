//! The VPIM shortcuts of this server. With an overlap they decide which mailboxes are replicated (R9 a).

use super::{OpError, OpResult};
use crate::constraints::{self, SHORTCUTS_MAX, shortcut_key, shortcuts};
use crate::counted::counted;
use crate::server::{Abort, Server, Wait};
use domain::Shortcut;

const PREFIX_LENGTH_MAX: usize = 20;

/// All of them, in order of their prefixes.
///
/// # Errors
/// What the store cannot do.
pub async fn all(server: &Server) -> OpResult<Vec<Shortcut>> {
    Ok(server.read(|readers| readers.snapshot(shortcuts)).await?)
}

/// Adds one. Users who may no longer, or may again, be replicated are held or sent by themselves.
///
/// # Errors
/// [`OpError::Invalid`], [`OpError::Conflict`] for a prefix that is there, [`OpError::Forbidden`] when there are too many.
pub async fn add(server: &Server, shortcut: Shortcut) -> OpResult<()> {
    check(&shortcut)?;
    let users_max = server.config().limits.users_max;
    let written = server.write(Wait::Local, move |scope| {
        let present = shortcuts(&scope.tx().view())?;
        if let Some(same) = present.iter().find(|s| s.prefix == shortcut.prefix) {
            let there = format!(
                "There is a shortcut with the prefix {}, of overlap {}. Remove it first.",
                same.prefix, same.overlap
            );
            return Err(Abort::Refused(OpError::Conflict(there)));
        }
        if present.len() >= SHORTCUTS_MAX {
            let full = format!("There are {SHORTCUTS_MAX} VPIM shortcuts, which is the most.");
            return Err(Abort::Refused(OpError::Forbidden(full)));
        }
        let value = serde_json::to_vec(&shortcut).expect("plain data");
        scope
            .tx()
            .put_setting(&shortcut_key(&shortcut.prefix), &value)?;
        Ok(constraints::renew(scope, users_max)?)
    });
    written.await?;
    Ok(())
}

/// Removes one.
///
/// # Errors
/// [`OpError::NotFound`].
pub async fn remove(server: &Server, prefix: String) -> OpResult<()> {
    let users_max = server.config().limits.users_max;
    let written = server.write_anyway(Wait::Local, move |scope| {
        let key = shortcut_key(&prefix);
        if scope.tx().setting(&key)?.is_none() {
            let none = format!("There is no VPIM shortcut with the prefix {prefix}.");
            return Err(Abort::Refused(OpError::NotFound(none)));
        }
        scope.tx().remove_setting(&key)?;
        Ok(constraints::renew(scope, users_max)?)
    });
    written.await?;
    Ok(())
}

fn check(new: &Shortcut) -> OpResult<()> {
    let digits = new.prefix.bytes().all(|b| b.is_ascii_digit());
    if !digits || !(1..=PREFIX_LENGTH_MAX).contains(&new.prefix.len()) {
        return Err(OpError::Invalid(format!(
            "\"{}\" is not a prefix: it has 1 to {PREFIX_LENGTH_MAX} digits.",
            new.prefix
        )));
    }
    if usize::from(new.overlap) > new.prefix.len() {
        return Err(OpError::Invalid(format!(
            "An overlap of {} is longer than the prefix {}, which has {}.",
            new.overlap,
            new.prefix,
            counted(new.prefix.len() as u64, "digit", "digits")
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_at_most_as_long_as_its_prefix() {
        let of = |prefix: &str, overlap| {
            check(&Shortcut {
                prefix: prefix.into(),
                overlap,
            })
            .is_ok()
        };
        assert!(of("1272", 0) && of("1272", 2) && of("1272", 4));
        assert!(!of("1272", 5) && !of("", 0) && !of("12a", 1));
        assert!(!of("123456789012345678901", 1));
    }
}
