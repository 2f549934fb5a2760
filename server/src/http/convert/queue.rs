//! What is on its way to other systems, for administrators and for its senders.

use crate::operations::outgoing::Queued;
use contract::{QueuedMessage, QueuedRecipient, QueuedState, Timestamp};
use domain::{DeliveryState, OutgoingRecipient};

/// A message in the queue.
pub fn queued(queued: Queued) -> QueuedMessage {
    QueuedMessage {
        id: queued.id,
        sender: queued.sender.unwrap_or_default(),
        accepted_at: queued.message.accepted_at,
        bytes: queued.bytes,
        carried_here: queued.is_carried_here,
        held: queued.is_held,
        recipients: queued.recipients.into_iter().map(recipient).collect(),
    }
}

fn recipient(its: OutgoingRecipient) -> QueuedRecipient {
    let (state, attempts, next, ended_at, said) = match its.state {
        DeliveryState::Waiting {
            attempts,
            next,
            said,
        } => (QueuedState::Waiting, attempts, next, None, said),
        DeliveryState::Delivered { at, said } => {
            (QueuedState::Delivered, 0, Timestamp(0), Some(at), said)
        }
        DeliveryState::Failed { at, said } => {
            (QueuedState::Failed, 0, Timestamp(0), Some(at), said)
        }
    };
    QueuedRecipient {
        address: its.address,
        state,
        attempts,
        next_attempt_at: Some(next).filter(|next| next.0 > 0),
        ended_at,
        said,
    }
}

/// What became of a sent message for one recipient on another system, for its sender.
pub fn became_of(address: &str, state: &DeliveryState) -> String {
    match state {
        DeliveryState::Waiting { attempts: 0, .. } => format!("On its way to {address}."),
        DeliveryState::Waiting { said, .. } => {
            format!("Not yet delivered to {address}; it is tried again. {said}")
        }
        DeliveryState::Delivered { .. } => format!("Delivered to the system of {address}."),
        DeliveryState::Failed { said, .. } => format!("Not delivered to {address}. {said}"),
    }
}
