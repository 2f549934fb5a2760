use crate::{agree, leave, pair, tilde};
use serde_json::{Value, json};
use support::{Http, PASSWORD, Server, until};

fn log_in(server: &Server, mailbox: &str, password: &str) -> u16 {
    let login = json!({ "mailbox": mailbox, "password": password });
    Http::new(server.http, "")
        .ask("POST", "/api/v1/session", Some(&login))
        .expect("an answer")
        .status
}

fn user(server: &Server, mailbox: &str) -> Option<Value> {
    let rows = server
        .admin()
        .get(&format!("/api/v1/admin/users?mailbox={mailbox}"))
        .json();
    rows.as_array()?.first().cloned()
}

fn path(row: &Value) -> String {
    format!("/api/v1/admin/users/{}", row["id"].as_str().expect("an id"))
}

#[test]
fn a_user_is_local_at_home_and_a_gr_user_on_the_partner() {
    let (_dir, pair) = pair("");
    let (home, copy) = (
        user(&pair.a, "7200").unwrap(),
        until("the copy", || user(&pair.b, "7200")),
    );
    assert_eq!(
        (home["kind"].as_str(), copy["kind"].as_str()),
        (Some("local"), Some("gr"))
    );
    assert_eq!(
        (&home["home"], &copy["home"]),
        (&json!("cp-a.test.example"), &json!("cp-a.test.example"))
    );
    assert_eq!(home["id"], copy["id"]);
    let session = json!({ "mailbox": "7200", "password": PASSWORD });
    let session = Http::new(pair.b.http, "")
        .ask("POST", "/api/v1/session", Some(&session))
        .unwrap()
        .json();
    assert_eq!(
        session["primary"], "cp-a.test.example",
        "the partner sends its clients home"
    );
}

#[test]
fn only_home_deletes_a_user_and_takes_the_mailbox_along() {
    let (_dir, pair) = pair("");
    let session = tilde(&pair.a);
    assert!(leave(&pair.a, 1));
    agree(&pair, &session);
    let row = user(&pair.b, "7200").unwrap();
    let refused = pair.b.admin().ask("DELETE", &path(&row), None).unwrap();
    assert_eq!(refused.status, 403);
    assert!(
        refused.json()["message"]
            .as_str()
            .unwrap()
            .contains("cp-a.test.example"),
        "{}",
        refused.json()
    );
    let taken = json!({ "mailbox": "7200", "name": "Another", "password": "a-password" });
    assert_eq!(
        pair.b
            .admin()
            .ask("POST", "/api/v1/admin/users", Some(&taken))
            .unwrap()
            .status,
        409
    );

    assert_eq!(
        pair.a
            .admin()
            .ask("DELETE", &path(&row), None)
            .unwrap()
            .status,
        204
    );
    until("no user on the partner", || {
        user(&pair.b, "7200").is_none().then_some(())
    });
    pair.running();
    for server in [&pair.a, &pair.b] {
        assert_eq!(
            Http::new(server.http, session.token())
                .get("/api/v1/messages")
                .status,
            401
        );
        assert_eq!(log_in(server, "7200", PASSWORD), 401);
    }
}

#[test]
fn a_session_is_good_on_both_servers_and_ends_on_both() {
    let (_dir, pair) = pair("");
    let token = tilde(&pair.a);
    let on_b = Http::new(pair.b.http, token.token());
    until("the user on the partner", || {
        (on_b.get("/api/v1/session").status == 200).then_some(())
    });
    let renewed = on_b.get("/api/v1/session").json();
    let back = Http::new(pair.a.http, renewed["token"].as_str().unwrap());
    assert_eq!(
        back.get("/api/v1/messages").status,
        200,
        "a token of the partner is good here"
    );
    assert_eq!(
        on_b.ask("DELETE", "/api/v1/session?everywhere=true", None)
            .unwrap()
            .status,
        204
    );
    until("an end on both", || {
        (back.get("/api/v1/session").status == 401).then_some(())
    });
}

#[test]
fn a_log_out_ends_the_session_on_both_servers_also_where_it_was_renewed_while_they_were_apart() {
    let (_dir, mut pair) = pair("");
    let (out, stays) = (tilde(&pair.a), tilde(&pair.a));
    let status = |server: &Server, user: &Http| {
        let asked = Http::new(server.http, user.token()).get("/api/v1/messages");
        asked.status
    };
    until("the user on the partner", || {
        (status(&pair.b, &out) == 200).then_some(())
    });
    pair.b.kill();
    assert_eq!(
        out.ask("DELETE", "/api/v1/session", None).unwrap().status,
        204
    );
    pair.a.kill();
    pair.b.run();
    // It has not heard of it.
    let renewed = Http::new(pair.b.http, out.token()).get("/api/v1/session");
    let renewed = Http::new(pair.b.http, renewed.json()["token"].as_str().unwrap());
    assert_eq!(status(&pair.b, &renewed), 200);
    pair.a.run();
    until("an end on both", || {
        (status(&pair.b, &renewed) == 401).then_some(())
    });
    for server in [&pair.a, &pair.b] {
        let statuses = [&out, &renewed, &stays].map(|user| status(server, user));
        assert_eq!(statuses, [401, 401, 200]);
    }
}

#[test]
fn a_new_password_counts_on_both_servers() {
    let (_dir, pair) = pair("");
    let row = until("the copy", || user(&pair.b, "7200"));
    let body = json!({ "password": "another-1" });
    let changed = pair
        .b
        .admin()
        .ask("PUT", &format!("{}/password", path(&row)), Some(&body))
        .unwrap();
    assert_eq!(changed.status, 200);
    until("the new password at home", || {
        (log_in(&pair.a, "7200", "another-1") == 201).then_some(())
    });
    assert_eq!(log_in(&pair.a, "7200", PASSWORD), 401);
}

#[test]
fn both_servers_count_wrong_passwords_alike_and_an_unlock_on_one_counts_on_both() {
    let (_dir, pair) = pair("");
    until("the copy", || user(&pair.b, "7200"));
    for server in [&pair.a, &pair.b] {
        for number in ["7200", "7999"] {
            let tries: Vec<u16> = (0..6).map(|_| log_in(server, number, "wrong")).collect();
            assert_eq!(tries, [401, 401, 401, 401, 429, 429], "{number}");
        }
    }
    let row = user(&pair.a, "7200").unwrap();
    assert_eq!(row["locked"], false);
    let unlocked = pair.a.admin().ask(
        "POST",
        &format!("{}/unlock", path(&row)),
        Some(&Value::Null),
    );
    assert_eq!(unlocked.unwrap().status, 200);
    assert_eq!(log_in(&pair.a, "7200", PASSWORD), 201);
    until("open on both", || {
        (log_in(&pair.b, "7200", PASSWORD) == 201).then_some(())
    });
    assert_eq!(log_in(&pair.b, "7999", "wrong"), 429, "only that mailbox");
}
