//! What an HTTP client sends: bodies as the handlers read them, what names a proxy's client, and session tokens.

use contract::{
    ClassName, ContactSettings, GrPair, ListContent, Login, MailboxClass, MessagePatch,
    NewPassword, NewTask, NewUser, RemoteUser, SettingsPatch, Timestamp, UserPatch, VpimShortcut,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use server::gr::pairing::{Secret, SessionKeys};
use server::listen::{Proxies, forwarded};
use server::network::Network;
use server::token;
use std::net::{IpAddr, Ipv4Addr};

/// Reads a body as each kind of request: what is taken is written and read again the same.
pub fn read_body(octets: &[u8]) {
    same::<Login>(octets);
    same::<MessagePatch>(octets);
    same::<NewUser>(octets);
    same::<UserPatch>(octets);
    same::<NewPassword>(octets);
    same::<GrPair>(octets);
    same::<NewTask>(octets);
    same::<MailboxClass>(octets);
    same::<ClassName>(octets);
    same::<VpimShortcut>(octets);
    same::<RemoteUser>(octets);
    same::<SettingsPatch>(octets);
    same::<ContactSettings>(octets);
    same::<ListContent>(octets);
}

fn same<T: Serialize + DeserializeOwned>(octets: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(octets) else {
        return;
    };
    let written = serde_json::to_vec(&read).expect("what was read is written");
    let again: T = serde_json::from_slice(&written).expect("what is written is read");
    let twice = serde_json::to_vec(&again).expect("what was read is written");
    assert_eq!(written, twice);
}

/// Reads lines as the headers of a proxy, and as tokens.
pub fn read_headers(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    let proxies = Proxies {
        networks: Network::loopback(),
        send_header: false,
    };
    let proxy = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let stranger = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let by = [
        forwarded::by_list(text.lines(), stranger, &proxies),
        forwarded::by_parameters(text.lines(), stranger, &proxies),
    ];
    assert_eq!(by, [stranger; 2], "a stranger names nobody else");
    let _ = forwarded::by_list(text.lines(), proxy, &proxies);
    let _ = forwarded::by_parameters(text.lines(), proxy, &proxies);
    let keys = SessionKeys {
        current: Secret([1; 32]),
        accepted: vec![Secret([2; 32])],
    };
    assert!(token::read(&keys, text, Timestamp(0)).is_err());
}
