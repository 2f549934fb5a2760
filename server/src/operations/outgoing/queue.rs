//! What administrators see of what is on its way, and what they may do about it.

use super::super::{OpError, OpResult};
use super::{Outcome, each, record};
use crate::server::{Abort, Server, Wait, WriteTx};
use domain::{
    Change, DeliveryState, Key, NewOutgoing, ObjectId, OutgoingMessage, OutgoingRecipient,
    Timestamp, User, Value, outgoing_fields,
};
use gr_proto::PartnerState;
use ledger::Ledger;

/// Messages of one answer.
pub const LIST_MAX: usize = 1_000;

/// A message that is on its way, or was lately.
#[derive(Clone, Debug)]
pub struct Queued {
    /// Its identity.
    pub id: ObjectId,
    /// What it is.
    pub message: NewOutgoing,
    /// The mailbox number of its sender, if that is known.
    pub sender: Option<String>,
    /// Its length.
    pub bytes: u64,
    /// This server delivers it, and not its partner.
    pub is_carried_here: bool,
    /// An administrator holds it back.
    pub is_held: bool,
    /// How it stands with each recipient.
    pub recipients: Vec<OutgoingRecipient>,
}

/// What is on its way, the oldest first: [`LIST_MAX`] at most.
///
/// # Errors
/// What the store cannot do.
pub async fn list(server: &Server) -> OpResult<Vec<Queued>> {
    let home = server.home();
    let read = server.read(move |readers| {
        readers.snapshot(|view| {
            let mut found = Vec::new();
            each(view, |id, outgoing| {
                if let Some(message) = outgoing.new_outgoing() {
                    found.push(Queued {
                        id,
                        sender: None,
                        bytes: outgoing.body().map_or(0, |body| body.len.into()),
                        is_carried_here: message.carrier == home,
                        is_held: outgoing.is_held(),
                        recipients: outgoing.recipients(),
                        message,
                    });
                }
            })?;
            found.sort_by_key(|its| (its.message.accepted_at, its.id));
            found.truncate(LIST_MAX);
            for its in &mut found {
                let object = view.object(&its.id)?;
                let owner = object.and_then(|object| object.owner);
                let user = owner
                    .map(|owner| view.object(&owner))
                    .transpose()?
                    .flatten();
                let number = user.as_ref().and_then(User::of);
                its.sender = number.map(|user| user.number().to_owned());
            }
            Ok(found)
        })
    });
    Ok(read.await?)
}

/// Has a message tried at once: by the server that delivers it, or by this one while the other is not there.
///
/// # Errors
/// [`OpError::NotFound`]; [`OpError::Conflict`] for one that has ended, and for one that is held.
pub async fn retry(server: &Server, id: ObjectId) -> OpResult<()> {
    let partner_runs = server.pair().borrow().status.state == PartnerState::Running;
    let home = server.home();
    change(server, id, move |outgoing| {
        if outgoing.is_held() {
            let why = "This message is held. Release it, and it is tried.";
            return Err(OpError::Conflict(why.into()));
        }
        let now = outgoing.recipients().into_iter().filter_map(|its| {
            let DeliveryState::Waiting { attempts, said, .. } = its.state else {
                return None;
            };
            let next = Timestamp(0);
            let state = DeliveryState::Waiting {
                attempts,
                next,
                said,
            };
            Some(state.register(its.n))
        });
        let mut registers: Vec<_> = now.collect();
        if !partner_runs {
            registers.push((Key::field(outgoing_fields::CARRIER), home.into()));
        }
        Ok(registers)
    })
    .await
}

/// Holds a message back, until it is released.
///
/// # Errors
/// [`OpError::NotFound`]; [`OpError::Conflict`] for one that has ended.
pub async fn hold(server: &Server, id: ObjectId) -> OpResult<()> {
    set_held(server, id, true).await
}

/// Lets a message go on that was held back.
///
/// # Errors
/// As [`hold`].
pub async fn release(server: &Server, id: ObjectId) -> OpResult<()> {
    set_held(server, id, false).await
}

async fn set_held(server: &Server, id: ObjectId, held: bool) -> OpResult<()> {
    change(server, id, move |_| {
        Ok(vec![(Key::field(outgoing_fields::HELD), Value::Bool(held))])
    })
    .await
}

/// Takes a message out: it is tried for nobody any more, and its sender is told.
///
/// # Errors
/// [`OpError::NotFound`]; [`OpError::Conflict`] for one that has ended.
pub async fn cancel(server: &Server, id: ObjectId) -> OpResult<()> {
    let waiting = change(server, id, |_| Ok(Vec::new()));
    waiting.await?;
    let read = server.read(move |readers| readers.snapshot(|view| view.object(&id)));
    let Some(object) = read.await? else {
        return Err(no_such());
    };
    let outgoing = OutgoingMessage::of(&object).ok_or_else(no_such)?;
    let why = "An administrator has taken it out of the queue.";
    let outcome = || Outcome::Failed(why.to_owned());
    let outcomes: Vec<_> = outgoing
        .recipients()
        .into_iter()
        .map(|its| (its.n, outcome()))
        .collect();
    Ok(record(server, id, &outcomes).await?)
}

/// Changes a message of which somebody waits.
async fn change(
    server: &Server,
    id: ObjectId,
    registers: impl FnOnce(&OutgoingMessage<'_>) -> OpResult<Vec<(Key, Value)>> + Send + 'static,
) -> OpResult<()> {
    let written = server.write_anyway(Wait::Partner, move |scope: &mut WriteTx<'_, '_>| {
        let object = scope.tx().object(&id)?;
        let outgoing = object.as_ref().and_then(OutgoingMessage::of);
        let outgoing = outgoing.ok_or_else(|| Abort::Refused(no_such()))?;
        if outgoing.ended_at().is_some() {
            let why = "This message has ended for all of its recipients.";
            return Err(Abort::Refused(OpError::Conflict(why.into())));
        }
        let registers = registers(&outgoing).map_err(Abort::Refused)?;
        if !registers.is_empty() {
            scope.change(&Change::Set { id, registers })?;
        }
        Ok(())
    });
    written.await?;
    Ok(())
}

fn no_such() -> OpError {
    OpError::NotFound("No such message is on its way to another system.".into())
}
