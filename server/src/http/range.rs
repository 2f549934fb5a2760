//! Byte ranges (RFC 9110 section 14): one range is answered, several are answered with the whole, as the RFC allows.

use super::error::Problem;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use std::ops::Range;

/// What is to be sent of a content.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part(Range<u64>),
    Nothing,
}

fn wanted(request: &HeaderMap, etag: &HeaderValue, size: u64) -> Wanted {
    let Some(text) = request.get(header::RANGE).and_then(|v| v.to_str().ok()) else {
        return Wanted::Whole;
    };
    // RFC 9110 section 13.1.5: a range of another version is of no use.
    if request.get(header::IF_RANGE).is_some_and(|tag| tag != etag) {
        return Wanted::Whole;
    }
    let Some((from, to)) = text
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Wanted::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (from.trim(), to.trim()) {
        ("", last) => match number(last) {
            Some(last) => size.saturating_sub(last)..size,
            None => return Wanted::Whole,
        },
        (first, "") => match number(first) {
            Some(first) => first..size,
            None => return Wanted::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
            _ => return Wanted::Whole,
        },
    };
    if range.is_empty() {
        Wanted::Nothing
    } else {
        Wanted::Part(range)
    }
}

/// Answers with the range that was asked for, or with all of it.
pub fn respond(
    request: &HeaderMap,
    etag: &HeaderValue,
    content: &Bytes,
) -> Result<Response, Problem> {
    let size = content.len() as u64;
    let mut response = match wanted(request, etag, size) {
        Wanted::Whole => content.clone().into_response(),
        Wanted::Nothing => return Err(Problem::Range { size }),
        Wanted::Part(range) => {
            let shown = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            // Both ends lie within the content, whose length is a usize.
            let part = content.slice(range.start as usize..range.end as usize);
            let mut response = (StatusCode::PARTIAL_CONTENT, part).into_response();
            let value = HeaderValue::try_from(shown).map_err(Problem::internal)?;
            response.headers_mut().insert(header::CONTENT_RANGE, value);
            response
        }
    };
    response
        .headers_mut()
        .insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response.headers_mut().insert(header::ETAG, etag.clone());
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &'static str, if_range: Option<&'static str>) -> Wanted {
        let mut request = HeaderMap::new();
        request.insert(header::RANGE, HeaderValue::from_static(range));
        if let Some(tag) = if_range {
            request.insert(header::IF_RANGE, HeaderValue::from_static(tag));
        }
        wanted(&request, &HeaderValue::from_static("\"v1\""), 100)
    }

    #[test]
    fn one_range_is_cut_to_the_content() {
        assert_eq!(of("bytes=0-", None), Wanted::Part(0..100));
        assert_eq!(of("bytes=10-19", None), Wanted::Part(10..20));
        assert_eq!(of("bytes=90-1000", None), Wanted::Part(90..100));
        assert_eq!(of("bytes=-5", None), Wanted::Part(95..100));
        assert_eq!(of("bytes=-500", None), Wanted::Part(0..100));
        assert_eq!(of("bytes=0-0", Some("\"v1\"")), Wanted::Part(0..1));
    }

    #[test]
    fn a_range_outside_of_the_content_is_refused() {
        for outside in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(of(outside, None), Wanted::Nothing, "{outside}");
        }
    }

    #[test]
    fn what_is_no_single_range_or_of_another_version_gives_all() {
        for whole in [
            "bytes=0-1,5-6",
            "bytes=5-1",
            "bytes=x-",
            "items=0-1",
            "bytes=-",
            "bytes=1",
        ] {
            assert_eq!(of(whole, None), Wanted::Whole, "{whole}");
        }
        assert_eq!(of("bytes=0-1", Some("\"v2\"")), Wanted::Whole);
    }
}
