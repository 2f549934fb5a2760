//! GR mail: an engine's message and the bodies beside it, as a mail that only the partner can read or make.
//!
//! ```text
//! headers | CMS AuthEnvelopedData { multipart/mixed { application/vnd.callpilot.gr+cbor ; message/rfc822 … } }
//! ```
//! The envelope is CMS (RFC 5083, RFC 5084) so that `openssl cms -decrypt` opens it for inspection, but in one frozen form: it is
//! compared with a template and never parsed as ASN.1 ([`cms`]). Nothing of a mail is used before its tag has been verified,
//! and nobody outside learns why a mail was not opened. Who speaks to whom, and in which order, stands inside the ciphertext.

pub mod cms;
mod content;
mod keys;
mod mail;
mod template;

pub use content::Content;
pub use keys::{Keyring, RootError, root};
pub use mail::{Heading, Mail, RANDOM_LEN, Transfer};

use bytes::BytesMut;

/// Why a mail was not opened. For the log and the counters of this server only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not GR mail at all, or its headers were changed beyond recognition.
    #[error("not a GR mail")]
    NotGrMail,
    /// The envelope differs from the one form that is taken.
    #[error("not the envelope that a CallPilot server makes")]
    Form,
    /// It was sealed with a key that is not this pair's: the GR passwords differ, most likely.
    #[error("sealed with another key: do the GR passwords differ?")]
    OtherKey,
    /// It was changed on its way, or made by somebody without the key.
    #[error("damaged or forged")]
    Forged,
    /// It is authentic, but its content cannot be read.
    #[error("authentic, but of an unknown form")]
    Content,
}

/// Opens a mail as it came by SMTP: headers and content, in place.
///
/// # Errors
/// [`Refused`].
pub fn open(keys: &Keyring, mail: BytesMut) -> Result<Content, Refused> {
    open_by(&[Some(keys)], mail).map(|(content, _)| content)
}

/// Opens a mail by the one of these keys that it was sealed by, and says which.
///
/// # Errors
/// [`Refused`].
pub fn open_by(rings: &[Option<&Keyring>], mail: BytesMut) -> Result<(Content, usize), Refused> {
    let envelope = mail::envelope(mail)?;
    let keys: Vec<_> = rings
        .iter()
        .map(|ring| ring.map(Keyring::incoming))
        .collect();
    let (plaintext, by) = cms::open(&keys, envelope)?;
    Ok((Content::read(plaintext.freeze())?, by))
}

#[cfg(test)]
mod tests;
