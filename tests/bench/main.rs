//! Measures a GR pair on this machine: two real servers on loopback, driven from outside; and its engine alone.
//!
//! ```text
//! delay       one message at a time: from the end of DATA on one server to an event of the partner
//! throughput  many messages in pipelines, beside what the disk does when each is simply written twice
//! bundle      size of the browser client
//! list        scrolling and keys in the browser client with 5,000 messages
//! failover    from SIGKILL to the inbox, by the SDK's client
//! engine      histories of the simulator, and changes and messages through two engines in memory
//! compare     finding out in what two servers with very many users differ, in memory and over two stores
//! ```
//! Numbers of a busy machine say nothing: let it do nothing else.

mod bundle;
mod compare;
mod delay;
mod disk;
mod engine;
mod failover;
mod list;
mod machine;
mod report;
mod stock;
mod throughput;
mod wired;

use clap::{Parser, ValueEnum};
use report::Report;
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures a GR pair on this machine.
#[derive(Parser, Debug)]
#[command(name = "callpilot-bench")]
struct Args {
    /// What to measure; everything unless said.
    #[arg(long, value_delimiter = ',')]
    only: Vec<What>,
    /// Print one line of JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Octets of sound in a message.
    #[arg(long, default_value_t = 120_000)]
    size: usize,
    /// Messages sent one at a time for the delay.
    #[arg(long, default_value_t = 300)]
    rounds: usize,
    /// Messages sent for the throughput.
    #[arg(long, default_value_t = 2_000)]
    messages: usize,
    /// Mailboxes that they go to.
    #[arg(long, default_value_t = 200)]
    mailboxes: usize,
    /// Connections that they come by.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// How often throughput and comparisons are measured; the median counts.
    #[arg(long, default_value_t = 3)]
    passes: usize,
    /// Users of the servers that are compared.
    #[arg(long, default_value_t = 100_000)]
    users: u64,
    /// How often the primary is killed.
    #[arg(long, default_value_t = 5)]
    kills: usize,
    /// Folder of the built browser client.
    #[arg(long, env = "CALLPILOT_WEB_ROOT", default_value = "dist")]
    web_root: PathBuf,
    /// Folder for the servers' data, on the disk that is to be measured; a new one below it is used and removed.
    #[arg(long)]
    dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Delay,
    Throughput,
    Bundle,
    List,
    Failover,
    Engine,
    Compare,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let dir = match &args.dir {
        Some(dir) => tempfile::tempdir_in(dir),
        None => tempfile::tempdir(),
    };
    let dir = match dir {
        Ok(dir) => dir,
        Err(error) => {
            eprintln!("There is no room for the servers' data: {error}.");
            return ExitCode::FAILURE;
        }
    };
    let wanted = |what| args.only.is_empty() || args.only.contains(&what);
    let mut report = Report::new(machine::describe(dir.path()));
    if wanted(What::Delay) {
        delay::measure(dir.path(), &args, &mut report);
    }
    if wanted(What::Throughput) {
        throughput::measure(dir.path(), &args, &mut report);
    }
    if wanted(What::Bundle) {
        bundle::measure(&args.web_root, &mut report);
    }
    if wanted(What::List) {
        list::measure(&args.web_root, &mut report);
    }
    if wanted(What::Failover) {
        failover::measure(dir.path(), &args, &mut report);
    }
    if wanted(What::Engine) {
        engine::measure(&mut report);
    }
    if wanted(What::Compare) {
        compare::measure(dir.path(), &args, &mut report);
    }
    if args.json {
        println!("{}", report.json());
    } else {
        print!("{}", report.table());
    }
    ExitCode::SUCCESS
}
