//! The GR password is changed, or differs.

use crate::{agree, leave, pair, tilde};
use contract::PartnerState;
use serde_json::json;
use support::{Http, Pair, Server, until};

const NEW: &str = "seven grey herons wait";
const ROUTE: &str = "/api/v1/admin/gr/password";

fn enter(server: &Server, password: &str, at_once: bool) -> u16 {
    let body = json!({ "password": password, "at_once": at_once });
    let answer = server
        .admin()
        .ask("PUT", ROUTE, Some(&body))
        .expect("an answer");
    answer.status
}

/// The root in the data folder.
fn root(server: &Server) -> Vec<u8> {
    std::fs::read(server.data_dir().join("gr.key")).expect("a key")
}

fn is_changing(server: &Server) -> bool {
    Pair::status(server).is_some_and(|status| status.password_changing)
}

fn works(server: &Server, user: &Http) -> bool {
    Http::new(server.http, user.token())
        .get("/api/v1/session")
        .status
        == 200
}

#[test]
fn the_gr_password_is_changed_while_mail_goes_on_and_no_session_ends() {
    for a_is_first in [true, false] {
        let (_dir, mut pair) = pair("");
        let user = tilde(&pair.a);
        let before = root(&pair.a);
        let (first, second) = match a_is_first {
            true => (&pair.a, &pair.b),
            false => (&pair.b, &pair.a),
        };
        assert_eq!(enter(first, "short", false), 400, "a weak one");
        assert_eq!(enter(first, NEW, false), 200);
        assert!(is_changing(first) && !is_changing(second));
        assert!(leave(&pair.a, 1) && leave(&pair.b, 2));
        assert_eq!(agree(&pair, &user).len(), 2, "the old one holds on both");
        assert_eq!(root(first), before);
        // It stays begun over a restart.
        let restarted = if a_is_first { &mut pair.a } else { &mut pair.b };
        restarted.kill();
        restarted.run();
        pair.running();
        let (first, second) = match a_is_first {
            true => (&pair.a, &pair.b),
            false => (&pair.b, &pair.a),
        };
        assert!(is_changing(first));
        assert_eq!(enter(second, NEW, false), 200);
        until("both with the new password", || {
            let over = root(&pair.a) == root(&pair.b) && root(&pair.a) != before;
            (over && !is_changing(&pair.a) && !is_changing(&pair.b)).then_some(())
        });
        assert!(leave(&pair.a, 3) && leave(&pair.b, 4));
        assert_eq!(agree(&pair, &user).len(), 4);
        for server in [&pair.a, &pair.b] {
            assert!(works(server, &user), "a session of before");
            assert!(works(server, &tilde(&pair.a)) && works(server, &tilde(&pair.b)));
        }
        pair.a.kill();
        pair.a.run();
        pair.running();
        assert!(works(&pair.a, &user), "after a restart, too");
    }
}

#[test]
fn a_change_is_given_up_by_the_old_password() {
    let (_dir, pair) = pair("");
    assert_eq!(enter(&pair.a, NEW, false), 200);
    assert!(is_changing(&pair.a));
    assert_eq!(enter(&pair.a, "tests of the pair 8642", false), 200);
    assert!(!is_changing(&pair.a) && !pair.a.data_dir().join("gr-next.key").exists());
    pair.running();
}

#[test]
fn a_gr_password_that_others_know_holds_for_nothing_once_it_is_changed_at_once() {
    let (_dir, pair) = pair("");
    let user = tilde(&pair.a);
    assert!(works(&pair.a, &user));
    assert_eq!(enter(&pair.a, NEW, true), 200);
    assert!(!works(&pair.a, &user), "its session key may be known, too");
    until("a partner that is not heard", || {
        (Pair::status(&pair.a)?.state != PartnerState::Running).then_some(())
    });
    assert_eq!(enter(&pair.b, NEW, true), 200);
    pair.running();
    assert!(!works(&pair.b, &user));
    assert!(works(&pair.a, &tilde(&pair.b)));
}

#[test]
fn two_different_new_gr_passwords_are_told_while_the_one_of_before_goes_on_holding() {
    let (_dir, pair) = pair("");
    assert_eq!(enter(&pair.a, NEW, false), 200);
    assert_eq!(enter(&pair.b, "four brown owls listen", false), 200);
    for server in [&pair.a, &pair.b] {
        until("a status that tells of it", || {
            Pair::status(server)?.other_key_from
        });
        assert!(is_changing(server));
        for command in [&["doctor"][..], &["gr", "status"]] {
            let said = server.command(command);
            let text = String::from_utf8_lossy(&said.stdout).into_owned();
            assert!(text.contains("another new one was entered there"), "{text}");
        }
    }
    pair.running();
    assert_eq!(enter(&pair.b, NEW, false), 200);
    until("both with the new password", || {
        (root(&pair.a) == root(&pair.b) && !is_changing(&pair.a) && !is_changing(&pair.b))
            .then_some(())
    });
    assert_eq!(Pair::status(&pair.a).unwrap().other_key_from, None);
}

#[test]
fn different_gr_passwords_are_told_with_the_address_that_such_mail_comes_from() {
    let (_dir, pair) = pair("");
    assert_eq!(enter(&pair.a, NEW, true), 200);
    until("a status that tells of it", || {
        (Pair::status(&pair.b)?.other_key_from.as_deref() == Some("127.0.0.1")).then_some(())
    });
    for command in [&["doctor"][..], &["gr", "status"]] {
        let said = pair.b.command(command);
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(
            text.contains("callpilot gr password") && text.contains("127.0.0.1"),
            "{text}"
        );
    }
    assert_eq!(enter(&pair.b, NEW, true), 200);
    pair.running();
    assert_eq!(Pair::status(&pair.b).unwrap().other_key_from, None);
}

#[test]
fn a_partner_that_calls_itself_otherwise_than_clients_are_told_is_found_out() {
    let (_dir, pair) = pair("");
    let doctor = || {
        let said = pair.a.command(&["doctor"]);
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    let text = doctor();
    assert!(
        text.contains("both servers tell clients the same"),
        "{text}"
    );
    pair.keep_clients_at_a();
    let text = doctor();
    assert!(
        text.contains("the partner runs, but not at http://127.0.0.1:9"),
        "{text}"
    );
    let status = pair.a.command(&["gr", "status"]);
    assert!(String::from_utf8_lossy(&status.stdout).contains("Addresses     ✗"));
}
