use crate::cut::Linked;
use crate::{subjects, tilde};
use contract::PartnerState;
use support::{Pair, Smtp, until, voice};

/// Bytes a second.
const RATE: u64 = 300_000;
/// Octets of sound that this link carries in forty seconds: longer than the partner may be silent.
const LONG: usize = 12_000_000;
const TIMERS: &str = "gr.heartbeat_ms = 300\ngr.unknown_after_ms = 10000\ngr.down_after_ms = 30000\ngr.probe_ms = 300\n";

#[test]
fn on_a_slow_link_a_small_message_passes_a_long_one_and_nothing_is_cut() {
    let linked = Linked::of(|root| Pair::two(root, TIMERS));
    let (a, b) = (&linked.pair.a, &linked.pair.b);
    let user = tilde(a);
    tilde(b);
    linked.links.iter().for_each(|link| link.slow(RATE));
    let made = linked.links.each_ref().map(support::Proxy::made);
    let since = |server| Pair::status(server).expect("a status").since;
    let running_since = (since(a), since(b));

    let leave = |seed: u64, octets: usize| {
        let to = "7200@cp-a.test.example";
        let mail = voice::message("4711@client.example", to, seed, octets);
        let mut client = Smtp::hello(a.smtp);
        assert_eq!(client.mail("4711@client.example", &[to], &mail).code, 250);
    };
    leave(1, LONG);
    leave(2, voice::SECOND);
    let small = until("the small message on b", || {
        let there = subjects(b, &user);
        there.contains(&voice::subject(2)).then_some(there)
    });
    assert!(
        !small.contains(&voice::subject(1)),
        "the long one needs much longer"
    );
    let status = until("a link that is called slow", || {
        Pair::status(a).filter(|status| status.slow)
    });
    assert_eq!(status.state, PartnerState::Running);
    assert!(status.reason.contains("slow"), "{}", status.reason);
    let rate = status.bytes_per_s.expect("a rate");
    assert!((RATE / 2..RATE * 2).contains(&rate), "{rate}");
    assert_eq!(a.metric("callpilot_gr_slow"), 1.0);

    until("the long message on b", || {
        assert_eq!(
            Pair::status(a)?.state,
            PartnerState::Running,
            "while it is under way"
        );
        subjects(b, &user)
            .contains(&voice::subject(1))
            .then_some(())
    });
    assert_eq!((since(a), since(b)), running_since, "never anything else");
    let still = linked.links.each_ref().map(support::Proxy::made);
    assert_eq!(still, made, "no connection was cut");
    linked.pair.running();
    let sent = a.metric("callpilot_gr_mail_sent_bytes_total");
    assert!(sent < LONG as f64 * 1.25, "sent about once: {sent}");
    // It is whole: its sound is the same on both.
    let of = |server: &support::Server| {
        let inbox = server.inbox(&user);
        let row = inbox
            .messages
            .into_iter()
            .find(|row| row.subject == voice::subject(1))
            .expect("it is there");
        server.message(&user, row.id)
    };
    assert_eq!(of(a), of(b));
}
