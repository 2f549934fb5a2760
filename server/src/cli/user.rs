//! `callpilot user …`.

use super::admin_client::AdminClient;
use super::secret::PasswordFrom;
use super::{Failure, Output, Server, agreed};
use crate::counted::counted;
use contract::{Emptied, NewPassword, NewUser, UserKind, UserPatch, UserRow};
use hyper::Method;

pub(super) const USERS: &str = "/api/v1/admin/users";

/// What to do with users.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Create a user with mailbox. The user belongs to this server, and is a GR user on the partner.
    Add {
        /// Mailbox number: 3 to 20 digits.
        #[arg(value_parser = number)]
        mailbox: String,
        /// Display name.
        name: String,
        /// Number of a mailbox class; 1 if left out.
        #[arg(long)]
        class: Option<u32>,
        #[command(flatten)]
        password: PasswordFrom,
        /// The user has to choose another password at the first sign-in, before anything else.
        #[arg(long)]
        must_change: bool,
        #[command(flatten)]
        server: Server,
    },
    /// List all users, in order of their mailbox numbers.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Show one user.
    Show {
        #[command(flatten)]
        which: OneUser,
    },
    /// Change a user. What is not named stays as it is.
    Set {
        #[command(flatten)]
        which: OneUser,
        /// Display name.
        #[arg(long)]
        name: Option<String>,
        /// Number of a mailbox class.
        #[arg(long)]
        class: Option<u32>,
        /// A telephone number of the user's own; several times for several. All of them are set.
        #[arg(long, value_name = "NUMBER")]
        dn: Vec<String>,
        /// Notification device class; for local users only. "No Service" for none.
        #[arg(long, value_name = "NAME")]
        device_class: Option<String>,
        /// Lock the mailbox, or open it again.
        #[arg(long, value_name = "YES")]
        locked: Option<bool>,
    },
    /// Set a user's password. Ends the user's sessions on both servers and forgives wrong passwords until now.
    Passwd {
        #[command(flatten)]
        which: OneUser,
        #[command(flatten)]
        password: PasswordFrom,
        /// The user has to choose another password at the next sign-in, before anything else.
        #[arg(long)]
        must_change: bool,
    },
    /// Unlock a mailbox, and let people who have tried too many wrong passwords try again at once.
    Unlock {
        #[command(flatten)]
        which: OneUser,
    },
    /// End all sessions of a user, on both servers.
    Logout {
        #[command(flatten)]
        which: OneUser,
    },
    /// Empty a user's Deleted, on both servers. What lies there cannot be brought back.
    EmptyDeleted {
        #[command(flatten)]
        which: OneUser,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Delete a user with all messages, on both servers.
    Delete {
        #[command(flatten)]
        which: OneUser,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// One user of a server.
#[derive(clap::Args)]
pub struct OneUser {
    /// Mailbox number.
    #[arg(value_parser = number)]
    mailbox: String,
    #[command(flatten)]
    server: Server,
}

/// A mailbox number.
pub(super) fn number(text: &str) -> Result<String, String> {
    if (3..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("a mailbox number has 3 to 20 digits".into())
    }
}

/// Does it.
pub async fn run(command: Command, out: Output) -> Result<(), Failure> {
    match command {
        Command::Add {
            mailbox,
            name,
            class,
            password,
            must_change,
            server,
        } => {
            let client = AdminClient::of(&server)?;
            let new = NewUser {
                id: None,
                mailbox,
                name,
                password: password.read("password")?,
                must_change,
                class,
            };
            add(&client, &new, out).await
        }
        Command::List { server } => {
            let rows = all(&AdminClient::of(&server)?).await?;
            out.say(&rows, || match rows.is_empty() {
                true => {
                    "There is no user yet: `callpilot user add MAILBOX NAME` creates one.".into()
                }
                false => table(&rows),
            })
        }
        Command::Show { which } => {
            let (_, row) = find(&which).await?;
            out.say(&row, || details(&row))
        }
        Command::Set {
            which,
            name,
            class,
            dn,
            device_class,
            locked,
        } => {
            let patch = UserPatch {
                name,
                class,
                dns: (!dn.is_empty()).then_some(dn),
                device_class,
                locked,
            };
            set(&which, &patch, out).await
        }
        Command::Passwd {
            which,
            password,
            must_change,
        } => set_password(&which, &password, must_change, out).await,
        Command::Unlock { which } => {
            let row = act(&which, "unlock").await?;
            out.say(&row, || format!("Mailbox {} is unlocked.", row.mailbox))
        }
        Command::Logout { which } => {
            let row = act(&which, "logout").await?;
            out.say(&row, || {
                format!("All sessions of {} have ended.", row.mailbox)
            })
        }
        Command::EmptyDeleted { which, yes } => empty_deleted(&which, yes, out).await,
        Command::Delete { which, yes } => delete(&which, yes, out).await,
    }
}

async fn add(client: &AdminClient, new: &NewUser, out: Output) -> Result<(), Failure> {
    let row: UserRow = client.send_json(Method::POST, USERS, new).await?;
    out.say(&row, || {
        format!("Mailbox {} of {} is there.", row.mailbox, row.name)
    })
}

async fn set(which: &OneUser, patch: &UserPatch, out: Output) -> Result<(), Failure> {
    let (client, row) = find(which).await?;
    if *patch == UserPatch::default() {
        return Err(Failure::new("Nothing to change was named."));
    }
    let path = format!("{USERS}/{}", row.id);
    let row: UserRow = client.send_json(Method::PATCH, &path, patch).await?;
    out.say(&row, || details(&row))
}

async fn set_password(
    which: &OneUser,
    password: &PasswordFrom,
    must_change: bool,
    out: Output,
) -> Result<(), Failure> {
    let (client, row) = find(which).await?;
    let new = NewPassword {
        password: password.read("new password")?,
        must_change,
    };
    let path = format!("{USERS}/{}/password", row.id);
    let row: UserRow = client.send_json(Method::PUT, &path, &new).await?;
    out.say(&row, || {
        format!(
            "The password of {} is changed. Open sessions have ended.",
            row.mailbox
        )
    })
}

async fn delete(which: &OneUser, yes: bool, out: Output) -> Result<(), Failure> {
    let (client, row) = find(which).await?;
    let question = format!(
        "Delete {} ({}) with {}, here and on the partner?",
        row.mailbox,
        row.name,
        messages(row.messages)
    );
    if !yes && !agreed(&question)? {
        return Err(Failure::new("Nothing was deleted."));
    }
    let path = format!("{USERS}/{}", row.id);
    client.send(Method::DELETE, &path, None).await?;
    out.say(&row, || {
        format!(
            "{} with {} is deleted.",
            row.mailbox,
            messages(row.messages)
        )
    })
}

async fn empty_deleted(which: &OneUser, yes: bool, out: Output) -> Result<(), Failure> {
    let (client, row) = find(which).await?;
    let question = format!(
        "Empty Deleted of {} ({}), here and on the partner, for good?",
        row.mailbox, row.name
    );
    if !yes && !agreed(&question)? {
        return Err(Failure::new("Nothing was deleted."));
    }
    let path = format!("{USERS}/{}/empty-deleted", row.id);
    let emptied: Emptied = client.send_json(Method::POST, &path, &()).await?;
    out.say(&emptied, || match emptied.messages {
        0 => format!("Nothing was in Deleted of {}.", row.mailbox),
        1 => format!("1 message in Deleted of {} is gone for good.", row.mailbox),
        n => format!(
            "{n} messages in Deleted of {} are gone for good.",
            row.mailbox
        ),
    })
}

/// Calls a user's own action, such as `unlock`.
async fn act(which: &OneUser, what: &str) -> Result<UserRow, Failure> {
    let (client, row) = find(which).await?;
    client
        .send_json(Method::POST, &format!("{USERS}/{}/{what}", row.id), &())
        .await
}

/// All users, page by page.
async fn all(client: &AdminClient) -> Result<Vec<UserRow>, Failure> {
    matching(client, "").await
}

/// All users that a query finds, page by page.
pub(super) async fn matching(client: &AdminClient, query: &str) -> Result<Vec<UserRow>, Failure> {
    let mut rows: Vec<UserRow> = Vec::new();
    loop {
        let after = rows
            .last()
            .map_or(String::new(), |row| format!("&after={}", row.id));
        let page: Vec<UserRow> = client.get(&format!("{USERS}?{query}{after}")).await?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page);
    }
}

/// The user of a number; the one of this server if both have it.
async fn find(which: &OneUser) -> Result<(AdminClient, UserRow), Failure> {
    let client = AdminClient::of(&which.server)?;
    let mut rows: Vec<UserRow> = client
        .get(&format!("{USERS}?mailbox={}", which.mailbox))
        .await?;
    rows.sort_by_key(|row| row.kind != UserKind::Local);
    let first = rows.into_iter().next();
    let row =
        first.ok_or_else(|| Failure::new(format!("There is no mailbox {}.", which.mailbox)))?;
    Ok((client, row))
}

fn messages(count: u32) -> String {
    counted(u64::from(count), "message", "messages")
}

fn details(row: &UserRow) -> String {
    let dns = if row.dns.is_empty() {
        "none".to_owned()
    } else {
        row.dns.join(", ")
    };
    format!(
        "{}\n\nMailbox class              {}\nDNs                        {dns}\nNotification device class  {}",
        table(std::slice::from_ref(row)),
        row.class,
        row.device_class
    )
}

fn table(rows: &[UserRow]) -> String {
    let number = rows
        .iter()
        .map(|r| r.mailbox.len())
        .max()
        .unwrap_or(0)
        .max(7);
    let name = rows
        .iter()
        .map(|r| r.name.chars().count())
        .max()
        .unwrap_or(0)
        .max(4);
    let mut lines = vec![format!(
        "{:number$}  {:name$}  {:5}  {:>8}  {}",
        "MAILBOX", "NAME", "KIND", "MESSAGES", "HOME"
    )];
    for row in rows {
        let kind = match row.kind {
            UserKind::Local => "local",
            UserKind::Gr => "GR",
        };
        let notes: String = [
            (row.locked, "locked"),
            (row.waiting, "on its way to the partner"),
        ]
        .into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, note)| format!("  [{note}]"))
        .collect();
        lines.push(format!(
            "{:number$}  {:name$}  {kind:5}  {:>8}  {}{notes}",
            row.mailbox, row.name, row.messages, row.home
        ));
    }
    lines.join("\n")
}
