//! Drafts, and what addresses lead to.

use crate::operations::addressing::Destination;
use crate::operations::drafts::FoundDraft;
use contract::{
    Addressee, Draft, DraftContent, DraftPart, DraftRow, DraftSource, PartKind, ResolvedAddress,
    SourceAction,
};
use vpim::limits::shown;

/// Of a list's row: recipients, and characters of the text.
const RECIPIENTS_IN_ROW: usize = 4;
const TEXT_IN_ROW: usize = 200;

/// A draft, whole.
pub fn draft(found: FoundDraft) -> Draft {
    let FoundDraft {
        id,
        draft,
        changed_at,
        parts,
    } = found;
    Draft {
        id,
        changed_at,
        content: DraftContent {
            recipients: draft.recipients.iter().map(addressee).collect(),
            subject: draft.subject,
            text: draft.text,
            urgent: draft.urgent,
            private: draft.private,
            source: draft.source.map(source),
        },
        parts: parts.iter().map(draft_part).collect(),
    }
}

/// A draft in a list.
pub fn draft_row(found: &FoundDraft) -> DraftRow {
    let draft = &found.draft;
    let first = draft.recipients.iter().take(RECIPIENTS_IN_ROW);
    DraftRow {
        id: found.id,
        changed_at: found.changed_at,
        recipients: first.map(addressee).collect(),
        recipients_count: u32::try_from(draft.recipients.len()).unwrap_or(u32::MAX),
        subject: draft.subject.clone(),
        text: shown(&draft.text, TEXT_IN_ROW).into_owned(),
        parts: found.parts.iter().map(draft_part).collect(),
    }
}

/// What is to be kept of a draft.
pub fn draft_content(content: DraftContent) -> domain::Draft {
    let recipients = content.recipients.into_iter().map(|its| domain::Addressee {
        address: its.address.trim().to_owned(),
        name: its.name.trim().to_owned(),
        copy: its.copy,
    });
    domain::Draft {
        recipients: recipients.collect(),
        subject: content.subject,
        text: content.text,
        urgent: content.urgent,
        private: content.private,
        source: content.source.map(|source| domain::DraftSource {
            action: match source.action {
                SourceAction::Reply => domain::SourceAction::Reply,
                SourceAction::Forward => domain::SourceAction::Forward,
            },
            message: source.message,
        }),
    }
}

/// What was recorded or attached, as far as it has come.
pub fn draft_part(part: &domain::DraftPart) -> DraftPart {
    DraftPart {
        id: part.id,
        kind: match part.kind {
            domain::PartKind::Voice => PartKind::Voice,
            domain::PartKind::Fax => PartKind::Fax,
        },
        name: part.name.clone(),
        received: part.received,
        whole: part.whole,
    }
}

/// What a part is to be.
pub fn part_kind(kind: PartKind) -> domain::PartKind {
    match kind {
        PartKind::Voice => domain::PartKind::Voice,
        PartKind::Fax => domain::PartKind::Fax,
    }
}

/// What an address leads to.
pub fn destination(found: Destination) -> ResolvedAddress {
    match found {
        Destination::Mailbox(mailbox) => ResolvedAddress {
            name: mailbox.name,
            number: mailbox.number,
            address: mailbox.address,
            unreachable: None,
        },
        Destination::System(system) => ResolvedAddress {
            name: system.name,
            address: system.address,
            ..ResolvedAddress::default()
        },
        Destination::Nowhere(why) => ResolvedAddress {
            unreachable: Some(why),
            ..ResolvedAddress::default()
        },
    }
}

fn addressee(its: &domain::Addressee) -> Addressee {
    Addressee {
        address: its.address.clone(),
        name: its.name.clone(),
        copy: its.copy,
    }
}

fn source(source: domain::DraftSource) -> DraftSource {
    DraftSource {
        action: match source.action {
            domain::SourceAction::Reply => SourceAction::Reply,
            domain::SourceAction::Forward => SourceAction::Forward,
        },
        message: source.message,
    }
}
