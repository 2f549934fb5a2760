//! How a user is reached when a message comes: notification, delivery to telephone, forwarding and text notification.
//!
//! Each of the three is one register of the user, because its parts make sense only together: a schedule of one server with the
//! telephone number of the other would call somebody at night. What drives a notification device (its *class*) is not here: it is
//! a value of each server's own (R4).

use crate::validation_error::{check_address, check_telephone_number, ensure};
use crate::{ValidationError, Value};

/// Times of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Days: bit 0 is Monday, bit 6 is Sunday.
    pub days: u8,
    /// From this minute of the day, 0 to 1439.
    pub from_min: u16,
    /// Up to this minute, 0 to 1440; at or before `from_min`: on the next day.
    pub to_min: u16,
}

/// What kind of device is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// A telephone: it is called.
    Phone,
    /// A pager.
    Pager,
    /// Something that takes a short text by mail.
    Text,
}

/// A device that is told of new messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationTarget {
    /// What it is.
    pub device: Device,
    /// Its number or address.
    pub address: String,
}

/// Who is told of new messages, and when: one register.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notification {
    /// Switched on.
    pub on: bool,
    /// Of urgent messages only.
    pub urgent_only: bool,
    /// Tried in this order.
    pub targets: Vec<NotificationTarget>,
    /// When; empty: always.
    pub schedule: Vec<Hours>,
}

/// New messages are played to a telephone: one register.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhoneDelivery {
    /// Switched on.
    pub on: bool,
    /// The number that is called; it needs the prefixes of both servers' switches (R27).
    pub number: String,
    /// When; empty: always.
    pub schedule: Vec<Hours>,
}

/// New messages, or word of them, go elsewhere by mail: one register.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// Messages go on to this address.
    pub to: Option<String>,
    /// They stay in the mailbox too.
    pub keep_copy: bool,
    /// A short text about each message goes to these addresses (remote text notification).
    pub text_to: Vec<String>,
    /// Texts about urgent messages only.
    pub text_urgent_only: bool,
}

impl Hours {
    /// Entries of one schedule.
    pub const SCHEDULE_MAX: usize = 21;

    /// Refuses a schedule that cannot be.
    pub fn check(schedule: &[Self]) -> Result<(), ValidationError> {
        let max = Self::SCHEDULE_MAX;
        ensure(schedule.len() <= max, || {
            format!("A schedule has at most {max} entries.")
        })?;
        let fits = |hours: &Self| {
            (1..0x80).contains(&hours.days) && hours.from_min < 1_440 && hours.to_min <= 1_440
        };
        ensure(schedule.iter().all(fits), || {
            "Each entry of a schedule needs a day, and minutes of the day from 0 to 1440.".into()
        })
    }

    fn value(schedule: &[Self]) -> Value {
        let one = |hours: &Self| {
            let parts = [hours.days.into(), hours.from_min, hours.to_min];
            Value::List(parts.map(|n| Value::Int(n.into())).into())
        };
        Value::List(schedule.iter().map(one).collect())
    }

    fn read(value: &Value) -> Option<Vec<Self>> {
        let one = |value: &Value| {
            let parts = value.as_list()?;
            let number = |at: usize| u16::try_from(parts.get(at)?.as_int()?).ok();
            Some(Self {
                days: u8::try_from(number(0)?).ok()?,
                from_min: number(1)?,
                to_min: number(2)?,
            })
        };
        value.as_list()?.iter().map(one).collect()
    }
}

impl Notification {
    /// Devices of one user.
    pub const TARGETS_MAX: usize = 10;

    /// Refuses what cannot be.
    pub fn check(&self) -> Result<(), ValidationError> {
        let max = Self::TARGETS_MAX;
        ensure(self.targets.len() <= max, || {
            format!("At most {max} devices can be notified.")
        })?;
        ensure(!self.on || !self.targets.is_empty(), || {
            "Notification is on, but there is no device to notify.".into()
        })?;
        for target in &self.targets {
            match target.device {
                Device::Phone | Device::Pager => check_telephone_number(&target.address)?,
                Device::Text => check_address(&target.address)?,
            }
        }
        Hours::check(&self.schedule)
    }

    /// Its register.
    pub fn value(&self) -> Value {
        let target = |target: &NotificationTarget| {
            let device = match target.device {
                Device::Phone => 0,
                Device::Pager => 1,
                Device::Text => 2,
            };
            Value::List(vec![
                Value::Int(device),
                Value::Text(target.address.clone()),
            ])
        };
        Value::List(vec![
            Value::Bool(self.on),
            Value::Bool(self.urgent_only),
            Value::List(self.targets.iter().map(target).collect()),
            Hours::value(&self.schedule),
        ])
    }

    /// Reads its register.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let parts = value.as_list()?;
        let target = |value: &Value| {
            let parts = value.as_list()?;
            Some(NotificationTarget {
                device: match parts.first()?.as_int()? {
                    0 => Device::Phone,
                    1 => Device::Pager,
                    2 => Device::Text,
                    _ => return None, // of a later level
                },
                address: parts.get(1)?.as_text()?.to_owned(),
            })
        };
        Some(Self {
            on: parts.first()?.as_bool()?,
            urgent_only: parts.get(1)?.as_bool()?,
            targets: parts.get(2)?.as_list()?.iter().filter_map(target).collect(),
            schedule: Hours::read(parts.get(3)?)?,
        })
    }
}

impl PhoneDelivery {
    /// Refuses what cannot be.
    pub fn check(&self) -> Result<(), ValidationError> {
        if self.on || !self.number.is_empty() {
            check_telephone_number(&self.number)?;
        }
        Hours::check(&self.schedule)
    }

    /// Its register.
    pub fn value(&self) -> Value {
        Value::List(vec![
            Value::Bool(self.on),
            Value::Text(self.number.clone()),
            Hours::value(&self.schedule),
        ])
    }

    /// Reads its register.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let parts = value.as_list()?;
        Some(Self {
            on: parts.first()?.as_bool()?,
            number: parts.get(1)?.as_text()?.to_owned(),
            schedule: Hours::read(parts.get(2)?)?,
        })
    }
}

impl Forwarding {
    /// Addresses that get a text.
    pub const TEXT_TO_MAX: usize = 5;

    /// Refuses what cannot be.
    pub fn check(&self) -> Result<(), ValidationError> {
        let max = Self::TEXT_TO_MAX;
        ensure(self.text_to.len() <= max, || {
            format!("Text notifications go to at most {max} addresses.")
        })?;
        self.to
            .iter()
            .chain(&self.text_to)
            .try_for_each(|address| check_address(address))
    }

    /// Its register.
    pub fn value(&self) -> Value {
        let text = |text: &String| Value::Text(text.clone());
        Value::List(vec![
            self.to.as_ref().map_or(Value::Null, text),
            Value::Bool(self.keep_copy),
            Value::List(self.text_to.iter().map(text).collect()),
            Value::Bool(self.text_urgent_only),
        ])
    }

    /// Reads its register.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let parts = value.as_list()?;
        let text = |value: &Value| value.as_text().map(str::to_owned);
        Some(Self {
            to: parts.first().and_then(text),
            keep_copy: parts.get(1)?.as_bool()?,
            text_to: parts.get(2)?.as_list()?.iter().filter_map(text).collect(),
            text_urgent_only: parts.get(3)?.as_bool()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NIGHT: Hours = Hours {
        days: 0b001_1111,
        from_min: 22 * 60,
        to_min: 6 * 60,
    };

    fn notification() -> Notification {
        let target = |device, address: &str| NotificationTarget {
            device,
            address: address.into(),
        };
        Notification {
            on: true,
            urgent_only: true,
            targets: vec![
                target(Device::Phone, "+441632960018"),
                target(Device::Pager, "5551"),
                target(Device::Text, "renn@text.example"),
            ],
            schedule: vec![NIGHT],
        }
    }

    #[test]
    fn each_register_reads_back_what_was_written() {
        let notification = notification();
        notification.check().unwrap();
        assert_eq!(
            Notification::read(&notification.value()),
            Some(notification)
        );
        let delivery = PhoneDelivery {
            on: true,
            number: "907700900123".into(),
            schedule: vec![NIGHT; Hours::SCHEDULE_MAX],
        };
        delivery.check().unwrap();
        assert_eq!(PhoneDelivery::read(&delivery.value()), Some(delivery));
        for to in [None, Some("7201".to_owned())] {
            let forwarding = Forwarding {
                to,
                keep_copy: true,
                text_to: vec!["renn@text.example".into()],
                text_urgent_only: true,
            };
            forwarding.check().unwrap();
            assert_eq!(Forwarding::read(&forwarding.value()), Some(forwarding));
        }
        assert_eq!(Notification::read(&Value::Null), None);
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_sentence() {
        let changed = |change: fn(&mut Notification)| {
            let mut notification = notification();
            change(&mut notification);
            notification.check().unwrap_err().0
        };
        assert!(changed(|n| n.targets.clear()).contains("no device"));
        assert!(changed(|n| n.targets[0].address = "me@x".into()).contains("telephone"));
        assert!(changed(|n| n.targets[2].address = "me".into()).contains("neither"));
        assert!(changed(|n| n.targets = vec![n.targets[1].clone(); 11]).contains("At most 10"));
        assert!(changed(|n| n.schedule[0].days = 0).contains("day"));
        assert!(changed(|n| n.schedule[0].days = 0x80).contains("day"));
        assert!(changed(|n| n.schedule[0].from_min = 1_440).contains("minutes"));
        assert!(changed(|n| n.schedule = vec![NIGHT; 22]).contains("at most 21"));
        let on = PhoneDelivery {
            on: true,
            ..PhoneDelivery::default()
        };
        assert!(on.check().is_err() && PhoneDelivery::default().check().is_ok());
        let many = Forwarding {
            text_to: vec!["a@b".into(); 6],
            ..Forwarding::default()
        };
        assert!(many.check().is_err() && Forwarding::default().check().is_ok());
    }
}
