use crate::server;
use std::io::{Read, Write};
use std::net::TcpStream;
use support::{Http, LIMIT};

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
fn connections_beyond_the_limit_wait_and_are_served_after() {
    let (_dir, server) = server("http.connections_max = 2\nhttp.head_timeout_s = 2");
    let open = || TcpStream::connect(server.http).unwrap();
    let (first, _second) = (open(), open());
    drop(first);
    assert_eq!(Http::new(server.http, "").get("/healthz").status, 200);
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
