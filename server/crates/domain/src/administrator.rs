//! The account of an administrator: the typed view of an object of kind [`Kind::ADMINISTRATOR`].
//!
//! Its id follows from its name, so both servers mean the same account however they made it. It is never deleted by itself, for what was
//! deleted once is not made again: an account that was removed says so in a register. Sessions are registers, too, a few for each server
//! ([`HeldSession`]): a session that ends on one server so ends on the other, and what there is to remember has an end.

use crate::derived::derived_id;
use crate::validation_error::ensure;
use crate::{Key, Kind, Object, Password, ServerId, User, ValidationError, Value};
use contract::{AdministratorRole, ObjectId, Timestamp};

/// The registers of an administrator's account. Numbers are never reused.
pub mod administrator_fields {
    /// Its name; set at creation.
    pub const NAME: u16 = 1;
    /// Password and when it was set, one register, as a user's.
    pub const PASSWORD: u16 = 2;
    /// What it may do: 1 read only, 2 operator, 3 administrator.
    pub const ROLE: u16 = 3;
    /// Session epoch: tokens of a lower one are no longer accepted.
    pub const EPOCH: u16 = 4;
    /// Locked by an administrator.
    pub const LOCKED: u16 = 5;
    /// Whether it is there; false once it was removed.
    pub const PRESENT: u16 = 6;
    /// The secret that makes codes, one register: [`super::SecondFactor`]; null: none.
    pub const SECOND_FACTOR: u16 = 7;
    /// The last step of time whose code was used; one register for each server.
    pub const CODE_USED: u16 = 8;
    /// The sessions that a server gave out; one register for each of its [`super::AdministratorAccount::SESSIONS_MAX`] places.
    pub const SESSION: u16 = 9;
}

use administrator_fields::{
    CODE_USED, EPOCH, LOCKED, NAME, PASSWORD, PRESENT, ROLE, SECOND_FACTOR, SESSION,
};

/// Low bits of a session's place: the number of the place; the others are the server's.
const PLACE_BITS: u64 = 0x1f;

/// A session as it is kept. Who holds its token is known by place and beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldSession {
    /// Its place: which server gave it out, and which of its sessions it is.
    pub place: u64,
    /// When it began; of one place, each later than the one before.
    pub began_at: Timestamp,
    /// When it ends however often it is renewed.
    pub ends_at: Timestamp,
    /// The account's session epoch when it began.
    pub epoch: i64,
    /// The address that it was begun from.
    pub from: String,
    /// It was ended before its time.
    pub ended: bool,
}

/// What makes the codes of a second factor.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeSecret {
    /// The shared secret (RFC 4226 section 4, R6).
    pub bytes: Vec<u8>,
    /// A right code has been shown, so signing in takes one from now on.
    pub confirmed: bool,
}

/// What the register of a second factor holds: `[bytes, confirmed]`, and a 1 behind them where the bytes are sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecondFactor {
    /// The secret, as it is used and replicated.
    Plain(OneTimeSecret),
    /// The secret, sealed by the server whose disk it lies on. Nothing else sees this, but where a server has lost the key.
    Sealed(OneTimeSecret),
}

/// Before sealed bytes, so that [`Object::join`] takes a plain secret for the greater of two values of one version: a server that has lost
/// its key gets the secret back from its partner, and never the other way round.
const SEALED_PREFIX: [u8; 16] = [0; 16];

impl std::fmt::Debug for OneTimeSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OneTimeSecret")
            .field("confirmed", &self.confirmed)
            .finish_non_exhaustive()
    }
}

impl SecondFactor {
    /// Where it is kept.
    pub const KEY: Key = Key::field(SECOND_FACTOR);

    /// What [`Self::value`] wrote.
    pub fn read(value: &Value) -> Option<Self> {
        let parts = value.as_list()?;
        let bytes = parts.first()?.as_bytes()?;
        let confirmed = parts.get(1)?.as_bool()?;
        let of = |bytes: &[u8]| OneTimeSecret {
            bytes: bytes.to_vec(),
            confirmed,
        };
        match parts.get(2) {
            None => Some(Self::Plain(of(bytes))),
            // A form of a later release is at least no plain secret.
            Some(_) => Some(Self::Sealed(of(bytes
                .strip_prefix(&SEALED_PREFIX)
                .unwrap_or(bytes)))),
        }
    }

    /// Its register's value.
    pub fn value(&self) -> Value {
        let (bytes, confirmed, more) = match self {
            Self::Plain(secret) => (secret.bytes.clone(), secret.confirmed, None),
            Self::Sealed(secret) => {
                let bytes = [&SEALED_PREFIX[..], &secret.bytes].concat();
                (bytes, secret.confirmed, Some(Value::Int(1)))
            }
        };
        let parts = [Value::Bytes(bytes), Value::Bool(confirmed)];
        Value::List(parts.into_iter().chain(more).collect())
    }

    /// Whether signing in takes a code.
    pub fn is_confirmed(&self) -> bool {
        let (Self::Plain(secret) | Self::Sealed(secret)) = self;
        secret.confirmed
    }
}

impl HeldSession {
    /// Its register.
    pub fn register(&self) -> (Key, Value) {
        let value = Value::List(vec![
            Value::Int(self.began_at.0),
            Value::Int(self.ends_at.0),
            Value::Text(self.from.clone()),
            Value::Bool(self.ended),
            Value::Int(self.epoch),
        ]);
        (Key(SESSION, self.place), value)
    }

    fn read(place: u64, value: &Value) -> Option<Self> {
        let parts = value.as_list()?;
        Some(Self {
            place,
            began_at: Timestamp(parts.first()?.as_int()?),
            ends_at: Timestamp(parts.get(1)?.as_int()?),
            from: parts.get(2)?.as_text()?.to_owned(),
            ended: parts.get(3)?.as_bool()?,
            epoch: parts.get(4)?.as_int()?,
        })
    }
}

/// An administrator's account, read from its object. Missing registers read as what allows least.
#[derive(Clone, Copy, Debug)]
pub struct AdministratorAccount<'a>(&'a Object);

impl<'a> AdministratorAccount<'a> {
    /// Accounts that there can be, those that were removed included: they are remembered, so that a removal wins.
    pub const ACCOUNTS_MAX: usize = 1_000;
    /// Sessions of one administrator that one server has given out and that go on; a further one ends the oldest.
    pub const SESSIONS_MAX: u64 = 16;
    /// Characters of a name.
    pub const NAME_LENGTH_MAX: usize = 32;

    /// The view, if the object is an administrator's account that is there.
    pub fn of(object: &'a Object) -> Option<Self> {
        Self::of_any(object).filter(|account| account.flag(PRESENT))
    }

    /// The view, whether or not the account was removed.
    pub fn of_any(object: &'a Object) -> Option<Self> {
        (object.kind == Kind::ADMINISTRATOR).then_some(Self(object))
    }

    /// A name as it is kept.
    ///
    /// # Errors
    /// A sentence, for what cannot be one.
    pub fn checked_name(name: &str) -> Result<String, ValidationError> {
        let name = name.trim().to_ascii_lowercase();
        let of = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        let fits = (2..=Self::NAME_LENGTH_MAX).contains(&name.len())
            && name.bytes().all(of)
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            // What others who may administer are called in the audit trail.
            && !["root", "token"].contains(&&*name);
        ensure(fits, || {
            let max = Self::NAME_LENGTH_MAX;
            format!(
                "An administrator's name has 2 to {max} letters from a to z, digits, dots, hyphens and underscores, begins with a letter, and is neither root nor token."
            )
        })?;
        Ok(name)
    }

    /// The id of the account with this name, as [`Self::checked_name`] gives it.
    pub fn id(name: &str) -> ObjectId {
        derived_id("CallPilot 2026 administrator", &[name.as_bytes()])
    }

    /// The registers of an account that is made, or made again after it was removed: nothing of the one before is left.
    pub fn registers(
        name: &str,
        role: AdministratorRole,
        password: &Password,
        epoch: i64,
    ) -> Vec<(Key, Value)> {
        vec![
            (Key::field(NAME), Value::Text(name.to_owned())),
            (Key::field(PASSWORD), User::password_value(password)),
            Self::role_value(role),
            (Key::field(EPOCH), Value::Int(epoch)),
            (Key::field(LOCKED), Value::Bool(false)),
            (Key::field(PRESENT), Value::Bool(true)),
            (Key::field(SECOND_FACTOR), Value::Null),
        ]
    }

    /// The register of a role.
    pub fn role_value(role: AdministratorRole) -> (Key, Value) {
        let number = match role {
            AdministratorRole::ReadOnly => 1,
            AdministratorRole::Operator => 2,
            AdministratorRole::Administrator => 3,
        };
        (Key::field(ROLE), Value::Int(number))
    }

    /// The register that ends all sessions.
    pub fn next_epoch(&self) -> (Key, Value) {
        let next = self.epoch().saturating_add(1);
        (Key::field(EPOCH), Value::Int(next))
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        let name = self.0.get(Key::field(NAME)).and_then(Value::as_text);
        name.unwrap_or("")
    }

    /// Its password.
    pub fn password(&self) -> Option<Password> {
        Password::read(self.0.get(Key::field(PASSWORD))?)
    }

    /// What it may do.
    pub fn role(&self) -> AdministratorRole {
        match self.0.get(Key::field(ROLE)).and_then(Value::as_int) {
            Some(3) => AdministratorRole::Administrator,
            Some(2) => AdministratorRole::Operator,
            _ => AdministratorRole::ReadOnly,
        }
    }

    /// Session epoch.
    pub fn epoch(&self) -> i64 {
        let epoch = self.0.get(Key::field(EPOCH)).and_then(Value::as_int);
        epoch.unwrap_or(0)
    }

    /// Locked by an administrator.
    pub fn locked(&self) -> bool {
        self.flag(LOCKED)
    }

    /// What makes its codes, confirmed or not.
    pub fn second_factor(&self) -> Option<SecondFactor> {
        SecondFactor::read(self.0.get(SecondFactor::KEY)?)
    }

    /// Whether signing in takes a code.
    pub fn has_second_factor(&self) -> bool {
        self.second_factor()
            .is_some_and(|factor| factor.is_confirmed())
    }

    /// Whether signing in takes a code, and this server cannot say which: it has lost the key that the secret was sealed with.
    pub fn has_unreadable_second_factor(&self) -> bool {
        let is = |factor| matches!(factor, SecondFactor::Sealed(secret) if secret.confirmed);
        self.second_factor().is_some_and(is)
    }

    /// The last step of time whose code was used, on either server.
    pub fn code_used(&self) -> Option<i64> {
        let all = Key(CODE_USED, 0)..=Key(CODE_USED, u64::MAX);
        let used = self.0.registers.range(all);
        used.filter_map(|(_, r)| r.value.as_int()).max()
    }

    /// The sessions that are kept, those of both servers, ended ones among them.
    pub fn sessions(&self) -> impl Iterator<Item = HeldSession> + use<'a> {
        let all = Key(SESSION, 0)..=Key(SESSION, u64::MAX);
        let kept = self.0.registers.range(all);
        kept.filter_map(|(key, r)| HeldSession::read(key.1, &r.value))
    }

    /// Whether a session that is kept goes on at a moment.
    pub fn is_live(&self, session: &HeldSession, now: Timestamp) -> bool {
        !session.ended && session.ends_at > now && session.epoch >= self.epoch()
    }

    /// The session that is kept at a place.
    pub fn session_at(&self, place: u64) -> Option<HeldSession> {
        HeldSession::read(place, self.0.get(Key(SESSION, place))?)
    }

    /// A new session of a server: at a place where none goes on, or else that of the oldest, which ends by it.
    pub fn begin_session(
        &self,
        server: ServerId,
        from: &str,
        now: Timestamp,
        length_ms: i64,
    ) -> HeldSession {
        let places = (0..Self::SESSIONS_MAX).map(|n| (server.0 & !PLACE_BITS) | n);
        let before = places.map(|place| (place, self.session_at(place)));
        let worth = |kept: &Option<HeldSession>| match kept {
            Some(kept) if self.is_live(kept, now) => (2, kept.began_at),
            // Taken before one that was never used, so that an account does not grow.
            Some(kept) => (0, kept.began_at),
            None => (1, Timestamp(0)),
        };
        let found = before.min_by_key(|(_, kept)| worth(kept));
        let (place, before) = found.unwrap_or((server.0 & !PLACE_BITS, None));
        // A clock that was set back must not make two sessions look the same.
        let began_at = before.map_or(now, |kept| now.max(Timestamp(kept.began_at.0 + 1)));
        HeldSession {
            place,
            began_at,
            ends_at: Timestamp(now.0.saturating_add(length_ms)),
            epoch: self.epoch(),
            from: from.to_owned(),
            ended: false,
        }
    }

    fn flag(&self, field: u16) -> bool {
        let flag = self.0.get(Key::field(field)).and_then(Value::as_bool);
        flag.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hlc, Incarnation, Version};

    fn set(object: &mut Object, hlc: u64, registers: Vec<(Key, Value)>) {
        let version = Version {
            hlc: Hlc(hlc),
            incarnation: Incarnation(hlc),
        };
        for (key, value) in registers {
            object.set(key, version, value);
        }
    }

    fn account(role: AdministratorRole) -> Object {
        let mut object = Object::new(Kind::ADMINISTRATOR, None, None);
        let password = Password::new("$argon2id$x".into(), Timestamp(5));
        let registers = AdministratorAccount::registers("mira", role, &password, 0);
        set(&mut object, 1, registers);
        object
    }

    #[test]
    fn an_account_reads_back_what_was_written_and_what_is_missing_allows_least() {
        let object = account(AdministratorRole::Operator);
        let read = AdministratorAccount::of(&object).unwrap();
        assert_eq!(
            (read.name(), read.role(), read.epoch(), read.locked()),
            ("mira", AdministratorRole::Operator, 0, false)
        );
        assert_eq!(read.password().unwrap().phc, "$argon2id$x");
        assert!(!read.has_second_factor() && read.code_used().is_none());
        let empty = Object::new(Kind::ADMINISTRATOR, None, None);
        assert!(AdministratorAccount::of(&empty).is_none());
        let empty = AdministratorAccount::of_any(&empty).unwrap();
        assert_eq!(empty.role(), AdministratorRole::ReadOnly);
        let user = Object::new(Kind::USER, None, None);
        assert!(AdministratorAccount::of_any(&user).is_none());
    }

    #[test]
    fn a_name_is_short_and_plain_and_nobody_elses() {
        let checked = AdministratorAccount::checked_name;
        assert_eq!(checked(" Mira.T-1 ").unwrap(), "mira.t-1");
        let long = "a".repeat(33);
        for bad in ["", "a", "root", "token", "7200", "uid 998", "mära", &long] {
            assert!(checked(bad).is_err(), "{bad}");
        }
        // Written out, because two releases must agree on it.
        assert_eq!(
            AdministratorAccount::id("mira").to_string(),
            "fd561afe-907c-842b-8b4e-e2f09e20ace8"
        );
    }

    #[test]
    fn a_further_session_takes_the_place_of_one_that_is_over_or_else_of_the_oldest() {
        let server = ServerId::of("cp-north.example.net");
        let mut object = account(AdministratorRole::Administrator);
        let begin = |object: &mut Object, now: i64| {
            let account = AdministratorAccount::of(object).unwrap();
            let begun = account.begin_session(server, "192.0.2.1", Timestamp(now), 1_000);
            set(object, now.cast_unsigned(), vec![begun.register()]);
            begun
        };
        let max = AdministratorAccount::SESSIONS_MAX.cast_signed();
        let all: Vec<_> = (10..10 + max).map(|now| begin(&mut object, now)).collect();
        let account = AdministratorAccount::of(&object).unwrap();
        assert_eq!(account.sessions().count(), all.len());
        let mut ended = all[3].clone();
        ended.ended = true;
        set(&mut object, 100, vec![ended.register()]);
        assert_eq!(begin(&mut object, 101).place, all[3].place);
        assert_eq!(begin(&mut object, 102).place, all[0].place, "the oldest");
        // The clock goes back: the place says all the same which one is the later.
        let again = begin(&mut object, 11);
        assert_eq!((again.place, again.began_at), (all[1].place, Timestamp(12)));
    }

    #[test]
    fn a_session_goes_on_until_the_moment_of_its_end() {
        let object = account(AdministratorRole::Operator);
        let read = AdministratorAccount::of(&object).unwrap();
        let server = ServerId::of("cp-north.example.net");
        let session = read.begin_session(server, "192.0.2.1", Timestamp(10), 1_000);
        assert_eq!(session.ends_at, Timestamp(1_010));
        assert!(read.is_live(&session, Timestamp(1_009)));
        assert!(!read.is_live(&session, session.ends_at));
        assert!(!read.is_live(&session, Timestamp(1_011)));
    }

    #[test]
    fn an_account_is_locked_when_that_was_written() {
        let mut object = account(AdministratorRole::Operator);
        for (hlc, locked) in [(2, true), (3, false)] {
            let register = (Key::field(LOCKED), Value::Bool(locked));
            set(&mut object, hlc, vec![register]);
            let read = AdministratorAccount::of(&object).unwrap();
            assert_eq!(read.locked(), locked);
        }
    }

    #[test]
    fn a_second_factor_counts_once_a_right_code_was_shown() {
        let mut object = account(AdministratorRole::Operator);
        for (hlc, confirmed) in [(2, false), (3, true)] {
            let bytes = vec![7; 20];
            let secret = OneTimeSecret { bytes, confirmed };
            let of = [
                SecondFactor::Plain(secret.clone()),
                SecondFactor::Sealed(secret),
            ];
            for (factor, is_sealed) in of.into_iter().zip([false, true]) {
                let hlc = 2 * hlc + u64::from(is_sealed);
                set(&mut object, hlc, vec![(SecondFactor::KEY, factor.value())]);
                let read = AdministratorAccount::of(&object).unwrap();
                assert_eq!(read.second_factor(), Some(factor));
                assert_eq!(read.has_second_factor(), confirmed);
                let unreadable = read.has_unreadable_second_factor();
                assert_eq!(unreadable, confirmed && is_sealed);
            }
        }
        set(&mut object, 9, vec![(SecondFactor::KEY, Value::Null)]);
        let read = AdministratorAccount::of(&object).unwrap();
        assert!(!read.has_second_factor() && read.second_factor().is_none());
    }

    #[test]
    fn a_server_that_has_lost_its_key_gets_the_secret_from_its_partner_and_gives_it_no_sealed_one()
    {
        let secret = |byte| OneTimeSecret {
            bytes: vec![byte; 20],
            confirmed: true,
        };
        let with = |factor: SecondFactor| {
            let mut object = account(AdministratorRole::Operator);
            set(&mut object, 2, vec![(SecondFactor::KEY, factor.value())]);
            object
        };
        for (plain, sealed) in [(1, 255), (255, 1)] {
            let mut here = with(SecondFactor::Sealed(secret(sealed)));
            let mut there = with(SecondFactor::Plain(secret(plain)));
            assert!(there.join(&here).ahead && here.join(&there).changed);
            for object in [here, there] {
                let kept = AdministratorAccount::of(&object).unwrap().second_factor();
                assert_eq!(kept, Some(SecondFactor::Plain(secret(plain))));
            }
        }
    }

    #[test]
    fn sessions_and_their_ends_join_over_both_servers() {
        let (north, south) = (ServerId(0x1234_0000), ServerId(0x5678_0000));
        let mut here = account(AdministratorRole::Administrator);
        let begin = |object: &Object, server| {
            let account = AdministratorAccount::of(object).unwrap();
            account.begin_session(server, "192.0.2.1", Timestamp(10), 1_000)
        };
        let first = begin(&here, north);
        set(&mut here, 10, vec![first.register()]);
        let mut there = here.clone();
        let second = begin(&there, south);
        set(&mut there, 11, vec![second.register()]);
        let mut ended = first.clone();
        ended.ended = true;
        set(&mut there, 12, vec![ended.register()]);
        here.join(&there);
        let joined = AdministratorAccount::of(&here).unwrap();
        let live: Vec<_> = joined
            .sessions()
            .filter(|s| joined.is_live(s, Timestamp(20)))
            .collect();
        assert_eq!(live, std::slice::from_ref(&second));
        let next = joined.next_epoch();
        set(&mut here, 13, vec![next]);
        let joined = AdministratorAccount::of(&here).unwrap();
        assert!(!joined.is_live(&second, Timestamp(20)), "all were ended");
    }
}
