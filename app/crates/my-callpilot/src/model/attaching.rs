//! Which files can be sent.

use contract::PartKind;

/// A file may have so many octets: some hours of speech.
pub const FILE_MAX: usize = 32 << 20;

const SOUND: [&str; 13] = [
    "wav", "mp3", "m4a", "aac", "mp4", "ogg", "oga", "opus", "amr", "au", "snd", "gsm", "webm",
];
const FAX: [&str; 2] = ["tif", "tiff"];

/// What a file is sent as.
///
/// # Errors
/// Why it cannot be sent, and what to do, in a sentence.
pub fn kind_of(name: &str, size: usize) -> Result<PartKind, &'static str> {
    if size == 0 {
        return Err("It is empty.");
    }
    if size > FILE_MAX {
        return Err("It is larger than 32 MB.");
    }
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is = |known: &&str| known.eq_ignore_ascii_case(ending);
    if SOUND.iter().any(is) {
        Ok(PartKind::Voice)
    } else if FAX.iter().any(is) {
        Ok(PartKind::Fax)
    } else {
        Err(
            "Only sound and fax pages (TIFF) can be sent. Put words into the text, or send it by e-mail.",
        )
    }
}

/// How large something is: `0.4 MB`.
pub fn size_words(octets: u64) -> String {
    match octets {
        0..100_000 => format!("{} kB", octets.div_ceil(1_000)),
        more => format!("{}.{} MB", more / 1_000_000, more / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_and_fax_pages_can_be_sent_and_nothing_else() {
        assert_eq!(kind_of("Memo.M4A", 10), Ok(PartKind::Voice));
        assert_eq!(kind_of("order-form.tif", 10), Ok(PartKind::Fax));
        assert!(kind_of("rota.docx", 10).is_err());
        assert!(kind_of("wav", 10).is_err());
        assert!(kind_of("a.wav", 0).is_err());
        assert!(kind_of("a.wav", FILE_MAX + 1).is_err());
    }

    #[test]
    fn sizes_are_told_as_people_read_them() {
        assert_eq!(size_words(1), "1 kB");
        assert_eq!(size_words(99_500), "100 kB");
        assert_eq!(size_words(1_250_000), "1.2 MB");
    }
}
