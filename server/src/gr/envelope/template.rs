//! The one form of the envelope: the DER of CMS AuthEnvelopedData, byte for byte, but for five variable fields (E15).
//!
//! ```text
//! ContentInfo            30 L1  06 0B id-ct-authEnvelopedData          RFC 5652 section 3, RFC 5083
//!   [0]                  A0 L2
//!     AuthEnvelopedData  30 L3  02 01 00                               version 0
//!       recipientInfos   31 ..  A2 ..  02 01 04                        one KEKRecipientInfo, version 4 (RFC 5652 section 6.2.3)
//!                               30 0A 04 08 <key id>
//!                               30 0B 06 09 id-aes256-wrap             RFC 3394, RFC 3565
//!                               04 28 <wrapped key>
//!       content          30 L4  06 09 id-data
//!                               30 1E 06 09 id-aes256-GCM 30 11 04 0C <nonce> 02 01 10      RFC 5084: tag of 16 octets
//!                               80 L5 <ciphertext>
//!       mac              04 10 <tag>
//! ```
//! The variable fields are the lengths L1 to L5 (all given by the length of the ciphertext), key id, wrapped key, nonce and tag.
//! DER has one way to write a length, so a header can be made anew from its variable fields and compared as a whole: no other
//! algorithm, no shorter tag, no attribute, no second recipient and no BER length can pass.

use super::keys::Key;
use std::ops::Range;

pub const WRAPPED_LEN: usize = 40;
pub const NONCE_LEN: usize = 12;
pub const TAG_LEN: usize = 16;

const CONTENT_TYPE: &[u8] = &[
    0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x01, 0x17,
];
const VERSION_0: &[u8] = &[0x02, 0x01, 0x00];
const RECIPIENT: &[u8] = &[
    0x31, 0x48, 0xA2, 0x46, 0x02, 0x01, 0x04, 0x30, 0x0A, 0x04, 0x08,
];
const KEY_WRAP: &[u8] = &[
    0x30, 0x0B, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2D, 0x04, 0x28,
];
const DATA_AND_CIPHER: &[u8] = &[
    0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01, // id-data
    0x30, 0x1E, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01,
    0x2E, // id-aes256-GCM
    0x30, 0x11, 0x04, 0x0C,
];
const TAG_IS_16: &[u8] = &[0x02, 0x01, 0x10];
const MAC: &[u8] = &[0x04, 0x10];

/// What all of `RECIPIENT` to the wrapped key takes.
const RECIPIENTS_LEN: usize = RECIPIENT.len() + Key::ID_LEN + KEY_WRAP.len() + WRAPPED_LEN;
/// What precedes the ciphertext's own tag and length in its SEQUENCE.
const CONTENT_LEN: usize = DATA_AND_CIPHER.len() + NONCE_LEN + TAG_IS_16.len();
/// What follows the ciphertext.
pub const TRAILER_LEN: usize = MAC.len() + TAG_LEN;

/// The variable fields beside the lengths and the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    pub key_id: [u8; Key::ID_LEN],
    pub wrapped: [u8; WRAPPED_LEN],
    pub nonce: [u8; NONCE_LEN],
}

/// Where things lie in an envelope of a given length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub ciphertext: Range<usize>,
}

/// Appends everything before a ciphertext of `len` octets.
pub fn write_header(out: &mut Vec<u8>, fields: &Fields, len: usize) {
    let content = CONTENT_LEN + element(len);
    let enveloped = VERSION_0.len() + RECIPIENTS_LEN + element(content) + TRAILER_LEN;
    let outer = CONTENT_TYPE.len() + element(element(enveloped));
    tag_and_length(out, 0x30, outer);
    out.extend_from_slice(CONTENT_TYPE);
    tag_and_length(out, 0xA0, element(enveloped));
    tag_and_length(out, 0x30, enveloped);
    out.extend_from_slice(VERSION_0);
    out.extend_from_slice(RECIPIENT);
    out.extend_from_slice(&fields.key_id);
    out.extend_from_slice(KEY_WRAP);
    out.extend_from_slice(&fields.wrapped);
    tag_and_length(out, 0x30, content);
    out.extend_from_slice(DATA_AND_CIPHER);
    out.extend_from_slice(&fields.nonce);
    out.extend_from_slice(TAG_IS_16);
    tag_and_length(out, 0x80, len);
}

/// Appends what follows the ciphertext.
pub fn write_trailer(out: &mut Vec<u8>, tag: &[u8]) {
    debug_assert_eq!(tag.len(), TAG_LEN);
    out.extend_from_slice(MAC);
    out.extend_from_slice(tag);
}

/// Octets before a ciphertext of `len` octets.
pub fn header_len(len: usize) -> usize {
    let content = CONTENT_LEN + element(len);
    let enveloped = VERSION_0.len() + RECIPIENTS_LEN + element(content) + TRAILER_LEN;
    let outer = CONTENT_TYPE.len() + element(element(enveloped));
    element(outer) - TRAILER_LEN - len
}

/// Reads the variable fields of an envelope, if it has the one form; says where its ciphertext lies. Its tag is the last
/// [`TAG_LEN`] octets.
pub fn matched(envelope: &[u8]) -> Option<(Fields, Layout)> {
    let len = ciphertext_len(envelope.len())?;
    let start = header_len(len);
    let content = start - tag_and_length_len(len) - CONTENT_LEN;
    let recipients = content - tag_and_length_len(CONTENT_LEN + element(len)) - RECIPIENTS_LEN;
    let key_id = recipients + RECIPIENT.len();
    let wrapped = key_id + Key::ID_LEN + KEY_WRAP.len();
    let nonce = content + DATA_AND_CIPHER.len();
    let fields = Fields {
        key_id: field(envelope, key_id)?,
        wrapped: field(envelope, wrapped)?,
        nonce: field(envelope, nonce)?,
    };
    let mut expected = Vec::with_capacity(start);
    write_header(&mut expected, &fields, len);
    let trailer = envelope.get(start + len..)?;
    let equal = envelope.get(..start)? == expected
        && trailer.starts_with(MAC)
        && trailer.len() == TRAILER_LEN;
    equal.then_some((
        fields,
        Layout {
            ciphertext: start..start + len,
        },
    ))
}

/// The length of the ciphertext in an envelope of `total` octets. There is at most one: header and ciphertext grow together.
fn ciphertext_len(total: usize) -> Option<usize> {
    let least = header_len(0) + TRAILER_LEN;
    let most = header_len(usize::try_from(u32::MAX).ok()?) + TRAILER_LEN;
    (least..=most)
        .filter_map(|overhead| total.checked_sub(overhead).map(|len| (overhead, len)))
        .find(|&(overhead, len)| header_len(len) + TRAILER_LEN == overhead)
        .map(|(_, len)| len)
}

fn field<const N: usize>(envelope: &[u8], at: usize) -> Option<[u8; N]> {
    envelope.get(at..at + N)?.try_into().ok()
}

/// Octets of an element with `len` octets of content.
fn element(len: usize) -> usize {
    tag_and_length_len(len) + len
}

fn tag_and_length_len(len: usize) -> usize {
    2 + if len < 0x80 { 0 } else { len_octets(len) }
}

/// Octets of a length in the long form, without the first.
fn len_octets(len: usize) -> usize {
    (usize::BITS - len.leading_zeros()).div_ceil(8) as usize
}

/// X.690 section 10.1: definite form, in the least number of octets.
fn tag_and_length(out: &mut Vec<u8>, tag: u8, len: usize) {
    out.push(tag);
    if len < 0x80 {
        out.push(len as u8);
        return;
    }
    let octets = len_octets(len);
    out.push(0x80 | octets as u8);
    out.extend_from_slice(&len.to_be_bytes()[size_of::<usize>() - octets..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields {
            key_id: [1; 8],
            wrapped: [2; 40],
            nonce: [3; 12],
        }
    }

    fn envelope(len: usize) -> Vec<u8> {
        let mut out = Vec::new();
        write_header(&mut out, &fields(), len);
        assert_eq!(out.len(), header_len(len));
        out.resize(out.len() + len, 0xEE);
        write_trailer(&mut out, &[4; 16]);
        out
    }

    #[test]
    fn what_is_written_is_matched_at_every_change_of_a_length() {
        let near = |n: usize| n.saturating_sub(250)..n + 10;
        for len in near(0)
            .chain(near(0x80))
            .chain(near(0x100))
            .chain(near(0x1_0000))
            .chain([0x100_0000, 8 << 20])
        {
            let whole = envelope(len);
            let start = header_len(len);
            assert_eq!(
                matched(&whole),
                Some((
                    fields(),
                    Layout {
                        ciphertext: start..start + len
                    }
                )),
                "{len}"
            );
        }
    }

    #[test]
    fn every_octet_but_those_of_the_variable_fields_is_compared() {
        let whole = envelope(300);
        let mut variable = 0;
        for at in (0..header_len(300)).chain(header_len(300) + 300..whole.len()) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            variable += usize::from(matched(&changed).is_some());
        }
        assert_eq!(variable, 8 + 40 + 12 + 16);
    }

    #[test]
    fn other_lengths_and_pieces_are_refused() {
        let whole = envelope(300);
        for end in 0..whole.len() {
            assert_eq!(matched(&whole[..end]), None, "{end}");
        }
        assert_eq!(matched(&[&whole[..], &[0]].concat()), None);
    }
}
