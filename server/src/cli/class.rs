//! `callpilot class …`.

use super::admin_client::AdminClient;
use super::table::table;
use super::{Failure, Output, Server};
use contract::{ClassName, MailboxClass};
use hyper::Method;

const CLASSES: &str = "/api/v1/admin/classes";

/// What to do with mailbox classes. They are each server's own: a user of the partner whose class is missing here does not come.
#[derive(clap::Subcommand)]
pub enum Command {
    /// List the mailbox classes of this server.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Add a mailbox class.
    Add {
        #[command(flatten)]
        class: Class,
    },
    /// Give a mailbox class another name.
    Set {
        #[command(flatten)]
        class: Class,
    },
    /// Remove a mailbox class that no user has.
    Remove {
        /// Its number.
        number: u32,
        #[command(flatten)]
        server: Server,
    },
}

/// A class of a server.
#[derive(clap::Args)]
pub struct Class {
    /// Its number: 1 to 999.
    number: u32,
    /// Its name.
    name: String,
    #[command(flatten)]
    server: Server,
}

/// Does it.
pub async fn run(command: Command, out: Output) -> Result<(), Failure> {
    match command {
        Command::List { server } => {
            let all: Vec<MailboxClass> = AdminClient::of(&server)?.get(CLASSES).await?;
            out.say(&all, || {
                let rows = all.iter().map(|c| [c.number.to_string(), c.name.clone()]);
                table(["NUMBER", "NAME"], rows)
            })
        }
        Command::Add { class } => {
            let Class {
                number,
                name,
                server,
            } = class;
            let client = AdminClient::of(&server)?;
            let new = MailboxClass { number, name };
            let class: MailboxClass = client.send_json(Method::POST, CLASSES, &new).await?;
            out.say(&class, || {
                format!("Mailbox class {} is there: {}.", class.number, class.name)
            })
        }
        Command::Set { class } => {
            let client = AdminClient::of(&class.server)?;
            let path = format!("{CLASSES}/{}", class.number);
            let name = ClassName { name: class.name };
            let class: MailboxClass = client.send_json(Method::PUT, &path, &name).await?;
            out.say(&class, || {
                format!(
                    "Mailbox class {} is called {} now.",
                    class.number, class.name
                )
            })
        }
        Command::Remove { number, server } => {
            let client = AdminClient::of(&server)?;
            let path = format!("{CLASSES}/{number}");
            client.send(Method::DELETE, &path, None).await?;
            out.say(&serde_json::json!({ "number": number }), || {
                format!("Mailbox class {number} is removed.")
            })
        }
    }
}
