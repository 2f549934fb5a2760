//! `callpilot admin …`: the accounts of administrators.

use super::admin_client::AdminClient;
use super::secret::PasswordFrom;
use super::table::{local_time, table};
use super::{Failure, Output, Server, agreed};
use contract::{
    AdministratorPatch, AdministratorRole, AdministratorRow, AdministratorSessionRow,
    NewAdministrator, NewPassword,
};
use hyper::Method;

pub(super) const ADMINISTRATORS: &str = "/api/v1/admin/administrators";

/// What to do with administrators. Both servers of a pair have the same.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Create an administrator. From the first one on, the password of the configuration opens nothing any more.
    Add {
        /// The name to sign in with: 2 to 32 letters, digits, dots, hyphens and underscores.
        name: String,
        /// What it may do. The first one has to be an administrator.
        #[arg(long, value_enum, default_value_t = Role::Administrator)]
        role: Role,
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        server: Server,
    },
    /// List all administrators.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Change an administrator. What is not named stays as it is.
    Set {
        #[command(flatten)]
        which: OneAdministrator,
        /// What it may do.
        #[arg(long, value_enum)]
        role: Option<Role>,
        /// Lock the account, which ends its sessions, or open it again.
        #[arg(long, value_name = "YES")]
        locked: Option<bool>,
        /// Take the second factor away: for one who has lost it.
        #[arg(long)]
        no_second_factor: bool,
    },
    /// Set an administrator's password. Ends its sessions on both servers and forgives wrong passwords until now.
    Passwd {
        #[command(flatten)]
        which: OneAdministrator,
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// List the sessions of an administrator that go on.
    Sessions {
        #[command(flatten)]
        which: OneAdministrator,
    },
    /// End sessions of an administrator, on both servers: all of them, or one.
    Logout {
        #[command(flatten)]
        which: OneAdministrator,
        /// Only this one, as `callpilot admin sessions` names it.
        #[arg(long, value_name = "ID")]
        session: Option<String>,
    },
    /// Remove an administrator, on both servers.
    Remove {
        #[command(flatten)]
        which: OneAdministrator,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// One administrator of a server.
#[derive(clap::Args)]
pub struct OneAdministrator {
    /// The administrator's name.
    name: String,
    #[command(flatten)]
    server: Server,
}

/// What an administrator may do.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Role {
    /// Everything.
    Administrator,
    /// Users, mailbox classes, VPIM shortcuts, Temporary Remote Users.
    Operator,
    /// Look at everything.
    ReadOnly,
}

impl From<Role> for AdministratorRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Administrator => Self::Administrator,
            Role::Operator => Self::Operator,
            Role::ReadOnly => Self::ReadOnly,
        }
    }
}

/// Does it.
pub async fn run(command: Command, out: Output) -> Result<(), Failure> {
    match command {
        Command::Add {
            name,
            role,
            password,
            server,
        } => {
            let new = NewAdministrator {
                name,
                password: password.read("password")?,
                role: role.into(),
            };
            let client = AdminClient::of(&server)?;
            let row: AdministratorRow =
                client.send_json(Method::POST, ADMINISTRATORS, &new).await?;
            out.say(&row, || {
                format!("{} is there, with the role {}.", row.name, said(row.role))
            })
        }
        Command::List { server } => {
            let all: Vec<AdministratorRow> = AdminClient::of(&server)?.get(ADMINISTRATORS).await?;
            out.say(&all, || listed(&all))
        }
        Command::Set {
            which,
            role,
            locked,
            no_second_factor,
        } => {
            let patch = AdministratorPatch {
                role: role.map(Into::into),
                locked,
                second_factor: no_second_factor.then_some(false),
            };
            set(&which, &patch, out).await
        }
        Command::Passwd { which, password } => set_password(&which, &password, out).await,
        Command::Sessions { which } => {
            let path = format!("{}/sessions", path(&which)?);
            let all: Vec<AdministratorSessionRow> =
                AdminClient::of(&which.server)?.get(&path).await?;
            out.say(&all, || sessions(&all))
        }
        Command::Logout { which, session } => log_out(&which, session.as_deref(), out).await,
        Command::Remove { which, yes } => remove(&which, yes, out).await,
    }
}

async fn set(
    which: &OneAdministrator,
    patch: &AdministratorPatch,
    out: Output,
) -> Result<(), Failure> {
    if *patch == AdministratorPatch::default() {
        return Err(Failure::new("Nothing to change was named."));
    }
    let client = AdminClient::of(&which.server)?;
    let row: AdministratorRow = client
        .send_json(Method::PATCH, &path(which)?, patch)
        .await?;
    out.say(&row, || listed(std::slice::from_ref(&row)))
}

async fn set_password(
    which: &OneAdministrator,
    password: &PasswordFrom,
    out: Output,
) -> Result<(), Failure> {
    let new = NewPassword {
        password: password.read("new password")?,
        must_change: false,
    };
    let path = format!("{}/password", path(which)?);
    let client = AdminClient::of(&which.server)?;
    let row: AdministratorRow = client.send_json(Method::PUT, &path, &new).await?;
    out.say(&row, || {
        format!(
            "The password of {} is changed. Open sessions have ended.",
            row.name
        )
    })
}

async fn log_out(
    which: &OneAdministrator,
    session: Option<&str>,
    out: Output,
) -> Result<(), Failure> {
    let mut path = format!("{}/sessions", path(which)?);
    if let Some(id) = session {
        path.push('/');
        path.push_str(plain(id)?);
    }
    let client = AdminClient::of(&which.server)?;
    client.send(Method::DELETE, &path, None).await?;
    let what = match session {
        Some(_) => "The session",
        None => "Every session",
    };
    out.say(
        &serde_json::json!({ "name": which.name, "session": session }),
        || format!("{what} of {} has ended.", which.name),
    )
}

async fn remove(which: &OneAdministrator, yes: bool, out: Output) -> Result<(), Failure> {
    let path = path(which)?;
    let question = format!("Remove {}, here and on the partner?", which.name);
    if !yes && !agreed(&question)? {
        return Err(Failure::new("Nobody was removed."));
    }
    let client = AdminClient::of(&which.server)?;
    client.send(Method::DELETE, &path, None).await?;
    out.say(&serde_json::json!({ "name": which.name }), || {
        format!("{} is removed.", which.name)
    })
}

fn path(which: &OneAdministrator) -> Result<String, Failure> {
    Ok(format!("{ADMINISTRATORS}/{}", plain(&which.name)?))
}

/// A text that stands for itself in an address.
fn plain(text: &str) -> Result<&str, Failure> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if !text.is_empty() && text.bytes().all(fits) {
        return Ok(text);
    }
    Err(Failure::new(format!(
        "\"{text}\" is neither an administrator's name nor a session of one."
    )))
}

fn said(role: AdministratorRole) -> &'static str {
    match role {
        AdministratorRole::ReadOnly => "read-only",
        AdministratorRole::Operator => "operator",
        AdministratorRole::Administrator => "administrator",
    }
}

fn listed(all: &[AdministratorRow]) -> String {
    if all.is_empty() {
        return "There is no administrator yet: `callpilot admin add NAME` creates one.".into();
    }
    let rows = all.iter().map(|row| {
        let factor = match (row.second_factor, row.second_factor_unreadable) {
            (true, true) => "unreadable",
            (true, false) => "yes",
            (false, _) => "no",
        };
        let note = if row.locked { "locked" } else { "" };
        [
            row.name.clone(),
            said(row.role).to_owned(),
            factor.to_owned(),
            row.sessions.to_string(),
            local_time(row.password_changed_at),
            note.to_owned(),
        ]
    });
    table(
        ["NAME", "ROLE", "2ND FACTOR", "SESSIONS", "PASSWORD SET", ""],
        rows,
    )
}

fn sessions(all: &[AdministratorSessionRow]) -> String {
    if all.is_empty() {
        return "There is no session.".into();
    }
    let rows = all.iter().map(|row| {
        [
            row.id.clone(),
            local_time(row.began_at),
            local_time(row.ends_at),
            row.from.clone(),
        ]
    });
    table(["ID", "BEGAN", "ENDS AT THE LATEST", "FROM"], rows)
}
