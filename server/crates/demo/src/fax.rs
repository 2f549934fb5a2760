//! A fax of blank pages, as a TIFF file of profile F with T.6 coding (RFC 2301, TIFF 6.0).

const WIDTH: u32 = 1728;
const LENGTH: u32 = 1078;
const ENTRIES: usize = 16;
/// Count, entries, and where the next directory is.
const DIRECTORY_LEN: usize = 2 + ENTRIES * 12 + 4;
/// Two resolutions of two words each.
const RESOLUTIONS_LEN: usize = 16;

/// A file with so many blank pages.
pub fn blank(pages: u16) -> Vec<u8> {
    let strip = blank_strip();
    let strip_len = strip.len().next_multiple_of(2);
    let page_len = DIRECTORY_LEN + RESOLUTIONS_LEN + strip_len;
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    for page in 0..pages {
        let start = file.len();
        let next = if page + 1 < pages {
            start + page_len
        } else {
            0
        };
        directory(&mut file, start, page, pages, strip.len(), next);
        file.extend_from_slice(&strip);
        file.resize(start + page_len, 0);
    }
    file
}

fn directory(
    file: &mut Vec<u8>,
    start: usize,
    page: u16,
    pages: u16,
    strip_len: usize,
    next: usize,
) {
    const SHORT: u16 = 3;
    const LONG: u16 = 4;
    const RATIONAL: u16 = 5;
    let resolutions = start + DIRECTORY_LEN;
    let entries: [(u16, u16, u32, u32); ENTRIES] = [
        (254, LONG, 1, 2), // a page of several
        (256, LONG, 1, WIDTH),
        (257, LONG, 1, LENGTH),
        (258, SHORT, 1, 1), // bits per sample
        (259, SHORT, 1, 4), // T.6
        (262, SHORT, 1, 0), // 0 is white
        (266, SHORT, 1, 1), // first pixel in the highest bit
        (273, LONG, 1, (resolutions + RESOLUTIONS_LEN) as u32),
        (277, SHORT, 1, 1),     // samples per pixel
        (278, LONG, 1, LENGTH), // rows of the strip
        (279, LONG, 1, strip_len as u32),
        (282, RATIONAL, 1, resolutions as u32),
        (283, RATIONAL, 1, resolutions as u32 + 8),
        (293, LONG, 1, 0),  // no uncompressed mode
        (296, SHORT, 1, 2), // per inch
        (297, SHORT, 2, u32::from(page) | u32::from(pages) << 16),
    ];
    file.extend((ENTRIES as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend((next as u32).to_le_bytes());
    for word in [204u32, 1, 98, 1] {
        file.extend(word.to_le_bytes());
    }
}

/// A white line after a white line is the code V0, one bit 1 (T.6 section 2.2.3); at the end stands EOFB, twice eleven 0 and a 1.
fn blank_strip() -> Vec<u8> {
    let bits = std::iter::repeat_n(true, LENGTH as usize).chain((0..24).map(|i| i % 12 == 11));
    let bits: Vec<bool> = bits.collect();
    bits.chunks(8)
        .map(|byte| {
            byte.iter()
                .enumerate()
                .fold(0, |sum, (i, bit)| sum | u8::from(*bit) << (7 - i))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_the_file_are_found() {
        let mail = [
            b"Content-Type: image/tiff\r\nContent-Transfer-Encoding: binary\r\n\r\n".to_vec(),
            blank(3),
        ]
        .concat();
        let message = vpim::parse(&mail);
        let vpim::Content::Fax(fax) = &message.parts[0].content else {
            panic!("no fax")
        };
        assert_eq!(fax.pages(), Some(3));
    }
}
