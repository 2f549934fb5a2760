//! Whose word on the sender of a message is believed, who may leave mail at all, and who finds out which mailboxes there are.

use crate::{A, FROM, server, short};
use serde_json::Value;
use support::{Server, Smtp, voice};

/// A client of this machine that is no peer: only the settings of each test name some.
fn smtp(server: &Server) -> Smtp {
    Smtp::hello(server.smtp)
}

/// Leaves a message that says who has sent it; what the API says of it.
fn left(server: &Server, from: &str, seed: u64) -> Value {
    let mail = voice::message(from, A, seed, 2_000);
    let reply = smtp(server).mail(FROM, &[A], &mail);
    assert_eq!(reply.code, 250, "{reply:?}");
    let user = server.log_in("7200").unwrap();
    let rows = user.get("/api/v1/messages").json();
    let subject = voice::subject(seed);
    let mut rows = rows["messages"].as_array().unwrap().iter();
    let row = rows
        .find(|row| row["subject"] == subject)
        .expect("the message");
    let detail = user
        .get(&format!("/api/v1/messages/{}", row["id"].as_str().unwrap()))
        .json();
    assert_eq!(detail["sender_unverified"], row["sender_unverified"]);
    row["sender_unverified"].clone()
}

#[test]
fn a_message_in_the_name_of_a_mailbox_of_the_pair_is_marked_unless_a_peer_sends_it() {
    let (_dir, strange) = server("");
    assert_eq!(left(&strange, "7201@cp-a.test.example", 1), true);
    assert_eq!(left(&strange, "7201@CP-A.test.example", 2), true);
    assert_eq!(left(&strange, "7201@[127.0.0.1]", 3), true);
    assert_eq!(left(&strange, FROM, 4), Value::Null, "it claims nothing");
    let (_dir, believed) = server("smtp.peer_networks = [\"127.0.0.0/8\"]");
    assert_eq!(left(&believed, "7201@cp-a.test.example", 1), Value::Null);
}

/// When messages with these dates are listed as received, in the order of their subjects `1`, `2`, ...; each is left twice.
fn received(server: &Server, dates: &[&str]) -> Vec<i64> {
    for (n, date) in (1..).zip(dates) {
        let mail = format!(
            "From: <4711@client.example>\r\nDate: {date}\r\nMessage-ID: <{n}@client.example>\r\nSubject: {n}\r\n\r\nHello\r\n"
        );
        for _ in 0..2 {
            assert_eq!(smtp(server).mail(FROM, &[A], mail.as_bytes()).code, 250);
        }
    }
    let list = server
        .log_in("7200")
        .unwrap()
        .get("/api/v1/messages")
        .json();
    let rows = list["messages"].as_array().unwrap().iter();
    let mut rows: Vec<_> = rows
        .map(|row| {
            (
                row["subject"].to_string(),
                row["received_at"].as_i64().unwrap(),
            )
        })
        .collect();
    rows.sort();
    rows.into_iter().map(|(_, received)| received).collect()
}

#[test]
fn what_peers_hand_on_is_listed_under_its_date_where_that_is_configured() {
    let dates = [
        "Sat, 21 Nov 2020 10:00:00 +0000",
        "Sat, 21 Nov 2099 10:00:00 +0000",
    ];
    let past = 1_605_952_800_000;
    let peers = "smtp.peer_networks = [\"127.0.0.0/8\"]\n";
    let (_dir, dated) = server(&format!("{peers}smtp.peers_date_messages = true"));
    let [first, second] = received(&dated, &dates)[..] else {
        panic!("two messages, each left twice")
    };
    assert!(
        first == past && past < second && second < 4_000_000_000_000,
        "{first}, {second}"
    );
    for settings in [peers, "smtp.peers_date_messages = true"] {
        let (_dir, other) = server(settings);
        let received = received(&other, &dates);
        assert!(
            received.len() == 2 && received.iter().all(|at| *at > past),
            "{received:?}"
        );
    }
}

#[test]
fn where_only_peers_may_leave_mail_strangers_may_not_but_reach_the_postmaster() {
    let (_dir, server) = server("smtp.peers_only = true\nsmtp.postmaster = \"7201\"");
    let reply = smtp(&server).mail(FROM, &[A], &short(1));
    assert_eq!((reply.code, reply.status()), (530, Some("5.7.0")));
    assert_eq!(
        smtp(&server).mail(FROM, &["postmaster"], &short(1)).code,
        250
    );
    let (_dir, server) =
        crate::server("smtp.peers_only = true\nsmtp.peer_networks = [\"127.0.0.1\"]");
    assert_eq!(smtp(&server).mail(FROM, &[A], &short(1)).code, 250);
}

#[test]
fn who_guesses_mailboxes_is_told_of_none_for_a_while() {
    let limit = "smtp.rates.exempt = []\nsmtp.rates.unknown_recipients_per_hour = 3";
    let (_dir, server) = server(limit);
    let mut guesser = smtp(&server);
    assert_eq!(guesser.ask(format!("MAIL FROM:<{FROM}>\r\n")).code, 250);
    for unknown in ["7998", "7999", "8000"] {
        assert_eq!(guesser.ask(format!("RCPT TO:<{A}>\r\n")).code, 250);
        assert_eq!(
            guesser
                .ask(format!("RCPT TO:<{unknown}@cp-a.test.example>\r\n"))
                .code,
            550
        );
    }
    let ask = |smtp: &mut Smtp, to: &str| {
        let reply = smtp.ask(format!("RCPT TO:<{to}>\r\n"));
        (reply.code, reply.status().map(str::to_owned))
    };
    let wait = (450, Some("4.7.1".to_owned()));
    assert_eq!(ask(&mut guesser, A), wait, "neither who is here");
    assert_eq!(
        ask(&mut guesser, "8001@cp-a.test.example"),
        wait,
        "nor who is not"
    );
    let mut again = smtp(&server);
    assert_eq!(again.ask(format!("MAIL FROM:<{FROM}>\r\n")).code, 250);
    assert_eq!(ask(&mut again, A), wait, "on another connection, too");
    let (_dir, trusting) = crate::server(&format!("{limit}\nsmtp.peer_networks = [\"127.0.0.1\"]"));
    let mut peer = smtp(&trusting);
    assert_eq!(peer.ask(format!("MAIL FROM:<{FROM}>\r\n")).code, 250);
    for unknown in 8000..8010 {
        assert_eq!(
            ask(&mut peer, &format!("{unknown}@cp-a.test.example")).0,
            550
        );
    }
}
