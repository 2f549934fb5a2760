//! What answers about a message cost: for a mail of any bytes, at most so many times its length and a constant.

use super::{detail, worst};
use crate::http::convert;
use crate::operations::deposit;
use contract::{MessageDetail, MessageRow, ObjectId};
use counting_allocator::{Allocated, Counting, measure};
use domain::{Hlc, Incarnation, Message, MessageFolder, Object, Timestamp, Version};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes allocated for an answer in all, for each byte of the message. Text that is none becomes three bytes for one, in a string that
/// is copied as it is made plain, cut and written as JSON; and the message is read for it.
const ALLOCATED_FACTOR: usize = 24;
/// What all that has a limit comes to: people, reports, parts, each with the words around them.
const ALLOCATED_CONSTANT: usize = 2 << 20;
/// Bytes of the answer for each byte of the message.
const ANSWER_FACTOR: usize = 4;
/// See [`ALLOCATED_CONSTANT`].
const ANSWER_CONSTANT: usize = 128 * 1024;
/// No answer about one message is longer, whatever the message.
const ANSWER_MAX: usize = 2 << 20;
/// No row of a list is longer.
const ROW_MAX: usize = 8 * 1024;

/// The row of a mail as the store would give it, and its canonical form; nothing if it is refused.
fn accepted(raw: &[u8]) -> Option<(MessageRow, Vec<u8>)> {
    let message = vpim::parse(raw);
    vpim::judge(&message).ok()?;
    let envelope = deposit::envelope(&message, None, Timestamp(1));
    let mut object = Object::new(domain::Kind::MESSAGE, None, None);
    let version = Version {
        hlc: Hlc(1),
        incarnation: Incarnation(1),
    };
    for (key, value) in Message::registers(&envelope, MessageFolder::Inbox, true) {
        object.set(key, version, value);
    }
    let row = convert::row(ObjectId::from_bytes([1; 16]), &object, false)?;
    Some((row, vpim::canonical(&message)))
}

#[test]
fn the_answers_about_the_worst_mails_are_no_longer_than_their_length_allows() {
    let mut taken_in = 0;
    for len in [2_000, 100_000, 410_000, 10_000_000] {
        for (name, raw) in worst::mails(len) {
            let Some((row, kept)) = accepted(&raw) else {
                continue;
            };
            taken_in += 1;
            let in_list = serde_json::to_vec(&row).unwrap().len();
            assert!(in_list <= ROW_MAX, "{name}: a row of {in_list} bytes");
            let answer = || serde_json::to_vec(&detail(row, &vpim::parse_kept(&kept))).unwrap();
            let (json, Allocated { peak, total }) = measure(answer);
            if std::env::var_os("SHOW_MEMORY").is_some() {
                println!(
                    "{name} ({}): answer {}, {peak} at once, {total} in all",
                    kept.len(),
                    json.len()
                );
            }
            let n = raw.len();
            assert!(
                json.len() <= ANSWER_FACTOR * n + ANSWER_CONSTANT,
                "{name}: an answer of {} bytes about {n}",
                json.len()
            );
            assert!(
                json.len() <= ANSWER_MAX,
                "{name}: an answer of {} bytes",
                json.len()
            );
            assert!(
                total <= ALLOCATED_FACTOR * n + ALLOCATED_CONSTANT,
                "{name}: {total} bytes in all, {peak} at once, for {n}"
            );
            assert!(
                serde_json::from_slice::<MessageDetail>(&json).is_ok(),
                "{name}"
            );
        }
    }
    assert!(taken_in > 100, "most of them are accepted: {taken_in}");
}
