//! Mails that are made to cost more than they weigh: what the server takes for them, what it answers, and that it goes on.

use super::{A, FROM, server, short};
use contract::Part;
use support::{Http, Server, Smtp};

/// Most memory that the process may ever have had, in KiB. At rest it has some 40 MiB; the attacks here took gigabytes.
const MEMORY_KIB_MAX: u64 = 250 * 1024;

/// The most memory that the process has had, in KiB.
fn memory_kib(server: &Server) -> u64 {
    let run = std::fs::read(server.data_dir().join("run.json")).expect("it runs");
    let run: serde_json::Value = serde_json::from_slice(&run).expect("JSON");
    let status = std::fs::read_to_string(format!("/proc/{}/status", run["pid"]));
    let status = status.expect("the process lives");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok());
    peak.expect("a number")
}

fn report(groups: &str, message_id: &str) -> Vec<u8> {
    format!(
        "From: <>\r\nSubject: Returned\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n\r\n{groups}\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{message_id}>\r\n\r\nx\r\n--b--\r\n"
    )
    .into_bytes()
}

/// Sends a mail that is accepted, and asks for it: its parts, and how long the answer is.
fn sent_and_asked(server: &Server, user: &Http, mail: &[u8]) -> (Vec<Part>, usize) {
    let reply = Smtp::hello(server.smtp).mail(FROM, &[A], mail);
    assert_eq!(reply.code, 250, "{reply:?}");
    let list = user.get("/api/v1/messages");
    assert!(list.body.len() < 16 * 1024, "{} bytes", list.body.len());
    let newest = list.json()["messages"][0]["id"].clone();
    let path = format!("/api/v1/messages/{}", newest.as_str().expect("an id"));
    let answer = user.get(&path);
    assert_eq!(answer.status, 200);
    let detail: contract::MessageDetail = serde_json::from_slice(&answer.body).expect("a message");
    (detail.parts, answer.body.len())
}

fn goes_on(server: &Server) {
    assert_eq!(
        Smtp::hello(server.smtp).mail(FROM, &[A], &short(1)).code,
        250
    );
    let peak = memory_kib(server);
    assert!(peak < MEMORY_KIB_MAX, "it has had {peak} KiB");
}

#[test]
fn ten_megabytes_of_small_report_groups_cost_no_more_than_their_length() {
    let (_dir, server) = server("");
    let user = server.log_in("7200").expect("a log-in");
    let groups = "A:\n\n".repeat(2_500_000);
    let (parts, bytes) = sent_and_asked(&server, &user, &report(&groups, "m@x"));
    let last = parts.iter().rev().find_map(|part| match part {
        Part::Report { summary, .. } => Some(summary.as_str()),
        _ => None,
    });
    assert_eq!(
        last,
        Some("The report tells of 2499744 more addressees, which are not listed here.")
    );
    assert!(bytes < 128 * 1024, "an answer of {bytes} bytes");
    goes_on(&server);
}

#[test]
fn a_report_on_a_message_with_a_long_identifier_names_it_once() {
    let (_dir, server) = server("");
    let user = server.log_in("7200").expect("a log-in");
    let groups = "A:\n\n".repeat(50_000);
    for length in [200_000, 990] {
        let mail = report(&groups, &"i".repeat(length));
        let (parts, bytes) = sent_and_asked(&server, &user, &mail);
        let named = parts.iter().filter(|part| {
            matches!(part, Part::Report { original_message_id: Some(id), .. } if id.len() == length)
        });
        assert_eq!(named.count(), usize::from(length == 990));
        assert!(bytes < 128 * 1024, "an answer of {bytes} bytes");
    }
    goes_on(&server);
}

#[test]
fn texts_that_are_too_long_to_show_are_cut_and_their_message_is_kept() {
    let (_dir, server) = server("");
    let user = server.log_in("7200").expect("a log-in");
    let long = "é".repeat(30_000);
    let mail = format!(
        "From: {long} <{long}@x>\r\nTo: {}\r\nSubject: {long}\r\nContent-Type: text/plain\r\n\r\n{}",
        "a@b,".repeat(10_000),
        "x".repeat(1_000_000)
    );
    let (parts, bytes) = sent_and_asked(&server, &user, mail.as_bytes());
    assert!(bytes < 256 * 1024, "an answer of {bytes} bytes");
    assert!(matches!(&parts[..], [Part::Text { text, .. }] if text.ends_with("x…")));
    let row = &server.inbox(&user).messages[0];
    let cut = |text: &str| (text.chars().count(), text.ends_with('…'));
    assert_eq!(cut(&row.subject), (400, true));
    assert_eq!(cut(&row.sender.name), (120, true));
    assert_eq!(cut(&row.sender.address), (320, true));
    goes_on(&server);
}

#[test]
fn a_mail_with_more_fields_than_anybody_needs_is_refused_with_a_sentence() {
    let (_dir, server) = server("");
    let mail = format!("{}Subject: x\r\n\r\nx", "A:\r\n".repeat(5_000));
    let reply = Smtp::hello(server.smtp).mail(FROM, &[A], mail.as_bytes());
    assert_eq!((reply.code, reply.status()), (554, Some("5.6.0")));
    assert!(
        reply.text.contains("more than 4096 header fields"),
        "{reply:?}"
    );
    let media = format!("Content-Type: audio/{}\r\n\r\nx", "x".repeat(100_000));
    let reply = Smtp::hello(server.smtp).mail(FROM, &[A], media.as_bytes());
    assert_eq!((reply.code, reply.status()), (554, Some("5.6.1")));
    assert!(
        reply.text.len() < 500,
        "a reply of {} bytes",
        reply.text.len()
    );
    goes_on(&server);
}
