use crate::server;
use std::fs;
use support::{Answer, Http, Server};

fn web(settings: &str) -> (tempfile::TempDir, tempfile::TempDir, Server) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("assets")).unwrap();
    for (name, content) in [
        ("index.html", "<!doctype html><title>My CallPilot</title>"),
        ("sw.js", "self.addEventListener('fetch', () => {})"),
        ("assets/app.0123456789abcdef.js", "console.log('plain')"),
        ("assets/app.0123456789abcdef.js.br", "BR"),
        ("assets/app.0123456789abcdef.js.gz", "GZ"),
        ("assets/icon.svg", "<svg/>"),
    ] {
        fs::write(root.path().join(name), content).unwrap();
    }
    let (dir, server) = server(&format!(
        "http.web_root = {:?}\n{settings}",
        root.path().to_str().unwrap()
    ));
    (root, dir, server)
}

fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    Http::new(server.http, "")
        .ask_with("GET", path, headers, None)
        .expect("an answer")
}

#[test]
fn the_app_is_served_below_my_callpilot_with_the_right_headers() {
    let (_root, _dir, server) = web("");
    for path in ["/", "/MyCallPilot"] {
        let answer = get(&server, path, &[]);
        assert_eq!(
            (answer.status, answer.header("location")),
            (308, Some("/MyCallPilot/"))
        );
    }
    let index = get(&server, "/MyCallPilot/", &[]);
    assert_eq!(
        (index.status, index.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert_eq!(index.header("cache-control"), Some("no-cache"));
    // Pages, open messages, and what the application itself says is no page.
    for path in [
        "configure",
        "inbox/01936f2e-8d3c-7a10-9c41-2f6f0c5d7e90",
        "no/such/page",
    ] {
        let page = get(&server, &format!("/MyCallPilot/{path}"), &[]);
        assert_eq!(
            (page.status, page.body),
            (200, index.body.clone()),
            "{path}"
        );
    }
    assert_eq!(
        get(&server, "/MyCallPilot/sw.js", &[]).header("cache-control"),
        Some("no-cache")
    );
    let script = get(
        &server,
        "/MyCallPilot/assets/app.0123456789abcdef.js",
        &[("Accept-Encoding", "gzip, br")],
    );
    assert_eq!(
        (script.body.as_slice(), script.header("content-encoding")),
        (&b"BR"[..], Some("br"))
    );
    assert_eq!(
        script.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert!(
        script
            .header("cache-control")
            .unwrap()
            .contains("immutable")
    );
    assert_eq!(
        get(&server, "/MyCallPilot/assets/missing.js", &[]).status,
        404
    );
    let etag = index.header("etag").unwrap();
    assert_eq!(
        get(&server, "/MyCallPilot/", &[("If-None-Match", etag)]).status,
        304
    );
}

#[test]
fn no_path_leads_out_of_the_folder() {
    let (_root, _dir, server) = web("");
    for path in [
        "/MyCallPilot/../callpilot.toml",
        "/MyCallPilot/assets/../../callpilot.toml",
        "/MyCallPilot/%2e%2e/callpilot.toml",
        "/MyCallPilot/assets/..%2f..%2fcallpilot.toml",
    ] {
        let answer = get(&server, path, &[]);
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("fqdn"),
            "{path}"
        );
    }
}

#[test]
fn every_answer_says_what_a_page_may_do() {
    let (_root, _dir, server) = web("");
    for path in ["/MyCallPilot/", "/api/v1/messages", "/nothing"] {
        let answer = get(&server, path, &[]);
        let policy = answer.header("content-security-policy").expect(path);
        assert!(policy.starts_with(
            "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self';"
        ));
        for rule in [
            "base-uri 'none'",
            "form-action 'self'",
            "object-src 'none'",
            "frame-ancestors 'self'",
        ] {
            assert!(
                policy.split("; ").any(|said| said == rule),
                "{rule} in {policy}"
            );
        }
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
}

#[test]
fn pages_of_configured_origins_may_ask_and_others_may_not() {
    let (_root, _dir, server) = web("http.allowed_origins = [\"https://mail.example\"]");
    let preflight = |origin: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "PATCH"),
            (
                "Access-Control-Request-Headers",
                "authorization,content-type,range",
            ),
        ];
        let path = "/api/v1/messages/01936f2e-8d3c-7a10-9c41-2f6f0c5d7e90";
        let answer = Http::new(server.http, "")
            .ask_with("OPTIONS", path, &headers, None)
            .unwrap();
        answer
            .header("access-control-allow-origin")
            .map(str::to_owned)
    };
    let own = format!("http://{}", server.http);
    assert_eq!(
        preflight("https://mail.example").as_deref(),
        Some("https://mail.example")
    );
    assert_eq!(preflight(&own), Some(own.clone()));
    assert_eq!(preflight("https://evil.example"), None);
    let answer = get(
        &server,
        "/.well-known/callpilot",
        &[("Origin", "https://mail.example")],
    );
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("https://mail.example")
    );
}

#[test]
fn a_server_without_pages_says_how_to_get_them() {
    let (_dir, server) = server("");
    let answer = get(&server, "/MyCallPilot/", &[]);
    let text = String::from_utf8_lossy(&answer.body);
    assert!(answer.status == 404 && text.contains("web_root"), "{text}");
}
