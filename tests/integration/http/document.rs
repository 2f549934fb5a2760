use crate::shapes::Shapes;
use crate::{message, server, tilde};
use serde_json::Value;
use support::{Http, Server};

fn document(server: &Server) -> Value {
    Http::new(server.http, "").get("/api/openapi.json").json()
}

#[test]
fn every_operation_of_the_document_is_answered_and_no_other_method_is() {
    let (_dir, server) = server("");
    let document = document(&server);
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    let http = Http::new(server.http, "");
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "01936f2e-8d3c-7a10-9c41-2f6f0c5d7e90");
        for method in ["get", "put", "post", "patch", "delete"] {
            let status = http
                .ask(&method.to_uppercase(), &path, None)
                .unwrap()
                .status;
            // Without a session most say 401; what counts is that somebody is there to say it.
            assert_eq!(
                status == 405,
                item[method].is_null(),
                "{method} {path}: {status}"
            );
        }
    }
}

#[test]
fn real_answers_have_the_shapes_of_the_document() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let row = message(&server, &user, 1);
    let document = document(&server);
    let shapes = Shapes::of(&document);
    shapes.hold(&user.get("/.well-known/callpilot").json(), "Discovery");
    shapes.hold(&user.get("/api/v1/session").json(), "Session");
    shapes.hold(&user.get("/api/v1/messages").json(), "MessageList");
    shapes.hold(
        &user.get(&format!("/api/v1/messages/{}", row.id)).json(),
        "MessageDetail",
    );
    shapes.hold(&user.get("/api/v1/messages/7200").json(), "ApiError");
    shapes.hold(&server.admin().get("/api/v1/admin/gr").json(), "GrStatus");
    shapes.hold(
        &server.admin().get("/api/v1/admin/users").json()[0],
        "UserRow",
    );
    shapes.hold(&user.get("/healthz").json(), "Health");
    for (path, shape) in [
        ("classes", "MailboxClass"),
        ("shortcuts", "VpimShortcut"),
        ("queue", "QueuedMessage"),
        ("remote-users", "RemoteUser"),
    ] {
        let list = server.admin().get(&format!("/api/v1/admin/{path}")).json();
        list.as_array()
            .unwrap()
            .iter()
            .for_each(|row| shapes.hold(row, shape));
    }
    let settings = server.admin().get("/api/v1/admin/settings").json();
    shapes.hold(&settings, "SystemSettings");
    shapes.hold(&user.get("/api/v1/notification").json(), "ContactSettings");
    let event = user.events().next().expect("an event");
    shapes.hold(&serde_json::to_value(event).unwrap(), "Event");
}
