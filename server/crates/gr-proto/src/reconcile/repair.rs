//! What was damaged at rest is asked from the partner: objects whose rows cannot be read, and bodies that are missing here.
//!
//! One question is open at a time. A *pass* asks for all that is damaged, rows first, so that a mailbox is there before its sound is. When
//! a pass has brought nothing, the next one waits twice as long; it begins at once when more is found damaged, and in each session. What
//! comes is applied by the join that everything goes through (E4), and what the partner does not have either is counted: *no copy left*.
//! A long body comes in pieces, each an answer to a question of its own.
//!
//! Nothing is asked while one of the servers went back in time, for a recovery is about the same; and no body while a rebuild fetches them.

use crate::limits::{REPAIR_PATIENCE_MS, REPAIR_PAUSE_MS_FIRST, REPAIR_PAUSE_MS_MAX};
use crate::objects::apply::{Applied, apply};
use crate::objects::transaction::Tx;
use crate::reconcile::task::class_of;
use crate::session::pieces::Piece;
use crate::{AvailableBodies, Event, Item, Mono, Request, RequestBody, Response, ResponseBody};
use domain::{BodyRef, Kind, ObjectId};
use ledger::{Damage, LedgerError, TaskId};

/// What a session knows of its repairs: volatile, because what is damaged is durable.
#[derive(Clone, Debug)]
pub(crate) struct Repair {
    pass: Option<Pass>,
    open: Option<RepairRequest>,
    /// When the next pass begins.
    next_at: Mono,
    pause_ms: u64,
    /// What was damaged when the last pass ended.
    left: Damage,
    /// Bodies that the partner lacks, too, as the last pass found; `None`: it has not been asked for all yet.
    pub(crate) no_copy: Option<u64>,
    /// What belongs in the log.
    pub(crate) events: Vec<Event>,
}

/// A question under way: the number of its message, and when it was asked.
#[derive(Clone, Debug)]
struct RepairRequest {
    no: u64,
    at: Mono,
    question: RequestBody,
}

/// Going once through all that is damaged.
#[derive(Clone, Debug, Default)]
struct Pass {
    /// Rows have been asked for up to here; all of them have, when the bodies begin.
    rows: Option<ObjectId>,
    at_bodies: bool,
    bodies: Option<BodyRef>,
    no_copy: u64,
    /// Something came.
    brought: bool,
}

impl Pass {
    /// What the partner has of lost bodies has come. Returns how many are whole again.
    fn found(
        &mut self,
        tx: &mut Tx<'_>,
        asked: &[(BodyRef, u32)],
        found: &AvailableBodies,
    ) -> Result<u64, LedgerError> {
        let here = |body: &BodyRef| asked.iter().find(|(lost, _)| lost == body);
        let piece = found.piece.as_ref().and_then(|(body, _)| here(body));
        if let Some((body, before)) = piece {
            let whole = tx.ledger.has_body(body)?;
            if !whole && tx.ledger.body_part(body)? > *before {
                self.brought = true; // the next piece is asked for
            } else {
                self.bodies = Some(*body);
            }
            return Ok(u64::from(whole));
        }
        // An answer about nothing that was asked for ends with the question, or it would be asked for ever.
        let told = found.whole.iter().chain(&found.lacking);
        let told = told.filter(|body| here(body).is_some()).max();
        self.bodies = told.or(asked.last().map(|(body, _)| body)).copied();
        let lacking = found.lacking.iter().filter(|body| here(body).is_some());
        self.no_copy += lacking.count() as u64;
        let mut back = 0;
        for body in found.whole.iter().filter(|body| here(body).is_some()) {
            back += u64::from(tx.ledger.has_body(body)?);
        }
        Ok(back)
    }
}

impl Repair {
    pub(crate) fn new() -> Self {
        Self {
            pass: None,
            open: None,
            next_at: Mono(0),
            pause_ms: REPAIR_PAUSE_MS_FIRST,
            left: Damage::default(),
            no_copy: None,
            events: Vec::new(),
        }
    }

    /// The next question, if one is due.
    pub(crate) fn next(&mut self, tx: &mut Tx<'_>) -> Result<Option<Request>, LedgerError> {
        let now = tx.now.mono;
        let damage = tx.ledger.damage()?;
        if damage.is_none() {
            (self.pass, self.open, self.no_copy) = (None, None, Some(0));
            self.left = damage;
            return Ok(None);
        }
        let waits = |open: &RepairRequest| now.since(open.at) < REPAIR_PATIENCE_MS;
        if may_not_ask(tx) || self.open.as_ref().is_some_and(waits) {
            return Ok(None);
        }
        if self.pass.is_none() && !self.is_due(now, damage) {
            return Ok(None);
        }
        let pass = self.pass.get_or_insert_default();
        let Some(question) = question(tx, pass)? else {
            self.end_pass(now, damage);
            return Ok(None);
        };
        self.open = Some(RepairRequest {
            no: 0,
            at: now,
            question: question.clone(),
        });
        Ok(Some(Request::of_no_task(question)))
    }

    /// Whether a pass begins: its time has come, or more is damaged than the last one left.
    fn is_due(&mut self, now: Mono, damage: Damage) -> bool {
        if damage.bodies > self.left.bodies || damage.rows > self.left.rows {
            (self.next_at, self.pause_ms) = (now, REPAIR_PAUSE_MS_FIRST);
        }
        // What is mended meanwhile makes room for what is found later.
        self.left.bodies = self.left.bodies.min(damage.bodies);
        self.left.rows = self.left.rows.min(damage.rows);
        now >= self.next_at
    }

    /// Everything has been asked for once.
    fn end_pass(&mut self, now: Mono, damage: Damage) {
        self.open = None;
        let pass = self.pass.take().unwrap_or_default();
        if pass.brought {
            self.pause_ms = REPAIR_PAUSE_MS_FIRST;
        }
        self.next_at = now.plus(self.pause_ms);
        self.pause_ms = (self.pause_ms * 2).min(REPAIR_PAUSE_MS_MAX);
        if (damage.lost_rows, pass.no_copy) != (self.left.lost_rows, self.no_copy.unwrap_or(0)) {
            self.events
                .push(Event::NoCopyLeft(pass.no_copy, damage.lost_rows));
        }
        self.no_copy = Some(pass.no_copy);
        self.left = damage;
    }

    /// The question was written under this number.
    pub(crate) fn asked(&mut self, no: u64) {
        if let Some(open) = &mut self.open {
            open.no = no;
        }
    }

    /// What was under way may be lost: the link is back.
    pub(crate) fn begin_anew(&mut self) {
        self.open = None;
    }

    /// When there is something to ask, if something is damaged.
    pub(crate) fn retry_at(&self) -> Mono {
        match (&self.open, &self.pass) {
            (Some(open), _) => open.at.plus(REPAIR_PATIENCE_MS),
            (None, Some(_)) => Mono(0),
            (None, None) => self.next_at,
        }
    }

    /// Whether an answer is to this question.
    pub(crate) fn waits_for(&self, answer: &Response) -> bool {
        let to = |open: &RepairRequest| open.no == answer.to && open.no != 0;
        answer.task == TaskId(0) && self.open.as_ref().is_some_and(to)
    }

    /// The answer has come.
    pub(crate) fn answered(
        &mut self,
        tx: &mut Tx<'_>,
        answer: &Response,
    ) -> Result<(), LedgerError> {
        let (Some(open), Some(pass)) = (self.open.take(), &mut self.pass) else {
            return Ok(());
        };
        let (mut bodies, mut rows) = (0, 0);
        match (&open.question, &answer.reply) {
            (RequestBody::Lost(asked), ResponseBody::Found(found)) => {
                bodies = pass.found(tx, asked, found)?
            }
            (RequestBody::Unreadable(asked), ResponseBody::Rows(items, unknown)) => {
                let told = items.iter().map(|item| &item.id).chain(unknown);
                pass.rows = told.max().or(asked.last()).copied();
                for item in items.iter().filter(|item| asked.contains(&item.id)) {
                    match take_back(tx, item)? {
                        Applied::Done => rows += 1,
                        Applied::Refused(why) => {
                            let class = class_of(item.object.as_ref());
                            self.events.push(Event::Refused(item.id, why, class));
                        }
                    }
                }
                for id in unknown.iter().filter(|id| asked.contains(id)) {
                    nobody_knows(tx, id)?;
                }
            }
            // The partner went back in time, or does not know such questions.
            _ => self.pass = None,
        }
        match &mut self.pass {
            Some(pass) => pass.brought |= bodies + rows > 0,
            None => self.next_at = tx.now.mono.plus(self.pause_ms),
        }
        if bodies + rows > 0 {
            self.events.push(Event::Repaired(bodies, rows));
        }
        Ok(())
    }
}

/// Whether this is no time for repairs.
fn may_not_ask(tx: &Tx<'_>) -> bool {
    tx.state.partner_rolled_back || tx.state.rolled_back
}

/// What a pass asks next.
fn question(tx: &mut Tx<'_>, pass: &mut Pass) -> Result<Option<RequestBody>, LedgerError> {
    if !pass.at_bodies {
        let most = tx.config.limits.repair_rows;
        let rows = tx.ledger.unreadable_after(pass.rows.as_ref(), most)?;
        if !rows.is_empty() {
            let ids = rows.into_iter().map(|(id, _)| id);
            return Ok(Some(RequestBody::Unreadable(ids.collect())));
        }
        pass.at_bodies = true;
    }
    if tx.state.staging {
        return Ok(None);
    }
    let most = tx.config.limits.repair_bodies;
    let mut lost = Vec::new();
    for body in tx.ledger.missing_after(pass.bodies.as_ref(), most)? {
        lost.push((body, tx.ledger.body_part(&body)?));
    }
    Ok((!lost.is_empty()).then_some(RequestBody::Lost(lost)))
}

/// What the partner holds of an unreadable object, or that it was deleted there.
fn take_back(tx: &mut Tx<'_>, item: &Item) -> Result<Applied, LedgerError> {
    if tx.ledger.unreadable(&item.id)?.is_none() {
        return Ok(Applied::Done); // it has come by itself meanwhile
    }
    apply(tx, item)
}

/// The partner does not know an unreadable object either. What belonged to a user that is gone is of use to nobody.
fn nobody_knows(tx: &mut Tx<'_>, id: &ObjectId) -> Result<(), LedgerError> {
    let Some(row) = tx.ledger.unreadable(id)? else {
        return Ok(());
    };
    if let Some(owner) = &row.owner
        && !tx.is_here(owner)?
    {
        tx.erase(id)?;
        return tx.ledger.clear_mark(id);
    }
    tx.ledger.set_lost(id, true)
}

/// Answers which of these bodies go along: of about `most` bytes as many as fit, or a piece of one that is longer; and which are lacking
/// here, too. In the order of the question.
pub(crate) fn found(
    tx: &mut Tx<'_>,
    asked: &[(BodyRef, u32)],
    most: u64,
) -> Result<ResponseBody, LedgerError> {
    let (mut whole, mut lacking, mut bytes) = (Vec::new(), Vec::new(), 0);
    let mut piece = None;
    for (body, have) in asked {
        let len = u64::from(body.len);
        if !tx.ledger.has_body(body)? {
            lacking.push(*body);
        } else if whole.is_empty() && lacking.is_empty() && len > most {
            piece = Some((*body, Piece::of(body, *have, most)));
            break;
        } else if bytes + len > most && !whole.is_empty() || len > most {
            break;
        } else {
            bytes += len;
            whole.push(*body);
        }
    }
    Ok(ResponseBody::Found(AvailableBodies {
        whole,
        piece,
        lacking,
    }))
}

/// Answers what these objects are: alive, or deleted; and which are not known here, or unreadable, too. In the order of the question.
pub(crate) fn rows(tx: &mut Tx<'_>, asked: &[ObjectId]) -> Result<ResponseBody, LedgerError> {
    let (mut items, mut unknown, mut bytes) = (Vec::new(), Vec::new(), 0);
    for id in asked {
        if bytes >= tx.config.limits.batch_bytes {
            break;
        }
        let object = tx.ledger.object(id)?;
        let deleted = match &object {
            Some(object) => tx.was_deleted(id, object)?,
            None => tx.ledger.deletion_record(id)?.is_some(),
        };
        if object.is_none() && !deleted {
            unknown.push(*id);
            continue;
        }
        tx.is_heard_of(id)?;
        let item = Item {
            id: *id,
            object: object.filter(|_| !deleted),
            with_body: false,
            piece: None,
            // Even a user of the asker's own is taken back (E25).
            recovery: true,
        };
        bytes += item.weight();
        items.push(item);
    }
    Ok(ResponseBody::Rows(items, unknown))
}

/// Whether there are unreadable objects here that the partner may know: then no list of this server is whole yet.
pub(crate) fn has_gaps(tx: &mut Tx<'_>) -> Result<bool, LedgerError> {
    let damage = tx.ledger.damage()?;
    Ok(damage.rows > damage.lost_rows)
}

/// Removes the unreadable objects of a user that is gone.
pub(crate) fn remove_unreadable_of(tx: &mut Tx<'_>, owner: &ObjectId) -> Result<(), LedgerError> {
    let mut after = None;
    loop {
        let page = tx
            .ledger
            .unreadable_after(after.as_ref(), tx.config.limits.scan)?;
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        after = Some(*last);
        for (id, row) in page {
            if row.owner.as_ref() == Some(owner) && row.kind != Kind::USER {
                tx.erase(&id)?;
                tx.ledger.clear_mark(&id)?;
            }
        }
    }
}
