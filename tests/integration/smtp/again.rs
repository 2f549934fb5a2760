//! A mail that comes again: its sender did not hear the answer, or believes so.

use super::{A, B, FROM, server, short};
use contract::{Folder, MessageList};
use support::{Http, Reply, Server, Smtp};

fn send(server: &Server, from: &str, to: &[&str], mail: &[u8]) -> Reply {
    Smtp::hello(server.smtp).mail(from, to, mail)
}

fn taken(reply: &Reply) {
    assert_eq!(
        (reply.code, reply.status()),
        (250, Some("2.0.0")),
        "{reply:?}"
    );
}

fn count(server: &Server, user: &Http) -> usize {
    server.inbox(user).messages.len()
}

/// A short text with these fields before it.
fn text(fields: &str, words: &str) -> Vec<u8> {
    format!("From: <{FROM}>\r\nTo: <{A}>\r\n{fields}Subject: Door\r\n\r\n{words}\r\n").into_bytes()
}

#[test]
fn a_mail_that_comes_again_is_one_message() {
    let (_dir, mut server) = server("");
    let tilde = server.log_in("7200").expect("a log-in");
    let first = send(&server, FROM, &[A], &short(1));
    taken(&first);
    assert_eq!(
        send(&server, FROM, &[A], &short(1)),
        first,
        "the same message is named"
    );
    server.kill();
    server.run();
    assert_eq!(
        send(&server, FROM, &[A], &short(1)),
        first,
        "after a kill, too"
    );
    assert_eq!(count(&server, &tilde), 1);
    assert_eq!(server.metric("callpilot_mail_repeated_total"), 1.0);
}

#[test]
fn twenty_who_send_the_same_mail_at_once_leave_one_message() {
    let (_dir, server) = server("");
    let tilde = server.log_in("7200").expect("a log-in");
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| taken(&send(&server, FROM, &[A], &short(1))));
        }
    });
    assert_eq!(count(&server, &tilde), 1);
}

#[test]
fn who_has_a_mail_does_not_get_it_again_and_the_others_do() {
    let (_dir, server) = server("");
    let (tilde, odo) = (server.log_in("7200"), server.log_in("7201"));
    let (tilde, odo) = (tilde.expect("a log-in"), odo.expect("a log-in"));
    taken(&send(&server, FROM, &[A], &short(1)));
    taken(&send(&server, FROM, &[A, B], &short(1)));
    assert_eq!((count(&server, &tilde), count(&server, &odo)), (1, 1));
    taken(&send(&server, FROM, &[B, A], &short(1)));
    assert_eq!((count(&server, &tilde), count(&server, &odo)), (1, 1));
}

#[test]
fn mails_that_differ_or_have_no_identity_are_messages_of_their_own() {
    let (_dir, server) = server("");
    let tilde = server.log_in("7200").expect("a log-in");
    let id = "Message-ID: <always-the-same@gateway.example>\r\n";
    let mails = [
        // A gateway that gives all its mails one Message-ID.
        (FROM, text(id, "The front door is open.")),
        (FROM, text(id, "The back door is open.")),
        // The same from somebody else.
        ("4712@client.example", text(id, "The back door is open.")),
        // A device without Message-IDs says the same words twice, and means it.
        (FROM, text("", "The back door is open.")),
        (FROM, text("", "The back door is open.")),
    ];
    for (n, (from, mail)) in (1..).zip(&mails) {
        taken(&send(&server, from, &[A], mail));
        assert_eq!(count(&server, &tilde), n);
    }
    let (from, again) = &mails[1];
    taken(&send(&server, from, &[A], again));
    assert_eq!(count(&server, &tilde), mails.len());
}

#[test]
fn what_its_owner_has_deleted_does_not_come_back() {
    let (_dir, server) = server("");
    let tilde = server.log_in("7200").expect("a log-in");
    taken(&send(&server, FROM, &[A], &short(1)));
    let row = server.inbox(&tilde).messages.remove(0);
    let path = format!("/api/v1/messages/{}", row.id);
    let delete = |known: &str| tilde.ask("DELETE", &format!("{path}{known}"), None);
    assert_eq!(delete("").expect("an answer").status, 200);
    taken(&send(&server, FROM, &[A], &short(1)));
    assert_eq!(count(&server, &tilde), 0, "it lies in Deleted");
    let deleted = tilde.get("/api/v1/messages?folder=deleted");
    let deleted: MessageList = serde_json::from_slice(&deleted.body).expect("a list");
    assert_eq!(deleted.messages[0].folder, Folder::Deleted);

    assert_eq!(delete("?folder=deleted").expect("an answer").status, 204);
    taken(&send(&server, FROM, &[A], &short(1)));
    assert_eq!(server.inbox(&tilde).counts, contract::Counts::default());
}

#[test]
fn a_full_mailbox_has_what_it_has() {
    let (_dir, server) = server("mailbox.messages_max = 1");
    // Both were told that there is room.
    let mut late = Smtp::hello(server.smtp);
    late.say(format!(
        "MAIL FROM:<{FROM}> BODY=BINARYMIME\r\nRCPT TO:<{A}>\r\n"
    ));
    assert_eq!(late.codes(), [250, 250]);
    taken(&send(&server, FROM, &[A], &short(1)));
    let mail = short(1);
    late.say(format!("BDAT {} LAST\r\n", mail.len()));
    taken(&late.ask(&mail));
}
