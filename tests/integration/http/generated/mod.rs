//! Requests that are drawn from the OpenAPI document, right ones and wrong ones: whatever comes, the answer is one that the document names, and
//! never the server's own fault. The draws follow from a seed, so that a request that found a fault comes again.

mod draw;

use crate::shapes::Shapes;
use crate::{message, server, tilde};
use draw::{Dice, Known, Request};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::{Answer, Http, PASSWORD, Server, voice};

/// Requests for each operation…
const EACH: usize = 60;
/// …and for one that hashes a password, or derives the keys of a pair from one: that is meant to take time.
const COSTLY: usize = 8;
const SEED: u64 = 8;

/// Limits that a row of wrong passwords would reach within the test, and others that it is to reach.
const SETTINGS: &str = "login.address_burst = 10000\nlogin.address_per_minute = 10000\nlogin.tries_max = 100\n\
    login.account_tries_max = 100000\nhttp.body_size_max = 65536";

/// Who asks.
struct Callers {
    nobody: Http,
    user: Http,
    administrator: Http,
    deceiver: Http,
}

/// The server that is asked, with something of everything.
struct World<'a> {
    server: &'a Server,
    callers: Callers,
    known: Known,
}

impl<'a> World<'a> {
    fn new(server: &'a Server) -> Self {
        let nobody = Http::new(server.http, "");
        let callers = Callers {
            user: nobody.clone(),
            administrator: server.admin(),
            deceiver: Http::new(server.http, "v4.local.AAAA"),
            nobody,
        };
        let known = Known::default();
        let mut world = Self {
            server,
            callers,
            known,
        };
        world.furnish();
        world
    }

    /// Makes again what earlier requests have taken away: the user with a message, a greeting and a session; and a partner goes.
    fn furnish(&mut self) {
        let administrator = &self.callers.administrator;
        // A task may be open, or no partner there.
        let _ = administrator.ask("DELETE", "/api/v1/admin/gr", None);
        let users = administrator.get("/api/v1/admin/users?mailbox=7200").json();
        if let Some(id) = users[0]["id"].as_str() {
            let path = format!("/api/v1/admin/users/{id}");
            for (method, path, body) in [
                ("PATCH", path.clone(), json!({ "locked": false })),
                ("PUT", path + "/password", json!({ "password": PASSWORD })),
            ] {
                let answer = administrator.ask(method, &path, Some(&body));
                assert_eq!(answer.expect("an answer").status, 200);
            }
        } else {
            self.server.add_user("7200", "Tilde Brask");
        }
        self.callers.user = tilde(self.server);
        let user = &self.callers.user;
        self.known.seed += 1;
        let row = message(self.server, user, self.known.seed);
        let greeting = user.put_file(
            "/api/v1/greetings/external",
            "audio/wav",
            &voice::wav(1, 800),
        );
        assert_eq!(greeting.expect("an answer").status, 200);
        let users = administrator.get("/api/v1/admin/users").json();
        let ids = users.as_array().into_iter().flatten();
        let ids = ids.filter_map(|row| row["id"].as_str().map(str::to_owned));
        self.known.ids = ids.chain([row.id.to_string()]).collect();
    }

    fn caller(&self, dice: &mut Dice, operation: &Value) -> &Http {
        let right = match &operation["security"] {
            Value::Null => &self.callers.nobody,
            _ if is_for_users(operation) => &self.callers.user,
            _ => &self.callers.administrator,
        };
        let callers = &self.callers;
        let all = [
            &callers.nobody,
            &callers.user,
            &callers.administrator,
            &callers.deceiver,
        ];
        match dice.below(10) {
            0 => all[dice.below(all.len())],
            _ => right,
        }
    }
}

fn answered(caller: &Http, request: &Request) -> Answer {
    let headers: Vec<(&str, &str)> = request.headers.iter().map(|(n, v)| (*n, &**v)).collect();
    let ask = || caller.ask_as_it_is(&request.method, &request.target, &headers, &request.body);
    // A server that has heard enough hangs up, and then its answer may be lost on the way.
    let answer = (0..5).find_map(|_| ask());
    answer.unwrap_or_else(|| panic!("no answer to {}", request.shown()))
}

fn is_for_users(operation: &Value) -> bool {
    let mut schemes = operation["security"].as_array().into_iter().flatten();
    schemes.any(|scheme| scheme["session"].is_array())
}

fn is_costly(path: &str, method: &str) -> bool {
    let derives = path == "/api/v1/admin/gr" && method == "put";
    let hashes = path.ends_with("/password") || path == "/api/v1/session" && method == "post";
    derives || hashes || path == "/api/v1/admin/users" && method == "post"
}

#[test]
fn whatever_is_asked_is_answered_as_the_document_says_and_never_by_a_fault() {
    let (_dir, server) = server(SETTINGS);
    let document = Http::new(server.http, "").get("/api/openapi.json").json();
    let shapes = Shapes::strictly(&document);
    let mut world = World::new(&server);
    let mut dice = Dice::new(SEED);
    let mut faults = BTreeSet::new();
    let mut statuses = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let count = if is_costly(path, method) {
                COSTLY
            } else {
                EACH
            };
            for _ in 0..count {
                let request = Request::draw(&mut dice, &document, (path, method), &world.known);
                let caller = world.caller(&mut dice, operation).clone();
                let answer = answered(&caller, &request);
                statuses.insert(answer.status);
                let told = match answer.status {
                    500.. => Err("a fault of the server".to_owned()),
                    _ => shapes.told(operation, &answer),
                };
                if let Err(fault) = told {
                    faults.insert(format!(
                        "{method} {path}: {fault}; e.g. {}",
                        request.shown()
                    ));
                }
                if answer.header("x-request-id").is_none() {
                    faults.insert(format!("{method} {path}: an answer without a reference"));
                }
                let is_out = [401, 423].contains(&answer.status) && is_for_users(operation);
                if is_out && caller.token() == world.callers.user.token() {
                    world.furnish();
                }
            }
            world.furnish();
        }
    }
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // The draws reach everything: done, refused for what it is, for who asks, for what is not there, for what is there already.
    for status in [200, 201, 204, 400, 401, 404, 409, 413, 415] {
        assert!(statuses.contains(&status), "{status} of {statuses:?}");
    }
    assert!(!server.log().contains(" ERROR "), "nothing has failed");
}
