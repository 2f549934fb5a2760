//! What the world's mail says in its header, as people see it: subjects, names, file names.

use vpim::{Content, Kind, Party, Summary, canonical, judge, parse, parse_kept};

#[test]
fn headers_are_read_in_every_character_set() {
    let raw = b"From: =?koi8-r?B?78zYx8E=?= <22@x>\r\nTo: =?utf-8?Q?M=C3=BCller,_J=C3=B6rg?= <a@b>, c@d\r\n\
                Subject: =?UTF-8?Q?pa=C5?=\r\n =?UTF-8?Q?=BEad=C4=97jim=C5=B3?=\r\nContent-Type: audio/basic;\r\n \
                name*0*=iso-8859-2''%F8e;\r\n name*1=\".au\"\r\nContent-Description: B\xfcro\r\n\r\n";
    let message = parse(raw);
    assert_eq!(message.envelope.from, Some(Party::named("Ольга", "22@x")));
    let to = [Party::named("Müller, Jörg", "a@b"), Party::new("c@d")];
    assert_eq!(message.envelope.to, to);
    assert_eq!(message.envelope.subject.as_deref(), Some("pažadėjimų"));
    assert_eq!(message.parts[0].filename().as_deref(), Some("ře.au"));
    assert_eq!(message.parts[0].description().as_deref(), Some("Büro"));
    assert_eq!(parse_kept(&canonical(&message)), message);
}

#[test]
fn raw_octets_of_a_header_are_in_the_character_set_of_the_body() {
    let single = b"From: \xcf\xe5\xf0\xe5 <22@x>\r\nTo: \xcf\xe5 <a@b>, c@d\r\nSubject: \xcf\xe5\xf0\xe5\xe7\xe2\xee\xed\r\n\
                   Content-Language: ru\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\n\xcf\xf0\xe8\xe2\xe5\xf2";
    let multipart = b"Subject: \x93d\x98b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
                   --b\r\nContent-Type: application/pdf; name=\"\x93d\x98b.pdf\"\r\n\r\nx\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n\
                   --b\r\nContent-Type: text/plain; charset=Shift_JIS\r\n\r\nx\r\n--b--\r\n";
    let message = parse(single);
    let envelope = &message.envelope;
    assert_eq!(envelope.from, Some(Party::named("Пере", "22@x")));
    assert_eq!(envelope.to, [Party::named("Пе", "a@b"), Party::new("c@d")]);
    assert_eq!(envelope.subject.as_deref(), Some("Перезвон"));
    assert_eq!(envelope.language.as_deref(), Some("ru"));
    assert_eq!(parse_kept(&canonical(&message)), message);
    let message = parse(multipart);
    assert_eq!(message.envelope.subject.as_deref(), Some("電話"));
    assert_eq!(message.parts[0].filename().as_deref(), Some("電話.pdf"));
    assert_eq!(parse_kept(&canonical(&message)), message);
    let enclosed = [
        &b"Subject: R\xfcckruf\r\nContent-Type: message/rfc822\r\n\r\n"[..],
        single,
    ];
    let message = parse(&enclosed.concat()).into_owned();
    assert_eq!(message.envelope.subject.as_deref(), Some("Rückruf"));
    let Content::Forwarded(inner) = &message.parts[0].content else {
        panic!("{message:?}");
    };
    assert_eq!(inner.envelope.subject.as_deref(), Some("Перезвон"));
}

#[test]
fn what_mail_programs_say_of_the_priority_counts_where_there_is_no_importance() {
    use vpim::Importance::{High, Low, Normal};
    for (fields, importance) in [
        ("X-Priority: 1 (Highest)", High),
        ("X-Priority: 2", High),
        ("x-priority: 3", Normal),
        ("X-Priority: 5", Low),
        ("Priority: Urgent", High),
        ("X-MSMail-Priority: High", High),
        ("X-Priority: 3\r\nX-MSMail-Priority: High", High),
        ("X-Priority: 1\r\nImportance: normal", Normal),
        ("Importance: low\r\nPriority: urgent", Low),
        ("X-Priority: 11", Normal),
    ] {
        let mail = format!("{fields}\r\n\r\nx");
        let message = parse(mail.as_bytes());
        assert_eq!(message.envelope.importance, importance, "{fields}");
    }
}

#[test]
fn a_report_may_name_addresses_of_all_letters() {
    let raw = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\
               Content-Type: message/global-delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n\
               Final-Recipient: utf-8; bøb@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n";
    let message = parse(raw.as_bytes());
    let Content::DeliveryReport(report) = &message.parts[0].content else {
        panic!("{message:?}");
    };
    let recipient = report.recipients[0].final_recipient.as_deref();
    assert_eq!(recipient, Some("bøb@x.example"));
    assert_eq!(Summary::of(&message).kind, Kind::DeliveryReport);
}

#[test]
fn a_boundary_in_sections_parts_a_mail() {
    let raw = "Content-Type: multipart/mixed;\r\n boundary*0=\"ABC\";\r\n boundary*1*=%44\r\n\r\n\
               --ABCD\r\nContent-Type: audio/basic\r\n\r\nx\r\n--ABCD--\r\n";
    let message = parse(raw.as_bytes());
    assert_eq!((message.fault, message.parts.len()), (None, 1));
}

#[test]
fn nothing_that_is_hidden_comes_out_of_a_mail() {
    let raw = "Message-ID: <a\u{202e}b\u{1b}@c>\r\nFrom: \"Evil \u{202e} Rabbit\" <5551000@x>\r\nSubject: a\u{1b}[31m\u{7} b\u{2067}\u{200f}c\r\n\
               Content-Language: \u{202e}en\r\nContent-Type: audio/x\u{202e}\u{1}y; name=\"abc\u{202e}vaw.exe\"\r\n\
               Content-Description: =?utf-8?q?d=E2=80=AE=07e?=\r\n\r\nx";
    let message = parse(raw.as_bytes());
    let from = message.envelope.from.clone().expect("a sender");
    assert_eq!(from, Party::named("Evil Rabbit", "5551000@x"));
    assert_eq!(message.envelope.subject.as_deref(), Some("a[31m bc"));
    assert_eq!(message.envelope.message_id.as_deref(), Some("ab@c"));
    let part = &message.parts[0];
    assert_eq!(part.filename().as_deref(), Some("abcvaw.exe"));
    assert_eq!(part.description().as_deref(), Some("de"));
    assert_eq!(part.language().as_deref(), Some("en"));
    let refusal = judge(&message).expect_err("no such audio").to_string();
    assert!(refusal.contains("audio/xy"), "{refusal}");
}

#[test]
fn a_sender_is_who_the_field_says_in_whatever_form() {
    let from = |value: &str| {
        let message = format!("From: {value}\r\n\r\nx");
        parse(message.as_bytes()).envelope.from
    };
    assert_eq!(
        from("Amsel, =?latin1?q?J=F6rg?= <22@x>"),
        Some(Party::named("Amsel, Jörg", "22@x"))
    );
    assert_eq!(from("a@b, Ann <c@d>"), Some(Party::new("a@b")));
    assert_eq!(from("\"Amsel, Eva\""), Some(Party::named("Amsel, Eva", "")));
    let asked = parse(b"Disposition-Notification-To: Eva Amsel, <a@b>\r\n\r\n");
    assert_eq!(
        asked.envelope.disposition_notification_to,
        [Party::new("a@b")]
    );
}
