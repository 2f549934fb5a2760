//! Visiting cards: whose they are.

use memchr::memchr;

use crate::data::Data;
use crate::limits::{NAME_CHARS_MAX, VCARD_LEN_MAX, shown};
use crate::mime::parameter::Structured;
use crate::mime::{charset, transfer};

/// A visiting card. VPIM version 1 sent them; today they are taken and need not be kept (RFC 3801 section 4.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VCard<'a> {
    /// The card as it came.
    pub data: Data<'a>,
    /// `FN`, else `N` with its fields in writing order, cut to [`NAME_CHARS_MAX`].
    pub name: Option<String>,
}

impl<'a> VCard<'a> {
    pub(crate) fn read(content_type: &Structured, data: Data<'a>) -> VCard<'a> {
        let charset = content_type.parameter("charset").unwrap_or_default();
        let front = &data[..data.len().min(VCARD_LEN_MAX)];
        let full = value(front, "FN", &charset).map(|name| plain(&name));
        let name = full.or_else(|| {
            let structured = value(front, "N", &charset)?;
            let mut fields = structured.split(';').map(str::trim);
            let (family, given) = (fields.next()?, fields.next().unwrap_or_default());
            Some(plain(format!("{given} {family}").trim()))
        });
        let name = name.filter(|name| !name.is_empty());
        VCard { data, name }
    }
}

/// The value of the first line of that name, `item1.FN;CHARSET=utf-8:Anna Onym`, that has one.
fn value(card: &[u8], wanted: &str, charset: &str) -> Option<String> {
    card.split(|&byte| byte == b'\n').find_map(|line| {
        let colon = memchr(b':', line)?;
        let mut parameters = std::str::from_utf8(&line[..colon]).ok()?.split(';');
        let name = parameters.next()?.rsplit('.').next()?.trim();
        let bytes = line[colon + 1..].trim_ascii();
        if !name.eq_ignore_ascii_case(wanted) || bytes.is_empty() {
            return None;
        }
        // Cards of version 2.1 say for each line how it is encoded.
        let (mut charset, mut is_encoded) = (charset, false);
        for parameter in parameters {
            match parameter.split_once('=') {
                Some((name, value)) if name.eq_ignore_ascii_case("charset") => charset = value,
                Some((_, value)) => is_encoded |= value.eq_ignore_ascii_case("quoted-printable"),
                None => is_encoded |= parameter.eq_ignore_ascii_case("quoted-printable"),
            }
        }
        Some(if is_encoded {
            charset::decode(charset, &transfer::quoted_printable(bytes))
        } else {
            charset::decode(charset, bytes)
        })
    })
}

fn plain(value: &str) -> String {
    let unescaped = value.replace("\\,", ",").replace("\\;", ";");
    shown(&unescaped, NAME_CHARS_MAX).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(content_type: &str, card: &[u8]) -> Option<String> {
        VCard::read(&Structured::read(content_type), card.into()).name
    }

    #[test]
    fn a_name_is_read_however_it_is_written() {
        for (content_type, card, expected) in [
            (
                "",
                &b"BEGIN:VCARD\r\nitem1.fn:Anna Onym\r\n"[..],
                "Anna Onym",
            ),
            ("", "FN:Jörg".as_bytes(), "Jörg"),
            ("", b"FN:J\xf6rg", "Jörg"),
            (
                "text/vcard; charset=koi8-r",
                b"FN:\xef\xcc\xd8\xc7\xc1",
                "Ольга",
            ),
            ("", b"FN;CHARSET=windows-1251:\xcf\xe5", "Пе"),
            (
                "",
                b"FN;Charset=utf-8;ENCODING=Quoted-Printable:J=C3=B6rg",
                "Jörg",
            ),
            ("", b"FN;QUOTED-PRINTABLE:J=F6rg", "Jörg"),
            ("", b"FN:\nN:Onym\\, Dr;Anna;;", "Anna Onym, Dr"),
            ("", "FN:Evil \u{202e}\u{7}Rabbit".as_bytes(), "Evil Rabbit"),
        ] {
            assert_eq!(name(content_type, card).as_deref(), Some(expected));
        }
        assert_eq!(name("", b"FN:\r\nN:;;\r\nTEL:1"), None);
    }
}
