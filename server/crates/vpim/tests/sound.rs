//! Sound as gateways send it: under any label, in any file, in several forms, in pieces, damaged or missing.

use std::f64::consts::TAU;

use vpim::audio::g726::{self, NibbleOrder};
use vpim::audio::{g711, wav};
use vpim::{
    Codec, Container, Content, Kind, Message, Refusal, Remark, Summary, Transfer, canonical,
    encode, judge, parse, parse_kept, remarks,
};

/// A part with these fields, its octets in base64.
fn part(fields: &str, data: &[u8]) -> String {
    let base64 = base64_simd::STANDARD.encode_to_string(data);
    format!("{fields}\r\nContent-Transfer-Encoding: base64\r\n\r\n{base64}\r\n")
}

fn multipart(subtype: &str, boundary: &str, parts: &[String]) -> String {
    let parts: String = parts
        .iter()
        .map(|part| format!("--{boundary}\r\n{part}"))
        .collect();
    format!(
        "Content-Type: multipart/{subtype}; boundary={boundary}\r\n\r\n{parts}--{boundary}--\r\n"
    )
}

fn text(text: &str) -> String {
    format!("Content-Type: text/plain\r\n\r\n{text}\r\n")
}

/// A second of a tone.
fn tone(rate_hz: u32) -> Vec<i16> {
    let at = |n: u32| (f64::from(n) * 440.0 * TAU / f64::from(rate_hz)).sin() * 9000.0;
    (0..rate_hz).map(|n| at(n) as i16).collect()
}

fn octets(samples: &[i16], write: fn(i16) -> [u8; 2]) -> Vec<u8> {
    samples.iter().flat_map(|sample| write(*sample)).collect()
}

fn wav_file(rate_hz: u32) -> Vec<u8> {
    let mut file = wav::write(&tone(rate_hz));
    file[24..28].copy_from_slice(&rate_hz.to_le_bytes());
    file
}

fn au_file(encoding: u32, rate_hz: u32, data: &[u8]) -> Vec<u8> {
    let mut file = b".snd".to_vec();
    for number in [24, u32::MAX, encoding, rate_hz, 1] {
        file.extend(number.to_be_bytes());
    }
    [&file, data].concat()
}

/// A second of the tone is heard, whatever it came in: nothing else, nothing faster or slower. The same after it was kept.
fn is_the_tone(mail: &str, why: &str) {
    let message = parse(mail.as_bytes());
    assert!(judge(&message).is_ok(), "{why}: {:?}", judge(&message));
    assert_eq!(Summary::of(&message).voice_ms, 1_000, "{why}");
    assert_eq!(remarks(&message), [], "{why}");
    let kept = canonical(&message);
    let again = parse_kept(&kept);
    assert_eq!(again, message, "{why}");
    assert_eq!(
        parse(&encode(&message, Transfer::Base64, 1)),
        message,
        "{why}"
    );
    let voices: Vec<_> = again.parts.iter().filter_map(|part| part.voice()).collect();
    let [voice] = voices[..] else {
        panic!("{why}: {} recordings", voices.len())
    };
    let heard = voice.decode(NibbleOrder::LowFirst).expect("it is decoded");
    let expected = tone(8_000);
    assert_eq!(heard.len(), expected.len(), "{why}");
    let power = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let middle = 200..7_800;
    let pairs = heard[middle.clone()].iter().zip(&expected[middle.clone()]);
    let off = power(&mut pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)));
    let signal = power(&mut expected[middle].iter().map(|v| f64::from(*v)));
    let decibels = 10.0 * (signal / off.max(1.0)).log10();
    assert!(decibels > 20.0, "{why}: {decibels:.1} dB");
}

#[test]
fn a_recording_padded_in_pieces_is_heard_to_its_end() {
    let codes = g711::encode_mu_law(&tone(8_000));
    for piece in [500, 4_000, 4_001, 7_999] {
        let pieces: Vec<_> = codes.chunks(piece).collect();
        let base64 = pieces
            .iter()
            .map(|piece| base64_simd::STANDARD.encode_to_string(piece));
        let body = base64.collect::<Vec<_>>().join("\r\n");
        let mail = format!(
            "Content-Type: audio/basic\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}\r\n"
        );
        is_the_tone(&mail, &format!("pieces of {piece}"));
    }
}

#[test]
fn of_alternatives_one_is_heard() {
    let basic = part(
        "Content-Type: audio/basic",
        &g711::encode_mu_law(&tone(8_000)),
    );
    let adpcm = part(
        "Content-Type: audio/32KADPCM",
        &g726::encode(&tone(8_000), NibbleOrder::LowFirst),
    );
    let mpeg = part("Content-Type: audio/mpeg", &[0xff; 500]);
    let empty = part("Content-Type: audio/wav", &[]);
    let wave = part("Content-Type: audio/wav", &wav_file(44_100));
    let forms: [&[&String]; 8] = [
        &[&basic, &adpcm],
        &[&adpcm, &basic, &wave],
        &[&basic, &mpeg],
        &[&mpeg, &basic],
        &[&basic, &empty],
        &[&empty, &mpeg, &adpcm],
        &[&basic],
        &[&mpeg, &wave, &empty],
    ];
    for forms in forms {
        let parts: Vec<String> = forms.iter().map(|form| (*form).clone()).collect();
        let alternative = multipart("alternative", "a", &parts);
        is_the_tone(&alternative, "alone");
        is_the_tone(
            &multipart("mixed", "b", &[text("hello"), alternative.clone()]),
            "in a mixed",
        );
        let with_text = [&[text("hello")], &parts[..]].concat();
        is_the_tone(&multipart("alternative", "b", &with_text), "beside a text");
        let each = parts
            .iter()
            .enumerate()
            .map(|(n, part)| multipart("mixed", &format!("i{n}"), &[text("hello"), part.clone()]));
        is_the_tone(
            &multipart("alternative", "b", &each.collect::<Vec<_>>()),
            "each in a mixed",
        );
    }
}

#[test]
fn what_is_no_alternative_to_each_other_stays() {
    let voice = |purpose: &str, samples: usize| {
        let fields =
            format!("Content-Type: audio/basic\r\nContent-Disposition: inline; voice={purpose}");
        part(&fields, &vec![0x80; samples])
    };
    let heard = |mail: &str| {
        let message = parse(mail.as_bytes());
        assert_eq!(parse(&canonical(&message)), message);
        let lengths = message.parts.iter().filter_map(|part| part.voice());
        (
            lengths.map(|voice| voice.samples()).collect::<Vec<_>>(),
            message.container,
        )
    };
    let mixed = Container::Multipart("mixed".to_string());
    let alternative = Container::Multipart("alternative".to_string());
    let (name, said) = (
        voice("Originator-Spoken-Name", 80),
        voice("Voice-Message", 800),
    );
    let parts = [name, said.clone()];
    assert_eq!(
        heard(&multipart("alternative", "a", &parts)),
        (vec![80, 800], alternative)
    );
    let twice = multipart("mixed", "i", &[said.clone(), voice("Voice-Message", 900)]);
    let better = [part("Content-Type: audio/evrc", &[1; 50]), twice];
    assert_eq!(
        heard(&multipart("alternative", "a", &better)),
        (vec![800, 900], mixed.clone())
    );
    assert_eq!(
        heard(&multipart("mixed", "a", &[said.clone(), said])),
        (vec![800, 800], mixed)
    );
}

#[test]
fn what_was_accepted_as_two_is_read_as_two() {
    let basic = part("Content-Type: audio/basic", &[0x80; 800]);
    let kept = multipart("alternative", "a", &[basic.clone(), basic]);
    let message = parse_kept(kept.as_bytes());
    assert_eq!(Summary::of(&message).voice_ms, 200);
    assert_eq!(
        message.container,
        Container::Multipart("alternative".to_string())
    );
}

#[test]
fn the_content_decides_and_not_the_label() {
    let files = [
        (wav_file(8_000), "WAV"),
        (wav_file(16_000), "WAV of 16 kHz"),
        (
            au_file(1, 8_000, &g711::encode_mu_law(&tone(8_000))),
            ".au of µ-law",
        ),
        (
            au_file(1, 16_000, &g711::encode_mu_law(&tone(16_000))),
            ".au of µ-law, 16 kHz",
        ),
        (
            au_file(3, 8_000, &octets(&tone(8_000), i16::to_be_bytes)),
            ".au of PCM",
        ),
        (
            au_file(27, 0, &g711::encode_a_law(&tone(8_000))),
            ".au of A-law",
        ),
    ];
    let labels = [
        "audio/basic",
        "audio/wav",
        "audio/x-wave",
        "audio/x-wav; codec=1",
        "audio/vnd.wave",
        "audio/32KADPCM",
        "audio/PCMA; rate=11025; channels=2",
        "audio/x-unheard-of",
        "application/octet-stream; name=\"msg0001.WAV\"",
        "application/octet-stream; name=msg.au",
        "application/octet-stream\r\nContent-Disposition: attachment; filename=\"msg.snd\"",
        "application/octet-stream",
        "application/x-wav",
        "text/plain; name=msg.wav",
        "x-unknown/x-unknown; name=msg.wav",
    ];
    for (file, kind) in &files {
        for label in labels {
            let sound = part(&format!("Content-Type: {label}"), file);
            is_the_tone(&sound, &format!("{kind} as {label}"));
        }
    }
    let other = part(
        "Content-Type: application/octet-stream; name=font.bin",
        &files[0].0,
    );
    assert!(matches!(
        parse(other.as_bytes()).parts[0].content,
        Content::Other { .. }
    ));
}

#[test]
fn a_file_that_is_none_or_cannot_be_played_is_an_attachment_under_a_general_label() {
    let mut mp3_in_wav = wav_file(8_000);
    mp3_in_wav[20] = 0x55;
    for data in [&mp3_in_wav[..], b"no sound", b"RIFF\0\0\0\0WAVE", b""] {
        let mail = part("Content-Type: application/octet-stream; name=a.wav", data);
        let message = parse(mail.as_bytes());
        assert!(matches!(message.parts[0].content, Content::Other { .. }));
        assert_eq!(judge(&message), Ok(Kind::Mixed));
        assert_eq!(remarks(&message), []);
    }
}

#[test]
fn what_is_kept_keeps_its_bytes_when_more_of_it_can_be_played() {
    let mail = part(
        "Subject: x\r\nContent-Type: application/octet-stream; name=a.wav",
        &wav_file(8_000),
    );
    let message = parse(mail.as_bytes());
    assert!(message.parts[0].voice().is_some());
    let kept = String::from_utf8_lossy(&canonical(&message)).into_owned();
    assert!(
        kept.starts_with(
            "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream"
        )
    );
    let refused = part("Content-Type: audio/mpeg", b"octets");
    let sent = encode(&parse(refused.as_bytes()), Transfer::Base64, 0);
    let sent = String::from_utf8_lossy(&sent).into_owned();
    assert!(
        sent.starts_with("MIME-Version: 1.0 (Voice 2.0)\r\n") && sent.contains("base64"),
        "{sent}"
    );
}

#[test]
fn rate_and_channels_are_honoured() {
    let twice = |codes: &[u8], width: usize| -> Vec<u8> {
        codes
            .chunks(width)
            .flat_map(|code| [code, code].concat())
            .collect()
    };
    let mu = |rate| g711::encode_mu_law(&tone(rate));
    let network = |rate| octets(&tone(rate), i16::to_be_bytes);
    let narrow: Vec<u8> = tone(8_000).iter().map(|s| ((s >> 8) + 128) as u8).collect();
    let wide: Vec<u8> = network(8_000)
        .chunks(2)
        .flat_map(|s| [s[0], s[1], 0])
        .collect();
    for (label, codes) in [
        ("audio/basic; rate=16000", mu(16_000)),
        ("audio/PCMU; channels=2", twice(&mu(8_000), 1)),
        ("audio/PCMU; rate=\"8000\"; channels=1", mu(8_000)),
        ("audio/pcmu;RATE=48000;Channels=2", twice(&mu(48_000), 1)),
        ("audio/PCMA; rate=11025", g711::encode_a_law(&tone(11_025))),
        ("audio/L16; rate=8000", network(8_000)),
        ("audio/L16", network(8_000)),
        (
            "audio/L16; rate=44100; channels=2",
            twice(&network(44_100), 2),
        ),
        ("audio/L8", narrow),
        ("audio/L24; rate=8000", wide),
        (
            "audio/32KADPCM; rate=16000",
            g726::encode(&tone(16_000), NibbleOrder::LowFirst),
        ),
        (
            "audio/G726-32; rate=8000; channels=1",
            g726::encode(&tone(8_000), NibbleOrder::LowFirst),
        ),
        (
            "audio/AAL2-G726-32; rate=16000",
            g726::encode(&tone(16_000), NibbleOrder::HighFirst),
        ),
        ("audio/basic; rate=0; channels=mono", mu(8_000)),
    ] {
        is_the_tone(&part(&format!("Content-Type: {label}"), &codes), label);
    }
    let voice = |label: &str| {
        let mail = part(&format!("Content-Type: {label}"), &[0; 8]);
        parse(mail.as_bytes()).parts[0]
            .voice()
            .map(|voice| voice.codec.clone())
    };
    assert_eq!(voice("audio/PCMU; rate=8000"), Some(Codec::MuLaw));
    for label in [
        "audio/PCMU; channels=9",
        "audio/L16; rate=100",
        "audio/32KADPCM; channels=2",
    ] {
        assert_eq!(voice(label), None, "{label}");
    }
}

/// A message of these parts that is accepted: its kind, its attachments, and what is said of it.
fn accepted(mail: &str) -> (Kind, u32, Vec<String>) {
    let message = parse(mail.as_bytes());
    let kind = judge(&message).unwrap_or_else(|refusal| panic!("{refusal}: {mail}"));
    assert_eq!(parse_kept(&canonical(&message)), message);
    let said = remarks(&message).iter().map(Remark::to_string).collect();
    (kind, Summary::of(&message).attachments, said)
}

#[test]
fn sound_that_cannot_be_played_is_an_attachment_of_what_can_be_read_or_heard() {
    let mpeg = part("Content-Type: audio/mpeg", &[0xff; 50]);
    let ogg = part("Content-Type: audio/basic", b"OggS and so on");
    let basic = part("Content-Type: audio/basic", &[0x80; 80]);
    let pdf = "Content-Type: application/pdf\r\n\r\nx\r\n".to_string();
    for (unplayable, what) in [
        (&mpeg, "audio/mpeg"),
        (&ogg, "audio/basic (it holds an Ogg file)"),
    ] {
        let sentence = format!(
            "The message contains {what}, which cannot be played here. It is kept as an attachment."
        );
        for beside in [text("hello"), basic.clone(), pdf.clone()] {
            for subtype in ["mixed", "voice-message"] {
                let mail = multipart(subtype, "b", &[unplayable.clone(), beside.clone()]);
                let attachments = 1 + u32::from(beside == pdf);
                assert_eq!(
                    accepted(&mail),
                    (Kind::Mixed, attachments, vec![sentence.clone()])
                );
            }
        }
        let inner = multipart("mixed", "i", &[text("hello"), unplayable.clone()]);
        let forwarded = format!("Content-Type: message/rfc822\r\n\r\n{inner}");
        assert_eq!(accepted(&forwarded).2, [sentence]);
    }
}

#[test]
fn words_and_archives_under_the_label_of_a_telephone_are_no_noise() {
    let page = "<html><body>error 404: the file is not here</body></html>";
    let gzip = [&b"\x1f\x8b\x08\0"[..], &[0x80; 90]].concat();
    let zip = [&b"PK\x03\x04"[..], &[0x80; 90]].concat();
    let words = "The recording could not be fetched.\r\n".repeat(90);
    for (data, what) in [
        (page.as_bytes(), "it holds text"),
        (
            b"<?xml version=\"1.0\"?>\n<error code=\"5\"/>",
            "it holds text",
        ),
        (words.as_bytes(), "it holds text"),
        (&gzip, "it holds a compressed file"),
        (&zip, "it holds a compressed file"),
        (b"%PDF-1.4 \xff\xff", "it holds a PDF file"),
    ] {
        let mail = multipart(
            "mixed",
            "b",
            &[part("Content-Type: audio/basic", data), text("hello")],
        );
        let (kind, attachments, said) = accepted(&mail);
        assert_eq!((kind, attachments), (Kind::Mixed, 1), "{what}");
        assert!(said[0].contains(what), "{said:?}");
    }
    let loud: Vec<u8> = (0..600u32).map(|at| (at * 37 % 256) as u8).collect();
    for sound in [
        &b"x".repeat(80),
        &b"UU U".repeat(3),
        &loud,
        &b"1234 678\xff".repeat(50),
    ] {
        let mail = multipart("mixed", "b", &[part("Content-Type: audio/basic", sound)]);
        assert_eq!(accepted(&mail).0, Kind::Voice, "{sound:?}");
    }
}

#[test]
fn mp3_under_the_label_of_a_telephone_is_no_noise() {
    for (header, len) in [
        ([0xff, 0xfb, 0x90, 0x00], 417),
        ([0xff, 0xf3, 0x48, 0xc4], 144),
        ([0xff, 0xe3, 0x18, 0xc4], 72),
    ] {
        let mut frame = vec![0x55; len];
        frame[..4].copy_from_slice(&header);
        let mail = part("Content-Type: audio/basic", &frame.repeat(3));
        let refusal = judge(&parse(mail.as_bytes())).expect_err("it cannot be played");
        assert!(refusal.to_string().contains("MP3"), "{refusal}");
        // One that looks like the beginning of a frame is sound.
        let mail = part("Content-Type: audio/basic", &frame);
        assert_eq!(judge(&parse(mail.as_bytes())), Ok(Kind::Voice));
    }
}

#[test]
fn sound_that_cannot_be_played_is_refused_where_nothing_else_is_said() {
    let mpeg = part("Content-Type: audio/mpeg", &[0xff; 50]);
    let name =
        "Content-Type: audio/basic\r\nContent-Disposition: inline; voice=Originator-Spoken-Name";
    let name = part(name, &[0x80; 80]);
    let empty = part("Content-Type: audio/basic", &[]);
    for beside in [text(" \r\n"), name, empty, mpeg.clone()] {
        let mail = multipart("mixed", "b", &[mpeg.clone(), beside]);
        let refusal = judge(&parse(mail.as_bytes()));
        let what = "audio/mpeg".to_string();
        assert_eq!(refusal, Err(Refusal::MediaNotSupported { what }));
    }
    for (label, data, what) in [
        ("audio/wav", &b"no file"[..], "audio/wav"),
        ("audio/basic", b"....ftypM4A ", "MP4"),
        ("audio/PCMA", b"ID3\x03\0", "MP3"),
        (
            "audio/PCMU; rate=1",
            b"x",
            "audio/pcmu with 1 samples a second",
        ),
    ] {
        let mail = part(&format!("Content-Type: {label}"), data);
        let refusal = judge(&parse(mail.as_bytes())).expect_err("it cannot be played");
        assert!(refusal.to_string().contains(what), "{refusal}");
    }
}

#[test]
fn empty_and_missing_sound_is_said() {
    let empty = "A recording of this message is empty: there is nothing to hear in it.";
    let mut without_samples = wav::write(&[]);
    for label in [
        "audio/basic",
        "audio/wav",
        "audio/mpeg",
        "audio/32KADPCM; rate=16000",
    ] {
        let mail = multipart(
            "mixed",
            "b",
            &[part(&format!("Content-Type: {label}"), &[])],
        );
        assert_eq!(
            accepted(&mail),
            (Kind::Voice, 0, vec![empty.to_string()]),
            "{label}"
        );
    }
    assert_eq!(
        accepted(&part("Content-Type: audio/wav", &without_samples)).2,
        [empty]
    );
    without_samples.extend(b"LIST\x04\0\0\0INFO");
    assert_eq!(
        accepted(&part("Content-Type: audio/basic", &without_samples)).2,
        [empty]
    );
    assert_eq!(
        accepted(&part("Content-Type: audio/basic", &au_file(3, 8_000, &[]))).2,
        [empty]
    );

    let missing = "This was announced as a voice message, but there is no recording in it.";
    assert_eq!(
        accepted(&multipart("voice-message", "b", &[text("hello")])).2,
        [missing]
    );
    let fax = part("Content-Type: image/tiff; application=faxbw", b"II*\0");
    let alone = accepted(&multipart("voice-message", "b", &[fax]));
    assert_eq!(alone.2, [""; 0], "RFC 3801 lets a fax travel without sound");
    let announced = format!("Message-Context: voice-message\r\n{}", text("hello"));
    assert_eq!(accepted(&announced).2, [missing]);
    assert_eq!(accepted(&text("hello")).2, [""; 0]);
    let forwarded = format!(
        "Content-Type: message/rfc822\r\n\r\n{}",
        multipart("mixed", "i", &[part("Content-Type: audio/basic", &[1])])
    );
    assert_eq!(
        accepted(&multipart("voice-message", "b", &[forwarded])).2,
        [""; 0]
    );
}

#[test]
fn a_recording_that_is_much_shorter_than_announced_is_said_to_be() {
    let said = |announced: &str| {
        let fields = format!("Content-Type: audio/basic\r\nContent-Duration: {announced}");
        accepted(&part(&fields, &vec![0x80; 80_000])).2
    };
    for near in ["0", "9", "10", "11", "12"] {
        assert_eq!(said(near), [""; 0], "{near}");
    }
    let short = "A recording of this message was announced with 60 seconds, but only 10 arrived.";
    assert_eq!(said("60"), [short]);
}

#[test]
fn wav_files_as_recorders_leave_them_are_heard() {
    let whole = wav_file(8_000);
    let mut cases: Vec<(&str, Vec<u8>)> = Vec::new();
    for (name, size) in [
        ("a size of zero", 0),
        ("all ones", u32::MAX),
        ("a size beyond the end", 1 << 30),
    ] {
        let mut file = whole.clone();
        file[40..44].copy_from_slice(&size.to_le_bytes());
        cases.push((name, file));
    }
    for (name, chunk) in [
        (
            "an odd chunk without padding",
            &b"LIST\x07\0\0\0INFOabc"[..],
        ),
        ("an odd chunk with padding", b"LIST\x07\0\0\0INFOabc\0"),
    ] {
        for at in [12, 36] {
            let mut file = whole.clone();
            file.splice(at..at, chunk.iter().copied());
            cases.push((name, file));
        }
    }
    for (name, file) in cases {
        is_the_tone(&part("Content-Type: audio/wav", &file), name);
    }
}

#[test]
fn gsm_is_heard_however_its_frames_lie() {
    let mut in_wav = wav::write(&[]);
    in_wav[20] = 0x31;
    in_wav[34..36].fill(0);
    in_wav[40] = 65 * 2;
    in_wav.extend([0x5a; 65 * 2]);
    let mut frames = [0x5a; 33 * 4];
    frames
        .iter_mut()
        .step_by(33)
        .for_each(|octet| *octet = 0xd5);
    for (label, data) in [
        ("audio/wav", &in_wav[..]),
        ("audio/GSM", &frames),
        ("audio/x-gsm", &[0x5a; 65 * 2]),
    ] {
        let mail = part(&format!("Content-Type: {label}"), data);
        let message = parse(mail.as_bytes());
        assert_eq!(judge(&message), Ok(Kind::Voice), "{label}");
        let voice = message.parts[0].voice().expect("a recording");
        assert_eq!(voice.samples(), 640, "{label}");
        let heard = voice.decode(NibbleOrder::LowFirst).expect("it is decoded");
        assert!(
            heard.iter().any(|sample| sample.unsigned_abs() > 100),
            "{label}"
        );
    }
}

/// Nothing is decoded while a mail is judged, so what would come to many times its length costs nothing.
#[test]
fn a_long_recording_is_measured_and_not_decoded() {
    let mail = part(
        "Content-Type: audio/PCMU; rate=4000",
        &vec![0x80; 4_000_000],
    );
    let message: Message<'_> = parse(mail.as_bytes());
    assert_eq!(Summary::of(&message).voice_ms, 1_000_000);
    let voice = message.parts[0].voice().expect("a recording");
    let (coding, codes) = voice.coded(NibbleOrder::LowFirst).expect("it is decoded");
    let mut end = Vec::new();
    coding.decode(codes, 7_999_000..u64::MAX, &mut end);
    assert_eq!(end.len(), 1_000);
}
