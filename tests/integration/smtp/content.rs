//! What is in a mail: the examples of the RFC, and what is not taken.

use super::{A, B, FROM, server};
use contract::{Kind, MessageDetail, Part, VoicePurpose};
use std::path::Path;
use support::{Http, Server, Smtp};

fn vector(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors/vpim")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Sends a mail by DATA.
fn send(server: &Server, to: &[&str], content: &[u8]) -> support::Reply {
    let mut smtp = Smtp::hello(server.smtp);
    assert_eq!(smtp.ask(format!("MAIL FROM:<{FROM}>\r\n")).code, 250);
    for to in to {
        assert_eq!(smtp.ask(format!("RCPT TO:<{to}>\r\n")).code, 250);
    }
    assert_eq!(smtp.ask("DATA\r\n").code, 354);
    // Dot-stuffing (RFC 5321 section 4.5.2).
    let text: Vec<u8> = content
        .split_inclusive(|&b| b == b'\n')
        .flat_map(|line| {
            let dot = if line.starts_with(b".") {
                &b"."[..]
            } else {
                b""
            };
            [dot, line].concat()
        })
        .collect();
    smtp.say(text);
    if !content.ends_with(b"\r\n") {
        smtp.say("\r\n");
    }
    smtp.ask(".\r\n")
}

fn newest(server: &Server, user: &Http) -> MessageDetail {
    let list = server.inbox(user);
    server.message(user, list.messages[0].id)
}

fn purposes(parts: &[Part]) -> Vec<VoicePurpose> {
    let of = |part: &Part| match part {
        Part::Voice { purpose, .. } => Some(*purpose),
        _ => None,
    };
    parts.iter().filter_map(of).collect()
}

#[test]
fn the_four_examples_of_the_rfc_are_taken_and_shown_rightly() {
    let (_dir, server) = server("");
    let user = server.log_in("7200").unwrap();

    assert_eq!(
        send(&server, &[A, B], &vector("rfc3801-b1-two-recipients.eml")).code,
        250
    );
    let first = newest(&server, &user);
    assert_eq!(
        (first.row.kind, first.row.private, first.row.urgent),
        (Kind::Voice, true, true)
    );
    assert_eq!(
        (
            first.row.sender.name.as_str(),
            first.row.sender.number.as_deref()
        ),
        ("Parsons, Glenn", Some("12145551234"))
    );
    assert_eq!(first.recipients.len(), 2);
    assert_eq!(
        first.row.duration_ms, 3_000,
        "the message itself, without spoken name and subject"
    );
    assert_eq!(
        purposes(&first.parts),
        [
            VoicePurpose::OriginatorSpokenName,
            VoicePurpose::SpokenSubject,
            VoicePurpose::Message
        ]
    );

    assert_eq!(
        send(&server, &[A], &vector("rfc3801-b2-forwarded.eml")).code,
        250
    );
    let forwarded = newest(&server, &user);
    assert_eq!(
        (forwarded.row.kind, forwarded.row.attachments),
        (Kind::Voice, 1)
    );
    let Some(Part::Forwarded { sender, parts, .. }) = forwarded.parts.last() else {
        panic!("{:?}", forwarded.parts)
    };
    assert_eq!(
        (sender.name.as_str(), sender.number.as_deref()),
        ("Parsons, Glenn, W.", Some("+16135551234"))
    );
    assert_eq!(
        purposes(parts),
        [VoicePurpose::OriginatorSpokenName, VoicePurpose::Message]
    );
    assert_eq!(
        forwarded.row.duration_ms,
        1_500 + 2_000,
        "annotation and original"
    );

    assert_eq!(
        send(&server, &[A], &vector("rfc3801-b3-delivery-status.eml")).code,
        250
    );
    let returned = newest(&server, &user);
    assert_eq!(
        (returned.row.kind, returned.row.subject.as_str()),
        (Kind::Report, "Returned voice message")
    );
    let report = returned.parts.iter().find_map(|p| match p {
        Part::Report {
            status, recipient, ..
        } => Some((status.as_str(), recipient.as_str())),
        _ => None,
    });
    assert_eq!(report, Some(("5.1.1", "2145551234@VM1.mycompany.com")));

    assert_eq!(
        send(&server, &[A], &vector("rfc3801-b4-disposition.eml")).code,
        250
    );
    let played = newest(&server, &user);
    assert_eq!(played.row.kind, Kind::Report);
    let report = played.parts.iter().find_map(|p| match p {
        Part::Report {
            status,
            original_message_id,
            ..
        } => Some((status.as_str(), original_message_id.as_deref())),
        _ => None,
    });
    assert_eq!(
        report,
        Some(("displayed", Some("199509192301.12345@vm2.mycompany.com")))
    );
}

#[test]
fn several_recordings_cards_and_texts_are_taken() {
    let (_dir, server) = server("");
    let user = server.log_in("7200").unwrap();
    assert_eq!(send(&server, &[A], &vector("several-voices.eml")).code, 250);
    let several = newest(&server, &user);
    assert_eq!(purposes(&several.parts).len(), 3);
    let sound = user.get(&format!("/api/v1/messages/{}/audio", several.row.id));
    assert_eq!(sound.status, 200);
    assert!(sound.body.starts_with(b"RIFF"));

    assert_eq!(send(&server, &[A], &vector("vcard.eml")).code, 250);
    let card = newest(&server, &user);
    assert!(
        card.parts.iter().any(|p| matches!(p, Part::Card { .. })),
        "{:?}",
        card.parts
    );

    assert_eq!(send(&server, &[A], &vector("ivm-basic.eml")).code, 250);
    let basic = newest(&server, &user);
    assert_eq!(
        (basic.row.sender.name.as_str(), basic.row.duration_ms),
        ("Jörg Müßig", 1_500)
    );
    assert!(
        basic
            .parts
            .iter()
            .any(|p| matches!(p, Part::Text { text, .. } if text.contains("Grüße")))
    );
}

#[test]
fn what_cannot_be_played_or_is_broken_is_refused_with_its_code() {
    let (_dir, server) = server("");
    let deep = (0..200).fold(String::from("From: <1@x.example>\r\n"), |mut text, i| {
        text += &format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n");
        text
    });
    let many = format!(
        "From: <1@x.example>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n",
        "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n".repeat(20_000)
    );
    let header = format!(
        "From: <1@x.example>\r\nX-Long: {}\r\n\r\nx\r\n",
        "x\r\n ".repeat(200_000)
    );
    for (content, status) in [
        (vector("undecodable.eml"), "5.6.1"),
        (vector("truncated.eml"), "5.6.0"),
        (deep.into_bytes(), "5.6.0"),
        (many.into_bytes(), "5.6.0"),
        (header.into_bytes(), "5.6.0"),
        (
            b"Content-Type: multipart/voice-message\r\n\r\nno boundary\r\n".to_vec(),
            "5.6.0",
        ),
    ] {
        let reply = send(&server, &[A], &content);
        assert_eq!(
            (reply.code, reply.status()),
            (554, Some(status)),
            "{reply:?}"
        );
    }
    let user = server.log_in("7200").unwrap();
    assert!(
        server.inbox(&user).messages.is_empty(),
        "nothing of it was kept"
    );
}
