//! What a user has handed in to be sent: objects of kind [`Kind::SUBMISSION`].
//!
//! The user's client draws its identity, so that it can ask again when the answer was lost, at either server: a submission that is here was
//! accepted, and says what became of it. It has no body: the message that was made of it is an object of its own.

use crate::{Key, Kind, Object, Timestamp, Value};
use contract::ObjectId;

/// The registers of a submission. Numbers are never reused.
pub mod submission_fields {
    /// The message in Sent that was made of it, and when: `[message, milliseconds]`.
    pub const MESSAGE: u16 = 1;
}

/// A submission, read from its object.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a>(&'a Object);

impl<'a> Submission<'a> {
    /// So long, in milliseconds, one is remembered at least: 30 days. A client has given up asking long before.
    pub const KEPT_MS: i64 = 30 * 86_400_000;

    /// The view, if the object is a submission.
    pub fn of(object: &'a Object) -> Option<Self> {
        (object.kind == Kind::SUBMISSION).then_some(Self(object))
    }

    /// The registers of one that was accepted at `at`, and of which this message was made.
    pub fn registers(message: &ObjectId, at: Timestamp) -> Vec<(Key, Value)> {
        let message = Value::Bytes(message.as_bytes().to_vec());
        let made = Value::List(vec![message, Value::Int(at.0)]);
        vec![(Key::field(submission_fields::MESSAGE), made)]
    }

    /// The message in Sent that was made of it. Its owner may have deleted it since.
    pub fn message(&self) -> Option<ObjectId> {
        let bytes: [u8; 16] = self.made(0)?.as_bytes()?.try_into().ok()?;
        Some(ObjectId::from_bytes(bytes))
    }

    /// When it was accepted.
    pub fn accepted_at(&self) -> Option<Timestamp> {
        self.made(1)?.as_int().map(Timestamp)
    }

    fn made(&self, at: usize) -> Option<&'a Value> {
        let made = self.0.get(Key::field(submission_fields::MESSAGE))?;
        made.as_list()?.get(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hlc, Incarnation, Version};

    #[test]
    fn a_submission_says_what_was_made_of_it() {
        let id = ObjectId::from_bytes([4; 16]);
        let mut object = Object::new(Kind::SUBMISSION, None, None);
        let version = Version {
            hlc: Hlc(1),
            incarnation: Incarnation(1),
        };
        assert_eq!(Submission::of(&object).unwrap().message(), None);
        for (key, value) in Submission::registers(&id, Timestamp(9)) {
            object.set(key, version, value);
        }
        let submission = Submission::of(&object).unwrap();
        assert_eq!(submission.message(), Some(id));
        assert_eq!(submission.accepted_at(), Some(Timestamp(9)));
        assert!(Submission::of(&Object::new(Kind::DRAFT, None, None)).is_none());
    }
}
