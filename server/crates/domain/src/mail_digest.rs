//! What makes a mail the same when it comes again.
//!
//! A sender whose connection broke after the end of a mail, before the answer, sends it again, perhaps to the other server of the pair. It is
//! then one message: both servers find the same identity for it, so a copy that is here already is found by its identity, and two copies that were
//! taken while the servers were apart are one object when they meet.

use crate::Timestamp;
use crate::derived::derived_id;
use contract::ObjectId;

/// What a mail with a Message-ID says and who sent it, as 32 bytes.
///
/// The Message-ID alone would not do: gateways are known that give one to all their mails, and what they send after the first would be lost. So it is part
/// of what is compared, which is all that the mail says, also what is not kept of it. Two mails that differ in anything but their way here are two
/// messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailDigest([u8; 32]);

/// All that a mail says, apart from how it came, as 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaidDigest([u8; 32]);

impl SaidDigest {
    /// Of the octets that `say` gives to what it is called with, piece by piece; how they are cut into pieces makes no difference.
    pub fn of(say: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Self {
        let mut hasher = blake3::Hasher::new();
        say(&mut |piece| {
            hasher.update(piece);
        });
        Self(*hasher.finalize().as_bytes())
    }
}

impl MailDigest {
    /// A mail that comes again within so many milliseconds is the same; later it is another message.
    pub const WITHIN_MS: i64 = 24 * 60 * 60 * 1_000;

    /// Of a mail by its reverse path and what it says, without what this server adds to it. `unverified`: nothing proves its
    /// sender. A mail that proves it is another one, or a stranger who knows the content could keep it away by being first.
    pub fn of(return_path: Option<&str>, unverified: bool, said: &SaidDigest) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("CallPilot 2026 mail that comes again");
        let path = return_path.unwrap_or_default().as_bytes();
        hasher.update(&(path.len() as u64).to_be_bytes());
        hasher.update(path);
        hasher.update(&[u8::from(return_path.is_some()), u8::from(unverified)]);
        hasher.update(&said.0);
        Self(*hasher.finalize().as_bytes())
    }

    /// The identities that the message may have in a mailbox: first the one that it gets when it comes at `at`, then those that it has if it came on
    /// the day before or, by a clock that is ahead, on the day after.
    pub fn ids(&self, owner: &ObjectId, at: Timestamp) -> [ObjectId; 3] {
        let today = at.0.div_euclid(Self::WITHIN_MS);
        [0, -1, 1].map(|days| {
            let day = today.saturating_add(days).to_be_bytes();
            let parts: [&[u8]; 3] = [owner.as_bytes(), &self.0, &day];
            derived_id("CallPilot 2026 message of a mail", &parts)
        })
    }

    /// Whether something of `then` is so little away from `now` that it may have come by the same mail.
    pub fn is_within(then: Timestamp, now: Timestamp) -> bool {
        then.0.abs_diff(now.0) < Self::WITHIN_MS.unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = MailDigest::WITHIN_MS;

    #[test]
    fn mails_that_differ_in_anything_are_not_the_same() {
        let of = |path: Option<&str>, unverified, content: &[u8]| {
            MailDigest::of(path, unverified, &SaidDigest::of(|take| take(content)))
        };
        let one = of(Some("4711@client.example"), true, b"x");
        assert_eq!(one, of(Some("4711@client.example"), true, b"x"));
        for other in [
            of(Some("4712@client.example"), true, b"x"),
            of(Some("4711@client.example"), false, b"x"),
            of(Some("4711@client.example"), true, b"y"),
            of(Some(""), true, b"x"),
            of(None, true, b"x"),
        ] {
            assert_ne!(one, other);
        }
        assert_ne!(of(Some(""), true, b"x"), of(None, true, b"x"));
    }

    #[test]
    fn pieces_make_no_difference() {
        let whole = SaidDigest::of(|take| take(b"abc"));
        let pieces = SaidDigest::of(|take| [&b"a"[..], b"", b"bc"].into_iter().for_each(take));
        assert_eq!(whole, pieces);
    }

    #[test]
    fn an_identity_is_found_again_for_a_day_by_both_servers_and_in_one_mailbox() {
        let mail = MailDigest::of(None, false, &SaidDigest::of(|take| take(b"x")));
        let (owner, other) = (ObjectId::from_bytes([1; 16]), ObjectId::from_bytes([2; 16]));
        let ids = |ms| mail.ids(&owner, Timestamp(ms));
        for came in [5 * DAY, 6 * DAY - 1] {
            let id = ids(came)[0];
            for later in [0, 1, DAY - 1] {
                assert!(ids(came + later).contains(&id), "{later} ms later");
                assert!(
                    ids(came - later).contains(&id),
                    "by a clock {later} ms behind"
                );
            }
            assert!(!ids(came + 2 * DAY).contains(&id));
            assert!(!mail.ids(&other, Timestamp(came)).contains(&id));
        }
        let within = |ms| MailDigest::is_within(Timestamp(0), Timestamp(ms));
        assert!(within(DAY - 1) && within(1 - DAY) && !within(DAY) && !within(-DAY));
    }
}
