//! What an address leads to: a mailbox of the pair, or why it leads nowhere.
//!
//! The same rule holds for mail that comes and for messages that are composed here. Whoever composes is told at the address, before sending, what cannot be
//! reached (R27).

use super::OpResult;
use super::peers::is_own_domain;
use crate::server::Server;
use domain::{Draft, Object, ObjectId, ServerId, User, check_address};
use store::{StoreError, View};
use vpim::address::{LocalPart, Mailbox, Service};

/// What an address leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A mailbox that is on both servers.
    Mailbox(MailboxAddress),
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

/// What an address leads to, as it was entered: a mailbox number, or `mailbox@host`.
pub(super) fn resolve(
    server: &Server,
    hosts: &Hosts,
    view: &View<'_>,
    entered: &str,
) -> Result<Destination, StoreError> {
    let entered = entered.trim();
    let number = match entered.rsplit_once('@') {
        Some((local, domain)) if is_own_domain(server, domain) => mailbox_number(local),
        Some(_) if check_address(entered).is_ok() => return Ok(elsewhere(entered)),
        Some(_) => None,
        None => Some(entered.chars().filter(|c| !" -./()".contains(*c)).collect()),
    };
    let digits = |number: &String| {
        (1..=20).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
    };
    let Some(number) = number.filter(digits) else {
        return Ok(Destination::Nowhere(format!(
            "\"{entered}\" is neither a mailbox number nor an address such as 7200@{}.",
            hosts.own
        )));
    };
    if let Some((user, object)) = view.user_by_number(&number, hosts.home)?
        && let Some(mailbox) = hosts.mailbox(user, &object)
    {
        return Ok(Destination::Mailbox(mailbox));
    }
    Ok(Destination::Nowhere(match view.may_be_number(&number)? {
        true => format!("Mailbox {number} cannot be looked up at present. Try again in a moment."),
        false => format!("There is no mailbox {number} on these servers."),
    }))
}

fn elsewhere(address: &str) -> Destination {
    Destination::Nowhere(format!(
        "{address} is on another system. Messages go to the mailboxes of these two servers only."
    ))
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
