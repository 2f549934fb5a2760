use super::{A, self_made};
use support::{LIMIT, Server, Smtp, Tls, transaction, until, voice};

const TO: &str = "7200@cp-a.test.example";
const FROM: &str = "4711@client.example";

/// Delivers a few messages in one pipeline, a long one among them, and waits until they are in the inbox.
fn deliver(server: &Server, mut smtp: Smtp, seeds: std::ops::Range<u64>) {
    let hello = smtp.ask("EHLO client.example\r\n");
    assert_eq!(hello.code, 250);
    assert!(
        !hello.text.contains("STARTTLS"),
        "it is there already: {}",
        hello.text
    );
    let messages = seeds.clone().map(|seed| {
        let seconds = if seed == seeds.start { 400 } else { 2 };
        transaction(
            FROM,
            &[TO],
            &voice::message(FROM, TO, seed, seconds * voice::SECOND),
        )
    });
    smtp.say(messages.collect::<Vec<_>>().concat());
    for reply in seeds.clone().flat_map(|_| smtp.codes::<3>()) {
        assert_eq!(reply, 250);
    }
    assert_eq!(smtp.ask("QUIT\r\n").code, 221);
    assert_eq!(smtp.reply().code, 0);
    let user = server.log_in("7200").expect("a log-in");
    let rows = server.inbox(&user).messages;
    for seed in seeds {
        assert!(rows.iter().any(|row| row.subject == voice::subject(seed)));
    }
}

fn offered(server: &Server) -> Smtp {
    let mut smtp = server.smtp();
    let hello = smtp.ask("EHLO client.example\r\n");
    assert!(
        hello.text.lines().any(|line| line == "STARTTLS"),
        "{}",
        hello.text
    );
    smtp
}

#[test]
fn mail_comes_by_starttls_by_tls_and_still_in_plain() {
    let (_dir, server) = self_made("");
    let tls = server.own_tls();
    let mut smtp = offered(&server);
    assert_eq!(smtp.ask("STARTTLS\r\n").code, 220);
    deliver(&server, smtp.secure(&tls, A), 0..20);

    let mut smtp = Smtp::open_by(&tls, server.smtps.expect("a listener"), A);
    assert_eq!(smtp.reply().code, 220);
    deliver(&server, smtp, 20..40);

    let mail = voice::message(FROM, TO, 40, voice::SECOND);
    assert_eq!(Smtp::hello(server.smtp).mail(FROM, &[TO], &mail).code, 250);
}

#[test]
fn what_is_said_in_plain_behind_starttls_is_refused_and_what_was_said_before_is_forgotten() {
    let (_dir, server) = self_made("");
    let mut smtp = offered(&server);
    smtp.say(format!("STARTTLS\r\nMAIL FROM:<{FROM}>\r\n"));
    let refusal = smtp.reply();
    assert_eq!((refusal.code, refusal.status()), (501, Some("5.5.2")));
    assert_eq!(smtp.reply().code, 0, "closed");

    let mut smtp = offered(&server);
    assert_eq!(smtp.ask(format!("MAIL FROM:<{FROM}>\r\n")).code, 250);
    assert_eq!(smtp.ask("STARTTLS\r\n").code, 220);
    let mut smtp = smtp.secure(&server.own_tls(), A);
    assert_eq!(smtp.ask(format!("RCPT TO:<{TO}>\r\n")).code, 503);
}

#[test]
fn a_client_that_does_not_complete_tls_is_cut_and_nobody_else() {
    let (_dir, server) = self_made("limits.handshake_timeout_s = 1");
    let smtps = server.smtps.expect("a listener");
    let mut silent = Smtp::open(smtps);
    let mut plain = Smtp::open(smtps);
    plain.say("EHLO client.example\r\n");
    let mut half = offered(&server);
    assert_eq!(half.ask("STARTTLS\r\n").code, 220);
    for smtp in [&mut silent, &mut plain, &mut half] {
        assert_eq!(smtp.reply().code, 0);
    }
    let name = "callpilot_tls_failed_total";
    until("the one who spoke plain, counted", || {
        (server.metric(name) >= 1.0).then_some(())
    });
    let mut smtp = Smtp::open_by(&server.own_tls(), smtps, A);
    assert_eq!(smtp.reply().code, 220);
}

#[test]
fn a_client_that_was_told_good_bye_knows_that_nothing_was_cut_off() {
    use std::io::{Read, Write};
    let (_dir, server) = self_made("");
    let tls: Tls = server.own_tls();
    let stream = support::Wire::connect(server.smtps.expect("a listener")).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut wire = tls.secure(stream, A).unwrap();
    wire.write_all(b"QUIT\r\n").unwrap();
    let mut said = String::new();
    // An end without TLS's own good-bye would be an error here.
    wire.read_to_string(&mut said).unwrap();
    assert!(
        said.starts_with("220 ") && said.contains("\r\n221 "),
        "{said}"
    );
}
