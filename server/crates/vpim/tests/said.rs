//! When two mails say the same, whatever way they took.

mod vectors;

use vpim::said;

fn of(mail: &str) -> Vec<u8> {
    let mut all = Vec::new();
    said(mail.as_bytes(), &mut |piece| all.extend_from_slice(piece));
    all
}

const HEADER: &str = "From: \"PBX\" <pbx@gw.example>\r\nDate: Sat, 28 Nov 2026 10:00:00 +0000\r\nMessage-ID: <const@gw.example>\r\nSubject: New voicemail\r\n";

fn multipart(kind: &str, boundary: &str, before: &str, parts: &[&str], behind: &str) -> String {
    let parts: String = parts
        .iter()
        .map(|part| format!("--{boundary}\r\n{part}\r\n"))
        .collect();
    format!(
        "{HEADER}Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n{before}\r\n{parts}--{boundary}--\r\n{behind}"
    )
}

const PLAIN: &str = "Content-Type: text/plain\r\n\r\nYou have a new voicemail.";

#[test]
fn mails_that_differ_in_anything_that_is_not_kept_say_something_else() {
    let html = |words: &str| {
        multipart(
            "alternative",
            "q",
            "",
            &[
                PLAIN,
                &format!("Content-Type: text/html\r\n\r\n<p>{words}</p>"),
            ],
            "",
        )
    };
    let calendar = |words: &str| {
        multipart(
            "alternative",
            "q",
            "",
            &[
                PLAIN,
                &format!("Content-Type: text/calendar\r\n\r\n{words}"),
            ],
            "",
        )
    };
    let around = |before: &str, behind: &str| multipart("mixed", "q", before, &[PLAIN], behind);
    let field = |field: &str| format!("{HEADER}{field}\r\n\r\nx\r\n");
    for (one, other) in [
        (html("From 5551111"), html("From 5552222")),
        (calendar("A"), calendar("B")),
        (around("caller 1", ""), around("caller 2", "")),
        (around("", "caller 1"), around("", "caller 2")),
        (around("x", ""), around("", "x")),
        (
            around("", ""),
            multipart("mixed", "q", "", &[PLAIN, PLAIN], ""),
        ),
        (around("", ""), multipart("related", "q", "", &[PLAIN], "")),
        (
            field("X-Asterisk-CallerID: 1"),
            field("X-Asterisk-CallerID: 2"),
        ),
        (field("Bcc: a@b"), field("Bcc: a@c")),
        (field("Comments: a"), field("Comments: b")),
        (field("A: b"), field("A: b\r\nA: b")),
        (
            field("Content-Type: text/plain\r\n\r\n1"),
            field("Content-Type: text/plain\r\n\r\n2"),
        ),
        (
            field("Content-Type: audio/basic\r\n\r\nx"),
            field("Content-Type: audio/basic\r\n\r\nx\r\n"),
        ),
        (
            field("Content-Type: message/rfc822\r\n\r\nA: 1"),
            field("Content-Type: message/rfc822\r\n\r\nA: 2"),
        ),
        (
            field("Content-Transfer-Encoding: x\r\n\r\n1"),
            field("Content-Transfer-Encoding: x\r\n\r\n2"),
        ),
    ] {
        assert_ne!(of(&one), of(&other), "{one}\n{other}");
    }
}

#[test]
fn a_mail_that_comes_another_way_says_the_same() {
    let plain =
        format!("{HEADER}Content-Type: text/plain; charset=utf-8\r\n\r\nGr\u{fc}\u{df}e = x\r\n");
    let field = |front: &str| format!("{front}{plain}");
    let encoded = |encoding: &str, body: &str| {
        format!(
            "MIME-Version: 1.0\r\n{HEADER}Content-Type: text/plain;\r\n charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}"
        )
    };
    for other in [
        field("Received: from a by b; Sat, 28 Nov 2026 10:00:00 +0000\r\n"),
        field("Return-Path: <a@b>\r\nX-Spam-Score: 1\r\nARC-Seal: i=1\r\nDKIM-Signature: v=1\r\n"),
        plain.replace("Subject: New", "Subject:\r\n New"),
        encoded("base64", "R3LDvMOf\r\nZSA9IHg="),
        encoded("base64", "R3LDvMOfZSA9IHgNCg=="),
        encoded("quoted-printable", "Gr=C3=BC=\r\n=C3=9Fe =3D x\r\n"),
        encoded("8bit", "Gr\u{fc}\u{df}e = x\r\n\r\n"),
    ] {
        assert_eq!(of(&other), of(&plain), "{other}");
    }
    let one = multipart("mixed", "q", "Hello", &[PLAIN], "");
    let rewritten = multipart("mixed", "\"=_r r\"", "Hello", &[PLAIN], "\r\n")
        .replace("--\"=_r r\"", "--=_r r");
    assert_eq!(of(&one), of(&rewritten));
    let enclosing = |encoding: &str, body: &str| {
        format!(
            "{HEADER}Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}"
        )
    };
    assert_eq!(
        of(&enclosing("7bit", "A: 1\r\n\r\nx")),
        of(&enclosing("base64", "QTogMQ0KDQp4"))
    );
}

#[test]
fn without_a_date_the_way_tells_mails_apart() {
    let mail =
        |way: &str, date: &str| format!("Received: {way}\r\nMessage-ID: <a@b>\r\n{date}\r\nx");
    assert_ne!(of(&mail("1", "")), of(&mail("2", "")));
    assert_eq!(of(&mail("1", "Date: x\r\n")), of(&mail("2", "Date: x\r\n")));
}

#[test]
fn every_octet_of_any_mail_is_said() {
    for (name, raw) in vectors::mails() {
        let mut len = 0;
        said(&raw, &mut |piece| len += piece.len());
        assert!(len > 0, "{name}");
    }
    let deep = format!("{}x", "Content-Type: message/rfc822\r\n\r\n".repeat(40));
    let deeper = format!("{}y", "Content-Type: message/rfc822\r\n\r\n".repeat(40));
    assert_ne!(of(&deep), of(&deeper));
    let many = multipart("mixed", "q", "", &vec![PLAIN; 400], "");
    assert_ne!(
        of(&many),
        of(&many.replacen("--q--", "--q\r\n\r\n1\r\n--q--", 1))
    );
}
