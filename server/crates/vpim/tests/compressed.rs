//! Sound as computers and mobile telephones send it: a recording is made of it when it comes, and the file stays.

use std::path::Path;

use vpim::audio::g726::NibbleOrder;
use vpim::limits::{TRANSCODED_PARTS_MAX, TRANSCODED_SAMPLES_MIN};
use vpim::{
    Codec, Container, Content, Kind, Message, PARTS_MAX, Purpose, Refusal, Remark, Summary,
    Transcoded, Transfer, canonical, encode, judge, parse, parse_kept, remarks, transcode,
    transcoding_bytes,
};

/// A file of `tests/vectors/sound`, all of which hold one sentence of 1.38 s.
fn vector(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors/sound");
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

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

/// The mail as it is accepted. It reads the same wherever it goes from here.
fn accepted(mail: &str, why: &str) -> (Message<'static>, Transcoded) {
    let mut message = parse(mail.as_bytes());
    let outcome = transcode(&mut message);
    let kept = canonical(&message);
    let again = parse_kept(&kept);
    assert_eq!(again, message, "{why}: as it is kept");
    assert_eq!(canonical(&again), kept, "{why}: what is kept is final");
    let sent = encode(&message, Transfer::Base64, 1);
    let mut arrived = parse(&sent);
    assert_eq!(arrived, message, "{why}: as it is sent");
    let left = transcode(&mut arrived);
    assert!(
        left == Transcoded::default() || outcome.undecodable > 0,
        "{why}: {left:?} is left to be done"
    );
    (message.into_owned(), outcome)
}

/// One sentence is heard, which is all that there is.
fn is_heard(mail: &str, why: &str) {
    let (message, outcome) = accepted(mail, why);
    assert_eq!(
        outcome,
        Transcoded {
            recordings: 1,
            undecodable: 0
        },
        "{why}"
    );
    assert_eq!(judge(&message), Ok(Kind::Voice), "{why}");
    assert_eq!(remarks(&message), [], "{why}");
    let summary = Summary::of(&message);
    assert!(
        (1_370..1_640).contains(&summary.voice_ms),
        "{why}: {} ms",
        summary.voice_ms
    );
    assert_eq!(summary.attachments, 0, "{why}");
    let inner = message.parts.iter().find_map(|part| match &part.content {
        Content::Forwarded(inner) => Some(&inner.parts),
        _ => None,
    });
    let parts = inner.unwrap_or(&message.parts).iter();
    let voices: Vec<_> = parts.filter_map(|part| part.voice()).collect();
    let [voice] = voices[..] else {
        panic!("{why}: {} recordings", voices.len())
    };
    assert_eq!(voice.codec, Codec::Adpcm32, "{why}");
    let heard = voice.decode(NibbleOrder::LowFirst).expect("it is decoded");
    let loud = heard.iter().filter(|sample| sample.unsigned_abs() > 1_000);
    assert!(loud.count() > heard.len() / 10, "{why}: it is no speech");
}

const FILES: [(&str, &str); 10] = [
    ("mpeg2-vbr-stereo.mp3", "mp3"),
    ("mpeg25-plain.mp3", "mp3"),
    ("mp3-in.wav", "wav"),
    ("adts.aac", "aac"),
    ("stereo.m4a", "m4a"),
    ("vorbis.ogg", "ogg"),
    ("silk-wide.opus", "opus"),
    ("opus.webm", "webm"),
    ("mode7.amr", "amr"),
    ("amr.3gp", "3gp"),
];

#[test]
fn compressed_sound_is_heard_under_every_label() {
    for (file, ending) in FILES {
        let data = vector(file);
        for label in [
            "audio/mpeg",
            "audio/mp4",
            "audio/ogg",
            "audio/amr",
            "audio/webm",
            "audio/wav",
            "audio/basic",
            "audio/32KADPCM",
            "audio/x-unheard-of",
            "application/octet-stream",
            "application/ogg",
            "video/webm",
            "video/3gpp",
        ] {
            is_heard(
                &part(&format!("Content-Type: {label}"), &data),
                &format!("{file} as {label}"),
            );
        }
        for label in [
            "application/octet-stream; name=\"msg0001.ENDING\"",
            "application/octet-stream\r\nContent-Disposition: attachment; filename=msg.ENDING",
            "text/plain; name=msg.ENDING",
            "video/mp4; name=msg.ENDING",
        ] {
            let label = label.replace("ENDING", ending);
            is_heard(
                &part(&format!("Content-Type: {label}"), &data),
                &format!("{file} as {label}"),
            );
        }
        let other = part(
            "Content-Type: application/octet-stream; name=msg.bin",
            &data,
        );
        let (message, outcome) = accepted(&other, file);
        assert_eq!(outcome, Transcoded::default(), "{file}");
        assert_eq!(judge(&message), Ok(Kind::Mixed), "{file}");
    }
}

#[test]
fn the_file_stays_behind_its_recording_with_what_was_said_of_it() {
    let data = vector("mode7.amr");
    let fields = "Subject: Hello\r\nContent-Type: audio/amr; name=msg.amr\r\nContent-Description: from the car\r\n\
        Content-Duration: 9\r\nContent-Language: el\r\nContent-Disposition: inline; voice=Originator-Spoken-Name; filename=msg.amr";
    let (message, _) = accepted(&part(fields, &data), "alone");
    assert_eq!(message.container, Container::Multipart("mixed".to_string()));
    let [recording, file] = &message.parts[..] else {
        panic!("{message:?}")
    };
    let voice = recording.voice().expect("a recording");
    assert_eq!(voice.purpose, Purpose::OriginatorSpokenName);
    assert_eq!(voice.claimed_duration_s, Some(9));
    assert_eq!(recording.description().as_deref(), Some("from the car"));
    assert_eq!(recording.language().as_deref(), Some("el"));
    assert_eq!(recording.filename(), None);
    let Content::Original {
        content_type,
        bytes,
    } = &file.content
    else {
        panic!("{file:?}")
    };
    assert_eq!(
        (content_type.as_str(), &bytes[..]),
        ("audio/amr", &data[..])
    );
    assert_eq!(file.filename().as_deref(), Some("msg.amr"));
    let short = Remark::Short {
        announced_s: 9,
        heard_s: 1,
    };
    assert_eq!(remarks(&message), [short]);
}

#[test]
fn a_recording_is_made_wherever_the_file_stands() {
    let sound = part("Content-Type: audio/ogg", &vector("silk-wide.opus"));
    for subtype in ["mixed", "voice-message", "related", "alternative"] {
        is_heard(
            &multipart(subtype, "b", &[text("hello"), sound.clone()]),
            subtype,
        );
    }
    is_heard(
        &format!("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n{sound}"),
        "enclosed",
    );
    let report = multipart(
        "report; report-type=delivery-status",
        "b",
        &[
            text("It could not be delivered."),
            format!("Content-Type: message/rfc822\r\n\r\n{sound}"),
        ],
    );
    assert_eq!(accepted(&report, "a report").1, Transcoded::default());
}

#[test]
fn of_alternatives_what_is_heard_for_sure_is_taken_and_else_what_may_be() {
    let compressed = part("Content-Type: audio/mpeg", &vector("mpeg25-plain.mp3"));
    let damaged = part("Content-Type: audio/mpeg", &[0xff; 500]);
    let empty = part("Content-Type: audio/wav", &[]);
    let basic = part("Content-Type: audio/basic", &[0x80; 800]);
    for forms in [
        [&empty, &compressed],
        [&compressed, &empty],
        [&compressed, &damaged],
    ] {
        is_heard(
            &multipart("alternative", "a", &forms.map(String::clone)),
            "the only one",
        );
    }
    for forms in [[&basic, &compressed], [&compressed, &basic]] {
        let mail = multipart("alternative", "a", &forms.map(String::clone));
        let (message, outcome) = accepted(&mail, "beside telephone sound");
        assert_eq!(outcome, Transcoded::default());
        assert_eq!(Summary::of(&message).voice_ms, 100);
    }
}

#[test]
fn what_cannot_be_decoded_is_what_it_was() {
    let mut torn = vector("stereo.m4a");
    torn.truncate(600);
    let speex = b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x08Speex   ";
    for (file, label, what) in [
        (&torn[..], "audio/mp4", "audio/mp4 (it holds an MP4 file)"),
        (speex, "audio/ogg", "audio/ogg (it holds an Ogg file)"),
        (
            b"#!AMR\n\x48",
            "audio/amr",
            "audio/amr (it holds an AMR file)",
        ),
        (&[0xff; 50], "audio/mpeg", "audio/mpeg"),
    ] {
        let sound = part(&format!("Content-Type: {label}"), file);
        let (message, outcome) = accepted(&sound, label);
        assert_eq!(
            outcome,
            Transcoded {
                recordings: 0,
                undecodable: 1
            },
            "{label}"
        );
        let what = what.to_string();
        assert_eq!(
            judge(&message),
            Err(Refusal::MediaNotSupported { what: what.clone() })
        );
        let (message, _) = accepted(&multipart("mixed", "b", &[text("hello"), sound]), label);
        assert_eq!(judge(&message), Ok(Kind::Mixed));
        assert_eq!(Summary::of(&message).attachments, 1);
        assert_eq!(remarks(&message), [Remark::Unplayable { what }]);
    }
}

/// AMR says with one octet that there are 20 ms of which nothing is sent.
fn silence(octets: usize) -> Vec<u8> {
    [b"#!AMR\n".to_vec(), vec![0x7c; octets]].concat()
}

#[test]
fn few_octets_do_not_make_hours_of_sound() {
    let frames = TRANSCODED_SAMPLES_MIN as usize / 160;
    for (octets, recordings) in [(frames, 1), (2 * frames, 0)] {
        let mail = part("Content-Type: audio/amr", &silence(octets));
        let (_, outcome) = accepted(&mail, "silence");
        assert_eq!(
            outcome,
            Transcoded {
                recordings,
                undecodable: 1 - recordings
            }
        );
    }
}

#[test]
fn what_all_files_of_a_mail_come_to_has_one_bound() {
    let file = part(
        "Content-Type: audio/amr",
        &silence(TRANSCODED_SAMPLES_MIN as usize / 160),
    );
    let (_, outcome) = accepted(
        &multipart("mixed", "b", &[file.clone(), file.clone(), file]),
        "three",
    );
    assert_eq!(
        outcome,
        Transcoded {
            recordings: 1,
            undecodable: 2
        }
    );
    assert!(transcoding_bytes(&parse(text("hello").as_bytes())) == 0);
}

#[test]
fn a_mail_of_many_files_is_read_again_when_recordings_were_made() {
    let file = part("Content-Type: audio/amr", &silence(5));
    let enclosed = format!("Content-Type: message/rfc822\r\n\r\n{file}");
    // The most parts: the multipart, and for each enclosed message two.
    let parts = vec![enclosed; PARTS_MAX / 2 - 1];
    let (message, outcome) = accepted_once(&multipart("mixed", "b", &parts));
    let undecodable = (PARTS_MAX / 2 - 1 - TRANSCODED_PARTS_MAX) as u32;
    let recordings = TRANSCODED_PARTS_MAX as u32;
    assert_eq!(
        outcome,
        Transcoded {
            recordings,
            undecodable
        }
    );
    assert_eq!(message.fault, None);
}

/// Like [`accepted`], but nobody sends on what has more parts than may be sent here.
fn accepted_once(mail: &str) -> (Message<'static>, Transcoded) {
    let mut message = parse(mail.as_bytes());
    let outcome = transcode(&mut message);
    let kept = canonical(&message);
    assert_eq!(parse_kept(&kept), message);
    (message.into_owned(), outcome)
}

#[test]
fn a_part_deepest_down_is_read_again_when_a_recording_was_made() {
    let mut mail = part("Content-Type: audio/amr", &silence(5));
    for _ in 0..vpim::DEPTH_MAX {
        mail = format!("Content-Type: message/rfc822\r\n\r\n{mail}");
    }
    let (message, outcome) = accepted_once(&mail);
    assert_eq!(outcome.recordings, 1);
    assert_eq!(message.fault, None);
}

#[test]
fn a_mark_of_a_sender_hides_nothing_that_no_recording_stands_before() {
    let marked =
        "Content-Type: application/pdf\r\nX-CallPilot-Part: original\r\n\r\nx\r\n".to_string();
    for before in [
        text("hello"),
        part("Content-Type: audio/basic", &[0x80; 80]),
    ] {
        let (message, _) = accepted(
            &multipart("mixed", "b", &[before, marked.clone()]),
            "a mark",
        );
        assert_eq!(Summary::of(&message).attachments, 1);
    }
    // The recording goes, because another form is better; the mark means nothing then.
    let recording = part("Content-Type: audio/32KADPCM", &[0x12; 80]);
    let inner = multipart("mixed", "i", &[recording, marked]);
    let better = part("Content-Type: audio/basic", &[0x80; 80]);
    let (message, _) = accepted(&multipart("alternative", "a", &[inner, better]), "a choice");
    assert_eq!(Summary::of(&message).attachments, 1);
}
