//! Connections that take up room: silent ones, half beginnings, bodies that never end.

use crate::Target;
use std::thread;
use std::time::Duration;
use support::crowd;

/// The preface of HTTP/2 (RFC 9113 section 3.4) and empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// So long strangers hold on to what they have.
const HOLDING: Duration = Duration::from_secs(15);

/// Thousands of them, on every listener, from two addresses and in every beginning.
pub fn silence(target: &Target<'_>) {
    let (http, smtp) = (target.server.http, target.server.smtp);
    let held = [
        crowd([127, 0, 2, 1], http, 2_001, ""),
        crowd([127, 0, 2, 1], smtp, 2_001, ""),
        crowd([127, 0, 2, 2], http, 700, PREFACE),
        crowd([127, 0, 2, 3], http, 700, &PREFACE[..20]),
        crowd([127, 0, 2, 4], http, 700, "GET /healthz HTTP/1.1\r\nHost: "),
        crowd(
            [127, 0, 2, 5],
            smtp,
            700,
            "EHLO stranger.example\r\nMAIL FR",
        ),
    ];
    thread::park_timeout(HOLDING);
    drop(held);
}

/// A body is announced; some of it comes.
pub fn half_bodies(target: &Target<'_>) {
    let head = "POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n";
    let begin = format!("{head}{{\"mailbox\": \"{}", "7".repeat(50_000));
    let held = (1..=10).map(|n| crowd([127, 0, 3, n], target.server.http, 100, &begin));
    let held: Vec<_> = held.collect();
    thread::park_timeout(HOLDING);
    drop(held);
}

/// A head goes on and on.
pub fn long_heads(target: &Target<'_>) {
    let begin = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nX-Filler: {}",
        "x".repeat(380_000)
    );
    let held = (1..=19).map(|n| crowd([127, 0, 6, n], target.server.http, 100, &begin));
    let held: Vec<_> = held.collect();
    thread::park_timeout(HOLDING);
    drop(held);
}

/// A frame of HTTP/2 (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .expect("a short frame")
        .to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head[..], payload].concat()
}

/// The head of a request without an end, as HPACK writes it (RFC 7541): one field, and then references to it, an octet each.
fn packed_head(is_first: bool) -> Vec<u8> {
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    let mut head = vec![0x83, 0x86, 0x04];
    head.extend(text("/api/v1/session"));
    head.push(0x01);
    head.extend(text("x"));
    head.extend([0x0f, 0x10]);
    head.extend(text("application/json"));
    if is_first {
        head.extend([0x40]);
        head.extend(text("x"));
        head.extend(text(""));
    }
    // Each counts as 33 octets of the 8 KiB that a head may have.
    head.extend([0xbe; 235]);
    head
}

/// As many requests as a connection may have, on each of a thousand connections.
pub fn packed_heads(target: &Target<'_>) {
    let mut octets = PREFACE.to_vec();
    for n in 0..32 {
        octets.extend(frame(1, 4, 2 * n + 1, &packed_head(n == 0)));
    }
    let held = (1..=10).map(|n| crowd([127, 0, 7, n], target.server.http, 100, &octets));
    let held: Vec<_> = held.collect();
    thread::park_timeout(HOLDING);
    drop(held);
}

/// Each costs a server a look, and must not cost it a line.
pub fn unasked_answers(target: &Target<'_>) {
    let before = target.server.log().len();
    let pong = frame(6, 1, 0, b"unasked!");
    let octets = [PREFACE, &pong.repeat(100_000)].concat();
    for n in 1..=10 {
        drop(crowd([127, 0, 8, n], target.server.http, 1, &octets));
    }
    let lines = target.server.log().len() - before;
    assert!(lines < 100_000, "the log has grown by {lines} octets");
}
