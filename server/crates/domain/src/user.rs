//! A user and mailbox: the typed view of an object of kind [`Kind::USER`].

use crate::{Key, Kind, Object, ServerId, Value};
use contract::Timestamp;

/// The registers of a user. Numbers are never reused.
pub mod user_fields {
    /// The server the user is local to, as a [`crate::ServerId`].
    pub const HOME: u16 = 1;
    /// Mailbox number and DNs, one register: `[number, [dn, …]]`.
    pub const NUMBERS: u16 = 2;
    /// Display name.
    pub const NAME: u16 = 3;
    /// Password and when it was set, one register: `[argon2id PHC string, milliseconds]`.
    pub const PASSWORD: u16 = 4;
    /// Session epoch: tokens of a lower one are no longer accepted.
    pub const EPOCH: u16 = 5;
    /// Locked by an administrator.
    pub const LOCKED: u16 = 6;
    /// Wrong passwords since the last right one; one register per server, lock-out at their sum.
    pub const FAILED_LOGINS: u16 = 7;
    /// Mailbox class number.
    pub const CLASS: u16 = 8;
}

use user_fields::{CLASS, EPOCH, FAILED_LOGINS, HOME, LOCKED, NAME, NUMBERS, PASSWORD};

/// A password as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    /// PHC string of argon2id.
    pub phc: String,
    /// When it was set.
    pub changed_at: Timestamp,
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Password")
            .field("changed_at", &self.changed_at)
            .finish_non_exhaustive()
    }
}

/// A user, read from its object. Missing registers read as their defaults.
#[derive(Clone, Copy, Debug)]
pub struct User<'a>(&'a Object);

impl<'a> User<'a> {
    /// The view, if the object is a user.
    pub fn of(object: &'a Object) -> Option<Self> {
        (object.kind == Kind::USER).then_some(Self(object))
    }

    /// The registers of a new user.
    pub fn registers(
        home: ServerId,
        number: &str,
        name: &str,
        password: &Password,
    ) -> Vec<(Key, Value)> {
        vec![
            (Key::field(HOME), home.into()),
            (Key::field(NUMBERS), Self::numbers(number, &[])),
            (Key::field(NAME), Value::Text(name.to_owned())),
            (Key::field(PASSWORD), Self::password_value(password)),
        ]
    }

    /// The register of mailbox number and DNs.
    pub fn numbers(number: &str, dns: &[String]) -> Value {
        let dns = dns.iter().cloned().map(Value::Text).collect();
        Value::List(vec![Value::Text(number.to_owned()), Value::List(dns)])
    }

    /// The register of a password.
    pub fn password_value(password: &Password) -> Value {
        Value::List(vec![
            Value::Text(password.phc.clone()),
            Value::Int(password.changed_at.0),
        ])
    }

    /// The server this user is local to.
    pub fn home(&self) -> Option<ServerId> {
        self.0
            .get(Key::field(HOME))?
            .as_int()
            .map(|n| ServerId(n.cast_unsigned()))
    }

    /// Mailbox number; empty while unknown.
    pub fn number(&self) -> &'a str {
        let first = || {
            self.0
                .get(Key::field(NUMBERS))?
                .as_list()?
                .first()?
                .as_text()
        };
        first().unwrap_or("")
    }

    /// Display name; empty if none.
    pub fn name(&self) -> &'a str {
        self.0
            .get(Key::field(NAME))
            .and_then(Value::as_text)
            .unwrap_or("")
    }

    /// The password.
    pub fn password(&self) -> Option<Password> {
        let parts = self.0.get(Key::field(PASSWORD))?.as_list()?;
        let phc = parts.first()?.as_text()?.to_owned();
        Some(Password {
            phc,
            changed_at: Timestamp(parts.get(1)?.as_int()?),
        })
    }

    /// Session epoch.
    pub fn epoch(&self) -> i64 {
        self.0
            .get(Key::field(EPOCH))
            .and_then(Value::as_int)
            .unwrap_or(0)
    }

    /// Locked by an administrator.
    pub fn locked(&self) -> bool {
        self.0
            .get(Key::field(LOCKED))
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }

    /// Wrong passwords since the last right one, over both servers.
    pub fn failed_logins(&self) -> i64 {
        let all = self
            .0
            .registers
            .range(Key(FAILED_LOGINS, 0)..=Key(FAILED_LOGINS, u64::MAX));
        all.filter_map(|(_, r)| r.value.as_int())
            .fold(0, i64::saturating_add)
    }

    /// Mailbox class number; 1 if none was given.
    pub fn class(&self) -> i64 {
        self.0
            .get(Key::field(CLASS))
            .and_then(Value::as_int)
            .unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hlc, Life, Version};

    #[test]
    fn a_user_reads_back_what_was_written() {
        let home = ServerId::of("cp-north.example.net");
        let password = Password {
            phc: "$argon2id$x".into(),
            changed_at: Timestamp(5),
        };
        let mut object = Object::new(Kind::USER, None, None);
        let version = Version {
            hlc: Hlc(1),
            life: Life(1),
        };
        for (key, value) in User::registers(home, "7200", "Tilde Brask", &password) {
            object.set(key, version, value);
        }
        let user = User::of(&object).unwrap();
        assert_eq!(
            (user.home(), user.number(), user.name()),
            (Some(home), "7200", "Tilde Brask")
        );
        assert_eq!(user.password(), Some(password));
        assert_eq!((user.epoch(), user.locked(), user.class()), (0, false, 1));
    }

    #[test]
    fn wrong_passwords_count_over_both_servers() {
        let mut object = Object::new(Kind::USER, None, None);
        let version = Version {
            hlc: Hlc(1),
            life: Life(1),
        };
        for (server, wrong) in [("a.example", 2), ("b.example", 3)] {
            let key = Key::per_server(FAILED_LOGINS, ServerId::of(server));
            object.set(key, version, Value::Int(wrong));
        }
        assert_eq!(User::of(&object).unwrap().failed_logins(), 5);
    }
}
