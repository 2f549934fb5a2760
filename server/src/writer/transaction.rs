//! The transaction of a group, while it is open: what each job does in it.

use super::error::SiteError;
use super::job::{Job, Run};
use super::post_commit::Aftermath;
use super::write::Scope;
use crate::gr::bodies;
use crate::gr::pairing::{self, Pairing};
use domain::ServerId;
use gr_proto::{Engine, Input, Now};
use ledger::LedgerError;
use tokio::sync::oneshot;

/// A transaction that is open: what each job of the group does in it.
pub(super) struct OpenTransaction<'a, 'w> {
    pub(super) engine: &'a mut Engine,
    pub(super) tx: &'a mut store::Tx<'w>,
    pub(super) now: Now,
    pub(super) home: ServerId,
    pub(super) no_room: bool,
    pub(super) after: &'a mut Aftermath,
}

impl OpenTransaction<'_, '_> {
    /// `fits`: the disk has room for what it brings.
    pub(super) fn run(&mut self, job: Job, fits: bool) -> Result<(), SiteError> {
        match job {
            Job::Write { run, .. } if !fits => {
                run(Err(SiteError::Store(store::StoreError::Full))).map_err(undone)?;
            }
            Job::Write {
                run,
                needs: _,
                room: _room,
            } => self.write(run)?,
            Job::GrMail {
                message,
                bodies,
                room: _room,
            } => {
                if fits {
                    bodies::take(self.tx, self.now.wall, &message, &bodies)?;
                }
                self.tell(Input::Received(message))?;
            }
            Job::Link { up, room: _room } => {
                self.tell(if up { Input::LinkUp } else { Input::LinkDown })?;
            }
            Job::Pair {
                pairing,
                done,
                room: _room,
            } => self.pair(pairing, done)?,
            Job::Command {
                order,
                done,
                room: _room,
            } => {
                let said = self.engine.command(self.now, self.tx, *order);
                self.after.ordered.push((said.map_err(undone)?, done));
            }
            Job::LoggedIn { user, room: _room } => self.tell(Input::LoggedIn(user))?,
            Job::Damage { room: _room } => {
                let looked = self.tx.look_into_damage()?;
                self.after.lost_bodies += looked.bodies;
                self.after.found_again += looked.back;
            }
            Job::Compact {
                bytes_max,
                room: _room,
            } => {
                self.after.compact = self.after.compact.max(bytes_max);
            }
            Job::Stop { done, room: _room } => self.after.stopped.push(done),
        }
        Ok(())
    }

    fn tell(&mut self, input: Input) -> Result<(), SiteError> {
        let told = self.engine.handle(self.now, self.tx, input);
        told.map_err(undone)
    }

    fn write(&mut self, run: Run) -> Result<(), SiteError> {
        let mut scope = Scope {
            engine: self.engine,
            tx: self.tx,
            now: self.now,
            home: self.home,
            touched: Vec::new(),
            no_room: self.no_room,
            conditions: None,
        };
        let reply = run(Ok(&mut scope)).map_err(undone)?;
        let Scope {
            touched,
            conditions,
            ..
        } = scope;
        self.after.conditions = conditions.or(self.after.conditions.take());
        self.after
            .replies
            .extend(reply.map(|reply| (reply, touched)));
        Ok(())
    }

    fn pair(
        &mut self,
        pairing: Option<Pairing>,
        done: oneshot::Sender<()>,
    ) -> Result<(), SiteError> {
        match &pairing {
            Some(p) => {
                let bytes = serde_json::to_vec(&p.partner).expect("plain data");
                self.tx.put_setting(pairing::SETTING, &bytes)?;
            }
            None => self.tx.remove_setting(pairing::SETTING)?,
        }
        self.after.paired.push((pairing, done));
        Ok(())
    }
}

/// The store's own error, as it was before it went through the engine.
pub(super) fn undone(e: LedgerError) -> SiteError {
    match e.0.downcast::<store::StoreError>() {
        Ok(e) => SiteError::Store(*e),
        Err(e) => SiteError::Damaged(format!("the engine cannot go on: {e}")),
    }
}
