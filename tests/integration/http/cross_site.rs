//! What other pages make a browser send, and who reads what is measured.

use crate::server;
use serde_json::{Value, json};
use std::fs;
use support::{Answer, Http, Server};

/// What a browser adds by itself, once its user has signed in as administrator.
const BASIC: (&str, &str) = ("Authorization", "Basic YWRtaW46aHVudGVyLTEyMzQ1"); // admin:hunter-12345
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const WORD: (&str, &str) = (contract::REQUEST_HEADER, "1");

fn administered() -> (tempfile::TempDir, Server) {
    let hash = "admin.password_file = \"secret\"";
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("cp-a.test.example");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("secret"), "hunter-12345\n").unwrap();
    let server = Server::start(dir.path(), "cp-a.test.example", hash);
    server.add_user("7200", "Tilde Brask");
    (dir, server)
}

fn ask(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let asked = Http::new(server.http, "").ask_with(method, path, headers, None);
    asked.expect("an answer")
}

#[test]
fn an_administrative_call_that_a_form_could_send_is_refused_also_without_a_body() {
    let (_dir, server) = administered();
    let users = server.admin().get("/api/v1/admin/users").json();
    let id = users[0]["id"].as_str().unwrap().to_owned();
    let unlock = format!("/api/v1/admin/users/{id}/unlock");
    for path in [
        unlock.as_str(),
        "/api/v1/admin/gr/held/retry",
        "/api/v1/admin/gr/undo",
    ] {
        let form = ask(&server, "POST", path, &[BASIC, FORM]);
        assert_eq!(
            (form.status, form.json()["code"].as_str()),
            (403, Some("forbidden")),
            "{path}"
        );
        let bare = ask(&server, "POST", path, &[BASIC]);
        assert_eq!(bare.status, 403, "{path}");
        assert!(
            bare.json()["message"]
                .as_str()
                .unwrap()
                .contains(contract::REQUEST_HEADER)
        );
    }
    let user = format!("/api/v1/admin/users/{id}");
    assert_eq!(ask(&server, "DELETE", &user, &[BASIC]).status, 403);
    assert_eq!(ask(&server, "POST", &unlock, &[BASIC, WORD]).status, 200);
    assert_eq!(
        server.admin().ask("POST", &unlock, None).unwrap().status,
        200,
        "a token"
    );
    assert_eq!(
        ask(&server, "GET", &user, &[BASIC]).status,
        200,
        "it only looks"
    );
    let new = json!({ "mailbox": "7216", "name": "Mira Tandell", "password": "a-password" });
    let made =
        Http::new(server.http, "").ask_with("POST", "/api/v1/admin/users", &[BASIC], Some(&new));
    assert_eq!(made.unwrap().status, 201, "no form is JSON");
    assert_eq!(ask(&server, "POST", &unlock, &[]).status, 401, "who is it?");
}

#[test]
fn no_other_page_may_ask_to_send_the_header_and_those_that_are_named_may() {
    let (_dir, server) = server("http.allowed_origins = [\"https://mail.example\"]");
    let allowed = |origin: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", contract::REQUEST_HEADER),
        ];
        let answer = ask(&server, "OPTIONS", "/api/v1/admin/gr/undo", &headers);
        let origin = answer.header("access-control-allow-origin").is_some();
        let header = answer
            .header("access-control-allow-headers")
            .unwrap_or_default();
        origin && header.contains(contract::REQUEST_HEADER)
    };
    assert!(allowed("https://mail.example") && !allowed("https://evil.example"));
}

#[test]
fn a_request_for_a_server_of_another_name_is_refused_whatever_it_asks_for() {
    let (_dir, server) = server("http.hosts = [\"voice.example.net\"]");
    let head = |path: &str, host: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let mut stream = std::net::TcpStream::connect(server.http).unwrap();
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    for path in [
        "/MyCallPilot/",
        "/api/v1/session",
        "/healthz",
        "/.well-known/callpilot",
    ] {
        assert_eq!(head(path, "rebound.evil.example"), "421", "{path}");
        assert_eq!(head(path, "cp-a.test.example, x"), "400", "{path}");
    }
    let own = [
        "cp-a.test.example",
        "voice.example.net:8443",
        "127.0.0.1:80",
        "localhost",
    ];
    for host in own {
        assert_eq!(head("/healthz", host), "200", "{host}");
    }
}

#[test]
fn what_is_measured_and_the_reference_are_read_where_the_configuration_says() {
    let paths = ["/metrics", "/api/openapi.json"];
    let (_dir, server) = server("http.monitoring_networks = [\"192.0.2.0/24\"]");
    for path in paths {
        assert_eq!(ask(&server, "GET", path, &[]).status, 401, "{path}");
        assert_eq!(server.admin().get(path).status, 200, "{path}");
    }
    assert_eq!(ask(&server, "GET", "/healthz", &[]).status, 200);
}

#[test]
fn monitoring_has_a_listener_of_its_own_where_it_is_configured() {
    let (_dir, server) = server("http.monitoring_listen = \"127.0.0.1:0\"");
    let run = fs::read(server.data_dir().join("run.json")).unwrap();
    let run: Value = serde_json::from_slice(&run).unwrap();
    let own = Http::new(run["monitoring"].as_str().unwrap().parse().unwrap(), "");
    for path in ["/metrics", "/api/openapi.json", "/healthz"] {
        assert_eq!(own.get(path).status, 200, "{path}");
    }
    for path in [
        "/api/v1/session",
        "/MyCallPilot/",
        "/api/v1/admin/gr",
        "/.well-known/callpilot",
    ] {
        assert_eq!(own.get(path).status, 404, "{path}");
    }
    assert_eq!(ask(&server, "GET", "/metrics", &[]).status, 401);
    assert_eq!(server.admin().get("/metrics").status, 200);
}
