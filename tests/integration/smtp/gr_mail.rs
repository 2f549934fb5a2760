//! The partner's mail, and mail that only looks like it.

use super::FROM;
use support::{Pair, Smtp, connect_from, until, voice};

const SYNC: &str = "gr-sync@cp-a.test.example";

#[test]
fn a_message_taken_by_one_server_is_on_the_other_when_it_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let pair = Pair::start(dir.path(), "gr.accept_wait_ms = 10_000");
    pair.a.add_user("7200", "Tilde Brask");
    pair.running();
    // Both names of the mailbox, on both servers.
    for (server, domain, seed) in [
        (&pair.a, "cp-a", 1),
        (&pair.a, "cp-b", 2),
        (&pair.b, "cp-b", 3),
        (&pair.b, "cp-a", 4),
    ] {
        let other = if std::ptr::eq(server, &pair.a) {
            &pair.b
        } else {
            &pair.a
        };
        let to = format!("7200@{domain}.test.example");
        let content = voice::message(FROM, &to, seed, 10_000);
        let reply = Smtp::hello(server.smtp).mail(FROM, &[&to], &content);
        assert_eq!(reply.code, 250, "{reply:?}");
        let user = other.log_in("7200").expect("users are on both servers");
        let row = other
            .inbox(&user)
            .messages
            .into_iter()
            .find(|m| m.subject == voice::subject(seed));
        let row = row.expect("accepted means on both servers");
        let sound = user.get(&format!("/api/v1/messages/{}/audio", row.id));
        assert_eq!((sound.status, row.duration_ms), (200, 2_500));
    }
    assert!(pair.b.metric("callpilot_gr_mail_received_total") > 0.0);
}

#[test]
fn forged_gr_mail_is_taken_without_a_word_counted_and_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let pair = Pair::start(dir.path(), "");
    let refused = || pair.a.metric("callpilot_gr_mail_refused_total");
    assert_eq!(refused(), 0.0);
    let der = [0x30; 400];
    let head = "Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data\r\nContent-Transfer-Encoding: binary\r\n\r\n";
    for (n, content) in [
        b"hello".to_vec(),
        [head.as_bytes(), &der].concat(),
        Vec::new(),
    ]
    .into_iter()
    .enumerate()
    {
        let reply = Smtp::hello(pair.a.smtp).mail("gr-bounce@cp-b.test.example", &[SYNC], &content);
        assert_eq!((reply.code, reply.text.as_str()), (250, "2.0.0 Taken"));
        assert_eq!(refused(), n as f64 + 1.0);
    }
    pair.running();
}

#[test]
fn gr_mail_and_voice_mail_do_not_mix_and_strangers_have_no_gr_address() {
    let dir = tempfile::tempdir().unwrap();
    let pair = Pair::start(dir.path(), "");
    pair.a.add_user("7200", "Tilde Brask");
    let mut smtp = Smtp::hello(pair.a.smtp);
    smtp.say(format!("MAIL FROM:<>\r\nRCPT TO:<7200@cp-a.test.example>\r\nRCPT TO:<{SYNC}>\r\nRCPT TO:<gr-sync@cp-b.test.example>\r\n"));
    assert_eq!(smtp.codes(), [250, 250, 503, 550]);
}

/// A stranger that has the partner's address named as recipient, and says what the server says to that.
fn stranger(pair: &Pair, source: [u8; 4]) -> (Smtp, u16) {
    let mut smtp = Smtp::over(connect_from(source, pair.a.smtp, ""));
    smtp.say(format!(
        "EHLO client.example\r\nMAIL FROM:<>\r\nRCPT TO:<{SYNC}>\r\n"
    ));
    let [_, _, _, code] = smtp.codes();
    (smtp, code)
}

#[test]
fn where_the_partner_is_named_mail_to_the_engine_from_elsewhere_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let pair = Pair::start(dir.path(), "gr.partner_networks = [\"127.0.0.1\"]");
    let (mut smtp, code) = stranger(&pair, [127, 0, 0, 3]);
    assert_eq!(code, 550);
    smtp.say(format!("RCPT TO:<{SYNC}>\r\n"));
    assert_eq!(smtp.reply().status(), Some("5.7.1"));
    assert_eq!(stranger(&pair, [127, 0, 0, 1]).1, 250);
    let lines = pair
        .a
        .log()
        .matches("outside of gr.partner_networks")
        .count();
    assert_eq!(lines, 1, "one line for both");
    pair.a.add_user("7200", "Tilde Brask");
    pair.running();
    assert!(pair.b.log_in("7200").is_some());
}

#[test]
fn a_stranger_sends_the_engine_one_mail_at_a_time_and_the_partner_is_not_held_up() {
    const SIZE: usize = 1 << 20;
    let dir = tempfile::tempdir().unwrap();
    let pair = Pair::start(dir.path(), "");
    let begun = |source| {
        let (mut smtp, code) = stranger(&pair, source);
        assert_eq!(code, 250);
        smtp.say(format!("BDAT {SIZE} LAST\r\n"));
        smtp.say(vec![b'A'; SIZE / 2]);
        smtp
    };
    let mut first = begun([127, 0, 0, 3]);
    until("the first one's octets", || {
        let bytes = pair.a.metric("callpilot_bytes_in_flight");
        (bytes >= (SIZE / 2) as f64).then_some(())
    });
    let second = begun([127, 0, 0, 3]).reply();
    assert_eq!((second.code, second.status()), (421, Some("4.3.2")));
    // Strangers at the partner's own address do not hold it up: it has proved who it is.
    let _others = [begun([127, 0, 0, 1]), begun([127, 0, 0, 1])];
    pair.a.add_user("7200", "Tilde Brask");
    pair.running();
    assert!(pair.b.log_in("7200").is_some());
    first.say(vec![b'A'; SIZE / 2]);
    assert_eq!(first.reply().code, 250, "taken, and dropped");
    let (_again, code) = stranger(&pair, [127, 0, 0, 3]);
    assert_eq!(code, 250);
}

#[test]
fn with_different_passwords_nothing_is_exchanged_and_with_the_same_one_again_all() {
    let dir = tempfile::tempdir().unwrap();
    let pair = Pair::start(dir.path(), "");
    let body = serde_json::json!({
        "fqdn": pair.b.fqdn, "smtp": pair.b.smtp.to_string(), "http": format!("http://{}", pair.b.http), "password": "another one 1357", "at_once": true,
    });
    assert_eq!(
        pair.a
            .admin()
            .ask("PUT", "/api/v1/admin/gr", Some(&body))
            .unwrap()
            .status,
        200
    );
    until("mail that cannot be opened", || {
        (pair.b.metric("callpilot_gr_mail_refused_total") > 0.0).then_some(())
    });
    until("a partner that is not heard", || {
        (Pair::status(&pair.b)?.state != contract::PartnerState::Running).then_some(())
    });
    pair.a.add_user("7205", "Late Comer");
    pair.join("another one 1357");
    pair.running();
    assert!(pair.b.log_in("7205").is_some());
}
