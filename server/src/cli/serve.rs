//! `callpilot serve`.

use super::{CONFIG, Failure, Output, print_line, signal, wait_for};
use crate::config::Config;
use crate::{http, log, serve};
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// Options of `serve`.
#[derive(clap::Args)]
pub struct Args {
    /// The configuration file; /etc/callpilot.toml if none is named.
    #[arg(long, short, value_name = "FILE", env = "CALLPILOT_CONFIG")]
    config: Option<PathBuf>,
    /// Print every setting with its unit, default and reason, and stop. With --config: with the values of that file; with --json: as a list.
    #[arg(long)]
    print_config: bool,
    /// Stop when standard input is closed: for programs that start a server and may end without notice.
    #[arg(long)]
    stop_with_stdin: bool,
}

impl Args {
    /// The configuration file of the server that is run.
    pub(super) fn path(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new(CONFIG))
    }
}

/// Runs a server.
pub fn run(args: Args, out: Output) -> Result<(), Failure> {
    let path = args.config.as_deref();
    if args.print_config && out.json {
        return out.say(&Config::list(path)?, String::new);
    }
    if args.print_config {
        print_line(Config::print(path)?.trim_end());
        return Ok(());
    }
    let config = Config::load(args.path())?;
    log::start(&config.log);
    wait_for(async move {
        let stop = CancellationToken::new();
        signal::stop_on_signal(stop.clone())?;
        if args.stop_with_stdin {
            signal::stop_with_stdin(stop.clone());
        }
        serve::serve(config, stop)
            .await
            .map_err(|e| Failure::new(http::chain(&e)))
    })
}
