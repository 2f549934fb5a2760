//! The types of settings: from TOML, from an environment variable, and back to TOML.

use crate::network::Network;
use crate::outgoing::hop::Hop;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use toml::de::DeValue;

/// A type that a setting may have. Faults are the end of a sentence that begins with the setting's name.
pub(super) trait Setting: Sized {
    /// From the text of an environment variable, or of a TOML string.
    fn from_text(text: &str) -> Result<Self, String>;
    /// As it would stand in the file.
    fn to_toml(&self) -> String;

    /// From the file.
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        match value {
            DeValue::String(text) => Self::from_text(text),
            other => Err(format!(
                "must be a text in quotes, not a TOML {}",
                other.type_str()
            )),
        }
    }
}

/// A whole number.
pub(super) trait Number: Copy {
    /// As the widest type.
    fn number(self) -> u64;
}

macro_rules! numbers {
    ($($type:ty),+) => { $(
        impl Number for $type {
            fn number(self) -> u64 {
                self as u64
            }
        }
        impl Setting for $type {
            fn from_text(text: &str) -> Result<Self, String> {
                text.replace('_', "").parse().map_err(|_| format!("must be a whole number, not \"{text}\""))
            }
            fn to_toml(&self) -> String {
                self.to_string()
            }
            fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
                match value {
                    DeValue::Integer(number) => Self::from_str_radix(&number.as_str().replace('_', ""), number.radix())
                        .map_err(|_| format!("is {number}, which is not a whole number from 0 up")),
                    other => Err(format!("must be a whole number, not a TOML {}", other.type_str())),
                }
            }
        }
    )+ };
}
numbers!(u32, u64, usize);

impl Setting for bool {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| format!("is \"{text}\", but must be true or false"))
    }
    fn to_toml(&self) -> String {
        self.to_string()
    }
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        match value {
            DeValue::Boolean(value) => Ok(*value),
            other => Err(format!(
                "must be true or false, not a TOML {}",
                other.type_str()
            )),
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl Setting for String {
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
    fn to_toml(&self) -> String {
        quoted(self)
    }
}

impl Setting for PathBuf {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Err("is empty".into())
        } else {
            Ok(text.into())
        }
    }
    fn to_toml(&self) -> String {
        quoted(&self.to_string_lossy())
    }
}

impl Setting for Hop {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|fault| format!("cannot be used: {fault}"))
    }
    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Setting for SocketAddr {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("is \"{text}\", but must be an IP address and a port such as 0.0.0.0:8080 or [::]:8080"))
    }
    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

impl<T: Setting> Setting for Option<T> {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Ok(None)
        } else {
            T::from_text(text).map(Some)
        }
    }
    fn to_toml(&self) -> String {
        self.as_ref().map_or_else(|| quoted(""), Setting::to_toml)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn from_text(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(T::from_text)
            .collect()
    }
    fn to_toml(&self) -> String {
        format!(
            "[{}]",
            self.iter()
                .map(Setting::to_toml)
                .collect::<Vec<_>>()
                .join(", ")
        )
    }
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        match value {
            DeValue::Array(items) => items
                .iter()
                .map(|item| T::from_toml(item.get_ref()))
                .collect(),
            other => Err(format!(
                "must be a list in brackets, not a TOML {}",
                other.type_str()
            )),
        }
    }
}

/// A URL of scheme, host and port alone, without a slash at the end: an origin (RFC 6454).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

impl std::str::FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || {
            format!(
                "is \"{text}\", but must be a URL without a path, such as https://cp-north.example.net"
            )
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(fault)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let parts: axum::http::uri::Authority = authority.parse().map_err(|_| fault())?;
        if !matches!(scheme, "http" | "https") || parts.host().is_empty() || authority.contains('@')
        {
            return Err(fault());
        }
        Ok(Self(format!(
            "{scheme}://{}",
            authority.to_ascii_lowercase()
        )))
    }
}

impl BaseUrl {
    /// The text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setting for BaseUrl {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
    }
    fn to_toml(&self) -> String {
        quoted(&self.0)
    }
}

/// The argon2id hash of a password, as a PHC string. Its `Debug` and its printed form do not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The PHC string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

impl std::str::FromStr for PasswordHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if crate::password::is_hash(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err("is not an argon2id hash; `callpilot hash-password` makes one".into())
        }
    }
}

impl Setting for PasswordHash {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
    }
    fn to_toml(&self) -> String {
        quoted("(not shown)")
    }
}

impl Setting for Network {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
    }
    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

/// How a trusted proxy says for whom it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientHeader {
    /// In the HTTP header X-Forwarded-For.
    ForwardedFor,
    /// In the HTTP header Forwarded (RFC 7239).
    Forwarded,
    /// Before the first request, by the PROXY protocol.
    ProxyProtocol,
}

impl Setting for ClientHeader {
    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "x-forwarded-for" => Ok(Self::ForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            "proxy-protocol" => Ok(Self::ProxyProtocol),
            other => Err(format!(
                "is \"{other}\", but must be x-forwarded-for, forwarded or proxy-protocol"
            )),
        }
    }
    fn to_toml(&self) -> String {
        quoted(match self {
            Self::ForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
            Self::ProxyProtocol => "proxy-protocol",
        })
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

impl Setting for LogFormat {
    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            other => Err(format!("is \"{other}\", but must be human or json")),
        }
    }
    fn to_toml(&self) -> String {
        quoted(match self {
            Self::Human => "human",
            Self::Json => "json",
        })
    }
}

/// An hour and a minute of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay {
    hour: i8,
    minute: i8,
}

impl TimeOfDay {
    /// `hour` is 0 to 23, `minute` 0 to 59.
    pub const fn new(hour: i8, minute: i8) -> Self {
        Self { hour, minute }
    }

    /// On the clock's face.
    pub fn on(self, date: jiff::civil::Date) -> jiff::civil::DateTime {
        date.at(self.hour, self.minute, 0, 0)
    }
}

impl Setting for TimeOfDay {
    fn from_text(text: &str) -> Result<Self, String> {
        let digits = |part: &str| {
            let two = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            two.then(|| part.parse::<i8>().ok()).flatten()
        };
        let read = || {
            let (hour, minute) = text.split_once(':')?;
            Some(Self::new(digits(hour)?, digits(minute)?))
        };
        read()
            .filter(|time| (0..24).contains(&time.hour) && (0..60).contains(&time.minute))
            .ok_or_else(|| format!("is \"{text}\", but must be a time of day such as 02:00"))
    }
    fn to_toml(&self) -> String {
        quoted(&format!("{:02}:{:02}", self.hour, self.minute))
    }
}
