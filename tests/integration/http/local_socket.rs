//! The command line and the socket in the data folder.

use super::cli::json;
use crate::server;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};
use support::{Server, program, until};

/// An account that is neither root nor the one that tests run under.
const STRANGER: u32 = 64_321;

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn mode(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn commands_work_while_strangers_hold_every_connection_of_the_listeners() {
    let (_dir, server) = server("http.connections_max = 4\nhttp.connections_per_address_max = 4");
    let silent: Vec<_> = (0..64)
        .map(|_| server.client("").connect().expect("a connection"))
        .collect();
    for args in [
        &["user", "list", "--json"][..],
        &["gr", "status", "--json"],
        &["doctor"],
    ] {
        let output = server.command(args);
        assert!(output.status.success(), "{}", said(&output));
    }
    drop(silent);
}

#[test]
fn commands_need_neither_the_token_nor_what_run_json_says() {
    let (_dir, server) = server("");
    fs::remove_file(server.data_dir().join("admin.token")).unwrap();
    // As a server that was killed may have left it: the port is somebody else's now.
    let run = server.data_dir().join("run.json");
    let text = fs::read_to_string(&run).unwrap();
    fs::write(&run, text.replace(&server.http.to_string(), "127.0.0.1:9")).unwrap();
    let rows = json(&server.command(&["user", "list", "--json"]));
    assert_eq!(rows.as_array().unwrap().len(), 2);
}

#[test]
fn a_server_that_was_killed_is_said_not_to_run_and_the_next_one_takes_its_place() {
    let (_dir, mut server) = server("");
    server.kill();
    let socket = server.data_dir().join("callpilot.sock");
    assert!(socket.exists(), "a killed server leaves it");
    for args in [&["user", "list"][..], &["gr", "status"], &["doctor"]] {
        let output = server.command(args);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(
            text.contains("The server is not running")
                && text.contains("start it with `callpilot serve --config "),
            "{text}"
        );
    }
    server.run();
    assert!(server.command(&["user", "list"]).status.success());
    assert!(server.stop().success());
    assert!(!socket.exists(), "a server that stops takes it away");
    let text = said(&server.command(&["user", "list"]));
    assert!(text.contains("is not running"), "{text}");
}

#[test]
fn a_second_server_on_the_folder_is_refused_and_leaves_the_socket_of_the_first() {
    let (_dir, server) = server("");
    let config = server.dir().join("second.toml");
    let text = "fqdn = \"cp-a.test.example\"\ndata_dir = \"data\"\nhttp.listen = \"127.0.0.1:0\"\nsmtp.listen = \"127.0.0.1:0\"\n";
    fs::write(&config, text).unwrap();
    let mut second = Command::new(program());
    let output = second.args(["serve", "--config"]).arg(&config).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(server.command(&["user", "list"]).status.success());
}

#[test]
fn a_data_folder_with_a_long_path_is_administered_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let long = dir.path().join("a".repeat(90)).join("b".repeat(90));
    let server = Server::start(&long, "cp-a.test.example", "");
    let added = ["user", "add", "7216", "Mira Tandell", "--password"];
    let output = server.command(&[&added[..], &["mira-13579"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    assert!(server.command(&["doctor"]).status.success());
}

#[test]
fn the_socket_is_for_root_and_the_servers_own_account_whatever_the_folder_allows() {
    let (dir, server) = server("");
    let (data, socket) = (server.data_dir(), server.data_dir().join("callpilot.sock"));
    let of = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((of(&socket), of(&data)), (0o600, 0o700));
    let list = || {
        let mut command = Command::new(program());
        command.args(["user", "list", "--config"]);
        command.arg(server.dir().join("callpilot.toml"));
        command.uid(STRANGER).gid(STRANGER).output()
    };
    for path in [dir.path(), server.dir()] {
        mode(path, 0o755);
    }
    mode(&server.dir().join("callpilot.toml"), 0o644);
    // Only root can try what another account could do, and the program must lie where that account may read it.
    let Some(output) = list().ok().filter(|o| !said(o).is_empty()) else {
        eprintln!("not tried: tests run as an account that cannot become another");
        return;
    };
    assert!(
        said(&output).contains("run this as one of them"),
        "{}",
        said(&output)
    );
    mode(&data, 0o755);
    mode(&socket, 0o666);
    let output = list().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(
        text.contains("Only root and the server's own account"),
        "{text}"
    );
    until("an entry of the audit trail", || {
        let found = json(&server.command(&["audit-trail", "list", "--json"]));
        let refused = |entry: &&serde_json::Value| {
            entry["who"] == format!("uid {STRANGER}") && entry["result"] == "wrong-account"
        };
        found.as_array()?.iter().find(refused).map(drop)
    });
    until("a line in the log", || {
        server
            .log()
            .contains("may not administer this server")
            .then_some(())
    });
}
