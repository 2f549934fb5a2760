//! The shapes in which tagged and flattened types are read: one flat object each, with optional fields.
//!
//! Left to itself, serde reads a tag or a flattened field by keeping the whole object in a form of its own first, for which all
//! types below are compiled a second and a third time. Read flat, they are compiled once: a client for browsers is so much
//! smaller. What is written does not change.

use crate::{
    Counts, Discovery, Event, Folder, Kind, MessageDetail, MessageRow, ObjectId, Part, Party,
    Recipient, Timestamp, VoicePurpose,
};
use serde::Deserialize;

/// A field that this kind of object must have is not there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missing(&'static str);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "missing field `{}`", self.0)
    }
}

fn must<T>(field: Option<T>, name: &'static str) -> Result<T, Missing> {
    field.ok_or(Missing(name))
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum EventName {
    Server,
    Message,
    Gone,
    Drafts,
    Resync,
    Ended,
}

/// All fields of an [`Event`].
#[derive(Deserialize)]
pub(crate) struct EventFields {
    event: EventName,
    discovery: Option<Discovery>,
    row: Option<MessageRow>,
    arrived: Option<bool>,
    counts: Option<Counts>,
    id: Option<ObjectId>,
}

impl TryFrom<EventFields> for Event {
    type Error = Missing;

    fn try_from(fields: EventFields) -> Result<Self, Missing> {
        Ok(match fields.event {
            EventName::Server => Self::Server {
                discovery: must(fields.discovery, "discovery")?,
            },
            EventName::Message => Self::Message {
                row: must(fields.row, "row")?,
                arrived: must(fields.arrived, "arrived")?,
                counts: must(fields.counts, "counts")?,
            },
            EventName::Gone => Self::Gone {
                id: must(fields.id, "id")?,
                counts: must(fields.counts, "counts")?,
            },
            EventName::Drafts => Self::Drafts,
            EventName::Resync => Self::Resync,
            EventName::Ended => Self::Ended,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum PartType {
    Voice,
    Fax,
    Text,
    Forwarded,
    Card,
    Report,
    Other,
}

/// All fields of a [`Part`].
#[derive(Deserialize)]
pub(crate) struct PartFields {
    r#type: PartType,
    index: Option<u32>,
    purpose: Option<VoicePurpose>,
    duration_ms: Option<u64>,
    pages: Option<u32>,
    text: Option<String>,
    sender: Option<Party>,
    subject: Option<String>,
    sent_at: Option<Timestamp>,
    parts: Option<Vec<Part>>,
    name: Option<String>,
    summary: Option<String>,
    recipient: Option<String>,
    status: Option<String>,
    original_message_id: Option<String>,
    media_type: Option<String>,
    size: Option<u64>,
}

impl TryFrom<PartFields> for Part {
    type Error = Missing;

    fn try_from(fields: PartFields) -> Result<Self, Missing> {
        let index = must(fields.index, "index");
        Ok(match fields.r#type {
            PartType::Voice => Self::Voice {
                index: index?,
                purpose: must(fields.purpose, "purpose")?,
                duration_ms: must(fields.duration_ms, "duration_ms")?,
            },
            PartType::Fax => Self::Fax {
                index: index?,
                pages: fields.pages,
            },
            PartType::Text => Self::Text {
                index: index?,
                text: must(fields.text, "text")?,
            },
            PartType::Forwarded => Self::Forwarded {
                sender: must(fields.sender, "sender")?,
                subject: must(fields.subject, "subject")?,
                sent_at: fields.sent_at,
                parts: must(fields.parts, "parts")?,
            },
            PartType::Card => Self::Card {
                index: index?,
                name: must(fields.name, "name")?,
            },
            PartType::Report => Self::Report {
                summary: must(fields.summary, "summary")?,
                recipient: must(fields.recipient, "recipient")?,
                status: must(fields.status, "status")?,
                original_message_id: fields.original_message_id,
            },
            PartType::Other => Self::Other {
                index: index?,
                media_type: must(fields.media_type, "media_type")?,
                size: must(fields.size, "size")?,
            },
        })
    }
}

/// All fields of a [`Recipient`].
#[derive(Deserialize)]
pub(crate) struct RecipientFields {
    name: String,
    address: String,
    number: Option<String>,
    copy: bool,
}

impl From<RecipientFields> for Recipient {
    fn from(fields: RecipientFields) -> Self {
        Self {
            party: Party {
                name: fields.name,
                address: fields.address,
                number: fields.number,
            },
            copy: fields.copy,
        }
    }
}

/// All fields of a [`MessageDetail`]: those of its row, and its own.
#[derive(Deserialize)]
pub(crate) struct DetailFields {
    id: ObjectId,
    kind: Kind,
    sender: Party,
    subject: String,
    received_at: Timestamp,
    duration_ms: u64,
    pages: Option<u32>,
    unread: bool,
    urgent: bool,
    private: bool,
    attachments: u32,
    folder: Folder,
    one_server_only: bool,
    #[serde(default)]
    sender_unverified: bool,
    #[serde(default)]
    sent_to: Vec<Party>,
    recipients: Vec<Recipient>,
    parts: Vec<Part>,
    #[serde(default)]
    remarks: Vec<String>,
}

impl From<DetailFields> for MessageDetail {
    fn from(fields: DetailFields) -> Self {
        Self {
            row: MessageRow {
                id: fields.id,
                kind: fields.kind,
                sender: fields.sender,
                subject: fields.subject,
                received_at: fields.received_at,
                duration_ms: fields.duration_ms,
                pages: fields.pages,
                unread: fields.unread,
                urgent: fields.urgent,
                private: fields.private,
                attachments: fields.attachments,
                folder: fields.folder,
                one_server_only: fields.one_server_only,
                sender_unverified: fields.sender_unverified,
                sent_to: fields.sent_to,
            },
            recipients: fields.recipients,
            parts: fields.parts,
            remarks: fields.remarks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServerAddress;
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    fn survives<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
        value: &T,
    ) -> String {
        let json = serde_json::to_string(value).unwrap();
        assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value, "{json}");
        json
    }

    fn party() -> Party {
        Party {
            name: "Mira Tandell".into(),
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
            pages: None,
            unread: true,
            urgent: false,
            private: true,
            attachments: 2,
            folder: Folder::Deleted,
            one_server_only: true,
            sender_unverified: true,
            sent_to: vec![Party::default()],
        }
    }

    fn parts() -> Vec<Part> {
        let voice = Part::Voice {
            index: 0,
            purpose: VoicePurpose::SpokenSubject,
            duration_ms: 9,
        };
        vec![
            voice.clone(),
            Part::Fax {
                index: 1,
                pages: None,
            },
            Part::Text {
                index: 2,
                text: "Call back".into(),
            },
            Part::Forwarded {
                sender: party(),
                subject: String::new(),
                sent_at: Some(Timestamp(5)),
                parts: vec![voice],
            },
            Part::Card {
                index: 4,
                name: "Mira".into(),
            },
            Part::Report {
                summary: "Heard".into(),
                recipient: "7213".into(),
                status: "displayed".into(),
                original_message_id: None,
            },
            Part::Other {
                index: 5,
                media_type: "application/pdf".into(),
                size: 1 << 40,
            },
        ]
    }

    #[test]
    fn a_message_is_read_as_it_is_written_with_its_row_flat_in_it() {
        let recipient = Recipient {
            party: party(),
            copy: true,
        };
        let json = survives(&MessageDetail {
            row: row(),
            recipients: vec![recipient],
            parts: parts(),
            remarks: vec!["A recording of this message is empty.".into()],
        });
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["subject"], "New delivery times");
        assert_eq!(value["recipients"][0]["name"], "Mira Tandell");
        assert_eq!(value["parts"][3]["type"], "forwarded");
    }

    #[test]
    fn every_event_is_read_as_it_is_written() {
        let server = ServerAddress {
            fqdn: "cp-north.example.net".into(),
            http: "https://cp-north.example.net".into(),
            search_base: "ou=people".into(),
        };
        let counts = Counts {
            unread: 1,
            ..Counts::default()
        };
        for event in [
            Event::Server {
                discovery: Discovery {
                    server,
                    gr_partner: None,
                    in_service: true,
                    caught_up: false,
                    level: 1,
                },
            },
            Event::Message {
                row: row(),
                arrived: true,
                counts,
            },
            Event::Gone {
                id: row().id,
                counts,
            },
            Event::Drafts,
            Event::Resync,
            Event::Ended,
        ] {
            survives(&event);
        }
        assert_eq!(
            serde_json::to_string(&Event::Resync).unwrap(),
            r#"{"event":"resync"}"#
        );
    }

    #[test]
    fn fields_of_a_later_level_are_passed_over_and_a_missing_one_is_named() {
        let later = r#"{"event":"ended","why":{"password":["changed"]}}"#;
        assert_eq!(serde_json::from_str::<Event>(later).unwrap(), Event::Ended);
        let unknown = serde_json::from_str::<Event>(r#"{"event":"lamp"}"#);
        assert!(unknown.unwrap_err().to_string().contains("lamp"));
        let short = serde_json::from_str::<Part>(r#"{"type":"text","index":3}"#);
        assert!(
            short
                .unwrap_err()
                .to_string()
                .contains("missing field `text`")
        );
    }
}
