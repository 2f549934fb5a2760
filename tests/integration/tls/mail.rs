use super::{A, self_made};
use support::{LIMIT, Server, Smtp, Tls, transaction, until, voice};

const TO: &str = "7200@cp-a.test.example";
const FROM: &str = "4711@client.example";

/// Delivers a few messages in one pipeline, a long one among them, and waits until they are in the inbox.
fn deliver(server: &Server, mut smtp: Smtp, seeds: std::ops::Range<u64>) {
    let hello = smtp.ask("EHLO client.example\r\n");
    assert_eq!(hello.code, 250);
    assert!(
        !hello.text.contains("STARTTLS"),
        "it is there already: {}",
        hello.text
    );
    let messages = seeds.clone().map(|seed| {
        let seconds = if seed == seeds.start { 400 } else { 2 };
        transaction(
            FROM,
            &[TO],
            &voice::message(FROM, TO, seed, seconds * voice::SECOND),
        )
    });
    smtp.say(messages.collect::<Vec<_>>().concat());
    for reply in seeds.clone().flat_map(|_| smtp.codes::<3>()) {
        assert_eq!(reply, 250);
    }
    assert_eq!(smtp.ask("QUIT\r\n").code, 221);
    assert_eq!(smtp.reply().code, 0);
    let user = server.log_in("7200").expect("a log-in");
    let rows = server.inbox(&user).messages;
    for seed in seeds {
        assert!(rows.iter().any(|row| row.subject == voice::subject(seed)));
    }
}

fn offered(server: &Server) -> Smtp {
    let mut smtp = server.smtp();
    let hello = smtp.ask("EHLO client.example\r\n");
    assert!(
        hello.text.lines().any(|line| line == "STARTTLS"),
        "{}",
        hello.text
    );
    smtp
}

#[test]
fn mail_comes_by_starttls_by_tls_and_still_in_plain() {
    let (_dir, server) = self_made("");
    let tls = server.own_tls();
    let mut smtp = offered(&server);
    assert_eq!(smtp.ask("STARTTLS\r\n").code, 220);
    deliver(&server, smtp.secure(&tls, A), 0..20);

    let mut smtp = Smtp::open_by(&tls, server.smtps.expect("a listener"), A);
    assert_eq!(smtp.reply().code, 220);
    deliver(&server, smtp, 20..40);

    let mail = voice::message(FROM, TO, 40, voice::SECOND);
    assert_eq!(Smtp::hello(server.smtp).mail(FROM, &[TO], &mail).code, 250);
}

#[test]
fn what_is_said_in_plain_behind_starttls_is_refused_and_what_was_said_before_is_forgotten() {
    let (_dir, server) = self_made("");
    let mut smtp = offered(&server);
    smtp.say(format!("STARTTLS\r\nMAIL FROM:<{FROM}>\r\n"));
    let refusal = smtp.reply();
    assert_eq!((refusal.code, refusal.status()), (501, Some("5.5.2")));
    assert_eq!(smtp.reply().code, 0, "closed");

    let mut smtp = offered(&server);
    assert_eq!(smtp.ask(format!("MAIL FROM:<{FROM}>\r\n")).code, 250);
    assert_eq!(smtp.ask("STARTTLS\r\n").code, 220);
    let mut smtp = smtp.secure(&server.own_tls(), A);
    assert_eq!(smtp.ask(format!("RCPT TO:<{TO}>\r\n")).code, 503);
}

#[test]
fn a_client_that_does_not_complete_tls_is_cut_and_nobody_else() {
    let (_dir, server) = self_made("limits.handshake_timeout_s = 1");
    let smtps = server.smtps.expect("a listener");
    let mut silent = Smtp::open(smtps);
    let mut plain = Smtp::open(smtps);
    plain.say("EHLO client.example\r\n");
    let mut half = offered(&server);
    assert_eq!(half.ask("STARTTLS\r\n").code, 220);
    for smtp in [&mut silent, &mut plain, &mut half] {
        assert_eq!(smtp.reply().code, 0);
    }
    let name = "callpilot_tls_failed_total";
    until("the one who spoke plain, counted", || {
        (server.metric(name) >= 1.0).then_some(())
    });
    let mut smtp = Smtp::open_by(&server.own_tls(), smtps, A);
    assert_eq!(smtp.reply().code, 220);
}

#[test]
fn a_client_that_was_told_good_bye_knows_that_nothing_was_cut_off() {
    use std::io::{Read, Write};
    let (_dir, server) = self_made("");
    let tls: Tls = server.own_tls();
    let stream = support::Wire::connect(server.smtps.expect("a listener")).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut wire = tls.secure(stream, A).unwrap();
    wire.write_all(b"QUIT\r\n").unwrap();
    let mut said = String::new();
    // An end without TLS's own good-bye would be an error here.
    wire.read_to_string(&mut said).unwrap();
    assert!(
        said.starts_with("220 ") && said.contains("\r\n221 "),
        "{said}"
    );
}

/// Base64 of NUL, name, NUL, password.
const WEST: &str = "AHdlc3QAY2xvdWR5LWhhcmJvdXI="; // west, cloudy-harbour
const EAST: &str = "AGVhc3QAY2xvdWR5LWhhcmJvdXI="; // east, cloudy-harbour
const WRONG: &str = "AHdlc3QAY2xvdWR5"; // west, cloudy
const TILDE: &str = "ADcyMDAAdGVzdHMtMjQ2OA=="; // 7200, tests-2468

/// The hash of cloudy-harbour.
fn hash() -> String {
    let hashed = std::process::Command::new(support::program())
        .args(["hash-password", "--json", "--password", "cloudy-harbour"])
        .output()
        .unwrap();
    let hash: serde_json::Value = serde_json::from_slice(&hashed.stdout).unwrap();
    hash["password_hash"].as_str().unwrap().to_owned()
}

/// A server with a file of peers, in which west stands alone.
fn with_peers(settings: &str) -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join(A);
    std::fs::create_dir(&folder).unwrap();
    let peers = format!("# sites\nwest {}\n", hash());
    std::fs::write(folder.join("peers"), peers).unwrap();
    let settings = format!("{}\nsmtp.peers_file = \"peers\"\n{settings}", super::ALL);
    let server = Server::start(dir.path(), A, &settings);
    (dir, server)
}

#[test]
fn a_changed_file_of_peers_is_taken_without_a_restart_and_a_bad_one_leaves_those_of_before() {
    let (_dir, server) = with_peers("tls.reload_s = 86_400");
    let peers = server.dir().join("peers");
    let code = |credentials: &str| {
        let mut smtp = Smtp::open_by(&server.own_tls(), server.smtps.expect("a listener"), A);
        assert_eq!(smtp.reply().code, 220);
        assert_eq!(smtp.ask("EHLO client.example\r\n").code, 250);
        smtp.ask(format!("AUTH PLAIN {credentials}\r\n")).code
    };
    let doctor = |mark: &str| {
        let said = server.command(&["doctor"]).stdout;
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains(&format!("{mark} peers")), "{said}");
        said
    };
    let looked = |said: &str| {
        until("a word in the log", || {
            server.log().contains(said).then_some(())
        });
    };
    assert_eq!((code(WEST), code(EAST)), (235, 535));
    doctor("✓");

    std::fs::write(&peers, "west and nothing else\n").unwrap();
    server.signal("HUP");
    looked("the file of peers could not be read again");
    assert_eq!(code(WEST), 235);
    assert!(doctor("✗").contains("line 1 must be a name"));

    std::fs::write(&peers, format!("east {}\n", hash())).unwrap();
    server.signal("HUP");
    looked("the file of peers has changed");
    assert_eq!((code(EAST), code(WEST)), (235, 535));
    doctor("✓");
}

#[test]
fn peers_and_owners_of_mailboxes_sign_in_by_tls_and_are_believed() {
    let (_dir, server) = with_peers("smtp.peers_only = true");
    server.add_user("7200", "Tilde Brask");
    server.add_user("7201", "Odo Renn");

    let plain = Smtp::connect(server.smtp).ask("EHLO client.example\r\n");
    assert!(!plain.text.contains("AUTH"), "{}", plain.text);
    assert_eq!(
        Smtp::hello(server.smtp)
            .ask(format!("AUTH PLAIN {WEST}\r\n"))
            .code,
        538
    );

    let by_tls = || {
        let mut smtp = Smtp::open_by(&server.own_tls(), server.smtps.expect("a listener"), A);
        assert_eq!(smtp.reply().code, 220);
        let hello = smtp.ask("EHLO client.example\r\n");
        assert!(
            hello.text.lines().any(|line| line == "AUTH PLAIN"),
            "{}",
            hello.text
        );
        smtp
    };
    let sent = |credentials: Option<&str>, from: &str, seed: u64| {
        let mut smtp = by_tls();
        if let Some(credentials) = credentials {
            let reply = smtp.ask(format!("AUTH PLAIN {credentials}\r\n"));
            assert_eq!((reply.code, reply.status()), (235, Some("2.7.0")));
        }
        let mail = voice::message(from, TO, seed, voice::SECOND);
        let reply = smtp.mail(FROM, &[TO], &mail);
        if reply.code != 250 {
            return (reply.code, false);
        }
        let user = server.log_in("7200").expect("a log-in");
        let rows = server.inbox(&user).messages;
        let row = rows.iter().find(|row| row.subject == voice::subject(seed));
        (250, row.expect("the message").sender_unverified)
    };
    assert_eq!(sent(None, FROM, 1), (530, false));
    assert_eq!(sent(Some(WEST), "7201@cp-a.test.example", 2), (250, false));
    assert_eq!(sent(Some(TILDE), "7200@cp-a.test.example", 3), (250, false));
    assert_eq!(
        sent(Some(TILDE), "7201@cp-a.test.example", 4),
        (250, true),
        "somebody else's"
    );

    let mut smtp = by_tls();
    let wrong = smtp.ask(format!("AUTH PLAIN {WRONG}\r\n"));
    assert_eq!((wrong.code, wrong.status()), (535, Some("5.7.8")));
    // Tries are entered behind what answers them.
    let trail = until("the try is in the audit trail", || {
        let trail = server.admin().get("/api/v1/admin/audit-trail");
        let trail = trail.json().to_string();
        let said = ["peer.sign-in", "wrong-password", "west"];
        said.iter()
            .all(|said| trail.contains(said))
            .then_some(trail)
    });
    assert!(!trail.contains("cloudy") && !server.log().contains("cloudy"));
}

#[test]
fn a_client_that_guesses_passwords_by_smtp_has_to_wait_like_any_other() {
    let (_dir, server) = self_made("login.tries_max = 2");
    let mut smtp = Smtp::open_by(&server.own_tls(), server.smtps.expect("a listener"), A);
    assert_eq!(smtp.reply().code, 220);
    assert_eq!(smtp.ask("EHLO client.example\r\n").code, 250);
    let codes: Vec<u16> = (0..4)
        .map(|_| smtp.ask(format!("AUTH PLAIN {WRONG}\r\n")).code)
        .collect();
    assert_eq!(codes[0], 535);
    assert_eq!(codes[3], 454, "{codes:?}");
}
