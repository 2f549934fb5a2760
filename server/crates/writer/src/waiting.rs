//! Who waits for the partner: writes that are durable here and are answered when they are on both servers, or after a while.

use crate::write::Durability;
use domain::ObjectId;
use std::collections::{BTreeMap, HashMap};

/// Writes that are durable here and wait for the partner, by object and by deadline.
#[derive(Default)]
pub(crate) struct Waiting {
    next: u64,
    open: BTreeMap<(u64, u64), OpenReply>,
    by_object: HashMap<ObjectId, Vec<(u64, u64)>>,
}

struct OpenReply {
    /// What the partner does not hold yet, each with the number of the change that is waited for.
    missing: Vec<(ObjectId, u64)>,
    send: Box<dyn FnOnce(Durability) + Send>,
}

impl Waiting {
    pub(crate) fn add(
        &mut self,
        deadline: u64,
        missing: Vec<(ObjectId, u64)>,
        send: Box<dyn FnOnce(Durability) + Send>,
    ) {
        let key = (deadline, self.next);
        self.next += 1;
        for (id, _) in &missing {
            self.by_object.entry(*id).or_default().push(key);
        }
        self.open.insert(key, OpenReply { missing, send });
    }

    /// The partner holds these objects up to these changes: whoever waited for the last of them is answered.
    pub(crate) fn safe(&mut self, held: &[(ObjectId, u64)]) {
        for (id, upto) in held {
            let Some(keys) = self.by_object.get(id) else {
                continue;
            };
            for key in keys.clone() {
                let Some(reply) = self.open.get_mut(&key) else {
                    continue;
                };
                reply
                    .missing
                    .retain(|(missing, n)| missing != id || n > upto);
                let answered = reply.missing.is_empty();
                if !reply.missing.iter().any(|(missing, _)| missing == id) {
                    self.forget(*id, key);
                }
                if answered {
                    self.close(key, Durability::Replicated);
                }
            }
        }
    }

    fn close(&mut self, key: (u64, u64), durability: Durability) {
        let Some(reply) = self.open.remove(&key) else {
            return;
        };
        for (id, _) in &reply.missing {
            self.forget(*id, key);
        }
        (reply.send)(durability);
    }

    fn forget(&mut self, id: ObjectId, key: (u64, u64)) {
        if let Some(keys) = self.by_object.get_mut(&id) {
            keys.retain(|k| *k != key);
            if keys.is_empty() {
                self.by_object.remove(&id);
            }
        }
    }

    /// Whoever has waited long enough is answered; all are, if the partner is not running.
    pub(crate) fn expire(&mut self, now: u64, running: bool) {
        while let Some((key, _)) = self.open.first_key_value() {
            if running && key.0 > now {
                break;
            }
            self.close(*key, Durability::Local);
        }
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        self.open
            .first_key_value()
            .map(|((deadline, _), _)| *deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    type Heard = Arc<Mutex<Vec<(u8, Durability)>>>;

    fn say(heard: &Heard, who: u8) -> Box<dyn FnOnce(Durability) + Send> {
        let heard = Arc::clone(heard);
        Box::new(move |durability| heard.lock().unwrap().push((who, durability)))
    }

    fn id(n: u8) -> ObjectId {
        ObjectId::from_bytes([n; 16])
    }

    #[test]
    fn a_write_is_answered_when_the_partner_holds_the_last_of_its_objects() {
        let (mut waiting, heard) = (Waiting::default(), Heard::default());
        waiting.add(100, vec![(id(1), 1), (id(2), 1)], say(&heard, 1));
        waiting.add(100, vec![(id(2), 1)], say(&heard, 2));
        waiting.safe(&[(id(2), 1)]);
        assert_eq!(*heard.lock().unwrap(), [(2, Durability::Replicated)]);
        waiting.safe(&[(id(1), 1)]);
        assert_eq!(
            *heard.lock().unwrap(),
            [(2, Durability::Replicated), (1, Durability::Replicated)]
        );
        assert!(waiting.open.is_empty() && waiting.by_object.is_empty());
    }

    #[test]
    fn a_write_waits_for_its_own_change_not_for_an_earlier_one() {
        let (mut waiting, heard) = (Waiting::default(), Heard::default());
        waiting.add(100, vec![(id(1), 7)], say(&heard, 1));
        waiting.safe(&[(id(1), 6)]);
        assert!(heard.lock().unwrap().is_empty());
        waiting.safe(&[(id(1), 9)]);
        assert_eq!(*heard.lock().unwrap(), [(1, Durability::Replicated)]);
    }

    #[test]
    fn a_write_does_not_wait_longer_than_it_said_nor_for_a_partner_that_is_not_running() {
        let (mut waiting, heard) = (Waiting::default(), Heard::default());
        waiting.add(100, vec![(id(1), 1)], say(&heard, 1));
        waiting.add(200, vec![(id(1), 1), (id(2), 1)], say(&heard, 2));
        waiting.expire(99, true);
        assert!(heard.lock().unwrap().is_empty());
        waiting.expire(100, true);
        assert_eq!(*heard.lock().unwrap(), [(1, Durability::Local)]);
        waiting.expire(101, false);
        assert_eq!(
            *heard.lock().unwrap(),
            [(1, Durability::Local), (2, Durability::Local)]
        );
        assert!(waiting.open.is_empty() && waiting.by_object.is_empty());
    }
}
