//! The transaction of a group, while it is open: what each job does in it.

use crate::error::WriterError;
use crate::host::Host;
use crate::job::{Job, TxOf, Work, WriteFn};
use crate::post_commit::PostCommit;
use crate::rate_limited_log::RateLimitedLog;
use crate::store::Transaction;
use crate::write::WriteTx;
use bytes::Bytes;
use domain::{ReplicationConstraints, ServerId, Timestamp};
use gr_proto::{Engine, Input, Message, Now, Savepoint};
use ledger::LedgerError;
use std::time::Duration;
use store::StoreError;

/// Writes that fail are logged so often at most.
static TAKEN_BACK: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(5));

/// A transaction that is open: what each job of the group does in it.
pub(crate) struct OpenTransaction<'a, 't, H: Host> {
    pub(crate) engine: &'a mut Engine,
    pub(crate) tx: &'a mut TxOf<'t, H>,
    pub(crate) now: Now,
    pub(crate) home: ServerId,
    pub(crate) no_room: bool,
    /// As they were before the group.
    pub(crate) constraints: &'a ReplicationConstraints,
    pub(crate) after: &'a mut PostCommit<H>,
}

impl<H: Host> OpenTransaction<'_, '_, H> {
    /// Does one job. If this fails, so does the group.
    pub(crate) fn run(&mut self, job: Job<H>) -> Result<(), WriterError> {
        // The place in the queue is given up when the job is done.
        let Job {
            work,
            place: _place,
            fits,
        } = job;
        match work {
            Work::Write { run, .. } if !fits => {
                run(Err(WriterError::Store(StoreError::Full))).map_err(undone)?;
            }
            Work::Write { run, needs: _ } => self.write(run)?,
            Work::GrMail { message, bodies } => {
                if fits {
                    take_bodies(self.tx, self.now.wall, &message, &bodies)?;
                }
                self.tell(Input::Received(message))?;
            }
            Work::Input(input) => self.tell(input)?,
            Work::Pair { pair, done } => {
                H::store_pair(self.tx, pair.as_ref())?;
                self.after.paired.push((pair, done));
            }
            Work::Command { command, done } => {
                let answer = self.engine.command(self.now, self.tx, *command);
                let answer = answer.map_err(undone)?;
                self.after.commanded.push(Box::new(move || done(answer)));
            }
            Work::Damage => {
                let looked = self.tx.look_into_damage()?;
                self.after.lost_bodies += looked.bodies;
                self.after.found_again += looked.back;
            }
            Work::Compact { bytes_max } => {
                self.after.compact = self.after.compact.max(bytes_max);
            }
            Work::Stop { done } => self.after.stopped.push(done),
        }
        Ok(())
    }

    fn tell(&mut self, input: Input) -> Result<(), WriterError> {
        let told = self.engine.handle(self.now, self.tx, input);
        told.map_err(undone)
    }

    /// Runs a write. If it refuses or fails, what it did is taken back, and whoever shares its group does not notice; unless the
    /// transaction itself cannot go on.
    fn write(&mut self, run: WriteFn<H::Store>) -> Result<(), WriterError> {
        let before = match self.savepoint() {
            Ok(before) => before,
            Err(error) => {
                // Whoever refuses does not fail.
                let _ = run(Err(error.of_the_group()));
                return Err(error);
            }
        };
        let mut write = WriteTx {
            engine: self.engine,
            tx: self.tx,
            now: self.now,
            home: self.home,
            marked: Vec::new(),
            no_room: self.no_room,
            constraints: None,
        };
        let done = run(Ok(&mut write));
        let WriteTx {
            marked,
            constraints,
            ..
        } = write;
        match done {
            Ok(Some(reply)) if reply.refuses => {
                self.after.replies.push((reply, Vec::new()));
                self.tx.roll_back()?;
                self.take_back(before, constraints)
            }
            Ok(reply) => {
                if constraints.is_some() {
                    self.after.constraints = constraints;
                }
                let replies = &mut self.after.replies;
                replies.extend(reply.map(|reply| (reply, marked)));
                Ok(self.tx.release()?)
            }
            Err(error) => {
                let error = undone(error);
                if error.is_full() || self.tx.roll_back().is_err() {
                    return Err(error);
                }
                if let Some(times) = TAKEN_BACK.now() {
                    tracing::error!(%error, times, "a write failed and was taken back; the others of its group go on");
                }
                self.take_back(before, constraints)
            }
        }
    }

    /// From here on what a write does can be taken back, in the store and in the engine.
    fn savepoint(&mut self) -> Result<Savepoint, WriterError> {
        self.tx.savepoint()?;
        Savepoint::of(self.engine, self.now, self.tx).map_err(undone)
    }

    /// A write is taken back in the engine, which may have been told of other constraints by it.
    fn take_back(
        &mut self,
        before: Savepoint,
        told: Option<ReplicationConstraints>,
    ) -> Result<(), WriterError> {
        before.restore(self.engine);
        if told.is_none() {
            return Ok(());
        }
        let now = self.after.constraints.as_ref().unwrap_or(self.constraints);
        self.tell(Input::Constraints(Box::new(now.clone())))
    }
}

/// Takes what came beside a message of the partner: whole bodies, then the pieces of long ones. A piece that its sender could not read is
/// empty.
fn take_bodies(
    tx: &mut impl Transaction,
    now: Timestamp,
    message: &Message,
    bodies: &[Bytes],
) -> Result<(), StoreError> {
    let announced = message.pieces();
    let (whole, pieces) = bodies.split_at(bodies.len().saturating_sub(announced.len()));
    for body in whole {
        tx.append_body(body)?;
    }
    for ((body, piece), bytes) in announced.iter().zip(pieces) {
        if bytes.len() == piece.len as usize {
            tx.append_piece(now, body, piece.at, bytes)?;
        }
    }
    Ok(())
}

/// The store's own error, as it was before it went through the engine.
pub(crate) fn undone(e: LedgerError) -> WriterError {
    match e.0.downcast::<StoreError>() {
        Ok(e) => WriterError::Store(*e),
        Err(e) => WriterError::Damaged(format!("the engine cannot go on: {e}")),
    }
}
