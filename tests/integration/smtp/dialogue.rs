//! Verbs and their codes.

use super::{A, B, FROM, server, short};
use support::Smtp;

#[test]
fn the_service_says_what_it_can_and_answers_every_verb() {
    let (_dir, server) = server("smtp.message_size_max = 100_000");
    let mut smtp = server.smtp();
    let hello = smtp.ask("EHLO client.example\r\n");
    for word in [
        "SIZE 100000",
        "PIPELINING",
        "ENHANCEDSTATUSCODES",
        "8BITMIME",
        "CHUNKING",
        "BINARYMIME",
    ] {
        assert!(
            hello.text.lines().any(|line| line == word),
            "{word} in {hello:?}"
        );
    }
    assert!(
        !hello.text.contains("DSN"),
        "no report is made of a delivery: {hello:?}"
    );
    for (line, code, status) in [
        ("NOOP", 250, Some("2.0.0")),
        ("RSET", 250, Some("2.0.0")),
        ("VRFY 7200", 252, Some("2.1.5")),
        ("HELP", 214, Some("2.0.0")),
        ("EXPN list", 502, Some("5.5.1")),
        ("STARTTLS", 502, Some("5.5.1")),
        ("FROB", 500, Some("5.5.1")),
        ("RCPT TO:<7200@cp-a.test.example>", 503, Some("5.5.1")),
        ("DATA", 503, Some("5.5.1")),
        ("MAIL FROM:4711@client.example", 501, Some("5.5.2")),
        (
            "MAIL FROM:<4711@client.example> SIZE=100001",
            552,
            Some("5.3.4"),
        ),
        (
            "MAIL FROM:<4711@client.example> RET=HDRS",
            555,
            Some("5.5.4"),
        ),
        (
            "MAIL FROM:<4711@client.example> SIZE=500",
            250,
            Some("2.1.0"),
        ),
        ("MAIL FROM:<4711@client.example>", 503, Some("5.5.1")),
        (
            "RCPT TO:<7200@cp-a.test.example> NOTIFY=SUCCESS,DELAY",
            555,
            Some("5.5.4"),
        ),
        ("RCPT TO:<7200@cp-a.test.example>", 250, Some("2.1.5")),
        ("HELO client.example", 250, None),
        ("QUIT", 221, Some("2.0.0")),
    ] {
        let reply = smtp.ask(format!("{line}\r\n"));
        assert_eq!(
            (reply.code, reply.status()),
            (code, status),
            "{line}: {reply:?}"
        );
    }
    assert_eq!(smtp.reply().code, 0, "closed after QUIT");
}

#[test]
fn recipients_are_local_mailboxes_and_nobody_else() {
    let (_dir, server) = server("smtp.domains = [\"[127.0.0.1]\"]");
    let mut smtp = Smtp::hello(server.smtp);
    assert_eq!(smtp.ask(format!("MAIL FROM:<{FROM}>\r\n")).code, 250);
    for (to, code, status) in [
        ("7200@cp-a.test.example", 250, "2.1.5"),
        ("7200@CP-A.Test.Example", 250, "2.1.5"),
        ("7200@[127.0.0.1]", 250, "2.1.5"),
        ("VPIM=7201@cp-a.test.example", 250, "2.1.5"),
        ("+17035245550+7201@cp-a.test.example", 250, "2.1.5"),
        ("7999@cp-a.test.example", 550, "5.1.1"),
        ("non-mail-user@cp-a.test.example", 550, "5.1.1"),
        ("postmaster", 550, "5.1.1"),
        ("gr-sync@cp-a.test.example", 550, "5.1.1"),
        ("AMIS=7200/SYSNUM=5@cp-a.test.example", 550, "5.1.1"),
        ("7200@elsewhere.example", 550, "5.7.1"),
        ("7200@[127.0.0.2]", 550, "5.7.1"),
    ] {
        let reply = smtp.ask(format!("RCPT TO:<{to}>\r\n"));
        assert_eq!((reply.code, reply.status()), (code, Some(status)), "{to}");
    }
}

#[test]
fn postmaster_has_the_mailbox_that_is_configured() {
    let (_dir, server) = server("smtp.postmaster = \"7201\"");
    let mut smtp = Smtp::hello(server.smtp);
    let reply = smtp.mail("", &["Postmaster"], &short(1));
    assert_eq!(reply.code, 250, "{reply:?}");
    let odo = server.log_in("7201").unwrap();
    assert_eq!(server.inbox(&odo).messages.len(), 1);
}

#[test]
fn one_mail_to_several_is_one_message_in_each_mailbox_and_the_reply_names_them() {
    let (_dir, server) = server("");
    let mut smtp = Smtp::hello(server.smtp);
    smtp.say(format!("MAIL FROM:<{FROM}>\r\nRCPT TO:<{A}>\r\nRCPT TO:<7999@cp-a.test.example>\r\nRCPT TO:<{B}>\r\n"));
    assert_eq!(smtp.codes(), [250, 250, 550, 250]);
    let content = short(1);
    let reply = smtp.ask(
        [
            format!("BDAT {} LAST\r\n", content.len()).as_bytes(),
            &content,
        ]
        .concat(),
    );
    assert_eq!(reply.code, 250, "{reply:?}");
    let mut ids = Vec::new();
    for number in ["7200", "7201"] {
        let user = server.log_in(number).unwrap();
        let list = server.inbox(&user);
        let row = &list.messages[0];
        assert_eq!(
            (list.messages.len(), row.subject.as_str(), row.unread),
            (1, "Message 1", true)
        );
        assert_eq!(
            (row.sender.number.as_deref(), row.sender.name.as_str()),
            (Some("4711"), "Sender 1")
        );
        ids.push(row.id.to_string());
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(reply.text, format!("2.0.0 Accepted as {}", ids.join(" ")));
}

#[test]
fn a_mail_may_come_in_lines_or_in_several_chunks() {
    let (_dir, server) = server("");
    let mut smtp = Smtp::hello(server.smtp);
    let lines = support::voice::message_in_lines(FROM, A, 1, 3_000);
    smtp.say(format!(
        "MAIL FROM:<{FROM}> BODY=8BITMIME\r\nRCPT TO:<{A}>\r\nDATA\r\n"
    ));
    assert_eq!(smtp.codes(), [250, 250, 354]);
    assert_eq!(smtp.ask(format!("{lines}.\r\n")).code, 250);

    let content = short(2);
    smtp.say(format!(
        "MAIL FROM:<{FROM}> BODY=BINARYMIME\r\nRCPT TO:<{A}>\r\n"
    ));
    for piece in content.chunks(700) {
        smtp.say([format!("BDAT {}\r\n", piece.len()).as_bytes(), piece].concat());
    }
    smtp.say("BDAT 0 LAST\r\n");
    let replies: Vec<u16> = (0..content.chunks(700).len() + 3)
        .map(|_| smtp.reply().code)
        .collect();
    assert!(replies.iter().all(|&code| code == 250), "{replies:?}");

    let user = server.log_in("7200").unwrap();
    let list = server.inbox(&user);
    let lengths: Vec<u64> = list.messages.iter().map(|m| m.duration_ms).collect();
    assert_eq!(
        lengths,
        [500, 750],
        "two octets are a sample pair of 0.25 ms each way"
    );
}
