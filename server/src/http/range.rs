//! Byte ranges (RFC 9110 section 14). One range is answered, and several that are one when they are put together; others are answered with
//! the whole, as the RFC allows.

use super::error::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use std::ops::Range;

/// Ranges of one request that are looked at; a request with more is answered with the whole.
const RANGES_MAX: usize = 16;

/// What is to be sent of a content.
#[derive(Debug, PartialEq, Eq)]
enum SelectedBytes {
    Whole,
    Part(Range<u64>),
    Nothing,
}

fn wanted(request: &HeaderMap, etag: &HeaderValue, size: u64) -> SelectedBytes {
    let Some(text) = request.get(header::RANGE).and_then(|v| v.to_str().ok()) else {
        return SelectedBytes::Whole;
    };
    // RFC 9110 section 13.1.5: a range of another version is of no use.
    if request.get(header::IF_RANGE).is_some_and(|tag| tag != etag) {
        return SelectedBytes::Whole;
    }
    let Some((unit, set)) = text.split_once('=') else {
        return SelectedBytes::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.split(',').count() > RANGES_MAX {
        return SelectedBytes::Whole;
    }
    let Some(ranges) = set.split(',').map(|text| range(text, size)).collect() else {
        return SelectedBytes::Whole;
    };
    together(ranges)
}

/// One range of the set, cut to the content; it may be empty. `None`: it is none.
fn range(text: &str, size: u64) -> Option<Range<u64>> {
    let (from, to) = text.split_once('-')?;
    let number = |text: &str| text.parse::<u64>().ok();
    Some(match (from.trim(), to.trim()) {
        ("", last) => size.saturating_sub(number(last)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    })
}

/// Ranges that overlap or touch are one (RFC 9110 section 15.3.7.2).
fn together(mut ranges: Vec<Range<u64>>) -> SelectedBytes {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    let Some(mut one) = ranges.first().cloned() else {
        return SelectedBytes::Nothing;
    };
    for next in &ranges[1..] {
        if next.start > one.end {
            return SelectedBytes::Whole;
        }
        one.end = one.end.max(next.end);
    }
    SelectedBytes::Part(one)
}

/// Answers with the range that was asked for, or with all of it. `make` makes the octets of a range, when they are taken.
///
/// # Errors
/// [`Problem::Range`]: none of what was asked for lies within the content.
pub fn respond(
    request: &HeaderMap,
    etag: &HeaderValue,
    size: u64,
    make: impl FnOnce(Range<u64>) -> Body,
) -> Result<Response, Problem> {
    let (range, status) = match wanted(request, etag, size) {
        SelectedBytes::Whole => (0..size, StatusCode::OK),
        SelectedBytes::Nothing => return Err(Problem::Range { size }),
        SelectedBytes::Part(range) => (range, StatusCode::PARTIAL_CONTENT),
    };
    let len = range.end - range.start;
    let shown = format!(
        "bytes {}-{}/{size}",
        range.start,
        range.end.saturating_sub(1)
    );
    let mut response = Response::new(make(range));
    *response.status_mut() = status;
    let set = response.headers_mut();
    if status == StatusCode::PARTIAL_CONTENT {
        let value = HeaderValue::try_from(shown).map_err(Problem::internal)?;
        set.insert(header::CONTENT_RANGE, value);
    }
    set.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    set.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    set.insert(header::ETAG, etag.clone());
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &'static str, if_range: Option<&'static str>) -> SelectedBytes {
        let mut request = HeaderMap::new();
        request.insert(header::RANGE, HeaderValue::from_static(range));
        if let Some(tag) = if_range {
            request.insert(header::IF_RANGE, HeaderValue::from_static(tag));
        }
        wanted(&request, &HeaderValue::from_static("\"v1\""), 100)
    }

    #[test]
    fn one_range_is_cut_to_the_content() {
        assert_eq!(of("bytes=0-", None), SelectedBytes::Part(0..100));
        assert_eq!(of("bytes=10-19", None), SelectedBytes::Part(10..20));
        assert_eq!(of("bytes=90-1000", None), SelectedBytes::Part(90..100));
        assert_eq!(of("bytes=-5", None), SelectedBytes::Part(95..100));
        assert_eq!(of("bytes=-500", None), SelectedBytes::Part(0..100));
        assert_eq!(of("bytes=0-0", Some("\"v1\"")), SelectedBytes::Part(0..1));
    }

    #[test]
    fn ranges_that_touch_or_overlap_are_one() {
        assert_eq!(of("bytes=0-9,10-19", None), SelectedBytes::Part(0..20));
        assert_eq!(
            of("bytes=50-60, 10-55, -45", None),
            SelectedBytes::Part(10..100)
        );
        assert_eq!(of("Bytes = 0-1, 200-300", None), SelectedBytes::Part(0..2));
        assert_eq!(of("bytes=200-,300-400", None), SelectedBytes::Nothing);
    }

    #[test]
    fn a_range_outside_of_the_content_is_refused() {
        for outside in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(of(outside, None), SelectedBytes::Nothing, "{outside}");
        }
    }

    #[test]
    fn what_is_no_single_range_or_of_another_version_gives_all() {
        for whole in [
            "bytes=0-1,5-6",
            "bytes=0-1,,2-3",
            "bytes=0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0",
            "bytes=5-1",
            "bytes=x-",
            "items=0-1",
            "bytes=-",
            "bytes=1",
        ] {
            assert_eq!(of(whole, None), SelectedBytes::Whole, "{whole}");
        }
        assert_eq!(of("bytes=0-1", Some("\"v2\"")), SelectedBytes::Whole);
    }
}
