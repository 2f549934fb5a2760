//! Sound that is asked for in a way that would cost much.

use crate::Target;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;
use support::{connect_from, until, voice};

/// Messages of an hour.
const HOURS: u64 = 3;
const HOUR: usize = 3_600 * voice::SECOND;

/// The addresses of messages of an hour each, left by strangers.
fn hours(target: &Target<'_>) -> Vec<String> {
    let mailbox = target.mailbox();
    // What an earlier attack has left, and is deleted since, would not come again.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    for _ in 0..HOURS {
        let seed = NEXT.fetch_add(1, Ordering::Relaxed);
        let mail = voice::message("stranger@client.example", &mailbox, seed, HOUR);
        target.leave([127, 0, 4, 1], &mail);
    }
    until("the messages", || {
        let list = target.victim.ask("GET", "/api/v1/messages", None)?.json();
        let rows = list["messages"].as_array()?;
        let ids = rows.iter().filter_map(|row| row["id"].as_str());
        let paths: Vec<_> = ids
            .map(|id| format!("/api/v1/messages/{id}/audio"))
            .collect();
        (!paths.is_empty()).then_some(paths)
    })
}

/// Two octets of the end, again and again.
pub fn ends_of_an_hour(target: &Target<'_>) {
    let paths = hours(target);
    thread::scope(|scope| {
        for n in 0..20 {
            let path = &paths[n % paths.len()];
            scope.spawn(move || {
                for _ in 0..10 {
                    let range = [("Range", "bytes=-2")];
                    let _ = target.victim.ask_with("GET", path, &range, None);
                }
            });
        }
    });
}

/// All of it, and nobody reads.
pub fn unread(target: &Target<'_>) {
    let paths = hours(target);
    let token = target.victim.token();
    let held: Vec<_> = (0..200_usize)
        .map(|n| {
            let path = &paths[n % paths.len()];
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
            let address = [127, 0, 5, 1 + (n % 4) as u8];
            connect_from(address, target.server.http, request)
        })
        .collect();
    thread::park_timeout(Duration::from_secs(15));
    drop(held);
}

/// One user asks for all of it on many connections at once.
pub fn one_listener(target: &Target<'_>) {
    let paths = hours(target);
    let token = target.victim.token();
    let held: Vec<_> = (0..800_usize)
        .map(|n| {
            let path = &paths[n % paths.len()];
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
            let address = [127, 0, 9, 1 + (n % 10) as u8];
            connect_from(address, target.server.http, request)
        })
        .collect();
    thread::park_timeout(Duration::from_secs(15));
    drop(held);
}
