//! What may be said and what may not: every limit of a message, at the limit and one beyond.

mod support;

use domain::{BodyRef, Incarnation, Key, Kind, Object, ObjectId, ServerId, Value, Version};
use domain::{Hlc, Timestamp};
use gr_proto::wire::{WireError, decode, encode};
use gr_proto::{
    Ack, AvailableBodies, Header, Hello, Item, Judged, List, ListScope, Listed, ListedObject,
    Message, Owed, Payload, Piece, RangeSet, Refusal, Report, Request, RequestBody, Response,
    ResponseBody, Seen, limits,
};
use ledger::HistoryEntry;
use ledger::{TaskCounts, TaskId, TaskKind};
use support::id;

fn header(no: u64) -> Header {
    Header {
        from: Incarnation(1),
        to: Incarnation(2),
        no,
        id: 5,
        csn: 7,
        seen: Seen::default(),
        settled: 0,
        rolled_back: false,
        preceding: Default::default(),
    }
}

/// Whether a message can be read by whoever gets it.
fn is_read(header: Header, payload: Payload) -> bool {
    let message = Message { header, payload };
    match decode(&encode(&message)) {
        Ok(read) => {
            assert_eq!(read, message);
            true
        }
        Err(WireError::Limit(_)) => false,
        Err(other) => panic!("{other}"),
    }
}

/// Something of a length is read up to its limit, and not beyond.
fn assert_limit(max: usize, payload: impl Fn(usize) -> Payload) {
    let no = |payload: &Payload| u64::from(!matches!(payload, Payload::Hello(_)));
    for (length, read) in [(max, true), (max + 1, false)] {
        let payload = payload(length);
        let header = header(no(&payload));
        assert_eq!(is_read(header, payload), read, "{length} of {max}");
    }
}

fn empty(n: usize) -> Item {
    Item {
        id: nth(n),
        object: None,
        with_body: false,
        piece: None,
        recovery: false,
    }
}

fn nth(n: usize) -> ObjectId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&(n as u64).to_be_bytes());
    ObjectId::from_bytes(bytes)
}

fn items(count: usize) -> Vec<Item> {
    (0..count).map(empty).collect()
}

fn ids(count: usize) -> Vec<ObjectId> {
    (0..count).map(nth).collect()
}

fn asked(question: RequestBody) -> Payload {
    Payload::Request(Box::new(Request {
        task: TaskId(1),
        kind: TaskKind::Resync,
        dry: false,
        agreed: false,
        counts: TaskCounts::default(),
        have: None,
        question,
    }))
}

fn answered(reply: ResponseBody) -> Payload {
    Payload::Response(Box::new(Response {
        task: TaskId(1),
        to: 1,
        reply,
        report: Report::default(),
    }))
}

fn list(objects: usize) -> Listed {
    let objects = (0..objects).map(|n| ListedObject {
        id: nth(n),
        digest: 0,
        home: None,
        owner: None,
        owed: Owed::Nothing,
    });
    Listed {
        scope: ListScope::Users(0),
        after: None,
        to: None,
        objects: objects.collect(),
    }
}

#[test]
fn nothing_is_longer_than_its_limit() {
    assert_limit(limits::BATCH_ITEMS_MAX, |n| Payload::Data(items(n)));
    assert_limit(limits::BATCH_ITEMS_MAX, |n| {
        answered(ResponseBody::Page(items(n), None))
    });
    assert_limit(limits::BATCH_ITEMS_MAX, |n| {
        answered(ResponseBody::Bodies(items(n)))
    });
    assert_limit(limits::BATCH_ITEMS_MAX, |n| {
        asked(RequestBody::Bodies(ids(n)))
    });
    assert_limit(limits::IDS_MAX, |n| asked(RequestBody::Want(ids(n))));
    assert_limit(limits::IDS_MAX, |n| asked(RequestBody::Forget(ids(n))));
    assert_limit(limits::PARTS_MAX, |n| {
        asked(RequestBody::Leaves(true, vec![1; n]))
    });
    assert_limit(limits::SCOPES_MAX, |n| {
        asked(RequestBody::Lists(vec![(ListScope::Users(1), None); n]))
    });
    assert_limit(limits::SCOPES_MAX, |n| {
        answered(ResponseBody::Lists(vec![list(0); n]))
    });
    assert_limit(limits::LIST_OBJECTS_MAX, |n| {
        answered(ResponseBody::Lists(vec![list(n / 2), list(n - n / 2)]))
    });
    assert_limit(256 * limits::PARTS_MAX, |n| {
        answered(ResponseBody::Sums(vec![0; n]))
    });
    assert_limit(limits::LIST_OBJECTS_MAX, |n| {
        Payload::List(List {
            run: 1,
            after: None,
            to: None,
            objects: (0..n).map(|n| (nth(n), 0)).collect(),
        })
    });
    assert_limit(limits::LIST_OBJECTS_MAX, |n| {
        Payload::Judged(Judged {
            run: 1,
            no: 1,
            to: None,
            wanted: ids(n),
        })
    });
    let refusal = |n| Refusal {
        no: 1,
        id: nth(n),
        reason: ledger::Reason::FAULT,
        have: None,
    };
    assert_limit(limits::REFUSALS_MAX, |n| {
        Payload::Ack(Ack {
            refused: (0..n).map(refusal).collect(),
            ..Ack::default()
        })
    });
    let entry = HistoryEntry {
        incarnation: Incarnation(1),
        csn: 0,
        began: Timestamp(0),
    };
    assert_limit(limits::HISTORY_IN_HELLO_MAX, |n| {
        Payload::Hello(Box::new(Hello {
            server: ServerId(1),
            levels: (1, 1),
            challenge: None,
            echo: None,
            history: vec![entry; n],
            cut: false,
            known: None,
            rolled_back: false,
        }))
    });
}

const BODY: BodyRef = BodyRef {
    hash: [7; 32],
    len: 4,
};

fn found(whole: usize, piece: Option<Piece>, lacking: usize) -> Payload {
    answered(ResponseBody::Found(AvailableBodies {
        whole: vec![BODY; whole],
        piece: piece.map(|piece| (BODY, piece)),
        lacking: vec![BODY; lacking],
    }))
}

#[test]
fn what_is_said_of_damage_and_of_parts_of_bodies_is_not_longer_than_its_limit() {
    assert_limit(limits::BATCH_ITEMS_MAX, |n| {
        let mut payload = asked(RequestBody::Bodies(ids(1)));
        if let Payload::Request(ask) = &mut payload {
            ask.have = Some(ids(n).into_iter().map(|id| (id, 5)).collect());
        }
        payload
    });
    assert_limit(limits::REPAIR_BODIES_MAX, |n| {
        asked(RequestBody::Lost(vec![(BODY, 0); n]))
    });
    assert_limit(limits::REPAIR_ROWS_MAX, |n| {
        asked(RequestBody::Unreadable(ids(n)))
    });
    assert_limit(limits::REPAIR_BODIES_MAX, |n| found(n / 2, None, n - n / 2));
    assert_limit(limits::REPAIR_ROWS_MAX, |n| {
        answered(ResponseBody::Rows(items(n / 2), ids(n - n / 2)))
    });
}

#[test]
fn a_piece_of_a_lost_body_is_a_part_of_it() {
    let is_read = |at, len| is_read(header(1), found(0, Some(Piece { at, len }), 0));
    assert!(is_read(0, 4) && is_read(1, 3) && is_read(4, 0));
    assert!(!is_read(1, 4) && !is_read(5, 0) && !is_read(u32::MAX, u32::MAX));
}

#[test]
fn what_is_not_owed_takes_no_room_in_a_list() {
    let bytes = |owed| {
        let mut list = list(100);
        list.objects
            .iter_mut()
            .for_each(|object| object.owed = owed);
        let payload = answered(ResponseBody::Lists(vec![list]));
        let message = Message {
            header: header(1),
            payload,
        };
        encode(&message).len()
    };
    assert_eq!(bytes(Owed::Marked), bytes(Owed::Held));
    assert!(bytes(Owed::Nothing) < bytes(Owed::Marked));
}

#[test]
fn only_lists_tell_of_what_is_absent() {
    assert!(ResponseBody::Lists(vec![]).lists());
    for other in [
        ResponseBody::Same,
        ResponseBody::Sums(vec![]),
        ResponseBody::Page(vec![], None),
        ResponseBody::Rows(vec![], vec![]),
    ] {
        assert!(!other.lists(), "{other:?}");
    }
}

#[test]
fn objects_are_neither_wide_nor_deep_without_end() {
    let version = Version {
        hlc: Hlc(1),
        incarnation: Incarnation(1),
    };
    let of = |object: Object| {
        let object = Some(object);
        Payload::Data(vec![Item { object, ..empty(1) }])
    };
    assert_limit(limits::REGISTERS_MAX, |n| {
        let mut object = Object::new(Kind::MESSAGE, Some(id(1)), None);
        for key in 0..n as u64 {
            object.set(Key(1, key), version, Value::Null);
        }
        of(object)
    });
    let nested = |depth: usize| {
        let mut value = Value::Null;
        for _ in 1..depth {
            value = Value::List(vec![value, Value::Null]);
        }
        let mut object = Object::new(Kind::MESSAGE, Some(id(1)), None);
        object.set(Key(1, 0), version, value);
        Message {
            header: header(1),
            payload: of(object),
        }
    };
    assert!(decode(&encode(&nested(8))).is_ok());
    assert!(decode(&encode(&nested(limits::NESTING_MAX + 1))).is_err());
}

#[test]
fn numbers_are_in_their_range_and_fit_each_other() {
    let heartbeat = || Payload::Heartbeat(Report::default());
    let hello = || {
        Payload::Hello(Box::new(Hello {
            server: ServerId(1),
            levels: (1, 1),
            challenge: None,
            echo: None,
            history: vec![],
            cut: false,
            known: None,
            rolled_back: false,
        }))
    };
    assert!(is_read(header(0), hello()), "a HELLO has no number");
    assert!(!is_read(header(1), hello()));
    assert!(is_read(header(1), heartbeat()), "everything else has one");
    assert!(!is_read(header(0), heartbeat()));
    assert!(is_read(header(u64::MAX / 2), heartbeat()));
    assert!(!is_read(header(u64::MAX / 2 + 1), heartbeat()));
    let settled = |settled| Header {
        settled,
        ..header(5)
    };
    assert!(is_read(settled(4), heartbeat()));
    assert!(
        !is_read(settled(5), heartbeat()),
        "what is being said is not settled"
    );
    assert!(!is_read(
        Header {
            settled: 1,
            ..header(0)
        },
        hello()
    ));
    let csn = |csn| Header { csn, ..header(5) };
    assert!(is_read(csn(u64::MAX / 2), heartbeat()));
    assert!(!is_read(csn(u64::MAX / 2 + 1), heartbeat()));
}

#[test]
fn an_acknowledgement_lists_ranges_in_order_above_its_floor() {
    let ranges = |numbers: &[u64]| {
        let mut set = RangeSet::default();
        for n in numbers {
            assert!(set.insert(*n, 10));
        }
        set
    };
    let ack = |floor, numbers: &[u64]| {
        Payload::Ack(Ack {
            floor,
            done: ranges(numbers),
            ..Ack::default()
        })
    };
    assert!(is_read(header(1), ack(2, &[4, 5, 9])));
    assert!(is_read(header(1), ack(3, &[4])));
    assert!(
        !is_read(header(1), ack(4, &[4])),
        "what is forgotten is not listed"
    );
    assert!(!is_read(header(1), ack(7, &[4, 9])));
}

#[test]
fn a_message_has_one_payload_and_nothing_behind_it() {
    let message = Message {
        header: header(1),
        payload: Payload::Heartbeat(Report::default()),
    };
    let mut bytes = encode(&message);
    assert!(decode(&bytes).is_ok());
    bytes.push(0);
    assert_eq!(
        decode(&bytes),
        Err(WireError::Limit("nothing after the message"))
    );
    let long = vec![1; limits::CONTROL_BYTES_MAX + 1];
    assert_eq!(decode(&long), Err(WireError::TooLong(long.len())));
    assert_ne!(decode(&long[1..]), Err(WireError::TooLong(long.len() - 1)));
}

#[test]
fn a_message_with_two_payloads_is_none() {
    let header = header(1);
    let bytes = |payload| encode(&Message { header, payload });
    let judged = Judged {
        run: 1,
        no: 1,
        to: None,
        wanted: vec![],
    };
    let bare = bytes(Payload::Unknown);
    let parts = [
        bytes(Payload::Heartbeat(Report::default())),
        bytes(Payload::Judged(judged)),
    ];
    let [one, other] = parts.each_ref().map(|whole| &whole[bare.len()..]);
    let with = |parts: &[&[u8]]| {
        let mut bytes = bare.clone();
        bytes[1] += u8::try_from(parts.len()).unwrap(); // so many entries more in the map
        parts.iter().for_each(|part| bytes.extend(*part));
        bytes
    };
    assert_eq!(with(&[one]), parts[0], "an entry is as it is written alone");
    assert_eq!(
        decode(&with(&[other, one])),
        Err(WireError::Limit("one payload in a message"))
    );
}
