//! The keys of the pair as they are now, and the change of its password without a pause, whichever server learns it first.
//!
//! A server that has been told a new password goes on with the old one, for its partner may not have the new one yet. Now and then it sends a short
//! message once more, sealed by the new one. Whoever opens a mail by the new one knows that its partner has it, and goes over to it; what the
//! partner sends from then on tells that server the same. So the first to be told waits; the second goes over when the next such message comes, which is
//! after a heartbeat at the latest (`gr.heartbeat_ms`); and the first follows. If the two were told different ones, neither goes over, and mail comes that
//! none of the keys opens. Mail under the old password that is still on its way is taken for a while.

use super::envelope::{self, Content, Keyring, Refused};
use bytes::BytesMut;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

/// So long mail under the password of before is taken, once both servers have the new one.
const PREVIOUS_KEPT: Duration = Duration::from_secs(600);
/// That mail was sealed by another key is told for so long.
const OTHER_KEY_TOLD: Duration = Duration::from_secs(300);

/// The keys of the pair, shared by all who seal and open. Cheap to clone.
#[derive(Clone, Default)]
pub struct GrKeys(Arc<RwLock<State>>);

#[derive(Default)]
struct State {
    rings: Option<Rings>,
    other_key: Option<(IpAddr, Instant)>,
}

struct Rings {
    current: Arc<Keyring>,
    next: Option<Arc<Keyring>>,
    previous: Option<(Arc<Keyring>, Instant)>,
}

/// By which password a mail was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedBy {
    /// The one that holds, or the one of before.
    Known,
    /// The new one: the partner has it, too.
    Next,
}

impl GrKeys {
    /// The keys of a pair; `next` where its password is being changed.
    pub fn begin(&self, current: Keyring, next: Option<Keyring>) {
        *self.write() = State {
            rings: Some(Rings {
                current: Arc::new(current),
                next: next.map(Arc::new),
                previous: None,
            }),
            other_key: None,
        };
    }

    /// There is no pair any more.
    pub fn end(&self) {
        *self.write() = State::default();
    }

    /// The password is to be changed to this one; `None`: it stays.
    pub fn change_to(&self, next: Option<Keyring>) {
        let state = &mut *self.write();
        if let Some(rings) = &mut state.rings {
            rings.next = next.map(Arc::new);
            // What came before may have been sealed by just this one.
            state.other_key = None;
        }
    }

    /// The partner has the new password, so that it holds from now on.
    pub fn go_over(&self, now: Instant) {
        let state = &mut *self.write();
        if let Some(rings) = &mut state.rings
            && let Some(next) = rings.next.take()
        {
            let before = std::mem::replace(&mut rings.current, next);
            rings.previous = Some((before, now + PREVIOUS_KEPT));
            state.other_key = None;
        }
    }

    /// Whether there is a pair.
    pub fn is_any(&self) -> bool {
        self.read().rings.is_some()
    }

    /// Whether the password is being changed, and the partner does not have the new one yet.
    pub fn is_changing(&self) -> bool {
        self.next().is_some()
    }

    /// What mail is sealed by.
    pub fn current(&self) -> Option<Arc<Keyring>> {
        let state = self.read();
        state.rings.as_ref().map(|rings| Arc::clone(&rings.current))
    }

    /// What mail will be sealed by once the partner has the new password.
    pub fn next(&self) -> Option<Arc<Keyring>> {
        self.read().rings.as_ref()?.next.clone()
    }

    /// Opens a mail as it came by SMTP.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn open(&self, mail: BytesMut, now: Instant) -> Result<(Content, SealedBy), Refused> {
        // Cloned, so that no key is held back while a mail is decrypted.
        let (current, next, previous) = {
            let state = self.read();
            let rings = state.rings.as_ref().ok_or(Refused::OtherKey)?;
            let previous = rings.previous.clone().filter(|(_, until)| now < *until);
            (
                Arc::clone(&rings.current),
                rings.next.clone(),
                previous.map(|(ring, _)| ring),
            )
        };
        let rings = [Some(current), next, previous];
        let rings: Vec<Option<&Keyring>> = rings.iter().map(Option::as_deref).collect();
        let (content, by) = envelope::open_by(&rings, mail)?;
        let by = if by == 1 {
            SealedBy::Next
        } else {
            SealedBy::Known
        };
        Ok((content, by))
    }

    /// A mail from an address was sealed by another key.
    pub fn note_other_key(&self, from: IpAddr, now: Instant) {
        self.write().other_key = Some((from, now));
    }

    /// Where mail that was sealed by another key came from lately.
    pub fn other_key(&self, now: Instant) -> Option<IpAddr> {
        let lately = |at: &Instant| now.saturating_duration_since(*at) < OTHER_KEY_TOLD;
        self.read()
            .other_key
            .filter(|(_, at)| lately(at))
            .map(|(from, _)| from)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gr::envelope::{Heading, Mail, RANDOM_LEN, Transfer};
    use crate::gr::pairing::Secret;
    use bytes::Bytes;
    use domain::Timestamp;
    use zeroize::Zeroizing;

    const A: &str = "a.example";
    const B: &str = "b.example";

    fn ring(root: u8, own: &str, partner: &str) -> Keyring {
        Keyring::new(&Secret([root; 32]), own, partner)
    }

    fn sealed(ring: &Keyring) -> BytesMut {
        let content = Content {
            control: Bytes::from_static(b"x"),
            bodies: Vec::new(),
        };
        let at = Timestamp(0);
        let heading = Heading { from: A, to: B, at };
        let random = Zeroizing::new([9; RANDOM_LEN]);
        let mut out = Vec::new();
        Mail::new(
            ring.outgoing(),
            &heading,
            &content,
            Transfer::Binary,
            &random,
        )
        .write(&mut out);
        BytesMut::from(&out[..])
    }

    /// What a server makes of a mail that another one seals by what holds there.
    fn hears(here: &GrKeys, there: &GrKeys, now: Instant) -> Result<SealedBy, Refused> {
        let ring = there.current().unwrap();
        here.open(sealed(&ring), now).map(|(_, by)| by)
    }

    #[test]
    fn whichever_server_learns_the_new_password_first_there_is_no_moment_without_a_common_one() {
        let now = Instant::now();
        for first_is_a in [true, false] {
            let (a, b) = (GrKeys::default(), GrKeys::default());
            a.begin(ring(1, A, B), None);
            b.begin(ring(1, B, A), None);
            let rings = [ring(2, A, B), ring(2, B, A)];
            let [of_a, of_b] = rings;
            let (first, second) = if first_is_a { (&a, &b) } else { (&b, &a) };
            let (of_first, of_second) = if first_is_a {
                (of_a, of_b)
            } else {
                (of_b, of_a)
            };
            first.change_to(Some(of_first));
            assert_eq!(hears(second, first, now), Ok(SealedBy::Known));
            assert_eq!(hears(first, second, now), Ok(SealedBy::Known));
            let word = || sealed(&first.next().unwrap());
            let unknown = second.open(word(), now).map(drop);
            assert_eq!(unknown, Err(Refused::OtherKey), "not told yet");
            second.change_to(Some(of_second));
            assert_eq!(second.open(word(), now).unwrap().1, SealedBy::Next);
            let late = sealed(&second.current().unwrap());
            second.go_over(now);
            assert_eq!(hears(second, first, now), Ok(SealedBy::Known), "on its way");
            assert_eq!(first.open(late, now).unwrap().1, SealedBy::Known);
            assert_eq!(hears(first, second, now), Ok(SealedBy::Next));
            first.go_over(now);
            assert!(!first.is_changing() && !second.is_changing());
            assert_eq!(hears(second, first, now), Ok(SealedBy::Known));
            assert_eq!(hears(first, second, now), Ok(SealedBy::Known));
            let old = sealed(&ring(
                1,
                if first_is_a { B } else { A },
                if first_is_a { A } else { B },
            ));
            let later = now + PREVIOUS_KEPT;
            assert!(first.open(old.clone(), now).is_ok());
            assert_eq!(first.open(old, later).map(drop), Err(Refused::OtherKey));
        }
    }

    #[test]
    fn a_change_that_is_given_up_leaves_what_was() {
        let (keys, now) = (GrKeys::default(), Instant::now());
        assert!(!keys.is_any());
        assert!(keys.open(sealed(&ring(1, B, A)), now).is_err());
        keys.begin(ring(1, A, B), None);
        keys.note_other_key([192, 0, 2, 1].into(), now);
        keys.change_to(Some(ring(2, A, B)));
        assert_eq!(keys.other_key(now), None, "it may have been that one");
        keys.change_to(None);
        keys.go_over(now);
        assert!(keys.open(sealed(&ring(1, B, A)), now).is_ok());
        assert!(keys.open(sealed(&ring(2, B, A)), now).is_err());
        keys.note_other_key([192, 0, 2, 1].into(), now);
        assert_eq!(keys.other_key(now), Some([192, 0, 2, 1].into()));
        assert_eq!(keys.other_key(now + OTHER_KEY_TOLD), None);
        keys.end();
        assert!(!keys.is_any() && keys.other_key(now).is_none());
    }
}
