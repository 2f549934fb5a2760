//! Everything besides messages that is on both servers, made on either side, and what stays on one.

use crate::{pair, tilde};
use serde_json::{Value, json};
use support::{Http, Pair, Server, until, voice};

fn admin(server: &Server, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let path = format!("/api/v1/admin/{path}");
    let answer = server.admin().ask(method, &path, Some(body)).unwrap();
    (answer.status, answer.json())
}

fn user(server: &Server, mailbox: &str) -> Option<Value> {
    let path = format!("/api/v1/admin/users?mailbox={mailbox}");
    let rows = server.admin().get(&path).json();
    rows.as_array()?.first().cloned()
}

/// The path of 7200's record, the same on both servers.
fn tildes(pair: &Pair) -> String {
    let row = until("the copy", || user(&pair.b, "7200"));
    format!("users/{}", row["id"].as_str().unwrap())
}

/// 7200's session on both servers.
fn sessions(pair: &Pair) -> [Http; 2] {
    let session = tilde(&pair.b);
    [&pair.a, &pair.b].map(|server| Http::new(server.http, session.token()))
}

/// Waits until the same is answered by both, with this in it.
fn same(on: &[Http; 2], path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    until(path, || {
        let [a, b] = [on[0].get(path), on[1].get(path)].map(|answer| answer.json());
        (a == b && holds(&a)).then_some(a)
    })
}

fn record(user: &Http, slot: &str, seed: u16, samples: u32) {
    let path = format!("/api/v1/greetings/{slot}");
    let file = voice::wav(seed, samples);
    assert_eq!(
        user.put_file(&path, "audio/wav", &file).unwrap().status,
        200
    );
}

/// The length of what is recorded, when both have the same sound of it.
fn sound(on: &[Http; 2], slot: &str, samples: u32) {
    let path = format!("/api/v1/greetings/{slot}");
    until(&format!("{samples} samples of {slot} on both"), || {
        let [a, b] = [on[0].get(&path), on[1].get(&path)];
        let long = a.status == 200 && a.body.len() == 44 + 2 * samples as usize;
        (long && a.body == b.body).then_some(())
    });
}

#[test]
fn a_greeting_is_heard_on_both_servers_wherever_it_was_recorded() {
    let (_dir, pair) = pair("");
    let on = sessions(&pair);
    record(&on[0], "external", 1, 16_000);
    record(&on[1], "recorded_name", 2, 8_000);
    sound(&on, "external", 16_000);
    sound(&on, "recorded_name", 8_000);
    record(&on[1], "external", 3, 4_000);
    sound(&on, "external", 4_000);
    let path = "/api/v1/greetings/recorded_name";
    assert_eq!(on[0].ask("DELETE", path, None).unwrap().status, 204);
    until("no recorded name on both", || {
        on.iter()
            .all(|user| user.get(path).status == 404)
            .then_some(())
    });
    same(&on, "/api/v1/greetings", |list| {
        list.as_array().is_some_and(|l| l.len() == 1)
    });
}

#[test]
fn the_end_of_the_temporary_greeting_is_on_both_servers_wherever_it_was_set() {
    let (_dir, pair) = pair("");
    let on = sessions(&pair);
    record(&on[0], "temporary", 1, 8_000);
    sound(&on, "temporary", 8_000);
    for (user, ends_at) in [
        (&on[1], json!(1_900_000_000_000_i64)),
        (&on[0], Value::Null),
        (&on[1], json!(5)),
    ] {
        let end = json!({ "ends_at": ends_at });
        let answer = user.ask("PATCH", "/api/v1/greetings/temporary", Some(&end));
        assert_eq!(answer.unwrap().status, 200);
        same(&on, "/api/v1/greetings", |all| all[0]["ends_at"] == ends_at);
    }
    sound(&on, "temporary", 8_000);
}

#[test]
fn what_was_recorded_and_listed_while_the_servers_were_apart_becomes_the_newest_of_each() {
    let (_dir, mut pair) = pair("");
    let on = sessions(&pair);
    record(&on[0], "external", 1, 16_000);
    let list = |addresses: Value| json!({ "title": "Night", "addresses": addresses });
    let put = |user: &Http, list: &Value| {
        user.ask("PUT", "/api/v1/lists/1", Some(list))
            .unwrap()
            .status
    };
    assert_eq!(put(&on[0], &list(json!(["7201", "7202"]))), 200);
    sound(&on, "external", 16_000);
    same(&on, "/api/v1/lists", |lists| {
        lists[0]["addresses"] == json!(["7201", "7202"])
    });
    pair.running();

    pair.b.stop();
    record(&on[0], "external", 2, 8_000);
    assert_eq!(put(&on[0], &list(json!(["7201", "7202", "7203"]))), 200);
    pair.a.stop();
    pair.b.run();
    record(&on[1], "external", 3, 4_000);
    assert_eq!(put(&on[1], &list(json!(["7202", "7204"]))), 200);
    pair.a.run();

    sound(&on, "external", 4_000);
    same(&on, "/api/v1/lists", |lists| {
        lists[0]["addresses"] == json!(["7202", "7203", "7204"])
    });
    pair.running();
    same(&on, "/api/v1/greetings", |all| {
        all.as_array().is_some_and(|all| all.len() == 1)
    });
}

#[test]
fn distribution_lists_are_on_both_servers() {
    let (_dir, pair) = pair("");
    let on = sessions(&pair);
    let list = json!({ "title": "Night shift", "addresses": ["7201", "o.renn@vm.example"] });
    assert_eq!(
        on[1]
            .ask("PUT", "/api/v1/lists/7", Some(&list))
            .unwrap()
            .status,
        200
    );
    same(&on, "/api/v1/lists", |lists| {
        lists[0]["addresses"][1] == "o.renn@vm.example"
    });
    let less = json!({ "title": "Night shift", "addresses": ["7201"] });
    assert_eq!(
        on[0]
            .ask("PUT", "/api/v1/lists/7", Some(&less))
            .unwrap()
            .status,
        200
    );
    same(&on, "/api/v1/lists", |lists| {
        lists[0]["addresses"] == json!(["7201"])
    });
    assert_eq!(
        on[1].ask("DELETE", "/api/v1/lists/7", None).unwrap().status,
        204
    );
    same(&on, "/api/v1/lists", |lists| lists == &json!([]));
}

#[test]
fn system_settings_are_shared_and_the_newest_value_counts() {
    let (_dir, pair) = pair("");
    let both = [pair.a.admin(), pair.b.admin()];
    let path = "/api/v1/admin/settings";
    let mail =
        json!([{ "name": "Head office", "host": "imap.example.net", "port": 993, "tls": true }]);
    assert_eq!(
        admin(
            &pair.a,
            "PATCH",
            "settings",
            &json!({ "email_servers": mail })
        )
        .0,
        200
    );
    let dialing = json!({ "prefix": "12", "order": "first_last" });
    assert_eq!(
        admin(
            &pair.b,
            "PATCH",
            "settings",
            &json!({ "name_dialing": dialing })
        )
        .0,
        200
    );
    assert_eq!(
        admin(
            &pair.b,
            "PATCH",
            "settings",
            &json!({ "broadcast_mailbox": "5555" })
        )
        .0,
        200
    );
    same(&both, path, |all| {
        all["email_servers"] == mail
            && all["name_dialing"] == dialing
            && all["broadcast_mailbox"] == "5555"
    });
    assert_eq!(
        admin(
            &pair.a,
            "PATCH",
            "settings",
            &json!({ "broadcast_mailbox": "6666" })
        )
        .0,
        200
    );
    same(&both, path, |all| all["broadcast_mailbox"] == "6666");
}

#[test]
fn all_of_a_user_is_on_both_servers_but_the_device_class() {
    let (_dir, pair) = pair("");
    for server in [&pair.a, &pair.b] {
        let class = json!({ "number": 4, "name": "Executive" });
        assert_eq!(admin(server, "POST", "classes", &class).0, 201);
    }
    let path = tildes(&pair);
    let changed = admin(
        &pair.a,
        "PATCH",
        &path,
        &json!({ "class": 4, "dns": ["5001"] }),
    );
    assert_eq!(changed.0, 200, "{}", changed.1);
    assert_eq!(
        admin(&pair.b, "PATCH", &path, &json!({ "name": "Tilde Renn" })).0,
        200
    );
    for server in [&pair.a, &pair.b] {
        until("the same user on both", || {
            let row = user(server, "7200")?;
            let same =
                row["class"] == 4 && row["dns"] == json!(["5001"]) && row["name"] == "Tilde Renn";
            same.then_some(())
        });
    }

    let device = json!({ "device_class": "Pagers of the ward" });
    assert_eq!(
        admin(&pair.a, "PATCH", &path, &device).1["device_class"],
        "Pagers of the ward"
    );
    let (status, error) = admin(&pair.b, "PATCH", &path, &device);
    assert_eq!(status, 403, "{error}");
    // Something that comes later shows that nothing else is on its way.
    assert_eq!(
        admin(&pair.a, "PATCH", &path, &json!({ "dns": ["5002"] })).0,
        200
    );
    let copy = until("the later change", || {
        user(&pair.b, "7200").filter(|row| row["dns"] == json!(["5002"]))
    });
    assert_eq!(
        (&copy["kind"], &copy["device_class"]),
        (&json!("gr"), &json!("No Service"))
    );
    assert_eq!(
        user(&pair.a, "7200").unwrap()["device_class"],
        "Pagers of the ward"
    );
}

#[test]
fn how_a_user_is_reached_and_the_password_are_on_both_servers() {
    let (_dir, pair) = pair("");
    let on = sessions(&pair);
    let path = "/api/v1/notification";
    let mut reach = on[1].get(path).json();
    reach["notification"] = json!({ "on": true, "urgent_only": false,
        "targets": [{ "device": "text", "address": "renn@text.example" }],
        "schedule": [{ "days": 31, "from_min": 480, "to_min": 1_080 }] });
    assert_eq!(on[1].ask("PUT", path, Some(&reach)).unwrap().status, 200);
    same(&on, path, |all| all == &reach);
    reach["delivery"] = json!({ "on": true, "number": "907700900123", "schedule": [] });
    reach["forwarding"] = json!({ "to": "7201", "keep_copy": true, "text_to": ["renn@text.example"], "text_urgent_only": true });
    assert_eq!(on[0].ask("PUT", path, Some(&reach)).unwrap().status, 200);
    same(&on, path, |all| all == &reach);

    let password = format!("{}/password", tildes(&pair));
    assert_eq!(
        admin(
            &pair.b,
            "PUT",
            &password,
            &json!({ "password": "another-1" })
        )
        .0,
        200
    );
    let login = json!({ "mailbox": "7200", "password": "another-1" });
    for server in [&pair.a, &pair.b] {
        let http = Http::new(server.http, "");
        until("the new password", || {
            let answer = http.ask("POST", "/api/v1/session", Some(&login))?;
            (answer.status == 201).then_some(())
        });
    }
}

#[test]
fn a_user_whose_number_is_a_temporary_remote_user_comes_when_that_goes() {
    let (_dir, mut pair) = pair("");
    let stub = json!({ "mailbox": "1000", "name": "Else Where", "address": "1000@vm.example" });
    assert_eq!(admin(&pair.b, "POST", "remote-users", &stub).0, 201);
    let taken = json!({ "mailbox": "7200", "name": "Else Where", "address": "1000@vm.example" });
    let (status, error) = admin(&pair.b, "POST", "remote-users", &taken);
    assert_eq!(status, 409);
    assert!(
        error["message"].as_str().unwrap().contains("GR user"),
        "{error}"
    );
    // What a server has for itself is known to it from its start.
    pair.running();
    pair.b.stop();
    pair.b.run();
    pair.a.add_user("1000", "Mira Tandell");
    pair.a.add_user("2000", "Odo Renn");
    until("the other user", || user(&pair.b, "2000"));
    pair.running();
    assert_eq!(user(&pair.b, "1000"), None);
    let gone = pair
        .b
        .admin()
        .ask("DELETE", "/api/v1/admin/remote-users/1000", None)
        .unwrap();
    assert_eq!(gone.status, 204);
    until("the user that was held", || user(&pair.b, "1000"));
}

#[test]
fn a_user_without_a_matching_overlap_or_a_known_class_comes_when_that_changes() {
    let (_dir, pair) = pair("");
    let guide = json!({ "prefix": "1272", "overlap": 2 });
    assert_eq!(admin(&pair.a, "POST", "shortcuts", &guide).0, 201);
    let class = json!({ "number": 4, "name": "Executive" });
    assert_eq!(admin(&pair.a, "POST", "classes", &class).0, 201);
    pair.a.add_user("7300", "Mira Tandell");
    let new =
        json!({ "mailbox": "7201", "name": "Odo Renn", "password": "a-password", "class": 4 });
    assert_eq!(admin(&pair.a, "POST", "users", &new).0, 201);
    pair.a.add_user("7202", "Ida Holm");
    until("the user whom nothing holds", || user(&pair.b, "7202"));
    pair.running();
    assert_eq!((user(&pair.b, "7300"), user(&pair.b, "7201")), (None, None));

    assert_eq!(admin(&pair.b, "POST", "classes", &class).0, 201);
    until("the user with the class", || user(&pair.b, "7201"));
    let gone = pair
        .a
        .admin()
        .ask("DELETE", "/api/v1/admin/shortcuts/1272", None)
        .unwrap();
    assert_eq!(gone.status, 204);
    until("the user without overlap", || user(&pair.b, "7300"));
}
