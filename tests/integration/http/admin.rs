use crate::server;
use serde_json::{Value, json};
use support::{Http, PASSWORD, Server};

fn create(server: &Server, mailbox: &str, name: &str, password: &str) -> (u16, Value) {
    let new = json!({ "mailbox": mailbox, "name": name, "password": password });
    let answer = server
        .admin()
        .ask("POST", "/api/v1/admin/users", Some(&new))
        .unwrap();
    (answer.status, answer.json())
}

#[test]
fn users_are_created_listed_shown_and_deleted() {
    let (_dir, server) = server("");
    let (status, row) = create(&server, "7216", "Mira Tandell", "a-password");
    assert_eq!(
        (status, row["kind"].as_str(), row["home"].as_str()),
        (201, Some("local"), Some("cp-a.test.example"))
    );
    let admin = server.admin();
    let rows = admin.get("/api/v1/admin/users").json();
    let numbers: Vec<&str> = rows
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|r| r["mailbox"].as_str())
        .collect();
    assert_eq!(numbers, ["7200", "7201", "7216"]);
    let path = format!("/api/v1/admin/users/{}", row["id"].as_str().unwrap());
    assert_eq!(admin.get(&path).json(), row);
    assert_eq!(admin.ask("DELETE", &path, None).unwrap().status, 204);
    assert_eq!(admin.get(&path).status, 404);
    assert_eq!(admin.ask("DELETE", &path, None).unwrap().status, 404);
}

#[test]
fn users_that_cannot_be_are_refused_in_a_sentence() {
    let (_dir, server) = server("");
    for (mailbox, name, password, said) in [
        ("72", "A", "a-password", "3 to 20 digits"),
        ("72oo", "A", "a-password", "3 to 20 digits"),
        ("7217", "", "a-password", "name"),
        ("7217", "A\nB", "a-password", "name"),
        ("7217", "A", "123", "at least 4 characters"),
    ] {
        let (status, error) = create(&server, mailbox, name, password);
        assert_eq!(status, 400, "{error}");
        assert!(error["message"].as_str().unwrap().contains(said), "{error}");
    }
    let (status, error) = create(&server, "7200", "Somebody", "a-password");
    assert_eq!((status, error["code"].as_str()), (409, Some("conflict")));
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("belongs to Tilde Brask"),
        "{error}"
    );
}

#[test]
fn pages_of_users_follow_each_other() {
    let (_dir, server) = server("");
    let admin = server.admin();
    let first = admin.get("/api/v1/admin/users?limit=1").json();
    assert_eq!(
        (
            first.as_array().unwrap().len(),
            first[0]["mailbox"].as_str()
        ),
        (1, Some("7200"))
    );
    let second = admin
        .get(&format!(
            "/api/v1/admin/users?limit=1&after={}",
            first[0]["id"].as_str().unwrap()
        ))
        .json();
    assert_eq!(second[0]["mailbox"], "7201");
}

#[test]
fn administration_opens_to_name_and_password_or_the_token_and_to_nothing_else() {
    // "admin" and "hunter-12345", as `callpilot hash-password` would have hashed it, is not needed: a file does.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "hunter-12345\n").unwrap();
    let (_dir, server) = server(&format!(
        "admin.password_file = {:?}",
        file.to_str().unwrap()
    ));
    let with = |authorization: &str| {
        let headers = [("Authorization", authorization)];
        let answer = Http::new(server.http, "")
            .ask_with("GET", "/api/v1/admin/users", &headers, None)
            .unwrap();
        if answer.status == 401 {
            assert!(
                answer
                    .header("www-authenticate")
                    .unwrap()
                    .starts_with("Basic")
            );
        }
        answer.status
    };
    assert_eq!(with("Basic YWRtaW46aHVudGVyLTEyMzQ1"), 200); // admin:hunter-12345
    assert_eq!(with("Basic YWRtaW46aHVudGVyLTEyMzQ2"), 401); // admin:hunter-12346
    assert_eq!(with("Basic cm9vdDpodW50ZXItMTIzNDU="), 401); // root:hunter-12345
    assert_eq!(with("Basic !"), 401);
    assert_eq!(with("Bearer nonsense"), 401);
    let user = server.log_in("7200").unwrap();
    assert_eq!(
        user.get("/api/v1/admin/users").status,
        401,
        "a user's session is not an administrator's"
    );
    assert_eq!(server.admin().get("/api/v1/admin/users").status, 200);
}

#[test]
fn a_server_without_an_administrators_password_takes_none() {
    let (_dir, server) = server("");
    let headers = [("Authorization", "Basic YWRtaW46")]; // admin and an empty password
    let answer = Http::new(server.http, "")
        .ask_with("GET", "/api/v1/admin/users", &headers, None)
        .unwrap();
    assert_eq!(answer.status, 401);
}

#[test]
fn the_token_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, server) = server("");
    for name in ["admin.token", "run.json"] {
        let mode = std::fs::metadata(server.data_dir().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let mode = std::fs::metadata(server.data_dir())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_partner_that_cannot_be_one_is_refused_before_anything_is_kept() {
    let (_dir, server) = server("");
    let pair = |fqdn: &str, smtp: &str, password: &str| {
        let body = json!({ "fqdn": fqdn, "smtp": smtp, "http": "http://127.0.0.1:1", "password": password });
        server
            .admin()
            .ask("PUT", "/api/v1/admin/gr", Some(&body))
            .unwrap()
            .status
    };
    assert_eq!(
        pair("cp-a.test.example", "127.0.0.1:1", "long enough 123"),
        400,
        "itself"
    );
    assert_eq!(
        pair("cp-b.test.example", "127.0.0.1", "long enough 123"),
        400,
        "no port"
    );
    assert_eq!(
        pair("cp-b.test.example", "127.0.0.1:1", "short"),
        400,
        "a short password"
    );
    assert_eq!(
        server.admin().get("/api/v1/admin/gr").json()["state"],
        "not_configured"
    );
}

#[test]
fn health_and_metrics_are_there_without_a_login() {
    let (_dir, server) = server("");
    let http = Http::new(server.http, "");
    assert_eq!(http.get("/healthz").json()["in_service"], true);
    assert!(server.log_in("7200").is_some() && PASSWORD.len() > 4);
    let text = String::from_utf8(http.get("/metrics").body).unwrap();
    for name in [
        "callpilot_users 2",
        "callpilot_gr_state{state=\"not_configured\"} 1",
        "callpilot_logins_total{result=\"right\"} 1",
    ] {
        assert!(text.contains(name), "{name} in {text}");
    }
}
