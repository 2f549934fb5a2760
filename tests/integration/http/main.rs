//! The HTTP service of a real server, over real sockets.

mod admin;
mod administrators;
mod audio;
mod audit_trail;
mod cli;
mod commands;
mod conditions;
mod cross_site;
mod crowds;
mod deleted;
mod document;
mod drafts;
mod events;
mod generated;
mod limits;
mod local_socket;
mod messages;
mod own;
mod own_password;
mod pages;
mod repeated;
mod sdk;
mod search;
mod session;
mod shapes;
mod tasks;

use contract::MessageRow;
use support::{Http, Server, Smtp, until, voice};
use tempfile::TempDir;

/// A server with the mailboxes 7200 (Tilde Brask) and 7201 (Odo Renn).
fn server(settings: &str) -> (TempDir, Server) {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(dir.path(), "cp-a.test.example", settings);
    server.add_user("7200", "Tilde Brask");
    server.add_user("7201", "Odo Renn");
    (dir, server)
}

/// Tilde Brask, logged in.
fn tilde(server: &Server) -> Http {
    server.log_in("7200").expect("a log-in")
}

/// Leaves a voice message of one second for 7200 and returns its row.
fn message(server: &Server, user: &Http, seed: u64) -> MessageRow {
    let mail = voice::message(
        "4711@client.example",
        "7200@cp-a.test.example",
        seed,
        voice::SECOND,
    );
    let reply =
        Smtp::hello(server.smtp).mail("4711@client.example", &["7200@cp-a.test.example"], &mail);
    assert_eq!(reply.code, 250, "{reply:?}");
    until("the message in the list", || {
        server
            .inbox(user)
            .messages
            .into_iter()
            .find(|m| m.subject == voice::subject(seed))
    })
}
