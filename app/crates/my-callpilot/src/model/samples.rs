//! Rows and moments that the tests of this module share.

use contract::{Folder, Kind, MessageRow, ObjectId, Party, Timestamp};
use ui::times::FixedZone;

/// Monday, 16 November 2026, 14:02:00 UTC.
pub const NOON: Timestamp = Timestamp(1_794_837_720_000);

pub const UTC: FixedZone = FixedZone {
    offset_min: 0,
    twelve_hours: false,
};

pub fn id(n: u8) -> ObjectId {
    ObjectId::from_bytes([n; 16])
}

/// A heard voice message of 41 s from Mira Tandell, `minutes` before [`NOON`].
pub fn row(n: u8, minutes: i64) -> MessageRow {
    MessageRow {
        id: id(n),
        kind: Kind::Voice,
        sender: Party {
            name: "Mira Tandell".into(),
            address: "7213@cp-north.example.net".into(),
            number: Some("7213".into()),
        },
        subject: "New delivery times".into(),
        received_at: Timestamp(NOON.0 - minutes * 60_000),
        duration_ms: 41_000,
        pages: Some(0),
        unread: false,
        urgent: false,
        private: false,
        attachments: 0,
        folder: Folder::Inbox,
        one_server_only: false,
        sender_unverified: false,
        sent_to: Vec::new(),
    }
}
