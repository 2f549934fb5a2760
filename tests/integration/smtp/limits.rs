//! What one client may use, and what happens when there is no room.

use super::{A, B, FROM, server, short};
use support::{Smtp, transaction, voice};

#[test]
fn a_full_mailbox_puts_mail_off_and_another_one_still_takes_it() {
    let (_dir, server) = server("mailbox.messages_max = 2");
    let mut smtp = Smtp::hello(server.smtp);
    for seed in 0..2 {
        assert_eq!(smtp.mail(FROM, &[A], &short(seed)).code, 250);
    }
    smtp.say(format!(
        "MAIL FROM:<{FROM}>\r\nRCPT TO:<{A}>\r\nRCPT TO:<{B}>\r\n"
    ));
    assert_eq!(smtp.reply().code, 250);
    let full = smtp.reply();
    assert_eq!((full.code, full.status()), (452, Some("4.2.2")));
    assert_eq!(smtp.reply().code, 250);
}

#[test]
fn a_declared_size_that_has_no_room_is_put_off_before_it_is_sent() {
    let (_dir, server) = server("mailbox.size_max = 100_000");
    let mut smtp = Smtp::hello(server.smtp);
    smtp.say(format!(
        "MAIL FROM:<{FROM}> SIZE=100000\r\nRCPT TO:<{A}>\r\nRSET\r\n"
    ));
    let [taken, full, reset] = std::array::from_fn(|_| smtp.reply());
    assert_eq!(
        (taken.code, full.code, full.status(), reset.code),
        (250, 452, Some("4.2.2"), 250)
    );
    smtp.say(format!(
        "MAIL FROM:<{FROM}> SIZE=90000\r\nRCPT TO:<{A}>\r\n"
    ));
    assert_eq!(smtp.codes(), [250, 250]);
}

#[test]
fn recipients_sizes_errors_and_connections_are_limited() {
    let (_dir, server) = server(
        "smtp.recipients_max = 100\nsmtp.message_size_max = 65_536\nsmtp.connections_max = 4",
    );
    let mut smtp = Smtp::hello(server.smtp);
    smtp.say(format!(
        "MAIL FROM:<{FROM}>\r\n{}",
        format!("RCPT TO:<{A}>\r\n").repeat(101)
    ));
    let codes: Vec<u16> = (0..102).map(|_| smtp.reply().code).collect();
    assert_eq!((codes[100], codes[101]), (250, 452));
    assert_eq!(smtp.ask("RSET\r\n").code, 250);
    let big = smtp.mail(FROM, &[A], &voice::message(FROM, A, 1, 70_000));
    assert_eq!((big.code, big.status()), (552, Some("5.3.4")));
    assert_eq!(
        smtp.mail(FROM, &[A], &short(1)).code,
        250,
        "the connection goes on"
    );

    // Two are in the middle of a message.
    let mut other = Smtp::hello(server.smtp);
    for smtp in [&mut smtp, &mut other] {
        smtp.say(format!("MAIL FROM:<{FROM}>\r\nRCPT TO:<{A}>\r\nBDAT 9\r\n"));
        assert_eq!(smtp.codes(), [250, 250]);
    }
    let mut third = Smtp::open(server.smtp);
    let refused = third.reply();
    assert_eq!(
        (refused.code, refused.status()),
        (421, Some("4.7.0")),
        "half of all connections are this address's"
    );

    other.say("123456789");
    assert_eq!(other.reply().code, 250);
    other.say("FROB\r\n".repeat(30));
    let last = (0..30).map(|_| other.reply()).find(|r| r.code == 421);
    assert_eq!(last.unwrap().status(), Some("4.7.0"));
    assert_eq!(other.reply().code, 0, "closed after too many errors");
    support::until("room for another connection", || {
        let mut smtp = Smtp::open(server.smtp);
        (smtp.reply().code == 220).then_some(())
    });
}

#[test]
fn a_client_that_trickles_is_sent_away_in_the_middle_of_a_line_and_of_a_chunk() {
    let (_dir, server) = server("smtp.idle_timeout_s = 1");
    for beginning in [
        String::from("EHLO client.ex"),
        format!("EHLO c.example\r\nMAIL FROM:<{FROM}>\r\nRCPT TO:<{A}>\r\nBDAT 5000 LAST\r\nFrom"),
    ] {
        let mut smtp = server.smtp();
        smtp.say(&beginning);
        let slow = (0..10).map(|_| {
            // One octet a time is no progress.
            smtp.say("x");
            smtp.reply()
        });
        let last = slow
            .into_iter()
            .find(|r| r.code == 421 || r.code == 0)
            .unwrap();
        assert_eq!(
            (last.code, last.status()),
            (421, Some("4.4.2")),
            "{beginning}"
        );
        assert_eq!(smtp.reply().code, 0);
    }
}

#[test]
fn a_client_has_less_time_to_name_its_first_recipient_than_afterwards() {
    let (_dir, server) = server("smtp.first_recipient_timeout_s = 1");
    let mut named = Smtp::hello(server.smtp);
    named.say(format!("MAIL FROM:<{FROM}>\r\nRCPT TO:<{A}>\r\n"));
    assert_eq!(named.codes(), [250, 250]);
    let mut undecided = Smtp::hello(server.smtp);
    undecided.say(format!(
        "MAIL FROM:<{FROM}>\r\nRCPT TO:<nobody@cp-a.test.example>\r\n"
    ));
    assert_eq!(undecided.codes(), [250, 550]);
    for mut smtp in [undecided, server.smtp()] {
        let last = smtp.reply();
        assert_eq!((last.code, last.status()), (421, Some("4.4.2")));
        assert_eq!(smtp.reply().code, 0);
    }
    assert_eq!(named.ask("RSET\r\n").code, 250);
}

#[test]
fn what_was_sent_before_the_client_closed_its_side_is_answered() {
    let (_dir, server) = server("");
    let mut smtp = Smtp::hello(server.smtp);
    smtp.say(
        [
            transaction(FROM, &[A], &short(1)),
            transaction(FROM, &[B], &short(2)),
        ]
        .concat(),
    );
    smtp.finish();
    assert_eq!(smtp.codes(), [250; 6]);
    assert_eq!(smtp.reply().code, 0);
}

#[test]
fn connections_are_counted_for_the_client_that_a_trusted_proxy_names() {
    let (_dir, server) = server(
        "smtp.trusted_proxies = [\"127.0.0.1\"]\nsmtp.connections_per_address_max = 1\nlimits.handshake_timeout_s = 1",
    );
    let from = |client: &str| {
        let mut smtp = Smtp::open(server.smtp);
        smtp.say(format!("PROXY TCP4 {client} 192.0.2.99 40000 25\r\n"));
        let code = smtp.reply().code;
        (smtp, code)
    };
    let (mut first, code) = from("192.0.2.1");
    assert_eq!(code, 220);
    first.say(format!(
        "EHLO client.example\r\nMAIL FROM:<{FROM}>\r\nRCPT TO:<{A}>\r\nBDAT 9\r\n"
    ));
    assert_eq!(first.codes(), [250, 250, 250]);
    assert_eq!(from("192.0.2.1").1, 421, "the other one is busy");
    let (mut idle, code) = from("192.0.2.2");
    assert_eq!(code, 220);
    assert_eq!(from("192.0.2.2").1, 220, "the one that waits makes room");
    let last_word = idle.reply();
    assert_eq!((last_word.code, last_word.status()), (421, Some("4.7.0")));
    for nothing_of_the_kind in ["EHLO client.example\r\n", ""] {
        let mut smtp = Smtp::open(server.smtp);
        smtp.say(nothing_of_the_kind);
        assert_eq!(smtp.reply().code, 0, "closed without a word");
    }
}

#[test]
fn what_one_address_makes_the_server_keep_is_limited_and_the_rest_goes_on() {
    let (_dir, server) = server("limits.bytes_in_flight_max = 16_777_216");
    // Two of the partner's longest mails fit, which is about a hundred MiB; six of these do not.
    const SIZE: usize = 39 << 19;
    let message = vec![b'A'; SIZE];
    let (begin, end) = message.split_at(37 << 19);
    let begun = |smtp: &mut Smtp| {
        smtp.say(format!(
            "MAIL FROM:<{FROM}> BODY=BINARYMIME\r\nRCPT TO:<{A}>\r\nBDAT {SIZE} LAST\r\n"
        ));
        assert_eq!(smtp.codes(), [250, 250]);
        smtp.say(begin);
    };
    let mut clients: Vec<Smtp> = (0..5).map(|_| Smtp::hello(server.smtp)).collect();
    // One after the other, so that it is the sixth for which there is no room.
    // What is kept is counted in steps, ahead of what has come: so each has all of its own when the count has grown by as much and rests.
    let mut before = server.metric("callpilot_bytes_in_flight");
    for smtp in &mut clients {
        begun(smtp);
        let bytes = before + begin.len() as f64;
        support::until("its bytes", || {
            let now = server.metric("callpilot_bytes_in_flight");
            let rests = std::mem::replace(&mut before, now) == now;
            (now >= bytes && rests).then_some(())
        });
    }
    let mut sixth = Smtp::hello(server.smtp);
    begun(&mut sixth);
    support::until("one that is put off", || {
        (server.metric("callpilot_transfers_put_off_total") >= 1.0).then_some(())
    });
    // What it was kept for is given back with its connection, and the others need it.
    support::until("its connection has ended", || {
        (server.metric("callpilot_smtp_connections") <= 5.0).then_some(())
    });
    for smtp in &mut clients {
        smtp.say(end);
        let reply = smtp.reply();
        assert!(
            reply.code != 421 && reply.code != 0,
            "{reply:?}: it goes on"
        );
    }
    assert_eq!(server.metric("callpilot_transfers_put_off_total"), 1.0);
    assert_eq!(
        Smtp::hello(server.smtp).mail(FROM, &[A], &short(2)).code,
        250
    );
}

#[test]
fn a_stop_does_not_wait_for_a_client_that_does_not_listen() {
    let (_dir, mut server) = server("smtp.stop_timeout_s = 1");
    let mut smtp = Smtp::hello(server.smtp);
    let mut second = smtp.second();
    // More answers than the network holds, of which none is taken.
    let saying = std::thread::spawn(move || {
        let text = "VRFY 7200\r\n".repeat(1_000);
        for _ in 0..200 {
            second.say(&text);
            second.say(format!("MAIL FROM:<{FROM}>\r\nRCPT TO:<{A}>\r\n"));
            second.say(transaction(FROM, &[A], &short(3)));
        }
    });
    assert_eq!(smtp.reply().code, 252);
    assert!(server.stop().success());
    saying.join().unwrap();
}
