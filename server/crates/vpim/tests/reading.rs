//! Messages of other systems: what is read out of them, and what is refused.

mod vectors;

use vpim::audio::g726::NibbleOrder;
use vpim::audio::{g711, wav};
use vpim::{
    Codec, Container, Content, Fault, Kind, Message, Party, Refusal, StatusCode, Summary, judge,
    parse,
};

#[test]
fn several_recordings_keep_their_order() {
    let raw = vectors::read("several-voices.eml");
    let message = parse(&raw);
    let names: Vec<_> = message
        .parts
        .iter()
        .filter_map(|part| part.filename())
        .collect();
    assert_eq!(names, ["first.726", "second.726", "third.726"]);
    let durations: Vec<_> = message
        .parts
        .iter()
        .filter_map(|part| part.voice())
        .map(|v| v.duration_ms())
        .collect();
    assert_eq!(durations, [1500, 500, 800]);
    assert_eq!(Summary::of(&message).voice_ms, 2800);
}

#[test]
fn a_voice_message_inside_a_plain_mail_is_found() {
    let raw = vectors::read("ivm-basic.eml");
    let message = parse(&raw);
    assert_eq!(message.container, Container::Multipart("mixed".to_string()));
    assert_eq!(
        message.envelope.from,
        Some(Party::named("Jörg Müßig", "4711@ivm.example"))
    );
    assert_eq!(
        message.field("message-context").as_deref(),
        Some("voice-message")
    );
    let [text, voice] = &message.parts[..] else {
        panic!("{} parts", message.parts.len())
    };
    let Content::Text(text) = &text.content else {
        panic!("{text:?}")
    };
    assert_eq!(text.text(), "Grüße vom Band");
    let voice = voice.voice().expect("a recording");
    assert_eq!(voice.codec, Codec::MuLaw);
    assert_eq!(voice.duration_ms(), 1500);
    let samples = voice.decode(NibbleOrder::LowFirst);
    assert_eq!(
        samples,
        Ok(g711::decode_mu_law(&vectors::read("message.ulaw")))
    );
    assert_eq!(judge(&message), Ok(Kind::Voice));
}

#[test]
fn a_card_is_taken_and_its_name_read() {
    let raw = vectors::read("vcard.eml");
    let message = parse(&raw);
    let Content::VCard(card) = &message.parts[0].content else {
        panic!("{:?}", message.parts[0])
    };
    assert_eq!(card.name.as_deref(), Some("Glenn Parsons"));
    assert!(card.data.starts_with(b"BEGIN:vCard"));
    assert_eq!(judge(&message), Ok(Kind::Voice));
    assert_eq!(Summary::of(&message).attachments, 0);
}

#[test]
fn audio_that_cannot_be_played_is_refused_as_media_not_supported() {
    let raw = vectors::read("undecodable.eml");
    let refusal = judge(&parse(&raw)).expect_err("EVRC is not decoded");
    assert_eq!(
        refusal,
        Refusal::MediaNotSupported {
            what: "audio/evrc".to_string()
        }
    );
    assert_eq!(
        (refusal.smtp_code(), refusal.status()),
        (554, StatusCode(5, 6, 1))
    );
    assert!(refusal.to_string().contains("audio/evrc"));
    // Also when it is inside a forwarded message, but not when it comes back in a report.
    let forward = |kind: &str| {
        let inner = String::from_utf8_lossy(&raw).into_owned();
        format!(
            "Content-Type: multipart/{kind}; boundary=out\r\n\r\n--out\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--out--\r\n"
        )
    };
    assert!(judge(&parse(forward("mixed").as_bytes())).is_err());
    assert!(
        judge(&parse(
            forward("report; report-type=delivery-status").as_bytes()
        ))
        .is_ok()
    );
}

#[test]
fn a_message_that_breaks_off_is_refused_wherever_it_breaks() {
    let raw = vectors::read("truncated.eml");
    let refusal = judge(&parse(&raw)).expect_err("the end is missing");
    assert_eq!(refusal, Refusal::Malformed(Fault::Truncated));
    assert_eq!(
        (refusal.smtp_code(), refusal.status()),
        (554, StatusCode(5, 6, 0))
    );
    let whole = vectors::read("rfc3801-b2-forwarded.eml");
    let header = whole
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .expect("a header")
        + 4;
    for len in header..whole.len() - 2 {
        assert!(
            judge(&parse(&whole[..len])).is_err(),
            "cut after {len} of {}",
            whole.len()
        );
    }
}

#[test]
fn a_multipart_without_a_boundary_is_refused() {
    for raw in [
        "Content-Type: multipart/mixed\r\n\r\nx",
        "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\nx",
    ] {
        assert_eq!(
            judge(&parse(raw.as_bytes())),
            Err(Refusal::Malformed(Fault::NoBoundary))
        );
    }
}

fn single<'a>(content_type: &str, data: &[u8], buffer: &'a mut Vec<u8>) -> Message<'a> {
    *buffer = [
        format!("Content-Type: {content_type}\r\n\r\n").as_bytes(),
        data,
    ]
    .concat();
    parse(buffer)
}

#[test]
fn every_name_of_a_codec_is_known() {
    let file = wav::write(&[0; 8000]);
    let mut sun = b".snd\0\0\0\x1c\0\0\0\x50\0\0\0\x01\0\0\x1f\x40\0\0\0\x01info".to_vec();
    sun.extend([0xff; 80]);
    let cases: [(&str, &[u8], Codec, u64); 7] = [
        ("audio/32KADPCM", &[0; 8], Codec::Adpcm32, 2),
        ("Audio/32kadpcm; x=y", &[0; 8], Codec::Adpcm32, 2),
        ("audio/AAL2-G726-32", &[0; 8], Codec::Adpcm32Aal2, 2),
        ("audio/basic", &[0xff; 80], Codec::MuLaw, 10),
        ("audio/basic", &sun, Codec::Au, 10),
        ("audio/PCMA", &[0xd5; 80], Codec::ALaw, 10),
        ("audio/x-wav", &file, Codec::Wav, 1000),
    ];
    for (content_type, data, codec, duration_ms) in cases {
        let mut buffer = Vec::new();
        let message = single(content_type, data, &mut buffer);
        let voice = message.parts[0].voice().expect("audio is a recording");
        assert_eq!(
            (&voice.codec, voice.duration_ms()),
            (&codec, duration_ms),
            "{content_type}"
        );
        let decoded = voice
            .decode(NibbleOrder::LowFirst)
            .map_or(0, |samples| samples.len() as u64 / 8);
        assert_eq!(decoded, duration_ms, "{content_type}");
    }
}

#[test]
fn an_unknown_transfer_encoding_makes_audio_undecodable_but_stays_with_the_message() {
    let mut buffer = b"Content-Transfer-Encoding: x-uuencode\r\n".to_vec();
    let rest = b"Content-Type: audio/basic\r\n\r\nbegin 644 x\r\n";
    buffer.extend_from_slice(rest);
    let message = parse(&buffer);
    assert!(matches!(
        judge(&message),
        Err(Refusal::MediaNotSupported { .. })
    ));
    let again = vpim::canonical(&message);
    assert_eq!(parse(&again), message);
}

#[test]
fn fax_pages_are_counted_without_being_caught_in_a_loop() {
    let tiff = |order: &[u8], next: [&[u8]; 2]| {
        let mut file = order.to_vec();
        file.extend([0; 6]);
        for (at, offset) in next.iter().enumerate() {
            file[8 + at * 6..].iter().for_each(drop);
            file.extend([0, 0]);
            file.extend_from_slice(offset);
        }
        file
    };
    let two = tiff(b"II*\0\x0e\0\0\0", [&[0x14, 0, 0, 0], &[0; 4]]);
    let endless = tiff(b"II*\0\x0e\0\0\0", [&[0x0e, 0, 0, 0], &[0; 4]]);
    let big_endian = tiff(b"MM\0*\0\0\0\x0e", [&[0, 0, 0, 0x14], &[0; 4]]);
    for (file, pages) in [
        (two, Some(2)),
        (endless, None),
        (big_endian, Some(2)),
        (b"II*\0\xff\xff\xff\xff".to_vec(), None),
    ] {
        let mut buffer = Vec::new();
        let message = single("image/tiff; application=faxbw", &file, &mut buffer);
        let Content::Fax(fax) = &message.parts[0].content else {
            panic!("{:?}", message.parts[0])
        };
        assert_eq!(fax.pages(), pages);
        assert_eq!(judge(&message), Ok(Kind::Fax));
        let summary = Summary::of(&message);
        assert_eq!(
            (summary.fax_pages, summary.attachments),
            (pages.unwrap_or(0), 1)
        );
    }
}

#[test]
fn kinds_are_told_apart() {
    let kind = |parts: &[&str]| {
        let mut mail = "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_string();
        for part in parts {
            mail.push_str(&format!("--b\r\nContent-Type: {part}\r\n\r\nx\r\n"));
        }
        mail.push_str("--b--\r\n");
        judge(&parse(mail.as_bytes()))
    };
    assert_eq!(kind(&[]), Ok(Kind::Text));
    assert_eq!(kind(&["text/plain"]), Ok(Kind::Text));
    assert_eq!(kind(&["text/plain", "audio/basic"]), Ok(Kind::Voice));
    assert_eq!(kind(&["image/tiff", "text/plain"]), Ok(Kind::Fax));
    assert_eq!(
        kind(&[
            "audio/basic\r\nContent-Disposition: inline; voice=Originator-Spoken-Name",
            "image/tiff"
        ]),
        Ok(Kind::Fax)
    );
    assert_eq!(kind(&["application/pdf"]), Ok(Kind::Mixed));
    assert_eq!(kind(&["application/pdf", "audio/basic"]), Ok(Kind::Mixed));
}

#[test]
fn durations_are_taken_only_in_the_form_of_rfc_3803() {
    let claimed = |value: &str| {
        let raw = format!("Content-Type: audio/basic\r\nContent-Duration: {value}\r\n\r\n");
        parse(raw.as_bytes()).parts[0]
            .voice()
            .and_then(|voice| voice.claimed_duration_s)
    };
    assert_eq!(claimed("33"), Some(33));
    assert_eq!(claimed(" 0000000033 (s)"), Some(33));
    assert_eq!(claimed("2147483647"), Some(i32::MAX as u32));
    for bad in [
        "2147483648",
        "00000000033",
        "-1",
        "",
        "x",
        "99999999999999999999",
    ] {
        assert_eq!(claimed(bad), None, "{bad}");
    }
}

#[test]
fn file_names_lose_their_path() {
    let name = |value: &str| {
        let raw = format!(
            "Content-Type: audio/basic\r\nContent-Disposition: inline; filename={value}\r\n\r\n"
        );
        parse(raw.as_bytes()).parts[0].filename()
    };
    assert_eq!(name("msg1.726").as_deref(), Some("msg1.726"));
    assert_eq!(name("\"../../etc/passwd\"").as_deref(), Some("passwd"));
    assert_eq!(
        name("\"C:\\\\temp\\\\a b.726\"").as_deref(),
        Some("a b.726")
    );
    assert_eq!(name("\"..\"").as_deref(), None);
    assert_eq!(name("\"=?utf-8?q?=C3=A4.726?=\"").as_deref(), Some("ä.726"));
}

#[test]
fn an_enclosed_message_may_wrongly_be_encoded() {
    let raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\
               Content-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogaGkNCg0KYm9keQ==\r\n--b--\r\n";
    let message = parse(raw.as_bytes());
    let Content::Forwarded(inner) = &message.parts[0].content else {
        panic!("{:?}", message.parts[0])
    };
    assert_eq!(inner.envelope.subject.as_deref(), Some("hi"));
    assert_eq!(inner.parts[0].content.data(), Some(&b"body"[..]));
}
