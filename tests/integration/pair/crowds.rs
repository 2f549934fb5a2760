//! Strangers that take all SMTP connections of a server: the partner has places of its own.

use super::{agree, leave, pair, tilde};
use std::net::TcpStream;
use support::{Server, crowd};

/// As many connections as a server has, from two addresses: half of them silent, half in the middle of a message.
fn strangers(server: &Server) -> Vec<TcpStream> {
    let beginning = "EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<7200@cp-a.test.example>\r\nBDAT 9000 LAST\r\nFrom";
    let mut all = crowd([127, 0, 0, 3], server.smtp, 100, "");
    all.extend(crowd([127, 0, 0, 4], server.smtp, 100, beginning));
    all
}

#[test]
fn two_hundred_idle_smtp_connections_do_not_cut_replication() {
    let (_dir, mut pair) = pair("");
    let _at_b = strangers(&pair.b);
    assert!(leave(&pair.a, 1));
    // A new connection has to find a place.
    pair.a.kill();
    pair.a.run();
    let _at_a = strangers(&pair.a);
    pair.running();
    let user = tilde(&pair.a);
    assert_eq!(agree(&pair, &user).len(), 1);
    assert!(leave(&pair.a, 2));
    assert_eq!(agree(&pair, &user).len(), 2);
}
