//! `callpilot remote-user …`.

use super::admin_client::AdminClient;
use super::table::table;
use super::user::number;
use super::{Failure, Output, Server};
use contract::RemoteUser;
use hyper::Method;

const REMOTE_USERS: &str = "/api/v1/admin/remote-users";

/// What to do with Temporary Remote Users. A user of the partner whose number one of them has does not come here.
#[derive(clap::Subcommand)]
pub enum Command {
    /// List the Temporary Remote Users of this server.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Add a Temporary Remote User.
    Add {
        /// Mailbox number: 3 to 20 digits.
        #[arg(value_parser = number)]
        mailbox: String,
        /// Display name.
        name: String,
        /// Where its mail goes, such as 1000@vm.example.net.
        address: String,
        #[command(flatten)]
        server: Server,
    },
    /// Remove a Temporary Remote User. If the partner has a user with its number, that one comes now.
    Remove {
        /// Mailbox number.
        #[arg(value_parser = number)]
        mailbox: String,
        #[command(flatten)]
        server: Server,
    },
}

/// Does it.
pub async fn run(command: Command, out: Output) -> Result<(), Failure> {
    match command {
        Command::List { server } => {
            let all: Vec<RemoteUser> = AdminClient::of(&server)?.get(REMOTE_USERS).await?;
            out.say(&all, || {
                if all.is_empty() {
                    return "There is no Temporary Remote User.".into();
                }
                let rows = all
                    .iter()
                    .map(|u| [u.mailbox.clone(), u.name.clone(), u.address.clone()]);
                table(["MAILBOX", "NAME", "ADDRESS"], rows)
            })
        }
        Command::Add {
            mailbox,
            name,
            address,
            server,
        } => {
            let client = AdminClient::of(&server)?;
            let new = RemoteUser {
                mailbox,
                name,
                address,
            };
            let added: RemoteUser = client.send_json(Method::POST, REMOTE_USERS, &new).await?;
            out.say(&added, || {
                format!(
                    "{} of {} is a Temporary Remote User now.",
                    added.mailbox, added.name
                )
            })
        }
        Command::Remove { mailbox, server } => {
            let client = AdminClient::of(&server)?;
            let path = format!("{REMOTE_USERS}/{mailbox}");
            client.send(Method::DELETE, &path, None).await?;
            out.say(&serde_json::json!({ "mailbox": mailbox }), || {
                format!("The Temporary Remote User {mailbox} is removed.")
            })
        }
    }
}
