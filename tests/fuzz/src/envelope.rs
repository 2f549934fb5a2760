//! Mail to the replication engine: nobody without the key makes one that opens, and what is inside is read as it was written.

use bytes::{Bytes, BytesMut};
use contract::Timestamp;
use server::gr::envelope::{Content, Heading, Keyring, Mail, RANDOM_LEN, Transfer, open};
use server::gr::pairing::Secret;
use std::sync::LazyLock;
use zeroize::Zeroizing;

/// A pair's keys, on the side that reads.
static KEYS: LazyLock<Keyring> = LazyLock::new(|| ring("b.example", "a.example"));

/// A mail of that pair in both encodings.
static SEALED: LazyLock<[Vec<u8>; 2]> =
    LazyLock::new(|| [Transfer::Binary, Transfer::Base64].map(sealed));

fn ring(own: &str, partner: &str) -> Keyring {
    Keyring::new(&Secret([7; 32]), own, partner)
}

fn sealed(transfer: Transfer) -> Vec<u8> {
    let heading = Heading {
        from: "a.example",
        to: "b.example",
        at: Timestamp(1_790_000_000_000),
    };
    let content = Content {
        control: Bytes::from_static(b"\xA1\x61\x78\x01"),
        bodies: vec![Bytes::from_static(b"a body\r\n.\r\n")],
    };
    let (ring, random) = (
        ring("a.example", "b.example"),
        Zeroizing::new([3; RANDOM_LEN]),
    );
    let mut mail = Vec::new();
    Mail::new(ring.outgoing(), &heading, &content, transfer, &random).write(&mut mail);
    mail
}

/// Reads octets as a stranger's mail, as changes of the partner's, and as what is inside.
pub fn read(octets: &[u8]) {
    let _ = open(&KEYS, BytesMut::from(octets));
    if let Ok(content) = Content::read(Bytes::copy_from_slice(octets)) {
        let all: usize = content.bodies.iter().map(Bytes::len).sum();
        assert!(content.control.len() + all <= octets.len());
    }
    for whole in &*SEALED {
        altered(whole, octets);
    }
}

/// Every four octets change one: where (two octets), and by what. Headers may be changed on the way; of what is sealed nothing may.
fn altered(whole: &[u8], changes: &[u8]) {
    let body = whole.windows(4).position(|four| four == b"\r\n\r\n");
    let body = body.expect("a mail has a body") + 4;
    let mut mail = BytesMut::from(whole);
    for change in changes.chunks_exact(4).take(16) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % mail.len();
        mail[at] ^= change[2];
    }
    let is_whole = mail[body..] == whole[body..];
    let is_binary = whole[body] == 0x30;
    // Space between the letters of base64 is no part of what they say.
    let says_the_same = is_whole || !is_binary && letters(&mail[body..]) == letters(&whole[body..]);
    assert!(open(&KEYS, mail).is_err() || says_the_same);
}

fn letters(text: &[u8]) -> Vec<u8> {
    let solid = text.iter().filter(|octet| !octet.is_ascii_whitespace());
    solid.copied().collect()
}
