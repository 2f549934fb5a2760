//! Any bytes at all: never a panic, never beyond the limits, and what is accepted can be kept.

mod vectors;

use proptest::prelude::*;
use vpim::audio::g726::NibbleOrder;
use vpim::audio::wav;
use vpim::{
    Content, Message, PARTS_MAX, Summary, Transfer, canonical, encode, judge, parse, remarks, said,
};

/// Everything that can be asked of a message.
fn exercise(raw: &[u8]) {
    let message = parse(raw);
    assert!(count(&message) <= PARTS_MAX);
    said(raw, &mut |_| {});
    drop((Summary::of(&message), remarks(&message)));
    for part in &message.parts {
        drop((
            part.filename(),
            part.description(),
            part.language(),
            part.content_id(),
        ));
        match &part.content {
            Content::Voice(voice) => {
                let decoded = voice
                    .decode(NibbleOrder::LowFirst)
                    .map_or(0, |samples| samples.len() as u64);
                assert_eq!(decoded / 8, voice.duration_ms());
            }
            Content::Fax(fax) => drop(fax.pages()),
            Content::Text(text) => drop(text.text()),
            _ => {}
        }
    }
    if judge(&message).is_ok() {
        let kept = canonical(&message);
        let again = parse(&kept);
        assert!(
            again == message,
            "kept as {}",
            String::from_utf8_lossy(&kept)
        );
        assert_eq!(canonical(&again), kept);
        assert_eq!(parse(&encode(&message, Transfer::Base64, 77)), message);
        assert_eq!(message.clone().into_owned(), message);
    }
}

fn count(message: &Message<'_>) -> usize {
    let inner = |part: &vpim::Part<'_>| match &part.content {
        Content::Forwarded(inner) => 1 + count(inner),
        _ => 1,
    };
    message.parts.iter().map(inner).sum()
}

/// Pieces that mails are made of, so that random mails reach deeper than random bytes.
const PIECES: [&str; 72] = [
    "\u{200d}",
    "text/plain; format=flowed; delsp=yes\r\n\r\n> a \r\n> b\r\n",
    "text/plain; charset=windows-1251\r\n\r\nx\r\n",
    "text/calendar",
    "X-Priority: 1\r\n",
    "=?utf-7?q?",
    "=?hz?q?~{",
    "\u{1b}$B",
    "<sip:1@x:5;y>",
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    "\0",
    "--b",
    "--b--",
    "--",
    "--c\r\n",
    "Content-Type: ",
    "multipart/mixed; boundary=b",
    "multipart/voice-message; boundary=\"c\"",
    "multipart/report; report-type=delivery-status; boundary=b",
    "multipart/digest; boundary=c",
    "multipart/alternative; boundary=b",
    "multipart/alternative; boundary*0=c",
    "message/rfc822",
    "message/delivery-status",
    "message/disposition-notification",
    "audio/32KADPCM",
    "audio/basic",
    "audio/wav",
    "audio/mpeg",
    "audio/L16; rate=16000; channels=2",
    "audio/32KADPCM; rate=11025",
    "application/octet-stream; name=a.wav",
    "multipart/alternative; boundary=b",
    "Message-Context: voice-message\r\n",
    "RIFF\0\0\0\0WAVEfmt \u{10}\0\0\0\u{3}\0\u{2}\0\x40\x1f\0\0\0\0\0\0\0\0\x20\0data\0\0\0\0",
    ".snd\0\0\0\u{18}\0\0\0\0\0\0\0\u{3}\0\0\x3e\0\0\0\0\u{1}",
    "OggS",
    "image/tiff",
    "text/plain; charset=iso-8859-1",
    "text/plain\r\n\r\nx\r\n",
    "text/html\r\n\r\n<p>\r\n",
    "text/directory",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Transfer-Encoding: quoted-printable\r\n",
    "Content-Transfer-Encoding: x-what\r\n",
    "Content-Disposition: inline; voice= Spoken-Subject; filename=\"a",
    "Content-Duration: 9\r\n",
    "Content-Disposition: attachment\r\n",
    "Content-ID: <a@b>\r\n",
    "From: ",
    "\"A, B\" <a@b>",
    "To: c@d,",
    "Date: Mon, 26 Aug 93 10:20:20 -0700 (CDT)\r\n",
    "Message-ID: <x@y>\r\n",
    "Sensitivity: Private\r\n",
    "Subject: =?utf-8?b?",
    "w6Q=?=",
    "=?iso-2022-jp?q?",
    "; name*1*=%C3",
    "\u{202e}",
    "utf-16",
    "RIFF",
    "AAEC",
    "=3D",
    "ä",
    "\u{1}",
    "Status: 5.1.1 (x)\r\n",
    "=_callpilot_0000000000000000_00000000",
];

fn mail() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
        3 => Just(b"\r\n".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat())
}

/// A mail of the collection with a few bytes changed, cut out, or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let mails: Vec<Vec<u8>> = vectors::mails()
        .into_iter()
        .map(|(_, raw)| shortened(raw))
        .collect();
    let change = (
        any::<prop::sample::Index>(),
        0..4u8,
        any::<u8>(),
        1..60usize,
    );
    (
        prop::sample::select(mails),
        prop::collection::vec(change, 1..8),
    )
        .prop_map(|(mut raw, changes)| {
            for (index, what, byte, len) in changes {
                let at = index.index(raw.len().max(1)).min(raw.len());
                let end = (at + len).min(raw.len());
                match what {
                    0 if at < raw.len() => raw[at] = byte,
                    1 => drop(raw.drain(at..end)),
                    2 => drop(raw.splice(at..at, raw[at..end].to_vec())),
                    _ => raw.insert(at, byte),
                }
            }
            raw
        })
}

/// Most of the base64 left out: structure is what is to be hurt.
fn shortened(raw: Vec<u8>) -> Vec<u8> {
    let mut run = 0;
    let lines = raw.split_inclusive(|&byte| byte == b'\n').filter(|line| {
        run = if line.len() > 70 { run + 1 } else { 0 };
        run < 3
    });
    lines.collect::<Vec<_>>().concat()
}

/// A file of sound of any kind: tag, channels, rate, octets of a block and bits of a WAV file, or what an `.au` file has of them.
fn sound_file() -> impl Strategy<Value = Vec<u8>> {
    let tag = prop::sample::select(&[1u16, 2, 3, 6, 7, 0x11, 0x31, 0xfffe][..]);
    let channels = prop_oneof![4 => 1..3u16, 1 => any::<u16>()];
    let rate = prop_oneof![4 => 4_000..50_000u32, 1 => Just(8_000), 1 => any::<u32>()];
    let align = prop_oneof![4 => (0..64u16).prop_map(|n| n * 4), 1 => any::<u16>()];
    let bits = prop::sample::select(&[0u16, 4, 8, 12, 16, 24, 32, 64, 65_535][..]);
    let data = prop::collection::vec(any::<u8>(), 0..700);
    (any::<bool>(), tag, channels, rate, align, bits, data).prop_map(
        |(is_au, tag, channels, rate, align, bits, data)| {
            let mut file = Vec::new();
            if is_au {
                file.extend(b".snd\0\0\0\x18\xff\xff\xff\xff");
                for number in [u32::from(tag), rate, u32::from(channels)] {
                    file.extend(number.to_be_bytes());
                }
            } else {
                file.extend(b"RIFF\0\0\0\0WAVEfmt \x28\0\0\0");
                file.extend([tag.to_le_bytes(), channels.to_le_bytes()].concat());
                file.extend([rate.to_le_bytes(), [0; 4]].concat());
                file.extend([align.to_le_bytes(), bits.to_le_bytes()].concat());
                file.extend([0; 8]);
                file.extend([3; 16]);
                file.extend(b"data\0\0\0\0");
            }
            file.extend(data);
            file
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_read(raw in prop::collection::vec(any::<u8>(), 0..600)) {
        exercise(&raw);
    }

    #[test]
    fn random_mails_are_read(raw in mail()) {
        exercise(&raw);
    }

    #[test]
    fn damaged_mails_are_read(raw in mutated()) {
        exercise(&raw);
    }

    #[test]
    fn random_wav_files_are_read(body in prop::collection::vec(any::<u8>(), 0..200), at in 0..44usize, byte: u8) {
        let mut file = wav::write(&[]);
        file.extend(&body);
        file[at] = byte;
        if let Ok(wav) = wav::read(&file, 1000) {
            prop_assert!(wav.samples.len() <= body.len());
        }
    }

    #[test]
    fn random_sound_is_decoded_and_any_piece_of_it_alone(file in sound_file(), from in 0..3_000u64, len in 0..3_000u64) {
        let mail = [b"Content-Type: audio/basic\r\n\r\n", &file[..]].concat();
        exercise(&mail);
        let message = parse(&mail);
        if let Some(voice) = message.parts.first().and_then(|part| part.voice()) {
            let (coding, codes) = voice.coded(NibbleOrder::LowFirst).expect("what is a recording is decoded");
            let (mut whole, mut piece) = (Vec::new(), Vec::new());
            coding.decode(codes, 0..u64::MAX, &mut whole);
            coding.decode(codes, from..from + len, &mut piece);
            prop_assert_eq!(whole.len() as u64, voice.samples());
            let (from, to) = (whole.len().min(from as usize), whole.len().min((from + len) as usize));
            prop_assert_eq!(&piece, &whole[from..to]);
        }
    }

    #[test]
    fn random_addresses_are_read(text in "\\PC{0,40}") {
        if let Ok(address) = vpim::address::Address::parse(&text) {
            prop_assert_eq!(vpim::address::Address::parse(&address.to_string()), Ok(address));
        }
    }
}
