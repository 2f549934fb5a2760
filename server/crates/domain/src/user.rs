//! A user and mailbox: the typed view of an object of kind [`Kind::USER`].

use crate::validation_error::ensure;
use crate::{
    Forwarding, Key, Kind, Notification, Object, PhoneDelivery, ServerId, ValidationError, Value,
    check_telephone_number,
};
use contract::Timestamp;

/// The registers of a user. Numbers are never reused.
pub mod user_fields {
    /// The server the user is local to, as a [`crate::ServerId`].
    pub const HOME: u16 = 1;
    /// Mailbox number and DNs, one register: `[number, [dn, …]]`.
    pub const NUMBERS: u16 = 2;
    /// Display name.
    pub const NAME: u16 = 3;
    /// Password, one register: `[argon2id PHC string, milliseconds, must be changed, [PHC strings of those before]]`; the last two are
    /// left out where they say nothing.
    pub const PASSWORD: u16 = 4;
    /// Session epoch: tokens of a lower one are no longer accepted.
    pub const EPOCH: u16 = 5;
    /// Locked by an administrator.
    pub const LOCKED: u16 = 6;
    /// Wrong passwords since the last right one; one register per server, lock-out at their sum.
    pub const FAILED_LOGINS: u16 = 7;
    /// Mailbox class number.
    pub const CLASS: u16 = 8;
    /// Who is told of new messages, and when, one register: [`crate::Notification`].
    pub const NOTIFICATION: u16 = 9;
    /// Delivery to telephone, one register: [`crate::PhoneDelivery`].
    pub const DELIVERY: u16 = 10;
    /// Forwarding and remote text notification, one register: [`crate::Forwarding`].
    pub const FORWARDING: u16 = 11;
    /// Sessions that were ended one by one; one register for each server. See [`crate::User::has_ended`].
    pub const ENDED_SESSIONS: u16 = 12;
}

use user_fields::{
    CLASS, DELIVERY, EPOCH, FAILED_LOGINS, FORWARDING, HOME, LOCKED, NAME, NOTIFICATION, NUMBERS,
    PASSWORD,
};

/// A password as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    /// PHC string of argon2id.
    pub phc: String,
    /// When it was set.
    pub changed_at: Timestamp,
    /// Somebody else has set it: its owner has to choose another before anything else.
    pub must_change: bool,
    /// PHC strings of those before, the latest first.
    pub earlier: Vec<String>,
}

impl Password {
    /// Passwords before the present one that are kept at most.
    pub const EARLIER_MAX: usize = 24;

    /// One that its owner need not change, with none before.
    pub fn new(phc: String, changed_at: Timestamp) -> Self {
        Self {
            phc,
            changed_at,
            must_change: false,
            earlier: Vec::new(),
        }
    }

    /// What [`User::password_value`] wrote. Releases of before wrote hash and moment alone.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let parts = value.as_list()?;
        let earlier = parts.get(3).and_then(Value::as_list).unwrap_or(&[]);
        let earlier = earlier.iter().filter_map(Value::as_text);
        Some(Self {
            phc: parts.first()?.as_text()?.to_owned(),
            changed_at: Timestamp(parts.get(1)?.as_int()?),
            must_change: parts.get(2).and_then(Value::as_bool).unwrap_or(false),
            earlier: earlier.map(str::to_owned).collect(),
        })
    }
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
    /// The class of a user for whom none was given; every server has it.
    pub const CLASS_DEFAULT: i64 = 1;
    /// Characters of a display name.
    pub const NAME_LENGTH_MAX: usize = 100;
    /// DNs of one user.
    pub const DNS_MAX: usize = 10;

    /// The view, if the object is a user.
    pub fn of(object: &'a Object) -> Option<Self> {
        (object.kind == Kind::USER).then_some(Self(object))
    }

    /// What it is read from.
    pub(crate) fn object(&self) -> &'a Object {
        self.0
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

    /// Refuses DNs that cannot be.
    pub fn check_dns(dns: &[String]) -> Result<(), ValidationError> {
        let max = Self::DNS_MAX;
        ensure(dns.len() <= max, || {
            format!("A user has at most {max} DNs.")
        })?;
        dns.iter().try_for_each(|dn| check_telephone_number(dn))
    }

    /// The register of mailbox number and DNs.
    pub fn numbers(number: &str, dns: &[String]) -> Value {
        let dns = dns.iter().cloned().map(Value::Text).collect();
        Value::List(vec![Value::Text(number.to_owned()), Value::List(dns)])
    }

    /// The register of a password.
    pub fn password_value(password: &Password) -> Value {
        let mut parts = vec![
            Value::Text(password.phc.clone()),
            Value::Int(password.changed_at.0),
        ];
        if password.must_change || !password.earlier.is_empty() {
            let earlier = password.earlier.iter().take(Password::EARLIER_MAX);
            let earlier = earlier.cloned().map(Value::Text).collect();
            parts.extend([Value::Bool(password.must_change), Value::List(earlier)]);
        }
        Value::List(parts)
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

    /// DNs: the telephone numbers of the user's own.
    pub fn dns(&self) -> Vec<&'a str> {
        let read = || {
            self.0
                .get(Key::field(NUMBERS))?
                .as_list()?
                .get(1)?
                .as_list()
        };
        let dns = read().unwrap_or(&[]);
        dns.iter().filter_map(Value::as_text).collect()
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
        Password::read(self.0.get(Key::field(PASSWORD))?)
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
            .unwrap_or(Self::CLASS_DEFAULT)
    }

    /// Who is told of new messages, and when.
    pub fn notification(&self) -> Notification {
        let value = self.0.get(Key::field(NOTIFICATION));
        value.and_then(Notification::read).unwrap_or_default()
    }

    /// Delivery to telephone.
    pub fn delivery(&self) -> PhoneDelivery {
        let value = self.0.get(Key::field(DELIVERY));
        value.and_then(PhoneDelivery::read).unwrap_or_default()
    }

    /// Forwarding and remote text notification.
    pub fn forwarding(&self) -> Forwarding {
        let value = self.0.get(Key::field(FORWARDING));
        value.and_then(Forwarding::read).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hlc, Incarnation, Version};

    #[test]
    fn a_user_reads_back_what_was_written() {
        let home = ServerId::of("cp-north.example.net");
        let password = Password::new("$argon2id$x".into(), Timestamp(5));
        let mut object = Object::new(Kind::USER, None, None);
        let version = Version {
            hlc: Hlc(1),
            incarnation: Incarnation(1),
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
    fn a_password_of_before_reads_and_one_with_a_past_keeps_it() {
        let mut password = Password::new("$argon2id$x".into(), Timestamp(5));
        let before = vec![Value::Text("$argon2id$x".into()), Value::Int(5)];
        let before = Value::List(before);
        assert_eq!(User::password_value(&password), before, "as it was written");
        assert_eq!(Password::read(&before), Some(password.clone()));
        password.must_change = true;
        password.earlier = vec!["$argon2id$y".into(); 30];
        let kept = Password::read(&User::password_value(&password)).unwrap();
        assert!(kept.must_change);
        assert_eq!(kept.earlier.len(), Password::EARLIER_MAX);
    }

    #[test]
    fn a_password_keeps_that_it_must_be_changed_and_those_before_each_by_itself() {
        let plain = Password::new("$argon2id$x".into(), Timestamp(5));
        let must_change = Password {
            must_change: true,
            ..plain.clone()
        };
        let with_a_past = Password {
            earlier: vec!["$argon2id$y".into(), "$argon2id$z".into()],
            ..plain
        };
        for password in [must_change, with_a_past] {
            let read = Password::read(&User::password_value(&password)).unwrap();
            assert!(read == password, "what was written is read");
        }
    }

    #[test]
    fn what_two_servers_set_apart_joins_register_by_register() {
        let at = |hlc| Version {
            hlc: Hlc(hlc),
            incarnation: Incarnation(hlc),
        };
        let mut here = Object::new(Kind::USER, None, None);
        here.set(
            Key::field(NUMBERS),
            at(1),
            User::numbers("7200", &["5001".into(), "5002".into()]),
        );
        let mut there = here.clone();
        let delivery = PhoneDelivery {
            on: true,
            number: "907700900123".into(),
            schedule: Vec::new(),
        };
        let forwarding = Forwarding {
            to: Some("7201".into()),
            keep_copy: true,
            ..Forwarding::default()
        };
        here.set(Key::field(DELIVERY), at(2), delivery.value());
        there.set(Key::field(FORWARDING), at(3), forwarding.value());
        there.set(Key::field(CLASS), at(3), Value::Int(4));
        here.join(&there);
        let user = User::of(&here).unwrap();
        assert_eq!((user.delivery(), user.forwarding()), (delivery, forwarding));
        assert_eq!((user.dns(), user.class()), (vec!["5001", "5002"], 4));
        assert_eq!(user.notification(), Notification::default());
    }

    #[test]
    fn only_a_few_numbers_can_be_dns() {
        assert!(User::check_dns(&vec!["5001".to_owned(); User::DNS_MAX]).is_ok());
        assert!(User::check_dns(&vec!["5001".to_owned(); User::DNS_MAX + 1]).is_err());
        assert!(User::check_dns(&["five".to_owned()]).is_err());
    }

    #[test]
    fn wrong_passwords_count_over_both_servers() {
        let mut object = Object::new(Kind::USER, None, None);
        let version = Version {
            hlc: Hlc(1),
            incarnation: Incarnation(1),
        };
        for (server, wrong) in [("a.example", 2), ("b.example", 3)] {
            let key = Key::per_server(FAILED_LOGINS, ServerId::of(server));
            object.set(key, version, Value::Int(wrong));
        }
        assert_eq!(User::of(&object).unwrap().failed_logins(), 5);
    }
}
