//! A moment and zones that the tests of this crate share.

use crate::times::FixedZone;
use contract::Timestamp;

/// Monday, 16 November 2026, 14:02:00 UTC.
pub const NOON: Timestamp = Timestamp(1_794_837_720_000);

pub const UTC: FixedZone = FixedZone {
    offset_min: 0,
    twelve_hours: false,
};
