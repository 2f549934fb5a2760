//! `callpilot setting …`.

use super::admin_client::AdminClient;
use super::{Failure, Output, Server};
use contract::{EmailServer, NameDialing, NameOrder, SettingsPatch, SystemSettings};
use hyper::Method;

const SETTINGS: &str = "/api/v1/admin/settings";

/// What to do with the system settings that both servers of a pair share.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Show the system settings.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Set system settings, on both servers. What is not named stays as it is.
    Set {
        /// Local broadcast mailbox: the number that reaches all users of one server; "" for none.
        #[arg(long, value_name = "NUMBER")]
        broadcast_mailbox: Option<String>,
        /// What is dialled before a name: at most 8 digits; "" if names cannot be dialled.
        #[arg(long, value_name = "DIGITS")]
        name_prefix: Option<String>,
        /// In which order a name is dialled.
        #[arg(long, value_name = "ORDER")]
        name_order: Option<Order>,
        #[command(flatten)]
        server: Server,
    },
    /// Add an e-mail server to the list, on both servers.
    Add {
        /// What it is called.
        name: String,
        /// Host name or address.
        host: String,
        /// Its IMAP port; 993 if it is encrypted, else 143.
        #[arg(long)]
        port: Option<u16>,
        /// The connection is not encrypted.
        #[arg(long)]
        plain: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Remove an e-mail server from the list, on both servers.
    Remove {
        /// What it is called.
        name: String,
        #[command(flatten)]
        server: Server,
    },
}

/// In which order a name is dialled.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Order {
    /// Last name, then first name.
    LastFirst,
    /// First name, then last name.
    FirstLast,
}

/// Does it.
pub async fn run(command: Command, out: Output) -> Result<(), Failure> {
    let (client, patch) = match command {
        Command::List { server } => {
            let settings: SystemSettings = AdminClient::of(&server)?.get(SETTINGS).await?;
            return out.say(&settings, || show(&settings));
        }
        Command::Set {
            broadcast_mailbox,
            name_prefix,
            name_order,
            server,
        } => {
            let client = AdminClient::of(&server)?;
            let name_dialing = if name_prefix.is_some() || name_order.is_some() {
                Some(dialing(&client, name_prefix, name_order).await?)
            } else {
                None
            };
            if broadcast_mailbox.is_none() && name_dialing.is_none() {
                return Err(Failure::new("Nothing to set was named."));
            }
            let patch = SettingsPatch {
                broadcast_mailbox,
                name_dialing,
                ..SettingsPatch::default()
            };
            (client, patch)
        }
        Command::Add {
            name,
            host,
            port,
            plain,
            server,
        } => {
            let client = AdminClient::of(&server)?;
            let present: SystemSettings = client.get(SETTINGS).await?;
            let mut servers = present.email_servers;
            servers.push(EmailServer {
                name,
                host,
                port: port.unwrap_or(if plain { 143 } else { 993 }),
                tls: !plain,
            });
            (client, with_servers(servers))
        }
        Command::Remove { name, server } => {
            let client = AdminClient::of(&server)?;
            let present: SystemSettings = client.get(SETTINGS).await?;
            let mut servers = present.email_servers;
            let before = servers.len();
            servers.retain(|server| server.name != name);
            if servers.len() == before {
                let none = format!("There is no e-mail server called \"{name}\".");
                return Err(Failure::new(none));
            }
            (client, with_servers(servers))
        }
    };
    let settings: SystemSettings = client.send_json(Method::PATCH, SETTINGS, &patch).await?;
    out.say(&settings, || show(&settings))
}

fn with_servers(servers: Vec<EmailServer>) -> SettingsPatch {
    SettingsPatch {
        email_servers: Some(servers),
        ..SettingsPatch::default()
    }
}

/// Prefix and order are one setting: what is not named is taken from the present one.
async fn dialing(
    client: &AdminClient,
    prefix: Option<String>,
    order: Option<Order>,
) -> Result<NameDialing, Failure> {
    let present: SystemSettings = client.get(SETTINGS).await?;
    Ok(NameDialing {
        prefix: prefix.unwrap_or(present.name_dialing.prefix),
        order: match order {
            None => present.name_dialing.order,
            Some(Order::LastFirst) => NameOrder::LastFirst,
            Some(Order::FirstLast) => NameOrder::FirstLast,
        },
    })
}

fn show(settings: &SystemSettings) -> String {
    let dialing = &settings.name_dialing;
    let order = match dialing.order {
        NameOrder::LastFirst => "last name first",
        NameOrder::FirstLast => "first name first",
    };
    let prefix = if dialing.prefix.is_empty() {
        "names cannot be dialled".to_owned()
    } else {
        format!("{}, {order}", dialing.prefix)
    };
    let broadcast = settings.broadcast_mailbox.as_deref().unwrap_or("none");
    let mut lines = vec![
        format!("Local broadcast mailbox  {broadcast}"),
        format!("Name dialing             {prefix}"),
    ];
    let mut head = "E-mail servers";
    for server in &settings.email_servers {
        let tls = if server.tls { "" } else { ", not encrypted" };
        let (name, host, port) = (&server.name, &server.host, server.port);
        lines.push(format!("{head:25}{name} at {host}:{port}{tls}"));
        head = "";
    }
    if settings.email_servers.is_empty() {
        lines.push(format!("{head:25}none"));
    }
    lines.join("\n")
}
