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
