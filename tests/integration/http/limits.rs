use crate::{server, tilde};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use support::{Http, LIMIT, connect_from, until};

/// All that a server says to these octets until it hangs up.
fn all(address: SocketAddr, octets: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    // The server may have closed it before.
    let _ = stream.write_all(octets);
    rest(stream)
}

/// All that a server still says.
fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // What was said before a connection was reset stands.
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_client_that_never_finishes_its_request_is_hung_up() {
    let (_dir, server) = server("http.head_timeout_s = 1");
    let mut stream = TcpStream::connect(server.http).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .unwrap();
    let mut answer = String::new();
    // Either a word of farewell or nothing; what counts is that it ends.
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.contains(" 408 "), "{answer}");
}

#[test]
fn connections_beyond_the_limit_wait_while_all_are_busy_and_are_served_after() {
    let (_dir, server) = server("http.connections_max = 2\nhttp.connections_per_address_max = 2");
    let user = tilde(&server);
    let busy = [user.events(), user.events()];
    let waiting = connect_from([127, 0, 0, 2], server.http, "GET /healthz HTTP/1.0\r\n\r\n");
    drop(busy);
    assert!(rest(waiting).starts_with("HTTP/1.0 200 "));
}

#[test]
fn a_request_that_is_nonsense_does_not_disturb_the_next_one() {
    let (_dir, server) = server("");
    for nonsense in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        &[b'A'; 100_000],
    ] {
        let mut stream = TcpStream::connect(server.http).unwrap();
        let _ = stream.write_all(nonsense);
    }
    assert_eq!(Http::new(server.http, "").get("/healthz").status, 200);
}

#[test]
fn a_client_that_says_nothing_or_a_beginning_that_could_be_anything_is_hung_up() {
    let (_dir, server) = server("http.head_timeout_s = 1");
    for beginning in [&b""[..], b"PRI"] {
        assert_eq!(all(server.http, beginning), "");
    }
}

#[test]
fn a_connection_that_stands_still_is_closed_in_whatever_version_of_http() {
    let (_dir, server) =
        server("http.idle_timeout_s = 2\nhttp.request_timeout_s = 1\nhttp.events_comment_s = 1");
    // The preface of HTTP/2 (RFC 9113 section 3.4) and empty settings.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let mut stream = TcpStream::connect(server.http).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(preface).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.is_empty(), "the server's settings came");
}

#[test]
fn one_address_gets_no_more_busy_connections_than_its_own_and_is_told() {
    let (_dir, server) = server("http.connections_per_address_max = 2");
    let user = tilde(&server);
    let (first, _second) = (user.events(), user.events());
    let refusal = all(server.http, b"");
    assert!(refusal.starts_with("HTTP/1.1 503 "), "{refusal}");
    let other = connect_from([127, 0, 0, 2], server.http, "GET /healthz HTTP/1.0\r\n\r\n");
    assert!(
        rest(other).starts_with("HTTP/1.0 200 "),
        "others are served"
    );
    drop(first);
    until("room for another connection", || {
        let answer = Http::new(server.http, "").ask("GET", "/healthz", None)?;
        (answer.status == 200).then_some(())
    });
}

/// The answer to a log-in with a wrong password, through a proxy that says for whom it asks.
fn try_to_log_in(address: SocketAddr, header: (&str, &str)) -> u16 {
    let login = json!({ "mailbox": "7999", "password": "wrong-1357" });
    let client = Http::new(address, "");
    let answer = client.ask_with("POST", "/api/v1/session", &[header], Some(&login));
    answer.expect("an answer").status
}

#[test]
fn log_ins_are_limited_for_the_client_that_a_trusted_proxy_names() {
    let limits = "login.address_burst = 1\nlogin.address_per_minute = 1";
    let trusted = format!("{limits}\nhttp.trusted_proxies = [\"127.0.0.0/8\"]");
    let (_dir, proxied) = server(&trusted);
    let from = |client| try_to_log_in(proxied.http, ("X-Forwarded-For", client));
    assert_eq!([from("192.0.2.1"), from("192.0.2.1")], [401, 429]);
    assert_eq!(from("192.0.2.2"), 401);
    assert_eq!(
        from("192.0.2.3, 192.0.2.1"),
        429,
        "what the client wrote itself is not believed"
    );
    let forwarded = try_to_log_in(proxied.http, ("Forwarded", "for=192.0.2.4"));
    assert_eq!(
        [forwarded, from("127.0.0.1")],
        [401, 429],
        "the other header is not believed"
    );

    let (_dir, direct) = server(limits);
    let from = |client| try_to_log_in(direct.http, ("X-Forwarded-For", client));
    assert_eq!(
        [from("192.0.2.1"), from("192.0.2.2")],
        [401, 429],
        "from no proxy"
    );
}

#[test]
fn a_proxy_may_name_the_client_before_the_first_request() {
    const PROXY: [u8; 4] = [127, 0, 0, 9];
    let (_dir, server) = server(
        "http.trusted_proxies = [\"127.0.0.9\"]\nhttp.client_header = \"proxy-protocol\"\nhttp.connections_per_address_max = 1",
    );
    let request = "GET /healthz HTTP/1.0\r\n\r\n";
    let header = |client: &str| format!("PROXY TCP4 {client} 192.0.2.99 40000 80\r\n");
    let ask = |head: &str| {
        let mut answer = String::new();
        let mut stream = connect_from(PROXY, server.http, format!("{head}{request}"));
        // What was said before a connection was reset stands.
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    assert!(ask(&header("192.0.2.1")).starts_with("HTTP/1.0 200 "));
    let held = connect_from(PROXY, server.http, header("192.0.2.3"));
    until("the place that the held connection takes", || {
        (server.metric("callpilot_http_connections") >= 2.0).then_some(())
    });
    assert!(ask(&header("192.0.2.3")).starts_with("HTTP/1.0 200 "));
    assert_eq!(rest(held), "", "it made room");
    assert!(ask(&header("192.0.2.2")).starts_with("HTTP/1.0 200 "));
    assert_eq!(ask(""), "", "no header, no service");
    until("a word in the log", || {
        let log = server.log();
        log.contains("a trusted proxy does not say").then_some(())
    });
}
