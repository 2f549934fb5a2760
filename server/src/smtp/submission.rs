//! Signing in by SMTP: who hands in mail, as far as the edge has to ask for it.

use super::intake::whole_seconds;
use super::session::Credentials;
use super::{Reply, Service, Status};
use crate::operations::OpError;
use crate::operations::peers::{self, Submitter};
use std::net::IpAddr;

/// Who signs in with these credentials.
pub async fn judge(
    service: &Service,
    credentials: &Credentials,
    peer: IpAddr,
) -> Result<Submitter, Reply> {
    let Credentials { name, password } = credentials;
    let signed_in = peers::sign_in(&service.sign_in, &service.peers, peer, name, password);
    signed_in.await.map_err(|error| match error {
        OpError::TooMany { what, wait } => {
            let text = format!("{what} Try again in {}", whole_seconds(wait));
            Reply::new(454, Status(4, 7, 0), text)
        }
        OpError::WrongPassword { .. } | OpError::Invalid(_) => {
            Reply::new(535, Status(5, 7, 8), "Name or password is wrong")
        }
        OpError::LockedByAdministrator => Reply::new(
            535,
            Status(5, 7, 8),
            "An administrator has locked this mailbox",
        ),
        OpError::Unavailable { why, .. } => Reply::new(454, Status(4, 7, 0), why),
        other => {
            tracing::error!(error = ?other, "a mail client could not be signed in");
            Reply::new(
                454,
                Status(4, 7, 0),
                "Signing in does not work at present; try again later",
            )
        }
    })
}
