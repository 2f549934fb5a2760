//! Messages that are made here: strict in form, equal after the journey.

mod vectors;

use vpim::build::{
    BuildError, Composition, CompositionPart, DeliveryNotice, DispositionNotice, Explanation,
    Original, Recording,
};
use vpim::{
    Action, Codec, Content, Date, Disposition, Kind, Message, Party, Purpose, RecipientStatus,
    StatusCode, Summary, Transfer, canonical, encode, judge, parse,
};

const DATE: Date = Date {
    unix_s: 1_767_225_600,
    zone_min: 60,
};

fn composition<'a>(parts: Vec<CompositionPart<'a>>) -> Composition<'a> {
    Composition {
        from: Party::named("Ann Onym", "21@vm.example"),
        to: vec![
            Party::named("Jörg Müßig", "22@vm.example"),
            Party::new("+16137637582@vm.example"),
        ],
        cc: Vec::new(),
        subject: Some("Grüße".to_string()),
        date: DATE,
        message_id: "m1@vm.example".to_string(),
        in_reply_to: None,
        urgent: true,
        private: true,
        language: Some("de-DE".to_string()),
        receipt_to: Some(Party::new("21@vm.example")),
        text: String::new(),
        parts,
    }
}

fn voice(purpose: Purpose, data: &[u8]) -> CompositionPart<'_> {
    CompositionPart::Voice(Recording::adpcm(purpose, data))
}

#[test]
fn a_text_stands_before_the_sound_and_alone_it_is_the_whole_message() {
    let text = "Two lines,\nthe second with ümlauts.\r\n.\r..a\n".to_string();
    let sound = vectors::read("../sound/speech.wav");
    let file = CompositionPart::SoundFile {
        data: (&sound).into(),
        filename: "Ansage für Müller.wav".to_string(),
    };
    let with = |text: &str, parts| Composition {
        text: text.to_string(),
        ..composition(parts)
    };
    let read_back = |message: &Message<'_>| {
        for transfer in [Transfer::Base64, Transfer::Binary] {
            let mail = encode(message, transfer, 0);
            assert_eq!(parse(&mail), *message);
            let bare = |pair: &[u8]| pair[1] == b'\n' && pair[0] != b'\r';
            assert!(transfer == Transfer::Binary || !mail.windows(2).any(bare));
        }
        assert_eq!(judge(message).map(|_| ()), Ok(()));
    };
    let alone = with(&text, vec![]).message().unwrap();
    read_back(&alone);
    let [part] = &alone.parts[..] else {
        panic!("{alone:?}")
    };
    let Content::Text(words) = &part.content else {
        panic!("{part:?}")
    };
    let unix = words.text().replace("\r\n", "\n");
    assert_eq!(unix, "Two lines,\nthe second with ümlauts.\n.\n..a\n");
    let both = with(
        &text,
        vec![file.clone(), voice(Purpose::VoiceMessage, &[3; 8_000])],
    );
    let both = both.message().unwrap();
    read_back(&both);
    let summary = Summary::of(&both);
    assert_eq!(
        (summary.kind, summary.voice_ms),
        (Kind::Voice, 1_381 + 2_000)
    );
    // A file alone is no VPIM message: those have no WAV files.
    let file = with("", vec![file]).message().unwrap();
    read_back(&file);
    assert!(
        !String::from_utf8_lossy(&encode(&file, Transfer::Base64, 0)).contains("voice-message")
    );
    assert!(matches!(with("", vec![]).message(), Err(BuildError::Empty)));
}

#[test]
fn a_voice_message_has_the_form_of_the_profile() {
    let parts = vec![
        voice(Purpose::OriginatorSpokenName, &[1; 4000]),
        voice(Purpose::SpokenSubject, &[2; 40]),
        voice(Purpose::VoiceMessage, &[3; 10_000]),
    ];
    let message = composition(parts).message().expect("it is sound");
    let mail = String::from_utf8(encode(&message, Transfer::Base64, 0x5eed)).expect("ASCII");
    let expected = "From: Ann Onym <21@vm.example>\r\n\
        To: =?UTF-8?B?SsO2cmcgTcO8w59pZw==?= <22@vm.example>,\r\n <+16137637582@vm.example>\r\n\
        Date: Thu, 1 Jan 2026 01:00:00 +0100\r\n\
        Message-ID: <m1@vm.example>\r\n\
        Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n\
        Sensitivity: Private\r\n\
        Importance: High\r\n\
        Disposition-Notification-To: <21@vm.example>\r\n\
        Content-Language: de-DE\r\n\
        MIME-Version: 1.0 (Voice 2.0)\r\n\
        Content-Type: multipart/voice-message; version=2.0;\r\n boundary=\"=_callpilot_0000000000005eed_00000000\"\r\n\
        Content-Transfer-Encoding: 7bit\r\n\
        \r\n\
        --=_callpilot_0000000000005eed_00000000\r\n\
        Content-Type: audio/32KADPCM\r\n\
        Content-Disposition: inline; voice=Originator-Spoken-Name;\r\n filename=sender.726\r\n\
        Content-Duration: 1\r\n\
        Content-Transfer-Encoding: base64\r\n\
        \r\n\
        AQEBAQEBAQEBAQ";
    assert_eq!(&mail[..expected.len()], expected);
    assert!(mail.contains("voice=Spoken-Subject; filename=subject.726\r\nContent-Duration: 1\r\n"));
    assert!(mail.contains("voice=Voice-Message; filename=message.726\r\nContent-Duration: 3\r\n"));
    assert!(mail.ends_with("\r\n--=_callpilot_0000000000005eed_00000000--\r\n"));
    assert!(mail.lines().all(|line| line.len() <= 78));
    assert!(mail.is_ascii() && !mail.replace("\r\n", "").contains(['\r', '\n']));
    assert_eq!(parse(mail.as_bytes()), message);
    assert_eq!(judge(&message), Ok(Kind::Voice));
    let summary = Summary::of(&message);
    assert!(summary.urgent && summary.private && summary.receipt_requested);
    assert_eq!(
        (summary.voice_ms, summary.subject.as_deref()),
        (2500, Some("Grüße"))
    );
}

#[test]
fn a_message_with_fax_and_a_forwarded_message_arrives_the_same_both_ways() {
    let raw = vectors::read("rfc3801-b1-two-recipients.eml");
    let tiff = b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec();
    let parts = vec![
        voice(Purpose::VoiceMessage, &[0x80; 999]),
        CompositionPart::Fax {
            data: tiff.into(),
            filename: None,
        },
        CompositionPart::Forwarded(parse(&raw)),
    ];
    let message = composition(parts).message().expect("it is sound");
    assert_eq!(judge(&message), Ok(Kind::Mixed));
    let base64 = encode(&message, Transfer::Base64, 1);
    assert!(base64.is_ascii());
    let binary = encode(&message, Transfer::Binary, 2);
    assert!(binary.len() < base64.len());
    assert_eq!(parse(&base64), message);
    assert_eq!(parse(&binary), message);
}

#[test]
fn what_breaks_the_profile_is_not_sent() {
    let refused = |change: fn(&mut Composition<'static>)| {
        let mut composed = composition(vec![voice(Purpose::VoiceMessage, &[0; 8])]);
        change(&mut composed);
        composed.message().expect_err("must be refused")
    };
    assert_eq!(refused(|d| d.to.clear()), BuildError::NoRecipient);
    assert_eq!(refused(|d| d.parts.clear()), BuildError::Empty);
    assert_eq!(
        refused(|d| d.message_id = "<a@b>".into()),
        BuildError::BadMessageId("<a@b>".into())
    );
    assert_eq!(
        refused(|d| d.message_id = "ab".into()),
        BuildError::BadMessageId("ab".into())
    );
    assert!(matches!(
        refused(|d| d.from.address = "a b@c".into()),
        BuildError::BadAddress { .. }
    ));
    assert!(matches!(
        refused(|d| d.to[0].address = "x@y>\r\nBcc: z@z".into()),
        BuildError::BadAddress { .. }
    ));
    let name = Purpose::OriginatorSpokenName;
    let twice = composition(vec![voice(name, &[0]), voice(name, &[0])]).message();
    assert_eq!(twice.expect_err("two names"), BuildError::Repeated(name));
    let for_two = composition(vec![voice(Purpose::RecipientSpokenName, &[0])]).message();
    assert_eq!(
        for_two.expect_err("two recipients"),
        BuildError::RecipientNameForMany
    );
    let mut a_law = Recording::adpcm(Purpose::VoiceMessage, &[0][..]);
    a_law.codec = Codec::ALaw;
    let refusal = composition(vec![CompositionPart::Voice(a_law)])
        .message()
        .expect_err("A-law is not sent");
    assert_eq!(refusal, BuildError::BadCodec(Codec::ALaw));
}

#[test]
fn nothing_in_a_composition_breaks_out_of_its_field() {
    let mut evil = composition(vec![]);
    let break_out = "x\r\nBcc: spy@evil\r\n\r\nbody\0\"\\;";
    evil.from.name = Some(break_out.to_string());
    evil.subject = Some(break_out.to_string());
    evil.language = Some(break_out.to_string());
    evil.parts = vec![CompositionPart::Voice(Recording {
        filename: Some(break_out.to_string()),
        description: Some(break_out.to_string()),
        content_id: Some(break_out.to_string()),
        ..Recording::adpcm(Purpose::VoiceMessage, &[7; 9][..])
    })];
    let message = evil.message().expect("only text is odd");
    let mail = encode(&message, Transfer::Base64, 0);
    let read = parse(&mail);
    assert_eq!(read, message);
    assert_eq!(read.parts.len(), 1);
    assert!(
        !String::from_utf8_lossy(&mail)
            .to_lowercase()
            .contains("\nbcc")
    );
}

#[test]
fn every_message_is_kept_as_it_was_meant() {
    for (name, raw) in vectors::mails() {
        let message = parse(&raw);
        if message.fault.is_some() {
            continue;
        }
        let kept = canonical(&message);
        let again = parse(&kept);
        assert_eq!(again, message, "{name}");
        assert_eq!(
            canonical(&again),
            kept,
            "{name}: writing twice gives the same bytes"
        );
        assert_eq!(
            parse(&encode(&message, Transfer::Base64, 9)),
            message,
            "{name} in base64"
        );
        assert!(kept.len() < raw.len() + 512, "{name} grows");
    }
}

#[test]
fn the_kept_form_has_no_line_of_the_journey_and_no_bare_line_feed() {
    let raw = b"Return-Path: <a@b>\nBcc: spy@x\nReceived: from a\n\tby b\nX-Odd: 1\r2\nSubject: s\nContent-Length: 5\n\
                Content-Type: text/plain\n\nhi\n";
    let kept = canonical(&parse(raw));
    let expected = "Received: from a\tby b\r\nX-Odd: 12\r\nSubject: s\r\nMIME-Version: 1.0\r\n\
                    Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\nhi\n";
    assert_eq!(String::from_utf8_lossy(&kept), expected);
}

#[test]
fn a_recording_that_contains_boundaries_stays_whole() {
    let mut data = b"\r\n--=_callpilot_0000000000000000_00000000--\r\n".to_vec();
    data.extend(
        b"\r\n--=_callpilot_0000000000000000_00000001\r\n=_callpilot_0000000000000000_0000",
    );
    let message = composition(vec![voice(Purpose::VoiceMessage, &data)])
        .message()
        .expect("sound");
    let kept = canonical(&message);
    assert!(
        String::from_utf8_lossy(&kept)
            .contains("boundary=\"=_callpilot_0000000000000000_00000002\"")
    );
    assert_eq!(parse(&kept), message);
}

#[test]
fn recordings_are_not_copied_out_of_the_kept_form() {
    let message = composition(vec![voice(Purpose::VoiceMessage, &[5; 3000])])
        .message()
        .expect("sound");
    let kept = canonical(&message);
    let again = parse(&kept);
    let data = &again.parts[0].voice().expect("a recording").data;
    assert!(data.is_borrowed());
    assert!(kept.as_ptr_range().contains(&data.as_ptr()));
}

fn delivery_notice<'a>(explanation: Explanation<'a>, original: Original<'a>) -> Message<'a> {
    let notice = DeliveryNotice {
        from: Party::named("Mail Delivery", "postmaster@vm.example"),
        to: Party::new("21@vm.example"),
        date: DATE,
        message_id: "dsn@vm.example".to_string(),
        subject: "Not delivered".to_string(),
        reporting_mta: "vm.example".to_string(),
        original_envelope_id: Some("QQ314159".to_string()),
        recipients: vec![RecipientStatus {
            original_recipient: None,
            final_recipient: Some("99@vm.example".to_string()),
            action: Some(Action::Failed),
            status: Some(StatusCode(5, 1, 1)),
            diagnostic: Some("550 5.1.1 No such\r\nmailbox ä".to_string()),
            remote_mta: None,
        }],
        explanation,
        original,
    };
    notice.message().expect("sound")
}

#[test]
fn a_delivery_report_says_to_man_and_machine_what_happened() {
    let raw = vectors::read("several-voices.eml");
    let spoken = || Explanation::Spoken(Recording::adpcm(Purpose::VoiceMessage, &[1; 80][..]));
    let text = || Explanation::Text("No mailbox 99.\nSorry.".into());
    for message in [
        delivery_notice(spoken(), Original::Whole(parse(&raw))),
        delivery_notice(text(), Original::Header(parse(&raw))),
        delivery_notice(text(), Original::None),
    ] {
        assert_eq!(judge(&message), Ok(Kind::DeliveryReport));
        let Content::DeliveryReport(report) = &message.parts[1].content else {
            panic!("{:?}", message.parts[1])
        };
        assert_eq!(report.reporting_mta.as_deref(), Some("vm.example"));
        assert_eq!(report.original_envelope_id.as_deref(), Some("QQ314159"));
        assert_eq!(report.recipients[0].status, Some(StatusCode(5, 1, 1)));
        assert_eq!(
            report.recipients[0].diagnostic.as_deref(),
            Some("550 5.1.1 No such__mailbox _")
        );
        for transfer in [Transfer::Base64, Transfer::Binary] {
            let mail = encode(&message, transfer, 3);
            assert_eq!(parse(&mail), message);
            let text = String::from_utf8_lossy(&mail);
            assert!(text.contains("Content-Type: multipart/report; report-type=delivery-status;"));
        }
    }
}

#[test]
fn a_disposition_report_says_that_the_message_was_heard() {
    let disposition = Disposition {
        manual: true,
        sent_automatically: true,
        kind: "displayed".to_string(),
        modifiers: vec![],
    };
    let notice = DispositionNotice {
        from: Party::new("22@vm.example"),
        to: Party::new("21@vm.example"),
        date: DATE,
        message_id: "mdn@vm.example".to_string(),
        subject: "Heard".to_string(),
        reporting_ua: "vm.example; CallPilot".to_string(),
        original_recipient: None,
        final_recipient: "22@vm.example".to_string(),
        original_message_id: Some("m1@vm.example".to_string()),
        disposition: disposition.clone(),
        explanation: Explanation::Text("Your message was played.".into()),
        original: Original::None,
    };
    let message = notice.message().expect("sound");
    assert_eq!(judge(&message), Ok(Kind::DispositionReport));
    let Content::DispositionReport(report) = &message.parts[1].content else {
        panic!("{:?}", message.parts[1])
    };
    assert_eq!(report.original_message_id.as_deref(), Some("m1@vm.example"));
    assert_eq!(report.disposition, Some(disposition));
    assert_eq!(parse(&encode(&message, Transfer::Base64, 0)), message);
    assert_eq!(
        message.field("auto-submitted").as_deref(),
        Some("auto-replied")
    );
}
