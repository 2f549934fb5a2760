//! Follows what happens in a mailbox, on whichever server answers: `follow_events SERVER MAILBOX PASSWORD`. Runs until interrupted.

use plugin_sdk::contract::{Event, Folder};
use plugin_sdk::{ClientEvent, Config, Handle};
use std::io::Write;
use std::sync::mpsc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [server, mailbox, password] = &args[..] else {
        return Err("usage: follow_events SERVER MAILBOX PASSWORD".into());
    };
    follow(Config::new(server), mailbox, password, std::io::stdout())
}

/// Writes a line for each event, until the session ends or nobody reads.
pub fn follow(
    config: Config,
    mailbox: &str,
    password: &str,
    mut out: impl Write,
) -> Result<(), Box<dyn std::error::Error>> {
    let handle = Handle::start(config)?;
    let (events, heard) = mpsc::channel();
    // The callback runs on the client's thread: what takes long is done here.
    let _listening = handle.subscribe(move |event| {
        let _ = events.send(event.clone());
    });
    let (mailbox, password) = (mailbox.to_owned(), password.to_owned());
    handle.call_blocking(async move |client| client.session().login(&mailbox, &password).await)?;
    let inbox =
        async |client: plugin_sdk::Client| client.messages().page(Folder::Inbox, None, None).await;
    let mut count = handle.call_blocking(inbox)?.messages.len();
    for event in heard {
        match event {
            ClientEvent::Status(status) => writeln!(out, "connection: {:?}", status.state)?,
            ClientEvent::Server(Event::Message {
                row, arrived: true, ..
            }) => {
                writeln!(out, "new message from {}: {}", row.sender.name, row.subject)?;
            }
            ClientEvent::Server(Event::Message { row, .. }) => {
                writeln!(out, "changed: {}", row.subject)?
            }
            ClientEvent::Server(Event::Gone { id, .. }) => writeln!(out, "gone: {id}")?,
            ClientEvent::ListStale => {
                // Another server, or a gap: what was missed is in the list.
                let before =
                    std::mem::replace(&mut count, handle.call_blocking(inbox)?.messages.len());
                writeln!(
                    out,
                    "list read again: {before} messages before, {count} now"
                )?;
            }
            ClientEvent::SessionEnded => return Ok(writeln!(out, "the session has ended")?),
            ClientEvent::Server(_) | ClientEvent::SessionRenewed(_) => {}
        }
    }
    Ok(())
}
