//! The four example messages of RFC 3801 Appendix B, with the flaws of the print.

mod vectors;

use vpim::audio::g726::NibbleOrder;
use vpim::{
    Action, Codec, Container, Content, Importance, Kind, Message, Party, Purpose, Sensitivity,
    StatusCode, Summary, Voice, judge, parse,
};

fn voices<'m>(message: &'m Message<'_>) -> Vec<&'m Voice<'m>> {
    message
        .parts
        .iter()
        .filter_map(|part| part.voice())
        .collect()
}

#[test]
fn the_message_to_two_recipients_is_understood() {
    let raw = vectors::read("rfc3801-b1-two-recipients.eml");
    let message = parse(&raw);
    let envelope = &message.envelope;
    assert_eq!(
        envelope.from,
        Some(Party::named(
            "Parsons, Glenn",
            "12145551234@VM1.mycompany.com"
        ))
    );
    let to = [
        Party::new("+19725551212@vm1.mycompany.com"),
        Party::new("+16135551234@VM1.mycompany.com"),
    ];
    assert_eq!(envelope.to, to);
    let date = envelope.date.expect("the date is there");
    assert_eq!((date.unix_s, date.zone_min), (746_385_620, -420));
    assert_eq!(date.to_string(), "Thu, 26 Aug 1993 10:20:20 -0700");
    assert_eq!(
        envelope.message_id.as_deref(),
        Some("123456789@VM2.mycompany.com")
    );
    assert_eq!(envelope.sensitivity, Sensitivity::Private);
    assert_eq!(envelope.importance, Importance::High);
    assert_eq!(envelope.subject, None);
    assert_eq!(message.container, Container::VoiceMessage);

    let [name, subject, voice] = &message.parts[..] else {
        panic!("three parts, not {}", message.parts.len())
    };
    assert_eq!(
        name.voice().map(|v| v.purpose),
        Some(Purpose::OriginatorSpokenName)
    );
    assert_eq!(name.language().as_deref(), Some("en-US"));
    assert_eq!(name.content_id().as_deref(), Some("part1@VM2-4321"));
    assert_eq!(
        subject.voice().map(|v| v.purpose),
        Some(Purpose::SpokenSubject)
    );
    assert_eq!(subject.content_id().as_deref(), Some("part2@VM2-4321"));
    assert_eq!(
        voice.description().as_deref(),
        Some("Brand X Voice Message")
    );
    assert_eq!(voice.filename().as_deref(), Some("msg1.726"));
    let recording = voice.voice().expect("the message is a recording");
    assert_eq!(
        (recording.purpose, &recording.codec),
        (Purpose::VoiceMessage, &Codec::Adpcm32)
    );
    assert_eq!(recording.claimed_duration_s, Some(25));
    assert_eq!(recording.duration_ms(), 3000);
    assert_eq!(*recording.data, *vectors::read("msg1.726"));
    assert_eq!(
        recording
            .decode(NibbleOrder::LowFirst)
            .map(|samples| samples.len()),
        Ok(24_000)
    );

    assert_eq!(judge(&message), Ok(Kind::Voice));
    let summary = Summary::of(&message);
    assert_eq!(summary.sender, "Parsons, Glenn");
    assert_eq!(summary.voice_ms, 3000);
    assert!(summary.urgent && summary.private && !summary.forwarded);
    assert_eq!(summary.attachments, 0);
}

#[test]
fn the_forwarded_message_is_inside_the_one_that_forwards() {
    let raw = vectors::read("rfc3801-b2-forwarded.eml");
    let message = parse(&raw);
    assert_eq!(
        message.envelope.from,
        Some(Party::named(
            "Vaudreuil, Greg",
            "+19725552345@VM2.mycompany.com"
        ))
    );
    assert_eq!(
        message.envelope.message_id.as_deref(),
        Some("ABCD-123456789@VM2.mycompany.com")
    );
    let [name, annotation, forwarded] = &message.parts[..] else {
        panic!("{} parts", message.parts.len())
    };
    assert_eq!(
        name.voice().map(|v| v.purpose),
        Some(Purpose::OriginatorSpokenName)
    );
    assert_eq!(
        annotation.description().as_deref(),
        Some("Forwarded Message Annotation")
    );
    assert_eq!(annotation.voice().map(Voice::duration_ms), Some(1500));

    let Content::Forwarded(inner) = &forwarded.content else {
        panic!("not a message: {forwarded:?}")
    };
    let envelope = &inner.envelope;
    assert_eq!(
        envelope.from,
        Some(Party::named(
            "Parsons, Glenn, W.",
            "+16135551234@VM1.mycompany.com"
        ))
    );
    assert_eq!(envelope.to, [Party::new("+19725552345@VM2.mycompany.com")]);
    assert_eq!(
        envelope.date.map(|date| date.to_string()).as_deref(),
        Some("Thu, 26 Aug 1993 08:23:10 -0500")
    );
    assert_eq!(inner.container, Container::VoiceMessage);
    let [name, original] = voices(inner)[..] else {
        panic!("{} recordings", inner.parts.len())
    };
    assert_eq!(name.purpose, Purpose::OriginatorSpokenName);
    assert_eq!(*original.data, *vectors::read("original.726"));

    assert_eq!(judge(&message), Ok(Kind::Voice));
    let summary = Summary::of(&message);
    assert_eq!(summary.voice_ms, 1500 + 2000);
    assert!(summary.forwarded && !summary.private && !summary.urgent);
}

#[test]
fn the_delivery_report_tells_who_was_not_reached_and_why() {
    let raw = vectors::read("rfc3801-b3-delivery-status.eml");
    let message = parse(&raw);
    assert_eq!(
        message.envelope.from,
        Some(Party::named(
            "Mail Delivery Subsystem",
            "MAILER-DAEMON@vm.company.com"
        ))
    );
    assert_eq!(
        message.envelope.subject.as_deref(),
        Some("Returned voice message")
    );
    assert_eq!(
        message.envelope.message_id.as_deref(),
        Some("199407072116.RAA14128@vm1.company.com")
    );
    assert_eq!(
        message.container,
        Container::Report("delivery-status".to_string())
    );
    let [spoken, status, original] = &message.parts[..] else {
        panic!("{} parts", message.parts.len())
    };
    assert_eq!(
        spoken.voice().map(|v| v.purpose),
        Some(Purpose::Notification)
    );
    assert_eq!(
        spoken.description().as_deref(),
        Some("Spoken Delivery Status Notification")
    );
    let Content::DeliveryReport(report) = &status.content else {
        panic!("{status:?}")
    };
    assert_eq!(report.reporting_mta.as_deref(), Some("vm1.company.com"));
    let [recipient] = &report.recipients[..] else {
        panic!("{:?}", report.recipients)
    };
    assert_eq!(
        recipient.original_recipient.as_deref(),
        Some("2145551234@VM1.mycompany.com")
    );
    assert_eq!(
        recipient.final_recipient.as_deref(),
        Some("2145551234@VM1.mycompany.com")
    );
    assert_eq!(recipient.action, Some(Action::Failed));
    assert_eq!(recipient.status, Some(StatusCode(5, 1, 1)));
    assert_eq!(
        recipient.diagnostic.as_deref(),
        Some("550 Mailbox not found")
    );
    let Content::Forwarded(original) = &original.content else {
        panic!("{original:?}")
    };
    assert_eq!(
        original.envelope.message_id.as_deref(),
        Some("772@VM2.mycompany.com")
    );

    assert_eq!(judge(&message), Ok(Kind::DeliveryReport));
    let summary = Summary::of(&message);
    assert_eq!(summary.voice_ms, 500);
    assert!(!summary.forwarded);
}

#[test]
fn the_disposition_report_tells_that_the_message_was_heard() {
    let raw = vectors::read("rfc3801-b4-disposition.eml");
    let message = parse(&raw);
    assert_eq!(
        message.envelope.from,
        Some(Party::named("Greg Vaudreuil", "22722@vm.company.com"))
    );
    assert_eq!(
        message.container,
        Container::Report("disposition-notification".to_string())
    );
    let [spoken, notice] = &message.parts[..] else {
        panic!("{} parts", message.parts.len())
    };
    assert_eq!(
        spoken.voice().map(|v| v.purpose),
        Some(Purpose::Notification)
    );
    let Content::DispositionReport(report) = &notice.content else {
        panic!("{notice:?}")
    };
    assert_eq!(
        report.reporting_ua.as_deref(),
        Some("gregs-laptop.dallas.company.com (Unified FooMail 3.0)")
    );
    assert_eq!(
        report.original_recipient.as_deref(),
        Some("22722@vm.company.com")
    );
    assert_eq!(
        report.final_recipient.as_deref(),
        Some("22722@vm.company.com")
    );
    assert_eq!(
        report.original_message_id.as_deref(),
        Some("199509192301.12345@vm2.mycompany.com")
    );
    let disposition = report.disposition.as_ref().expect("a disposition");
    assert!(
        disposition.manual && disposition.sent_automatically && disposition.modifiers.is_empty()
    );
    assert_eq!(disposition.kind, "displayed");
    assert_eq!(judge(&message), Ok(Kind::DispositionReport));
}
