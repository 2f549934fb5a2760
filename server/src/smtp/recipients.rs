//! Who has a mailbox here (RFC 3801 section 4.1, RFC 3804).

use super::session::{DeliveryTarget, Lookup, Path};
use super::{Reply, Service, Status, intake};
use crate::operations::addressing;
use crate::operations::deposit::{self, Recipient};
use crate::operations::peers::{self, Submitter};
use crate::server::WriterError;
use std::net::IpAddr;

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
        addressing::mailbox_number(&lookup.path.local)
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
