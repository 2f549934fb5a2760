//! Mails made to hurt: each gets an answer, and none takes more work than its length.

use vpim::{
    DEPTH_MAX, FIELDS_MAX, Fault, HEADER_LEN_MAX, PARTS_MAX, Refusal, canonical, judge, parse,
    parse_kept,
};

fn fault(raw: &[u8]) -> Option<Fault> {
    let message = parse(raw);
    if let Some(fault) = message.fault {
        assert_eq!(judge(&message), Err(Refusal::Malformed(fault)));
    }
    assert!(message.parts.len() <= PARTS_MAX);
    message.fault
}

/// `levels` multiparts, each in the one before.
fn nested(levels: usize, end: bool) -> String {
    let mut mail = String::new();
    for level in 0..levels {
        mail.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{level}x\r\n\r\n--b{level}x\r\n"
        ));
    }
    mail.push_str("\r\nat last\r\n");
    for level in (0..levels).rev().filter(|_| end) {
        mail.push_str(&format!("--b{level}x--\r\n"));
    }
    mail
}

#[test]
fn nesting_is_followed_to_the_limit_and_no_further() {
    let deepest = nested(DEPTH_MAX, true);
    assert_eq!(fault(deepest.as_bytes()), None);
    assert_eq!(
        parse(deepest.as_bytes()).parts[0].content.data(),
        Some(&b"at last"[..])
    );
    assert_eq!(
        fault(nested(DEPTH_MAX + 1, true).as_bytes()),
        Some(Fault::TooDeep)
    );
    let enclosed = "Content-Type: message/rfc822\r\n\r\n".repeat(DEPTH_MAX + 1);
    assert_eq!(fault(enclosed.as_bytes()), Some(Fault::TooDeep));
}

#[test]
fn ten_megabytes_of_nested_multiparts_are_refused() {
    let mail = nested(200_000, true);
    assert!(mail.len() > 10_000_000);
    assert_eq!(fault(mail.as_bytes()), Some(Fault::TooDeep));
    let enclosed = "Content-Type: message/rfc822\r\n\r\n".repeat(320_000);
    assert_eq!(fault(enclosed.as_bytes()), Some(Fault::TooDeep));
}

#[test]
fn parts_are_counted_over_all_levels() {
    let mail = |parts: usize| {
        let part = "--b\r\n\r\nx\r\n".repeat(parts);
        format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{part}--b--\r\n")
    };
    // The multipart itself is one.
    assert_eq!(fault(mail(PARTS_MAX - 1).as_bytes()), None);
    assert_eq!(fault(mail(PARTS_MAX).as_bytes()), Some(Fault::TooManyParts));
    assert_eq!(fault(mail(1_000_000).as_bytes()), Some(Fault::TooManyParts));
    // One part that encloses many is not cheaper.
    let inner = mail(200);
    let twice = format!("--o\r\nContent-Type: message/rfc822\r\n\r\n{inner}").repeat(2);
    let outer = format!("Content-Type: multipart/mixed; boundary=o\r\n\r\n{twice}--o--\r\n");
    assert_eq!(fault(outer.as_bytes()), Some(Fault::TooManyParts));
}

#[test]
fn headers_have_an_end() {
    let one_field = format!("Subject: {}\r\n\r\nbody", "x".repeat(1_000_000));
    assert_eq!(fault(one_field.as_bytes()), Some(Fault::HeaderTooLong));
    let many = "X-Many: 1\r\n".repeat(100_000);
    assert_eq!(fault(many.as_bytes()), Some(Fault::HeaderTooLong));
    let endless = format!("Subject: x\r\n{}", " and so on\r\n".repeat(100_000));
    assert_eq!(fault(endless.as_bytes()), Some(Fault::HeaderTooLong));
    let in_a_part =
        format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{many}\r\nx\r\n--b--\r\n");
    assert_eq!(fault(in_a_part.as_bytes()), Some(Fault::HeaderTooLong));
    let long_enough = format!("Subject: {}\r\n\r\nbody", "x".repeat(HEADER_LEN_MAX - 100));
    assert_eq!(fault(long_enough.as_bytes()), None);
}

#[test]
fn lines_that_look_like_boundaries_cost_no_more_than_their_length() {
    let head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    for bomb in [
        "\n--b-",
        "\n--bb",
        "\n--b \t \t \t x",
        "\n--",
        "\n--b--x",
        "\r\n\r\n--b\t",
    ] {
        let mail = format!(
            "{head}--b\r\n\r\n{}\r\n--b--\r\n",
            bomb.repeat(10_000_000 / bomb.len())
        );
        let fault = fault(mail.as_bytes());
        assert!(
            matches!(fault, None | Some(Fault::TooManyParts)),
            "{bomb:?}: {fault:?}"
        );
    }
    let blanks = format!("{head}--b{}", " ".repeat(10_000_000));
    assert_eq!(fault(blanks.as_bytes()), Some(Fault::Truncated));
    let guesses: String = (0..150_000)
        .map(|n| format!("=_callpilot_{:016x}_{n:08x}\r\n", 0))
        .collect();
    let mail = format!("{head}--b\r\n\r\n{guesses}\r\n--b--\r\n");
    let message = parse(mail.as_bytes());
    assert_eq!(parse(&canonical(&message)), message);
}

#[test]
fn values_made_of_special_characters_are_read_in_one_go() {
    for special in [
        "(", ")", "\"", "\\", "<", ">", ",", ";", ":", "=?", "=?a?b?", "@", "%", "=", "''", "\0",
        "ä", "(",
    ] {
        let long = special.repeat(200_000 / special.len());
        for name in [
            "To",
            "From",
            "Subject",
            "Date",
            "Message-ID",
            "Content-Type",
            "Content-Disposition",
            "Sensitivity",
        ] {
            let mail = format!("{name}: {long}\r\nContent-Type: audio/basic\r\n\r\n");
            let message = parse(mail.as_bytes());
            message
                .parts
                .iter()
                .for_each(|part| drop((part.filename(), part.description(), part.content_id())));
            assert_eq!(message.fault, None, "{name} of {special:?}");
        }
    }
}

#[test]
fn nuls_bare_line_feeds_and_broken_base64_are_survived() {
    let raw = b"Fr\0om: a@b\nSubject: x\0y\n\nbo\0dy\n";
    let message = parse(raw);
    assert_eq!(message.fault, None);
    let raw = b"Subject: x\0y\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: audio/32KADPCM\n\
                Content-Transfer-Encoding: base64\n\nAAECAwQF\nBgcICQ\n--b--\n";
    let message = parse(raw);
    assert_eq!(message.envelope.subject.as_deref(), Some("xy"));
    let voice = message.parts[0].voice().expect("a recording");
    assert_eq!(*voice.data, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert!(judge(&message).is_ok());
    for nothing in [
        &b""[..],
        b"\0",
        b"\r\n",
        b"\n\n\n",
        b":",
        b": x",
        b"\xff\xfe",
    ] {
        let message = parse(nothing);
        assert_eq!(parse(&canonical(&message)), message, "{nothing:?}");
    }
}

#[test]
fn ten_megabytes_of_anything_are_read() {
    for byte in [0u8, b'\n', b'\r', b'-', b'=', b' ', b'A', 0xff] {
        for head in [
            "",
            "Content-Type: audio/basic\r\nContent-Transfer-Encoding: base64\r\n\r\n",
            "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
        ] {
            let mut mail = head.as_bytes().to_vec();
            mail.resize(10_000_000, byte);
            let message = parse(&mail);
            assert!(
                message.fault.is_none() || head.is_empty(),
                "{byte} after {head:?}"
            );
        }
    }
}

#[test]
fn what_was_accepted_at_the_edge_of_the_limits_can_be_read() {
    // Each field grows by a blank and a CR in the canonical form, and a few fields are added.
    let long = format!("X:{}\n", "x".repeat(117)).repeat(HEADER_LEN_MAX / 120 - 1);
    let many = "X:\n".repeat(FIELDS_MAX - 1);
    for (fields, fault) in [(long, Fault::HeaderTooLong), (many, Fault::TooManyFields)] {
        let mail = format!("{fields}Subject: x\n\nbody");
        let message = parse(mail.as_bytes());
        assert!(judge(&message).is_ok());
        let kept = canonical(&message);
        assert_eq!(
            parse(&kept).fault,
            Some(fault),
            "it is no mail that would be accepted"
        );
        assert_eq!(parse_kept(&kept), message);
    }
}

#[test]
fn a_message_that_is_older_than_a_limit_is_still_read() {
    let fields = "X: 1\r\n".repeat(3 * FIELDS_MAX);
    let part = "--b\r\nContent-Type: audio/basic\r\n\r\nab\r\n";
    let mail = format!(
        "Subject: x\r\n{fields}Content-Type: multipart/mixed; boundary=b\r\n\r\n{part}{part}--b--\r\n"
    );
    assert_eq!(fault(mail.as_bytes()), Some(Fault::TooManyFields));
    let message = parse_kept(mail.as_bytes());
    assert_eq!((message.fault, message.parts.len()), (None, 2));
    assert!(message.parts.iter().all(|part| part.voice().is_some()));
    assert_eq!(message.envelope.subject.as_deref(), Some("x"));
}

#[test]
fn an_encoded_message_in_encoded_messages_is_followed_twice() {
    let enclosed = |body: &str| {
        let body = body.replace('=', "=3D");
        format!(
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{body}"
        )
    };
    let twice = enclosed(&enclosed("\r\nx"));
    assert_eq!(fault(twice.as_bytes()), None);
    assert_eq!(fault(enclosed(&twice).as_bytes()), Some(Fault::TooDeep));
}
