//! Bytes that may be borrowed and are never shown.

use std::borrow::Cow;

/// The bytes of a part, borrowed from the mail where they stood in it as they are. Reads like a slice; in a log only their
/// number shows, because what people say to each other is nobody's business.
#[derive(Clone, PartialEq, Eq)]
pub struct Data<'a>(Cow<'a, [u8]>);

impl<'a> Data<'a> {
    /// Whether the bytes are borrowed from the mail, rather than decoded into own memory.
    pub fn is_borrowed(&self) -> bool {
        matches!(self.0, Cow::Borrowed(_))
    }

    /// The bytes, copied only if they are borrowed.
    pub fn into_vec(self) -> Vec<u8> {
        self.0.into_owned()
    }

    /// The same bytes in own memory.
    pub fn into_owned(self) -> Data<'static> {
        Data(Cow::Owned(self.0.into_owned()))
    }
}

impl<'a, T: Into<Cow<'a, [u8]>>> From<T> for Data<'a> {
    fn from(bytes: T) -> Data<'a> {
        Data(bytes.into())
    }
}

impl std::ops::Deref for Data<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
