//! What must never be believed: hidden mails, forged replies, wild bytes.

use super::{A, B, FROM, server};
use support::Smtp;

#[test]
fn a_message_cannot_smuggle_another_one_behind_an_end_that_is_none() {
    let (_dir, server) = server("");
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r", "\r.\r"] {
        let mut smtp = Smtp::hello(server.smtp);
        smtp.say(format!("MAIL FROM:<{FROM}>\r\nRCPT TO:<{A}>\r\nDATA\r\n"));
        assert_eq!(smtp.codes(), [250, 250, 354]);
        smtp.say(format!(
            "Subject: outer\r\n\r\nouter{end}MAIL FROM:<{FROM}>\r\nRCPT TO:<{B}>\r\nDATA\r\nSubject: hidden\r\n\r\nhidden\r\n.\r\nQUIT\r\n"
        ));
        let refused = smtp.reply();
        assert_eq!(
            (refused.code, refused.status()),
            (554, Some("5.5.2")),
            "{end:?}"
        );
        assert_eq!(smtp.codes(), [221, 0], "{end:?}");
    }
    for number in ["7200", "7201"] {
        let user = server.log_in(number).unwrap();
        assert!(server.inbox(&user).messages.is_empty());
    }
}

#[test]
fn commands_with_wrong_line_ends_or_wild_bytes_are_refused() {
    let (_dir, server) = server("");
    let mut smtp = Smtp::hello(server.smtp);
    for line in [
        // One command and no second: only CR LF ends it.
        &b"NOOP\nNOOP\r\n"[..],
        b"NO\rOP\r\n",
        b"MAIL FROM:<\xff\xfe@x.example>\r\n",
        b"\0\r\n",
        b"NOOP \x07\r\n",
    ] {
        let reply = smtp.ask(line);
        assert_eq!(
            (reply.code, reply.status()),
            (500, Some("5.5.2")),
            "{line:?}"
        );
    }
    assert_eq!(
        smtp.ask([b"NOOP ".as_slice(), &[b'x'; 100_000], b"\r\n"].concat())
            .code,
        500
    );
    assert_eq!(smtp.ask("NOOP\r\n").code, 250);
}

#[test]
fn a_web_browser_is_sent_away() {
    let (_dir, server) = server("");
    let mut smtp = server.smtp();
    let reply = smtp.ask(format!("POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO c.example\r\nMAIL FROM:<{FROM}>\r\nRCPT TO:<{A}>\r\n"));
    assert_eq!(reply.code, 521);
    assert_eq!(smtp.reply().code, 0);
}

#[test]
fn random_bytes_do_no_harm() {
    let (_dir, server) = server("");
    let mut state = 1u64;
    for _ in 0..50 {
        let mut smtp = server.smtp();
        let bytes: Vec<u8> = (0..5_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                b"MAILRCPTDATBDEHO:<>@ \r\n.0179\0\xff"[(state >> 59) as usize % 30]
            })
            .collect();
        smtp.say(bytes);
        smtp.finish();
        while smtp.reply().code != 0 {}
    }
    assert_eq!(Smtp::hello(server.smtp).ask("NOOP\r\n").code, 250);
}
