//! Many mails in one pipeline: answers in order, group commit, nothing promised that is not on disk.

use super::{A, FROM, server, short};
use support::{Server, Smtp, transaction, voice};

#[test]
fn a_long_pipeline_is_answered_in_order_and_every_message_is_there() {
    const MAILS: u64 = 300;
    let (_dir, server) = server("");
    let mut smtp = Smtp::hello(server.smtp);
    let mut all = Vec::new();
    for seed in 0..MAILS {
        all.extend(transaction(FROM, &[A], &voice::message(FROM, A, seed, 200)));
        if seed % 10 == 0 {
            // A refusal in between keeps its place.
            all.extend(transaction(FROM, &["7999@cp-a.test.example"], b"x"));
        }
    }
    let mut writer = smtp.second();
    let sending = std::thread::spawn(move || writer.say(all));
    for seed in 0..MAILS {
        assert_eq!(smtp.codes(), [250, 250], "mail {seed}");
        let taken = smtp.reply();
        assert!(
            taken.code == 250 && taken.text.contains("Accepted as "),
            "{taken:?}"
        );
        if seed % 10 == 0 {
            assert_eq!(smtp.codes(), [250, 550, 503]);
        }
    }
    sending.join().unwrap();
    let user = server.log_in("7200").unwrap();
    let list = server.inbox(&user);
    assert_eq!(u64::from(list.counts.inbox), MAILS);
}

#[test]
fn commands_after_a_mail_that_is_being_accepted_are_answered_after_it() {
    let (_dir, server) = server("");
    let mut smtp = Smtp::hello(server.smtp);
    smtp.say(
        [
            transaction(FROM, &[A], &short(1)),
            b"NOOP\r\nVRFY x\r\nQUIT\r\n".to_vec(),
        ]
        .concat(),
    );
    assert_eq!(smtp.codes(), [250, 250]);
    assert!(smtp.reply().text.contains("Accepted"));
    assert_eq!(smtp.codes(), [250, 252, 221]);
}

/// Kills the server while mails stream in, and looks whether each one that was answered with 250 is there afterwards.
#[test]
fn an_accepted_message_survives_a_kill() {
    let (_dir, mut server) = server("");
    let mut accepted = Vec::new();
    for round in 0..3 {
        accepted.extend(accepted_until_killed(&mut server, round));
        server.run();
    }
    assert!(accepted.len() >= 60);
    let user = server.log_in("7200").unwrap();
    let list = user.get("/api/v1/messages?folder=inbox&limit=5000");
    let text = String::from_utf8_lossy(&list.body).into_owned();
    for id in &accepted {
        assert!(text.contains(id.as_str()), "{id} was accepted and is gone");
    }
    let id = accepted.last().unwrap();
    assert_eq!(
        user.get(&format!("/api/v1/messages/{id}/audio")).status,
        200
    );
}

fn accepted_until_killed(server: &mut Server, round: u64) -> Vec<String> {
    let mut smtp = Smtp::hello(server.smtp);
    let mut writer = smtp.second();
    let sending = std::thread::spawn(move || {
        for seed in 0..2_000 {
            writer.say(transaction(
                FROM,
                &[A],
                &voice::message(FROM, A, round * 10_000 + seed, 4_000),
            ));
        }
    });
    let mut ids = Vec::new();
    loop {
        let reply = smtp.reply();
        if reply.code == 0 {
            break;
        }
        if let Some((_, id)) = reply.text.split_once("Accepted as ") {
            ids.push(id.to_owned());
        }
        if ids.len() == 20 {
            server.kill();
        }
    }
    sending.join().unwrap();
    ids
}
