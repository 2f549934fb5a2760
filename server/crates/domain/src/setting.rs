//! A system setting that both servers share (R4): the typed view of an object of kind [`Kind::SETTING`].
//!
//! A setting is made when it is first set, on whichever server that is, and never deleted: its id follows from its name, so
//! both mean the same object, and the newest value wins.

use crate::derived::derived_id;
use crate::validation_error::{check_name, ensure, is_digits};
use crate::{Key, Kind, Object, ValidationError, Value};
use contract::ObjectId;

/// The registers of a setting. Numbers are never reused.
pub mod setting_fields {
    /// Its name; set at creation.
    pub const NAME: u16 = 1;
    /// Its value, one register whatever it holds.
    pub const VALUE: u16 = 2;
}

use setting_fields::{NAME, VALUE};

/// Which setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettingName {
    /// The e-mail servers on which users may read their e-mail: a list of [`EmailServer`].
    EmailServers,
    /// How callers dial somebody by name: [`NameDialing`].
    NameDialing,
    /// The mailbox number that reaches everybody on one server: text, empty if there is none.
    BroadcastMailbox,
}

/// An e-mail server on which users may read their e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailServer {
    /// What it is called.
    pub name: String,
    /// Its host name or address.
    pub host: String,
    /// Its IMAP port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// In which order a name is dialled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameOrder {
    /// Last name, then first name.
    #[default]
    LastFirst,
    /// First name, then last name.
    FirstLast,
}

/// How callers dial somebody by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameDialing {
    /// What is dialled before the name: digits; empty: names cannot be dialled.
    pub prefix: String,
    /// In which order a name is dialled.
    pub order: NameOrder,
}

/// A setting, read from its object.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a>(&'a Object);

impl SettingName {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::EmailServers,
        Self::NameDialing,
        Self::BroadcastMailbox,
    ];

    /// The name under which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EmailServers => "email_servers",
            Self::NameDialing => "name_dialing",
            Self::BroadcastMailbox => "broadcast_mailbox",
        }
    }

    /// The id of its object, the same on both servers.
    pub fn id(self) -> ObjectId {
        derived_id("CallPilot 2026 system setting", &[self.as_str().as_bytes()])
    }

    /// The registers of the object, when it is first set.
    pub fn registers(self, value: Value) -> Vec<(Key, Value)> {
        let name = Value::Text(self.as_str().to_owned());
        vec![(Key::field(NAME), name), (Key::field(VALUE), value)]
    }
}

impl<'a> Setting<'a> {
    /// E-mail servers in the list.
    pub const EMAIL_SERVERS_MAX: usize = 100;
    /// Digits of the prefix of name dialing.
    pub const PREFIX_LENGTH_MAX: usize = 8;

    /// The view, if the object is a setting.
    pub fn of(object: &'a Object) -> Option<Self> {
        (object.kind == Kind::SETTING).then_some(Self(object))
    }

    /// The name under which it is stored; empty if it has none.
    pub fn name(&self) -> &'a str {
        let name = self.0.get(Key::field(NAME)).and_then(Value::as_text);
        name.unwrap_or("")
    }

    /// The list of e-mail servers; entries that cannot be read are left out.
    pub fn email_servers(&self) -> Vec<EmailServer> {
        let list = self.value().and_then(Value::as_list).unwrap_or(&[]);
        list.iter().filter_map(EmailServer::read).collect()
    }

    /// How callers dial by name.
    pub fn name_dialing(&self) -> Option<NameDialing> {
        let parts = self.value()?.as_list()?;
        Some(NameDialing {
            prefix: parts.first()?.as_text()?.to_owned(),
            order: match parts.get(1)?.as_int()? {
                1 => NameOrder::FirstLast,
                _ => NameOrder::LastFirst,
            },
        })
    }

    /// The broadcast mailbox, if there is one.
    pub fn broadcast_mailbox(&self) -> Option<&'a str> {
        self.value()?.as_text().filter(|number| !number.is_empty())
    }

    fn value(&self) -> Option<&'a Value> {
        self.0.get(Key::field(VALUE))
    }
}

impl EmailServer {
    fn read(value: &Value) -> Option<Self> {
        let parts = value.as_list()?;
        Some(Self {
            name: parts.first()?.as_text()?.to_owned(),
            host: parts.get(1)?.as_text()?.to_owned(),
            port: u16::try_from(parts.get(2)?.as_int()?).ok()?,
            tls: parts.get(3)?.as_bool()?,
        })
    }

    /// Refuses a list that cannot be.
    pub fn check(servers: &[Self]) -> Result<(), ValidationError> {
        let max = Setting::EMAIL_SERVERS_MAX;
        ensure(servers.len() <= max, || {
            format!("There can be at most {max} e-mail servers.")
        })?;
        for (at, server) in servers.iter().enumerate() {
            check_name("The name of an e-mail server", &server.name, 60)?;
            let host = &server.host;
            let fits = (1..=253).contains(&host.len())
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b));
            ensure(fits && server.port > 0, || {
                format!(
                    "\"{host}\" with port {} is not where a server is.",
                    server.port
                )
            })?;
            let first = servers.iter().position(|other| other.name == server.name);
            ensure(first == Some(at), || {
                format!("There are two e-mail servers called \"{}\".", server.name)
            })?;
        }
        Ok(())
    }

    /// The value of a whole list.
    pub fn list(servers: &[Self]) -> Value {
        let one = |server: &Self| {
            Value::List(vec![
                Value::Text(server.name.clone()),
                Value::Text(server.host.clone()),
                Value::Int(server.port.into()),
                Value::Bool(server.tls),
            ])
        };
        Value::List(servers.iter().map(one).collect())
    }
}

impl Default for NameDialing {
    /// As a new server has it: 11, last name first.
    fn default() -> Self {
        Self {
            prefix: "11".into(),
            order: NameOrder::LastFirst,
        }
    }
}

impl NameDialing {
    /// Refuses what cannot be.
    pub fn check(&self) -> Result<(), ValidationError> {
        let max = Setting::PREFIX_LENGTH_MAX;
        ensure(is_digits(&self.prefix, 0, max), || {
            format!("The prefix of name dialing has at most {max} digits.")
        })
    }

    /// Its value.
    pub fn value(&self) -> Value {
        let order = match self.order {
            NameOrder::LastFirst => 0,
            NameOrder::FirstLast => 1,
        };
        Value::List(vec![Value::Text(self.prefix.clone()), Value::Int(order)])
    }
}

/// The value of the broadcast mailbox.
pub fn broadcast_value(number: Option<&str>) -> Value {
    Value::Text(number.unwrap_or("").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hlc, Incarnation, Version};
    use std::collections::BTreeSet;

    fn object(name: SettingName, value: Value, hlc: u64) -> Object {
        let mut object = Object::new(Kind::SETTING, None, None);
        let version = Version {
            hlc: Hlc(hlc),
            incarnation: Incarnation(hlc),
        };
        for (key, value) in name.registers(value) {
            object.set(key, version, value);
        }
        object
    }

    #[test]
    fn settings_read_back_what_was_written() {
        let servers = vec![EmailServer {
            name: "Head office".into(),
            host: "imap.example.net".into(),
            port: 993,
            tls: true,
        }];
        let stored = object(SettingName::EmailServers, EmailServer::list(&servers), 1);
        let setting = Setting::of(&stored).unwrap();
        assert_eq!(
            (setting.name(), setting.email_servers()),
            ("email_servers", servers)
        );

        let dialing = NameDialing {
            prefix: "12".into(),
            order: NameOrder::FirstLast,
        };
        let stored = object(SettingName::NameDialing, dialing.value(), 1);
        assert_eq!(Setting::of(&stored).unwrap().name_dialing(), Some(dialing));

        for number in [Some("5555"), None] {
            let stored = object(SettingName::BroadcastMailbox, broadcast_value(number), 1);
            assert_eq!(Setting::of(&stored).unwrap().broadcast_mailbox(), number);
        }
    }

    #[test]
    fn each_setting_has_one_id_on_every_server() {
        let ids: BTreeSet<_> = SettingName::ALL.map(SettingName::id).into();
        assert_eq!(ids.len(), SettingName::ALL.len());
        // Written out, because two releases must agree on it.
        assert_eq!(
            SettingName::BroadcastMailbox.id().to_string(),
            "e05ea1fd-5b7c-822e-95ce-51eeaab72c53"
        );
    }

    #[test]
    fn a_setting_that_both_servers_made_while_apart_becomes_the_newest() {
        let name = SettingName::BroadcastMailbox;
        let mut here = object(name, broadcast_value(Some("5555")), 1);
        let mut there = object(name, broadcast_value(Some("6666")), 2);
        let first = here.clone();
        here.join(&there);
        there.join(&first);
        assert_eq!(here, there);
        assert_eq!(
            Setting::of(&here).unwrap().broadcast_mailbox(),
            Some("6666")
        );
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        let server = |name: &str, host: &str, port| EmailServer {
            name: name.into(),
            host: host.into(),
            port,
            tls: true,
        };
        assert!(
            EmailServer::check(&[server("A", "a.example", 993), server("B", "::1", 143)]).is_ok()
        );
        for bad in [
            vec![server("", "a.example", 993)],
            vec![server("A", "a example", 993)],
            vec![server("A", "a.example", 0)],
            vec![server("A", "a.example", 993); 2],
            (0..101)
                .map(|n| server(&n.to_string(), "a.example", 993))
                .collect(),
        ] {
            assert!(EmailServer::check(&bad).is_err(), "{bad:?}");
        }
        let prefix = |prefix: &str| NameDialing {
            prefix: prefix.into(),
            ..NameDialing::default()
        };
        assert!(prefix("").check().is_ok() && prefix("11").check().is_ok());
        assert!(prefix("1a").check().is_err() && prefix("123456789").check().is_err());
    }

    #[test]
    fn a_value_that_cannot_be_read_is_no_value() {
        let stored = object(SettingName::EmailServers, Value::Int(5), 1);
        let setting = Setting::of(&stored).unwrap();
        assert!(setting.email_servers().is_empty());
        assert_eq!(setting.name_dialing(), None);
        assert_eq!(setting.broadcast_mailbox(), None);
    }
}
