use crate::{agree, folder, leave, pair, subjects, tilde};
use contract::{Event, Folder};
use serde_json::json;
use support::{Http, until, voice};

#[test]
fn a_message_is_on_both_servers_whichever_took_it() {
    let (_dir, pair) = pair("");
    let user = tilde(&pair.a);
    assert!(leave(&pair.a, 1));
    assert!(
        leave(&pair.b, 2),
        "the partner takes messages for its GR users"
    );
    let inbox = agree(&pair, &user);
    assert_eq!(inbox.len(), 2);
    assert!(inbox.iter().all(|row| !row.one_server_only));
    for row in &inbox {
        let path = format!("/api/v1/messages/{}/audio", row.id);
        let sound = |address| Http::new(address, user.token()).get(&path).body;
        let (a, b) = (sound(pair.a.http), sound(pair.b.http));
        assert_eq!((a.len() - 44) as u64 / 16, row.duration_ms);
        assert!(a == b, "the same sound");
    }
}

#[test]
fn what_is_done_on_one_server_is_done_on_the_other() {
    let (_dir, pair) = pair("");
    let user = tilde(&pair.a);
    assert!(leave(&pair.a, 1) && leave(&pair.a, 2));
    let inbox = agree(&pair, &user);
    let on_b = Http::new(pair.b.http, user.token());
    let path = |i: usize| format!("/api/v1/messages/{}", inbox[i].id);
    assert_eq!(
        on_b.ask("PATCH", &path(0), Some(&json!({ "unread": false })))
            .unwrap()
            .status,
        200
    );
    assert_eq!(on_b.ask("DELETE", &path(1), None).unwrap().status, 200);
    let inbox = agree(&pair, &user);
    assert!(inbox.len() == 1 && !inbox[0].unread);
    assert_eq!(folder(&pair.a, &user, Folder::Deleted).len(), 1);
}

#[test]
fn an_open_page_hears_at_once_what_came_in_by_the_partner() {
    let (_dir, pair) = pair("");
    let user = tilde(&pair.b);
    let mut events = user.events();
    assert!(matches!(events.next(), Some(Event::Server { .. })));
    assert!(leave(&pair.a, 1));
    let arrival = events.find(|event| matches!(event, Event::Message { arrived: true, .. }));
    let Some(Event::Message { row, counts, .. }) = arrival else {
        panic!("an arrival")
    };
    assert_eq!((row.subject, counts.inbox), (voice::subject(1), 1));
}

#[test]
fn a_message_that_one_server_holds_alone_says_so_until_it_does_not() {
    let (_dir, mut pair) = pair("");
    let user = tilde(&pair.a);
    pair.b.kill();
    assert!(
        leave(&pair.a, 1),
        "a server without its partner takes messages all the same"
    );
    let rows = folder(&pair.a, &user, Folder::Inbox);
    assert!(rows[0].one_server_only);
    assert_eq!(support::Pair::status(&pair.a).unwrap().one_server_only, 1);
    assert!(pair.a.metric("callpilot_messages_one_server_only") > 0.0);
    pair.b.run();
    assert!(!agree(&pair, &user)[0].one_server_only);
    assert_eq!(support::Pair::status(&pair.a).unwrap().one_server_only, 0);
}

#[test]
fn many_messages_over_both_servers_at_once_are_all_there_once() {
    let (_dir, pair) = pair("");
    let user = tilde(&pair.a);
    std::thread::scope(|scope| {
        for (server, first) in [(&pair.a, 0), (&pair.b, 100), (&pair.a, 200), (&pair.b, 300)] {
            scope.spawn(move || (first..first + 15).for_each(|seed| assert!(leave(server, seed))));
        }
    });
    assert_eq!(agree(&pair, &user).len(), 60);
    assert_eq!(subjects(&pair.a, &user), subjects(&pair.b, &user));
}

#[test]
fn discovery_names_the_partner_and_whether_all_is_here() {
    let (_dir, mut pair) = pair("");
    let told = |server: &support::Server| -> contract::Discovery {
        serde_json::from_slice(
            &Http::new(server.http, "")
                .get("/.well-known/callpilot")
                .body,
        )
        .unwrap()
    };
    let of_a = told(&pair.a);
    let partner = of_a.gr_partner.clone().expect("a partner");
    assert_eq!(
        (partner.fqdn.as_str(), partner.address.as_str()),
        ("cp-b.test.example", "127.0.0.1")
    );
    assert_eq!(partner.http, format!("http://{}", pair.b.http));
    assert!(of_a.in_service && of_a.caught_up);
    let answer = Http::new(pair.a.http, "").get("/MyCallPilot/");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        policy.contains(&format!("connect-src 'self' {}", partner.http)),
        "the page may talk to the partner: {policy}"
    );

    // A server that comes back while the other has news for it is not caught up until it has them.
    let user = tilde(&pair.a);
    pair.a.kill();
    assert!(leave(&pair.b, 1));
    pair.a.run();
    until("a server that has caught up", || {
        told(&pair.a).caught_up.then_some(())
    });
    assert_eq!(
        subjects(&pair.a, &user).len(),
        1,
        "who says caught up has everything"
    );
}
