//! Two real servers that are a GR pair: what one has, the other gets, whatever happens to either or to the way between them.

mod administrators;
mod again;
mod clocks;
mod crowds;
mod cut;
mod damage;
mod data;
mod disk;
mod kill;
mod messages;
mod password;
mod repeated;
mod restore;
mod sending;
mod slow;
mod stock;
mod task_commands;
mod tasks;
mod users;

use contract::{Folder, MessageList, MessageRow};
use std::collections::BTreeSet;
use support::{Http, Pair, Server, Smtp, until, voice};
use tempfile::TempDir;

/// A pair whose server a has the mailbox 7200 (Tilde Brask), known on both.
fn pair(settings: &str) -> (TempDir, Pair) {
    let dir = tempfile::tempdir().expect("a folder");
    let pair = Pair::start(dir.path(), settings);
    pair.a.add_user("7200", "Tilde Brask");
    pair.running();
    (dir, pair)
}

/// Logs 7200 in, as soon as the server knows the user.
fn tilde(server: &Server) -> Http {
    until("a log-in", || server.log_in("7200"))
}

/// Leaves a short voice message for 7200 of server a; true if it was accepted.
fn leave(server: &Server, seed: u64) -> bool {
    let to = "7200@cp-a.test.example";
    let mail = voice::message("4711@client.example", to, seed, voice::SECOND);
    Smtp::hello(server.smtp)
        .mail("4711@client.example", &[to], &mail)
        .code
        == 250
}

/// A folder of a user, whole.
fn folder(server: &Server, user: &Http, folder: Folder) -> Vec<MessageRow> {
    let name = serde_json::to_value(folder).expect("a folder has a name");
    let path = format!("/api/v1/messages?folder={}", name.as_str().expect("a text"));
    let answer = Http::new(server.http, user.token()).get(&path);
    let list: MessageList = serde_json::from_slice(&answer.body).expect("a list");
    list.messages
}

/// Subjects of the inbox, each once.
fn subjects(server: &Server, user: &Http) -> BTreeSet<String> {
    let rows = folder(server, user, Folder::Inbox);
    let subjects: BTreeSet<String> = rows.iter().map(|row| row.subject.clone()).collect();
    assert_eq!(subjects.len(), rows.len(), "no message is there twice");
    subjects
}

/// Waits until both servers show the same three folders, and returns the inbox.
fn agree(pair: &Pair, user: &Http) -> Vec<MessageRow> {
    pair.running();
    until("the same folders on both", || {
        let of = |server| {
            [Folder::Inbox, Folder::Sent, Folder::Deleted].map(|f| folder(server, user, f))
        };
        let (a, b) = (of(&pair.a), of(&pair.b));
        (a == b).then(|| a[0].clone())
    })
}
