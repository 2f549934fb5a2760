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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{State, Why};

    fn server(fqdn: &str, http: &str, health: Health) -> ServerStatus {
        ServerStatus {
            fqdn: fqdn.to_owned(),
            http: http.to_owned(),
            search_base: "ou=voice,o=example".to_owned(),
            health,
            out_since: (!health.is_good()).then_some(Timestamp(7)),
            round_trip_ms: Some(18),
        }
    }

    fn status(on: Option<Side>, primary: Health, partner: Option<Health>) -> Status {
        let partner = partner.map(|health| server("south", "https://198.51.100.10", health));
        Status {
            state: State::OnPrimary,
            since: Timestamp(0),
            on,
            why: Why::Preferred,
            primary: server("north", "https://192.0.2.10:8443", primary),
            partner,
            up_to_date_at: None,
            unanswered_since: None,
            next_try_at: None,
            waiting_for: None,
            network_offline: false,
        }
    }

    const GOOD: Health = Health::Good { caught_up: true };

    #[test]
    fn the_check_mark_is_at_the_server_one_is_connected_to_and_at_no_other() {
        let view = Configure::of(&status(Some(Side::Primary), GOOD, Some(GOOD)));
        assert_eq!(view.server.status, RowStatus::Connected);
        assert_eq!(view.server.address, "192.0.2.10");
        assert_eq!(view.partner.status, RowStatus::Ready);
        let view = Configure::of(&status(Some(Side::Partner), Health::Silent, Some(GOOD)));
        let since = Some(Timestamp(7));
        assert_eq!(view.server.status, RowStatus::Out { since });
        assert_eq!(view.partner.status, RowStatus::Connected);
        let view = Configure::of(&status(None, Health::OutOfService, Some(Health::Refused)));
        assert_eq!(view.server.status, RowStatus::OutOfService { since });
        assert_eq!(view.partner.status, RowStatus::Out { since });
    }

    #[test]
    fn without_a_partner_its_row_is_blank_and_not_available() {
        let view = Configure::of(&status(Some(Side::Primary), GOOD, None));
        assert_eq!(
            (view.partner.name.as_str(), view.partner.address.as_str()),
            ("", "")
        );
        assert_eq!(view.partner.status, RowStatus::NotAvailable);
        assert_eq!(view.search_base_same, None);
    }

    #[test]
    fn search_bases_that_differ_are_told() {
        let mut status = status(Some(Side::Primary), GOOD, Some(GOOD));
        assert_eq!(Configure::of(&status).search_base_same, Some(true));
        if let Some(partner) = &mut status.partner {
            partner.search_base = "o=other".to_owned();
        }
        assert_eq!(Configure::of(&status).search_base_same, Some(false));
    }
}
