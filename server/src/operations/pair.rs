//! The pair as its operators watch it, and making and ending it (R5, R6): what waits for the partner, what is damaged here, what the disk
//! holds.

pub use super::gr_password::generate as generate_password;
use super::{OpError, OpResult, gr_password, tasks};
use crate::config::{BaseUrl, is_host_name};
use crate::gr::envelope;
use crate::gr::pairing::{Partner, Secret};
use crate::listen::tls::Trust;
use crate::server::{Server, WriterError};
use domain::Timestamp;
use ledger::{Backlog, Lane};

/// What the disk of a server holds.
pub use store::{Room, Sizes};

/// What the pair owes and is owed.
#[derive(Clone, Debug)]
pub struct Backlogs {
    /// Users, lists and settings.
    pub users: Backlog,
    /// Messages.
    pub messages: Backlog,
    /// Messages whose content is here only.
    pub one_server_only: u64,
}

/// What disks have damaged, as far as this server knows.
#[derive(Clone, Copy, Debug)]
pub struct Damaged {
    /// Bodies that are missing.
    pub bodies: u64,
    /// Rows that cannot be read, and those of them that the partner does not know.
    pub rows: (u64, u64),
    /// When everything was last read through.
    pub scrubbed_at: Option<Timestamp>,
}

/// The partner to be, as somebody says it.
pub struct NewPair {
    /// Its fully qualified domain name.
    pub fqdn: String,
    /// Where its SMTP service is: host and port.
    pub smtp: String,
    /// Where its HTTP service is.
    pub http: String,
    /// The GR password, the same on both servers.
    pub password: String,
    /// How it proves by TLS who it is: `off`, `name`, or a fingerprint. `None`: as before; for a new partner, not at all.
    pub tls: Option<String>,
    /// Whether another password holds at once, before the partner has it.
    pub at_once: bool,
}

/// What waits for the partner.
///
/// # Errors
/// What the store cannot do.
pub async fn backlogs(server: &Server) -> OpResult<Backlogs> {
    let read = server.read(|readers| {
        readers.snapshot(|view| {
            Ok(Backlogs {
                users: view.backlog(Lane::Users)?,
                messages: view.backlog(Lane::Messages)?,
                one_server_only: view.one_server_only()?,
            })
        })
    });
    Ok(read.await?)
}

/// What is damaged here.
///
/// # Errors
/// What the store cannot do.
pub async fn damaged(server: &Server) -> OpResult<Damaged> {
    let read = server.read(|readers| {
        readers.snapshot(|view| {
            Ok(Damaged {
                bodies: view.missing_count()?,
                rows: view.unreadable_count()?,
                scrubbed_at: crate::scrub::ended(view)?,
            })
        })
    });
    Ok(read.await?)
}

/// What the disk holds, and how many users there are.
///
/// # Errors
/// What the store cannot do.
pub async fn stock(server: &Server) -> OpResult<(Sizes, u64)> {
    let read = server.read(|readers| Ok((readers.sizes()?, readers.user_count(None)?)));
    Ok(read.await?)
}

/// Whether the store can be read at all.
///
/// # Errors
/// Why it cannot.
pub async fn is_readable(server: &Server) -> Result<(), WriterError> {
    server.read(|readers| readers.state()).await.map(|_| ())
}

/// Makes this server half of a pair, or says anew where its partner is and which password there is. The same is done on the partner, with the
/// same password.
///
/// # Errors
/// [`OpError::Invalid`]; [`OpError::Conflict`] while it is paired with another server, or a task is open (R12).
pub async fn make(server: &Server, new: NewPair) -> OpResult<()> {
    let own = server.config().fqdn.clone();
    let mut partner = check(&new, &own)?;
    tasks::refuse_while_open(server)?;
    let present = server.pair().borrow().partner.clone();
    if let (None, Some(present)) = (&new.tls, &present) {
        // Whoever only enters the password anew does not mean to give up TLS.
        partner.tls = present.tls;
    }
    if let Some(other) = present.filter(|present| present.fqdn != partner.fqdn) {
        return Err(OpError::Conflict(format!(
            "This server is paired with {}. Take that pair apart first.",
            other.fqdn
        )));
    }
    let root = root(new.password, own, partner.fqdn.clone()).await?;
    match server.root().await {
        None => server.set_pair(partner, root).await?,
        Some(present) => {
            if server.pair().borrow().partner.as_ref() != Some(&partner) {
                server.set_pair(partner, present).await?;
            }
            server.change_root(root, new.at_once).await?;
        }
    }
    Ok(())
}

/// Changes the GR password. Until the partner has the new one, too, the old one goes on holding, and nothing pauses; entered again, the old
/// one gives the change up. `at_once`: what was sealed by the old one is taken no longer, sessions included, and GR mail waits for the partner.
///
/// # Errors
/// [`OpError::Invalid`] for a weak one; [`OpError::Conflict`] without a pair.
pub async fn change_password(server: &Server, password: String, at_once: bool) -> OpResult<()> {
    let partner = server.pair().borrow().partner.clone();
    let Some(partner) = partner else {
        return Err(OpError::Conflict(
            "This server has no GR partner, and so no GR password. `callpilot gr pair` makes it half of a pair.".into(),
        ));
    };
    let own = server.config().fqdn.clone();
    gr_password::check(&password, [&own, &partner.fqdn]).map_err(OpError::Invalid)?;
    let root = root(password, own, partner.fqdn).await?;
    server.change_root(root, at_once).await?;
    Ok(())
}

/// Turns GR off on this server. Nothing that its own users have is lost.
///
/// # Errors
/// [`OpError::Conflict`] while a task is open (R12).
pub async fn end(server: &Server) -> OpResult<()> {
    tasks::refuse_while_open(server)?;
    server.clear_pair().await?;
    Ok(())
}

fn check(pair: &NewPair, own: &str) -> OpResult<Partner> {
    let fqdn = pair.fqdn.trim().trim_end_matches('.').to_ascii_lowercase();
    let wrong = |what: String| Err(OpError::Invalid(what));
    if !is_host_name(&fqdn) {
        return wrong(format!(
            "\"{fqdn}\" is not a fully qualified domain name such as cp-south.example.net."
        ));
    }
    if fqdn == own {
        return wrong(format!("{fqdn} is this server. A pair needs another one."));
    }
    let smtp = pair.smtp.trim();
    let address = smtp.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    if address
        .and_then(|(_, port)| port.parse::<u16>().ok())
        .is_none_or(|port| port == 0)
    {
        return wrong(format!(
            "\"{smtp}\" does not say where the partner's SMTP service is. Write host:port."
        ));
    }
    let http: BaseUrl = match pair.http.trim().parse() {
        Ok(http) => http,
        Err(fault) => return wrong(format!("The partner's HTTP address {fault}.")),
    };
    gr_password::check(&pair.password, [own, &fqdn]).map_err(OpError::Invalid)?;
    let tls = match pair.tls.as_deref().map(str::trim) {
        None => None,
        Some(text) if text.eq_ignore_ascii_case("off") => None,
        Some(text) => match text.parse::<Trust>() {
            Ok(trust) => Some(trust),
            Err(fault) => {
                return wrong(format!(
                    "The partner proves by TLS who it is: write off, name, or its fingerprint. {fault}."
                ));
            }
        },
    };
    Ok(Partner {
        fqdn,
        smtp: smtp.to_owned(),
        http: http.to_string(),
        tls,
    })
}

/// Deriving the root key takes a second or so and 256 MiB.
async fn root(password: String, own: String, partner: String) -> OpResult<Secret> {
    let derived = tokio::task::spawn_blocking(move || envelope::root(&password, &own, &partner));
    derived
        .await
        .map_err(OpError::internal)?
        .map_err(OpError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(fqdn: &str, smtp: &str, http: &str, password: &str) -> Result<Partner, String> {
        let pair = NewPair {
            fqdn: fqdn.into(),
            smtp: smtp.into(),
            http: http.into(),
            password: password.into(),
            tls: None,
            at_once: false,
        };
        check(&pair, "a.example.net").map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn a_partner_is_checked_before_anything_is_kept() {
        let good = pair(
            "B.example.net.",
            "10.0.0.2:25",
            "https://b.example.net/",
            "correct horse",
        )
        .unwrap();
        assert_eq!(
            (good.fqdn.as_str(), good.http.as_str()),
            ("b.example.net", "https://b.example.net")
        );
        let refused = |p: Result<Partner, String>, what: &str| {
            let said = p.unwrap_err();
            assert!(said.contains(what), "{said}");
        };
        refused(
            pair("b", "h:25", "http://b", "correct horse"),
            "fully qualified",
        );
        refused(
            pair("a.example.net", "h:25", "http://b", "correct horse"),
            "is this server",
        );
        refused(
            pair("b.example.net", "h", "http://b", "correct horse"),
            "host:port",
        );
        refused(
            pair("b.example.net", "h:25", "b/x", "correct horse"),
            "without a path",
        );
        refused(
            pair("b.example.net", "h:25", "http://b", "short"),
            "at least 12",
        );
    }
}
