//! Lists the inbox and plays the newest message in it: `list_and_play SERVER MAILBOX PASSWORD [PLAYER]`. The player gets a WAV file on
//! its standard input; `aplay` unless said.

use plugin_sdk::contract::Folder;
use plugin_sdk::{Config, Handle};
use std::io::Write;
use std::process::{Command, Stdio};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [server, mailbox, password, player @ ..] = &args[..] else {
        return Err("usage: list_and_play SERVER MAILBOX PASSWORD [PLAYER]".into());
    };
    let player = player.first().map_or("aplay", String::as_str);
    let out = std::io::stdout();
    list_and_play(Config::new(server), mailbox, password, player, out)
}

/// Lists the inbox, and gives its newest message to `player`.
pub fn list_and_play(
    config: Config,
    mailbox: &str,
    password: &str,
    player: &str,
    mut out: impl Write,
) -> Result<(), Box<dyn std::error::Error>> {
    let handle = Handle::start(config)?;
    let (mailbox, password) = (mailbox.to_owned(), password.to_owned());
    let inbox = handle.call_blocking(async move |client| {
        client.session().login(&mailbox, &password).await?;
        client.messages().page(Folder::Inbox, None, None).await
    })?;
    for row in &inbox.messages {
        let seconds = row.duration_ms / 1_000;
        writeln!(out, "{seconds:>4} s  {}", row.subject)?;
    }
    let Some(id) = inbox.messages.first().map(|newest| newest.id) else {
        return Ok(writeln!(out, "There is nothing to hear.")?);
    };
    let sound = handle.call_blocking(async move |client| {
        // While it plays, the client does not go back to the primary.
        client.playback(true);
        let progress = |so_far: plugin_sdk::Progress| eprintln!("{} bytes", so_far.bytes);
        client.messages().audio(id, None, progress).await
    })?;
    let mut child = Command::new(player).stdin(Stdio::piped()).spawn()?;
    let mut ear = child.stdin.take().ok_or("the player takes nothing")?;
    ear.write_all(&sound)?;
    drop(ear);
    let heard = child.wait()?.success();
    handle.call_blocking(async move |client| {
        client.playback(false);
        client.messages().set_unread(id, !heard).await
    })?;
    Ok(())
}
