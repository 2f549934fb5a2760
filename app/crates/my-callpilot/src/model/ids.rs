//! Sets of messages, and when they were received: sorted lists, which are searched by halves. The trees of the standard library do the same in
//! four times the code, and every page carries it.

use contract::{ObjectId, Timestamp};

/// Some messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdSet(Vec<ObjectId>);

impl IdSet {
    /// Whether it is among them.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.0.binary_search(id).is_ok()
    }

    /// Adds one; false if it was there.
    pub fn insert(&mut self, id: ObjectId) -> bool {
        let place = self.0.binary_search(&id);
        if let Err(place) = place {
            self.0.insert(place, id);
        }
        place.is_err()
    }

    /// Takes one out; false if it was not there.
    pub fn remove(&mut self, id: &ObjectId) -> bool {
        let place = self.0.binary_search(id);
        if let Ok(place) = place {
            self.0.remove(place);
        }
        place.is_ok()
    }

    /// Adds many.
    pub fn extend(&mut self, ids: &[ObjectId]) {
        self.0.extend_from_slice(ids);
        self.0.sort_unstable();
        self.0.dedup();
    }

    /// Keeps those that are in another one.
    pub fn keep_those_in(&mut self, other: &Self) {
        self.0.retain(|id| other.contains(id));
    }

    /// Takes out those that are in another one.
    pub fn drop_those_in(&mut self, other: &Self) {
        self.0.retain(|id| !other.contains(id));
    }

    /// Whether all of them are in another one.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|id| other.contains(id))
    }

    /// None any more.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each, in no order that means anything.
    pub fn iter(&self) -> std::slice::Iter<'_, ObjectId> {
        self.0.iter()
    }
}

impl FromIterator<ObjectId> for IdSet {
    fn from_iter<I: IntoIterator<Item = ObjectId>>(ids: I) -> Self {
        let ids: Vec<ObjectId> = ids.into_iter().collect();
        let mut set = Self::default();
        set.extend(&ids);
        set
    }
}

/// When messages were received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceivedTimes(Vec<(ObjectId, Timestamp)>);

impl ReceivedTimes {
    /// When a message was received, if it is known.
    pub fn get(&self, id: &ObjectId) -> Option<Timestamp> {
        let place = self.place(id).ok()?;
        self.0.get(place).map(|(_, at)| *at)
    }

    /// Says when a message was received.
    pub fn insert(&mut self, id: ObjectId, at: Timestamp) {
        match self.place(&id) {
            Ok(place) => self.0[place].1 = at,
            Err(place) => self.0.insert(place, (id, at)),
        }
    }

    /// Forgets a message.
    pub fn remove(&mut self, id: &ObjectId) {
        if let Ok(place) = self.place(id) {
            self.0.remove(place);
        }
    }

    fn place(&self, id: &ObjectId) -> Result<usize, usize> {
        self.0.binary_search_by(|(its, _)| its.cmp(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::id;

    fn set(ids: &[u8]) -> IdSet {
        ids.iter().map(|n| id(*n)).collect()
    }

    #[test]
    fn a_set_holds_each_message_once() {
        let mut some = set(&[3, 1, 3, 2]);
        assert_eq!((some.len(), some.is_empty()), (3, false));
        assert!(!some.insert(id(2)) && some.insert(id(4)));
        assert!(some.remove(&id(1)) && !some.remove(&id(1)));
        assert_eq!(some, set(&[2, 3, 4]));
        some.extend(&[id(9), id(2)]);
        assert!(some.contains(&id(9)) && !some.contains(&id(1)));
        assert!(set(&[2, 9]).is_within(&some) && !set(&[2, 8]).is_within(&some));
        some.keep_those_in(&set(&[2, 3, 9]));
        some.drop_those_in(&set(&[3]));
        assert_eq!(some.iter().count(), 2);
        some.clear();
        assert_eq!(some, IdSet::default());
    }

    #[test]
    fn times_are_found_by_their_messages() {
        let mut times = ReceivedTimes::default();
        for (n, at) in [(5, 50), (1, 10), (9, 90), (5, 55)] {
            times.insert(id(n), Timestamp(at));
        }
        times.remove(&id(9));
        times.remove(&id(2));
        let of = |n| times.get(&id(n)).map(|at| at.0);
        assert_eq!(
            [of(1), of(5), of(9), of(2)],
            [Some(10), Some(55), None, None]
        );
    }
}
