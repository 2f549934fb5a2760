//! The control part of a message as bytes: one byte of level, then CBOR.
//!
//! A message is a map with one-letter keys. What a later level adds to it is skipped, so that levels can be mixed (R6); registers
//! that are not known here are data, and are kept and passed on. Nothing is allocated because a length is announced: memory grows
//! with the bytes that are really there.

mod lengths;

use crate::{
    Ack, Header, Hello, Item, Judged, List, Message, Payload, RangeSet, Report, Request,
    RequestBody, Response, ResponseBody, limits,
};
use domain::Value;
use serde::{Deserialize, Serialize};

/// The level that is written, and the highest whose messages are read.
pub const LEVEL: u8 = 1;

/// Bytes that are not a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Longer than [`limits::CONTROL_BYTES_MAX`].
    #[error("a control part of {0} bytes is too long")]
    TooLong(usize),
    /// Nothing at all.
    #[error("the control part is empty")]
    Empty,
    /// Written by a later level.
    #[error("the control part has level {0}, which is not spoken here")]
    Level(u8),
    /// Not the CBOR that was expected.
    #[error("the control part cannot be read: {0}")]
    Malformed(String),
    /// More of something than there may be, or numbers that contradict each other.
    #[error("the control part breaks a limit: {0}")]
    Limit(&'static str),
}

#[derive(Serialize)]
struct Out<'a> {
    h: &'a Header,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<&'a Hello>,
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<&'a [Item]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<&'a Ack>,
    #[serde(skip_serializing_if = "Option::is_none")]
    l: Option<&'a List>,
    #[serde(skip_serializing_if = "Option::is_none")]
    j: Option<&'a Judged>,
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<&'a Request>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r: Option<&'a Response>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<&'a Report>,
}

#[derive(Deserialize)]
struct In {
    h: Header,
    #[serde(default)]
    y: Option<Box<Hello>>,
    #[serde(default)]
    d: Option<Vec<Item>>,
    #[serde(default)]
    a: Option<Ack>,
    #[serde(default)]
    l: Option<List>,
    #[serde(default)]
    j: Option<Judged>,
    #[serde(default)]
    q: Option<Box<Request>>,
    #[serde(default)]
    r: Option<Box<Response>>,
    #[serde(default)]
    b: Option<Report>,
}

/// Writes a message. [`Payload::Unknown`] writes a header alone.
pub fn encode(message: &Message) -> Vec<u8> {
    let mut out = Out {
        h: &message.header,
        y: None,
        d: None,
        a: None,
        l: None,
        j: None,
        q: None,
        r: None,
        b: None,
    };
    match &message.payload {
        Payload::Hello(hello) => out.y = Some(hello),
        Payload::Data(items) => out.d = Some(items),
        Payload::Ack(ack) => out.a = Some(ack),
        Payload::List(list) => out.l = Some(list),
        Payload::Judged(judged) => out.j = Some(judged),
        Payload::Request(ask) => out.q = Some(ask),
        Payload::Response(answer) => out.r = Some(answer),
        Payload::Heartbeat(report) => out.b = Some(report),
        Payload::Unknown => {}
    }
    let mut bytes = Vec::with_capacity(512);
    bytes.push(LEVEL);
    ciborium::into_writer(&out, &mut bytes)
        .expect("a message is plain data and memory does not fail");
    bytes
}

/// Reads a message.
pub fn decode(bytes: &[u8]) -> Result<Message, WireError> {
    if bytes.len() > limits::CONTROL_BYTES_MAX {
        return Err(WireError::TooLong(bytes.len()));
    }
    let (&level, mut cbor) = bytes.split_first().ok_or(WireError::Empty)?;
    if level != LEVEL {
        return Err(WireError::Level(level));
    }
    if !lengths::are_possible(cbor) {
        let what = "it announces more entries than there are octets";
        return Err(WireError::Malformed(what.into()));
    }
    let read: In = ciborium::de::from_reader_with_recursion_limit(&mut cbor, limits::NESTING_MAX)
        .map_err(|e| WireError::Malformed(e.to_string()))?;
    if !cbor.is_empty() {
        return Err(WireError::Limit("nothing after the message"));
    }
    let mut payloads = [
        read.y.map(hello_within),
        read.d.map(items_within),
        read.a.map(ack_within),
        read.l.map(list_within),
        read.j.map(judged_within),
        read.q.map(ask_within),
        read.r.map(answer_within),
        read.b.map(|report| Ok(Payload::Heartbeat(report))),
    ]
    .into_iter()
    .flatten();
    let payload = payloads.next().unwrap_or(Ok(Payload::Unknown))?;
    if payloads.next().is_some() {
        return Err(WireError::Limit("one payload in a message"));
    }
    let header = read.h;
    if matches!(payload, Payload::Hello(_)) == (header.no != 0) {
        return Err(WireError::Limit("a number, and none in a HELLO"));
    }
    // Numbers are compared and counted up; those near the end of the range cannot have been reached.
    if header.no > u64::MAX / 2 || header.settled >= header.no.max(1) || header.csn > u64::MAX / 2 {
        return Err(WireError::Limit("numbers in their range"));
    }
    Ok(Message { header, payload })
}

fn hello_within(hello: Box<Hello>) -> Result<Payload, WireError> {
    if hello.history.len() > limits::HISTORY_IN_HELLO_MAX {
        return Err(WireError::Limit("incarnations in a HELLO"));
    }
    Ok(Payload::Hello(hello))
}

fn items_within(items: Vec<Item>) -> Result<Payload, WireError> {
    are_within(&items).map(|()| Payload::Data(items))
}

fn are_within(items: &[Item]) -> Result<(), WireError> {
    if items.len() > limits::BATCH_ITEMS_MAX {
        return Err(WireError::Limit("items in a message"));
    }
    if items.iter().any(|item| !is_piece_within(item)) {
        return Err(WireError::Limit("a piece within its body"));
    }
    for object in items.iter().filter_map(|item| item.object.as_ref()) {
        if object.registers.len() > limits::REGISTERS_MAX {
            return Err(WireError::Limit("registers of an object"));
        }
        if object
            .registers
            .values()
            .any(|r| depth(&r.value) > limits::NESTING_MAX)
        {
            return Err(WireError::Limit("depth of a value"));
        }
    }
    Ok(())
}

/// A piece is a part of a body that does not go along whole.
fn is_piece_within(item: &Item) -> bool {
    let Some(piece) = item.piece else { return true };
    let body = item.object.as_ref().and_then(|object| object.body);
    !item.with_body && body.is_some_and(|body| piece.end() <= u64::from(body.len))
}

fn ask_within(ask: Box<Request>) -> Result<Payload, WireError> {
    if ask
        .have
        .as_ref()
        .is_some_and(|have| have.len() > limits::BATCH_ITEMS_MAX)
    {
        return Err(WireError::Limit("bodies that are partly here"));
    }
    let (count, max) = match &ask.question {
        RequestBody::Leaves(_, parts) => (parts.len(), limits::PARTS_MAX),
        RequestBody::Lists(scopes) => (scopes.len(), limits::SCOPES_MAX),
        RequestBody::Want(ids) | RequestBody::Forget(ids) => (ids.len(), limits::IDS_MAX),
        RequestBody::Bodies(ids) => (ids.len(), limits::BATCH_ITEMS_MAX),
        RequestBody::Lost(bodies) => (bodies.len(), limits::REPAIR_BODIES_MAX),
        RequestBody::Unreadable(ids) => (ids.len(), limits::REPAIR_ROWS_MAX),
        RequestBody::Census
        | RequestBody::Root(_)
        | RequestBody::Nodes(_)
        | RequestBody::Mailbox(..)
        | RequestBody::Page(_)
        | RequestBody::End(_) => (0, 0),
    };
    if count > max {
        return Err(WireError::Limit("length of a question"));
    }
    Ok(Payload::Request(ask))
}

fn answer_within(answer: Box<Response>) -> Result<Payload, WireError> {
    let sound = match &answer.reply {
        ResponseBody::Sums(sums) => sums.len() <= 256 * limits::PARTS_MAX,
        ResponseBody::Lists(lists) => {
            let objects: usize = lists.iter().map(|list| list.objects.len()).sum();
            lists.len() <= limits::SCOPES_MAX && objects <= limits::LIST_OBJECTS_MAX
        }
        ResponseBody::Page(items, _) | ResponseBody::Bodies(items) => {
            return are_within(items).map(|()| Payload::Response(answer));
        }
        ResponseBody::Found(found) => {
            let piece = found.piece.as_ref();
            if piece.is_some_and(|(body, piece)| piece.end() > u64::from(body.len)) {
                return Err(WireError::Limit("a piece within its body"));
            }
            found.whole.len() + found.lacking.len() <= limits::REPAIR_BODIES_MAX
        }
        ResponseBody::Rows(items, unknown) => {
            if items.len() + unknown.len() > limits::REPAIR_ROWS_MAX {
                return Err(WireError::Limit("length of an answer"));
            }
            return are_within(items).map(|()| Payload::Response(answer));
        }
        ResponseBody::Census(..)
        | ResponseBody::Same
        | ResponseBody::Done(_)
        | ResponseBody::TooMany(_)
        | ResponseBody::Closed(_) => true,
    };
    if !sound {
        return Err(WireError::Limit("length of an answer"));
    }
    Ok(Payload::Response(answer))
}

fn ack_within(ack: Ack) -> Result<Payload, WireError> {
    if !RangeSet::is_sound(&ack.done, ack.floor) {
        return Err(WireError::Limit("ranges in order"));
    }
    if ack.refused.len() > limits::REFUSALS_MAX {
        return Err(WireError::Limit("refusals in an acknowledgement"));
    }
    Ok(Payload::Ack(ack))
}

fn list_within(list: List) -> Result<Payload, WireError> {
    if list.objects.len() > limits::LIST_OBJECTS_MAX {
        return Err(WireError::Limit("objects in a list"));
    }
    Ok(Payload::List(list))
}

fn judged_within(judged: Judged) -> Result<Payload, WireError> {
    if judged.wanted.len() > limits::LIST_OBJECTS_MAX {
        return Err(WireError::Limit("objects asked for"));
    }
    Ok(Payload::Judged(judged))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::List(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AvailableBodies, ListScope, Listed, ListedObject, Owed, Piece, Reason, Refusal, Seen,
    };
    use domain::{
        BodyRef, Hlc, Incarnation, Key, Kind, Object, ObjectId, ServerId, Timestamp, Version,
    };
    use ledger::{HistoryEntry, Known, Outcome, TaskCounts, TaskId, TaskKind};
    use proptest::prelude::*;

    fn header(no: u64) -> Header {
        let seen = Seen { no: 3, id: 9 };
        Header {
            from: Incarnation(1),
            to: Incarnation(2),
            no,
            id: 5,
            csn: 7,
            seen,
            settled: 0,
            rolled_back: true,
            preceding: Default::default(),
        }
    }

    fn examples() -> Vec<Message> {
        let mut object = Object::new(
            Kind::MESSAGE,
            Some(ObjectId::from_bytes([2; 16])),
            Some(BodyRef::of(b"voice")),
        );
        let version = Version {
            hlc: Hlc(77),
            incarnation: Incarnation(u64::MAX),
        };
        object.set(
            Key(900, 12),
            version,
            Value::List(vec![
                Value::Text("later level".into()),
                Value::Bytes(vec![1, 2]),
            ]),
        );
        let mut done = RangeSet::default();
        for n in [4, 5, 9] {
            assert!(done.insert(n, limits::RANGES_MAX));
        }
        let id = ObjectId::from_bytes([7; 16]);
        let hello = Hello {
            server: ServerId(4),
            levels: (1, 1),
            challenge: Some(u64::MAX),
            echo: None,
            history: vec![HistoryEntry {
                incarnation: Incarnation(1),
                csn: 0,
                began: Timestamp(5),
            }],
            known: Some(Known {
                incarnation: Incarnation(2),
                csn: 8,
                id: 9,
            }),
            cut: true,
            rolled_back: true,
        };
        let report = Report {
            owing: true,
            users: 1,
            messages: 2,
            wall: Timestamp(3),
            causes: u64::MAX,
            courtesy: true,
            lacking: 5,
        };
        let ask = |question| Message {
            header: header(9),
            payload: Payload::Request(Box::new(Request {
                task: TaskId(0),
                kind: TaskKind::Mailboxes,
                dry: false,
                agreed: false,
                counts: TaskCounts::default(),
                have: None,
                question,
            })),
        };
        let answer = |reply| Message {
            header: header(10),
            payload: Payload::Response(Box::new(Response {
                task: TaskId(0),
                to: 7,
                report,
                reply,
            })),
        };
        let item = |with_body| Item {
            id,
            object: None,
            with_body,
            piece: None,
            recovery: false,
        };
        let refused = vec![Refusal {
            no: 4,
            id,
            reason: Reason::NEED_BODY,
            have: Some(4),
        }];
        vec![
            Message {
                header: Header {
                    settled: 0,
                    ..header(0)
                },
                payload: Payload::Hello(Box::new(hello)),
            },
            Message {
                header: header(1),
                payload: Payload::Data(vec![
                    Item {
                        id,
                        object: Some(object),
                        with_body: false,
                        piece: Some(Piece { at: 2, len: 3 }),
                        recovery: true,
                    },
                    Item {
                        id,
                        object: None,
                        with_body: false,
                        piece: None,
                        recovery: false,
                    },
                ]),
            },
            Message {
                header: header(2),
                payload: Payload::Ack(Ack {
                    floor: 2,
                    done,
                    sum: u64::MAX,
                    refused,
                    report,
                }),
            },
            Message {
                header: header(5),
                payload: Payload::List(List {
                    run: 9,
                    after: Some(id),
                    to: None,
                    objects: vec![(id, 7)],
                }),
            },
            Message {
                header: header(6),
                payload: Payload::Judged(Judged {
                    run: 9,
                    no: 5,
                    to: Some(id),
                    wanted: vec![id],
                }),
            },
            Message {
                header: header(7),
                payload: Payload::Request(Box::new(Request {
                    task: TaskId(5),
                    kind: TaskKind::Rebuild,
                    dry: true,
                    agreed: true,
                    counts: TaskCounts::default(),
                    have: Some(vec![(id, 4)]),
                    question: RequestBody::Lists(vec![(ListScope::Mailbox(id), Some(id))]),
                })),
            },
            Message {
                header: header(8),
                payload: Payload::Response(Box::new(Response {
                    task: TaskId(5),
                    to: 7,
                    report,
                    reply: ResponseBody::Lists(vec![Listed {
                        scope: ListScope::Users(u16::MAX),
                        after: None,
                        to: Some(id),
                        objects: vec![
                            ListedObject {
                                id,
                                digest: u64::MAX,
                                home: Some(ServerId(u64::MAX)),
                                owner: None,
                                owed: Owed::Held,
                            },
                            ListedObject {
                                id,
                                digest: 0,
                                home: None,
                                owner: Some(id),
                                owed: Owed::Nothing,
                            },
                        ],
                    }]),
                })),
            },
            ask(RequestBody::Lost(vec![(BodyRef::of(b"lost"), 2)])),
            ask(RequestBody::Unreadable(vec![id])),
            answer(ResponseBody::Found(AvailableBodies {
                whole: vec![BodyRef::of(b"lost")],
                piece: Some((BodyRef::of(b"long"), Piece { at: 1, len: 3 })),
                lacking: vec![BodyRef::of(b"too")],
            })),
            answer(ResponseBody::Rows(
                vec![Item {
                    id,
                    object: None,
                    with_body: false,
                    piece: None,
                    recovery: true,
                }],
                vec![id],
            )),
            Message {
                header: header(3),
                payload: Payload::Heartbeat(report),
            },
            Message {
                header: header(4),
                payload: Payload::Unknown,
            },
            ask(RequestBody::Census),
            ask(RequestBody::Root(true)),
            ask(RequestBody::Nodes(false)),
            ask(RequestBody::Leaves(true, vec![1, 255])),
            ask(RequestBody::Lists(vec![
                (ListScope::Users(7), None),
                (ListScope::Contents(8), Some(id)),
            ])),
            ask(RequestBody::Mailbox(id, 9)),
            ask(RequestBody::Want(vec![id])),
            ask(RequestBody::Forget(vec![id])),
            ask(RequestBody::Page(Some(id))),
            ask(RequestBody::Bodies(vec![id])),
            ask(RequestBody::End(Outcome::GaveWay)),
            answer(ResponseBody::Census(1, u64::MAX)),
            answer(ResponseBody::Sums(vec![0, u64::MAX])),
            answer(ResponseBody::Same),
            answer(ResponseBody::Done(3)),
            answer(ResponseBody::Page(vec![item(false)], Some(id))),
            answer(ResponseBody::Bodies(vec![item(true)])),
            answer(ResponseBody::TooMany(4)),
            answer(ResponseBody::Closed(Outcome::RolledBack)),
        ]
    }

    /// What is written today is byte for byte what the first release with this level wrote, and is read again: one line for each
    /// example, in hexadecimal digits.
    #[test]
    fn a_server_of_an_earlier_release_understands_each_message() {
        let lines = include_str!("../tests/fixtures/level-1.txt").lines();
        let hex = |bytes: Vec<u8>| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let today: Vec<_> = examples().iter().map(|m| hex(encode(m))).collect();
        let today: Vec<_> = today.iter().map(String::as_str).collect();
        assert_eq!(today, lines.collect::<Vec<_>>());
    }

    #[test]
    fn every_kind_of_message_survives_its_bytes() {
        for message in examples() {
            assert_eq!(decode(&encode(&message)), Ok(message));
        }
    }

    #[test]
    fn what_a_later_level_adds_is_skipped() {
        #[derive(Serialize)]
        struct Later {
            h: Header,
            b: Report,
            zz: Vec<u8>,
        }
        let mut bytes = vec![LEVEL];
        let later = Later {
            h: header(1),
            b: Report::default(),
            zz: vec![1, 2, 3],
        };
        ciborium::into_writer(&later, &mut bytes).unwrap();
        assert_eq!(
            decode(&bytes).unwrap().payload,
            Payload::Heartbeat(Report::default())
        );
    }

    #[test]
    fn a_piece_that_is_no_part_of_its_body_is_refused() {
        let whole = |with_body, at, len| {
            let mut message = examples().remove(1);
            if let Payload::Data(items) = &mut message.payload {
                items[0].with_body = with_body;
                items[0].piece = Some(Piece { at, len });
            }
            decode(&encode(&message))
        };
        assert!(whole(false, 0, 5).is_ok());
        let refused = Err(WireError::Limit("a piece within its body"));
        for (with_body, at, len) in [(true, 0, 5), (false, 1, 5), (false, u32::MAX, u32::MAX)] {
            assert_eq!(whole(with_body, at, len), refused);
        }
    }

    #[test]
    fn another_level_and_an_announced_length_without_content_are_refused() {
        assert_eq!(decode(&[9, 0xa0]), Err(WireError::Level(9)));
        assert_eq!(decode(&[]), Err(WireError::Empty));
        // A map with a byte string that claims 2^60 bytes.
        let huge = [LEVEL, 0xa1, 0x61, b'd', 0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0];
        assert!(matches!(decode(&huge), Err(WireError::Malformed(_))));
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(mut noise in proptest::collection::vec(any::<u8>(), 0..300), pick in 0usize..7, at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<prop::sample::Index>()) {
            let _ = decode(&noise);
            noise.insert(0, LEVEL);
            let _ = decode(&noise);
            let mut bytes = encode(&examples()[pick]);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let _ = decode(&bytes);
            bytes[at] ^= 1 << bit;
            bytes.truncate(cut.index(bytes.len()));
            prop_assert!(decode(&bytes).is_err());
        }
    }
}
