//! Sessions of a user that were ended one by one, as they are kept with the user: so they are over on both servers.
//!
//! Each server keeps those that ended on it in one register of its own, so that two that end at the same time do not push each other out. How
//! many it remembers has an end, and for how long.

use crate::user_fields::ENDED_SESSIONS;
use crate::{Key, ServerId, User, Value};
use contract::Timestamp;

/// Bytes of one: its number, and until when it is remembered, in milliseconds; both big-endian.
const LEN: usize = 16;

/// A session that is over before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EndedSession {
    number: u64,
    until: Timestamp,
}

impl EndedSession {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (number, until) = bytes.split_first_chunk::<8>()?;
        Some(Self {
            number: u64::from_be_bytes(*number),
            until: Timestamp(i64::from_be_bytes(until.try_into().ok()?)),
        })
    }

    fn bytes(self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(&self.number.to_be_bytes());
        bytes[8..].copy_from_slice(&self.until.0.to_be_bytes());
        bytes
    }
}

fn all(value: &Value) -> impl Iterator<Item = EndedSession> {
    let bytes = value.as_bytes().unwrap_or(&[]);
    bytes.chunks_exact(LEN).filter_map(EndedSession::read)
}

impl User<'_> {
    /// Ended sessions that each server remembers of one user. A further one takes the place of the one that is forgotten first.
    pub const ENDED_SESSIONS_MAX: usize = 128;

    /// Whether a session was ended by itself, on either server.
    pub fn has_ended(&self, session: u64) -> bool {
        let keys = Key(ENDED_SESSIONS, 0)..=Key(ENDED_SESSIONS, u64::MAX);
        let mut kept = self.object().registers.range(keys);
        kept.any(|(_, register)| all(&register.value).any(|ended| ended.number == session))
    }

    /// The register that ends a session on a server, and remembers it until a moment: then every token of it has to be over. Those whose moment
    /// is over `now` are forgotten by it.
    pub fn ended_session(
        &self,
        server: ServerId,
        session: u64,
        until: Timestamp,
        now: Timestamp,
    ) -> (Key, Value) {
        let key = Key::per_server(ENDED_SESSIONS, server);
        let kept = self.object().get(key).into_iter().flat_map(all);
        let kept = kept.filter(|ended| ended.until > now && ended.number != session);
        let mut kept: Vec<_> = kept.collect();
        kept.sort_by_key(|ended| std::cmp::Reverse(ended.until));
        kept.truncate(Self::ENDED_SESSIONS_MAX - 1);
        kept.push(EndedSession {
            number: session,
            until,
        });
        let bytes = kept.into_iter().flat_map(EndedSession::bytes).collect();
        (key, Value::Bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hlc, Incarnation, Kind, Object, Version};

    fn set(object: &mut Object, hlc: u64, (key, value): (Key, Value)) {
        let version = Version {
            hlc: Hlc(hlc),
            incarnation: Incarnation(1),
        };
        object.set(key, version, value);
    }

    fn end(object: &mut Object, server: ServerId, session: u64, until: i64, now: i64) {
        let user = User::of(object).unwrap();
        let register = user.ended_session(server, session, Timestamp(until), Timestamp(now));
        let hlc = object.newest().hlc.0 + 1;
        set(object, hlc, register);
    }

    fn octets(object: &Object) -> usize {
        let kept = object.registers.values();
        kept.filter_map(|register| register.value.as_bytes())
            .map(<[u8]>::len)
            .sum()
    }

    #[test]
    fn sessions_that_end_on_two_servers_at_once_are_over_on_both_and_others_go_on() {
        let (north, south) = (ServerId(1), ServerId(2));
        let mut here = Object::new(Kind::USER, None, None);
        let mut there = here.clone();
        end(&mut here, north, 7, 1_000, 0);
        end(&mut there, south, 8, 1_000, 0);
        here.join(&there);
        there.join(&here);
        for object in [&here, &there] {
            let user = User::of(object).unwrap();
            assert!(user.has_ended(7) && user.has_ended(8) && !user.has_ended(9));
        }
    }

    #[test]
    fn what_is_remembered_of_ended_sessions_has_an_end() {
        let server = ServerId(1);
        let mut object = Object::new(Kind::USER, None, None);
        let max = User::ENDED_SESSIONS_MAX;
        for session in 0..max as u64 {
            end(&mut object, server, session, 1_000 + session as i64, 0);
            end(&mut object, server, session, 1_000 + session as i64, 0);
        }
        assert_eq!(octets(&object), max * LEN, "each once");
        end(&mut object, server, 500, 5_000, 0);
        assert_eq!(octets(&object), max * LEN);
        let has = |object: &Object, session| User::of(object).unwrap().has_ended(session);
        assert!(!has(&object, 0), "the one that is forgotten first");
        assert!(has(&object, 1) && has(&object, 500));
        end(&mut object, server, 501, 9_000, 5_000);
        assert!(!has(&object, 500), "its moment is over");
        assert_eq!(octets(&object), LEN);
    }

    #[test]
    fn octets_that_are_no_session_end_none() {
        let mut object = Object::new(Kind::USER, None, None);
        for (hlc, value) in [
            (1, Value::Null),
            (2, Value::Bytes(vec![0; LEN - 1])),
            (3, Value::Text("0".repeat(LEN))),
        ] {
            set(
                &mut object,
                hlc,
                (Key::per_server(ENDED_SESSIONS, ServerId(1)), value),
            );
            assert!(!User::of(&object).unwrap().has_ended(0));
        }
    }
}
