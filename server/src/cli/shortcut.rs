//! `callpilot shortcut …`.

use super::admin_client::AdminClient;
use super::table::table;
use super::{Failure, Output, Server};
use contract::VpimShortcut;
use hyper::Method;

const SHORTCUTS: &str = "/api/v1/admin/shortcuts";

/// What to do with VPIM shortcuts. With an overlap they decide which mailboxes of this server are replicated.
#[derive(clap::Subcommand)]
pub enum Command {
    /// List the VPIM shortcuts of this server.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Add a VPIM shortcut.
    Add {
        /// What is dialled before a mailbox number: 1 to 20 digits.
        #[arg(value_parser = digits)]
        prefix: String,
        /// So many of the prefix's last digits are the mailbox number's first.
        #[arg(long, value_name = "DIGITS", default_value_t = 0)]
        overlap: u8,
        #[command(flatten)]
        server: Server,
    },
    /// Remove a VPIM shortcut.
    Remove {
        /// Its prefix.
        #[arg(value_parser = digits)]
        prefix: String,
        #[command(flatten)]
        server: Server,
    },
}

fn digits(text: &str) -> Result<String, String> {
    if (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("a prefix has 1 to 20 digits".into())
    }
}

/// Does it.
pub async fn run(command: Command, out: Output) -> Result<(), Failure> {
    match command {
        Command::List { server } => {
            let all: Vec<VpimShortcut> = AdminClient::of(&server)?.get(SHORTCUTS).await?;
            out.say(&all, || {
                if all.is_empty() {
                    return "There is no VPIM shortcut.".into();
                }
                let rows = all
                    .iter()
                    .map(|s| [s.prefix.clone(), s.overlap.to_string()]);
                table(["PREFIX", "OVERLAP"], rows)
            })
        }
        Command::Add {
            prefix,
            overlap,
            server,
        } => {
            let client = AdminClient::of(&server)?;
            let new = VpimShortcut { prefix, overlap };
            let added: VpimShortcut = client.send_json(Method::POST, SHORTCUTS, &new).await?;
            out.say(&added, || {
                format!(
                    "The shortcut {} with an overlap of {} is there.",
                    added.prefix, added.overlap
                )
            })
        }
        Command::Remove { prefix, server } => {
            let client = AdminClient::of(&server)?;
            let path = format!("{SHORTCUTS}/{prefix}");
            client.send(Method::DELETE, &path, None).await?;
            out.say(&serde_json::json!({ "prefix": prefix }), || {
                format!("The shortcut {prefix} is removed.")
            })
        }
    }
}
