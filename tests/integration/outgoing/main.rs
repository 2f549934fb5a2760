//! Messages to other systems: real servers, and mail systems that take, refuse, put off and break off.

mod delivery;
mod pairs;
mod queue;
mod routes;

use contract::{Folder, MessageDetail, MessageList, MessageRow, QueuedMessage, QueuedState};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use support::compose::{drawn, to};
use support::{Http, Receiver, Server, until, voice};
use tempfile::TempDir;

/// What an ordinary mail server offers.
const ESMTP: &[&str] = &[
    "PIPELINING",
    "SIZE 10000000",
    "8BITMIME",
    "ENHANCEDSTATUSCODES",
];

/// So soon is tried again, in these tests.
const SOON: &str = "smtp.outgoing.retry_first_ms = 50\nsmtp.outgoing.retry_max_ms = 200\n";

/// A file of other systems of which b.example is reached at this address, and the setting that names it.
fn routes(dir: &Path, lines: &str) -> String {
    let file = dir.join("routes");
    std::fs::write(&file, lines).expect("a folder to write into");
    format!("smtp.outgoing.routes_file = {file:?}\n")
}

/// That b.example is reached there.
fn by_route(dir: &Path, address: SocketAddr) -> String {
    routes(dir, &format!("b.example {address}\n"))
}

/// A server with the mailbox 7200 (Tilde Brask) that reaches a receiver as b.example.
fn server(receiver: &Receiver, settings: &str) -> (TempDir, Server, Http) {
    let dir = tempfile::tempdir().expect("a folder");
    let route = by_route(dir.path(), receiver.address);
    let soon = if settings.contains("retry_first_ms") {
        ""
    } else {
        SOON
    };
    let settings = format!("{route}{soon}{settings}");
    let server = Server::start(dir.path(), "cp-a.test.example", &settings);
    server.add_user("7200", "Tilde Brask");
    let user = server.log_in("7200").expect("a log-in");
    (dir, server, user)
}

/// Hands a message with a recording of half a second in, under identities that follow from `n`, and returns the one in Sent.
fn send(user: &Http, n: u16, recipients: &[&str]) -> String {
    let recipients: Vec<Value> = recipients.iter().map(|address| to(address)).collect();
    let content = json!({ "recipients": recipients, "subject": "Keys", "text": "" });
    assert_eq!(user.save_draft(n, &content).status, 200);
    assert_eq!(
        user.upload(n, n, 0, &voice::wav(1, 4_000), true).status,
        200
    );
    let sent = user.submit(1_000 + n, n);
    assert_eq!(sent.status, 201, "{}", sent.json());
    sent.json()["message"].as_str().expect("an id").to_owned()
}

/// The Message-ID of what [`send`] sends.
fn message_id(n: u16) -> String {
    format!("<{}@cp-a.test.example>", drawn(1_000 + n))
}

/// What a server says of its queue.
fn queue(server: &Server) -> Vec<QueuedMessage> {
    let answer = server.admin().get("/api/v1/admin/queue");
    serde_json::from_slice(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.json()))
}

/// Waits until all recipients of the only message in the queue are in this state.
fn all(server: &Server, state: QueuedState) -> QueuedMessage {
    until("recipients in that state", || {
        let [message] = &queue(server)[..] else {
            return None;
        };
        let all = message.recipients.iter().all(|its| its.state == state);
        all.then(|| message.clone())
    })
}

/// A folder of a user.
fn folder(server: &Server, user: &Http, folder: Folder) -> Vec<MessageRow> {
    let name = serde_json::to_value(folder).expect("a folder has a name");
    let path = format!("/api/v1/messages?folder={}", name.as_str().expect("a text"));
    let answer = Http::new(server.http, user.token()).get(&path);
    let list: MessageList = serde_json::from_slice(&answer.body).expect("a list");
    list.messages
}

/// One message with its parts.
fn detail(user: &Http, id: &str) -> MessageDetail {
    let answer = user.get(&format!("/api/v1/messages/{id}"));
    serde_json::from_slice(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.json()))
}

/// Waits for the only report in the inbox, and returns its row and all that it says.
fn report(server: &Server, user: &Http) -> (MessageRow, String) {
    let row = until("a report", || {
        let mut inbox = folder(server, user, Folder::Inbox);
        assert!(inbox.len() <= 1, "one report: {inbox:?}");
        inbox.pop()
    });
    let detail = detail(user, &row.id.to_string());
    (row, format!("{:?}", detail.parts))
}

/// Has the process do something with a message of the queue.
fn act(server: &Server, method: &str, id: &str, act: &str) -> u16 {
    let path = format!("/api/v1/admin/queue/{id}{act}");
    let answer = server.admin().ask(method, &path, None);
    answer.expect("an answer").status
}
