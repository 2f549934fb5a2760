//! What was accepted for other systems while a server of the pair dies.

use crate::{ESMTP, SOON, all, by_route, message_id, queue, send};
use contract::QueuedState;
use std::net::SocketAddr;
use support::{Http, Pair, Received, Receiver, Server, Verdict, until};
use tempfile::TempDir;

/// A pair that reaches a receiver as b.example, with the mailbox 7200 of server a.
fn pair(address: SocketAddr) -> (TempDir, Pair, Http) {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = format!("{}{SOON}", by_route(dir.path(), address));
    let pair = Pair::start(dir.path(), &settings);
    pair.a.add_user("7200", "Tilde Brask");
    pair.running();
    let user = pair.a.log_in("7200").expect("a log-in");
    (dir, pair, user)
}

fn waits_at(server: &Server) {
    until("the message in the queue", || {
        let [message] = &queue(server)[..] else {
            return None;
        };
        (!message.carried_here).then_some(())
    });
}

/// It is delivered once, by the partner; and the server that took it, when it comes back, asks before it does anything.
#[test]
fn the_partner_delivers_what_a_server_took_before_it_died_and_nobody_twice() {
    let receiver = Receiver::start(ESMTP);
    receiver.then(Verdict::Say("451 4.3.0 later"));
    let (_dir, mut pair, user) = pair(receiver.address);
    send(&user, 1, &["7300@b.example"]);
    waits_at(&pair.b);
    pair.a.kill();
    receiver.then(Verdict::Say("250 2.0.0 taken"));
    let delivered = all(&pair.b, QueuedState::Delivered);
    assert!(delivered.carried_here, "{delivered:?}");
    assert_eq!(receiver.taken().len(), 1);
    pair.a.run();
    let heard = all(&pair.a, QueuedState::Delivered);
    assert!(!heard.carried_here, "{heard:?}");
    pair.running();
    let taken = receiver.taken();
    assert_eq!(taken.len(), 1, "once");
    assert_eq!(taken[0].field("Message-ID"), message_id(1));
    assert!(
        taken[0]
            .field("Received")
            .starts_with("by cp-b.test.example")
    );
}

/// Both are stopped, and what was on its way is on its way still.
#[test]
fn a_restart_of_both_servers_keeps_what_is_on_its_way() {
    let receiver = Receiver::start(ESMTP);
    receiver.then(Verdict::Say("451 4.3.0 later"));
    let (_dir, mut pair, user) = pair(receiver.address);
    send(&user, 1, &["7300@b.example"]);
    waits_at(&pair.b);
    pair.a.stop();
    pair.b.kill();
    receiver.then(Verdict::Say("250 2.0.0 taken"));
    let before = receiver.heard().len();
    pair.b.run();
    pair.a.run();
    for server in [&pair.a, &pair.b] {
        all(server, QueuedState::Delivered);
    }
    assert_eq!(receiver.taken().len(), 1);
    assert!(receiver.heard().len() > before);
}

/// While both run, the one that took it delivers it, however often it is put off, and the other only looks on.
#[test]
fn while_both_run_the_partner_delivers_nothing() {
    let receiver = Receiver::start(ESMTP);
    receiver.then(Verdict::Say("451 4.3.0 later"));
    let (_dir, pair, user) = pair(receiver.address);
    let there = Http::new(pair.b.http, user.token());
    send(&there, 1, &["7300@b.example"]);
    until("some attempts that both know of", || {
        let [message] = &queue(&pair.a)[..] else {
            return None;
        };
        assert!(!message.carried_here, "{message:?}");
        (message.recipients[0].attempts > 3).then_some(())
    });
    receiver.then(Verdict::Say("250 2.0.0 taken"));
    let heard = all(&pair.a, QueuedState::Delivered);
    assert!(!heard.carried_here);
    assert_eq!(receiver.taken().len(), 1);
    let by_b = "by cp-b.test.example";
    let all_by_b = |mail: &Received| mail.field("Received").starts_with(by_b);
    assert!(receiver.heard().iter().all(all_by_b));
}
