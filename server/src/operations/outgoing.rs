//! What was accepted for other systems: who delivers it, when it is tried, what has become of it, and who is told.
//!
//! An outgoing message is written in the transaction of its submission and is on both servers. One of them is its *carrier*: the one that took it. While that
//! one is out, its partner makes itself the carrier, in a transaction, before it sends anything; so a server that comes back finds out who delivers before it
//! does. What has come of an attempt is written down before the next one. All attempts are of one message, under one Message-ID: a server that dies between the other
//! system's `250` and its own commit sends it once more, and whoever gets it twice can tell.

mod parcel;
mod queue;
mod report;

pub use parcel::{NoParcel, Parcel, take};
pub use queue::{Queued, cancel, hold, list, release, retry};

use super::OpError;
use super::deposit::DepositRefusal;
use crate::config::OutgoingMail;
use crate::server::{Abort, Server, Wait, WriteError, WriteTx, WriterError};
use domain::{
    BodyRef, Change, DeliveryState, Key, Kind, Message, NewOutgoing, Object, ObjectId,
    OutgoingMessage, ServerId, Timestamp, Value, outgoing_fields,
};
use ledger::{Ledger, LedgerError};
use report::{NoReport, Report, ReportKind};
use std::convert::Infallible;
use store::{StoreError, View};

/// Rows that are read at once.
const PAGE: usize = 500;
/// Messages that are taken over in one transaction.
const TAKEN_OVER_MAX: usize = 200;

/// What has come of an attempt for one recipient. The texts say it for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other system has taken it.
    Delivered(String),
    /// It never will.
    Failed(String),
    /// Not at present.
    PutOff(String),
}

/// How this server stands to what is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// It has heard from its partner what became of its own messages while it was away, or there is nobody to hear it from.
    pub settled: bool,
    /// When this process began. What was accepted since nobody else can have delivered.
    pub started_at: Timestamp,
    /// The partner is out: its messages are delivered from here.
    pub partner_is_out: bool,
}

/// What is to be done, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueView {
    /// To be tried now: messages with the recipients that are due.
    pub due: Vec<(ObjectId, Vec<(u64, String)>)>,
    /// When the next one is due that is not yet.
    pub next: Option<Timestamp>,
    /// Of the partner, which is out.
    pub to_take_over: Vec<ObjectId>,
    /// All of whose recipients have ended long enough ago.
    pub over: Vec<ObjectId>,
    /// Recipients that wait, of all messages that are here.
    pub waiting: u64,
    /// Messages that an administrator holds back.
    pub held: u64,
}

/// Puts a message on its way, in the open transaction. `body` is that of the message in Sent.
///
/// # Errors
/// [`OpError::Forbidden`] and [`OpError::Invalid`] inside of it, where as much is on its way as may be.
pub(super) fn put_in(
    scope: &mut WriteTx<'_, '_>,
    sender: ObjectId,
    new: &NewOutgoing,
    body: BodyRef,
    limits: &OutgoingMail,
) -> Result<(), Abort<OpError>> {
    let view = scope.tx().view();
    let own = view
        .belongings(&sender, Kind::OUTGOING)
        .map_err(LedgerError::from)?;
    let on_its_way = |object: &Object| {
        OutgoingMessage::of(object).is_some_and(|outgoing| outgoing.ended_at().is_none())
    };
    let own = own.iter().filter(|(_, object)| on_its_way(object)).count() as u64;
    if own >= limits.messages_per_user_max {
        return Err(Abort::Refused(OpError::Forbidden(format!(
            "{own} messages to other systems are on their way, which is the most for one mailbox. Send it when some of them have arrived."
        ))));
    }
    let all = scope
        .tx()
        .view()
        .outgoing_count()
        .map_err(LedgerError::from)?;
    if all >= limits.messages_max {
        let why = "So much is on its way to other systems that nothing more is taken for them. Try again later, and tell your administrator.";
        return Err(Abort::Refused(OpError::Forbidden(why.into())));
    }
    scope.change(&Change::Create {
        id: OutgoingMessage::id(&new.message),
        kind: Kind::OUTGOING,
        owner: Some(sender),
        body: Some(body),
        registers: new.registers(),
    })?;
    Ok(())
}

/// Looks through all that is on its way.
///
/// # Errors
/// What the store cannot do.
pub async fn look(server: &Server, standing: Standing) -> Result<QueueView, WriterError> {
    let (now, home) = (server.now(), server.home());
    let keep_ms = ms(server.config().smtp.outgoing.keep_ended_s);
    let rules = Rules {
        standing,
        now,
        home,
        keep_ms,
    };
    let read = server.read(move |readers| {
        readers.snapshot(|view| {
            let mut queue = QueueView::default();
            each(view, |id, outgoing| rules.sort(&mut queue, id, outgoing))?;
            Ok(queue)
        })
    });
    read.await
}

/// Goes over all outgoing messages, page by page.
fn each(
    view: &View<'_>,
    mut with: impl FnMut(ObjectId, &OutgoingMessage<'_>),
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = view.outgoing(after.as_ref(), PAGE)?;
        for (id, object) in &page {
            if let Some(outgoing) = OutgoingMessage::of(object) {
                with(*id, &outgoing);
            }
        }
        match page.last() {
            Some((id, _)) if page.len() >= PAGE => after = Some(*id),
            _ => return Ok(()),
        }
    }
}

struct Rules {
    standing: Standing,
    now: Timestamp,
    home: ServerId,
    keep_ms: i64,
}

impl Rules {
    fn sort(&self, queue: &mut QueueView, id: ObjectId, outgoing: &OutgoingMessage<'_>) {
        let Some(new) = outgoing.new_outgoing() else {
            return; // of a later level
        };
        let is_mine = new.carrier == self.home;
        if let Some(ended) = outgoing.ended_at() {
            let until = Timestamp(ended.0.saturating_add(self.keep_ms));
            match is_mine && until <= self.now {
                true => queue.over.push(id),
                false if is_mine => queue.wake_at(until),
                false => {}
            }
            return;
        }
        let waiting: Vec<_> = outgoing
            .recipients()
            .into_iter()
            .filter_map(|its| match its.state {
                DeliveryState::Waiting { next, .. } => Some((its.n, its.address, next)),
                _ => None,
            })
            .collect();
        queue.waiting += waiting.len() as u64;
        if outgoing.is_held() {
            queue.held += 1;
            return;
        }
        if !is_mine {
            if self.standing.partner_is_out {
                queue.to_take_over.push(id);
            }
            return;
        }
        if !self.standing.settled && new.accepted_at < self.standing.started_at {
            return;
        }
        let (due, later): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|(.., next)| *next <= self.now);
        later.iter().for_each(|(.., next)| queue.wake_at(*next));
        if !due.is_empty() {
            let due = due.into_iter().map(|(n, address, _)| (n, address));
            queue.due.push((id, due.collect()));
        }
    }
}

impl QueueView {
    fn wake_at(&mut self, at: Timestamp) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }
}

/// What became of a sent message for its recipients on other systems, in their order: addresses and states. Empty if it has none there.
///
/// # Errors
/// What the store cannot do.
pub async fn became_of(
    server: &Server,
    message: ObjectId,
) -> Result<Vec<(String, DeliveryState)>, WriterError> {
    let read = server.read(move |readers| {
        readers.snapshot(|view| {
            if let Some(object) = view.object(&OutgoingMessage::id(&message))?
                && let Some(outgoing) = OutgoingMessage::of(&object)
            {
                let recipients = outgoing.recipients().into_iter();
                return Ok(recipients.map(|its| (its.address, its.state)).collect());
            }
            let object = view.object(&message)?;
            let ended = object.as_ref().and_then(Message::of).map(|its| {
                let ended = its.deliveries().into_iter();
                ended
                    .map(|(address, state)| (address.to_owned(), state))
                    .collect()
            });
            Ok(ended.unwrap_or_default())
        })
    });
    read.await
}

/// Makes this server the carrier of what its partner had taken. Returns of how many messages.
///
/// # Errors
/// What the writer cannot do.
pub async fn take_over(server: &Server, ids: &[ObjectId]) -> Result<usize, WriterError> {
    let home = server.home();
    let mut taken = 0;
    for some in ids.chunks(TAKEN_OVER_MAX) {
        let some = some.to_vec();
        let written = server.write_anyway(Wait::Partner, move |scope| {
            let mut taken = 0;
            for id in some {
                let object = scope.tx().object(&id)?;
                let waits = object.as_ref().and_then(OutgoingMessage::of);
                if waits.is_some_and(|outgoing| outgoing.ended_at().is_none()) {
                    let registers = vec![(Key::field(outgoing_fields::CARRIER), home.into())];
                    scope.change(&Change::Set { id, registers })?;
                    taken += 1;
                }
            }
            Ok::<usize, Abort<Infallible>>(taken)
        });
        taken += done(written.await)?;
    }
    Ok(taken)
}

/// Removes messages that are over. What became of them stands with the message in Sent.
///
/// # Errors
/// What the writer cannot do.
pub async fn forget(server: &Server, ids: Vec<ObjectId>) -> Result<(), WriterError> {
    let written = server.write_upkeep(move |scope| {
        for id in ids.into_iter().take(TAKEN_OVER_MAX) {
            let object = scope.tx().object(&id)?;
            let over = object.as_ref().and_then(OutgoingMessage::of);
            if over.is_some_and(|outgoing| outgoing.ended_at().is_some()) {
                scope.change(&Change::Delete { id })?;
            }
        }
        Ok::<(), Abort<Infallible>>(())
    });
    done(written.await)
}

/// Writes down what has come of an attempt: for each recipient that still waits, here and with the message in Sent. Of what failed for good, and of what takes long, its
/// sender is told by a report in the inbox, in the same transaction.
///
/// # Errors
/// What the writer cannot do. The attempt must not be repeated before it is written down.
pub async fn record(
    server: &Server,
    id: ObjectId,
    outcomes: &[(u64, Outcome)],
) -> Result<(), WriterError> {
    let read = server.read(move |readers| readers.snapshot(|view| view.object(&id)));
    let Some(object) = read.await? else {
        return Ok(()); // its sender was deleted, or an administrator has taken it out
    };
    let Some(news) = News::of(server, &object, outcomes) else {
        return Ok(());
    };
    let mut reports = Vec::new();
    for kind in news.reports() {
        match Report::new(server, id, &object, &news, kind).await {
            Ok(report) => reports.push(report),
            // Nothing is written down before its sender can be told.
            Err(NoReport::Server(error)) => return Err(error),
            Err(NoReport::Refused(DepositRefusal::Crowded)) => return Err(WriterError::Busy),
            Err(error) => {
                tracing::error!(%id, %error, "the sender of a message to another system cannot be told what became of it");
            }
        }
    }
    news.count();
    let sender = object.owner;
    let written = server.write_anyway(Wait::Partner, move |scope| {
        news.write(scope, id, sender, &reports)?;
        Ok::<(), Abort<Infallible>>(())
    });
    done(written.await)
}

/// What is new of a message.
struct News {
    message: NewOutgoing,
    /// What becomes of its recipients: place, address and state.
    states: Vec<(u64, String, DeliveryState)>,
    /// Its sender hears that it takes long.
    delayed: bool,
    /// Until when it is tried.
    until: Timestamp,
    now: Timestamp,
}

impl News {
    fn of(server: &Server, object: &Object, outcomes: &[(u64, Outcome)]) -> Option<Self> {
        let outgoing = OutgoingMessage::of(object)?;
        let message = outgoing.new_outgoing()?;
        let (now, limits) = (server.now(), &server.config().smtp.outgoing);
        let age = |s: u64| Timestamp(message.accepted_at.0.saturating_add(ms(s)));
        let until = age(limits.give_up_s);
        let states = outgoing.recipients().into_iter().filter_map(|its| {
            let (attempts, was_delivered) = match its.state {
                DeliveryState::Waiting { attempts, .. } => (attempts, false),
                DeliveryState::Failed { .. } => (0, false),
                DeliveryState::Delivered { .. } => (0, true),
            };
            let has_ended = !matches!(its.state, DeliveryState::Waiting { .. });
            let (_, outcome) = outcomes.iter().find(|(n, _)| *n == its.n)?;
            let state = match outcome {
                _ if was_delivered => return None,
                // Also what was given up meanwhile has arrived.
                Outcome::Delivered(said) => DeliveryState::Delivered {
                    at: now,
                    said: said.clone(),
                },
                _ if has_ended => return None,
                Outcome::Failed(said) => DeliveryState::Failed {
                    at: now,
                    said: said.clone(),
                },
                Outcome::PutOff(said) if now >= until => DeliveryState::Failed {
                    at: now,
                    said: format!("It was tried until the time was over. At last {said}"),
                },
                Outcome::PutOff(said) => DeliveryState::Waiting {
                    attempts: attempts.saturating_add(1),
                    next: next_attempt(limits, attempts, now).min(until),
                    said: said.clone(),
                },
            };
            Some((its.n, its.address, state))
        });
        let states: Vec<_> = states.collect();
        let waits = |(.., state): &(u64, String, DeliveryState)| {
            matches!(state, DeliveryState::Waiting { .. })
        };
        let late = limits.delay_notice_s > 0 && now >= age(limits.delay_notice_s);
        let delayed = late && !outgoing.delay_is_told() && states.iter().any(waits);
        (!states.is_empty()).then_some(Self {
            message,
            states,
            delayed,
            until,
            now,
        })
    }

    /// What its sender is told.
    fn reports(&self) -> Vec<ReportKind> {
        let failed = |(.., state): &(u64, String, DeliveryState)| {
            matches!(state, DeliveryState::Failed { .. })
        };
        let failed = self.states.iter().any(failed);
        let failed = failed.then_some(ReportKind::Failed);
        failed
            .into_iter()
            .chain(self.delayed.then_some(ReportKind::Delayed))
            .collect()
    }

    fn count(&self) {
        for (.., state) in &self.states {
            let outcome = match state {
                DeliveryState::Delivered { .. } => "delivered",
                DeliveryState::Failed { .. } => "failed",
                DeliveryState::Waiting { .. } => "put_off",
            };
            metrics::counter!("callpilot_outgoing_attempts_total", "outcome" => outcome)
                .increment(1);
        }
    }

    fn write(
        &self,
        scope: &mut WriteTx<'_, '_>,
        id: ObjectId,
        sender: Option<ObjectId>,
        reports: &[Report],
    ) -> Result<(), LedgerError> {
        if scope.tx().object(&id)?.is_none() {
            return Ok(());
        }
        let states = self.states.iter();
        let mut registers: Vec<_> = states.map(|(n, _, state)| state.register(*n)).collect();
        if self.delayed {
            let told = Key::field(outgoing_fields::DELAY_TOLD);
            registers.push((told, Value::Int(self.now.0)));
        }
        scope.change(&Change::Set { id, registers })?;
        let message = self.message.message;
        if scope.tx().object(&message)?.is_some() {
            let states = self.states.iter();
            let ended =
                states.filter_map(|(n, address, state)| Message::became_of(*n, address, state));
            let registers: Vec<_> = ended.collect();
            if !registers.is_empty() {
                scope.change(&Change::Set {
                    id: message,
                    registers,
                })?;
            }
        }
        match sender {
            // No notice to whom is not there any more.
            Some(sender) if scope.tx().object(&sender)?.is_some() => reports
                .iter()
                .try_for_each(|report| report.file(scope, sender)),
            _ => Ok(()),
        }
    }
}

/// When a message is tried again that has been tried so often before: later each time.
fn next_attempt(limits: &OutgoingMail, attempts: u32, now: Timestamp) -> Timestamp {
    let doubled = 2u64.saturating_pow(attempts.min(32));
    let wait = limits.retry_first_ms.saturating_mul(doubled);
    let wait = wait.min(limits.retry_max_ms);
    Timestamp(
        now.0
            .saturating_add(i64::try_from(wait).unwrap_or(i64::MAX)),
    )
}

fn ms(s: u64) -> i64 {
    i64::try_from(s).unwrap_or(i64::MAX).saturating_mul(1_000)
}

fn done<T>(
    written: Result<crate::server::Written<T>, WriteError<Infallible>>,
) -> Result<T, WriterError> {
    match written {
        Ok(written) => Ok(written.value),
        Err(WriteError::Failed(error)) => Err(error),
        Err(WriteError::Refused(never)) => match never {},
    }
}

#[cfg(test)]
mod tests;
