//! JSON as a page reads it, beside `serde_json`: run by `cargo xtask test`.
#![cfg(target_arch = "wasm32")]

use contract::{
    ApiError, Counts, Discovery, ErrorCode, Event, Folder, GrPartner, Kind, Mailbox, MailboxLimits,
    MessageDetail, MessageList, MessagePatch, MessageRow, ObjectId, Part, Party, Recipient,
    ServerAddress, Session, Timestamp, VoicePurpose,
};
use plugin_sdk::{Endpoint, Pair, json};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = json::write(value).expect("JSON can hold it");
    assert_eq!(
        json::read::<T>(text.as_bytes()).as_ref(),
        Ok(value),
        "{text}"
    );
    assert_eq!(&serde_json::from_str::<T>(&text).expect("the same"), value);
}

fn fault<T: DeserializeOwned + Debug>(text: &str) -> String {
    json::read::<T>(text.as_bytes()).expect_err(text)
}

fn party() -> Party {
    Party {
        name: "Mira Tandell · 米拉 \"\\\n".into(),
        address: "7213@cp-north.example.net".into(),
        number: Some("7213".into()),
    }
}

fn row() -> MessageRow {
    MessageRow {
        id: ObjectId::from_bytes([7; 16]),
        kind: Kind::Mixed,
        sender: party(),
        subject: "New delivery times".into(),
        received_at: Timestamp(1_794_837_720_000),
        duration_ms: 41_000,
        pages: Some(3),
        unread: true,
        urgent: false,
        private: true,
        attachments: 2,
        folder: Folder::Deleted,
        one_server_only: true,
        sender_unverified: true,
        sent_to: Vec::new(),
    }
}

fn counts() -> Counts {
    Counts {
        unread: 1,
        ..Counts::default()
    }
}

fn discovery(gr_partner: Option<GrPartner>) -> Discovery {
    let server = ServerAddress {
        fqdn: "cp-north.example.net".into(),
        http: "https://cp-north.example.net".into(),
        search_base: "ou=people".into(),
    };
    Discovery {
        server,
        gr_partner,
        in_service: true,
        caught_up: false,
        level: 1,
    }
}

fn partner() -> GrPartner {
    GrPartner {
        fqdn: "cp-south.example.net".into(),
        address: "192.0.2.7".into(),
        http: "https://cp-south.example.net".into(),
        search_base: String::new(),
    }
}

fn parts() -> Vec<Part> {
    let voice = Part::Voice {
        index: 0,
        purpose: VoicePurpose::SpokenSubject,
        duration_ms: 9,
    };
    let forwarded = Part::Forwarded {
        sender: party(),
        subject: String::new(),
        sent_at: Some(Timestamp(-5)),
        parts: vec![voice.clone()],
    };
    let other = Part::Other {
        index: 5,
        media_type: "application/pdf".into(),
        size: 1 << 40,
    };
    vec![voice, forwarded, other]
}

#[wasm_bindgen_test]
fn what_a_server_says_is_read_as_it_is_written() {
    survives(&MessageList {
        messages: vec![row(), row()],
        next: Some("7".into()),
        counts: counts(),
        limits: Some(MailboxLimits {
            messages_max: 100,
            bytes_max: 1 << 30,
            deleted_messages_max: 50,
            deleted_bytes_max: 0,
        }),
        as_of: Timestamp(i64::from(i32::MIN)),
    });
    survives(&MessageList::default());
    survives(&MessageDetail {
        row: row(),
        recipients: vec![Recipient {
            party: party(),
            copy: true,
        }],
        parts: parts(),
        remarks: vec!["A recording of this message is empty.".into()],
    });
    survives(&Session {
        token: "t".into(),
        expires_at: Timestamp(9_007_199_254_740_991),
        mailbox: Mailbox {
            user: row().id,
            number: "7200".into(),
            name: String::new(),
        },
        primary: "https://cp-north.example.net".into(),
        discovery: discovery(Some(partner())),
        password_change_needed: false,
    });
    for event in [
        Event::Server {
            discovery: discovery(None),
        },
        Event::Message {
            row: row(),
            arrived: true,
            counts: counts(),
        },
        Event::Gone {
            id: row().id,
            counts: counts(),
        },
        Event::Drafts,
        Event::Resync,
        Event::Ended,
    ] {
        survives(&event);
    }
}

#[wasm_bindgen_test]
fn what_this_browser_keeps_is_read_as_it_is_written() {
    survives(&Pair {
        primary: Endpoint::at("https://cp-north.example.net"),
        partner: None,
    });
    survives(&vec![(
        row().id,
        MessagePatch {
            unread: Some(false),
            deleted: None,
        },
    )]);
}

#[wasm_bindgen_test]
fn what_a_later_level_adds_is_passed_over() {
    let later = r#"{"event":"ended","why":{"password":["changed"]},"__proto__":7}"#;
    assert_eq!(json::read(later.as_bytes()), Ok(Event::Ended));
    let refusal = r#"{"code":"moon_too_full","message":"No.","reference":"r1"}"#;
    let refusal: ApiError = json::read(refusal.as_bytes()).expect("a reason of later");
    assert_eq!(refusal.code, ErrorCode::Unknown);
    assert_eq!(refusal.tries_left, None);
}

#[wasm_bindgen_test]
fn what_is_wrong_is_named() {
    assert_eq!(fault::<Event>("<html>"), "not JSON");
    assert_eq!(json::read::<Event>(b"\"\xff\""), Err("not JSON".to_owned()));
    assert_eq!(
        fault::<Event>(r#"{"event":"lamp"}"#),
        "unknown variant `lamp`"
    );
    assert_eq!(
        fault::<Part>(r#"{"type":"text","index":3}"#),
        "missing field `text`"
    );
    assert_eq!(fault::<MessagePatch>("[]"), "expected an object");
    assert_eq!(fault::<MessagePatch>("null"), "expected an object");
    assert_eq!(
        fault::<MessagePatch>(r#"{"unread":1}"#),
        "expected true or false"
    );
    assert_eq!(fault::<Vec<u32>>("{}"), "expected a list");
    assert_eq!(fault::<String>("7"), "expected a string");
    assert!(fault::<ObjectId>(r#""7200""#).contains("not a UUID"));
}

#[wasm_bindgen_test]
fn a_number_is_whole_exact_and_of_its_type() {
    assert_eq!(json::read(b"[4294967295, 0]"), Ok(vec![u32::MAX, 0]));
    for text in ["1.5", "9007199254740993", "1e400", "\"1\"", "true"] {
        assert_eq!(fault::<i64>(text), "expected a whole number", "{text}");
    }
    assert_eq!(fault::<u32>("4294967296"), "expected u32");
    assert_eq!(fault::<u32>("-1"), "expected u32");
}

#[wasm_bindgen_test]
fn depth_has_an_end_that_is_no_crash() {
    let deep = |depth: usize| {
        let open =
            r#"{"type":"forwarded","sender":{"name":"","address":""},"subject":"","parts":["#;
        format!("{}{}", open.repeat(depth), "]}".repeat(depth))
    };
    assert!(json::read::<Part>(deep(50).as_bytes()).is_ok());
    assert_eq!(fault::<Part>(&deep(100)), "expected less depth");
    assert!(json::read::<Part>(deep(100_000).as_bytes()).is_err());
}
