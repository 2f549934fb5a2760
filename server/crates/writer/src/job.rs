//! What is asked of the writer.

use crate::error::WriterError;
use crate::host::Host;
use crate::store::Store;
use crate::write::{Durability, Wait, WriteTx};
use bytes::Bytes;
use gr_proto::{Command, Input, Rejected};
use ledger::LedgerError;

/// Something that is asked of the writer, with its place in the bounded queue.
pub struct Job<H: Host> {
    pub(crate) work: Work<H>,
    /// Held until that is done.
    pub(crate) place: H::Permit,
    /// There is room on the disk for what it adds.
    pub(crate) fits: bool,
}

/// What is to be done in the transaction of a group.
pub enum Work<H: Host> {
    /// Somebody writes.
    Write {
        /// The write itself.
        run: WriteFn<H::Store>,
        /// What it needs of the disk.
        needs: Needs,
    },
    /// Mail of the partner, opened.
    GrMail {
        /// What the engine is given.
        message: Box<gr_proto::Message>,
        /// The bodies that came beside it, then the pieces of long ones.
        bodies: Vec<Bytes>,
    },
    /// The engine is told something.
    Input(Input),
    /// This server becomes half of a pair, or stands alone from now on.
    Pair {
        /// The partner.
        pair: Option<H::Pair>,
        /// Called when that is so.
        done: Done,
    },
    /// The engine is given an administrator's command.
    Command {
        /// Which.
        command: Box<Command>,
        /// Called with the engine's answer when that is durable.
        done: Box<dyn FnOnce(Result<(), Rejected>) + Send>,
    },
    /// What readers found damaged is looked into.
    Damage,
    /// Disk space is given back after the group.
    Compact {
        /// Bytes of bodies that may be moved.
        bytes_max: u64,
    },
    /// The writer ends after this group.
    Stop {
        /// Called when what was queued before is durable.
        done: Done,
    },
}

/// Called once, when something is durable.
pub type Done = Box<dyn FnOnce() + Send>;

/// What a write needs of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// It adds about so many bytes of bodies, and rows: put off while the disk is nearly full.
    Room(usize),
    /// It frees room or hardly needs any: done on a full disk, too.
    Nothing,
    /// House-keeping, which hardly needs any room and for which nobody waits. It shares a transaction with nobody else's work, and if it
    /// fails, nothing else has happened: it is tried again.
    Upkeep,
}

/// A write: run inside the group's transaction; or told why it is not run, and then it replies by itself.
///
/// If it fails, what it has written is taken back, and it has told its caller so by itself; the rest of the group goes on.
pub type WriteFn<S> = Box<
    dyn for<'a, 't> FnOnce(
            Result<&mut WriteTx<'a, 't, S>, WriterError>,
        ) -> Result<Option<WriteReply>, LedgerError>
        + Send,
>;

/// What is said to the caller of a write when it is durable, or when its group was undone.
pub struct WriteReply {
    /// The write has refused what was asked: whatever it did before is taken back.
    pub refuses: bool,
    /// How long the caller waits.
    pub wait: Wait,
    /// Tells it.
    pub send: Box<dyn FnOnce(Result<Durability, WriterError>) + Send>,
}

impl<H: Host> Job<H> {
    /// What is to be done, and the place in the queue that is held until then.
    pub fn new(work: Work<H>, place: H::Permit) -> Self {
        Self {
            work,
            place,
            fits: true,
        }
    }

    /// How many bytes of bodies it adds to a group.
    pub(crate) fn bytes(&self) -> usize {
        match &self.work {
            Work::Write {
                needs: Needs::Room(bytes),
                ..
            } => *bytes,
            Work::GrMail { bodies, .. } => bodies.iter().map(Bytes::len).sum(),
            _ => 0,
        }
    }

    /// Whether it adds bodies or rows beyond what a full disk can bear.
    pub(crate) fn grows(&self) -> bool {
        match &self.work {
            Work::Write { needs, .. } => matches!(needs, Needs::Room(_)),
            Work::GrMail { bodies, .. } => !bodies.is_empty(),
            _ => false,
        }
    }

    /// Whether people do it to make room, or need it for that.
    pub(crate) fn frees(&self) -> bool {
        matches!(&self.work, Work::Write { needs, .. } if *needs == Needs::Nothing)
    }

    /// Whether it is the server's own house-keeping.
    pub(crate) fn is_upkeep(&self) -> bool {
        match &self.work {
            Work::Damage => true,
            Work::Write { needs, .. } => *needs == Needs::Upkeep,
            _ => false,
        }
    }

    /// Whether it can share a transaction with either kind.
    pub(crate) fn is_neutral(&self) -> bool {
        matches!(&self.work, Work::Input(_) | Work::Compact { .. })
    }
}

/// The open transaction of a host's store.
pub(crate) type TxOf<'t, H> = <<H as Host>::Store as Store>::Tx<'t>;
