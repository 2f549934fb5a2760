//! Where mail goes, by which way, and what is told at the address.

use crate::{ESMTP, SOON, all, by_route, detail, message_id, queue, report, routes, send};
use contract::{Folder, Kind, QueuedState, ResolvedAddress};
use serde_json::json;
use std::net::UdpSocket;
use support::{Authority, Http, Receiver, Server, until};
use tempfile::TempDir;

fn started(dir: &TempDir, settings: &str) -> (Server, Http) {
    let server = Server::start(
        dir.path(),
        "cp-a.test.example",
        &format!("{SOON}{settings}"),
    );
    server.add_user("7200", "Tilde Brask");
    let user = server.log_in("7200").expect("a log-in");
    (server, user)
}

fn resolved(user: &Http, addresses: &[&str]) -> Vec<ResolvedAddress> {
    let query = json!({ "addresses": addresses });
    let answer = user.ask("POST", "/api/v1/addresses", Some(&query));
    serde_json::from_slice(&answer.expect("an answer").body).expect("addresses")
}

/// From one of our systems to another: what is spoken here is heard there.
#[test]
fn another_callpilot_gets_it_in_the_mailbox_behind_the_prefix() {
    let dir = tempfile::tempdir().expect("a folder");
    let west = Server::start(dir.path(), "cp-w.test.example", "smtp.starttls = true\n");
    west.add_user("7300", "Odo Renn");
    let line = format!("cp-w.test.example {} prefix=1273/2\n", west.smtp);
    let (server, user) = started(&dir, &routes(dir.path(), &line));
    let [found] = &resolved(&user, &["1273 00"])[..] else {
        panic!("one address")
    };
    assert_eq!(found.address, "7300@cp-w.test.example");
    send(&user, 1, &["127300"]);
    all(&server, QueuedState::Delivered);
    let odo = west.log_in("7300").expect("a log-in");
    let row = crate::folder(&west, &odo, Folder::Inbox)
        .pop()
        .expect("it is there");
    assert_eq!(
        (row.kind, row.duration_ms, row.attachments),
        (Kind::Voice, 500, 0)
    );
    assert_eq!(
        (&row.sender.address[..], row.sender_unverified),
        ("7200@cp-a.test.example", false)
    );
    let heard = odo.get(&format!("/api/v1/messages/{}/audio", row.id));
    assert_eq!(heard.body.len(), 44 + 8_000);
}

#[test]
fn what_cannot_be_reached_says_so_at_the_address() {
    let dir = tempfile::tempdir().expect("a folder");
    let lines = "b.example 127.0.0.1:9 prefix=1273/2\n";
    let settings = format!(
        "{}smtp.outgoing.by_name = false\n",
        routes(dir.path(), lines)
    );
    let (server, user) = started(&dir, &settings);
    let remote = json!({ "mailbox": "7555", "name": "Pia Oss", "address": "555@b.example" });
    let added = server
        .admin()
        .ask("POST", "/api/v1/admin/remote-users", Some(&remote));
    assert_eq!(added.expect("an answer").status, 201);
    let shortcut = json!({ "prefix": "1272", "overlap": 2 });
    let added = server
        .admin()
        .ask("POST", "/api/v1/admin/shortcuts", Some(&shortcut));
    assert_eq!(added.expect("an answer").status, 201);
    let reached = [
        ("7300@b.example", "", "7300@b.example"),
        ("127300", "", "7300@b.example"),
        ("7555", "Pia Oss", "555@b.example"),
        ("127200", "Tilde Brask", "7200@cp-a.test.example"),
    ];
    let found = resolved(&user, &reached.map(|(entered, ..)| entered));
    for ((entered, name, address), found) in reached.iter().zip(found) {
        assert_eq!(
            (&found.name[..], &found.address[..]),
            (*name, *address),
            "{entered}"
        );
        assert_eq!(found.unreachable, None);
    }
    let nowhere = [
        ("7300@c.example", "this server has no way there"),
        ("8300", "There is no mailbox 8300"),
        ("+49 30 1234567", "is a telephone number"),
        ("FAX=4930123@b.example", "is a fax machine"),
        (
            "a b@b.example",
            "is neither a mailbox number nor an address",
        ),
        (
            "\"a>b\"@b.example",
            "is neither a mailbox number nor an address",
        ),
        ("7300@[127.0.0.1]", "this server has no way there"),
    ];
    let found = resolved(&user, &nowhere.map(|(entered, _)| entered));
    for ((entered, said), found) in nowhere.iter().zip(found) {
        let why = found.unreachable.unwrap_or_default();
        assert!(why.contains(said), "{entered}: {why}");
        assert!(found.address.is_empty());
    }
}

#[test]
fn a_relay_takes_what_no_line_names() {
    let dir = tempfile::tempdir().expect("a folder");
    let (named, relay) = (Receiver::start(ESMTP), Receiver::start(ESMTP));
    let settings = format!(
        "{}smtp.outgoing.relay = \"{}\"\n",
        by_route(dir.path(), named.address),
        relay.address
    );
    let (server, user) = started(&dir, &settings);
    send(&user, 1, &["1@b.example", "2@c.example", "3@d.example"]);
    all(&server, QueuedState::Delivered);
    assert_eq!(named.taken()[0].to, ["1@b.example"]);
    assert_eq!(
        relay.taken()[0].to,
        ["2@c.example", "3@d.example"],
        "in one transaction"
    );
}

/// Without TLS nothing goes where it is required, and the sender is not told before its time.
#[test]
fn where_tls_is_required_nothing_goes_without_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let authority = Authority::new(&dir.path().join("roots.crt"));
    authority.vouch_for("cp-w.test.example", &dir.path().join("cp-w.test.example"));
    let certificate =
        "smtp.starttls = true\ntls.certificate = \"own.crt\"\ntls.key = \"own.key\"\n";
    let west = Server::start(dir.path(), "cp-w.test.example", certificate);
    west.add_user("7300", "Odo Renn");
    let plain = Receiver::start(ESMTP);
    let lines = format!(
        "cp-w.test.example {} tls=required\nb.example {} tls=required\n",
        west.smtp, plain.address
    );
    let roots = format!("tls.roots = {:?}\n", dir.path().join("roots.crt"));
    let (server, user) = started(&dir, &format!("{}{roots}", routes(dir.path(), &lines)));
    send(&user, 1, &["7300@cp-w.test.example", "1@b.example"]);
    let message = until("one that is delivered and one that is not", || {
        let message = queue(&server).pop()?;
        let [secured, waits] = &message.recipients[..] else {
            return None;
        };
        let done = secured.state == QueuedState::Delivered && waits.attempts > 1;
        done.then_some(message)
    });
    assert!(
        message.recipients[1].said.contains("does not offer TLS"),
        "{message:?}"
    );
    assert!(plain.heard().is_empty());
    let odo = west.log_in("7300").expect("a log-in");
    assert_eq!(crate::folder(&west, &odo, Folder::Inbox).len(), 1);
}

/// A system that takes mail from those alone who sign in.
#[test]
fn a_system_that_wants_a_password_gets_it_by_tls() {
    let dir = tempfile::tempdir().expect("a folder");
    let authority = Authority::new(&dir.path().join("roots.crt"));
    let folder = dir.path().join("cp-w.test.example");
    authority.vouch_for("cp-w.test.example", &folder);
    let hashed = std::process::Command::new(support::program())
        .args(["hash-password", "--json", "--password", "cloudy-harbour"])
        .output();
    let hash: serde_json::Value =
        serde_json::from_slice(&hashed.expect("the program").stdout).expect("a hash");
    let hash = hash["password_hash"].as_str().expect("a hash");
    std::fs::write(folder.join("peers"), format!("north {hash}\n")).expect("a folder");
    std::fs::write(dir.path().join("password"), "cloudy-harbour\n").expect("a folder");
    let west = Server::start(
        dir.path(),
        "cp-w.test.example",
        "smtp.starttls = true\ntls.certificate = \"own.crt\"\ntls.key = \"own.key\"\n\
         smtp.peers_only = true\nsmtp.peers_file = \"peers\"\n",
    );
    west.add_user("7300", "Odo Renn");
    let line = format!(
        "cp-w.test.example {} tls=required user=north password_file=password\n",
        west.smtp
    );
    let roots = format!("tls.roots = {:?}\n", dir.path().join("roots.crt"));
    let (server, user) = started(&dir, &format!("{}{roots}", routes(dir.path(), &line)));
    send(&user, 1, &["7300@cp-w.test.example"]);
    all(&server, QueuedState::Delivered);
    let odo = west.log_in("7300").expect("a log-in");
    assert_eq!(crate::folder(&west, &odo, Folder::Inbox).len(), 1);
}

/// Where it is not required it is tried all the same, and what cannot be had is gone without. A changed file is taken into use without a restart.
#[test]
fn tls_is_tried_where_it_is_offered() {
    let dir = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start(&["STARTTLS"]);
    let line = |tls: &str| format!("b.example {} tls={tls}\n", receiver.address);
    let (server, user) = started(&dir, &routes(dir.path(), &line("never")));
    let delivered = |n: u16| {
        send(&user, n, &["7300@b.example"]);
        until("a delivery", || {
            (receiver.taken().len() == usize::from(n)).then_some(())
        });
    };
    delivered(1);
    assert_eq!(receiver.connections(), 1);
    routes(dir.path(), &line("opportunistic"));
    server.signal("HUP");
    until("the new file", || {
        let log = server.log();
        log.contains("the file of other systems has changed")
            .then_some(())
    });
    delivered(2);
    assert_eq!(
        receiver.connections(),
        3,
        "one for TLS, which failed, and one without"
    );
}

/// A name server that knows two domains: the mail of one is taken by a server of another name, the other does not exist.
fn name_server() -> std::net::SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((len, from)) = socket.recv_from(&mut query) {
            if let Some(answer) = answer(&query[..len]) {
                let _ = socket.send_to(&answer, from);
            }
        }
    });
    address
}

/// RFC 1035 section 4.1: the question back, and an answer to it.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let mut end = 12;
    let mut name = Vec::new();
    while *query.get(end)? != 0 {
        let len = usize::from(query[end]);
        name.push(String::from_utf8_lossy(query.get(end + 1..=end + len)?).to_ascii_lowercase());
        end += len + 1;
    }
    let question = query.get(12..end + 5)?;
    let kind = u16::from_be_bytes([query[end + 1], query[end + 2]]);
    let name = name.join(".");
    let rdata: Option<Vec<u8>> = match (&name[..], kind) {
        // 10 mx.c.example, the domain by a reference to the question.
        ("c.example", 15) => Some([&[0, 10, 2][..], b"mx", &[0xc0, 12]].concat()),
        ("mx.c.example", 1) => Some(vec![127, 0, 0, 1]),
        _ => None,
    };
    let exists = name.ends_with("c.example");
    let code = if exists { 0 } else { 3 };
    let mut out = query[..2].to_vec();
    let answers = u8::from(rdata.is_some());
    out.extend([0x81, 0x80 | code, 0, 1, 0, answers, 0, 0, 0, 0]);
    out.extend_from_slice(question);
    if let Some(rdata) = rdata {
        out.extend([0xc0, 12]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 60]);
        out.extend(u16::try_from(rdata.len()).ok()?.to_be_bytes());
        out.extend(rdata);
    }
    Some(out)
}

#[test]
fn a_domain_that_nobody_named_is_found_by_dns_and_one_that_is_none_is_reported() {
    let dir = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start(ESMTP);
    let settings = format!(
        "smtp.outgoing.name_servers = [\"{}\"]\nsmtp.outgoing.port = {}\n",
        name_server(),
        receiver.address.port()
    );
    let (server, user) = started(&dir, &settings);
    let sent = send(&user, 1, &["7300@c.example", "7300@nowhere.example"]);
    let (_, said) = report(&server, &user);
    assert!(
        said.contains("there is no domain nowhere.example"),
        "{said}"
    );
    until("the mail", || (receiver.taken().len() == 1).then_some(()));
    let taken = receiver.taken();
    assert_eq!(taken[0].to, ["7300@c.example"]);
    assert_eq!(taken[0].field("Message-ID"), message_id(1));
    until("what became of it", || {
        (detail(&user, &sent).remarks.len() == 2).then_some(())
    });
}

/// Somebody who goes by another name gets nothing.
#[test]
fn a_server_that_does_not_prove_its_name_gets_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let west = Server::start(dir.path(), "cp-w.test.example", "smtp.starttls = true\n");
    west.add_user("7300", "Odo Renn");
    // It vouches for nobody.
    Authority::new(&dir.path().join("roots.crt"));
    let line = format!("cp-w.test.example {} tls=required\n", west.smtp);
    let roots = format!("tls.roots = {:?}\n", dir.path().join("roots.crt"));
    let (server, user) = started(&dir, &format!("{}{roots}", routes(dir.path(), &line)));
    send(&user, 1, &["7300@cp-w.test.example"]);
    until("an attempt", || {
        let message = queue(&server).pop()?;
        (message.recipients[0].attempts > 0).then_some(())
    });
    let odo = west.log_in("7300").expect("a log-in");
    assert!(crate::folder(&west, &odo, Folder::Inbox).is_empty());
}
