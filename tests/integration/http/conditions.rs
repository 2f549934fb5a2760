//! Mailbox classes, VPIM shortcuts, Temporary Remote Users, system settings, and what of a user hangs on them.

use crate::server;
use serde_json::{Value, json};
use support::Server;

fn ask(server: &Server, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let path = format!("/api/v1/admin/{path}");
    let answer = server.admin().ask(method, &path, body.as_ref()).unwrap();
    (answer.status, answer.json())
}

fn post(server: &Server, path: &str, body: Value) -> (u16, Value) {
    ask(server, "POST", path, Some(body))
}

/// A refusal with this status that says this.
fn refused((status, error): (u16, Value), expected: u16, said: &str) {
    assert_eq!(status, expected, "{error}");
    assert!(error["message"].as_str().unwrap().contains(said), "{error}");
}

fn user(server: &Server, mailbox: &str) -> Value {
    let (_, rows) = ask(server, "GET", &format!("users?mailbox={mailbox}"), None);
    rows[0].clone()
}

fn user_path(server: &Server, mailbox: &str) -> String {
    format!("users/{}", user(server, mailbox)["id"].as_str().unwrap())
}

#[test]
fn mailbox_classes_are_added_renamed_and_removed_and_the_first_stays() {
    let (_dir, mut server) = server("");
    let first = json!([{ "number": 1, "name": "Standard" }]);
    assert_eq!(ask(&server, "GET", "classes", None), (200, first));
    let class = json!({ "number": 4, "name": "Executive" });
    assert_eq!(
        post(&server, "classes", class.clone()),
        (201, class.clone())
    );
    refused(post(&server, "classes", class), 409, "Executive");
    for (number, name, said) in [
        (0, "A", "1 to 999"),
        (1_000, "A", "1 to 999"),
        (5, " ", "name"),
    ] {
        let bad = json!({ "number": number, "name": name });
        refused(post(&server, "classes", bad), 400, said);
    }
    let renamed = ask(
        &server,
        "PUT",
        "classes/4",
        Some(json!({ "name": "Board" })),
    );
    assert_eq!(renamed, (200, json!({ "number": 4, "name": "Board" })));
    refused(
        ask(&server, "PUT", "classes/5", Some(json!({ "name": "A" }))),
        404,
        "no mailbox class 5",
    );
    refused(ask(&server, "DELETE", "classes/1", None), 403, "stays");
    refused(
        ask(&server, "DELETE", "classes/one", None),
        400,
        "not the number",
    );

    server.stop();
    server.run();
    let (_, classes) = ask(&server, "GET", "classes", None);
    assert_eq!(classes[1]["name"], "Board", "after a restart");
    assert_eq!(ask(&server, "DELETE", "classes/4", None).0, 204);
    refused(
        ask(&server, "DELETE", "classes/4", None),
        404,
        "no mailbox class 4",
    );
}

#[test]
fn a_user_has_a_class_that_is_there_and_a_class_in_use_stays() {
    let (_dir, server) = server("");
    let new =
        json!({ "mailbox": "7216", "name": "Mira Tandell", "password": "a-password", "class": 4 });
    refused(
        post(&server, "users", new.clone()),
        400,
        "no mailbox class 4",
    );
    post(
        &server,
        "classes",
        json!({ "number": 4, "name": "Executive" }),
    );
    let (status, row) = post(&server, "users", new);
    assert_eq!((status, &row["class"]), (201, &json!(4)));
    refused(ask(&server, "DELETE", "classes/4", None), 409, "7216");
    let path = user_path(&server, "7216");
    refused(
        ask(&server, "PATCH", &path, Some(json!({ "class": 5 }))),
        400,
        "no mailbox class 5",
    );
    let (status, row) = ask(&server, "PATCH", &path, Some(json!({ "class": 1 })));
    assert_eq!((status, &row["class"]), (200, &json!(1)));
    assert_eq!(ask(&server, "DELETE", "classes/4", None).0, 204);
}

#[test]
fn an_overlap_is_not_longer_than_its_prefix() {
    let (_dir, server) = server("");
    let guide = json!({ "prefix": "1272", "overlap": 2 });
    assert_eq!(
        post(&server, "shortcuts", guide.clone()),
        (201, guide.clone())
    );
    let too_long = json!({ "prefix": "12", "overlap": 3 });
    refused(
        post(&server, "shortcuts", too_long),
        400,
        "longer than the prefix 12",
    );
    refused(
        post(
            &server,
            "shortcuts",
            json!({ "prefix": "12a", "overlap": 0 }),
        ),
        400,
        "digits",
    );
    refused(
        post(
            &server,
            "shortcuts",
            json!({ "prefix": "1272", "overlap": 0 }),
        ),
        409,
        "of overlap 2",
    );
    assert_eq!(
        ask(&server, "GET", "shortcuts", None),
        (200, json!([guide]))
    );
    assert_eq!(ask(&server, "DELETE", "shortcuts/1272", None).0, 204);
    refused(ask(&server, "DELETE", "shortcuts/1272", None), 404, "1272");
}

#[test]
fn a_number_is_a_users_or_a_temporary_remote_users() {
    let (_dir, server) = server("");
    let stub = |mailbox: &str| json!({ "mailbox": mailbox, "name": "Else Where", "address": "1000@vm.example" });
    refused(
        post(&server, "remote-users", stub("7200")),
        409,
        "local user of this server: Tilde Brask",
    );
    assert_eq!(
        post(&server, "remote-users", stub("1000")),
        (201, stub("1000"))
    );
    refused(post(&server, "remote-users", stub("1000")), 409, "already");
    refused(
        post(&server, "remote-users", stub("10")),
        400,
        "3 to 20 digits",
    );
    let nowhere = json!({ "mailbox": "1001", "name": "Else Where", "address": "some where" });
    refused(post(&server, "remote-users", nowhere), 400, "address");
    let new = json!({ "mailbox": "1000", "name": "Somebody", "password": "a-password" });
    refused(
        post(&server, "users", new.clone()),
        409,
        "Temporary Remote User here: Else Where",
    );
    assert_eq!(
        ask(&server, "GET", "remote-users", None),
        (200, json!([stub("1000")]))
    );
    assert_eq!(ask(&server, "DELETE", "remote-users/1000", None).0, 204);
    refused(
        ask(&server, "DELETE", "remote-users/1000", None),
        404,
        "1000",
    );
    assert_eq!(post(&server, "users", new).0, 201);
}

#[test]
fn system_settings_change_one_by_one() {
    let (_dir, server) = server("");
    let (_, new) = ask(&server, "GET", "settings", None);
    let first = json!({ "email_servers": [], "broadcast_mailbox": null,
        "name_dialing": { "prefix": "11", "order": "last_first" } });
    assert_eq!(new, first);
    let patch = |body: Value| ask(&server, "PATCH", "settings", Some(body));
    refused(patch(json!({})), 400, "nothing was changed");
    let (_, set) = patch(json!({ "broadcast_mailbox": "5555" }));
    assert_eq!(set["broadcast_mailbox"], "5555");
    let mail =
        json!([{ "name": "Head office", "host": "imap.example.net", "port": 993, "tls": true }]);
    let (_, set) = patch(json!({ "email_servers": mail }));
    assert_eq!(
        (&set["email_servers"], &set["broadcast_mailbox"]),
        (&mail, &json!("5555"))
    );
    let dialing = json!({ "prefix": "12", "order": "first_last" });
    assert_eq!(
        patch(json!({ "name_dialing": dialing })).1["name_dialing"],
        dialing
    );
    assert_eq!(
        patch(json!({ "broadcast_mailbox": "" })).1["broadcast_mailbox"],
        Value::Null
    );

    refused(patch(json!({ "broadcast_mailbox": "7200" })), 409, "a user");
    refused(
        patch(json!({ "broadcast_mailbox": "55" })),
        400,
        "3 to 20 digits",
    );
    refused(patch(json!({ "broadcast": "5555" })), 400, "broadcast");
    let twice = json!([mail[0], mail[0]]);
    refused(
        patch(json!({ "email_servers": twice })),
        400,
        "two e-mail servers",
    );
    let (_, last) = ask(&server, "GET", "settings", None);
    assert_eq!(
        last["email_servers"], mail,
        "what was refused has changed nothing"
    );
}

#[test]
fn a_user_changes_field_by_field_and_a_device_class_is_kept() {
    let (_dir, mut server) = server("");
    let path = user_path(&server, "7200");
    let before = user(&server, "7200");
    assert_eq!(
        (&before["device_class"], &before["dns"]),
        (&json!("No Service"), &json!([]))
    );
    let (status, row) = ask(
        &server,
        "PATCH",
        &path,
        Some(json!({ "name": "Tilde Renn", "dns": ["5001", "5002"] })),
    );
    assert_eq!(
        (status, &row["name"], &row["dns"]),
        (200, &json!("Tilde Renn"), &json!(["5001", "5002"]))
    );
    assert_eq!(row["mailbox"], "7200");
    let (_, row) = ask(
        &server,
        "PATCH",
        &path,
        Some(json!({ "device_class": "Pagers of the ward" })),
    );
    assert_eq!(
        (&row["device_class"], &row["name"]),
        (&json!("Pagers of the ward"), &json!("Tilde Renn"))
    );
    refused(
        ask(&server, "PATCH", &path, Some(json!({ "dns": ["five"] }))),
        400,
        "telephone number",
    );
    refused(
        ask(&server, "PATCH", &path, Some(json!({}))),
        400,
        "nothing was changed",
    );
    refused(
        ask(&server, "PATCH", &path, Some(json!({ "name": "" }))),
        400,
        "name",
    );
    refused(
        ask(&server, "PATCH", &path, Some(json!({ "home": "x" }))),
        400,
        "home",
    );
    let (_, row) = ask(&server, "PATCH", &path, Some(json!({ "locked": true })));
    assert_eq!(row["locked"], true);
    server.kill();
    server.run();
    assert_eq!(user(&server, "7200")["device_class"], "Pagers of the ward");
    let (_, row) = ask(&server, "PATCH", &path, Some(json!({ "device_class": "" })));
    assert_eq!(row["device_class"], "No Service");
}
