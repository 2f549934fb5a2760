use super::*;
use domain::{Hlc, Incarnation, Version};

const HOME: ServerId = ServerId(1);
const PARTNER: ServerId = ServerId(2);

fn object(carrier: ServerId, accepted_at: i64, states: &[(u64, DeliveryState)]) -> Object {
    let new = NewOutgoing {
        message: ObjectId::from_bytes([1; 16]),
        accepted_at: Timestamp(accepted_at),
        from: "7200@a.example".into(),
        subject: String::new(),
        recipients: vec![
            ("1@b.example".into(), String::new()),
            ("2@c.example".into(), String::new()),
        ],
        carrier,
    };
    let mut object = Object::new(Kind::OUTGOING, None, None);
    let registers = new.registers().into_iter();
    let states = states.iter().map(|(n, state)| state.register(*n));
    for (key, value) in registers.chain(states) {
        let version = Version {
            hlc: Hlc(1),
            incarnation: Incarnation(1),
        };
        object.set(key, version, value);
    }
    object
}

fn waiting(next: i64) -> DeliveryState {
    DeliveryState::Waiting {
        attempts: 1,
        next: Timestamp(next),
        said: String::new(),
    }
}

fn delivered(at: i64) -> DeliveryState {
    DeliveryState::Delivered {
        at: Timestamp(at),
        said: String::new(),
    }
}

/// What is to be done about one message at 1,000, by a server that began at 500.
fn sorted(object: &Object, (settled, partner_is_out): (bool, bool)) -> QueueView {
    let rules = Rules {
        standing: Standing {
            settled,
            started_at: Timestamp(500),
            partner_is_out,
        },
        now: Timestamp(1_000),
        home: HOME,
        keep_ms: 100,
    };
    let mut queue = QueueView::default();
    let outgoing = OutgoingMessage::of(object).unwrap();
    rules.sort(&mut queue, ObjectId::from_bytes([9; 16]), &outgoing);
    queue
}

fn places(queue: &QueueView) -> Vec<u64> {
    let due = queue.due.iter().flat_map(|(_, recipients)| recipients);
    due.map(|(n, _)| *n).collect()
}

#[test]
fn each_recipient_is_tried_when_it_is_due() {
    let queue = sorted(
        &object(HOME, 600, &[(0, waiting(999)), (1, waiting(2_000))]),
        (true, false),
    );
    assert_eq!(
        (places(&queue), queue.next, queue.waiting),
        (vec![0], Some(Timestamp(2_000)), 2)
    );
    let queue = sorted(&object(HOME, 600, &[(0, delivered(9))]), (true, false));
    assert_eq!((places(&queue), queue.waiting), (vec![1], 1));
}

/// Its partner may have delivered what it took before it went; what it took since, nobody else has.
#[test]
fn a_server_that_comes_back_asks_before_it_delivers() {
    let (old, new) = (object(HOME, 499, &[]), object(HOME, 500, &[]));
    assert!(places(&sorted(&old, (false, false))).is_empty());
    assert_eq!(places(&sorted(&new, (false, false))), [0, 1]);
    assert_eq!(places(&sorted(&old, (true, false))), [0, 1]);
}

#[test]
fn what_the_partner_carries_is_taken_over_only_while_that_is_out() {
    let theirs = object(PARTNER, 600, &[]);
    let queue = sorted(&theirs, (true, false));
    assert_eq!((places(&queue), queue.to_take_over.len()), (vec![], 0));
    let queue = sorted(&theirs, (true, true));
    assert_eq!((places(&queue), queue.to_take_over.len()), (vec![], 1));
    let ended = object(PARTNER, 600, &[(0, delivered(1)), (1, delivered(2))]);
    assert_eq!(sorted(&ended, (true, true)), QueueView::default());
}

#[test]
fn what_has_ended_is_forgotten_after_a_while_by_who_carried_it() {
    let ended = |at| object(HOME, 600, &[(0, delivered(1)), (1, delivered(at))]);
    let queue = sorted(&ended(900), (true, false));
    assert_eq!((queue.over.len(), queue.next), (1, None));
    let queue = sorted(&ended(901), (true, false));
    assert_eq!((queue.over.len(), queue.next), (0, Some(Timestamp(1_001))));
}

#[test]
fn what_is_held_is_neither_tried_nor_taken_over() {
    let mut held = object(PARTNER, 600, &[]);
    let version = Version {
        hlc: Hlc(2),
        incarnation: Incarnation(1),
    };
    held.set(
        Key::field(outgoing_fields::HELD),
        version,
        Value::Bool(true),
    );
    let queue = sorted(&held, (true, true));
    assert_eq!(
        (places(&queue), queue.to_take_over.len(), queue.held),
        (vec![], 0, 1)
    );
}

#[test]
fn what_could_not_be_delivered_is_tried_later_each_time_up_to_a_bound() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("fqdn = \"a.example.net\"\ndata_dir = {:?}", dir.path());
    let config = crate::config::Config::parse(&text, "cp.toml", &|_| None).unwrap();
    let limits = config.smtp.outgoing;
    let after = |attempts| next_attempt(&limits, attempts, Timestamp(7)).0 - 7;
    let minutes: Vec<_> = [0, 1, 2, 5, 6, 99].map(|n| after(n) / 60_000).into();
    assert_eq!(minutes, [1, 2, 4, 32, 60, 60]);
}
