//! What the fields of a part say of it: its type, and the name of its file.

use crate::limits::shown_file_name;
use crate::mime::field::Field;
use crate::mime::parameter::Structured;
use crate::mime::word;

/// Content type and parameters; `text/plain` when there is none or it is not of the form `a/b` (RFC 2045 section 5.2).
pub(crate) fn content_type(fields: &[Field<'_>]) -> Structured {
    let mut read = Structured::of(fields, "content-type").unwrap_or_default();
    if !read.value.contains('/') {
        read.value = "text/plain".to_string();
    }
    read
}

/// The file name that these fields propose, see [`Part::filename`](crate::Part::filename).
pub(crate) fn file_name(fields: &[Field<'_>]) -> Option<String> {
    let disposition = Structured::of(fields, "content-disposition");
    let name = disposition.and_then(|disposition| disposition.parameter("filename"));
    let name = name.or_else(|| content_type(fields).parameter("name"))?;
    let name = word::decode(&name);
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let last = shown_file_name(last.trim());
    Some(last).filter(|name| !name.is_empty() && !name.starts_with('.'))
}
