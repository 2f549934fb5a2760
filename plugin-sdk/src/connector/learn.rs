//! What servers say of themselves and of their pair: the partner is learnt, kept for the next start, changed and forgotten (R6, R29).

use super::peer::KnownServer;
use super::{Connector, Millis, Output};
use crate::pair::{Endpoint, Side};
use crate::status::{Health, Why};
use contract::{Discovery, GrPartner};

impl Connector {
    /// A server's own word, by probe or event.
    pub(super) fn hear_discovery(&mut self, now: Millis, side: Side, discovery: &Discovery) {
        let health = match side {
            Side::Primary => {
                self.primary.endpoint.take_name(discovery);
                self.learn_partner(now, discovery);
                health_of(discovery)
            }
            Side::Partner => self.hear_partner(discovery),
        };
        self.judged(now, side, health);
        self.remember();
    }

    /// A server accepted the user. If the user belongs to the other one, the two change roles.
    pub(super) fn logged_in(&mut self, now: Millis, primary: &str, discovery: &Discovery) {
        self.session = true;
        let by_partner =
            (self.partner.as_ref()).is_some_and(|p| same(&p.endpoint.fqdn, &discovery.server.fqdn));
        if !by_partner {
            self.primary.endpoint.take_name(discovery);
            self.learn_partner(now, discovery);
        }
        if (self.partner.as_ref()).is_some_and(|p| same(&p.endpoint.fqdn, primary)) {
            self.change_roles(now);
        }
        self.remember();
    }

    fn change_roles(&mut self, now: Millis) {
        let Some(partner) = &mut self.partner else {
            return;
        };
        std::mem::swap(partner, &mut self.primary);
        self.primary.wanted = true;
        if let Some(round) = self.phase.round_mut() {
            round.swap();
        }
        self.current = self.current.map(Side::other);
        match self.current {
            Some(Side::Partner) => {
                self.hold_down.visiting(now);
                self.why = Why::LoggedInThere;
            }
            Some(Side::Primary) => self.why = Why::Preferred,
            None => {}
        }
    }

    /// The primary says who its partner is.
    fn learn_partner(&mut self, now: Millis, discovery: &Discovery) {
        let said =
            (discovery.gr_partner.as_ref()).filter(|p| !same(&p.fqdn, &discovery.server.fqdn));
        match (said, &mut self.partner) {
            (None, None) => {}
            (Some(said), Some(known))
                if same(&said.fqdn, &known.endpoint.fqdn)
                    && (known.endpoint.http == self.configured
                        || known.endpoint.http == base(&said.http)) =>
            {
                known.endpoint.fqdn = said.fqdn.clone();
                known.endpoint.search_base = said.search_base.clone();
            }
            (said, _) => {
                self.partner = said.map(|said| KnownServer::new(Endpoint::of(said)));
                if let Some(round) = self.phase.round_mut() {
                    round.set(Side::Partner, None);
                }
                if self.current == Some(Side::Partner) {
                    self.seek_anew(now);
                }
            }
        }
    }

    /// The partner's word counts only while both say that they are a pair: a server that was taken out of it may hold
    /// mailboxes that nobody keeps up to date.
    fn hear_partner(&mut self, discovery: &Discovery) -> Health {
        let Some(partner) = &mut self.partner else {
            return Health::Broken;
        };
        let primary = &self.primary.endpoint;
        let ours = (discovery.gr_partner.as_ref()).filter(|said| same(&said.fqdn, &primary.fqdn));
        let Some(ours) = ours.filter(|_| same(&discovery.server.fqdn, &partner.endpoint.fqdn))
        else {
            return Health::Broken;
        };
        partner.endpoint.take_name(discovery);
        // The primary may have moved while it was away. The address that was configured is left alone.
        let moved = primary.http != base(&ours.http) && primary.http != self.configured;
        if moved && !self.primary.health.is_good() {
            self.primary = KnownServer::new(Endpoint::of(ours));
            if let Some(round) = self.phase.round_mut() {
                round.set(Side::Primary, None);
            }
        }
        health_of(discovery)
    }

    fn remember(&mut self) {
        let pair = self.pair();
        if self.remembered.as_ref() != Some(&pair) {
            self.remembered = Some(pair.clone());
            self.outputs.push_back(Output::Remember(pair));
        }
    }
}

impl Endpoint {
    fn of(said: &GrPartner) -> Self {
        Self {
            fqdn: said.fqdn.clone(),
            http: base(&said.http).to_owned(),
            search_base: said.search_base.clone(),
        }
    }

    /// The name as the server says it itself; the address stays the one at which it was reached.
    fn take_name(&mut self, discovery: &Discovery) {
        self.fqdn = discovery.server.fqdn.clone();
        self.search_base = discovery.server.search_base.clone();
    }
}

fn health_of(discovery: &Discovery) -> Health {
    if discovery.in_service {
        let caught_up = discovery.caught_up;
        Health::Good { caught_up }
    } else {
        Health::OutOfService
    }
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn base(http: &str) -> &str {
    http.trim_end_matches('/')
}
