//! Messages are found by words and conditions over the whole of a folder, and not only what a client has read of it.

use crate::{message, server, tilde};
use contract::{MessageList, MessageRow};
use support::{Http, Server, Smtp, transaction};

const FROM: &str = "4711@client.example";
const TILDE: &str = "7200@cp-a.test.example";

fn leave(server: &Server, fields: &str, text: &str) {
    let mail = format!(
        "{fields}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
    );
    let reply = Smtp::hello(server.smtp).mail(FROM, &[TILDE], mail.as_bytes());
    assert_eq!(reply.code, 250, "{reply:?}");
}

fn page(user: &Http, query: &str) -> MessageList {
    let answer = user.get(&format!("/api/v1/messages?{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.json());
    serde_json::from_slice(&answer.body).expect("a list")
}

/// Subjects of what is found, over all pages.
fn found(user: &Http, query: &str) -> Vec<String> {
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let page = page(user, &format!("{query}{before}"));
        all.extend(page.messages.into_iter().map(|row: MessageRow| row.subject));
        match page.next {
            Some(next) => before = format!("&before={next}"),
            None => return all,
        }
    }
}

#[test]
fn a_message_is_found_by_its_sender_number_subject_and_text() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    message(&server, &user, 1);
    leave(
        &server,
        // Jörg Ångström, Straße
        "From: =?utf-8?B?SsO2cmcgw4VuZ3N0csO2bQ==?= <+442079460107@client.example>\r\nSubject: =?utf-8?B?U3RyYcOfZQ==?=\r\nImportance: high",
        "Bitte bis Freitag zurückrufen, wegen der Crème.",
    );
    leave(
        &server,
        "From: Odo Renn <7201@client.example>\r\nSubject: Keys\r\nSensitivity: private",
        "In the drawer.",
    );
    for (words, subjects) in [
        ("jorg", vec!["Straße"]),
        ("ANGSTROM%20strasse", vec!["Straße"]),
        ("79460107", vec!["Straße"]),
        ("%2B44-20-7946", vec!["Straße"]),
        ("zuruckrufen%20CREME", vec!["Straße"]),
        ("draw", vec!["Keys"]),
        ("sender%201", vec!["Message 1"]),
        ("e", vec!["Keys", "Straße", "Message 1"]),
        ("jorg%20drawer", vec![]),
    ] {
        assert_eq!(found(&user, &format!("words={words}")), subjects, "{words}");
    }
    for (query, subjects) in [
        ("kind=voice", vec!["Message 1"]),
        ("kind=text", vec!["Keys", "Straße"]),
        ("kind=report", vec![]),
        ("urgent=true", vec!["Straße"]),
        ("private=true", vec!["Keys"]),
        ("urgent=false&private=false", vec!["Message 1"]),
        ("kind=text&words=odo", vec!["Keys"]),
        ("folder=deleted&words=odo", vec![]),
    ] {
        assert_eq!(found(&user, query), subjects, "{query}");
    }
    let rows = page(&user, "").messages;
    let path = format!("/api/v1/messages/{}", rows[0].id);
    let read = serde_json::json!({ "unread": false });
    assert_eq!(
        user.ask("PATCH", &path, Some(&read))
            .expect("an answer")
            .status,
        200
    );
    assert_eq!(found(&user, "unread=false"), ["Keys"]);
    assert_eq!(found(&user, "unread=true&kind=text"), ["Straße"]);
    let at = |n: usize| rows[n].received_at.0;
    assert_eq!(
        found(&user, &format!("since={}&until={}", at(2), at(2) + 1))
            .last()
            .map(String::as_str),
        Some("Message 1")
    );
    assert_eq!(found(&user, &format!("until={}", at(2))), [] as [&str; 0]);
    assert_eq!(
        found(&user, &format!("since={}", at(0) + 1)),
        [] as [&str; 0]
    );
    let counts = page(&user, "words=drawer").counts;
    assert_eq!(counts.inbox, 3, "counts are those of the whole mailbox");
    for query in [
        "words=a+b+c+d+e+f+g+h+i+j+k",
        "kind=letter",
        "unread=perhaps",
        "since=today",
    ] {
        assert_eq!(
            user.get(&format!("/api/v1/messages?{query}")).status,
            400,
            "{query}"
        );
    }
}

#[test]
fn a_rare_message_is_found_in_a_long_folder_page_by_page() {
    const ROWS: usize = 2_300;
    let (_dir, server) = server("smtp.rates.exempt = [\"127.0.0.1/32\"]");
    let user = tilde(&server);
    let mail = |n: usize| format!("From: <{FROM}>\r\nSubject: {n}\r\n\r\nx");
    let mut smtp = Smtp::hello(server.smtp);
    for some in (0..ROWS).collect::<Vec<_>>().chunks(100) {
        let all = some
            .iter()
            .flat_map(|n| transaction(FROM, &[TILDE], mail(*n).as_bytes()));
        smtp.say(all.collect::<Vec<u8>>());
        for n in some {
            assert_eq!(smtp.codes(), [250, 250, 250], "mail {n}");
        }
    }
    // The oldest, behind all that one request looks at.
    let first = page(&user, "words=subject-of-nothing");
    assert!(first.messages.is_empty() && first.next.is_some());
    assert_eq!(found(&user, "words=subject-of-nothing"), [] as [&str; 0]);
    let oldest = page(
        &user,
        &format!("limit=1&before={}", first.next.expect("a next page")),
    );
    let words = format!("words={}", oldest.messages[0].subject);
    assert!(
        page(&user, &words)
            .messages
            .iter()
            .all(|row| row.subject != oldest.messages[0].subject)
    );
    assert!(found(&user, &words).contains(&oldest.messages[0].subject));
}
