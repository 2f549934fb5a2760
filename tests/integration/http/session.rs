use crate::{server, tilde};
use contract::Event;
use serde_json::json;
use support::{Answer, Http, PASSWORD, Server, until};

fn try_log_in(server: &Server, mailbox: &str, password: &str) -> Answer {
    let login = json!({ "mailbox": mailbox, "password": password });
    Http::new(server.http, "")
        .ask("POST", "/api/v1/session", Some(&login))
        .expect("an answer")
}

#[test]
fn a_log_in_gives_a_session_that_names_the_primary() {
    let (_dir, server) = server("");
    let answer = try_log_in(&server, "7200", PASSWORD);
    assert_eq!(answer.status, 201);
    let session: contract::Session = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        (
            session.mailbox.number.as_str(),
            session.mailbox.name.as_str()
        ),
        ("7200", "Tilde Brask")
    );
    assert_eq!(session.primary, "cp-a.test.example");
    assert_eq!(session.discovery.gr_partner, None);
    let renewed = Http::new(server.http, &session.token).get("/api/v1/session");
    let renewed: contract::Session = serde_json::from_slice(&renewed.body).unwrap();
    assert!(renewed.expires_at >= session.expires_at && renewed.mailbox == session.mailbox);
}

/// A try of whoever a proxy says.
fn try_from(server: &Server, client: &str, mailbox: &str, password: &str) -> Answer {
    let login = json!({ "mailbox": mailbox, "password": password });
    let headers = [("X-Forwarded-For", client)];
    Http::new(server.http, "")
        .ask_with("POST", "/api/v1/session", &headers, Some(&login))
        .expect("an answer")
}

#[test]
fn wrong_passwords_count_down_and_then_one_has_to_wait_whatever_is_tried_after() {
    let (_dir, server) = server("");
    for left in (1..5).rev() {
        let answer = try_log_in(&server, "7200", "wrong");
        assert_eq!(
            (answer.status, answer.json()["tries_left"].as_u64()),
            (401, Some(left)),
            "{}",
            answer.json()
        );
        let tries = if left == 1 {
            "1 try is left".to_owned()
        } else {
            format!("{left} tries are left")
        };
        assert_eq!(
            answer.json()["message"],
            format!("Mailbox number or password is wrong. {tries}.")
        );
        assert_eq!(answer.json()["code"], "wrong_password");
    }
    for password in ["wrong", PASSWORD] {
        let answer = try_log_in(&server, "7200", password);
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (429, Some("too_many_requests"))
        );
        let wait = answer.json()["retry_after_s"].as_u64().unwrap();
        assert!((1..=15).contains(&wait), "{wait}");
        assert_eq!(
            answer.header("retry-after"),
            Some(wait.to_string().as_str())
        );
    }
    let rows = server
        .admin()
        .get("/api/v1/admin/users?mailbox=7200")
        .json();
    assert_eq!(rows[0]["locked"], false, "a stranger locks no mailbox");
    let output = server.command(&["user", "unlock", "7200"]);
    assert!(output.status.success());
    assert_eq!(try_log_in(&server, "7200", PASSWORD).status, 201);
}

#[test]
fn whoever_guesses_from_elsewhere_does_not_lock_the_owner_out() {
    let (_dir, server) = server("http.trusted_proxies = [\"127.0.0.1\"]");
    for network in 1..4 {
        for host in 0..6 {
            let stranger = format!("2001:db8:0:{network}::{host}");
            let status = try_from(&server, &stranger, "7200", "wrong").status;
            let expected = if host < 4 { 401 } else { 429 };
            assert_eq!(status, expected, "a /64 counts as one: {stranger}");
        }
    }
    assert_eq!(try_from(&server, "192.0.2.7", "7200", PASSWORD).status, 201);
    assert_eq!(
        try_from(&server, "2001:db8:0:1::9", "7200", PASSWORD).status,
        429,
        "whoever guessed waits"
    );
    assert_eq!(
        try_from(&server, "2001:db8:0:1::9", "7201", PASSWORD).status,
        201,
        "for that mailbox alone"
    );
}

#[test]
fn guesses_from_many_networks_are_slowed_down_and_those_of_the_owner_are_known() {
    let (_dir, server) =
        server("http.trusted_proxies = [\"127.0.0.1\"]\nlogin.account_tries_max = 20");
    let owner = "192.0.2.7";
    assert_eq!(try_from(&server, owner, "7200", PASSWORD).status, 201);
    let guesses: Vec<u16> = (0..30)
        .map(|n| try_from(&server, &format!("10.0.{n}.1"), "7200", "wrong").status)
        .collect();
    let wrong = guesses.iter().filter(|&&status| status == 401).count();
    assert!((20..25).contains(&wrong), "{guesses:?}");
    assert_eq!(try_from(&server, owner, "7200", PASSWORD).status, 201);
}

#[test]
fn a_client_does_not_get_new_tries_by_saying_that_it_is_somebody_else() {
    let (_dir, server) = server("");
    let guesses: Vec<u16> = (0..6)
        .map(|n| try_from(&server, &format!("10.0.{n}.1"), "7200", "wrong").status)
        .collect();
    assert_eq!(guesses, [401, 401, 401, 401, 429, 429]);
}

#[test]
fn a_right_password_forgets_the_wrong_ones() {
    let (_dir, server) = server("");
    for _ in 0..3 {
        for _ in 0..2 {
            assert_eq!(try_log_in(&server, "7200", "wrong").status, 401);
        }
        assert_eq!(try_log_in(&server, "7200", PASSWORD).status, 201);
    }
}

#[test]
fn mailboxes_that_do_not_exist_answer_like_those_that_do() {
    let (_dir, server) = server("");
    for round in 0..6 {
        let (real, none) = (
            try_log_in(&server, "7200", "wrong"),
            try_log_in(&server, "7999", "wrong"),
        );
        let without_reference = |answer: &Answer| {
            let mut json = answer.json();
            json["reference"].take();
            (answer.status, json)
        };
        let (mut real, mut none) = (without_reference(&real), without_reference(&none));
        if round == 5 {
            // A wait goes on between the two.
            for answer in [&mut real, &mut none] {
                answer.1["message"].take();
                answer.1["retry_after_s"].take();
            }
        }
        assert_eq!(real, none);
    }
}

#[test]
fn an_address_that_guesses_too_often_has_to_wait() {
    let (_dir, server) = server("login.address_burst = 3\nlogin.address_per_minute = 1");
    for mailbox in ["7998", "7201", "7999"] {
        assert_eq!(
            try_log_in(&server, "7200", PASSWORD).status,
            201,
            "right passwords are no guesses"
        );
        assert_eq!(try_log_in(&server, mailbox, "wrong").status, 401);
    }
    assert_eq!(
        try_log_in(&server, "7200", PASSWORD).status,
        201,
        "neighbours who guess do not keep out who is known here"
    );
    let answer = try_log_in(&server, "7201", PASSWORD);
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (429, Some("too_many_requests"))
    );
    let wait = answer.json()["retry_after_s"].as_u64().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(
        answer.header("retry-after"),
        Some(wait.to_string().as_str())
    );
}

#[test]
fn many_guesses_at_the_same_moment_are_counted_one_by_one() {
    let (_dir, server) = server("");
    let guesses = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..12)
            .map(|_| scope.spawn(|| try_log_in(&server, "7200", "wrong").status))
            .collect();
        tries
            .into_iter()
            .map(|t| t.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(
        guesses.iter().filter(|&&status| status == 401).count(),
        4,
        "{guesses:?}"
    );
    assert_eq!(
        guesses.iter().filter(|&&status| status == 429).count(),
        8,
        "{guesses:?}"
    );
}

#[test]
fn without_a_good_token_nothing_is_told() {
    let (_dir, server) = server("");
    let good = tilde(&server);
    assert_eq!(good.get("/api/v1/messages").status, 200);
    for token in ["", "v4.local.nonsense"] {
        for path in [
            "/api/v1/messages",
            "/api/v1/session",
            "/api/v1/events",
            "/api/v1/messages/01936f2e-8d3c-7a10-9c41-2f6f0c5d7e90",
        ] {
            let answer = Http::new(server.http, token).get(path);
            assert_eq!(
                (answer.status, answer.json()["code"].as_str()),
                (401, Some("not_logged_in")),
                "{path}"
            );
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
}

#[test]
fn a_log_out_ends_its_session_with_every_token_of_it_and_no_other() {
    let (_dir, mut server) = server("");
    let (one, other) = (tilde(&server), tilde(&server));
    let renewed = one.get("/api/v1/session").json();
    let renewed = renewed["token"].as_str().unwrap().to_owned();
    let renewed = |server: &Server| Http::new(server.http, &renewed);
    assert_eq!(renewed(&server).get("/api/v1/messages").status, 200);
    let mut events = renewed(&server).events();
    assert!(matches!(events.next(), Some(Event::Server { .. })));
    let log_out = |user: &Http| user.ask("DELETE", "/api/v1/session", None).unwrap().status;
    assert_eq!(log_out(&one), 204);
    assert_eq!(log_out(&one), 401, "it has ended");
    assert_eq!(events.next(), Some(Event::Ended));
    // Entries are written behind what answers.
    let entry = until("an entry in the audit trail", || {
        let trail = server.admin().get("/api/v1/admin/audit-trail").json();
        let mut entries = trail.as_array()?.iter();
        entries.find(|entry| entry["action"] == "sign-out").cloned()
    });
    let said = [&entry["who"], &entry["result"], &entry["times"]];
    assert_eq!(said, [&json!("7200"), &json!("done"), &json!(1)]);
    server.kill();
    server.run();
    for path in ["/api/v1/messages", "/api/v1/session"] {
        let statuses = [&one, &renewed(&server), &other].map(|user| user.get(path).status);
        assert_eq!(statuses, [401, 401, 200], "{path}");
    }
}

#[test]
fn logging_out_everywhere_and_a_new_password_end_all_sessions() {
    let (_dir, server) = server("");
    let (one, other) = (tilde(&server), tilde(&server));
    assert_eq!(
        one.ask("DELETE", "/api/v1/session?everywhere=true", None)
            .unwrap()
            .status,
        204
    );
    assert_eq!(
        (
            one.get("/api/v1/messages").status,
            other.get("/api/v1/messages").status
        ),
        (401, 401)
    );

    let again = tilde(&server);
    let id = server
        .admin()
        .get("/api/v1/admin/users?mailbox=7200")
        .json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/api/v1/admin/users/{id}/password");
    assert_eq!(
        server
            .admin()
            .ask("PUT", &path, Some(&json!({ "password": "another-1" })))
            .unwrap()
            .status,
        200
    );
    assert_eq!(again.get("/api/v1/messages").status, 401);
    assert_eq!(try_log_in(&server, "7200", PASSWORD).status, 401);
    assert_eq!(try_log_in(&server, "7200", "another-1").status, 201);
}

#[test]
fn sessions_outlive_a_restart() {
    let (_dir, mut server) = server("");
    let user = tilde(&server);
    server.kill();
    server.run();
    assert_eq!(user.get("/api/v1/messages").status, 200);
}

#[test]
fn neither_passwords_nor_tokens_nor_addresses_reach_the_log() {
    let (_dir, mut server) = server("");
    let session = try_log_in(&server, "7200", PASSWORD).json();
    try_log_in(&server, "7200", "wrong-password-1234");
    let user = tilde(&server);
    crate::message(&server, &user, 1);
    assert!(server.stop().success());
    let (log, token) = (server.log(), session["token"].as_str().unwrap());
    assert!(log.contains("in service"));
    for secret in [
        PASSWORD,
        "wrong-password-1234",
        &token[..40],
        "4711@client.example",
    ] {
        assert!(!log.contains(secret), "{secret}");
    }
}
