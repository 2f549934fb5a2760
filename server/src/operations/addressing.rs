//! What an address leads to: a mailbox of the pair, one on another system, or why it leads nowhere.
//!
//! The same rule holds for mail that comes and for messages that are composed here. Whoever composes is told at the address, before sending, what cannot be
//! reached (R27).

use super::OpResult;
use super::peers::is_own_domain;
use crate::constraints;
use crate::outgoing::routes::mailbox_behind;
use crate::server::Server;
use domain::{Draft, Object, ObjectId, ServerId, User, check_address, check_telephone_number};
use store::{StoreError, View};
use vpim::address::{Address, LocalPart, Mailbox, Service};

/// What an address leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A mailbox that is on both servers.
    Mailbox(MailboxAddress),
    /// Another system, which is reached by mail.
    System(SystemAddress),
    /// Nowhere; a sentence says why, and what to do.
    Nowhere(String),
}

/// A mailbox of the pair, as others address it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxAddress {
    /// Whose it is.
    pub user: ObjectId,
    /// The name of the owner.
    pub name: String,
    /// Its number.
    pub number: String,
    /// `number@host`, the host being that of the owner's own server: the same whichever of the two is asked.
    pub address: String,
}

/// Somebody on another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemAddress {
    /// `local-part@domain`.
    pub address: String,
    /// The name, if this server knows one; may be empty.
    pub name: String,
}

/// The mailbox number that the local part of an own address names. Names, AMIS systems and telephones are no mailboxes here; `non-mail-user` never is
/// (RFC 3801 section 4.1.2). What voice and fax gateways write counts as the number alone (RFC 3804 section 3). An extension names the mailbox
/// behind the number of a company, as in `+17035245550+230`.
pub fn mailbox_number(local: &str) -> Option<String> {
    let local = LocalPart::parse(local).ok()?;
    match local.service {
        None | Some(Service::Vpim | Service::Voice | Service::Fax) => {}
        Some(_) => return None,
    }
    match (local.mailbox, local.extension) {
        (Mailbox::E164(_), Some(extension)) => Some(extension),
        (Mailbox::E164(number), None) | (Mailbox::Number(number), _) => Some(number),
        (Mailbox::Name(_) | Mailbox::Postmaster | Mailbox::NonMailUser, _) => None,
    }
}

/// What each of these addresses leads to, in their order. At most [`Draft::RECIPIENTS_MAX`] are looked at.
///
/// # Errors
/// What the store cannot do.
pub async fn resolve_all(server: &Server, addresses: Vec<String>) -> OpResult<Vec<Destination>> {
    let hosts = Hosts::of(server);
    let asked = server.clone();
    let read = server.read(move |readers| {
        readers.snapshot(|view| {
            let first = addresses.iter().take(Draft::RECIPIENTS_MAX);
            first
                .map(|address| resolve(&asked, &hosts, view, address))
                .collect()
        })
    });
    Ok(read.await?)
}

/// What an address leads to, as it was entered: a mailbox number, with or without the prefix of another system, or `mailbox@host`.
pub(super) fn resolve(
    server: &Server,
    hosts: &Hosts,
    view: &View<'_>,
    entered: &str,
) -> Result<Destination, StoreError> {
    let entered = entered.trim();
    if entered.contains('@') {
        return by_address(server, hosts, view, entered);
    }
    let number: String = entered.chars().filter(|c| !" -./()".contains(*c)).collect();
    if !is_number(&number) {
        return Ok(nonsense(hosts, entered));
    }
    if let Some(mailbox) = own_mailbox(hosts, view, &number)? {
        return Ok(Destination::Mailbox(mailbox));
    }
    if let Some(remote) = constraints::remote_user(view, &number)? {
        return Ok(match by_address(server, hosts, view, &remote.address)? {
            Destination::System(system) => Destination::System(SystemAddress {
                name: remote.name,
                ..system
            }),
            other => other,
        });
    }
    for shortcut in constraints::shortcuts(view)? {
        let behind = mailbox_behind(&shortcut, &number);
        if let Some(behind) = behind
            && let Some(mailbox) = own_mailbox(hosts, view, &behind)?
        {
            return Ok(Destination::Mailbox(mailbox));
        }
    }
    if let Some(address) = server.routes().by_prefix(&number) {
        return by_address(server, hosts, view, &address);
    }
    no_mailbox(view, &number)
}

/// What `local-part@domain` leads to.
fn by_address(
    server: &Server,
    hosts: &Hosts,
    view: &View<'_>,
    entered: &str,
) -> Result<Destination, StoreError> {
    let (local, domain) = entered.rsplit_once('@').unwrap_or((entered, ""));
    if !is_own_domain(server, domain) {
        return Ok(elsewhere(server, hosts, entered, (local, domain)));
    }
    let Some(number) = mailbox_number(local).filter(|number| is_number(number)) else {
        return Ok(nonsense(hosts, entered));
    };
    match own_mailbox(hosts, view, &number)? {
        Some(mailbox) => Ok(Destination::Mailbox(mailbox)),
        None => no_mailbox(view, &number),
    }
}

fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn own_mailbox(
    hosts: &Hosts,
    view: &View<'_>,
    number: &str,
) -> Result<Option<MailboxAddress>, StoreError> {
    let found = view.user_by_number(number, hosts.home)?;
    Ok(found.and_then(|(user, object)| hosts.mailbox(user, &object)))
}

fn no_mailbox(view: &View<'_>, number: &str) -> Result<Destination, StoreError> {
    Ok(Destination::Nowhere(match view.may_be_number(number)? {
        true => format!("Mailbox {number} cannot be looked up at present. Try again in a moment."),
        false => format!("There is no mailbox {number} on these servers."),
    }))
}

/// What neither is an address nor a number of a mailbox. A telephone number is recognised, so that nobody believes to have mistyped it.
fn nonsense(hosts: &Hosts, entered: &str) -> Destination {
    let number: String = entered.chars().filter(|c| !" -./()".contains(*c)).collect();
    let is_telephone =
        number.starts_with(['+', '*', '#']) && check_telephone_number(&number).is_ok();
    Destination::Nowhere(match is_telephone {
        true => format!(
            "{entered} is a telephone number. Messages go to mailboxes and mail addresses, not to telephones and fax machines."
        ),
        false => format!(
            "\"{entered}\" is neither a mailbox number nor an address such as 7200@{}.",
            hosts.own
        ),
    })
}

/// Somebody on another system, if this one has a way there.
fn elsewhere(
    server: &Server,
    hosts: &Hosts,
    entered: &str,
    (local, domain): (&str, &str),
) -> Destination {
    // What stands between the angle brackets of a command must not end them, nor be a quoted string (RFC 5321 section 4.1.2).
    let plain = |text: &str| !text.contains(['<', '>', '"', '\\', ',', ';', '(', ')', ':']);
    let is_address = check_address(entered).is_ok() && Address::parse(entered).is_ok();
    if !is_address || !plain(local) || domain.starts_with('@') || local.contains('@') {
        return nonsense(hosts, entered);
    }
    let is_fax = LocalPart::parse(local).is_ok_and(|its| its.service == Some(Service::Fax));
    if is_fax {
        return Destination::Nowhere(format!(
            "{entered} is a fax machine. Messages go to mailboxes and mail addresses, not to telephones and fax machines."
        ));
    }
    match server.routes().to(domain) {
        Some(_) => Destination::System(SystemAddress {
            address: entered.to_owned(),
            name: String::new(),
        }),
        None => Destination::Nowhere(format!(
            "{entered} is on another system, and this server has no way there. Ask your administrator to enter {domain}."
        )),
    }
}

/// The two servers of the pair, by the names that stand in addresses.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    home: ServerId,
    own: String,
    partner: Option<String>,
}

impl Hosts {
    /// As they are at present.
    pub(super) fn of(server: &Server) -> Self {
        let pair = server.pair();
        let partner = pair.borrow().partner.as_ref().map(|p| p.fqdn.clone());
        Self {
            home: server.home(),
            own: server.config().fqdn.clone(),
            partner,
        }
    }

    /// How others address the mailbox of a user; `None` if the object is none.
    pub(super) fn mailbox(&self, user: ObjectId, object: &Object) -> Option<MailboxAddress> {
        let its = User::of(object)?;
        Some(MailboxAddress {
            user,
            name: its.name().to_owned(),
            number: its.number().to_owned(),
            address: format!("{}@{}", its.number(), self.host_of(&its)),
        })
    }

    /// The name of a user's own server.
    pub(super) fn host_of(&self, user: &User<'_>) -> &str {
        let is_local = user.home().is_none_or(|home| home == self.home);
        match &self.partner {
            Some(partner) if !is_local => partner,
            _ => &self.own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_a_local_part_name_a_mailbox_or_none() {
        for (local, expected) in [
            ("7200", "7200"),
            ("VPIM=7200", "7200"),
            ("VOICE=7200", "7200"),
            ("FAX=7200", "7200"),
            ("vpim=7200/EXT=5", "7200"),
            ("+17035245550+7200", "7200"),
            ("VPIM=+17035245550/EXT=7200", "7200"),
            ("+17035245550", "17035245550"),
        ] {
            assert_eq!(mailbox_number(local).as_deref(), Some(expected), "{local}");
        }
        for local in [
            "non-mail-user",
            "postmaster",
            "Mira",
            "AMIS=7200/SYSNUM=1",
            "7".repeat(20).as_str(),
        ] {
            assert_eq!(mailbox_number(local), None, "{local}");
        }
    }
}
