//! Which sounds this browser keeps over a reload: of each all that is known of it stands in the key under which it is stored, so that its list
//! is read without the sounds.

use contract::{ObjectId, Timestamp};

/// At most so many are kept,
pub const SOUNDS_MAX: usize = 200;
/// and so many bytes of stored sound, more than two hours of speech. The oldest go first.
pub const BYTES_MAX: usize = 32 << 20;

/// A sound that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSound {
    /// Since when, by this computer.
    pub at: Timestamp,
    /// Number of the mailbox it belongs to: another one's is never played.
    pub mailbox: String,
    /// Its message.
    pub id: ObjectId,
    /// The part; `None`: all that is heard of the message.
    pub part: Option<u32>,
    /// Bytes of stored sound.
    pub bytes: usize,
}

impl KeptSound {
    /// The key under which it is stored; older ones are smaller.
    pub fn key(&self) -> String {
        let part = self.part.map_or_else(String::new, |part| part.to_string());
        let at = self.at.0.max(0);
        format!(
            "{at:015} {} {} {part} {}",
            self.mailbox, self.id, self.bytes
        )
    }

    /// What a key says. `None`: it is none of ours.
    pub fn of(key: &str) -> Option<Self> {
        let fields: Vec<&str> = key.split(' ').collect();
        let [at, mailbox, id, part, bytes] = fields[..] else {
            return None;
        };
        Some(Self {
            at: Timestamp(at.parse().ok()?),
            mailbox: mailbox.to_owned(),
            id: id.parse().ok()?,
            part: match part {
                "" => None,
                part => Some(part.parse().ok()?),
            },
            bytes: bytes.parse().ok()?,
        })
    }
}

/// How many of these, oldest first, have to go to make room for one more of so many bytes. `None`: there is none for it.
pub fn to_make_room(kept: &[KeptSound], bytes: usize) -> Option<usize> {
    if bytes > BYTES_MAX {
        return None;
    }
    let mut held: usize = kept.iter().map(|sound| sound.bytes).sum();
    let mut gone = 0;
    for sound in kept {
        if held + bytes <= BYTES_MAX && kept.len() - gone < SOUNDS_MAX {
            break;
        }
        held -= sound.bytes;
        gone += 1;
    }
    Some(gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::{NOON, id};

    fn sound(n: u8, bytes: usize) -> KeptSound {
        KeptSound {
            at: Timestamp(NOON.0 + i64::from(n)),
            mailbox: "7200".into(),
            id: id(n),
            part: None,
            bytes,
        }
    }

    #[test]
    fn a_key_says_all_that_is_known_of_a_sound_and_the_oldest_comes_first() {
        let (whole, part) = (
            sound(1, 480_000),
            KeptSound {
                part: Some(3),
                ..sound(2, 9)
            },
        );
        for sound in [&whole, &part] {
            assert_eq!(KeptSound::of(&sound.key()).as_ref(), Some(sound));
        }
        assert!(whole.key() < part.key());
        for other in ["", "7200", "1 7200 x  5", "a b c d e f"] {
            assert_eq!(KeptSound::of(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_kept_has_a_limit_in_number_and_in_bytes_and_the_oldest_go() {
        let quarter = BYTES_MAX / 4;
        let three: Vec<_> = (0..3).map(|n| sound(n, quarter)).collect();
        assert_eq!(to_make_room(&three, quarter), Some(0));
        assert_eq!(to_make_room(&three, quarter + 1), Some(1));
        assert_eq!(to_make_room(&three, BYTES_MAX), Some(3));
        assert_eq!(to_make_room(&three, BYTES_MAX + 1), None);
        let many: Vec<_> = (0..SOUNDS_MAX as u8).map(|n| sound(n, 1)).collect();
        assert_eq!(to_make_room(&many, 1), Some(1));
        assert_eq!(to_make_room(&many[1..], 1), Some(0));
    }
}
