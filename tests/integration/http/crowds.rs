//! Crowds of connections that only take up room, and clients that keep one open without asking anything.

use crate::server;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use support::{LIMIT, Server, Smtp, connect_from, crowd, limit_open_files, until, voice};

/// The preface of HTTP/2 (RFC 9113 section 3.4) and empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// A PING (RFC 9113 section 6.7).
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0pingpong";
const SILENT: [u8; 4] = [127, 0, 0, 1];
const OTHER_SILENT: [u8; 4] = [127, 0, 0, 3];
const HONEST: [u8; 4] = [127, 0, 0, 2];

/// Whether an honest client from elsewhere is answered, by HTTP and by SMTP.
fn serves(server: &Server) -> bool {
    let request = "GET /healthz HTTP/1.0\r\n\r\n";
    let mut answer = String::new();
    let read = connect_from(HONEST, server.http, request).read_to_string(&mut answer);
    let mut smtp = Smtp::over(connect_from(HONEST, server.smtp, ""));
    let greeted = smtp.reply().code == 220 && smtp.ask("EHLO client.example\r\n").code == 250;
    read.is_ok() && answer.starts_with("HTTP/1.0 200 ") && greeted && takes_mail(&mut smtp) == 250
}

fn takes_mail(smtp: &mut Smtp) -> u16 {
    let (from, to) = ("4711@client.example", "7200@cp-a.test.example");
    let mail = voice::message(from, to, 7, 2_000);
    smtp.mail(from, &[to], &mail).code
}

#[test]
fn two_thousand_silent_connections_keep_nobody_out_nor_the_command_line() {
    let (_dir, server) = server("");
    let _http = crowd(SILENT, server.http, 2_001, "");
    let _smtp = crowd(SILENT, server.smtp, 2_001, "");
    assert!(serves(&server));
    let listed = server.command(&["user", "list"]);
    assert!(listed.status.success(), "{listed:?}");
    // Two addresses have all places; a beginning of HTTP/2 is as good as silence.
    let _more = crowd(OTHER_SILENT, server.http, 1_100, PREFACE);
    assert!(serves(&server));
    assert!(server.command(&["user", "list"]).status.success());
    assert!(server.metric("callpilot_connections_ended_total") > 0.0);
    assert!(server.log().contains("those that wait longest make room"));
}

/// Reads until the server hangs up, and says something whenever it has said something.
fn until_closed(address: SocketAddr, beginning: &[u8], again: &[u8]) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(beginning).unwrap();
    let mut buffer = [0; 4_096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(_) => drop(stream.write_all(again)),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
                return;
            }
        }
    }
}

#[test]
fn an_http2_connection_without_a_request_ends_however_often_it_pings() {
    let (_dir, server) = server("http.head_timeout_s = 1");
    until_closed(server.http, PREFACE, b"");
    until_closed(server.http, &[PREFACE, PING].concat(), PING);
    until("both counted", || {
        (server.metric("callpilot_connections_ended_total") >= 2.0).then_some(())
    });
}

#[test]
fn a_half_preface_of_http2_is_no_beginning() {
    let (_dir, server) = server("http.head_timeout_s = 1");
    until_closed(server.http, &PREFACE[..20], b"");
}

#[test]
fn with_few_file_handles_a_crowd_makes_room_and_the_store_keeps_its_own() {
    let (_dir, mut server) = server("");
    assert!(server.stop().success());
    server.limit_open_files(200);
    server.run();
    let _http = crowd(SILENT, server.http, 300, "");
    let _smtp = crowd(OTHER_SILENT, server.smtp, 100, "");
    until("an honest client that is served", || {
        serves(&server).then_some(())
    });
    let listed = server.command(&["user", "list"]);
    assert!(listed.status.success(), "{listed:?}");
    let log = server.log();
    assert!(log.contains("all file handles that listeners may have are in use"));
    assert!(log.contains("200 files may be open, but the configured connections may need 2712"));
    assert!(!log.contains(" ERROR "), "nothing has failed");
    let doctor = server.command(&["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(
        !doctor.status.success() && said.contains("raise the hard limit"),
        "{said}"
    );
}

#[test]
fn without_a_single_file_handle_everything_is_put_off_and_nothing_ends() {
    let (_dir, server) = server("");
    let mut smtp = Smtp::hello(server.smtp);
    // It is open already; nothing else can be.
    limit_open_files(server.pid(), Some(1));
    assert_eq!(takes_mail(&mut smtp), 452, "there is no segment yet");
    let mut waiting = Smtp::open(server.smtp);
    until("a word in the log", || {
        let said = server.log().contains("all file handles");
        said.then_some(())
    });
    limit_open_files(server.pid(), None);
    assert_eq!(waiting.reply().code, 220, "it has only waited");
    assert!(serves(&server));
    let log = server.log();
    assert!(
        !log.contains("a group of writes was undone"),
        "the engine goes on"
    );
    assert!(!log.contains("ending"));
}

/// What a library says of a stranger's octets is no line of this server's log.
#[test]
fn frames_that_nobody_asked_for_leave_no_line_in_the_log() {
    let (_dir, server) = server("log.level = \"info,h2=debug\"\n");
    // The answer to a PING that was never sent, so often; then an honest PING, whose answer says that all before it was read.
    let pong = [&PING[..4], &[1], &PING[5..]].concat();
    let octets = [PREFACE, &pong.repeat(20_000), PING].concat();
    let before = server.log().len();
    let mut stream = connect_from(SILENT, server.http, octets);
    let mut answered = Vec::new();
    let mut buffer = [0; 4_096];
    while !answered.windows(8).any(|octets| octets == b"pingpong") {
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => answered.extend_from_slice(&buffer[..read]),
            ended => panic!("{ended:?}"),
        }
    }
    assert_eq!(server.log()[before..].matches("ping").count(), 0);
}

/// Each head is a hundred times as large as what it takes on the wire, and none of the requests ever ends. Each connection has as many as it may.
#[test]
fn heads_of_http2_are_counted_and_who_has_too_many_is_put_off() {
    // The longest mail of the partner fits twice into the share of one address: so mails are short here.
    let settings = "limits.bytes_in_flight_max = 16777216\nsmtp.message_size_max = 1048576\nhttp.request_timeout_s = 300\nhttp.idle_timeout_s = 400\n";
    let (_dir, server) = server(settings);
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    let head = |is_first: bool| {
        // POST, http, path, authority, JSON; one field, and references to it (RFC 7541).
        let mut head = [&[0x83, 0x86, 0x04][..], &text("/api/v1/session"), &[0x01]].concat();
        head.extend(
            [
                text("localhost"),
                vec![0x0f, 0x10],
                text("application/json"),
            ]
            .concat(),
        );
        if is_first {
            head.extend([&[0x40][..], &text("x"), &text("")].concat());
        }
        head.extend([0xbe; 230]);
        head
    };
    let mut octets = PREFACE.to_vec();
    for n in 0..32_u32 {
        let head = head(n == 0);
        let length = u32::try_from(head.len()).unwrap().to_be_bytes();
        octets.extend([&length[1..], &[1, 4], &(2 * n + 1).to_be_bytes(), &head].concat());
    }
    let held: Vec<_> = (0..80)
        .map(|_| connect_from(SILENT, server.http, &octets))
        .collect();
    // None of the requests has ended: whoever has an answer is put off.
    until("some of them to be put off", || {
        held.iter().any(has_an_answer).then_some(())
    });
    assert!(server.metric("callpilot_transfers_put_off_total") > 0.0);
    assert!(serves(&server));
}

/// Whether a head of an answer (RFC 9113 section 6.2) is among the first octets that have come.
fn has_an_answer(stream: &TcpStream) -> bool {
    let mut come = [0; 256];
    stream.set_nonblocking(true).expect("a socket waits or not");
    let Ok(read) = stream.peek(&mut come) else {
        return false;
    };
    let mut frames = &come[..read];
    while let [_, high, low, kind, _, _, _, _, _, rest @ ..] = frames {
        if *kind == 1 {
            return true;
        }
        let length = usize::from(*high) << 8 | usize::from(*low);
        frames = rest.get(length..).unwrap_or_default();
    }
    false
}
