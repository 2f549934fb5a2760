//! What becomes of a message, whatever the other system says.

use crate::{ESMTP, all, detail, folder, message_id, queue, report, routes, send, server};
use contract::{Folder, Kind, QueuedMessage, QueuedRecipient, QueuedState};
use std::net::TcpListener;
use support::{Receiver, Server, Verdict, until};

/// Sound leaves as G.726 in a voice message, whatever it was recorded as.
#[test]
fn a_message_leaves_as_vpim_with_g726_and_its_sender_sees_that_it_has_arrived() {
    let receiver = Receiver::start(ESMTP);
    let (_dir, server, user) = server(&receiver, "");
    let message = send(&user, 1, &["7300@b.example", "Odo.Renn@B.Example"]);
    all(&server, QueuedState::Delivered);
    let heard = receiver.heard();
    let [mail] = &heard[..] else {
        panic!("one mail: {heard:?}")
    };
    assert_eq!(mail.from, "7200@cp-a.test.example");
    assert_eq!(mail.to, ["7300@b.example", "Odo.Renn@B.Example"]);
    assert_eq!(mail.field("Message-ID"), message_id(1));
    assert_eq!(mail.field("MIME-Version"), "1.0 (Voice 2.0)");
    assert!(
        mail.field("Content-Type")
            .starts_with("multipart/voice-message; version=2.0")
    );
    assert!(
        mail.field("Received")
            .starts_with("by cp-a.test.example with HTTP id ")
    );
    assert!(
        mail.content.contains("Content-Type: audio/32KADPCM"),
        "{}",
        mail.content
    );
    assert!(!mail.content.contains("audio/wav") && mail.content.is_ascii());
    let long = mail.content.lines().map(str::len).max();
    assert!(long <= Some(998), "RFC 5322 section 2.1.1: {long:?}");
    let said = detail(&user, &message).remarks;
    assert_eq!(
        said,
        [
            "Delivered to the system of 7300@b.example.",
            "Delivered to the system of Odo.Renn@B.Example."
        ]
    );
    assert!(
        folder(&server, &user, Folder::Inbox).is_empty(),
        "no report"
    );
    assert!((server.metric("callpilot_outgoing_attempts_total") - 2.0).abs() < 0.5);
}

#[test]
fn what_is_put_off_is_tried_again_until_it_is_taken() {
    let receiver = Receiver::start(&[]);
    receiver.next(vec![Verdict::Say("451 4.3.0 later"); 3]);
    let (_dir, server, user) = server(&receiver, "");
    let message = send(&user, 1, &["7300@b.example"]);
    all(&server, QueuedState::Delivered);
    let heard = receiver.heard();
    assert_eq!((heard.len(), receiver.taken().len()), (4, 1));
    assert!(
        heard
            .iter()
            .all(|mail| mail.field("Message-ID") == message_id(1))
    );
    assert!(
        folder(&server, &user, Folder::Inbox).is_empty(),
        "no report"
    );
    assert_eq!(detail(&user, &message).remarks.len(), 1);
}

#[test]
fn what_is_refused_for_good_is_reported_in_words_and_not_tried_again() {
    let receiver = Receiver::start(ESMTP);
    receiver.refuse("7399@", "550 5.1.1 There is nobody of this number");
    let (_dir, server, user) = server(&receiver, "");
    let message = send(&user, 1, &["7399@b.example", "7300@b.example"]);
    let (row, said) = report(&server, &user);
    assert_eq!(
        (row.kind, &row.subject[..]),
        (Kind::Report, "Not delivered: Keys")
    );
    for words in [
        "7399@b.example",
        "There is nobody of this number",
        "5.1.1",
        "in Sent",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("7300@b.example"), "that one has it: {said}");
    let taken = receiver.taken();
    assert_eq!(taken[0].to, ["7300@b.example"]);
    let remarks = detail(&user, &message).remarks;
    assert!(
        remarks[0].starts_with("Not delivered to 7399@b.example. 127.0.0.1 said: 550"),
        "{remarks:?}"
    );
    assert_eq!(remarks[1], "Delivered to the system of 7300@b.example.");
    // The next message goes, and nothing else: the one before is not tried any more.
    send(&user, 2, &["7301@b.example"]);
    until("the second message", || {
        (receiver.taken().len() == 2).then_some(())
    });
    assert_eq!(receiver.heard().len(), 2);
    assert_eq!(folder(&server, &user, Folder::Inbox).len(), 1);
}

/// Whether it was taken nobody knows: it is sent again, and whoever has it twice can tell.
#[test]
fn a_receiver_that_dies_after_the_mail_gets_it_again_under_the_same_message_id() {
    let receiver = Receiver::start(ESMTP);
    receiver.next([Verdict::Close]);
    let (_dir, server, user) = server(&receiver, "");
    send(&user, 1, &["7300@b.example"]);
    all(&server, QueuedState::Delivered);
    let heard = receiver.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].content, heard[1].content, "octet for octet");
    assert_eq!(heard[1].field("Message-ID"), message_id(1));
}

#[test]
fn what_nobody_takes_in_time_is_given_up_and_its_sender_hears_of_both() {
    let receiver = Receiver::start(ESMTP);
    receiver.then(Verdict::Say("451 4.3.0 later"));
    let (_dir, server, user) = server(
        &receiver,
        "smtp.outgoing.delay_notice_s = 1\nsmtp.outgoing.give_up_s = 3\n",
    );
    let message = send(&user, 1, &["7300@b.example"]);
    let (delayed, said) = report(&server, &user);
    assert_eq!(delayed.subject, "Not delivered yet: Keys");
    assert!(
        said.contains("It is tried again until") && said.contains("451 4.3.0 later"),
        "{said}"
    );
    let remarks = detail(&user, &message).remarks;
    assert!(
        remarks[0].starts_with("Not yet delivered to 7300@b.example"),
        "{remarks:?}"
    );
    let inbox = until("the second report", || {
        let inbox = folder(&server, &user, Folder::Inbox);
        (inbox.len() == 2).then_some(inbox)
    });
    assert_eq!(inbox[0].subject, "Not delivered: Keys");
    let message = all(&server, QueuedState::Failed);
    assert!(
        message.recipients[0]
            .said
            .contains("until the time was over"),
        "{message:?}"
    );
}

/// What begins with a dot is not the end, and lines that are bare text stay what they are.
#[test]
fn lines_that_begin_with_a_dot_arrive_as_they_were() {
    let receiver = Receiver::start(ESMTP);
    let (_dir, server, user) = server(&receiver, "");
    let text = ".\n..a\nEnd";
    let content =
        serde_json::json!({ "recipients": [support::compose::to("7300@b.example")], "text": text });
    assert_eq!(user.save_draft(1, &content).status, 200);
    assert_eq!(user.submit(2, 1).status, 201);
    all(&server, QueuedState::Delivered);
    let content = &receiver.taken()[0].content;
    assert!(
        content.ends_with("\r\n\r\n.\r\n..a\r\nEnd\r\n"),
        "{content}"
    );
}

#[test]
fn a_message_that_is_longer_than_the_other_system_takes_is_not_sent() {
    let receiver = Receiver::start(&["SIZE 1000"]);
    let (_dir, server, user) = server(&receiver, "");
    send(&user, 1, &["7300@b.example"]);
    let (_, said) = report(&server, &user);
    assert!(said.contains("takes 1000 at most"), "{said}");
    assert!(receiver.heard().is_empty());
}

/// Of several mails on one connection each is a transaction of its own, also where the one before came to nothing.
#[test]
fn a_mail_that_is_not_wanted_spoils_none_behind_it() {
    let receiver = Receiver::start(ESMTP);
    receiver.refuse_data(true);
    let (_dir, server, user) = server(&receiver, "");
    for n in 1..=3 {
        send(&user, n, &["7300@b.example"]);
    }
    until("three that were tried", || {
        let tried = |message: &QueuedMessage| message.recipients[0].attempts > 2;
        (queue(&server).iter().filter(|its| tried(its)).count() == 3).then_some(())
    });
    receiver.refuse_data(false);
    until("all three", || (receiver.taken().len() == 3).then_some(()));
    assert!(
        folder(&server, &user, Folder::Inbox).is_empty(),
        "no report"
    );
}

/// A system that says nothing holds up nobody else.
#[test]
fn each_system_is_served_by_itself() {
    let receiver = Receiver::start(ESMTP);
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    let dir = tempfile::tempdir().expect("a folder");
    let lines = format!(
        "b.example {}\nmute.example {}\n",
        receiver.address,
        mute.local_addr().expect("an address")
    );
    let settings = routes(dir.path(), &lines);
    let server = Server::start(dir.path(), "cp-a.test.example", &settings);
    server.add_user("7200", "Tilde Brask");
    let user = server.log_in("7200").expect("a log-in");
    send(&user, 1, &["1@mute.example"]);
    let (_waiting, _) = mute.accept().expect("a connection");
    send(&user, 2, &["1@mute.example", "2@b.example"]);
    until("a delivery", || (receiver.taken().len() == 1).then_some(()));
    assert_eq!(receiver.taken()[0].to, ["2@b.example"]);
    let waiting = |its: &QueuedRecipient| its.state == QueuedState::Waiting && its.attempts == 0;
    let queue = queue(&server);
    assert!(
        queue.iter().all(|message| waiting(&message.recipients[0])),
        "{queue:?}"
    );
}
