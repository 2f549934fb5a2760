//! Setting up the log: structured, on standard error, in one of two forms.

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Libraries that log what is wrong with what a stranger sent, frame by frame and packet by packet: a stranger would fill the log and the disk. What of it
/// matters to an administrator this server says itself, within bounds.
const QUIET: [&str; 7] = [
    "symphonia=off",
    "h2=error",
    "hyper=error",
    "hyper_util=error",
    "rustls=error",
    "tokio_rustls=error",
    "tower=error",
];

/// Starts logging. A second call changes nothing.
pub fn start(rules: &Log) {
    let filter = rules
        .level
        .parse::<EnvFilter>()
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let quiet = QUIET.iter().filter_map(|rule| rule.parse().ok());
    let filter = quiet.fold(filter, EnvFilter::add_directive);
    let colours = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_ansi(colours)
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // Fails only if a log was started before, as tests do.
    let _ = match rules.format {
        LogFormat::Human => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
