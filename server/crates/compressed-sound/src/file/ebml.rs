//! Elements of EBML (RFC 8794): a number that says which, a number that says how long, and what is in it.

use crate::bits::be;

/// An element.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub id: u64,
    pub body: &'a [u8],
}

/// The elements that follow each other. Those with one of the ids `opened` are gone into, so that what is in them follows, too: their length
/// may be unknown.
pub(super) struct Elements<'a> {
    pub rest: &'a [u8],
    pub opened: &'static [u64],
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            let (id, rest) = number(self.rest, true)?;
            let (len, body) = number(rest, false)?;
            if self.opened.contains(&id) {
                self.rest = body;
                continue;
            }
            let len = usize::try_from(len).unwrap_or(usize::MAX).min(body.len());
            let (body, rest) = body.split_at(len);
            self.rest = rest;
            return Some(Element { id, body });
        }
    }
}

/// A number of one to eight octets, whose first says how many; `marked` leaves in it what says so. And what stands behind it.
pub(super) fn number(octets: &[u8], marked: bool) -> Option<(u64, &[u8])> {
    let len = octets.first()?.leading_zeros() as usize + 1;
    let number = be(octets, 0, len).filter(|_| len <= 8)?;
    let mark = 1u64 << (7 * len);
    Some((
        if marked { number } else { number & (mark - 1) },
        &octets[len..],
    ))
}
