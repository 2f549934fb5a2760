//! Who has a mailbox here (RFC 3801 section 4.1, RFC 3804).

use super::session::{DeliveryTarget, Lookup, Path};
use super::{Reply, Service, Status, intake};
use crate::operations::deposit::{self, Recipient};
use crate::operations::peers::{self, Submitter};
use crate::server::WriterError;
use std::net::IpAddr;
use vpim::address::{LocalPart, Mailbox, Service as Gateway};

/// The local part of the address that GR mail is sent to.
pub const GR_LOCAL_PART: &str = "gr-sync";

/// Whether this server takes mail for a recipient from a sender at a network address.
pub async fn judge(
    service: &Service,
    lookup: &Lookup,
    sender: Option<&Path>,
    (submitter, peer): (&Submitter, IpAddr),
) -> Result<DeliveryTarget, Reply> {
    let server = &service.server;
    if !peers::is_own_domain(server, &lookup.path.domain) {
        return Err(Reply::new(
            550,
            Status(5, 7, 1),
            "This server does not relay",
        ));
    }
    if lookup.path.local.eq_ignore_ascii_case(GR_LOCAL_PART) {
        let own = lookup.path.domain == server.config().fqdn;
        let paired = service.server.gr_keys().is_any();
        if !own || !paired {
            return Err(no_mailbox());
        }
        let admitted = service.gate.admits(peer);
        return admitted.map(|()| DeliveryTarget::Partner);
    }
    let is_postmaster = lookup.path.local.eq_ignore_ascii_case("postmaster");
    if server.config().smtp.peers_only && *submitter == Submitter::Stranger && !is_postmaster {
        let text = "Mail is taken from known systems only: sign in (AUTH, by TLS)";
        return Err(Reply::new(530, Status(5, 7, 0), text));
    }
    let sender = sender.map(Path::to_string);
    deposit::may_send(server, sender.as_deref(), peer).map_err(intake::too_often)?;
    let named = if is_postmaster {
        server.config().smtp.postmaster.clone()
    } else {
        number(&lookup.path)
    };
    let Some(number) = named else {
        return Err(no_mailbox());
    };
    let declared = lookup.declared_size.unwrap_or(0);
    verdict(deposit::recipient(server, number, declared, (submitter, peer)).await)
}

fn verdict(found: Result<Recipient, WriterError>) -> Result<DeliveryTarget, Reply> {
    match found {
        Ok(Recipient::Mailbox(id)) => Ok(DeliveryTarget::Mailbox(id)),
        Ok(Recipient::InDoubt) => Err(Reply::new(
            451,
            Status(4, 3, 0),
            "The mailbox cannot be looked up at present; try again later",
        )),
        Ok(Recipient::Full) => Err(Reply::new(
            452,
            Status(4, 2, 2),
            "The mailbox is full; try again later",
        )),
        Ok(Recipient::Nobody) => Err(no_mailbox()),
        Ok(Recipient::NotTold { wait }) => Err(intake::guesses(wait)),
        Err(WriterError::OutOfService) => {
            Err(Reply::new(451, Status(4, 3, 2), "Going out of service"))
        }
        Err(load) if load.is_too_many_files() => Err(intake::too_many_files()),
        Err(error) => {
            tracing::error!(%error, "a mailbox could not be looked up");
            Err(Reply::new(
                451,
                Status(4, 3, 0),
                "The mailbox could not be looked up; try again later",
            ))
        }
    }
}

fn no_mailbox() -> Reply {
    Reply::new(550, Status(5, 1, 1), "No such mailbox here")
}

/// The mailbox number that an address names. Names, AMIS systems and telephones are no mailboxes here; `non-mail-user` never is
/// (RFC 3801 section 4.1.2). What voice and fax gateways write counts as the number alone (RFC 3804 section 3). An extension names the mailbox behind the number of a company, as in `+17035245550+230`.
fn number(path: &Path) -> Option<String> {
    let local = LocalPart::parse(&path.local).ok()?;
    match local.service {
        None | Some(Gateway::Vpim | Gateway::Voice | Gateway::Fax) => {}
        Some(_) => return None,
    }
    match (local.mailbox, local.extension) {
        (Mailbox::E164(_), Some(extension)) => Some(extension),
        (Mailbox::E164(number), None) | (Mailbox::Number(number), _) => Some(number),
        (Mailbox::Name(_) | Mailbox::Postmaster | Mailbox::NonMailUser, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_an_address_name_a_mailbox_or_none() {
        let number = |local: &str| {
            number(&Path {
                local: local.into(),
                domain: "a.example".into(),
            })
        };
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
            assert_eq!(number(local).as_deref(), Some(expected), "{local}");
        }
        for local in [
            "non-mail-user",
            "postmaster",
            "Mira",
            "AMIS=7200/SYSNUM=1",
            "7".repeat(20).as_str(),
        ] {
            assert_eq!(number(local), None, "{local}");
        }
    }
}
