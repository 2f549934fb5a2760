//! The view model of the Configure page and of the configuration dialogs' General tab (R30, R31).

use crate::pair::Side;
use crate::status::{Health, ServerStatus, Status};
use contract::Timestamp;

/// What Configure shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configure {
    /// The server that the user belongs to.
    pub server: Row,
    /// The GR partner: name and address are blank where none is configured.
    pub partner: Row,
    /// Base DN of the address book.
    pub search_base: String,
    /// Whether the partner's is the same, as it must be; `None` where either is not known.
    pub search_base_same: Option<bool>,
}

/// One line of the table of servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Fully qualified domain name; blank if there is none.
    pub name: String,
    /// IP address or host name at which it is reached; blank if there is none.
    pub address: String,
    /// Sign and words.
    pub status: RowStatus,
    /// How long its last answer took.
    pub round_trip_ms: Option<u64>,
}

/// The Status column: it marks the server that one is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowStatus {
    /// Check mark: "Connected".
    Connected,
    /// Barred circle: "Not connected, ready".
    Ready,
    /// Barred circle: "Not connected since 13:47".
    Out {
        /// Since when it has not answered.
        since: Option<Timestamp>,
    },
    /// Barred circle: out of service on purpose.
    OutOfService {
        /// Since when.
        since: Option<Timestamp>,
    },
    /// Question mark: not asked yet.
    Unknown,
    /// X: "Not available", no partner is configured.
    NotAvailable,
}

impl Configure {
    /// The view of the present status.
    pub fn of(status: &Status) -> Self {
        let base = |server: &ServerStatus| {
            (!server.search_base.is_empty()).then(|| server.search_base.clone())
        };
        let partner_base = status.partner.as_ref().and_then(base);
        Self {
            server: Row::of(&status.primary, status.on == Some(Side::Primary)),
            partner: status.partner.as_ref().map_or_else(Row::none, |partner| {
                Row::of(partner, status.on == Some(Side::Partner))
            }),
            search_base: status.primary.search_base.clone(),
            search_base_same: base(&status.primary)
                .zip(partner_base)
                .map(|(ours, theirs)| ours == theirs),
        }
    }
}

impl Row {
    fn of(server: &ServerStatus, connected: bool) -> Self {
        let since = server.out_since;
        let status = match server.health {
            _ if connected => RowStatus::Connected,
            Health::Good { .. } => RowStatus::Ready,
            Health::Unknown => RowStatus::Unknown,
            Health::OutOfService => RowStatus::OutOfService { since },
            Health::Refused | Health::Silent | Health::Broken => RowStatus::Out { since },
        };
        Self {
            name: server.fqdn.clone(),
            address: crate::pair::host_of(&server.http).to_owned(),
            status,
            round_trip_ms: server.round_trip_ms,
        }
    }

    fn none() -> Self {
        Self {
            name: String::new(),
            address: String::new(),
            status: RowStatus::NotAvailable,
            round_trip_ms: None,
        }
    }
}
