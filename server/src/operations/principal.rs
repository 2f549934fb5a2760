//! Who acts, from where, and what it may do.
//!
//! An edge makes an [`Origin`] for each request; who calls is decided in one place, `AdminAuth` of the HTTP edge, which makes the
//! [`Principal`]. What each role may do stands here, by the names that acts have in the audit trail, and nowhere else.

use super::{OpError, OpResult};
use domain::AdministratorRole;
use std::fmt;
use std::net::IpAddr;

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the network; behind a trusted proxy the client that it names.
    Network(IpAddr),
    /// From a process on this machine, by the socket in the data folder. The system vouches for both numbers.
    Local {
        /// The account that the process runs under.
        uid: u32,
        /// The process.
        pid: Option<i32>,
    },
}

impl Origin {
    /// The address that limits are kept for: a process on this machine counts as loopback.
    pub fn address(self) -> IpAddr {
        match self {
            Self::Network(address) => address.to_canonical(),
            Self::Local { .. } => std::net::Ipv4Addr::LOCALHOST.into(),
        }
    }
}

impl fmt::Display for Origin {
    /// An address, or `local` and the process.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => write!(f, "{}", address.to_canonical()),
            Self::Local { pid: Some(pid), .. } => write!(f, "local:{pid}"),
            Self::Local { pid: None, .. } => write!(f, "local"),
        }
    }
}

/// Somebody who may administer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// What it is called: the administrator's name, `root`, `uid 998`, or `token`.
    pub name: String,
    /// What it may do.
    pub role: AdministratorRole,
}

impl Principal {
    /// One who may do everything: an account of this machine, the token in the data folder, the password of the configuration.
    pub fn owner(name: String) -> Self {
        let role = AdministratorRole::Administrator;
        Self { name, role }
    }

    /// Whether it may do an act; `None`: it only looks.
    ///
    /// # Errors
    /// [`OpError::Forbidden`].
    pub fn may(&self, act: Option<&str>) -> OpResult<()> {
        let needed = needed(act);
        if self.role >= needed {
            return Ok(());
        }
        Err(OpError::Forbidden(format!(
            "{} is {}, and this needs {}.",
            self.name,
            said(self.role),
            said(needed)
        )))
    }
}

/// The least role that may do an act. What is not named here only an administrator does.
fn needed(act: Option<&str>) -> AdministratorRole {
    let Some(act) = act else {
        return AdministratorRole::ReadOnly;
    };
    match act.split_once('.').map_or(act, |(of, _)| of) {
        "user" | "class" | "shortcut" | "remote-user" | "held" | "queue" => {
            AdministratorRole::Operator
        }
        _ => AdministratorRole::Administrator,
    }
}

fn said(role: AdministratorRole) -> &'static str {
    match role {
        AdministratorRole::ReadOnly => "one who may only look",
        AdministratorRole::Operator => "an operator",
        AdministratorRole::Administrator => "an administrator",
    }
}

/// What an account of this machine is called here.
pub fn account(uid: u32) -> String {
    match uid {
        0 => "root".into(),
        uid => format!("uid {uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_said_in_one_word() {
        let network = |text: &str| Origin::Network(text.parse().unwrap()).to_string();
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("2001:db8::1"), "2001:db8::1");
        let (uid, pid) = (0, Some(7));
        assert_eq!(Origin::Local { uid, pid }.to_string(), "local:7");
        assert_eq!(
            (account(0), account(998)),
            ("root".into(), "uid 998".into())
        );
    }

    #[test]
    fn each_role_may_do_what_those_before_may_and_what_is_new_is_for_administrators() {
        use AdministratorRole::{Administrator, Operator, ReadOnly};
        for (act, least) in [
            (None, ReadOnly),
            (Some("user.delete"), Operator),
            (Some("held.retry"), Operator),
            (Some("queue.hold"), Operator),
            (Some("gr.pair"), Administrator),
            (Some("task.start"), Administrator),
            (Some("setting.change"), Administrator),
            (Some("administrator.create"), Administrator),
            (Some("other"), Administrator),
        ] {
            for role in [ReadOnly, Operator, Administrator] {
                let name = "mira".to_owned();
                let may = Principal { name, role }.may(act);
                assert_eq!(may.is_ok(), role >= least, "{act:?} {role:?}");
            }
        }
    }
}
