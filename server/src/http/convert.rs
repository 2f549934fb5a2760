//! From the server's own types to those of the wire. Nothing else in the server makes wire types of stored ones.

pub mod content;
mod drafts;
mod own;
mod queue;
pub mod tasks;

pub use drafts::{destination, draft, draft_content, draft_part, draft_row, part_kind};
pub use own::{
    contact_settings, email_server, greeting, greeting_slot, name_dialing,
    registers_of_contact_settings, settings, slot,
};
pub use queue::{became_of, queued};

use crate::config;
use crate::gr::link::LinkState;
use crate::listen::tls::Fingerprint;
use crate::operations::messages::MailboxCounts;
use crate::operations::pair::{Backlogs, Damaged, Room};
use crate::operations::users::{FoundUser, is_local};
use crate::server::PairView;
use crate::upkeep_faults::UpkeepFault;
use contract::{
    Counts, Damage, Discovery, Folder, GrStatus, GrTask, GrTls, HeldMailbox, LaneBacklog, Mailbox,
    MailboxLimits, MessageRow, ObjectId, PartnerState, Party, Recipient, ServerAddress,
    UpkeepStatus, UserKind, UserRow,
};
use domain::{Envelope, Message, MessageFolder, Object, Sender, ServerId, Timestamp, User};
use ledger::Backlog;
use vpim::limits::{ADDRESS_CHARS_MAX, LABEL_CHARS_MAX, NAME_CHARS_MAX, SUBJECT_CHARS_MAX, shown};

/// The answering server and its partner.
pub fn discovery(config: &config::Config, pair: &PairView) -> Discovery {
    Discovery {
        server: ServerAddress {
            fqdn: config.fqdn.clone(),
            http: config.http_url(),
            search_base: config.search_base.clone(),
        },
        gr_partner: pair.gr_partner(&config.search_base),
        in_service: pair.in_service,
        caught_up: pair.caught_up,
        level: contract::LEVEL,
    }
}

/// The owner of a mailbox, as the owner sees it.
pub fn mailbox(id: ObjectId, user: &User<'_>) -> Mailbox {
    Mailbox {
        user: id,
        number: user.number().to_owned(),
        name: user.name().to_owned(),
    }
}

/// A row of a list; `None` if the object is not a message.
pub fn row(id: ObjectId, object: &Object, one_server_only: bool) -> Option<MessageRow> {
    let message = Message::of(object)?;
    let filing = message.filing();
    // A message whose description is damaged is still somebody's message: it is shown, and its sound can be heard.
    let envelope = message.envelope().unwrap_or_else(|| Envelope {
        kind: contract::Kind::Mixed,
        sender: Sender::default(),
        subject: "(The description of this message is damaged.)".into(),
        received_at: filing.since,
        duration_ms: 0,
        pages: None,
        attachments: 0,
        urgent: false,
        private: false,
    });
    Some(MessageRow {
        id,
        kind: envelope.kind,
        sender: sender(&envelope.sender),
        subject: shown(&envelope.subject, SUBJECT_CHARS_MAX).into_owned(),
        received_at: envelope.received_at,
        duration_ms: envelope.duration_ms,
        pages: envelope.pages,
        unread: message.unread(),
        urgent: envelope.urgent,
        private: envelope.private,
        attachments: envelope.attachments,
        folder: folder(filing.place),
        one_server_only,
        sender_unverified: envelope.sender.unverified,
        sent_to: sent_to(&message),
    })
}

/// Cut to the display lengths, also if it was stored by a server that did not cut.
fn sender(sender: &Sender) -> Party {
    let cut = |text: &str, chars_max| shown(text, chars_max).into_owned();
    Party {
        name: cut(&sender.name, NAME_CHARS_MAX),
        address: cut(&sender.address, ADDRESS_CHARS_MAX),
        number: sender.number.as_deref().map(|n| cut(n, LABEL_CHARS_MAX)),
    }
}

/// To whom a message was sent, if its owner has sent it.
fn sent_to(message: &Message<'_>) -> Vec<Party> {
    let to = message.sent_to().unwrap_or_default().into_iter();
    let party = |(name, address): (&str, &str)| {
        sender(&Sender {
            name: name.to_owned(),
            address: address.to_owned(),
            number: address.split('@').next().map(str::to_owned),
            unverified: false,
        })
    };
    to.map(party).collect()
}

/// Where a message lies.
pub fn folder(place: MessageFolder) -> Folder {
    match place {
        MessageFolder::Inbox => Folder::Inbox,
        MessageFolder::Sent => Folder::Sent,
        MessageFolder::Deleted => Folder::Deleted,
    }
}

/// The place of a folder.
pub fn place(folder: Folder) -> MessageFolder {
    match folder {
        Folder::Inbox => MessageFolder::Inbox,
        Folder::Sent => MessageFolder::Sent,
        Folder::Deleted => MessageFolder::Deleted,
    }
}

/// Counts over a mailbox.
pub fn counts(counts: &MailboxCounts) -> Counts {
    let n = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Counts {
        inbox: n(counts.inbox),
        unread: n(counts.unread),
        sent: n(counts.sent),
        deleted: n(counts.deleted),
        one_server_only: n(counts.one_server_only),
        bytes: counts.bytes,
        deleted_bytes: counts.deleted_bytes,
    }
}

/// What a mailbox may hold.
pub fn mailbox_limits(config: &config::Mailboxes) -> MailboxLimits {
    MailboxLimits {
        messages_max: config.messages_max,
        bytes_max: config.size_max,
        deleted_messages_max: config.deleted_messages_max,
        deleted_bytes_max: config.deleted_size_max,
    }
}

/// Somebody named in a header.
pub fn party(party: &vpim::Party) -> Party {
    let local = party.address.split_once('@').map_or("", |(local, _)| local);
    let number = local
        .split('+')
        .find(|piece| !piece.is_empty())
        .unwrap_or_default();
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let international = if local.starts_with('+') { "+" } else { "" };
    Party {
        name: party.name.clone().unwrap_or_default(),
        address: party.address.clone(),
        number: is_number.then(|| format!("{international}{number}")),
    }
}

/// To and Cc of a message.
pub fn recipients(envelope: &vpim::Envelope) -> Vec<Recipient> {
    let with = |parties: &[vpim::Party], copy| -> Vec<Recipient> {
        parties
            .iter()
            .map(|p| Recipient {
                party: party(p),
                copy,
            })
            .collect()
    };
    let mut all = with(&envelope.to, false);
    all.extend(with(&envelope.cc, true));
    all
}

/// What an administrator sees of a user; `None` if the object is not one.
pub fn user(found: &FoundUser, place: &Neighbourhood<'_>) -> Option<UserRow> {
    let user = User::of(&found.object)?;
    let local = is_local(&user, place.home);
    let counts = &found.counts;
    let messages = counts.inbox + counts.sent + counts.deleted;
    Some(UserRow {
        id: found.id,
        mailbox: user.number().to_owned(),
        name: user.name().to_owned(),
        kind: if local { UserKind::Local } else { UserKind::Gr },
        home: if local {
            place.fqdn.to_owned()
        } else {
            place.partner.unwrap_or("?").to_owned()
        },
        locked: user.locked(),
        messages: u32::try_from(messages).unwrap_or(u32::MAX),
        waiting: found.waiting,
        class: u32::try_from(user.class()).unwrap_or(0),
        dns: user.dns().into_iter().map(str::to_owned).collect(),
        device_class: found.device_class.clone(),
    })
}

/// What is needed to say where a user belongs.
pub struct Neighbourhood<'a> {
    /// This server.
    pub home: ServerId,
    /// Its name.
    pub fqdn: &'a str,
    /// The partner's name.
    pub partner: Option<&'a str>,
}

/// What disks have damaged: what the store knows, and what the partner has said.
pub fn damage(damaged: &Damaged, status: &gr_proto::PartnerStatus) -> Damage {
    let no_copy = status.no_copy_left.unwrap_or(0);
    Damage {
        bodies_missing: damaged.bodies,
        // What was found damaged since the partner was last asked is not among them.
        bodies_no_copy: no_copy.min(damaged.bodies),
        rows_unreadable: damaged.rows.0,
        rows_lost: damaged.rows.1,
        only_here: status.only_here.unwrap_or(0),
        scrubbed_at: damaged.scrubbed_at,
    }
}

/// What needs an administrator's eye beside the backlog.
pub struct Concerns {
    /// The first mailboxes of this server that are held (R9).
    pub held: Vec<HeldMailbox>,
    /// How many those are.
    pub held_count: u64,
    /// The task that is open, here or there.
    pub task: Option<GrTask>,
    /// Room on the disk.
    pub disk: Room,
    /// What of the house-keeping fails.
    pub upkeep: Vec<UpkeepFault>,
}

/// The pair as an administrator reads it.
pub fn gr_status(
    fqdn: &str,
    pair: &PairView,
    backlogs: &Backlogs,
    concerns: Concerns,
    damaged: &Damaged,
    now: Timestamp,
    tls: GrTls,
) -> GrStatus {
    let partner = pair.partner.as_ref().map(|p| p.fqdn.clone());
    let state = partner_state(&pair.status);
    // An engine that has just been made, by pairing, has not looked at a clock yet.
    let since = match pair.status.since {
        Timestamp(0) => now,
        since => since,
    };
    GrStatus {
        server: fqdn.to_owned(),
        reason: reason(
            state,
            pair.status.runs_twice,
            partner.as_deref().unwrap_or("The partner"),
            now.0.saturating_sub(since.0),
            pair.heard.map(|at| now.0.saturating_sub(at.0)),
        ) + &slowness(&pair.status),
        runs_twice: pair.status.runs_twice,
        partner,
        state,
        since,
        heard: pair.heard,
        users: lane(&backlogs.users),
        messages: lane(&backlogs.messages),
        one_server_only: backlogs.one_server_only,
        partner_backlog: pair.status.partner_backlog,
        round_trip_ms: pair.status.round_trip_ms,
        slow: pair.status.slow,
        bytes_per_s: pair.status.bytes_per_s,
        clock_difference_ms: pair.status.clock_difference_ms,
        dated_ahead_ms: pair.status.dated_ahead_ms,
        held: concerns.held,
        held_count: concerns.held_count,
        task: concerns.task,
        disk: Some(contract::DiskStatus {
            free_bytes: concerns.disk.free_bytes,
            spare_bytes: concerns.disk.spare_bytes,
            reserve_bytes: concerns.disk.reserve_bytes,
            low: concerns.disk.low,
            partner_spare_bytes: concerns.disk.partner_spare_bytes,
            low_for_partner: concerns.disk.low_for_partner,
        }),
        damage: damage(damaged, &pair.status),
        tls,
        upkeep: concerns.upkeep.into_iter().map(upkeep).collect(),
        password_changing: false,
        other_key_from: None,
        link_fault: None,
    }
}

fn upkeep(fault: UpkeepFault) -> UpkeepStatus {
    UpkeepStatus {
        what: fault.what.to_owned(),
        since: fault.since,
        times: fault.times,
        why: fault.why,
    }
}

/// TLS between the two servers; `shown` is the certificate of this one.
pub fn gr_tls(shown: Option<Fingerprint>, link: &LinkState, pair: &PairView) -> GrTls {
    let trust = pair.partner.as_ref().and_then(|partner| partner.tls);
    GrTls {
        certificate: shown.map(|fingerprint| fingerprint.to_string()),
        partner: trust.map(|trust| trust.to_string()),
        secured: link.secured,
        fault: link.fault.clone(),
    }
}

/// The partner's state.
pub fn partner_state(status: &gr_proto::PartnerStatus) -> PartnerState {
    match status.state {
        _ if status.courtesy => PartnerState::CourtesyDown,
        gr_proto::PartnerState::NotConfigured => PartnerState::NotConfigured,
        gr_proto::PartnerState::Unknown => PartnerState::Unknown,
        gr_proto::PartnerState::Running => PartnerState::Running,
        gr_proto::PartnerState::Down => PartnerState::Down,
    }
}

/// Why a state is what it is, and when the partner was last heard.
fn reason(
    state: PartnerState,
    runs_twice: bool,
    partner: &str,
    since_ms: i64,
    heard_ms: Option<i64>,
) -> String {
    if runs_twice {
        return format!(
            "{partner} is heard in two incarnations: it runs twice, or was resumed from a snapshot. Switch one of the two copies off."
        );
    }
    let since = span(since_ms);
    let heard = heard_ms.map(ago);
    match state {
        PartnerState::NotConfigured => "No GR partner is configured.".into(),
        PartnerState::Running => {
            let heard = heard.map_or(String::new(), |heard| format!("; last heard {heard}"));
            format!("{partner} answers in both directions, for {since}{heard}.")
        }
        PartnerState::Unknown => {
            let silent = match heard {
                Some(heard) => format!("{partner} was last heard {heard}."),
                None => format!("{partner} has not been heard yet."),
            };
            format!(
                "{silent} Is it started, is the way to it open, and is the GR password the same on both?"
            )
        }
        PartnerState::Down => match heard {
            Some(heard) => format!("{partner} was last heard {heard}; it counts as down."),
            None => format!(
                "{partner} has not been heard since this server began to listen; it counts as down."
            ),
        },
        PartnerState::CourtesyDown => {
            let at = ago(since_ms);
            format!("{partner} was taken out of service on purpose, {at}.")
        }
    }
}

/// What a slow link means, and how slow it is; nothing if it is not.
fn slowness(status: &gr_proto::PartnerStatus) -> String {
    if !status.slow {
        return String::new();
    }
    let rate = status
        .bytes_per_s
        .map(|rate| format!("{} kB in a second", rate / 1_000));
    let trip = status
        .round_trip_ms
        .map(|ms| format!("an answer after {ms} ms"));
    let measured = [rate, trip].into_iter().flatten().collect::<Vec<_>>();
    format!(
        " The link is slow: {}. Long messages go in pieces, and others pass between them.",
        measured.join(", ")
    )
}

/// A length of time in its largest whole unit.
fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    let (number, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// How long ago something was.
fn ago(ms: i64) -> String {
    match ms {
        ..1_000 => "just now".into(),
        ms => format!("{} ago", span(ms)),
    }
}

fn lane(backlog: &Backlog) -> LaneBacklog {
    LaneBacklog {
        count: backlog.count,
        oldest: backlog.oldest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_an_address_is_shown_when_it_has_one() {
        let number = |address: &str| party(&vpim::Party::new(address)).number;
        assert_eq!(number("7200@cp-north.example.net").as_deref(), Some("7200"));
        assert_eq!(
            number("+442079460018@cp-north.example.net").as_deref(),
            Some("+442079460018")
        );
        assert_eq!(
            number("+17035245550+230@vm.example").as_deref(),
            Some("+17035245550")
        );
        assert_eq!(number("mailer-daemon@vm.example"), None);
        assert_eq!(number(""), None);
    }

    #[test]
    fn a_message_with_a_damaged_description_is_still_shown() {
        let object = Object::new(domain::Kind::MESSAGE, None, None);
        let row = row(ObjectId::from_bytes([1; 16]), &object, true).unwrap();
        assert!(row.unread && row.one_server_only && !row.subject.is_empty());
        assert_eq!(
            super::row(row.id, &Object::new(domain::Kind::USER, None, None), false),
            None
        );
    }

    #[test]
    fn a_row_that_was_stored_without_limits_is_shown_within_them() {
        let long = "é".repeat(50_000);
        let envelope = Envelope {
            kind: contract::Kind::Voice,
            sender: Sender {
                name: long.clone(),
                address: long.clone(),
                number: Some(long.clone()),
                unverified: true,
            },
            subject: long,
            received_at: Timestamp(1),
            duration_ms: 0,
            pages: None,
            attachments: 0,
            urgent: false,
            private: false,
        };
        let mut object = Object::new(domain::Kind::MESSAGE, None, None);
        let version = domain::Version {
            hlc: domain::Hlc(1),
            incarnation: domain::Incarnation(1),
        };
        for (key, value) in Message::registers(&envelope, MessageFolder::Inbox, true) {
            object.set(key, version, value);
        }
        let row = row(ObjectId::from_bytes([1; 16]), &object, false).unwrap();
        assert!(serde_json::to_vec(&row).unwrap().len() < 2_500);
        assert!(row.subject.ends_with('…') && row.sender.name.ends_with('…'));
    }

    #[test]
    fn the_reason_of_a_state_says_when_the_partner_was_last_heard() {
        let said = |state, heard_ms| reason(state, false, "b.example", 52_000, heard_ms);
        assert_eq!(
            said(PartnerState::Running, Some(14_000)),
            "b.example answers in both directions, for 52 seconds; last heard 14 seconds ago."
        );
        for (state, heard_ms, begins) in [
            (
                PartnerState::Unknown,
                Some(0),
                "b.example was last heard just now. Is it",
            ),
            (
                PartnerState::Unknown,
                None,
                "b.example has not been heard yet. Is it",
            ),
            (
                PartnerState::Down,
                Some(361_000),
                "b.example was last heard 6 minutes ago; it counts as down.",
            ),
            (
                PartnerState::Down,
                None,
                "b.example has not been heard since this",
            ),
        ] {
            let said = said(state, heard_ms);
            assert!(said.starts_with(begins), "{said}");
        }
    }

    #[test]
    fn a_length_of_time_is_told_in_its_largest_whole_unit() {
        let told: Vec<_> = [1_000, 119_000, 120_000, 7_200_000, 400_000_000, -5]
            .map(span)
            .into();
        assert_eq!(
            told,
            [
                "1 second",
                "119 seconds",
                "2 minutes",
                "2 hours",
                "4 days",
                "0 seconds"
            ]
        );
    }
}
