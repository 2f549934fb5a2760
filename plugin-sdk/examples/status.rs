//! Shows the connection to a GR pair, and how it fails over and goes back: `status SERVER`, for example
//! `cargo run --release -p plugin-sdk --features native --example status https://cp-north.example.net`. Runs until interrupted.

use plugin_sdk::{Config, Error, Handle, State, Status};
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = std::env::args().nth(1).ok_or("usage: status SERVER")?;
    show(Config::new(server), std::io::stdout(), |_| false)?;
    Ok(())
}

/// Writes a line for each state of the connection, until one is `enough`.
pub fn show(
    config: Config,
    mut out: impl Write,
    enough: impl Fn(&Status) -> bool,
) -> Result<(), Error> {
    let handle = Handle::start(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("the system gives a runtime");
    let mut shown = String::new();
    loop {
        let news = handle.status_when(|status| line(status) != shown);
        let status = runtime.block_on(news);
        shown = line(&status);
        // Who pipes this into something that ends has seen enough.
        if writeln!(out, "{shown}").is_err() || enough(&status) {
            return Ok(());
        }
    }
}

fn line(status: &Status) -> String {
    let what = match status.state {
        State::Connecting => "connecting",
        State::OnPrimary => "connected to the primary",
        State::Switching => "failing over: the server in use does not answer",
        State::OnPartner => "working on the partner",
        State::GoingBack => "working on the partner, the primary is back",
        State::Unreachable => "neither server answers",
        State::Maintenance => "working on the partner, the primary is in maintenance",
    };
    let primary = (&status.primary.fqdn, status.primary.health);
    let partner = status.partner.as_ref();
    let partner = partner.map(|server| (&server.fqdn, server.health));
    format!("{what}; primary {primary:?}, partner {partner:?}")
}
