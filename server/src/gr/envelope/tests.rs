use super::template;
use super::*;
use crate::gr::pairing::Secret;
use bytes::Bytes;
use domain::Timestamp;
use std::process::Command;
use zeroize::Zeroizing;

const HEADING: Heading<'static> = Heading {
    from: "a.example",
    to: "b.example",
    at: Timestamp(1_790_000_000_000),
};

fn ring(own: &str, partner: &str) -> Keyring {
    Keyring::new(&Secret([7; 32]), own, partner)
}

fn a() -> Keyring {
    ring("a.example", "b.example")
}

fn b() -> Keyring {
    ring("b.example", "a.example")
}

fn content() -> Content {
    Content {
        control: Bytes::from_static(b"\xA1\x61\x78\x01"),
        bodies: vec![
            Bytes::from(vec![0x5A; 500]),
            Bytes::from_static(b"\r\n.\r\n"),
        ],
    }
}

fn sealed(content: &Content, transfer: Transfer, random: u8) -> Vec<u8> {
    let (ring, random) = (a(), Zeroizing::new([random; RANDOM_LEN]));
    let mail = Mail::new(ring.outgoing(), &HEADING, content, transfer, &random);
    let (len, mut out) = (mail.octets(), Vec::new());
    mail.write(&mut out);
    assert_eq!(out.len(), len);
    out
}

/// Where the envelope begins in a binary mail.
fn envelope_at(mail: &[u8]) -> usize {
    memchr::memmem::find(mail, b"\r\n\r\n").unwrap() + 4
}

fn opened(mail: &[u8]) -> Result<Content, Refused> {
    open(&b(), BytesMut::from(mail))
}

#[test]
fn the_partner_reads_what_was_sealed_in_both_encodings() {
    for transfer in [Transfer::Binary, Transfer::Base64] {
        let mail = sealed(&content(), transfer, 3);
        assert_eq!(opened(&mail), Ok(content()));
    }
    let text = sealed(&content(), Transfer::Base64, 3);
    assert!(
        text.is_ascii()
            && text
                .split(|&b| b == b'\n')
                .all(|line| line.len() <= 100 && !line.starts_with(b"."))
    );
}

#[test]
fn a_change_of_any_bit_is_refused() {
    let mail = sealed(&content(), Transfer::Binary, 3);
    for at in envelope_at(&mail)..mail.len() {
        for bit in 0..8 {
            let mut changed = mail.clone();
            changed[at] ^= 1 << bit;
            assert!(opened(&changed).is_err(), "octet {at}, bit {bit}");
        }
    }
}

#[test]
fn a_mail_sent_back_is_refused_and_so_is_one_of_another_password_or_pair() {
    let mail = sealed(&content(), Transfer::Binary, 3);
    let open = |ring: &Keyring| open(ring, BytesMut::from(&mail[..]));
    assert_eq!(open(&a()), Err(Refused::OtherKey));
    assert_eq!(
        open(&Keyring::new(&Secret([8; 32]), "b.example", "a.example")),
        Err(Refused::OtherKey)
    );
    assert_eq!(
        open(&ring("b.example", "c.example")),
        Err(Refused::OtherKey)
    );
}

/// The same content with other bytes around it: what a lenient reader of ASN.1 would open.
#[test]
fn other_forms_of_the_same_envelope_are_refused() {
    let mail = sealed(&content(), Transfer::Binary, 3);
    let at = envelope_at(&mail);
    let (head, der) = mail.split_at(at);
    let refused = |der: Vec<u8>| assert_eq!(opened(&[head, &der].concat()), Err(Refused::Form));

    // A tag of four octets, with the lengths made to fit (CVE-2026-34182).
    let (_, layout) = template::matched(der).unwrap();
    let mut short = der[..layout.ciphertext.end].to_vec();
    let icv = memchr::memmem::find(&short, &[0x02, 0x01, 0x10, 0x80]).unwrap();
    short[icv + 2] = 4;
    short.extend_from_slice(&[0x04, 0x04]);
    short.extend_from_slice(&der[der.len() - 16..der.len() - 12]);
    refused(relength(short));

    // AES-256-CBC in place of GCM; AES-128 wrap in place of AES-256 wrap.
    for (from, to) in [
        ([0x03, 0x04, 0x01, 0x2E], 0x2A),
        ([0x03, 0x04, 0x01, 0x2D], 0x05),
    ] {
        let mut other = der.to_vec();
        let found = memchr::memmem::find(&other, &from).unwrap();
        other[found + 3] = to;
        refused(other);
    }

    // A BER length with a leading zero, and the indefinite form.
    let body = &der[4..];
    refused([&[0x30, 0x83, 0x00, der[2], der[3]], body].concat());
    refused([&[0x30, 0x80], body, &[0, 0]].concat());

    // The recipient twice.
    let set = memchr::memmem::find(der, &[0x31, 0x48]).unwrap();
    let recipient = &der[set + 2..set + 2 + 0x48];
    let twice = [
        &der[..set],
        &[0x31, 0x81, 0x90],
        recipient,
        recipient,
        &der[set + 2 + 0x48..],
    ]
    .concat();
    refused(relength(twice));

    // Authenticated and unauthenticated attributes (empty sets) before and after the tag.
    let end = layout.ciphertext.end;
    refused(relength([&der[..end], &[0xA1, 0x00], &der[end..]].concat()));
    refused(relength([der, &[0xA2, 0x00]].concat()));
}

/// Gives the three outermost elements, all with two octets of length, the lengths they have now.
fn relength(mut der: Vec<u8>) -> Vec<u8> {
    let total = der.len();
    for at in [0, 17, 21] {
        assert_eq!(der[at + 1], 0x82);
        let len = u16::try_from(total - at - 4).unwrap();
        der[at + 2..at + 4].copy_from_slice(&len.to_be_bytes());
    }
    der
}

#[test]
fn what_is_no_gr_mail_is_refused() {
    let mail = sealed(&content(), Transfer::Binary, 3);
    let text = String::from_utf8_lossy(&mail[..envelope_at(&mail)]).into_owned();
    let with = |head: &str| opened(&[head.as_bytes(), &mail[envelope_at(&mail)..]].concat());
    assert_eq!(with(&text), Ok(content()));
    let folded = text.replace("; smime-type", ";\r\n\tsmime-type");
    assert_eq!(
        with(&format!("Received: from x\r\n by y\r\n{folded}")),
        Ok(content())
    );
    assert_eq!(
        with(&text.replace("authEnveloped", "enveloped")),
        Err(Refused::NotGrMail)
    );
    assert_eq!(
        with(&text.replace("binary", "quoted-printable")),
        Err(Refused::NotGrMail)
    );
    assert_eq!(with(&text.replace("binary", "base64")), Err(Refused::Form));
    assert_eq!(opened(b""), Err(Refused::NotGrMail));
    assert_eq!(
        opened(b"Subject: hello\r\n\r\nhello"),
        Err(Refused::NotGrMail)
    );
}

#[test]
fn the_form_is_frozen() {
    let mail = sealed(&content(), Transfer::Binary, 3);
    assert_eq!(
        blake3::hash(&mail).to_hex().as_str(),
        "6a7fd20ffe554399d5976d1aeabfb87fc6569919af27cc6632b39b6ea35e90a7"
    );
    let overhead = cms::sealed_len(120_000) - 120_000;
    assert_eq!(overhead, 176);
}

/// OpenSSL opens it for inspection. It is no judge of forgeries: several of its versions take a short tag.
#[test]
fn openssl_opens_it_for_inspection() {
    let mail = sealed(&content(), Transfer::Binary, 9);
    let der = &mail[envelope_at(&mail)..];
    let dir = std::env::temp_dir().join(format!("callpilot-envelope-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("smime.p7m");
    std::fs::write(&file, der).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let key = a().outgoing().clone();
    let run = Command::new("openssl")
        .args(["cms", "-decrypt", "-binary", "-inform", "DER", "-in"])
        .arg(&file)
        .args([
            "-secretkey",
            &hex(&key.kek[..]),
            "-secretkeyid",
            &hex(&key.id),
        ])
        .output();
    std::fs::remove_dir_all(&dir).unwrap();
    let Ok(run) = run else {
        // Set-up installs it for the tests; a machine without it still has all other tests of the envelope.
        eprintln!("openssl is not installed: not compared");
        return;
    };
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert_eq!(Content::read(run.stdout.into()), Ok(content()));
}
