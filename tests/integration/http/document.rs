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
    let shapes = Shapes(&document);
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

/// As much of JSON Schema as the document uses.
struct Shapes<'a>(&'a Value);

impl Shapes<'_> {
    fn hold(&self, value: &Value, name: &str) {
        let schema = &self.0["components"]["schemas"][name];
        assert!(schema.is_object(), "{name} is in the document");
        if let Err(fault) = self.fits(value, schema) {
            panic!("{name}: {fault}\n{value:#}");
        }
    }

    fn fits(&self, value: &Value, schema: &Value) -> Result<(), String> {
        if let Some(reference) = schema["$ref"].as_str() {
            let pointer = reference.trim_start_matches('#');
            return self.fits(
                value,
                self.0
                    .pointer(pointer)
                    .ok_or(format!("{reference} is missing"))?,
            );
        }
        if let Some(all) = schema["allOf"].as_array() {
            return all.iter().try_for_each(|one| self.fits(value, one));
        }
        if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            let faults: Vec<String> = choices
                .iter()
                .filter_map(|one| self.fits(value, one).err())
                .collect();
            return if faults.len() < choices.len() {
                Ok(())
            } else {
                Err(faults.join(" / "))
            };
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            return Err(format!("{value} is none of {allowed:?}"));
        }
        self.type_fits(value, &schema["type"])?;
        for name in schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if value.get(name).is_none() {
                return Err(format!("{name} is missing"));
            }
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(member) = value.get(name) {
                self.fits(member, property)
                    .map_err(|fault| format!("{name}: {fault}"))?;
            }
        }
        match (value.as_array(), schema.get("items")) {
            (Some(items), Some(of)) => items.iter().try_for_each(|item| self.fits(item, of)),
            _ => Ok(()),
        }
    }

    fn type_fits(&self, value: &Value, named: &Value) -> Result<(), String> {
        let is = |name: &Value| match name.as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("null") => value.is_null(),
            _ => true,
        };
        let fits = match named.as_array() {
            Some(names) => names.iter().any(is),
            None => is(named),
        };
        if fits {
            Ok(())
        } else {
            Err(format!("{value} is not {named}"))
        }
    }
}
