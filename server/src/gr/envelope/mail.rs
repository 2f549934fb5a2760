//! The mail around the envelope (RFC 8551 section 3.4, RFC 5322).

use super::content::{Content, Writing};
use super::keys::Key;
use super::{Refused, cms};
use bytes::{Buf, BytesMut};
use domain::Timestamp;
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// How the partner's SMTP service can take the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// As it is (it offers CHUNKING and BINARYMIME).
    Binary,
    /// In lines of ASCII; a third larger.
    Base64,
}

/// Who sends a mail to whom, and when.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// FQDN of the sending server.
    pub from: &'a str,
    /// FQDN of its partner.
    pub to: &'a str,
    /// When.
    pub at: Timestamp,
}

/// The headers of a mail, at most. What lies between two servers adds some.
const HEADERS_MAX: usize = 16 << 10;
const LINE_LEN: usize = 76;
/// Octets drawn anew for each mail: Message-ID, boundary, content key and nonce.
pub const RANDOM_LEN: usize = 16 + 16 + 44;

/// Appends a whole mail to `out`. `random` must never have been used before: each attempt to send is a mail of its own, for
/// what lies between may drop a mail whose Message-ID it has seen.
pub fn compose(
    out: &mut Vec<u8>,
    key: &Key,
    heading: &Heading<'_>,
    content: &Content,
    transfer: Transfer,
    random: &Zeroizing<[u8; RANDOM_LEN]>,
) {
    let (message_id, rest) = random.split_first_chunk::<16>().expect("16 of 76");
    let (boundary, rest) = rest.split_first_chunk::<16>().expect("16 of 60");
    let mut fresh = Zeroizing::new([0; 44]);
    fresh.copy_from_slice(rest);
    let fresh = cms::Fresh::new(fresh);
    let writing = Writing::new(content, *boundary);
    let headers = headers(heading, u128::from_be_bytes(*message_id), transfer);
    match transfer {
        Transfer::Binary => {
            out.reserve(headers.len() + cms::sealed_len(writing.len()));
            out.extend_from_slice(headers.as_bytes());
            cms::seal(out, key, fresh, writing.len(), |out| writing.write(out));
        }
        Transfer::Base64 => {
            out.extend_from_slice(headers.as_bytes());
            let mut envelope = Vec::new();
            cms::seal(&mut envelope, key, fresh, writing.len(), |out| {
                writing.write(out)
            });
            write_lines(out, &envelope);
        }
    }
}

fn headers(heading: &Heading<'_>, message_id: u128, transfer: Transfer) -> String {
    let Heading { from, to, at } = heading;
    let encoding = match transfer {
        Transfer::Binary => "binary",
        Transfer::Base64 => "base64",
    };
    let mut text = String::with_capacity(512);
    let _ = write!(
        text,
        "Date: {}\r\nFrom: <gr-sync@{from}>\r\nTo: <gr-sync@{to}>\r\nMessage-ID: <{message_id:032x}@{from}>\r\n\
         MIME-Version: 1.0 (Voice 2.0)\r\nAuto-Submitted: auto-generated\r\nX-CP-GR: 1\r\n\
         Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\n",
        date(*at)
    );
    text
}

/// RFC 5322 section 3.3.
fn date(at: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn write_lines(out: &mut Vec<u8>, envelope: &[u8]) {
    out.reserve(envelope.len() / 3 * 4 + envelope.len() / 28 + 16);
    for chunk in envelope.chunks(LINE_LEN / 4 * 3) {
        base64_simd::STANDARD.encode_append(chunk, out);
        out.extend_from_slice(b"\r\n");
    }
}

/// The envelope of a mail as it came.
pub(super) fn envelope(mut mail: BytesMut) -> Result<BytesMut, Refused> {
    let window = &mail[..mail.len().min(HEADERS_MAX)];
    let end = memchr::memmem::find(window, b"\r\n\r\n").ok_or(Refused::NotGrMail)?;
    let headers = unfolded(&mail[..end]);
    let value = |name: &str| {
        headers.lines().find_map(|line| {
            let (n, value) = line.split_once(':')?;
            n.trim_end()
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_ascii_lowercase())
        })
    };
    let kind = value("content-type").ok_or(Refused::NotGrMail)?;
    if !kind.starts_with("application/pkcs7-mime") || !kind.contains("authenveloped-data") {
        return Err(Refused::NotGrMail);
    }
    mail.advance(end + 4);
    match value("content-transfer-encoding").as_deref() {
        Some("binary") => Ok(mail),
        Some("base64") => decoded(&mail),
        _ => Err(Refused::NotGrMail),
    }
}

/// RFC 5322 section 2.2.3.
fn unfolded(headers: &[u8]) -> String {
    String::from_utf8_lossy(headers)
        .replace("\r\n ", " ")
        .replace("\r\n\t", " ")
}

fn decoded(lines: &[u8]) -> Result<BytesMut, Refused> {
    let text: Vec<u8> = lines
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    let bytes = base64_simd::STANDARD
        .decode_to_vec(text)
        .map_err(|_| Refused::Form)?;
    Ok(BytesMut::from(&bytes[..]))
}
