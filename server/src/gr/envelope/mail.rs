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

/// A mail about to be written.
pub struct Mail<'a> {
    key: &'a Key,
    fresh: cms::Fresh,
    headers: String,
    content: Writing<'a>,
    transfer: Transfer,
}

impl<'a> Mail<'a> {
    /// Prepares a mail. `random` must never have been used before: each attempt to send is a mail of its own, for what lies
    /// between may drop a mail whose Message-ID it has seen.
    pub fn new(
        key: &'a Key,
        heading: &Heading<'_>,
        content: &'a Content,
        transfer: Transfer,
        random: &Zeroizing<[u8; RANDOM_LEN]>,
    ) -> Self {
        let (message_id, rest) = random.split_first_chunk::<16>().expect("16 of 76");
        let (boundary, rest) = rest.split_first_chunk::<16>().expect("16 of 60");
        let mut fresh = Zeroizing::new([0; 44]);
        fresh.copy_from_slice(rest);
        Self {
            key,
            fresh: cms::Fresh::new(fresh),
            headers: headers(heading, u128::from_be_bytes(*message_id), transfer),
            content: Writing::new(content, *boundary),
            transfer,
        }
    }

    /// Octets of all of it.
    pub fn octets(&self) -> usize {
        let envelope = cms::sealed_len(self.content.octets());
        let body = match self.transfer {
            Transfer::Binary => envelope,
            Transfer::Base64 => lines_len(envelope),
        };
        self.headers.len() + body
    }

    /// Appends it to `out`; a binary envelope is sealed where it lies.
    pub fn write(self, out: &mut Vec<u8>) {
        out.reserve(self.octets());
        out.extend_from_slice(self.headers.as_bytes());
        let content = &self.content;
        match self.transfer {
            Transfer::Binary => cms::seal(out, self.key, self.fresh, content.octets(), |out| {
                content.write(out)
            }),
            Transfer::Base64 => {
                let mut envelope = Vec::new();
                cms::seal(
                    &mut envelope,
                    self.key,
                    self.fresh,
                    content.octets(),
                    |out| content.write(out),
                );
                write_lines(out, &envelope);
            }
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

/// Octets of a line before encoding.
const LINE_OCTETS: usize = LINE_LEN / 4 * 3;

fn write_lines(out: &mut Vec<u8>, envelope: &[u8]) {
    for chunk in envelope.chunks(LINE_OCTETS) {
        base64_simd::STANDARD.encode_append(chunk, out);
        out.extend_from_slice(b"\r\n");
    }
}

fn lines_len(len: usize) -> usize {
    len.div_ceil(3) * 4 + len.div_ceil(LINE_OCTETS) * 2
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
        Some("base64") => decoded(mail),
        _ => Err(Refused::NotGrMail),
    }
}

/// RFC 5322 section 2.2.3.
fn unfolded(headers: &[u8]) -> String {
    String::from_utf8_lossy(headers)
        .replace("\r\n ", " ")
        .replace("\r\n\t", " ")
}

/// Decodes where it lies, so that a mail is never there twice.
fn decoded(mut mail: BytesMut) -> Result<BytesMut, Refused> {
    let mut end = 0;
    for at in 0..mail.len() {
        let octet = mail[at];
        if !octet.is_ascii_whitespace() {
            mail[end] = octet;
            end += 1;
        }
    }
    let decoded = base64_simd::STANDARD.decode_inplace(&mut mail[..end]);
    let len = decoded.map_err(|_| Refused::Form)?.len();
    mail.truncate(len);
    Ok(mail)
}
