//! Text of header fields in raw octets (against RFC 5322): mail programs that write it so write it in the character set of the body.

use encoding_rs::Encoding;

use crate::content::{Content, Part};
use crate::mime::charset;
use crate::mime::field::Field;

/// Tells the fields of a message and of its parts in which character set they may be: that of its first text that names one. Whether
/// there are fields of the message that read otherwise for it.
pub(crate) fn read_beside(fields: &mut [Field<'_>], parts: &mut [Part<'_>]) -> bool {
    let Some(encoding) = parts.iter().find_map(of_text) else {
        return false;
    };
    let of_parts = parts.iter_mut().flat_map(|part| &mut part.fields);
    of_parts
        .filter(is_raw)
        .for_each(|field| field.stands_beside(encoding));
    let raw = fields.iter_mut().filter(is_raw);
    raw.map(|field| field.stands_beside(encoding)).count() > 0
}

fn of_text(part: &Part<'_>) -> Option<&'static Encoding> {
    match &part.content {
        Content::Text(text) => charset::of_raw_header(&text.charset),
        _ => None,
    }
}

fn is_raw(field: &&mut Field<'_>) -> bool {
    std::str::from_utf8(field.bytes()).is_err()
}
