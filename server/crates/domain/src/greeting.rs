//! A greeting or a recorded name: the typed view of an object of kind [`Kind::GREETING`].
//!
//! Each *recording* is an object of its own, with the sound as its body, because a body never changes in the life of an object. A
//! slot holds whatever was recorded for it last: of all recordings of a slot the one with the newest version counts, by the same
//! order in which registers are joined, so two servers that were apart agree as soon as they have met. The older ones are
//! superseded, and deleting them is right at any time and on either server: nothing can make them count again.
//!
//! Taking a greeting away is a recording without sound. If it were a deletion instead, an older recording that was made on the
//! other server meanwhile would come through.

use crate::{BodyRef, Key, Kind, Object, Value, Version};
use contract::{ObjectId, Timestamp};

/// The registers of a greeting. Numbers are never reused.
pub mod greeting_fields {
    /// Slot, when it was recorded, and its length, one register: `[slot, milliseconds, milliseconds]`; set at creation.
    pub const RECORDING: u16 = 1;
    /// When it switches itself off, in milliseconds since 1970; null, or not set: never.
    pub const END: u16 = 2;
}

use greeting_fields::{END, RECORDING};

/// What is played when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// To callers from outside.
    External,
    /// To callers from inside.
    Internal,
    /// To everybody while the owner is away for some time.
    Temporary,
    /// The owner's name, spoken by the owner.
    RecordedName,
}

impl Slot {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::External,
        Self::Internal,
        Self::Temporary,
        Self::RecordedName,
    ];

    /// The number it is stored under.
    pub fn number(self) -> i64 {
        match self {
            Self::External => 0,
            Self::Internal => 1,
            Self::Temporary => 2,
            Self::RecordedName => 3,
        }
    }

    /// The slot of a number; `None` for one of a later level.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|slot| slot.number() == number)
    }
}

/// A recording, read from its object.
#[derive(Clone, Copy, Debug)]
pub struct Greeting<'a>(&'a Object);

impl<'a> Greeting<'a> {
    /// The longest recording, in milliseconds: 5 minutes, 1.2 MB as it is stored.
    pub const LENGTH_MS_MAX: u64 = 300_000;

    /// The view, if the object is a greeting.
    pub fn of(object: &'a Object) -> Option<Self> {
        (object.kind == Kind::GREETING).then_some(Self(object))
    }

    /// The registers of a new recording.
    pub fn registers(slot: Slot, recorded_at: Timestamp, length_ms: u64) -> Vec<(Key, Value)> {
        let length_ms = i64::try_from(length_ms).unwrap_or(i64::MAX);
        let parts = [slot.number(), recorded_at.0, length_ms].map(Value::Int);
        vec![(Key::field(RECORDING), Value::List(parts.into()))]
    }

    /// What it is for; `None` if that is not known at this level.
    pub fn slot(&self) -> Option<Slot> {
        self.part(0).and_then(Slot::from_number)
    }

    /// When it was recorded, by the clock of the server that took it: to be shown, not to be compared.
    pub fn recorded_at(&self) -> Timestamp {
        Timestamp(self.part(1).unwrap_or(0))
    }

    /// Its length in milliseconds.
    pub fn length_ms(&self) -> u64 {
        u64::try_from(self.part(2).unwrap_or(0)).unwrap_or(0)
    }

    /// When it switches itself off; `None`: never.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.0.get(Key::field(END))?.as_int().map(Timestamp)
    }

    /// The register of a new end.
    pub fn end(ends_at: Option<Timestamp>) -> (Key, Value) {
        let value = ends_at.map_or(Value::Null, |at| Value::Int(at.0));
        (Key::field(END), value)
    }

    /// Its sound; `None`: the greeting was taken away.
    pub fn body(&self) -> Option<BodyRef> {
        self.0.body
    }

    /// The recording that counts in a slot, among the objects of a user.
    pub fn newest(slot: Slot, objects: &[(ObjectId, Object)]) -> Option<&(ObjectId, Object)> {
        Self::in_slot(slot, objects).max_by_key(|recording| Self::rank(recording))
    }

    /// The recordings of a slot that count no longer.
    pub fn superseded(slot: Slot, objects: &[(ObjectId, Object)]) -> Vec<ObjectId> {
        let newest = Self::newest(slot, objects).map(|(id, _)| *id);
        Self::in_slot(slot, objects)
            .map(|(id, _)| *id)
            .filter(|id| Some(*id) != newest)
            .collect()
    }

    fn in_slot(
        slot: Slot,
        objects: &[(ObjectId, Object)],
    ) -> impl Iterator<Item = &(ObjectId, Object)> {
        let of = move |object| Greeting::of(object).and_then(|greeting| greeting.slot());
        objects
            .iter()
            .filter(move |(_, object)| of(object) == Some(slot))
    }

    /// The id decides between two of one version, which one server cannot make.
    fn rank((id, object): &(ObjectId, Object)) -> (Version, ObjectId) {
        (object.version(Key::field(RECORDING)), *id)
    }

    fn part(&self, at: usize) -> Option<i64> {
        let parts = self.0.get(Key::field(RECORDING))?.as_list()?;
        parts.get(at)?.as_int()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hlc, Incarnation};

    fn recording(id: u8, slot: Slot, hlc: u64, sound: Option<&[u8]>) -> (ObjectId, Object) {
        let owner = ObjectId::from_bytes([1; 16]);
        let mut object = Object::new(Kind::GREETING, Some(owner), sound.map(BodyRef::of));
        let version = Version {
            hlc: Hlc(hlc),
            incarnation: Incarnation(1),
        };
        for (key, value) in Greeting::registers(slot, Timestamp(7), 4_000) {
            object.set(key, version, value);
        }
        (ObjectId::from_bytes([id; 16]), object)
    }

    fn newest(slot: Slot, all: &[(ObjectId, Object)]) -> Option<u8> {
        Greeting::newest(slot, all).map(|(id, _)| id.as_bytes()[0])
    }

    #[test]
    fn a_greeting_reads_back_what_was_written() {
        for slot in Slot::ALL {
            let (_, object) = recording(1, slot, 1, Some(b"sound"));
            let greeting = Greeting::of(&object).unwrap();
            assert_eq!(greeting.slot(), Some(slot));
            assert_eq!(
                (greeting.recorded_at(), greeting.length_ms()),
                (Timestamp(7), 4_000)
            );
            assert_eq!(greeting.body(), Some(BodyRef::of(b"sound")));
        }
        assert!(Greeting::of(&Object::new(Kind::USER, None, None)).is_none());
    }

    #[test]
    fn an_end_can_be_set_and_taken_back_and_makes_no_recording_newer() {
        let (id, mut object) = recording(1, Slot::Temporary, 5, Some(b"sound"));
        assert_eq!(Greeting::of(&object).unwrap().ends_at(), None);
        for (hlc, end) in [
            (7, Some(Timestamp(99))),
            (8, None),
            (9, Some(Timestamp(-1))),
        ] {
            let version = Version {
                hlc: Hlc(hlc),
                incarnation: Incarnation(1),
            };
            let (key, value) = Greeting::end(end);
            object.set(key, version, value);
            assert_eq!(Greeting::of(&object).unwrap().ends_at(), end);
        }
        let newer = recording(2, Slot::Temporary, 6, Some(b"newer"));
        assert_eq!(newest(Slot::Temporary, &[(id, object), newer]), Some(2));
    }

    #[test]
    fn of_two_recordings_made_apart_the_newest_counts_on_both_servers() {
        let here = recording(9, Slot::External, 5, Some(b"here"));
        let there = recording(2, Slot::External, 6, Some(b"there"));
        let name = recording(3, Slot::RecordedName, 9, Some(b"name"));
        let one = [here.clone(), there.clone(), name.clone()];
        let other = [name, there, here];
        for all in [one, other] {
            assert_eq!(newest(Slot::External, &all), Some(2));
            assert_eq!(
                Greeting::superseded(Slot::External, &all),
                [ObjectId::from_bytes([9; 16])]
            );
            assert_eq!(newest(Slot::RecordedName, &all), Some(3));
            assert_eq!(newest(Slot::Internal, &all), None);
        }
    }

    #[test]
    fn what_was_taken_away_last_stays_away_though_an_older_recording_comes() {
        let gone = recording(1, Slot::Temporary, 6, None);
        let late = recording(2, Slot::Temporary, 5, Some(b"older"));
        let all = [gone, late];
        let (_, counts) = Greeting::newest(Slot::Temporary, &all).unwrap();
        assert_eq!(Greeting::of(counts).unwrap().body(), None);
    }

    #[test]
    fn a_slot_of_a_later_level_disturbs_nothing() {
        let (id, mut object) = recording(1, Slot::External, 1, None);
        let version = Version {
            hlc: Hlc(2),
            incarnation: Incarnation(1),
        };
        let later = Value::List(vec![Value::Int(77), Value::Int(0), Value::Int(0)]);
        object.set(Key::field(RECORDING), version, later);
        assert_eq!(Greeting::of(&object).unwrap().slot(), None);
        let all = [(id, object)];
        assert!(Slot::ALL.iter().all(|slot| newest(*slot, &all).is_none()));
    }
}
