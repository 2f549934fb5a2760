use super::super::documented;
use serde_json::Value;
use std::collections::BTreeSet;

fn document() -> Value {
    serde_json::to_value(documented().1).unwrap()
}

#[test]
fn the_document_holds_the_addresses_that_clients_are_built_against() {
    let document = document();
    let promised = [
        ("get", "/.well-known/callpilot"),
        ("post", "/api/v1/session"),
        ("get", "/api/v1/session"),
        ("delete", "/api/v1/session"),
        ("put", "/api/v1/session/password"),
        ("post", "/api/v1/admin/session"),
        ("get", "/api/v1/admin/session"),
        ("delete", "/api/v1/admin/session"),
        ("get", "/api/v1/admin/administrators"),
        ("post", "/api/v1/admin/administrators"),
        ("get", "/api/v1/admin/administrators/{name}/sessions"),
        ("get", "/api/v1/messages"),
        ("get", "/api/v1/messages/{id}"),
        ("patch", "/api/v1/messages/{id}"),
        ("delete", "/api/v1/messages/{id}"),
        ("get", "/api/v1/messages/{id}/audio"),
        ("post", "/api/v1/messages/empty-deleted"),
        ("post", "/api/v1/admin/users/{id}/empty-deleted"),
        ("get", "/api/v1/events"),
        ("get", "/api/v1/admin/users"),
        ("post", "/api/v1/admin/users"),
        ("get", "/api/v1/admin/users/{id}"),
        ("delete", "/api/v1/admin/users/{id}"),
        ("get", "/api/v1/admin/gr"),
        ("put", "/api/v1/admin/gr"),
        ("delete", "/api/v1/admin/gr"),
        ("patch", "/api/v1/admin/users/{id}"),
        ("get", "/api/v1/admin/users/{id}/notification"),
        ("put", "/api/v1/admin/users/{id}/notification"),
        ("get", "/api/v1/admin/classes"),
        ("post", "/api/v1/admin/classes"),
        ("put", "/api/v1/admin/classes/{number}"),
        ("delete", "/api/v1/admin/classes/{number}"),
        ("get", "/api/v1/admin/shortcuts"),
        ("post", "/api/v1/admin/shortcuts"),
        ("delete", "/api/v1/admin/shortcuts/{prefix}"),
        ("get", "/api/v1/admin/remote-users"),
        ("post", "/api/v1/admin/remote-users"),
        ("delete", "/api/v1/admin/remote-users/{mailbox}"),
        ("get", "/api/v1/admin/settings"),
        ("patch", "/api/v1/admin/settings"),
        ("get", "/api/v1/greetings"),
        ("get", "/api/v1/greetings/{slot}"),
        ("put", "/api/v1/greetings/{slot}"),
        ("patch", "/api/v1/greetings/{slot}"),
        ("delete", "/api/v1/greetings/{slot}"),
        ("get", "/api/v1/lists"),
        ("put", "/api/v1/lists/{number}"),
        ("delete", "/api/v1/lists/{number}"),
        ("get", "/api/v1/notification"),
        ("put", "/api/v1/notification"),
        ("get", "/healthz"),
        ("get", "/metrics"),
    ];
    for (method, path) in promised {
        assert!(
            document["paths"][path][method].is_object(),
            "{method} {path}"
        );
    }
}

/// `ApiError` is said to be the body of every one of them.
#[test]
fn every_refusal_has_the_same_body() {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().values().map(move |of| (path, of)));
    for (path, operation) in operations {
        let answers = operation["responses"].as_object().unwrap();
        for (status, answer) in answers.iter().filter(|(status, _)| ***status >= *"400") {
            // What is added by the shape of an operation stands once, by a name.
            let named = answer["$ref"]
                .as_str()
                .and_then(|name| name.strip_prefix('#'));
            let answer = named.map_or(Some(answer), |name| document.pointer(name));
            let schema = &answer.unwrap()["content"]["application/json"]["schema"];
            let is = &schema["$ref"];
            assert_eq!(is, "#/components/schemas/ApiError", "{path} {status}");
        }
    }
}

#[test]
fn every_schema_that_is_referred_to_is_there() {
    let document = document();
    let mut names = BTreeSet::new();
    references(&document, &mut names);
    assert!(names.contains("MessageRow") && names.contains("ApiError") && names.contains("Event"));
    for name in names {
        assert!(
            document["components"]["schemas"][&name].is_object(),
            "{name}"
        );
    }
}

fn references(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(name) = members
                .get("$ref")
                .and_then(|r| r.as_str()?.strip_prefix("#/components/schemas/"))
            {
                names.insert(name.to_owned());
            }
            members
                .values()
                .for_each(|member| references(member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        _ => {}
    }
}

#[test]
fn whatever_needs_a_session_says_so_and_what_it_answers_without_one() {
    let document = document();
    let operations = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .map(move |(method, operation)| (path, method, operation))
        });
    for (path, method, operation) in operations {
        let open = !path.starts_with("/api/v1") || (path.ends_with("/session") && method == "post");
        let ways = operation["security"].as_array();
        // An empty way: nothing is needed.
        let free = ways.is_none_or(|ways| ways.contains(&serde_json::json!({})));
        assert_eq!(free, open, "{method} {path}");
        if ways.is_some() {
            assert!(operation["responses"]["401"].is_object(), "{method} {path}");
        }
        if open {
            continue;
        }
        let told = |status: &str| operation["responses"][status].is_object();
        assert!(told("401") && told("403") && told("503"), "{method} {path}");
        let names = operation["security"].as_array().unwrap().iter();
        let names: Vec<_> = names
            .flat_map(|of| of.as_object().unwrap().keys())
            .collect();
        let is_administrators = path.starts_with("/api/v1/admin");
        let of_session = ["session", "admin_session"][usize::from(is_administrators)];
        assert!(
            names.iter().any(|name| *name == of_session),
            "{method} {path}"
        );
    }
}

#[test]
fn refusals_that_follow_from_the_shape_of_an_operation_are_named() {
    let document = document();
    let told = |path: &str, method: &str| -> Vec<String> {
        let responses = document["paths"][path][method]["responses"].as_object();
        let statuses = responses.unwrap().keys().cloned();
        statuses.filter(|status| status.as_str() >= "400").collect()
    };
    assert_eq!(told("/.well-known/callpilot", "get"), ["421", "500", "503"]);
    assert_eq!(
        told("/api/v1/messages/{id}", "patch"),
        [
            "400", "401", "403", "404", "409", "413", "415", "421", "423", "500", "503", "507"
        ]
    );
    assert_eq!(
        told("/api/v1/admin/gr/held", "get"),
        ["401", "403", "421", "429", "500", "503"]
    );
    let internal = &document["components"]["responses"]["Internal"];
    assert_eq!(
        internal["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/ApiError"
    );
}
