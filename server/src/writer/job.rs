//! What is asked of the writer.

use super::error::SiteError;
use super::write::{Copies, Scope, Wait};
use crate::gr::pairing::Pairing;
use bytes::Bytes;
use domain::ObjectId;
use gr_proto::{Command, Rejected};
use ledger::LedgerError;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// What [`crate::site::Site`] asks of the writer. Each holds its place in the bounded queue until it is done.
pub(crate) enum Job {
    Write {
        run: Run,
        needs: Needs,
        room: OwnedSemaphorePermit,
    },
    GrMail {
        message: Box<gr_proto::Message>,
        bodies: Vec<Bytes>,
        room: OwnedSemaphorePermit,
    },
    Link {
        up: bool,
        room: OwnedSemaphorePermit,
    },
    Pair {
        pairing: Option<Pairing>,
        done: oneshot::Sender<()>,
        room: OwnedSemaphorePermit,
    },
    Command {
        order: Box<Command>,
        done: oneshot::Sender<Said>,
        room: OwnedSemaphorePermit,
    },
    LoggedIn {
        user: ObjectId,
        room: OwnedSemaphorePermit,
    },
    Damage {
        room: OwnedSemaphorePermit,
    },
    Compact {
        bytes_max: u64,
        room: OwnedSemaphorePermit,
    },
    Stop {
        done: oneshot::Sender<()>,
        room: OwnedSemaphorePermit,
    },
}

/// What a write needs of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// It adds about so many bytes of bodies, and rows: put off while the disk is nearly full.
    Room(usize),
    /// It frees room or hardly needs any: done on a full disk, too.
    Nothing,
}

/// A write, run inside the group's transaction; or told why it is not run, and then it replies by itself.
pub(crate) type Run = Box<
    dyn FnOnce(Result<&mut Scope<'_, '_>, SiteError>) -> Result<Option<Reply>, LedgerError> + Send,
>;

/// What the engine says to an order.
pub(crate) type Said = Result<(), Rejected>;

/// What is said to the caller of a write when it is durable, or when its group was undone.
pub(crate) struct Reply {
    pub(crate) wait: Wait,
    pub(crate) send: Box<dyn FnOnce(Result<Copies, SiteError>) + Send>,
}

impl Job {
    /// How much it adds to a group.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Write { needs, .. } => match needs {
                Needs::Room(bytes) => *bytes,
                Needs::Nothing => 0,
            },
            Self::GrMail { bodies, .. } => bodies.iter().map(Bytes::len).sum(),
            Self::Link { .. }
            | Self::Pair { .. }
            | Self::Command { .. }
            | Self::LoggedIn { .. }
            | Self::Damage { .. }
            | Self::Compact { .. }
            | Self::Stop { .. } => 0,
        }
    }
}
