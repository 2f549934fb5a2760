//! The files of `tests/vectors/vpim`.

use std::path::Path;

/// The bytes of one file.
pub fn read(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors/vpim");
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every mail among them, with its name.
#[allow(dead_code)] // Not every test file wants them all.
pub fn mails() -> Vec<(&'static str, Vec<u8>)> {
    let names = [
        "rfc3801-b1-two-recipients.eml",
        "rfc3801-b2-forwarded.eml",
        "rfc3801-b3-delivery-status.eml",
        "rfc3801-b4-disposition.eml",
        "ivm-basic.eml",
        "several-voices.eml",
        "vcard.eml",
        "undecodable.eml",
        "truncated.eml",
    ];
    names.map(|name| (name, read(name))).to_vec()
}
