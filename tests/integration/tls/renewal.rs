use super::{A, ALL, OWN, vouched};
use contract::Event;
use std::fs;
use std::path::Path;
use support::{Authority, Server, Smtp, certificate, until, voice};

const TO: &str = "7200@cp-a.test.example";
const FROM: &str = "4711@client.example";

fn start(root: &Path, settings: &str) -> (Authority, Server) {
    let roots = root.join("roots.crt");
    let authority = Authority::new(&roots);
    vouched(root, A, &authority, &roots);
    let settings = format!("{ALL}\n{OWN}\n{settings}");
    (authority, Server::start(root, A, &settings))
}

/// Waits until new connections get the certificate that lies in the server's folder.
fn shows_its_own(server: &Server) {
    let own = certificate(&server.dir().join("own.crt"));
    until("the certificate of the file", || {
        let shown = server.client("").connect()?.certificate()?;
        (shown == own).then_some(())
    });
}

#[test]
fn a_changed_certificate_is_taken_without_a_restart_and_open_connections_go_on() {
    let root = tempfile::tempdir().unwrap();
    let (authority, server) = start(root.path(), "tls.reload_s = 1");
    shows_its_own(&server);
    server.add_user("7200", "Tilde Brask");
    let user = server.log_in("7200").expect("a log-in");
    let mut events = user.events();
    assert!(matches!(events.next(), Some(Event::Server { .. })));
    authority.vouch_for(A, server.dir());
    shows_its_own(&server);
    until("a command line that knows the new one", || {
        server
            .command(&["user", "list"])
            .status
            .success()
            .then_some(())
    });
    let mail = voice::message(FROM, TO, 1, voice::SECOND);
    assert_eq!(Smtp::hello(server.smtp).mail(FROM, &[TO], &mail).code, 250);
    let news = events.next();
    assert!(news.is_some(), "a stream from before goes on");
}

#[test]
fn files_that_cannot_be_used_are_told_and_the_old_certificate_stays_until_they_can() {
    let root = tempfile::tempdir().unwrap();
    let (authority, server) = start(root.path(), "tls.reload_s = 86_400");
    let before = certificate(&server.dir().join("own.crt"));
    fs::write(server.dir().join("own.crt"), "no certificate").unwrap();
    server.signal("HUP");
    until("a word in the log", || {
        let log = server.log();
        let said = log
            .lines()
            .find(|line| line.contains("could not be read again"))?;
        said.contains("own.crt holds no certificate in PEM")
            .then_some(())
    });
    let shown = server.client("").connect().unwrap().certificate();
    assert_eq!(shown, Some(before));
    let doctor = server.command(&["doctor"]);
    assert!(
        String::from_utf8_lossy(&doctor.stdout).contains("✗ certificate"),
        "{doctor:?}"
    );

    authority.vouch_for(A, server.dir());
    server.signal("HUP");
    shows_its_own(&server);
}

#[test]
fn a_hang_up_does_not_end_a_server_without_tls() {
    let root = tempfile::tempdir().unwrap();
    let mut server = Server::start(root.path(), A, "");
    server.signal("HUP");
    assert_eq!(server.client("").get("/healthz").status, 200);
    assert!(server.stop().success());
}

#[test]
fn a_server_that_cannot_use_its_certificate_does_not_start_and_says_which_file() {
    let root = tempfile::tempdir().unwrap();
    let config = root.path().join("callpilot.toml");
    let text = format!(
        "fqdn = \"{A}\"\ndata_dir = \"data\"\nhttp.listen = \"127.0.0.1:0\"\nsmtp.listen = \"127.0.0.1:0\"\nhttp.tls = true\ntls.certificate = \"none.crt\"\ntls.key = \"none.key\"\n"
    );
    fs::write(&config, text).unwrap();
    let mut command = std::process::Command::new(support::program());
    let ended = command
        .args(["serve", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(
        !ended.status.success() && said.contains("none.crt: "),
        "{said}"
    );
}
