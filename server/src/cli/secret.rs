//! Passwords on the command line: asked for without showing them, read from a file or from standard input.

use super::{Failure, Output};
use crate::config::ADMIN_PASSWORD_LENGTH_MIN;
use crate::operations::pair::generate_password;
use crate::operations::password_rules;
use crate::password;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

/// Where a password comes from.
#[derive(clap::Args)]
pub struct PasswordFrom {
    /// Read the password from the first line of a file. Without this and --password it is asked for, or read from standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    password_file: Option<PathBuf>,
    /// The password itself. Everybody on this machine can see it while the command runs, and it stays in the shell's history: for
    /// tries only.
    #[arg(long)]
    password: Option<String>,
}

impl PasswordFrom {
    fn is_given(&self) -> bool {
        self.password.is_some() || self.password_file.is_some()
    }

    /// The password.
    pub fn read(&self, what: &str) -> Result<String, Failure> {
        let line = match (&self.password, &self.password_file) {
            (Some(password), _) => password.clone(),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|e| Failure::new(format!("{}: {e}", path.display())))?;
                text.lines().next().unwrap_or_default().to_owned()
            }
            (None, None) if std::io::stdin().is_terminal() => return ask_twice(what),
            (None, None) => line()?,
        };
        if line.is_empty() {
            Err(Failure::new(format!("The {what} is empty.")))
        } else {
            Ok(line)
        }
    }
}

/// Where a new GR password comes from.
#[derive(clap::Args)]
pub struct NewGrPasswordFrom {
    #[command(flatten)]
    given: PasswordFrom,
    /// Make one that nobody guesses, and print it.
    #[arg(long, conflicts_with_all = ["password", "password_file"])]
    generate: bool,
    /// It holds at once: for a password that has become known to others. Without this the one of before goes on holding until the partner has the
    /// new one, too, and nothing pauses.
    #[arg(long)]
    pub at_once: bool,
}

impl NewGrPasswordFrom {
    /// The password, and whether it was made here.
    pub fn read(&self) -> Result<(String, bool), Failure> {
        let what = "GR password";
        if self.generate {
            return Ok((generate_password(), true));
        }
        if self.given.is_given() || !std::io::stdin().is_terminal() {
            return Ok((self.given.read(what)?, false));
        }
        let first = ask("GR password (only Enter: one is made that nobody guesses): ")?;
        if first.is_empty() {
            return Ok((generate_password(), true));
        }
        again(what, first).map(|password| (password, false))
    }
}

fn ask_twice(what: &str) -> Result<String, Failure> {
    let first = ask(&format!("{what}: "))?;
    again(what, first)
}

fn again(what: &str, first: String) -> Result<String, Failure> {
    if first != ask(&format!("{what}, again: "))? {
        return Err(Failure::new(
            "The two are not the same. Nothing was changed.",
        ));
    }
    Ok(first)
}

/// Asks without showing what is typed.
fn ask(prompt: &str) -> Result<String, Failure> {
    let fault =
        |e: rustix::io::Errno| Failure::new(format!("the terminal cannot hide what is typed: {e}"));
    eprint!("{prompt}");
    let _ = std::io::stderr().flush();
    let stdin = std::io::stdin();
    let shown = tcgetattr(&stdin).map_err(fault)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &hidden).map_err(fault)?;
    let line = line();
    // Whatever happened: the terminal shows again what is typed.
    let restored = tcsetattr(&stdin, OptionalActions::Flush, &shown).map_err(fault);
    eprintln!();
    restored.and(line)
}

fn line() -> Result<String, Failure> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|e| Failure::new(format!("standard input: {e}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// `callpilot hash-password`. What no administrator could choose is not hashed for one either.
pub fn print_hash(from: &PasswordFrom, out: Output) -> Result<(), Failure> {
    let password = from.read("password")?;
    password_rules::judge(&password, ADMIN_PASSWORD_LENGTH_MIN, &[]).map_err(Failure::new)?;
    let hash = password::hash_blocking(&password, crate::clock::random());
    out.say(&serde_json::json!({ "password_hash": hash }), || {
        hash.clone()
    })
}
