//! Greetings, how users are reached, and system settings: between the server's types and those of the wire.

use contract::{
    ContactSettings, GreetingRow, GreetingSlot, Hours, NotificationDevice, NotificationTarget,
    SystemSettings,
};
use domain::{Device, Greeting, NameOrder, Slot, User};

/// A greeting in a list.
pub fn greeting(of: Slot, greeting: &Greeting<'_>) -> GreetingRow {
    GreetingRow {
        slot: slot(of),
        recorded_at: greeting.recorded_at(),
        duration_ms: greeting.length_ms(),
        ends_at: greeting.ends_at(),
    }
}

/// A slot.
pub fn slot(slot: Slot) -> GreetingSlot {
    match slot {
        Slot::External => GreetingSlot::External,
        Slot::Internal => GreetingSlot::Internal,
        Slot::Temporary => GreetingSlot::Temporary,
        Slot::RecordedName => GreetingSlot::RecordedName,
    }
}

/// The slot that a client names.
pub fn greeting_slot(slot: GreetingSlot) -> Slot {
    match slot {
        GreetingSlot::External => Slot::External,
        GreetingSlot::Internal => Slot::Internal,
        GreetingSlot::Temporary => Slot::Temporary,
        GreetingSlot::RecordedName => Slot::RecordedName,
    }
}

/// How a user is reached.
pub fn contact_settings(user: &User<'_>) -> ContactSettings {
    let (notification, delivery) = (user.notification(), user.delivery());
    let forwarding = user.forwarding();
    let targets = notification.targets.into_iter();
    ContactSettings {
        notification: contract::Notification {
            on: notification.on,
            urgent_only: notification.urgent_only,
            targets: targets
                .map(|target| NotificationTarget {
                    device: device(target.device),
                    address: target.address,
                })
                .collect(),
            schedule: shown_hours(&notification.schedule),
        },
        delivery: contract::PhoneDelivery {
            on: delivery.on,
            number: delivery.number,
            schedule: shown_hours(&delivery.schedule),
        },
        forwarding: contract::Forwarding {
            to: forwarding.to,
            keep_copy: forwarding.keep_copy,
            text_to: forwarding.text_to,
            text_urgent_only: forwarding.text_urgent_only,
        },
    }
}

/// The three registers of how a user is reached, not yet checked.
pub fn registers_of_contact_settings(
    contact_settings: &ContactSettings,
) -> (
    domain::Notification,
    domain::PhoneDelivery,
    domain::Forwarding,
) {
    let (notification, forwarding) = (&contact_settings.notification, &contact_settings.forwarding);
    let target = |target: &NotificationTarget| domain::NotificationTarget {
        device: device_of(target.device),
        address: target.address.trim().to_owned(),
    };
    let text = |text: &String| text.trim().to_owned();
    (
        domain::Notification {
            on: notification.on,
            urgent_only: notification.urgent_only,
            targets: notification.targets.iter().map(target).collect(),
            schedule: hours(&notification.schedule),
        },
        domain::PhoneDelivery {
            on: contact_settings.delivery.on,
            number: text(&contact_settings.delivery.number),
            schedule: hours(&contact_settings.delivery.schedule),
        },
        domain::Forwarding {
            to: forwarding.to.as_ref().map(text),
            keep_copy: forwarding.keep_copy,
            text_to: forwarding.text_to.iter().map(text).collect(),
            text_urgent_only: forwarding.text_urgent_only,
        },
    )
}

fn shown_hours(schedule: &[domain::Hours]) -> Vec<Hours> {
    let one = |hours: &domain::Hours| Hours {
        days: hours.days,
        from_min: hours.from_min,
        to_min: hours.to_min,
    };
    schedule.iter().map(one).collect()
}

fn hours(schedule: &[Hours]) -> Vec<domain::Hours> {
    let one = |hours: &Hours| domain::Hours {
        days: hours.days,
        from_min: hours.from_min,
        to_min: hours.to_min,
    };
    schedule.iter().map(one).collect()
}

fn device(device: Device) -> NotificationDevice {
    match device {
        Device::Phone => NotificationDevice::Phone,
        Device::Pager => NotificationDevice::Pager,
        Device::Text => NotificationDevice::Text,
    }
}

fn device_of(device: NotificationDevice) -> Device {
    match device {
        NotificationDevice::Phone => Device::Phone,
        NotificationDevice::Pager => Device::Pager,
        NotificationDevice::Text => Device::Text,
    }
}

/// The system settings.
pub fn settings(
    servers: &[domain::EmailServer],
    dialing: &domain::NameDialing,
    broadcast_mailbox: Option<&str>,
) -> SystemSettings {
    let server = |server: &domain::EmailServer| contract::EmailServer {
        name: server.name.clone(),
        host: server.host.clone(),
        port: server.port,
        tls: server.tls,
    };
    SystemSettings {
        email_servers: servers.iter().map(server).collect(),
        name_dialing: contract::NameDialing {
            prefix: dialing.prefix.clone(),
            order: match dialing.order {
                NameOrder::LastFirst => contract::NameOrder::LastFirst,
                NameOrder::FirstLast => contract::NameOrder::FirstLast,
            },
        },
        broadcast_mailbox: broadcast_mailbox.map(str::to_owned),
    }
}

/// An e-mail server as an administrator enters it, not yet checked.
pub fn email_server(server: &contract::EmailServer) -> domain::EmailServer {
    domain::EmailServer {
        name: server.name.trim().to_owned(),
        host: server.host.trim().to_owned(),
        port: server.port,
        tls: server.tls,
    }
}

/// Name dialing as an administrator enters it, not yet checked.
pub fn name_dialing(dialing: &contract::NameDialing) -> domain::NameDialing {
    domain::NameDialing {
        prefix: dialing.prefix.trim().to_owned(),
        order: match dialing.order {
            contract::NameOrder::LastFirst => NameOrder::LastFirst,
            contract::NameOrder::FirstLast => NameOrder::FirstLast,
        },
    }
}
