//! Administrators: accounts, roles, sessions, the second factor.

use super::cli::json;
use crate::server;
use serde_json::{Value, json};
use support::{Answer, Http, Server, one_time_code as code};

const NAMES: &str = "/api/v1/admin/administrators";
const SESSION: &str = "/api/v1/admin/session";
const SECRET: &str = "mira-has-a-secret";

/// An administrator made on the command line.
fn add(server: &Server, name: &str, role: &str) {
    let args = ["admin", "add", name, "--role", role, "--password", SECRET];
    let output = server.command(&args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
}

fn try_sign_in(server: &Server, name: &str, password: &str, code: Option<&str>) -> Answer {
    let login = json!({ "name": name, "password": password, "code": code });
    let asked = server.client("").ask("POST", SESSION, Some(&login));
    asked.expect("an answer")
}

fn sign_in(server: &Server, name: &str) -> Http {
    let answer = try_sign_in(server, name, SECRET, None);
    assert_eq!(answer.status, 201, "{}", answer.json());
    server.client(answer.json()["token"].as_str().unwrap())
}

fn status(http: &Http, method: &str, path: &str, body: Option<&Value>) -> u16 {
    http.ask(method, path, body).expect("an answer").status
}

fn listed(server: &Server) -> Vec<Value> {
    let all = server.admin().get(NAMES).json();
    all.as_array().expect("a list").clone()
}

#[test]
fn the_password_of_the_configuration_makes_the_first_administrator_and_opens_nothing_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "hunter-12345\n").unwrap();
    let setting = format!("admin.password_file = {:?}", file.to_str().unwrap());
    for (kept, more) in [(false, ""), (true, "\nadmin.keep_password = true")] {
        let (_dir, server) = server(&format!("{setting}{more}"));
        let basic = [("Authorization", "Basic YWRtaW46aHVudGVyLTEyMzQ1")];
        let ask = |method: &str, path: &str, body: Option<&Value>| {
            let asked = server.client("").ask_with(method, path, &basic, body);
            asked.expect("an answer")
        };
        let operator = json!({ "name": "otto", "password": SECRET, "role": "operator" });
        let refused = ask("POST", NAMES, Some(&operator));
        assert_eq!(refused.status, 400, "the first one may do everything");
        let new = json!({ "name": "Mira", "password": SECRET, "role": "administrator" });
        let created = ask("POST", NAMES, Some(&new));
        assert_eq!(created.status, 201, "{}", created.json());
        assert_eq!(created.json()["name"], "mira");
        let after = ask("GET", "/api/v1/admin/users", None);
        assert_eq!(
            after.status,
            if kept { 200 } else { 403 },
            "{}",
            after.json()
        );
        let wrong = [("Authorization", "Basic YWRtaW46aHVudGVyLTEyMzQ2")];
        let guess = server.client("").ask_with("GET", NAMES, &wrong, None);
        assert_eq!(
            guess.unwrap().status,
            401,
            "whoever guesses is told nothing"
        );
        let mira = sign_in(&server, "MIRA");
        assert_eq!(mira.get("/api/v1/admin/users").status, 200);
        let again = mira.ask("POST", NAMES, Some(&new)).unwrap();
        assert_eq!(again.status, 201, "a repetition finds what the first made");
        let other =
            json!({ "name": "mira", "password": "another-secret-1", "role": "administrator" });
        assert_eq!(status(&mira, "POST", NAMES, Some(&other)), 409);
    }
}

#[test]
fn each_role_does_what_it_may_and_is_refused_the_rest() {
    let (_dir, server) = server("");
    add(&server, "mira", "administrator");
    add(&server, "otto", "operator");
    add(&server, "lena", "read-only");
    let [mira, otto, lena] = ["mira", "otto", "lena"].map(|name| sign_in(&server, name));
    let user = json!({ "mailbox": "7216", "name": "Mira Tandell", "password": "a-password" });
    let users = "/api/v1/admin/users";
    for who in [&mira, &otto, &lena] {
        for path in [
            users,
            NAMES,
            "/api/v1/admin/audit-trail",
            "/api/v1/admin/gr",
        ] {
            assert_eq!(who.get(path).status, 200, "{path}");
        }
    }
    let refused = lena.ask("POST", users, Some(&user)).unwrap();
    assert_eq!(refused.status, 403);
    let said = refused.json()["message"].as_str().unwrap().to_owned();
    assert_eq!(
        said,
        "lena is one who may only look, and this needs an operator."
    );
    assert_eq!(status(&otto, "POST", users, Some(&user)), 201);
    let new = json!({ "name": "nils", "password": SECRET, "role": "administrator" });
    let settings = json!({ "broadcast_mailbox": "7999" });
    for (method, path, body) in [
        ("POST", NAMES, &new),
        ("PATCH", "/api/v1/admin/settings", &settings),
        ("DELETE", "/api/v1/admin/gr", &Value::Null),
        ("DELETE", "/api/v1/admin/administrators/mira", &Value::Null),
    ] {
        let body = Some(body).filter(|body| !body.is_null());
        assert_eq!(status(&otto, method, path, body), 403, "{path}");
    }
    assert_eq!(status(&mira, "POST", NAMES, Some(&new)), 201);
    // What a role may do is looked up, not sealed into a token.
    let demoted = json!({ "role": "read_only" });
    let path = format!("{NAMES}/otto");
    assert_eq!(status(&mira, "PATCH", &path, Some(&demoted)), 200);
    let other = json!({ "mailbox": "7217", "name": "Nils Holm", "password": "a-password" });
    assert_eq!(status(&otto, "POST", users, Some(&other)), 403);
    let trail = mira.get("/api/v1/admin/audit-trail").json();
    let entry = trail
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["who"] == "lena");
    let entry = entry.expect("an entry of who was refused");
    assert_eq!(
        (&entry["action"], &entry["result"]),
        (&json!("user.create"), &json!("refused-403"))
    );
}

#[test]
fn the_last_one_who_may_do_everything_stays() {
    let (_dir, server) = server("");
    add(&server, "mira", "administrator");
    add(&server, "otto", "operator");
    let admin = server.admin();
    let path = format!("{NAMES}/mira");
    assert_eq!(status(&admin, "PATCH", &path, Some(&json!({}))), 400);
    for patch in [json!({ "role": "operator" }), json!({ "locked": true })] {
        assert_eq!(status(&admin, "PATCH", &path, Some(&patch)), 409, "{patch}");
    }
    assert_eq!(status(&admin, "DELETE", &path, None), 409);
    let promoted = json!({ "role": "administrator" });
    let of_otto = format!("{NAMES}/otto");
    assert_eq!(status(&admin, "PATCH", &of_otto, Some(&promoted)), 200);
    assert_eq!(status(&admin, "DELETE", &path, None), 204);
    assert_eq!(listed(&server).len(), 1);
    // The name can be given again, and nothing of before comes with it.
    add(&server, "mira", "read-only");
    assert_eq!(listed(&server)[0]["sessions"], 0);
}

#[test]
fn signing_out_ends_the_session_and_every_token_that_it_was_renewed_to() {
    let (_dir, mut server) = server("");
    add(&server, "mira", "administrator");
    let first = sign_in(&server, "mira");
    let renewed = first.get(SESSION).json();
    let renewed = server.client(renewed["token"].as_str().unwrap());
    let other = sign_in(&server, "mira");
    assert_eq!(listed(&server)[0]["sessions"], 2);
    assert_eq!(status(&renewed, "DELETE", SESSION, None), 204);
    for over in [&first, &renewed] {
        let answer = over.get("/api/v1/admin/users");
        assert_eq!(answer.status, 401);
        assert_eq!(over.get(SESSION).status, 401, "it cannot be renewed");
    }
    assert_eq!(other.get(SESSION).status, 200);
    // Sessions, and their ends, outlive a restart.
    server.kill();
    server.run();
    let [first, other] = [first, other].map(|http| server.client(http.token()));
    assert_eq!(first.get(SESSION).status, 401);
    assert_eq!(other.get(SESSION).status, 200);
    let sessions = json(&server.command(&["admin", "sessions", "mira", "--json"]));
    let id = sessions[0]["id"].as_str().unwrap();
    assert_eq!(sessions[0]["from"], "127.0.0.1");
    let ended = server.command(&["admin", "logout", "mira", "--session", id]);
    assert!(ended.status.success());
    assert_eq!(other.get(SESSION).status, 401);
    let third = sign_in(&server, "mira");
    assert!(
        server
            .command(&["admin", "logout", "mira"])
            .status
            .success()
    );
    assert_eq!(third.get(SESSION).status, 401);
    assert_eq!(listed(&server)[0]["sessions"], 0);
}

#[test]
fn a_session_ends_when_it_is_locked_or_gets_another_password_and_its_own_goes_on() {
    let (_dir, server) = server("");
    add(&server, "mira", "administrator");
    add(&server, "otto", "operator");
    let (mira, otto) = (sign_in(&server, "mira"), sign_in(&server, "otto"));
    let elsewhere = sign_in(&server, "otto");
    let change = |old: &str, new: &str| {
        let body = json!({ "old": old, "new": new });
        let path = format!("{SESSION}/password");
        otto.ask("PUT", &path, Some(&body)).expect("an answer")
    };
    assert_eq!(change("wrong-secret-1", "another-secret-1").status, 401);
    for bad in [SECRET, "short-1", "otto", "1234567890"] {
        assert_eq!(change(SECRET, bad).status, 400, "{bad}");
    }
    let changed = change(SECRET, "another-secret-1");
    assert_eq!(changed.status, 200, "{}", changed.json());
    assert_eq!(elsewhere.get(SESSION).status, 401);
    let own = server.client(changed.json()["token"].as_str().unwrap());
    assert_eq!(own.get(SESSION).status, 200);
    assert_eq!(try_sign_in(&server, "otto", SECRET, None).status, 401);
    let locked = json!({ "locked": true });
    let path = format!("{NAMES}/otto");
    assert_eq!(status(&mira, "PATCH", &path, Some(&locked)), 200);
    assert_eq!(own.get("/api/v1/admin/users").status, 401);
    let refused = try_sign_in(&server, "otto", "another-secret-1", None);
    assert_eq!(refused.status, 403, "{}", refused.json());
}

#[test]
fn a_second_factor_is_asked_for_once_it_has_shown_a_code_and_each_code_counts_once() {
    let (_dir, server) = server("login.tries_max = 50");
    add(&server, "mira", "administrator");
    let mira = sign_in(&server, "mira");
    let path = format!("{SESSION}/second-factor");
    let begun = mira.ask("POST", &path, None).unwrap();
    assert_eq!(begun.status, 201, "{}", begun.json());
    let secret = begun.json()["secret"].as_str().unwrap().to_owned();
    let uri = begun.json()["uri"].as_str().unwrap().to_owned();
    assert!(
        uri.contains(&secret) && uri.starts_with("otpauth://totp/"),
        "{uri}"
    );
    assert_eq!(
        try_sign_in(&server, "mira", SECRET, None).status,
        201,
        "not yet"
    );
    let confirm = |code: &str| {
        let body = json!({ "code": code });
        mira.ask("PUT", &path, Some(&body))
            .expect("an answer")
            .status
    };
    let present = code(&secret, 0);
    let wrong = if present == "000000" {
        "000001"
    } else {
        "000000"
    };
    assert_eq!(confirm(wrong), 400);
    assert_eq!(confirm(&present), 200);
    assert_eq!(
        mira.ask("POST", &path, None).unwrap().status,
        409,
        "there is one"
    );
    let asked = try_sign_in(&server, "mira", SECRET, None);
    assert_eq!(
        (asked.status, asked.json()["code"].as_str().unwrap()),
        (401, "code_needed")
    );
    let guessed = try_sign_in(&server, "mira", "wrong-secret-1", None);
    assert_eq!(
        guessed.json()["code"],
        "wrong_password",
        "a guess is told nothing"
    );
    let again = try_sign_in(&server, "mira", SECRET, Some(&present));
    assert_eq!(again.status, 401, "it was used");
    let next = code(&secret, 1);
    assert_eq!(
        try_sign_in(&server, "mira", SECRET, Some(&next)).status,
        201
    );
    assert_eq!(
        try_sign_in(&server, "mira", SECRET, Some(&next)).status,
        401
    );
    let lost = ["admin", "set", "mira", "--no-second-factor"];
    assert!(server.command(&lost).status.success());
    assert_eq!(try_sign_in(&server, "mira", SECRET, None).status, 201);
}

#[test]
fn where_a_second_factor_is_required_nothing_is_done_before_there_is_one() {
    let (_dir, server) = server("admin.second_factor_required = true");
    add(&server, "mira", "administrator");
    let answer = try_sign_in(&server, "mira", SECRET, None);
    assert_eq!(answer.json()["second_factor_needed"], true);
    let mira = server.client(answer.json()["token"].as_str().unwrap());
    let refused = mira.get("/api/v1/admin/users");
    assert_eq!(
        (refused.status, refused.json()["code"].as_str().unwrap()),
        (403, "second_factor_needed")
    );
    let path = format!("{SESSION}/second-factor");
    let begun = mira.ask("POST", &path, None).unwrap().json();
    let body = json!({ "code": code(begun["secret"].as_str().unwrap(), 0) });
    let confirmed = mira.ask("PUT", &path, Some(&body)).unwrap();
    assert_eq!(confirmed.json()["second_factor_needed"], false);
    assert_eq!(mira.get("/api/v1/admin/users").status, 200);
}

#[test]
fn guesses_at_an_administrator_wait_and_names_that_nobody_has_answer_alike() {
    let (_dir, server) = server("login.tries_max = 2");
    add(&server, "mira", "administrator");
    let told = |name: &str| {
        let answers = [(); 3].map(|()| try_sign_in(&server, name, "wrong-secret-1", None));
        answers.map(|answer| {
            let json = answer.json();
            (
                answer.status,
                json["code"].clone(),
                json["tries_left"].clone(),
            )
        })
    };
    let of_mira = told("mira");
    assert_eq!(of_mira, told("nobody"));
    assert_eq!((of_mira[0].0, of_mira[2].0), (401, 429));
    let passwd = ["admin", "passwd", "mira", "--password", "another-secret-1"];
    assert!(server.command(&passwd).status.success());
    let after = try_sign_in(&server, "mira", "another-secret-1", None);
    assert_eq!(
        after.status,
        201,
        "a new password forgives: {}",
        after.json()
    );
}

#[test]
fn sign_ins_of_administrators_are_entered_with_how_they_ended_and_without_what_was_typed() {
    let (_dir, server) = server("");
    add(&server, "mira", "administrator");
    try_sign_in(&server, "mira", "wrong-secret-1", None);
    try_sign_in(&server, "a-secret-as-a-name", "mira", None);
    let mira = sign_in(&server, "mira");
    assert_eq!(status(&mira, "DELETE", SESSION, None), 204);
    let found = support::until("entries", || {
        let all = server.admin().get("/api/v1/admin/audit-trail").json();
        let mut all = all.as_array()?.clone();
        all.retain(|entry| {
            let action = entry["action"].as_str().unwrap_or_default();
            action.starts_with("administrator.sign-")
        });
        (all.len() >= 4).then_some(all)
    });
    let mut told: Vec<_> = found
        .iter()
        .map(|entry| {
            ["action", "who", "result"].map(|name| entry[name].as_str().unwrap().to_owned())
        })
        .collect();
    told.sort();
    let of = |action: &str, who: &str, result: &str| [action, who, result].map(str::to_owned);
    assert_eq!(
        told,
        [
            of("administrator.sign-in", "(unknown)", "wrong-password"),
            of("administrator.sign-in", "mira", "right"),
            of("administrator.sign-in", "mira", "wrong-password"),
            of("administrator.sign-out", "mira", "done"),
        ]
    );
    let everything = format!("{found:?}{}", server.log());
    for secret in [SECRET, "wrong-secret-1", "a-secret-as-a-name", mira.token()] {
        assert!(!everything.contains(secret), "{secret}");
    }
}
