use super::{A, self_made};
use plugin_sdk::transport::native::Native;
use plugin_sdk::{Client, Config};
use std::rc::Rc;
use support::{Http, PASSWORD, certificate};

#[test]
fn https_is_what_the_listener_speaks_and_nothing_else() {
    let (_dir, server) = self_made("");
    assert_eq!(server.client("").get("/healthz").status, 200);
    let said = server.client("").get("/.well-known/callpilot").json();
    let url = format!("https://{}", server.http);
    assert_eq!(said["server"]["http"], url.as_str());
    let plain = Http::new(server.http, "").ask("GET", "/healthz", None);
    assert!(plain.is_none(), "{plain:?}");
    assert_eq!(
        server.client("").get("/healthz").status,
        200,
        "the next one is served"
    );
}

#[test]
fn the_command_line_reaches_a_server_that_speaks_https() {
    let (_dir, server) = self_made("");
    let said = server.command(&["user", "list"]);
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        said.status.success() && text.contains("Tilde Brask"),
        "{said:?}"
    );
    let status = server.command(&["gr", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    let shown = status["tls"]["certificate"].as_str().unwrap();
    assert!(shown.starts_with("SHA256:"), "{shown}");
}

#[test]
fn a_program_with_the_sdk_logs_in_by_https() {
    let (_dir, server) = self_made("");
    let own = certificate(&server.data_dir().join("tls.crt"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let url = format!("https://{}", server.http);
    let log_in = async |transport: Native| {
        let client = Client::new(Rc::new(transport), Config::new(url.clone())).unwrap();
        client.session().login("7200", PASSWORD).await
    };
    let set = tokio::task::LocalSet::new();
    let session = set
        .block_on(&runtime, log_in(Native::trusting(vec![own]).unwrap()))
        .unwrap();
    assert_eq!(
        (session.primary.as_str(), &session.discovery.server.http),
        (A, &url)
    );
}
