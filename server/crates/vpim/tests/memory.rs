//! What reading costs: for a mail of any bytes, at most so many times its length and a constant, at once and in all.

mod worst;

use std::path::Path;

use counting_allocator::{Allocated, Counting, measure};
use proptest::prelude::*;
use vpim::limits::{READING_CONSTANT, READING_FACTOR};
use vpim::{
    Content, Summary, Transcoded, canonical, judge, parse, parse_kept, remarks, said, transcode,
    transcoding_bytes,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes allocated in all, for each byte of the mail, however briefly each is held: the mail is read, written and read again, and a
/// value of a header that is no text takes three bytes for one, in strings that double as they grow. The worst mail comes to 8.
const IN_ALL_FACTOR: usize = 12;
/// See [`IN_ALL_FACTOR`]. What has a limit in all is made twice, and in vectors that double as they grow.
const IN_ALL_CONSTANT: usize = 2 * READING_CONSTANT;

/// Bytes of a text that are shown of it.
const SHOWN_LEN: usize = 64 * 1024;

/// Everything that is done with a mail on its way into a mailbox, and when it is read there.
fn accept_and_open(raw: &[u8]) {
    let message = parse(raw);
    drop(Summary::of(&message));
    let kept = judge(&message).is_ok().then(|| canonical(&message));
    drop(message);
    let Some(kept) = kept else {
        return;
    };
    said(raw, &mut |_| {});
    let message = parse_kept(&kept);
    assert_eq!(message.fault, None, "what was accepted can be read");
    drop((Summary::of(&message), remarks(&message)));
    for part in &message.parts {
        drop((
            part.filename(),
            part.description(),
            part.language(),
            part.content_id(),
        ));
        if let Content::Text(text) = &part.content {
            drop(text.text_within(SHOWN_LEN));
        }
    }
}

fn fits(name: &str, raw: &[u8]) {
    let ((), Allocated { peak, total }) = measure(|| accept_and_open(raw));
    let (at_once, in_all) = (
        READING_FACTOR * raw.len() + READING_CONSTANT,
        IN_ALL_FACTOR * raw.len() + IN_ALL_CONSTANT,
    );
    if std::env::var_os("SHOW_MEMORY").is_some() {
        let per = |taken: usize| taken as f64 / raw.len().max(1) as f64;
        println!(
            "{name} ({}): {peak} at once ({:.1}), {total} in all ({:.1})",
            raw.len(),
            per(peak),
            per(total)
        );
    }
    assert!(
        peak <= at_once,
        "{name}: {peak} bytes at once for a mail of {}",
        raw.len()
    );
    assert!(
        total <= in_all,
        "{name}: {total} bytes in all for a mail of {}",
        raw.len()
    );
}

#[test]
fn to_say_again_what_any_mail_says_costs_no_more_than_to_read_it() {
    for (name, raw) in worst::mails(410_000) {
        let ((), Allocated { peak, .. }) = measure(|| said(&raw, &mut |_| {}));
        let at_once = READING_FACTOR * raw.len() + READING_CONSTANT;
        assert!(
            peak <= at_once,
            "{name}: {peak} bytes for a mail of {}",
            raw.len()
        );
    }
}

#[test]
fn the_worst_mails_cost_no_more_than_their_length_allows() {
    for len in [2_000, 100_000, 410_000, 10_000_000] {
        for (name, raw) in worst::mails(len) {
            fits(name, &raw);
        }
    }
}

/// Sound that comes to much more than it takes in the mail: slow, of few bits, or of many phases to be resampled.
#[test]
fn a_piece_of_any_recording_costs_the_same_however_long_it_is() {
    const PIECE: u64 = 32_768;
    for (label, octet) in [
        ("audio/PCMU; rate=4000", 0x7f),
        ("audio/L16; rate=191999; channels=2", 1),
        ("audio/L16; rate=44100", 1),
        ("audio/32KADPCM; rate=4001", 0x12),
        ("audio/GSM", 0xd1),
        ("audio/GSM; rate=11025", 0xd1),
    ] {
        let mail = [
            format!("Content-Type: {label}\r\n\r\n").into_bytes(),
            vec![octet; 6_000_000],
        ]
        .concat();
        let message = parse(&mail);
        let voice = message.parts[0].voice().expect("a recording");
        let (coding, codes) = voice.coded(Default::default()).expect("it is decoded");
        let at = voice.samples() / 3;
        let (samples, Allocated { peak, .. }) = measure(|| {
            let mut samples = Vec::with_capacity(PIECE as usize);
            coding.decode(codes, at..at + PIECE, &mut samples);
            samples
        });
        assert_eq!(samples.len() as u64, PIECE, "{label}");
        assert!(peak <= 1 << 20, "{label}: {peak} bytes");
    }
}

#[test]
fn making_recordings_costs_no_more_than_was_said_beforehand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors/sound");
    let mut files = vec![[b"#!AMR\n".to_vec(), vec![0x7c; 15_000]].concat()];
    for file in std::fs::read_dir(folder).expect("the folder of sounds") {
        files.push(std::fs::read(file.expect("a file").path()).expect("a file"));
    }
    for file in files {
        let mail = [&b"Content-Type: audio/mpeg\r\n\r\n"[..], &file].concat();
        let said = transcoding_bytes(&parse(&mail));
        let (outcome, Allocated { peak, .. }) = measure(|| {
            let mut message = parse(&mail);
            let outcome = transcode(&mut message);
            drop(canonical(&message));
            outcome
        });
        let most = said + READING_FACTOR * mail.len() + READING_CONSTANT;
        assert!(
            peak <= most,
            "{peak} bytes at once, not {most}: {outcome:?}"
        );
        assert_eq!(said > 0, outcome != Transcoded::default());
    }
}

#[test]
fn what_is_counted_is_what_is_taken() {
    let (kept, taken) = measure(|| {
        drop(vec![0u8; 3_000]);
        vec![0u8; 2_000]
    });
    assert_eq!(
        (kept.len(), taken),
        (
            2_000,
            Allocated {
                peak: 3_000,
                total: 5_000
            }
        )
    );
}

/// Mails of pieces that matter to a reader, each perhaps many times.
fn mail() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(&PIECES[..]);
    let times = prop_oneof![6 => Just(1usize), 1 => 1..2_000usize];
    let pieces = prop::collection::vec((piece, times), 0..40);
    pieces.prop_map(|pieces| {
        let each = pieces.into_iter().map(|(piece, times)| piece.repeat(times));
        each.collect::<Vec<_>>().concat()
    })
}

const PIECES: [&[u8]; 34] = [
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\n ",
    b"A:\n\n",
    b"A:\n",
    b"--b\r\n",
    b"--b--",
    b"Content-Type: ",
    b"multipart/mixed; boundary=b\r\n\r\n",
    b"multipart/report; report-type=delivery-status; boundary=b\r\n\r\n",
    b"message/rfc822\r\n\r\n",
    b"message/delivery-status\r\n\r\n",
    b"message/disposition-notification\r\n\r\n",
    b"text/vcard\r\n\r\nFN:",
    b"text/plain; charset=cp1252\r\n\r\n",
    b"audio/x",
    b";a=b",
    b";name*0*=utf-8''%41",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Disposition: x",
    b"To: ",
    b"Subject: ",
    b"a@b,",
    b"=?utf-8?q?=41?= ",
    b"=?latin1?b?gICA?=",
    b"Final-Recipient: rfc822;x\n\n",
    b"Message-ID: <x@y>\r\n",
    b"Disposition: a/b; c/d,",
    b"\xff",
    b"\x01",
    b"AAAA",
    b"x",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn any_mail_costs_no_more_than_its_length_allows(raw in mail()) {
        fits("a random mail", &raw);
    }
}
