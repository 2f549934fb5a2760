//! Passwords of users: which are taken, who changes them, and when they have to be changed.

use crate::server;
use serde_json::json;
use support::{Answer, Http, PASSWORD, Server};

const SESSION: &str = "/api/v1/session";

fn log_in(server: &Server, password: &str) -> Answer {
    let login = json!({ "mailbox": "7200", "password": password });
    let asked = server.client("").ask("POST", SESSION, Some(&login));
    asked.expect("an answer")
}

fn session(server: &Server, password: &str) -> Http {
    let answer = log_in(server, password);
    assert_eq!(answer.status, 201, "{}", answer.json());
    server.client(answer.json()["token"].as_str().unwrap())
}

fn change(user: &Http, old: &str, new: &str) -> Answer {
    let body = json!({ "old": old, "new": new });
    let asked = user.ask("PUT", "/api/v1/session/password", Some(&body));
    asked.expect("an answer")
}

/// Sets the password of 7200 as an administrator does.
fn reset(server: &Server, password: &str, must_change: bool) {
    let mut args = vec!["user", "passwd", "7200", "--password", password];
    args.extend(must_change.then_some("--must-change"));
    assert!(server.command(&args).status.success());
}

#[test]
fn a_user_who_knows_the_old_password_changes_it_and_goes_on_while_other_sessions_end() {
    let (_dir, server) = server("");
    let (here, elsewhere) = (session(&server, PASSWORD), session(&server, PASSWORD));
    let wrong = change(&here, "wrong-1357", "another-1");
    assert_eq!(
        (wrong.status, wrong.json()["message"].as_str().unwrap()),
        (401, "The old password is wrong. 4 tries are left.")
    );
    assert_eq!(
        here.get("/api/v1/messages").status,
        200,
        "nothing has changed"
    );
    let changed = change(&here, PASSWORD, "another-1");
    assert_eq!(changed.status, 200, "{}", changed.json());
    let own = server.client(changed.json()["token"].as_str().unwrap());
    assert_eq!(own.get("/api/v1/messages").status, 200);
    assert_eq!(elsewhere.get("/api/v1/messages").status, 401);
    assert_eq!(log_in(&server, PASSWORD).status, 401);
    assert_eq!(log_in(&server, "another-1").status, 201);
    assert_eq!(
        change(&server.client(""), "another-1", "another-2").status,
        401
    );
}

#[test]
fn somebody_with_a_stolen_session_does_not_guess_the_password_through_it() {
    let (_dir, server) = server("login.tries_max = 2");
    let stolen = session(&server, PASSWORD);
    let told = [(); 3].map(|()| change(&stolen, "wrong-1357", "another-1").status);
    assert_eq!(told, [401, 429, 429]);
    let log = server.log();
    let line = "audit_trail: action=own-password result=wrong-password from=127.0.0.1";
    assert!(log.contains(line) && !log.contains("wrong-1357"), "{log}");
}

#[test]
fn passwords_that_anybody_tries_first_and_those_of_before_are_not_taken() {
    let (_dir, server) = server("login.password_history = 2");
    let mut user = session(&server, PASSWORD);
    for bad in [
        "139",
        "7200",
        "0027",
        "72007200",
        "1111",
        "4321",
        "tilde brask",
    ] {
        let refused = change(&user, PASSWORD, bad);
        assert_eq!(refused.status, 400, "{bad}");
    }
    let mut present = PASSWORD;
    let mut step = |user: &mut Http, new: &'static str| {
        let answer = change(user, present, new);
        if answer.status == 200 {
            present = new;
            *user = server.client(answer.json()["token"].as_str().unwrap());
        }
        answer.status
    };
    assert_eq!(step(&mut user, PASSWORD), 400, "the present one");
    assert_eq!(step(&mut user, "another-1"), 200);
    assert_eq!(step(&mut user, PASSWORD), 400, "the one before");
    assert_eq!(step(&mut user, "another-2"), 200);
    assert_eq!(step(&mut user, PASSWORD), 200, "two others were between");
    let add = ["user", "add", "7216", "Mira Tandell", "--password", "6127"];
    let refused = server.command(&add);
    assert!(
        !refused.status.success(),
        "an administrator chooses by the same rules"
    );
}

#[test]
fn a_first_password_is_changed_before_anything_else() {
    let (_dir, server) = server("");
    reset(&server, "from-the-office-1", true);
    let answer = log_in(&server, "from-the-office-1");
    assert_eq!(
        (answer.status, &answer.json()["password_change_needed"]),
        (201, &json!(true))
    );
    let user = server.client(answer.json()["token"].as_str().unwrap());
    for path in ["/api/v1/messages", "/api/v1/events", "/api/v1/greetings"] {
        let refused = user.get(path);
        assert_eq!(
            (refused.status, refused.json()["code"].as_str().unwrap()),
            (403, "password_change_needed"),
            "{path}"
        );
    }
    assert_eq!(
        user.get(SESSION).status,
        200,
        "the session itself is answered"
    );
    assert_eq!(
        change(&user, "from-the-office-1", "from-the-office-1").status,
        400
    );
    let changed = change(&user, "from-the-office-1", "of-my-own-1");
    let changed = changed.json();
    assert_eq!(changed["password_change_needed"], serde_json::Value::Null);
    let user = server.client(changed["token"].as_str().unwrap());
    assert_eq!(user.get("/api/v1/messages").status, 200);
    reset(&server, "from-the-office-2", false);
    let user = session(&server, "from-the-office-2");
    assert_eq!(
        user.get("/api/v1/messages").status,
        200,
        "where nobody asks for it"
    );
}
