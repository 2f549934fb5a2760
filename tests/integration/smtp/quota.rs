//! What a mailbox may hold, whoever names it how often and however many come at once.

use super::{A, B, FROM, server, short};
use support::{Http, Server, Smtp, transaction};

fn begun(server: &Server, to: &[&str]) -> Smtp {
    let mut smtp = Smtp::hello(server.smtp);
    assert_eq!(
        smtp.ask(format!("MAIL FROM:<{FROM}> BODY=BINARYMIME\r\n"))
            .code,
        250
    );
    for to in to {
        assert_eq!(smtp.ask(format!("RCPT TO:<{to}>\r\n")).code, 250, "{to}");
    }
    smtp
}

fn say_content(smtp: &mut Smtp, mail: &[u8]) {
    smtp.say(format!("BDAT {} LAST\r\n", mail.len()));
    smtp.say(mail);
}

fn ids(server: &Server, user: &Http) -> Vec<contract::ObjectId> {
    let rows = server.inbox(user).messages.into_iter();
    rows.map(|row| row.id).collect()
}

#[test]
fn a_mailbox_that_is_named_often_and_in_many_ways_gets_one_message() {
    let (_dir, server) = server("");
    let ways = [
        A,
        A,
        "VPIM=7200@cp-a.test.example",
        "+17035245550+7200@cp-a.test.example",
        "7200@CP-A.test.example",
        B,
    ];
    let reply = Smtp::hello(server.smtp).mail(FROM, &ways, &short(1));
    assert_eq!(reply.code, 250, "{reply:?}");
    assert_eq!(
        reply.text.split_whitespace().count(),
        5,
        "two messages: {reply:?}"
    );
    for number in ["7200", "7201"] {
        let user = server.log_in(number).expect("a log-in");
        assert_eq!(ids(&server, &user).len(), 1, "{number}");
    }
}

#[test]
fn two_hundred_deposits_at_the_same_time_do_not_fill_a_mailbox_beyond_its_bounds() {
    let (_dir, server) = server(
        "mailbox.messages_max = 50\nsmtp.connections_max = 1_000\nhttp.connections_max = 1_000",
    );
    // All have been told that there is room.
    let mut clients: Vec<Smtp> = (0..200).map(|_| begun(&server, &[A])).collect();
    for (seed, smtp) in (0..).zip(&mut clients) {
        say_content(smtp, &short(seed));
    }
    let replies: Vec<_> = clients.iter_mut().map(Smtp::reply).collect();
    let taken = replies.iter().filter(|reply| reply.code == 250).count();
    assert_eq!(taken, 50);
    for reply in replies.iter().filter(|reply| reply.code != 250) {
        assert_eq!(
            (reply.code, reply.status()),
            (452, Some("4.2.2")),
            "{reply:?}"
        );
    }
    let user = server.log_in("7200").expect("a log-in");
    assert_eq!(server.inbox(&user).counts.inbox, 50);
    assert_eq!(server.metric("callpilot_smtp_mailbox_full_total"), 150.0);
}

#[test]
fn who_has_room_gets_the_mail_and_gets_it_once_when_it_comes_again() {
    let (_dir, server) = server("mailbox.messages_max = 2");
    let mail = short(7);
    let mut smtp = begun(&server, &[A, B]);
    for seed in 1..=2 {
        // Meanwhile the first mailbox fills.
        let other = Smtp::hello(server.smtp).mail(FROM, &[A], &short(seed));
        assert_eq!(other.code, 250);
    }
    say_content(&mut smtp, &mail);
    let reply = smtp.reply();
    assert_eq!((reply.code, reply.status()), (452, Some("4.2.2")));
    assert!(
        reply.text.contains("7200 is full") && reply.text.contains("the others have"),
        "{reply:?}"
    );
    let odo = server.log_in("7201").expect("a log-in");
    let delivered = ids(&server, &odo);
    assert_eq!(delivered.len(), 1);

    // The sender tries again, with whom is taken now.
    let mut smtp = Smtp::hello(server.smtp);
    smtp.say(transaction(FROM, &[A, B], &mail));
    let codes: [u16; 4] = smtp.codes();
    assert_eq!(codes, [250, 452, 250, 250]);
    assert_eq!(ids(&server, &odo), delivered);

    // And again, when there is room.
    let tilde = server.log_in("7200").expect("a log-in");
    let row = server.inbox(&tilde).messages[0].id;
    let path = format!("/api/v1/messages/{row}");
    assert_eq!(
        tilde.ask("DELETE", &path, None).expect("an answer").status,
        200
    );
    assert_eq!(
        Smtp::hello(server.smtp).mail(FROM, &[A, B], &mail).code,
        250
    );
    assert_eq!(
        ids(&server, &tilde).len(),
        2,
        "what lies in Deleted takes no room"
    );
    assert_eq!(ids(&server, &odo), delivered);
}

#[test]
fn a_message_that_no_mailbox_can_ever_hold_is_refused_for_good() {
    let (_dir, server) = server("mailbox.size_max = 65_536");
    let mail = support::voice::message(FROM, A, 1, 200_000);
    let reply = Smtp::hello(server.smtp).mail(FROM, &[A], &mail);
    assert_eq!(
        (reply.code, reply.status()),
        (552, Some("5.2.3")),
        "{reply:?}"
    );
}

#[test]
fn a_sender_that_leaves_too_much_in_a_minute_is_put_off_and_others_go_on() {
    let (_dir, server) = server(
        "smtp.rates.exempt = []\nsmtp.rates.sender_messages_per_minute = 1\nsmtp.rates.address_messages_per_minute = 2",
    );
    let leave = |from: &str, seed| Smtp::hello(server.smtp).mail(from, &[A], &short(seed));
    // What has begun before is judged when it ends, too.
    let mut late = begun(&server, &[A]);
    assert_eq!(leave(FROM, 1).code, 250);
    say_content(&mut late, &short(2));
    for reply in [late.reply(), leave("4711@CLIENT.example", 3)] {
        assert_eq!(
            (reply.code, reply.status()),
            (450, Some("4.7.1")),
            "{reply:?}"
        );
        assert!(reply.text.contains("try again in"), "{reply:?}");
    }
    assert_eq!(leave("4712@client.example", 4).code, 250);
    let address = leave("4713@client.example", 5);
    assert_eq!(address.code, 450, "the address has its own bound");
    assert!(server.metric("callpilot_mail_rate_limited_total") >= 3.0);
    let user = server.log_in("7200").expect("a log-in");
    assert_eq!(server.inbox(&user).counts.inbox, 2);
}
