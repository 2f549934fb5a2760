use crate::{agree, leave, tilde};
use contract::PartnerState;
use serde_json::json;
use std::path::Path;
use support::{Http, Pair, Proxy, until};

/// A pair whose two servers reach each other over links that can be cut.
pub(crate) struct Linked {
    pub(crate) pair: Pair,
    /// From a to b, from b to a.
    pub(crate) links: [Proxy; 2],
    _dir: tempfile::TempDir,
}

impl Linked {
    pub(crate) fn start() -> Self {
        Self::of(|root| Pair::alone(root, ""))
    }

    /// Joins two servers that do not know each other yet.
    pub(crate) fn of(two: impl FnOnce(&Path) -> Pair) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let pair = two(dir.path());
        let links = [Proxy::to(pair.b.smtp), Proxy::to(pair.a.smtp)];
        for (own, partner, link) in [(&pair.a, &pair.b, &links[0]), (&pair.b, &pair.a, &links[1])] {
            let body = json!({
                "fqdn": partner.fqdn,
                "smtp": link.address.to_string(),
                "http": format!("http://{}", partner.http),
                "password": "tests of the link 9753",
            });
            assert_eq!(
                own.admin()
                    .ask("PUT", "/api/v1/admin/gr", Some(&body))
                    .unwrap()
                    .status,
                200
            );
        }
        pair.running();
        pair.a.add_user("7200", "Tilde Brask");
        pair.running();
        Self {
            pair,
            links,
            _dir: dir,
        }
    }

    fn state(&self, wanted: PartnerState) {
        for server in [&self.pair.a, &self.pair.b] {
            until("the state of a cut link", || {
                Pair::status(server).filter(|s| s.state == wanted)
            });
        }
    }
}

#[test]
fn a_cut_link_is_noticed_and_when_it_is_whole_again_everything_flows() {
    let linked = Linked::start();
    let user = tilde(&linked.pair.a);
    tilde(&linked.pair.b);
    linked.links.iter().for_each(Proxy::cut);
    for seed in 1..=5 {
        assert!(
            leave(&linked.pair.a, seed) && leave(&linked.pair.b, seed + 100),
            "both go on taking messages"
        );
    }
    linked.state(PartnerState::Down);
    assert_eq!(Pair::status(&linked.pair.a).unwrap().messages.count, 5);
    assert_eq!(Pair::status(&linked.pair.b).unwrap().messages.count, 5);
    linked.links.iter().for_each(Proxy::heal);
    assert_eq!(agree(&linked.pair, &user).len(), 10);
}

#[test]
fn a_link_that_is_cut_in_one_direction_is_no_link() {
    let linked = Linked::start();
    let user = tilde(&linked.pair.a);
    linked.links[0].cut();
    linked.state(PartnerState::Down);
    assert!(leave(&linked.pair.a, 1));
    linked.links[0].heal();
    assert_eq!(agree(&linked.pair, &user).len(), 1);
}

#[test]
fn a_link_that_breaks_again_and_again_loses_and_doubles_nothing() {
    let linked = Linked::start();
    let user = tilde(&linked.pair.a);
    for seed in 0..30 {
        assert!(leave(&linked.pair.a, seed) && leave(&linked.pair.b, seed + 100));
        if seed % 3 == 0 {
            linked.links.iter().for_each(Proxy::cut);
            linked.links.iter().for_each(Proxy::heal);
        }
    }
    assert_eq!(agree(&linked.pair, &user).len(), 60);
}

#[test]
fn both_sides_may_change_the_same_message_while_they_are_apart() {
    let linked = Linked::start();
    let (a, b) = (&linked.pair.a, &linked.pair.b);
    let user = tilde(a);
    assert!(leave(a, 1) && leave(a, 2));
    let inbox = agree(&linked.pair, &user);
    linked.links.iter().for_each(Proxy::cut);
    let on_b = Http::new(b.http, user.token());
    let path = |i: usize| format!("/api/v1/messages/{}", inbox[i].id);
    // One heard here and deleted there; the other deleted for good here and heard there.
    assert_eq!(
        user.ask("PATCH", &path(0), Some(&json!({ "unread": false })))
            .unwrap()
            .status,
        200
    );
    assert_eq!(on_b.ask("DELETE", &path(0), None).unwrap().status, 200);
    assert_eq!(user.ask("DELETE", &path(1), None).unwrap().status, 200);
    let for_good = path(1) + "?folder=deleted";
    assert_eq!(user.ask("DELETE", &for_good, None).unwrap().status, 204);
    assert_eq!(
        on_b.ask("PATCH", &path(1), Some(&json!({ "unread": false })))
            .unwrap()
            .status,
        200
    );
    linked.links.iter().for_each(Proxy::heal);
    assert_eq!(agree(&linked.pair, &user), []);
    let deleted = crate::folder(b, &user, contract::Folder::Deleted);
    assert_eq!(deleted.len(), 1);
    assert!(
        deleted[0].id == inbox[0].id && !deleted[0].unread,
        "both changes are in it"
    );
}
