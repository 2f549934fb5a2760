//! Faxes: how many pages a TIFF file has.

use crate::data::Data;

/// A fax: TIFF (RFC 3801 section 4.4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fax<'a> {
    /// The TIFF file.
    pub data: Data<'a>,
}

impl Fax<'_> {
    /// Pages, counted as the directories of the TIFF file; `None` if the file is damaged or has more than 1,000.
    pub fn pages(&self) -> Option<u32> {
        const PAGES_MAX: u32 = 1000;
        let little = match self.data.get(0..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        let bytes = |at: usize, len: usize| self.data.get(at..at.checked_add(len)?);
        let number = |bytes: &[u8]| {
            let fold = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
            if little {
                bytes.iter().rev().fold(0, fold)
            } else {
                bytes.iter().fold(0, fold)
            }
        };
        let mut directory = number(bytes(4, 4)?);
        let mut pages = 0;
        while directory != 0 {
            pages += 1;
            if pages > PAGES_MAX {
                return None;
            }
            let entries = number(bytes(directory, 2)?);
            directory = number(bytes(directory + 2 + entries * 12, 4)?);
        }
        Some(pages)
    }
}
