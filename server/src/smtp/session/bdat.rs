//! BDAT: content by count (RFC 3030 section 2). No octet of it is looked at, so nothing in it can end it.

use super::{BAD_SEQUENCE, Reply, SYNTAX, Session, Stage, Status, Step, TOO_BIG, content};
use bytes::{Buf, BytesMut};

/// A chunk on its way.
#[derive(Debug)]
pub struct Chunk {
    left: u64,
    last: bool,
    /// The reply if the chunk is to be thrown away.
    refusal: Option<Reply>,
}

impl Session {
    /// `None`: the chunk follows.
    pub(super) fn bdat(&mut self, rest: &str) -> Option<Step> {
        let Some((size, last)) = parse(rest) else {
            // How long the chunk is cannot be known, so what follows cannot be told from commands.
            return Some(self.closing(Reply::new(
                501,
                SYNTAX,
                "Expected BDAT size [LAST]; closing",
            )));
        };
        let refusal = self.judge(size);
        if refusal.is_some() && size > 2 * self.limits.gr_size_max as u64 {
            return Some(self.closing(Reply::new(
                552,
                TOO_BIG,
                "The chunk is far too big; closing",
            )));
        }
        self.stage = Stage::Chunk(Chunk {
            left: size,
            last,
            refusal,
        });
        None
    }

    /// The chunk is read in any case, since it is on its way already (RFC 3030 section 2); this is the reply if it cannot be kept.
    fn judge(&mut self, size: u64) -> Option<Reply> {
        let Some(transaction) = &self.transaction else {
            return Some(Reply::new(503, BAD_SEQUENCE, "MAIL first"));
        };
        if transaction.recipients.is_empty() {
            return Some(Reply::new(503, BAD_SEQUENCE, "No recipient was taken"));
        }
        let so_far = transaction.chunks.as_ref().map_or(0, BytesMut::len) as u64;
        let room = (self.size_max() as u64).saturating_sub(so_far);
        (size > room).then(|| Reply::new(552, TOO_BIG, "The message is too big"))
    }

    /// Goes on with a chunk.
    pub(super) fn chunk(&mut self, input: &mut BytesMut) -> Step {
        let Stage::Chunk(chunk) = &mut self.stage else {
            unreachable!("called for a chunk only");
        };
        let here = usize::try_from(chunk.left)
            .unwrap_or(usize::MAX)
            .min(input.len());
        let missing = chunk.left - here as u64;
        if chunk.refusal.is_some() {
            input.advance(here);
            chunk.left = missing;
        }
        if missing > 0 {
            // A chunk that is kept stays in the buffer until it is whole: then it is cut off, not copied.
            return Step::Read(usize::try_from(missing).unwrap_or(usize::MAX));
        }
        let (refusal, last) = (chunk.refusal.take(), chunk.last);
        self.stage = Stage::Command;
        if let Some(refusal) = refusal {
            // After a refused chunk the mail is lost; what follows is refused until a new one begins.
            self.transaction = None;
            return self.refused(refusal);
        }
        let bytes = input.split_to(here);
        let Some(transaction) = &mut self.transaction else {
            return self.refused(Reply::new(503, BAD_SEQUENCE, "MAIL first"));
        };
        let whole = match transaction.chunks.take() {
            None => bytes,
            Some(mut earlier) => {
                content::append(&mut earlier, &bytes);
                earlier
            }
        };
        if last {
            return self.complete(whole);
        }
        transaction.chunks = Some(whole);
        Step::Reply(Reply::new(
            250,
            Status(2, 6, 0),
            format!("{here} octets taken"),
        ))
    }
}

fn parse(rest: &str) -> Option<(u64, bool)> {
    let mut words = rest.split_ascii_whitespace();
    let size = words
        .next()
        .filter(|w| w.len() <= 20 && w.bytes().all(|b| b.is_ascii_digit()))?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return None,
    };
    words
        .next()
        .is_none()
        .then(|| (size.parse().unwrap_or(u64::MAX), last))
}
