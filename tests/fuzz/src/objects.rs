//! Objects as they are stored and sent, and what is made of their registers: a partner may have written them, of whatever version.

use domain::{Greeting, ListEntry, Message, Object, Setting, User};

/// Reads an object.
pub fn read(octets: &[u8]) {
    let Ok(object) = Object::decode(octets) else {
        return;
    };
    look(&object);
    let written = object.encode();
    assert_eq!(Object::decode(&written).ok().as_ref(), Some(&object));
    let mut joined = object.clone();
    joined.join(&object);
    assert_eq!(joined, object, "an object joined with itself");
}

/// Everything that is asked of an object of any kind.
pub fn look(object: &Object) {
    if let Some(message) = Message::of(object) {
        drop(message.envelope());
        let _ = (message.unread(), message.filing(), message.body());
    }
    if let Some(user) = User::of(object) {
        drop((user.dns(), user.password(), user.forwarding()));
        drop((user.notification(), user.delivery()));
        let _ = (user.home(), user.number(), user.name(), user.class());
        let _ = (user.epoch(), user.locked(), user.failed_logins());
    }
    if let Some(greeting) = Greeting::of(object) {
        let _ = (
            greeting.slot(),
            greeting.recorded_at(),
            greeting.length_ms(),
        );
    }
    if let Some(entry) = ListEntry::of(object) {
        let _ = (
            entry.number(),
            entry.address(),
            entry.present(),
            entry.title(),
        );
    }
    if let Some(setting) = Setting::of(object) {
        drop((setting.email_servers(), setting.name_dialing()));
        let _ = (setting.name(), setting.broadcast_mailbox());
    }
}
