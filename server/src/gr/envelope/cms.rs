//! Sealing and opening: a fresh content key for each mail, wrapped for the partner; AES-256-GCM over the content.

use super::Refused;
use super::keys::Key;
use super::template::{self, Fields, NONCE_LEN, TAG_LEN, WRAPPED_LEN};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};
use bytes::{Buf, BytesMut};
use zeroize::Zeroizing;

/// What is drawn anew for each mail. A content key that is used once makes it impossible to use a nonce twice with it.
pub struct Fresh {
    content_key: Zeroizing<[u8; 32]>,
    nonce: [u8; NONCE_LEN],
}

impl Fresh {
    /// From 44 random octets.
    pub fn new(random: Zeroizing<[u8; 44]>) -> Self {
        let mut fresh = Self {
            content_key: Zeroizing::new([0; 32]),
            nonce: [0; NONCE_LEN],
        };
        fresh.content_key.copy_from_slice(&random[..32]);
        fresh.nonce.copy_from_slice(&random[32..]);
        fresh
    }
}

/// Octets of an envelope around `len` octets.
pub fn sealed_len(len: usize) -> usize {
    template::header_len(len) + len + template::TRAILER_LEN
}

/// Appends an envelope to `out`. `write` appends the content, exactly `len` octets; it is encrypted where it lies.
///
/// # Panics
/// If `write` appends another number of octets.
pub fn seal(
    out: &mut Vec<u8>,
    key: &Key,
    fresh: Fresh,
    len: usize,
    write: impl FnOnce(&mut Vec<u8>),
) {
    out.reserve(sealed_len(len));
    let mut wrapped = [0; WRAPPED_LEN];
    AesKek::new(&AES_256, key.kek.as_slice())
        .and_then(|kek| {
            kek.wrap(fresh.content_key.as_slice(), &mut wrapped)
                .map(drop)
        })
        .expect("a key of 32 octets can be wrapped by one of 32");
    let fields = Fields {
        key_id: key.id,
        wrapped,
        nonce: fresh.nonce,
    };
    template::write_header(out, &fields, len);
    let start = out.len();
    write(out);
    assert_eq!(
        out.len() - start,
        len,
        "the content has the length that its header says"
    );
    let tag = cipher(&fresh.content_key)
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(fresh.nonce),
            Aad::empty(),
            &mut out[start..],
        )
        .expect("a mail is far shorter than what one key may encrypt");
    template::write_trailer(out, tag.as_ref());
}

/// Opens an envelope where it lies, by the one of these keys that it names. Returns the content, and which key it was; nothing of the content has
/// been looked at before its tag was verified.
pub fn open(keys: &[Option<&Key>], mut envelope: BytesMut) -> Result<(BytesMut, usize), Refused> {
    let (fields, layout) = template::matched(&envelope).ok_or(Refused::Form)?;
    let named = |key: &Option<&Key>| key.is_some_and(|key| key.id == fields.key_id);
    let by = keys.iter().position(named).ok_or(Refused::OtherKey)?;
    let key = keys[by].ok_or(Refused::OtherKey)?;
    let mut content_key = Zeroizing::new([0; 32]);
    AesKek::new(&AES_256, key.kek.as_slice())
        .and_then(|kek| {
            kek.unwrap(&fields.wrapped, content_key.as_mut())
                .map(|_| ())
        })
        .map_err(|_| Refused::Forged)?;
    let (rest, tag) =
        envelope.split_at_mut(layout.ciphertext.end + template::TRAILER_LEN - TAG_LEN);
    cipher(&content_key)
        .open_in_place_separate_tag(
            Nonce::assume_unique_for_key(fields.nonce),
            Aad::empty(),
            tag,
            &mut rest[layout.ciphertext.clone()],
        )
        .map_err(|_| Refused::Forged)?;
    envelope.truncate(layout.ciphertext.end);
    envelope.advance(layout.ciphertext.start);
    Ok((envelope, by))
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, key).expect("a key of AES-256 has 32 octets");
    LessSafeKey::new(key)
}
