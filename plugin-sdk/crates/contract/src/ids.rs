//! Identity and time, as every layer writes them.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// The identity of a user, message, greeting, list entry or setting: a UUID, never reused.
///
/// Whoever makes the object chooses the id, so a retry on the partner cannot make it twice: one of version 7, drawn anew, or for
/// what both servers must name alike (list entries, settings) one of version 8 that follows from what it is. In JSON a
/// hyphenated string; in binary formats 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ObjectId(uuid::Uuid);

/// A text that is not a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseIdError;

impl ObjectId {
    /// A UUIDv7 of the given moment (Unix milliseconds) and ten random bytes.
    pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
        let ms = u64::try_from(at.0).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid())
    }

    /// The 16 bytes of the UUID, in network order.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(uuid::Uuid::from_bytes(bytes))
    }

    /// The 16 bytes of the UUID, in network order.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl std::str::FromStr for ObjectId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        uuid::Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| ParseIdError)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return uuid::Uuid::deserialize(deserializer).map(Self);
        }
        // Of a text that is none, `uuid` would say why at length, and every page would carry the words.
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a UUID (expected for example 01936f2e-8d3c-7a10-9c41-2f6f0c5d7e90)")
    }
}

impl std::error::Error for ParseIdError {}

/// A moment: milliseconds since the Unix epoch, UTC. Shown in the reader's own zone.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

#[cfg(feature = "openapi")]
mod openapi {
    use super::{ObjectId, Timestamp};
    use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
    use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

    impl utoipa::PartialSchema for ObjectId {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::Custom("uuid".to_owned())))
                .description(Some("A UUIDv7, never reused."))
                .into()
        }
    }
    impl utoipa::ToSchema for ObjectId {}

    impl utoipa::PartialSchema for Timestamp {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
                .description(Some("Milliseconds since the Unix epoch, UTC."))
                .into()
        }
    }
    impl utoipa::ToSchema for Timestamp {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_version_7_and_survives_json() {
        let id = ObjectId::new(Timestamp(1_700_000_000_000), [7; 10]);
        assert_eq!(id.as_bytes()[6] >> 4, 7);
        let text = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<ObjectId>(&text).unwrap(), id);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("7200".parse::<ObjectId>(), Err(ParseIdError));
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let early = ObjectId::new(Timestamp(1_000), [255; 10]);
        let late = ObjectId::new(Timestamp(2_000), [0; 10]);
        assert!(early < late);
    }
}
