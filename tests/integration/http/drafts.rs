//! Composing: drafts, recordings in pieces, and handing in.

use crate::{message, server, tilde};
use contract::{Draft, Event, Kind, MessageDetail, MessageList, MessageRow, Part, ResolvedAddress};
use serde_json::{Value, json};
use support::compose::{drawn, to};
use support::{Http, Server, voice};

fn folder(user: &Http, folder: &str) -> Vec<MessageRow> {
    let answer = user.get(&format!("/api/v1/messages?folder={folder}"));
    let list: MessageList = serde_json::from_slice(&answer.body).expect("a list");
    list.messages
}

fn detail(user: &Http, row: &MessageRow) -> MessageDetail {
    let answer = user.get(&format!("/api/v1/messages/{}", row.id));
    serde_json::from_slice(&answer.body).expect("a message")
}

fn draft(user: &Http, draft: u16) -> Draft {
    serde_json::from_slice(&user.draft(draft).body).expect("a draft")
}

fn code(answer: &support::Answer) -> (u16, String) {
    let code = answer.json()["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (answer.status, code)
}

fn odo(server: &Server) -> Http {
    server.log_in("7201").expect("a log-in")
}

#[test]
fn a_draft_is_kept_as_it_is_typed_until_it_is_discarded() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let content = json!({
        "recipients": [to("7201"), { "address": "still being ty", "name": "Odo", "copy": true }],
        "subject": "Keys", "text": "In the drawer.\nThe lower one.", "urgent": true,
    });
    assert_eq!(user.save_draft(1, &json!({})).status, 200);
    let saved = user.save_draft(1, &content);
    assert_eq!(saved.status, 200, "{}", saved.json());
    assert_eq!(
        user.save_draft(2, &json!({ "text": "x".repeat(300) }))
            .status,
        200
    );
    let kept = draft(&user, 1);
    assert_eq!(kept.content.text, "In the drawer.\nThe lower one.");
    assert_eq!(
        (kept.content.recipients.len(), kept.content.urgent),
        (2, true)
    );
    let rows = user.get("/api/v1/drafts").json();
    assert_eq!(rows[0]["id"], drawn(2), "the newest first");
    assert_eq!(
        rows[0]["text"].as_str().map(|text| text.chars().count()),
        Some(200)
    );
    assert_eq!(rows[1]["subject"], "Keys");
    // Nobody else sees it, takes its place or takes it away.
    let other = odo(&server);
    assert_eq!(code(&other.draft(1)), (404, "not_found".into()));
    assert_eq!(
        code(&other.save_draft(1, &content)),
        (409, "conflict".into())
    );
    assert_eq!(
        code(&other.upload(1, 9, 0, b"x", true)),
        (404, "not_found".into())
    );
    assert_eq!(code(&other.submit(8, 1)), (404, "not_found".into()));
    let path = format!("/api/v1/drafts/{}", drawn(1));
    assert_eq!(other.ask("DELETE", &path, None).unwrap().status, 204);
    assert_eq!(draft(&user, 1), kept);
    for _ in 0..2 {
        assert_eq!(user.ask("DELETE", &path, None).unwrap().status, 204);
    }
    // Another device still has it open.
    assert_eq!(
        code(&user.save_draft(1, &content)),
        (409, "conflict".into())
    );
    assert_eq!(code(&user.draft(1)), (409, "conflict".into()));
    assert_eq!(
        user.get("/api/v1/drafts").json().as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_recording_comes_in_pieces_in_any_order_and_each_may_come_again() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let file = voice::wav(1, 8_000);
    assert_eq!(
        code(&user.upload(1, 5, 0, &file, true)),
        (404, "not_found".into())
    );
    user.save_draft(1, &json!({}));
    let piece = |from: usize, to: usize| {
        let answer = user.upload(1, 5, from, &file[from..to], to == file.len());
        assert_eq!(answer.status, 200, "{}", answer.json());
        let part = answer.json();
        (
            part["received"].as_u64().unwrap(),
            part["whole"].as_bool().unwrap(),
        )
    };
    assert_eq!(piece(0, 6_000), (6_000, false));
    assert_eq!(piece(12_000, file.len()), (6_000, false), "a gap");
    assert_eq!(piece(0, 6_000), (6_000, false));
    assert_eq!(piece(5_000, 12_000), (file.len() as u64, true));
    assert_eq!(piece(12_000, file.len()), (file.len() as u64, true));
    let other = user.upload(1, 5, 0, b"other octets", false);
    assert_eq!(code(&other), (409, "conflict".into()));
    assert_eq!(
        code(&user.upload(1, 5, 9, b"", false)),
        (400, "bad_request".into())
    );
    let long = vec![0; (1 << 20) + 1];
    assert_eq!(
        code(&user.upload(1, 5, 9, &long, false)),
        (413, "too_large".into())
    );
    // Another device reads it back.
    let path = format!("/api/v1/drafts/{}/parts/{}", drawn(1), drawn(5));
    let mut read = Vec::new();
    loop {
        let more = user.get(&format!("{path}?offset={}", read.len()));
        assert_eq!(more.status, 200);
        if more.body.is_empty() {
            break;
        }
        read.extend(more.body);
    }
    assert_eq!(read, file);
    assert_eq!(odo(&server).get(&path).status, 404);
    assert_eq!(user.ask("DELETE", &path, None).unwrap().status, 204);
    assert_eq!(draft(&user, 1).parts, []);
    assert_eq!(
        code(&user.upload(1, 5, 0, &file[..6_000], false)),
        (409, "conflict".into())
    );
}

#[test]
fn a_message_is_sent_once_however_often_it_is_handed_in() {
    let (_dir, server) = server("");
    let (user, other) = (tilde(&server), odo(&server));
    let content = json!({
        "recipients": [to("7201"), to("7201@cp-a.test.example"), { "address": "7200", "copy": true }],
        "subject": "Größe", "text": "The recording says it.", "urgent": true, "private": true,
    });
    user.save_draft(1, &content);
    let file = voice::wav(1, 8_000);
    user.upload(1, 5, 0, &file, true);
    let sent = user.submit(2, 1);
    assert_eq!(sent.status, 201, "{}", sent.json());
    let again = user.submit(2, 1);
    assert_eq!((again.status, again.json()), (201, sent.json()));
    assert_eq!(
        code(&user.submit(3, 1)),
        (409, "conflict".into()),
        "by another device"
    );
    assert_eq!(
        code(&user.save_draft(1, &content)),
        (409, "conflict".into())
    );
    assert_eq!(user.get("/api/v1/drafts").json(), json!([]));

    let [came] = &folder(&other, "inbox")[..] else {
        panic!("one message")
    };
    assert_eq!(
        (came.kind, came.duration_ms, &came.subject[..]),
        (Kind::Voice, 1_000, "Größe")
    );
    assert!(came.urgent && came.private && came.unread && !came.sender_unverified);
    assert_eq!(
        (&came.sender.name[..], came.sender.number.as_deref()),
        ("Tilde Brask", Some("7200"))
    );
    let whole = detail(&other, came);
    let to: Vec<_> = whole
        .recipients
        .iter()
        .map(|to| (&to.party.name[..], to.copy))
        .collect();
    assert_eq!(to, [("Odo Renn", false), ("Tilde Brask", true)]);
    let texts = whole.parts.iter().filter_map(|part| match part {
        Part::Text { text, .. } => Some(text.trim()),
        _ => None,
    });
    assert_eq!(texts.collect::<Vec<_>>(), ["The recording says it."]);
    let heard = other.get(&format!("/api/v1/messages/{}/audio", came.id));
    assert_eq!(heard.body[44..], file[44..]);

    let [copy] = &folder(&user, "inbox")[..] else {
        panic!("one to oneself")
    };
    let [own] = &folder(&user, "sent")[..] else {
        panic!("one in Sent")
    };
    assert_ne!(own.id, copy.id);
    assert_eq!(own.id.to_string(), sent.json()["message"]);
    assert!(!own.unread);
    let names: Vec<_> = own
        .sent_to
        .iter()
        .map(|to| (&to.name[..], to.number.as_deref()))
        .collect();
    assert_eq!(
        names,
        [("Odo Renn", Some("7201")), ("Tilde Brask", Some("7200"))]
    );
    assert_eq!(copy.sent_to, []);
    // What was deleted comes back to where it was.
    let path = format!("/api/v1/messages/{}", own.id);
    assert_eq!(user.ask("DELETE", &path, None).unwrap().status, 200);
    let back = user
        .ask("PATCH", &path, Some(&json!({ "deleted": false })))
        .unwrap();
    assert_eq!(back.json()["folder"], "sent");
}

#[test]
fn a_message_is_answered_and_passed_on() {
    let (_dir, server) = server("");
    let (user, other) = (tilde(&server), odo(&server));
    let came = message(&server, &user, 1);
    let about = |action: &str, id: &str| {
        json!({
            "recipients": [to("7201")], "text": "See below.",
            "source": { "action": action, "message": id },
        })
    };
    user.save_draft(1, &about("forward", &came.id.to_string()));
    assert_eq!(user.submit(2, 1).status, 201);
    user.save_draft(3, &about("reply", &came.id.to_string()));
    assert_eq!(user.submit(4, 3).status, 201);
    let rows = folder(&other, "inbox");
    let [reply, forwarded] = &rows[..] else {
        panic!("{rows:?}")
    };
    assert_eq!((reply.kind, reply.duration_ms), (Kind::Text, 0));
    assert_eq!(forwarded.duration_ms, came.duration_ms);
    let parts = detail(&other, forwarded).parts;
    let inner = parts.iter().find_map(|part| match part {
        Part::Forwarded { sender, parts, .. } => Some((sender.number.clone(), parts.len())),
        _ => None,
    });
    assert_eq!(inner, Some((Some("4711".into()), 1)));
    // A message of somebody else cannot be passed on, nor one that is gone.
    other.save_draft(5, &about("forward", &came.id.to_string()));
    assert_eq!(code(&other.submit(6, 5)), (400, "bad_request".into()));
    // A private one is not passed on, by whatever client.
    user.save_draft(
        7,
        &json!({ "recipients": [to("7201")], "text": "Psst.", "private": true }),
    );
    assert_eq!(user.submit(8, 7).status, 201);
    let private = folder(&other, "inbox")
        .into_iter()
        .find(|row| row.private)
        .unwrap();
    other.save_draft(9, &about("forward", &private.id.to_string()));
    assert_eq!(code(&other.submit(10, 9)), (403, "forbidden".into()));
}

#[test]
fn what_cannot_be_sent_says_why_and_reaches_nobody() {
    let (_dir, server) = server(
        "mailbox.messages_max = 2\nmailbox.drafts_max = 20\nsmtp.outgoing.by_name = false\n",
    );
    let (user, other) = (tilde(&server), odo(&server));
    let refused = |draft: u16, content: Value| {
        assert_eq!(user.save_draft(draft, &content).status, 200);
        let answer = user.submit(100 + draft, draft);
        let said = answer.json()["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(draft_is_there(&user, draft), "{said}");
        (answer.status, said)
    };
    let says = |(status, said): (u16, String), expected: u16, words: &str| {
        assert_eq!(status, expected, "{said}");
        assert!(said.contains(words), "{said}");
    };
    says(refused(1, json!({ "text": "Hello" })), 400, "no recipient");
    says(
        refused(2, json!({ "recipients": [to("7201")] })),
        400,
        "says nothing",
    );
    let nobody = json!({ "recipients": [to("7201"), to("7299")], "text": "Hello" });
    says(refused(3, nobody), 400, "7299");
    let elsewhere = json!({ "recipients": [to("a@other.example")], "text": "Hello" });
    says(refused(4, elsewhere), 400, "another system");
    let nonsense = json!({ "recipients": [to("Odo")], "text": "Hello" });
    says(refused(5, nonsense), 400, "Odo");
    let good = json!({ "recipients": [to("7201"), to("7200")], "text": "Hello" });
    user.save_draft(6, &good);
    user.upload(6, 5, 0, &voice::wav(1, 80)[..60], false);
    says(refused(6, good.clone()), 409, "memo.wav");
    user.save_draft(7, &good);
    user.upload(7, 5, 0, b"no sound at all", true);
    says(refused(7, good.clone()), 400, "cannot be played");
    assert_eq!(
        (folder(&other, "inbox"), folder(&user, "sent")),
        (vec![], vec![])
    );
    // 7201 has room for two.
    for draft in [11, 12] {
        user.save_draft(
            draft,
            &json!({ "recipients": [to("7201")], "text": "Hello" }),
        );
        let sent = user.submit(100 + draft, draft);
        assert_eq!(sent.status, 201, "{}", sent.json());
        let own = format!(
            "/api/v1/messages/{}",
            sent.json()["message"].as_str().unwrap()
        );
        user.ask("DELETE", &own, None);
    }
    says(refused(13, good), 403, "7201 (Odo Renn) is full");
    assert_eq!(
        (folder(&other, "inbox").len(), folder(&user, "inbox").len()),
        (2, 0)
    );
    assert_eq!(user.submit(14, 13).status, 403);
}

fn draft_is_there(user: &Http, draft: u16) -> bool {
    user.draft(draft).status == 200
}

#[test]
fn other_devices_are_told_that_drafts_have_changed() {
    let (_dir, server) = server("");
    let (user, other) = (tilde(&server), odo(&server));
    let (mut events, mut others) = (user.events(), other.events());
    let told = |events: &mut support::Events| {
        let told = events.find(|event| matches!(event, Event::Drafts | Event::Message { .. }));
        told.expect("an event")
    };
    user.save_draft(1, &json!({ "recipients": [to("7201")] }));
    assert_eq!(told(&mut events), Event::Drafts);
    user.upload(1, 5, 0, &voice::wav(1, 800), true);
    assert_eq!(told(&mut events), Event::Drafts);
    assert_eq!(user.submit(2, 1).status, 201);
    assert!(
        matches!(told(&mut others), Event::Message { .. }),
        "drafts of others are not told"
    );
}

#[test]
fn drafts_hold_no_more_than_they_may() {
    let (_dir, server) = server("mailbox.drafts_max = 2\nmailbox.drafts_size_max = 100000\n");
    let user = tilde(&server);
    for draft in [1, 2] {
        assert_eq!(user.save_draft(draft, &json!({})).status, 200);
    }
    assert_eq!(
        code(&user.save_draft(3, &json!({})),),
        (403, "forbidden".into())
    );
    assert_eq!(user.save_draft(1, &json!({ "text": "more" })).status, 200);
    assert_eq!(user.upload(1, 5, 0, &[1; 60_000], false).status, 200);
    assert_eq!(
        code(&user.upload(2, 6, 0, &[2; 60_000], false)),
        (403, "forbidden".into())
    );
    assert_eq!(
        user.upload(1, 5, 0, &[1; 60_000], false).status,
        200,
        "the same again"
    );
    let path = format!("/api/v1/drafts/{}", drawn(1));
    assert_eq!(user.ask("DELETE", &path, None).unwrap().status, 204);
    assert_eq!(user.upload(2, 6, 0, &[2; 60_000], false).status, 200);
    for part in 10..25 {
        assert_eq!(user.upload(2, part, 0, b"x", false).status, 200);
    }
    assert_eq!(
        code(&user.upload(2, 30, 0, b"x", false)),
        (403, "forbidden".into())
    );
}

#[test]
fn whom_an_address_leads_to_is_told_before_sending() {
    let (_dir, server) = server("smtp.outgoing.by_name = false");
    let user = tilde(&server);
    let asked = [
        "7201",
        " 72 01 ",
        "VPIM=7201@cp-a.test.example",
        "7299",
        "x@other.example",
        "Odo",
        "",
    ];
    let query = json!({ "addresses": asked });
    let answer = user.ask("POST", "/api/v1/addresses", Some(&query)).unwrap();
    let found: Vec<ResolvedAddress> = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(found.len(), asked.len());
    for reached in &found[..3] {
        let expected = ("Odo Renn", "7201", "7201@cp-a.test.example", None);
        let ResolvedAddress {
            name,
            number,
            address,
            unreachable,
        } = reached;
        assert_eq!(
            (&name[..], &number[..], &address[..], unreachable.clone()),
            expected
        );
    }
    for (address, nobody) in asked.iter().zip(&found).skip(3) {
        assert!(nobody.unreachable.is_some(), "{address}");
    }
    let many = json!({ "addresses": vec!["7201"; 501] });
    let many = user.ask("POST", "/api/v1/addresses", Some(&many)).unwrap();
    assert_eq!(code(&many), (400, "bad_request".into()));
}

#[test]
fn the_address_book_finds_whom_somebody_begins_to_type() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let found = |typed: &str| -> Vec<String> {
        let path = format!("/api/v1/address-book?words={typed}");
        let found: Vec<ResolvedAddress> =
            serde_json::from_value(user.get(&path).json()).expect("addresses");
        found
            .into_iter()
            .map(|one| format!("{} {}", one.name, one.address))
            .collect()
    };
    let odo = "Odo Renn 7201@cp-a.test.example";
    for typed in ["o", "ODO", "re", "renn%20od", "72", "7201", "%C3%B3do"] {
        assert_eq!(found(typed), [odo], "{typed}");
    }
    for typed in ["", "%20", "enn", "201", "odo%20x", "tilde"] {
        assert_eq!(found(typed), [""; 0], "{typed}");
    }
}
