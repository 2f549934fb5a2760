//! Which passwords are taken, and what is remembered of those before.

use super::sign_in::SignIn;
use super::{OpError, OpResult};
use crate::counted::counted;
use crate::password::PASSWORD_LENGTH_MAX;
use domain::{Password, User};

/// A password of more bytes than are looked at, for people.
pub(crate) const TOO_LONG: &str = "The password is too long: 256 plain letters and digits are the most, and fewer of other characters.";
const _: () = assert!(PASSWORD_LENGTH_MAX == 256, "the sentence says so");

/// Refuses what is short, what is a number or name of its owner, and what anybody tries first. `least`: characters; `known`: what others
/// know of the owner.
///
/// # Errors
/// [`OpError::Invalid`] with a sentence that says what to do.
pub fn check(password: &str, least: usize, known: &[&str]) -> OpResult<()> {
    judge(password, least, known).map_err(OpError::Invalid)
}

/// The same, for who is no caller of operations.
///
/// # Errors
/// The sentence.
pub fn judge(password: &str, least: usize, known: &[&str]) -> Result<(), String> {
    if password.chars().count() < least {
        let least = counted(least as u64, "character", "characters");
        return Err(format!("The password must have at least {least}."));
    }
    if password.len() > PASSWORD_LENGTH_MAX {
        return Err(TOO_LONG.into());
    }
    if known.iter().any(|known| is_made_of(password, known)) {
        return Err(
            "The password must not be the mailbox number, a telephone number or a name of its owner, nor one of them backwards or repeated."
                .into(),
        );
    }
    if is_sequence(password) {
        return Err("The password must not be a sequence such as 1234, 4321 or 1111.".into());
    }
    Ok(())
}

/// What others know of a user, so that it is no password.
#[derive(Default)]
pub(crate) struct Owner {
    known: Vec<String>,
}

impl Owner {
    /// A user.
    pub(crate) fn of(user: &User<'_>) -> Self {
        let names = [user.number(), user.name()].into_iter().chain(user.dns());
        Self::called(names)
    }

    /// Somebody of whom others know this.
    pub(crate) fn called<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let known = names.into_iter().map(str::to_owned).collect();
        Self { known }
    }
}

/// The hash of a password that the rules allow.
pub(crate) async fn hashed(
    sign_in: &SignIn,
    owner: &Owner,
    password: String,
) -> OpResult<Password> {
    let server = sign_in.server();
    let least = server.config().login.password_length_min;
    let known: Vec<&str> = owner.known.iter().map(String::as_str).collect();
    check(&password, least, &known)?;
    let phc = sign_in.hasher().hash(password).await?;
    Ok(Password::new(phc, server.now()))
}

/// The passwords that cannot be taken again when there is a new one: the present one, and those before it; as many as are remembered.
pub(crate) fn past(present: Password, remembered: usize) -> Vec<String> {
    let all = std::iter::once(present.phc).chain(present.earlier);
    all.take(remembered.max(1)).collect()
}

/// How many passwords are remembered, the present one among them.
pub(crate) fn remembered(sign_in: &SignIn) -> usize {
    sign_in.server().config().login.password_history
}

/// Whether a password is something known, forwards or backwards, once or several times.
fn is_made_of(password: &str, known: &str) -> bool {
    let (password, known) = (password.to_lowercase(), known.to_lowercase());
    let backwards: String = known.chars().rev().collect();
    !known.is_empty()
        && [known, backwards]
            .iter()
            .any(|known| password.replace(known.as_str(), "").is_empty())
}

/// Whether each character is as far from the one before as all others: 1111, 1234, 9876, aceg.
fn is_sequence(password: &str) -> bool {
    let codes: Vec<i64> = password.chars().map(|c| i64::from(u32::from(c))).collect();
    let mut steps = codes.windows(2).map(|pair| {
        // The key 0 follows the key 9.
        let [from, to] = [pair[0], pair[1]];
        match (from, to) {
            (57, 48) => 1,
            (48, 57) => -1,
            _ => to - from,
        }
    });
    let Some(first) = steps.next() else {
        return true;
    };
    first.abs() <= 2 && steps.all(|step| step == first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    #[test]
    fn what_anybody_tries_first_is_refused() {
        let known = ["7200", "5001", "Tilde Brask"];
        let long = "x1".repeat(129);
        for bad in [
            "",
            "139",
            &long,
            "7200",
            "0027",
            "72007200",
            "5001",
            "tilde brask",
            "1111",
            "1234",
            "4321",
            "7890",
            "0987",
            "2468",
            "abcdef",
        ] {
            assert!(check(bad, 4, &known).is_err(), "{bad}");
        }
        for good in ["1379", "7201", "72001", "1235", "12341", "tilde-9", "ab12"] {
            assert!(check(good, 4, &known).is_ok(), "{good}");
        }
        assert!(check("1379", 5, &known).is_err());
        assert!(check("1379", 4, &[""]).is_ok(), "nothing is known");
    }

    #[test]
    fn the_present_password_is_always_among_those_that_cannot_be_taken_again() {
        let mut present = Password::new("3".into(), Timestamp(0));
        present.earlier = vec!["2".into(), "1".into()];
        assert_eq!(past(present.clone(), 0), ["3"]);
        assert_eq!(past(present.clone(), 2), ["3", "2"]);
        assert_eq!(past(present, 9), ["3", "2", "1"]);
    }
}
