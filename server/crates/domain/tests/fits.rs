//! What fits and what does not, each at its limit; and what is read of objects, registers and values.

use domain::{
    Device, DistributionList, EmailServer, Forwarding, Greeting, Hlc, Hours, Incarnation, Joined,
    Key, Kind, ListEntry, Message, NameDialing, Notification, NotificationTarget, Object,
    PhoneDelivery, ReplicationConstraints, Setting, Shortcut, Slot, User, Value, Version,
    check_address, check_mailbox_number, check_name, check_telephone_number, list_fields,
    message_fields, user_fields,
};

fn version(hlc: u64) -> Version {
    Version {
        hlc: Hlc(hlc),
        incarnation: Incarnation(1),
    }
}

fn object(kind: Kind, registers: Vec<(Key, Value)>) -> Object {
    let mut object = Object::new(kind, None, None);
    for (key, value) in registers {
        assert!(object.set(key, version(1), value));
    }
    object
}

#[test]
fn a_view_is_of_objects_of_its_kind_and_of_no_others() {
    for kind in (0..8).map(Kind) {
        let object = Object::new(kind, None, None);
        for (of, seen) in [
            (Kind::USER, User::of(&object).is_some()),
            (Kind::MESSAGE, Message::of(&object).is_some()),
            (Kind::GREETING, Greeting::of(&object).is_some()),
            (Kind::LIST_ENTRY, ListEntry::of(&object).is_some()),
            (Kind::SETTING, Setting::of(&object).is_some()),
        ] {
            assert_eq!(seen, of == kind, "{of:?} in {kind:?}");
        }
    }
}

#[test]
fn a_flag_that_was_never_set_reads_as_its_default() {
    let flag = |kind, field, set: Option<bool>| {
        let registers = set.map(|set| (Key::field(field), Value::Bool(set)));
        object(kind, registers.into_iter().collect())
    };
    for (set, unread, locked, present) in [
        (None, true, false, true),
        (Some(true), true, true, true),
        (Some(false), false, false, false),
    ] {
        let message = flag(Kind::MESSAGE, message_fields::UNREAD, set);
        assert_eq!(Message::of(&message).unwrap().unread(), unread);
        let user = flag(Kind::USER, user_fields::LOCKED, set);
        assert_eq!(User::of(&user).unwrap().locked(), locked);
        let entry = flag(Kind::LIST_ENTRY, list_fields::PRESENT, set);
        assert_eq!(ListEntry::of(&entry).unwrap().present(), present);
    }
}

#[test]
fn what_was_removed_from_a_list_is_not_on_it() {
    let mut entry = object(Kind::LIST_ENTRY, ListEntry::registers(1, "7201"));
    assert_eq!(DistributionList::all([&entry])[&1].addresses, ["7201"]);
    let (key, absent) = ListEntry::presence(false);
    assert!(entry.set(key, version(2), absent));
    assert!(DistributionList::all([&entry]).is_empty());
}

#[test]
fn a_slot_has_the_number_that_it_is_stored_under() {
    for slot in Slot::ALL {
        assert_eq!(Slot::from_number(slot.number()), Some(slot));
    }
    assert_eq!(Slot::from_number(4), None);
}

#[test]
fn a_register_takes_only_what_is_newer() {
    let key = Key::field(7);
    let mut object = object(Kind::USER, vec![]);
    assert!(object.set(key, version(5), Value::Int(1)));
    for older in [4, 5] {
        assert!(!object.set(key, version(older), Value::Int(2)));
    }
    assert_eq!(object.get(key), Some(&Value::Int(1)));
    assert!(object.set(key, version(6), Value::Int(3)));
    assert_eq!(object.get(key), Some(&Value::Int(3)));
}

#[test]
fn a_join_says_who_has_more() {
    let one = object(Kind::USER, vec![(Key::field(1), Value::Int(1))]);
    let mut more = one.clone();
    assert!(more.set(Key::field(2), version(1), Value::Int(2)));
    for (mine, theirs, changed, ahead) in [
        (&one, &one, false, false),
        (&one, &more, true, false),
        (&more, &one, false, true),
    ] {
        let said = mine.clone().join(theirs);
        assert_eq!(said, Joined { changed, ahead });
    }
}

#[test]
fn a_value_is_read_as_what_it_is_and_as_nothing_else() {
    let values = [
        Value::Null,
        Value::Bool(false),
        Value::Bool(true),
        Value::Int(4),
        Value::Text("text".into()),
        Value::Bytes(vec![1]),
        Value::List(vec![Value::Null]),
    ];
    let null = [Value::Null];
    for (at, value) in values.iter().enumerate() {
        let truth = [None, Some(false), Some(true), None, None, None, None];
        assert_eq!(value.as_bool(), truth[at]);
        assert_eq!(value.as_int(), (at == 3).then_some(4));
        assert_eq!(value.as_text(), (at == 4).then_some("text"));
        assert_eq!(value.as_bytes(), (at == 5).then_some(&[1][..]));
        assert_eq!(value.as_list(), (at == 6).then_some(&null[..]));
    }
}

#[test]
fn a_shortcut_without_overlap_matches_nothing() {
    let matches = |prefix: &str, overlap| {
        let prefix = prefix.to_owned();
        Shortcut { prefix, overlap }.matches("7200")
    };
    assert!(!matches("1272", 0));
    assert!(matches("1272", 2) && matches("72", 2));
    assert!(!matches("1273", 2) && !matches("1272", 3) && !matches("72", 3));
}

#[test]
fn shortcuts_with_overlap_decide_and_others_do_not() {
    let allowed = |overlaps: &[u8]| {
        let shortcut = |&overlap| Shortcut {
            prefix: "1273".into(),
            overlap,
        };
        let shortcuts = overlaps.iter().map(shortcut).collect();
        let constraints = ReplicationConstraints {
            shortcuts,
            ..ReplicationConstraints::default()
        };
        ["7300", "7200"].map(|number| constraints.overlap_allows(number))
    };
    assert_eq!(allowed(&[]), [true, true]);
    assert_eq!(allowed(&[0]), [true, true]);
    assert_eq!(allowed(&[0, 2]), [true, false]);
}

#[test]
fn a_list_has_so_many_addresses_and_a_title_of_one_line() {
    let fits = |number, title: &str, addresses: usize| {
        let list = DistributionList {
            title: title.into(),
            addresses: vec!["7201".into(); addresses],
        };
        list.check(number).is_ok()
    };
    assert!(fits(1, "", 0) && fits(99, "", 0));
    assert!(!fits(0, "", 0) && !fits(100, "", 0));
    let long = "é".repeat(ListEntry::TITLE_LENGTH_MAX);
    assert!(fits(1, &long, 0) && !fits(1, &format!("{long}e"), 0));
    assert!(!fits(1, "one\tline", 0));
    let most = ListEntry::ADDRESSES_MAX;
    assert!(fits(1, "", most) && !fits(1, "", most + 1));
}

#[test]
fn a_schedule_has_days_of_the_week_and_minutes_of_the_day() {
    let fits = |days, from_min, to_min| {
        let hours = Hours {
            days,
            from_min,
            to_min,
        };
        Hours::check(&[hours]).is_ok()
    };
    assert!(fits(1, 0, 0) && fits(0x7f, 1_439, 1_440));
    assert!(!fits(0, 0, 0) && !fits(0x80, 0, 0));
    assert!(!fits(1, 1_440, 0) && !fits(1, 0, 1_441));
    let hours = Hours {
        days: 1,
        from_min: 0,
        to_min: 0,
    };
    let of = |entries| Hours::check(&vec![hours; entries]).is_ok();
    assert!(of(Hours::SCHEDULE_MAX) && !of(Hours::SCHEDULE_MAX + 1));
}

#[test]
fn a_notification_that_is_on_has_a_device_and_no_more_than_so_many() {
    let fits = |on, devices| {
        let target = NotificationTarget {
            device: Device::Phone,
            address: "5551".into(),
        };
        let notification = Notification {
            on,
            targets: vec![target; devices],
            ..Notification::default()
        };
        notification.check().is_ok()
    };
    assert!(fits(false, 0) && !fits(true, 0) && fits(true, 1) && fits(false, 1));
    let most = Notification::TARGETS_MAX;
    assert!(fits(true, most) && !fits(true, most + 1));
}

#[test]
fn a_number_for_delivery_is_a_number_even_while_delivery_is_off() {
    let fits = |on, number: &str| {
        let delivery = PhoneDelivery {
            on,
            number: number.into(),
            schedule: vec![],
        };
        delivery.check().is_ok()
    };
    assert!(fits(false, "") && fits(false, "5551") && fits(true, "5551"));
    assert!(!fits(true, "") && !fits(true, "five") && !fits(false, "five"));
}

#[test]
fn text_notifications_go_to_so_many_addresses() {
    let fits = |addresses| {
        let forwarding = Forwarding {
            text_to: vec!["a@b".into(); addresses],
            ..Forwarding::default()
        };
        forwarding.check().is_ok()
    };
    let most = Forwarding::TEXT_TO_MAX;
    assert!(fits(0) && fits(most) && !fits(most + 1));
}

#[test]
fn a_user_has_so_many_numbers() {
    let fits = |count| User::check_dns(&vec!["5001".to_owned(); count]).is_ok();
    assert!(fits(0) && fits(User::DNS_MAX) && !fits(User::DNS_MAX + 1));
}

fn email_server(name: &str, host: &str, port: u16) -> EmailServer {
    EmailServer {
        name: name.into(),
        host: host.into(),
        port,
        tls: true,
    }
}

#[test]
fn an_email_server_has_a_host_and_a_port() {
    let fits = |host: &str, port| EmailServer::check(&[email_server("A", host, port)]).is_ok();
    assert!(fits("mail-1.a.example", 1) && fits("::1", u16::MAX));
    assert!(!fits("a.example", 0));
    assert!(!fits("a_b.example", 1) && !fits("ä.example", 1));
    assert!(fits(&"a".repeat(253), 1));
    assert!(!fits("", 1) && !fits(&"a".repeat(254), 1));
}

#[test]
fn email_servers_are_so_many_and_each_has_a_name_of_its_own() {
    let named = |names: &[&str]| {
        let servers = names.iter().map(|name| email_server(name, "a.example", 1));
        EmailServer::check(&servers.collect::<Vec<_>>()).is_ok()
    };
    assert!(named(&["A", "B", "C"]));
    assert!(!named(&["A", "B", "A"]) && !named(&["A", "B", "B"]));
    let most = Setting::EMAIL_SERVERS_MAX;
    for (count, fits) in [(most, true), (most + 1, false)] {
        let servers = (0..count).map(|n| email_server(&n.to_string(), "a.example", 1));
        let servers: Vec<_> = servers.collect();
        assert_eq!(EmailServer::check(&servers).is_ok(), fits, "{count}");
    }
}

#[test]
fn the_prefix_of_name_dialing_has_so_many_digits() {
    let fits = |prefix: &str| {
        let dialing = NameDialing {
            prefix: prefix.into(),
            ..NameDialing::default()
        };
        dialing.check().is_ok()
    };
    let most = "1".repeat(Setting::PREFIX_LENGTH_MAX);
    assert!(fits("") && fits(&most));
    assert!(!fits(&format!("{most}1")) && !fits("1#"));
}

#[test]
fn numbers_addresses_and_names_fit_up_to_their_limits() {
    for (digits, fits) in [(2, false), (3, true), (20, true), (21, false)] {
        assert_eq!(check_mailbox_number(&"7".repeat(digits)).is_ok(), fits);
    }
    for (digits, fits) in [(0, false), (1, true), (30, true), (31, false)] {
        let number = "7".repeat(digits);
        assert_eq!(check_telephone_number(&number).is_ok(), fits, "{digits}");
        let abroad = format!("+{number}");
        assert_eq!(check_telephone_number(&abroad).is_ok(), fits, "{digits}");
    }
    for good in ["a@b", "a@b@c", "*72#", "+44"] {
        assert!(check_address(good).is_ok(), "{good}");
    }
    for bad in ["a b@c", "a@b c", "ä@b", "a@ä", "@b", "a@", "a", "7 2"] {
        assert!(check_address(bad).is_err(), "{bad}");
    }
    for (bytes, fits) in [(254, true), (255, false)] {
        let address = format!("{}@b", "a".repeat(bytes - 2));
        assert_eq!(check_address(&address).is_ok(), fits);
    }
    for (name, fits) in [
        ("four", true),
        ("fünf", true),
        ("fives", false),
        (" ", false),
        ("a\u{7}", false),
    ] {
        assert_eq!(check_name("The name", name, 4).is_ok(), fits, "{name:?}");
    }
}
