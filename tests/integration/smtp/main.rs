//! The mail service of a real server, over real sockets.

mod again;
mod content;
mod costly;
mod dialogue;
mod foreign;
mod gr_mail;
mod limits;
mod peers;
mod pipeline;
mod quota;
mod safety;

use support::Server;

/// A server with the mailboxes 7200 (Tilde Brask) and 7201 (Odo Renn).
fn server(settings: &str) -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(dir.path(), "cp-a.test.example", settings);
    server.add_user("7200", "Tilde Brask");
    server.add_user("7201", "Odo Renn");
    (dir, server)
}

/// A short voice message.
fn short(seed: u64) -> Vec<u8> {
    support::voice::message("4711@client.example", "7200@cp-a.test.example", seed, 2_000)
}

const A: &str = "7200@cp-a.test.example";
const B: &str = "7201@cp-a.test.example";
const FROM: &str = "4711@client.example";
