//! The partner's mail, and mail that only looks like it.

use super::FROM;
use support::{Pair, Smtp, until, voice};

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

#[test]
fn with_different_passwords_nothing_is_exchanged_and_with_the_same_one_again_all() {
    let dir = tempfile::tempdir().unwrap();
    let pair = Pair::start(dir.path(), "");
    let body = serde_json::json!({
        "fqdn": pair.b.fqdn, "smtp": pair.b.smtp.to_string(), "http": format!("http://{}", pair.b.http), "password": "another one 1357",
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
