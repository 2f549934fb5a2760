//! What administrators see of what is on its way, and do about it.

use crate::{ESMTP, act, all, queue, report, send, server};
use contract::QueuedState;
use serde_json::{Value, json};
use support::{Receiver, Server, Verdict, until};

fn said(server: &Server, args: &[&str]) -> Value {
    let output = server.command(&[&["queue"], args, &["--json"]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn what_is_held_waits_until_it_is_released_and_what_is_deleted_is_reported() {
    let receiver = Receiver::start(ESMTP);
    receiver.then(Verdict::Say("451 4.3.0 later"));
    let (_dir, server, user) = server(
        &receiver,
        "smtp.outgoing.retry_first_ms = 3600000\nsmtp.outgoing.retry_max_ms = 3600000\n",
    );
    send(&user, 1, &["7300@b.example"]);
    let message = until("a first attempt", || {
        let message = queue(&server).pop()?;
        (message.recipients[0].attempts == 1).then_some(message)
    });
    let id = message.id.to_string();
    assert_eq!((&message.sender[..], message.carried_here), ("7200", true));
    assert!(message.recipients[0].said.contains("451 4.3.0 later"));
    assert!((server.metric("callpilot_outgoing_waiting") - 1.0).abs() < 0.1);

    assert_eq!(said(&server, &["hold", &id])["id"], json!(id));
    assert_eq!(act(&server, "POST", &id, "/retry"), 409, "it is held");
    let shown = server.command(&["queue", "list"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("held") && shown.contains("7300@b.example"),
        "{shown}"
    );
    said(&server, &["release", &id]);
    let before = receiver.heard().len();
    said(&server, &["retry", &id]);
    until("another attempt", || {
        (queue(&server)[0].recipients[0].attempts == 2).then_some(())
    });
    assert_eq!(receiver.heard().len(), before + 1);

    said(&server, &["delete", &id]);
    let (row, words) = report(&server, &user);
    assert_eq!(row.subject, "Not delivered: Keys");
    assert!(
        words.contains("An administrator has taken it out"),
        "{words}"
    );
    assert_eq!(act(&server, "POST", &id, "/hold"), 409, "it has ended");
    let nothing = "0199a5d0-8000-7000-8000-0000000000ff";
    assert_eq!(act(&server, "DELETE", nothing, ""), 404);
    let trail = server.admin().get("/api/v1/admin/audit-trail").json();
    let acts: Vec<_> = trail.as_array().unwrap().iter().collect();
    for (act, result) in [
        ("queue.hold", "done"),
        ("queue.release", "done"),
        ("queue.retry", "done"),
        ("queue.delete", "done"),
        ("queue.retry", "refused-409"),
    ] {
        let is = |entry: &&&Value| entry["action"] == act && entry["result"] == result;
        let entry = acts.iter().find(is);
        assert!(
            entry.is_some_and(|entry| entry["target"] == json!(id)),
            "{act} {result}: {trail}"
        );
    }
    assert!(
        !server.log().contains("7300@b.example"),
        "no address in the log"
    );
}

#[test]
fn what_has_ended_is_shown_for_a_while_and_then_forgotten() {
    let receiver = Receiver::start(ESMTP);
    let (_dir, server, user) = server(&receiver, "smtp.outgoing.keep_ended_s = 0\n");
    let message = send(&user, 1, &["7300@b.example"]);
    until("an empty queue", || {
        (receiver.taken().len() == 1 && queue(&server).is_empty()).then_some(())
    });
    let remarks = crate::detail(&user, &message).remarks;
    assert_eq!(remarks, ["Delivered to the system of 7300@b.example."]);
    let shown = server.command(&["queue", "list"]);
    assert_eq!(
        String::from_utf8_lossy(&shown.stdout),
        "Nothing is on its way to other systems.\n"
    );
}

#[test]
fn nobody_fills_the_queue() {
    let receiver = Receiver::start(ESMTP);
    receiver.then(Verdict::Say("451 4.3.0 later"));
    let (_dir, server, user) = server(&receiver, "smtp.outgoing.messages_per_user_max = 1\n");
    send(&user, 1, &["7300@b.example"]);
    let content =
        json!({ "recipients": [support::compose::to("7300@b.example")], "text": "Hello" });
    user.save_draft(2, &content);
    let refused = user.submit(3, 2);
    assert_eq!(refused.status, 403, "{}", refused.json());
    receiver.then(Verdict::Say("250 2.0.0 taken"));
    all(&server, QueuedState::Delivered);
    assert_eq!(
        user.submit(3, 2).status,
        201,
        "what has arrived does not count"
    );
}
