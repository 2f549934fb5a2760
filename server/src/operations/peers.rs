//! Who hands in mail, and whose word is believed when a mail says that it comes from a mailbox of this pair.
//!
//! Anybody may leave a message for a mailbox and write what he likes in its From line. So a message that names a mailbox of this pair as its
//! sender is taken at its word only if it comes from a peer (by its network, or signed in), from the partner's networks, or from that mailbox's
//! owner, signed in. From anybody else it is marked: its sender is unverified.

use super::peers_file::PeersFile;
use super::sign_in::SignIn;
use super::{OpError, OpResult};
use crate::server::Server;
use domain::User;
use std::net::IpAddr;
use vpim::address::{LocalPart, Mailbox};
use zeroize::Zeroizing;

/// Who hands in a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitter {
    /// Anybody.
    Stranger,
    /// A VPIM peer, an own system, or the partner: believed.
    Peer,
    /// The owner of this mailbox number, signed in.
    Mailbox(String),
}

/// Who hands in mail from a network address, before anybody has signed in.
pub fn by_network(server: &Server, peer: IpAddr) -> Submitter {
    let config = server.config();
    let mut believed = config
        .smtp
        .peer_networks
        .iter()
        .chain(&config.gr.partner_networks);
    match believed.any(|network| network.contains(peer)) {
        true => Submitter::Peer,
        false => Submitter::Stranger,
    }
}

/// Who signs in with a name and a password: a peer, or the owner of a mailbox.
///
/// # Errors
/// [`OpError::WrongPassword`], [`OpError::TooMany`], and what else signing in says.
pub async fn sign_in(
    sign_in: &SignIn,
    peers: &PeersFile,
    from: IpAddr,
    name: &str,
    password: &Zeroizing<String>,
) -> OpResult<Submitter> {
    let password = String::clone(password);
    if name.bytes().all(|b| b.is_ascii_digit()) {
        let who = sign_in.sign_in(from, name, password).await?;
        let user = User::of(&who.object)
            .ok_or_else(|| OpError::internal("a mailbox number leads to no user"))?;
        return Ok(Submitter::Mailbox(user.number().to_owned()));
    }
    let phc = peers.hash_of(name);
    sign_in.peer(from, name, password, phc).await?;
    Ok(Submitter::Peer)
}

/// This server's own name, its partner's (whose mailboxes it holds too), or a further one that is configured. Nothing means this server.
pub fn is_own_domain(server: &Server, domain: &str) -> bool {
    let domain = domain.trim_end_matches('.');
    let config = server.config();
    let is_named = |name: &str| name.eq_ignore_ascii_case(domain);
    domain.is_empty()
        || is_named(&config.fqdn)
        || config.smtp.domains.iter().any(|name| is_named(name))
        || server
            .pair()
            .borrow()
            .partner
            .as_ref()
            .is_some_and(|partner| is_named(&partner.fqdn))
}

impl Submitter {
    /// Whether a mail that says it comes from `address` is believed.
    pub fn may_say(&self, server: &Server, address: &str) -> bool {
        let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        // An address in brackets is no name of a site: it may well be this server's.
        let claims =
            !address.is_empty() && (domain.starts_with('[') || is_own_domain(server, domain));
        match self {
            Self::Peer => true,
            Self::Stranger => !claims,
            Self::Mailbox(number) => !claims || named(local).as_ref() == Some(number),
        }
    }
}

/// The mailbox number of a local part.
fn named(local: &str) -> Option<String> {
    match LocalPart::parse(local).ok()?.mailbox {
        Mailbox::Number(number) => Some(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn whoever_says_to_be_a_mailbox_of_the_pair_is_believed_only_if_known() {
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            "fqdn = \"a.example.net\"\ndata_dir = {:?}\nsmtp.domains = [\"Voice.example.net\"]\nsmtp.peer_networks = [\"10.0.0.0/8\"]\n\
             gr.partner_networks = [\"192.0.2.7\"]",
            dir.path()
        );
        let config = Config::parse(&text, "cp.toml", &|_| None).unwrap();
        let (server, _writer) = Server::open(config).unwrap();
        let by = |address: &str| by_network(&server, address.parse().unwrap());
        assert_eq!(by("10.1.2.3"), Submitter::Peer);
        assert_eq!(by("192.0.2.7"), Submitter::Peer);
        assert_eq!(by("127.0.0.1"), Submitter::Stranger);
        let own = [
            "7200@a.example.net",
            "7200@A.EXAMPLE.net.",
            "7200",
            "7200@voice.example.NET",
            "7200@[192.0.2.1]",
        ];
        for address in own {
            assert!(!Submitter::Stranger.may_say(&server, address), "{address}");
            assert!(Submitter::Peer.may_say(&server, address), "{address}");
            let mailbox =
                |number: &str| Submitter::Mailbox(number.into()).may_say(&server, address);
            assert!(mailbox("7200") && !mailbox("7201"), "{address}");
        }
        for address in ["", "7200@b.example.net", "+17035245550@client.example"] {
            assert!(Submitter::Stranger.may_say(&server, address), "{address}");
        }
        assert!(!Submitter::Stranger.may_say(&server, "non-mail-user@a.example.net"));
    }
}
