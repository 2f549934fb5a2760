//! What the log-in page says when nobody is let in.

use crate::length::spoken;
use contract::{ApiError, ErrorCode};

/// A refusal as the page shows it: one heavy sentence, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is.
    pub what: String,
    /// What it means and what to do; may be empty.
    pub then: String,
    /// A server has checked the password, and it is wrong: it is to be typed anew.
    pub wrong_password: bool,
}

impl Refusal {
    /// A refusal in these words.
    pub fn new(what: impl Into<String>, then: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            then: then.into(),
            wrong_password: false,
        }
    }

    fn of_wrong_password(self) -> Self {
        Self {
            wrong_password: true,
            ..self
        }
    }

    /// No server answered a log-in.
    pub fn no_answer() -> Self {
        Self::new(
            "Neither server answers.",
            "Your password has not been checked. Try again when there is a connection.",
        )
    }

    /// What went wrong, in its own words.
    pub fn of(error: plugin_sdk::Error) -> Self {
        Self::new(error.to_string(), "")
    }

    /// A server refused a change of password.
    pub fn of_password_change(error: &ApiError) -> Self {
        match error.code {
            ErrorCode::WrongPassword => {
                Self::new("The present password is wrong.", "").of_wrong_password()
            }
            _ => Self::of_login(error),
        }
    }

    /// A server refused a log-in.
    pub fn of_login(error: &ApiError) -> Self {
        match error.code {
            ErrorCode::WrongPassword => Self::new(
                "Mailbox number or password is wrong.",
                match error.tries_left {
                    Some(0) => "No try is left for now. Wait a little.".into(),
                    Some(1) => {
                        "1 try is left. After that you have to wait, a little longer each time."
                            .into()
                    }
                    Some(tries) => format!(
                        "{tries} tries are left. After that you have to wait, a little longer each time."
                    ),
                    None => String::new(),
                },
            )
            .of_wrong_password(),
            ErrorCode::TooManyRequests => Self::new(
                "Too many tries from here.",
                match error.retry_after_s {
                    Some(seconds) => format!("Try again in {}.", spoken(u64::from(seconds) * 1000)),
                    None => "Try again in a minute.".into(),
                },
            ),
            _ => {
                // The server's own sentences: the first says what is, the rest what to do.
                let mut before = ' ';
                let behind_a_stop = |c: char| std::mem::replace(&mut before, c) == '.' && c == ' ';
                let (what, then) = error
                    .message
                    .split_once(behind_a_stop)
                    .unwrap_or((&error.message, ""));
                let what = what.trim_end_matches('.');
                let reference = match error.code {
                    ErrorCode::Locked | ErrorCode::Forbidden | ErrorCode::BadRequest => {
                        String::new()
                    }
                    _ => format!(" Reference for an administrator: {}", error.reference),
                };
                Self::new(format!("{what}."), format!("{then}{reference}").trim())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: ErrorCode, message: &str) -> ApiError {
        ApiError {
            code,
            message: message.into(),
            reference: "login-7f3a".into(),
            tries_left: None,
            retry_after_s: None,
        }
    }

    #[test]
    fn a_wrong_password_tells_the_tries_that_are_left() {
        let mut wrong = error(ErrorCode::WrongPassword, "x");
        wrong.tries_left = Some(2);
        let refusal = Refusal::of_login(&wrong);
        assert_eq!(refusal.what, "Mailbox number or password is wrong.");
        assert!(refusal.then.starts_with("2 tries are left. After that"));
        wrong.tries_left = Some(1);
        assert!(Refusal::of_login(&wrong).then.starts_with("1 try is left."));
    }

    #[test]
    fn only_a_password_that_a_server_has_checked_is_wrong() {
        let wrong = error(ErrorCode::WrongPassword, "x");
        assert!(Refusal::of_login(&wrong).wrong_password);
        assert!(Refusal::of_password_change(&wrong).wrong_password);
        let silence = Refusal::no_answer();
        assert!(
            silence
                .then
                .starts_with("Your password has not been checked.")
        );
        let busy = error(ErrorCode::TooManyRequests, "x");
        for unchecked in [silence, Refusal::of_login(&busy)] {
            assert!(!unchecked.wrong_password);
        }
    }

    #[test]
    fn a_locked_mailbox_is_told_in_the_servers_sentences() {
        let locked = error(
            ErrorCode::Locked,
            "This mailbox is locked after 5 wrong passwords. An administrator can unlock it.",
        );
        assert_eq!(
            Refusal::of_login(&locked),
            Refusal::new(
                "This mailbox is locked after 5 wrong passwords.",
                "An administrator can unlock it."
            )
        );
        let stops = error(ErrorCode::Locked, "Release 7.2 is old. Renew it. Or ask.");
        assert_eq!(
            Refusal::of_login(&stops),
            Refusal::new("Release 7.2 is old.", "Renew it. Or ask.")
        );
        let fault = error(ErrorCode::Internal, "The mailbox could not be opened.");
        assert_eq!(
            Refusal::of_login(&fault),
            Refusal::new(
                "The mailbox could not be opened.",
                "Reference for an administrator: login-7f3a"
            )
        );
    }
}
