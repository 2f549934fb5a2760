//! The command line. `serve` is a server; `user` and `gr` talk to the one that runs with the same configuration; `demo` starts a
//! whole pair. With `--json` every command answers in JSON, faults included.

mod admin;
mod admin_client;
mod audit_trail;
mod class;
mod demo;
mod doctor;
mod gr;
mod partner_address;
mod queue;
mod remote_user;
mod secret;
mod serve;
mod setting;
mod shortcut;
mod signal;
mod table;
mod task;
mod user;

use crate::config::ConfigError;
use clap::{Parser, Subcommand};
use contract::ApiError;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// CallPilot: voice messaging on two servers that stand in for each other.
#[derive(Parser)]
#[command(
    name = "callpilot",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage.\nStart with `callpilot demo`: a pair of servers to try, with users and messages."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Answer in JSON, on standard output.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run a server until it is told to stop.
    Serve(serve::Args),
    /// Users and their mailboxes, on the server that runs with this configuration.
    #[command(subcommand)]
    User(user::Command),
    /// Administrators: their accounts, roles, passwords and sessions.
    #[command(subcommand)]
    Admin(admin::Command),
    /// The mailbox classes of the server.
    #[command(subcommand)]
    Class(class::Command),
    /// VPIM shortcuts: with an overlap they decide which mailboxes are replicated.
    #[command(subcommand)]
    Shortcut(shortcut::Command),
    /// Temporary Remote Users: stubs for users of other servers of the network.
    #[command(subcommand)]
    RemoteUser(remote_user::Command),
    /// Messages on their way to other systems.
    #[command(subcommand)]
    Queue(queue::Command),
    /// The system settings that both servers of a pair share.
    #[command(subcommand)]
    Setting(setting::Command),
    /// The GR pair that the server is half of.
    #[command(subcommand)]
    Gr(gr::Command),
    /// Who did what: administrative acts, sign-ins, and who was refused.
    #[command(subcommand)]
    AuditTrail(audit_trail::Command),
    /// Start a GR pair on this machine with users and voice messages, to try things.
    Demo(demo::Args),
    /// Look for what is wrong with a server: configuration, data folder, process, partner.
    Doctor(doctor::Args),
    /// Print the hash of a password, for `password_hash` in section [admin] of the configuration.
    HashPassword(secret::PasswordFrom),
}

/// Where the configuration is unless told otherwise.
const CONFIG: &str = "/etc/callpilot.toml";

/// Which server a command is for.
#[derive(clap::Args)]
struct Server {
    /// The server's configuration file.
    #[arg(
        long,
        short,
        value_name = "FILE",
        env = "CALLPILOT_CONFIG",
        default_value = CONFIG
    )]
    config: PathBuf,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{message}\nReference: {reference}", message = .0.message, reference = .0.reference)]
    Refused(ApiError),
    #[error("{0}")]
    Plain(String),
    /// The answer has been printed; it says what is wrong.
    #[error("")]
    Told,
}

impl Failure {
    fn new(text: impl Into<String>) -> Self {
        Self::Plain(text.into())
    }
}

/// How a command answers.
#[derive(Clone, Copy)]
struct Output {
    json: bool,
}

impl Output {
    /// One answer: as JSON, or as people read it.
    fn say<T: Serialize>(self, value: &T, human: impl FnOnce() -> String) -> Result<(), Failure> {
        let text = if self.json {
            serde_json::to_string(value).map_err(|e| Failure::new(e.to_string()))?
        } else {
            human()
        };
        print_line(&text);
        Ok(())
    }

    fn failed(self, failure: &Failure) -> ExitCode {
        let text = failure.to_string();
        if self.json && !text.is_empty() {
            let error = match failure {
                Failure::Refused(error) => serde_json::json!({ "error": error }),
                other => serde_json::json!({ "error": { "message": other.to_string() } }),
            };
            print_line(&error.to_string());
        } else if !text.is_empty() {
            eprintln!("callpilot: {text}");
        }
        ExitCode::FAILURE
    }
}

/// Asks whether to go on; without a terminal nobody can be asked.
fn agreed(question: &str) -> Result<bool, Failure> {
    use std::io::{BufRead, IsTerminal};
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            "This asks first. Add --yes to do it without being asked.",
        ));
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|e| Failure::new(e.to_string()))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// A reader that has gone away (`| head`) is no fault of the command.
fn print_line(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => return misused(&told, std::env::args_os().any(|a| a == "--json")),
    };
    let out = Output { json: cli.json };
    let done = match cli.command {
        Command::Serve(args) => serve::run(args, out),
        Command::User(command) => wait_for(user::run(command, out)),
        Command::Admin(command) => wait_for(admin::run(command, out)),
        Command::Class(command) => wait_for(class::run(command, out)),
        Command::Shortcut(command) => wait_for(shortcut::run(command, out)),
        Command::RemoteUser(command) => wait_for(remote_user::run(command, out)),
        Command::Queue(command) => wait_for(queue::run(command, out)),
        Command::Setting(command) => wait_for(setting::run(command, out)),
        Command::Gr(command) => wait_for(gr::run(command, out)),
        Command::AuditTrail(command) => wait_for(audit_trail::run(command, out)),
        Command::Demo(args) => wait_for(demo::run(args, out)),
        Command::Doctor(args) => wait_for(doctor::run(args, out)),
        Command::HashPassword(from) => secret::print_hash(&from, out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => out.failed(&failure),
    }
}

/// Threads for what waits for the disk or takes a processor for a while. Each keeps some memory of its own; what takes long has bounds of its own
/// and never needs so many.
const BLOCKING_THREADS_MAX: usize = 64;

/// Tells of wrong usage, or shows the help that was asked for.
fn misused(told: &clap::Error, json: bool) -> ExitCode {
    if json && told.use_stderr() {
        print_line(&usage_error(told).to_string());
    } else {
        // A reader that has gone away is no fault.
        let _ = told.print();
    }
    ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2))
}

/// Wrong usage, for programs.
fn usage_error(told: &clap::Error) -> serde_json::Value {
    let text = told.render().to_string();
    let text = text.trim().trim_start_matches("error: ");
    serde_json::json!({ "error": { "message": text } })
}

/// Runs a command that waits for sockets and processes.
fn wait_for(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build();
    let runtime = runtime.map_err(|e| Failure::new(format!("threads cannot be started: {e}")))?;
    let done = runtime.block_on(command);
    // Somebody may still be asked for input on a thread that cannot be stopped.
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_server_is_run_with_the_configuration_that_the_other_commands_take() {
        let path = |args: &[&str]| match Cli::try_parse_from(args).map(|cli| cli.command) {
            Ok(Command::Serve(args)) => args.path().to_owned(),
            _ => panic!("{args:?}"),
        };
        assert_eq!(
            path(&["callpilot", "serve", "-c", "a.toml"]),
            PathBuf::from("a.toml")
        );
        if std::env::var_os("CALLPILOT_CONFIG").is_none() {
            assert_eq!(path(&["callpilot", "serve"]), PathBuf::from(CONFIG));
        }
    }

    #[test]
    fn wrong_usage_is_told_to_programs_in_json() {
        let told = Cli::try_parse_from(["callpilot", "user", "add", "72x", "--json"]);
        let error = usage_error(&told.err().expect("wrong usage"));
        let message = error["error"]["message"].as_str().unwrap_or_default();
        assert!(
            message.contains("3 to 20 digits") && !message.contains('\u{1b}'),
            "{error}"
        );
    }

    #[test]
    fn json_can_be_asked_for_behind_the_command() {
        let cli =
            Cli::try_parse_from(["callpilot", "user", "list", "--config", "x.toml", "--json"])
                .unwrap();
        assert!(cli.json);
        assert!(
            Cli::try_parse_from(["callpilot", "user", "add", "72x"])
                .is_err_and(|e| e.exit_code() == 2)
        );
    }
}
