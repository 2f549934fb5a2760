//! What is tried when: looks through what is on its way whenever something changes, and gives what is due to workers, one for each server that mail goes to.
//!
//! A server that cannot be reached holds up its own mail alone, and one connection carries all that is due there.

use super::hop::Hop;
use super::mail_exchangers::{MailExchangers, NoServer};
use super::routes::Route;
use super::transaction::{Caller, Mail, Session};
use crate::change_event::ChangeEvent;
use crate::operations::outgoing::{self, NoParcel, Outcome, QueueView, Standing};
use crate::server::{PairView, Server, WriterError};
use domain::{Kind, ObjectId, Timestamp};
use gr_proto::PartnerState;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::lookup_host;
use tokio::sync::Semaphore;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;
use writer::RateLimitedLog;

/// It is looked at this often at least: clocks are set, and what was said of the pair may have been missed.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// After a look it is not looked at again for longer than this, if it took long.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// After a failure of the store it is looked at again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Messages that one worker takes on.
const BATCH_MAX: usize = 100;
/// Recipients of one transaction (RFC 5321 section 4.5.3.1.8).
const RECIPIENTS_MAX: usize = 100;
/// Octets of mails that are being sent at once, if none is longer.
const SENDING_BYTES_MAX: usize = 64 << 20;
/// What could not be written down is tried again after so long, and after twice as long each further time.
const RECORD_AGAIN: Duration = Duration::from_secs(1);
const RECORD_AGAIN_MAX: Duration = Duration::from_secs(60);

/// That a server cannot be reached is logged so often at most.
static UNREACHABLE: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));
/// The same for messages that are given up.
static GIVEN_UP: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// Recipients of a message: their places among all of them, and their addresses.
type Recipients = Vec<(u64, String)>;

/// What is due at one place: messages with recipients.
type Batch = Vec<(ObjectId, Recipients)>;

/// Where mail goes, as far as one connection serves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// A server that is named, with how it is reached.
    Server(String),
    /// Those of a domain.
    Domain(String),
    /// Nowhere: the way there was taken away since it was accepted.
    Nowhere(String),
}

/// Delivers until `stop`.
pub async fn run(server: Server, stop: CancellationToken) {
    let courier = Courier::new(server);
    let mut notices = courier.server.notices();
    let mut pair = courier.server.pair();
    let mut standing = Standing {
        settled: false,
        started_at: courier.server.now(),
        partner_is_out: false,
    };
    let mut workers = Workers::default();
    loop {
        let may_send = stand(&mut standing, &pair.borrow_and_update());
        let began = Instant::now();
        let looked = courier.look(standing).await;
        // A long queue is looked at less often, so that this takes a quarter of the time at most.
        let pause = (3 * began.elapsed()).min(PAUSE_MAX);
        let wait = match looked {
            Ok(queue) if may_send => {
                let now = courier.server.now();
                let wait = queue.next.map_or(LOOK_EVERY, |next| until(next, now));
                courier.begin(queue, &mut workers, &stop);
                wait
            }
            Ok(_) => LOOK_EVERY,
            Err(error) => {
                tracing::error!(%error, "what is on its way to other systems cannot be looked at");
                LOOK_AGAIN
            }
        };
        let something = async {
            tokio::time::sleep(pause).await;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = workers.ended() => {}
                () = changed(&mut notices) => {}
                _ = pair.changed() => {}
            }
        };
        if stop.run_until_cancelled(something).await.is_none() {
            break;
        }
    }
    // What is being sent is written down first, if that does not take long: it would be sent again otherwise.
    let patience = Duration::from_secs(courier.server.config().smtp.stop_timeout_s);
    let rest = async { while workers.any_ended().await {} };
    if tokio::time::timeout(patience, rest).await.is_err() {
        tracing::info!(
            "another system has not answered in time for the stop: it may get a message twice"
        );
    }
}

/// Who delivers at present, and where.
#[derive(Default)]
struct Workers {
    tasks: JoinSet<()>,
    places: HashMap<task::Id, Place>,
}

impl Workers {
    fn is_at(&self, place: &Place) -> bool {
        self.places.values().any(|busy| busy == place)
    }

    fn begin(&mut self, place: Place, work: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(work).id();
        self.places.insert(id, place);
    }

    /// Waits until one of them has ended; without end if there is none.
    async fn ended(&mut self) {
        if !self.any_ended().await {
            std::future::pending().await
        }
    }

    /// Waits until one of them has ended; false if there is none.
    async fn any_ended(&mut self) -> bool {
        let id = match self.tasks.join_next_with_id().await {
            None => return false,
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => {
                tracing::error!(%error, "delivering to another system broke by a fault");
                error.id()
            }
        };
        self.places.remove(&id);
        true
    }
}

/// How this server stands at present, and whether it sends anything.
fn stand(standing: &mut Standing, pair: &PairView) -> bool {
    let state = pair.status.state;
    let alone = pair.partner.is_none();
    standing.partner_is_out = !alone && state == PartnerState::Down;
    standing.settled |=
        alone || standing.partner_is_out || pair.caught_up && state == PartnerState::Running;
    pair.in_service
}

fn until(next: Timestamp, now: Timestamp) -> Duration {
    let ms = u64::try_from(next.0.saturating_sub(now.0)).unwrap_or(0);
    Duration::from_millis(ms).min(LOOK_EVERY)
}

/// Waits until something of what is on its way has changed.
async fn changed(notices: &mut tokio::sync::broadcast::Receiver<ChangeEvent>) {
    loop {
        match notices.recv().await {
            Ok(
                ChangeEvent::Object {
                    kind: Kind::OUTGOING,
                    ..
                }
                | ChangeEvent::Gone {
                    kind: Kind::OUTGOING,
                    ..
                }
                | ChangeEvent::Rebuilt,
            )
            | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            // The server ends.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// What all workers share.
#[derive(Clone)]
struct Courier {
    server: Server,
    sending: Arc<Semaphore>,
    exchangers: Arc<Result<MailExchangers, String>>,
}

impl Courier {
    fn new(server: Server) -> Self {
        let longest = 2 * server.config().smtp.message_size_max;
        let outgoing = &server.config().smtp.outgoing;
        let exchangers = MailExchangers::new(&outgoing.name_servers);
        if let Err(why) = &exchangers
            && outgoing.by_name
            && outgoing.relay.is_none()
        {
            tracing::warn!(
                why,
                "mail to domains that smtp.outgoing.routes_file does not name cannot be delivered: name a relay or name servers"
            );
        }
        Self {
            sending: Arc::new(Semaphore::new(SENDING_BYTES_MAX.max(longest) >> 10)),
            exchangers: Arc::new(exchangers),
            server,
        }
    }

    /// Looks through the queue, takes over what the partner cannot deliver, and forgets what is over.
    async fn look(&self, standing: Standing) -> Result<QueueView, WriterError> {
        let mut queue = outgoing::look(&self.server, standing).await?;
        metrics::gauge!("callpilot_outgoing_waiting").set(queue.waiting as f64);
        metrics::gauge!("callpilot_outgoing_held").set(queue.held as f64);
        if !queue.to_take_over.is_empty() {
            let messages = outgoing::take_over(&self.server, &queue.to_take_over).await?;
            tracing::info!(
                messages,
                "the GR partner is out: what it had taken for other systems is delivered from here"
            );
            queue = outgoing::look(&self.server, standing).await?;
        }
        if !queue.over.is_empty() {
            outgoing::forget(&self.server, std::mem::take(&mut queue.over)).await?;
        }
        Ok(queue)
    }

    /// Begins workers for what is due, as far as there are connections for them.
    fn begin(&self, queue: QueueView, workers: &mut Workers, stop: &CancellationToken) {
        let mut places: BTreeMap<Place, (Option<Route>, Batch)> = BTreeMap::new();
        for (id, recipients) in queue.due {
            let mut of_message: BTreeMap<Place, (Option<Route>, Recipients)> = BTreeMap::new();
            for (n, address) in recipients {
                let (place, route) = self.place(&address);
                let (_, at) = of_message.entry(place).or_insert((route, Vec::new()));
                at.push((n, address));
            }
            for (place, (route, recipients)) in of_message {
                let (_, batch) = places.entry(place).or_insert((route, Batch::new()));
                let some = recipients.chunks(RECIPIENTS_MAX);
                batch.extend(some.map(|some| (id, some.to_vec())));
            }
        }
        let most = self.server.config().smtp.outgoing.connections_max;
        for (place, (route, mut batch)) in places {
            if workers.places.len() >= most || workers.is_at(&place) {
                continue;
            }
            batch.truncate(BATCH_MAX);
            let (courier, stop, at) = (self.clone(), stop.clone(), place.clone());
            workers.begin(place, async move {
                courier.deliver(&at, route, batch, &stop).await;
            });
        }
    }

    fn place(&self, address: &str) -> (Place, Option<Route>) {
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        let route = self.server.routes().to(domain);
        let place = match &route {
            Some(Route::Hop(hop)) => Place::Server(hop.to_string()),
            Some(Route::ByName(domain)) => Place::Domain(domain.clone()),
            None => Place::Nowhere(domain.to_ascii_lowercase()),
        };
        (place, route)
    }

    /// Delivers what is due at one place, one mail after the other on one connection.
    async fn deliver(
        &self,
        place: &Place,
        route: Option<Route>,
        batch: Batch,
        stop: &CancellationToken,
    ) {
        // A stop does not wait for a connection.
        let opening = stop.run_until_cancelled(self.open(route));
        let Some(opened) = opening.await else {
            return;
        };
        let mut session = match opened {
            Ok(session) => session,
            Err(outcome) => {
                self.say_unreachable(place, &outcome, batch.len());
                for (id, recipients) in batch {
                    let all = recipients.into_iter().map(|(n, _)| (n, outcome.clone()));
                    self.record(id, all.collect(), stop).await;
                }
                return;
            }
        };
        for (id, recipients) in batch {
            if stop.is_cancelled() || !session.is_alive() {
                // What is left is due still, and goes by another connection.
                break;
            }
            let outcomes = self.send(&mut session, id, recipients).await;
            self.record(id, outcomes, stop).await;
        }
        session.close().await;
    }

    fn say_unreachable(&self, place: &Place, outcome: &Outcome, messages: usize) {
        let (Outcome::PutOff(why) | Outcome::Failed(why) | Outcome::Delivered(why)) = outcome;
        if let Some(times) = UNREACHABLE.now() {
            tracing::warn!(
                ?place,
                why,
                messages,
                times,
                "another system cannot be reached; what waits for it is in `callpilot queue list`"
            );
        }
    }

    /// Sends one mail.
    async fn send(
        &self,
        session: &mut Session,
        id: ObjectId,
        recipients: Recipients,
    ) -> Vec<(u64, Outcome)> {
        let all: Vec<u64> = recipients.iter().map(|(n, _)| *n).collect();
        let parcel = match outgoing::take(&self.server, id, recipients).await {
            Ok(parcel) => parcel,
            Err(NoParcel::NotWanted) => return Vec::new(),
            Err(NoParcel::NotNow(why)) => {
                tracing::warn!(%id, why, "a message to another system cannot be sent at present");
                let put_off = |n| (n, Outcome::PutOff(why.clone()));
                return all.into_iter().map(put_off).collect();
            }
        };
        let share = u32::try_from(parcel.content.len() >> 10).unwrap_or(u32::MAX);
        let share = self.sending.acquire_many(share.max(1)).await;
        let mail = Mail {
            from: &parcel.from,
            recipients: &parcel.recipients,
            content: &parcel.content,
        };
        let outcomes = session.send(&mail).await;
        drop(share);
        outcomes
    }

    /// Writes down what has come of an attempt, however often that has to be tried: until it is, nothing goes to this place.
    async fn record(&self, id: ObjectId, outcomes: Vec<(u64, Outcome)>, stop: &CancellationToken) {
        if outcomes.is_empty() {
            return;
        }
        say(id, &outcomes);
        let mut wait = RECORD_AGAIN;
        while let Err(error) = outgoing::record(&self.server, id, &outcomes).await {
            tracing::error!(%id, %error, "what came of sending a message to another system cannot be written down; it is tried again");
            let waiting = stop.run_until_cancelled(tokio::time::sleep(wait));
            if waiting.await.is_none() {
                return;
            }
            wait = (wait * 2).min(RECORD_AGAIN_MAX);
        }
    }

    /// Opens a connection to the server that takes the mail, or to the first of several that can be reached.
    async fn open(&self, route: Option<Route>) -> Result<Session, Outcome> {
        match route {
            None => Err(Outcome::PutOff(
                "this server has no way there any more".into(),
            )),
            Some(Route::Hop(hop)) => {
                let found = lookup_host((hop.host.as_str(), hop.port)).await;
                let addresses: Vec<_> = found.map_err(|error| not_now(&hop, &error))?.collect();
                self.connect(&hop, &addresses).await
            }
            Some(Route::ByName(domain)) => self.open_by_name(&domain).await,
        }
    }

    async fn open_by_name(&self, domain: &str) -> Result<Session, Outcome> {
        let exchangers = match self.exchangers.as_ref() {
            Ok(exchangers) => exchangers,
            Err(why) => return Err(Outcome::PutOff(why.clone())),
        };
        let port = u16::try_from(self.server.config().smtp.outgoing.port).unwrap_or(u16::MAX);
        let hosts = exchangers.of(domain).await.map_err(no_server)?;
        let mut failed = Outcome::Failed(format!("{domain} names no server that takes its mail"));
        for host in hosts {
            let found = exchangers.addresses(&host).await.map_err(no_server);
            let addresses: Vec<_> = match found {
                Ok(found) => found
                    .into_iter()
                    .map(|ip| SocketAddr::new(ip, port))
                    .collect(),
                Err(outcome) => {
                    failed = worse(failed, outcome);
                    continue;
                }
            };
            match self.connect(&Hop::at(&host, port), &addresses).await {
                Ok(session) => return Ok(session),
                Err(outcome) => failed = outcome,
            }
        }
        Err(failed)
    }

    async fn connect(&self, hop: &Hop, addresses: &[SocketAddr]) -> Result<Session, Outcome> {
        let config = self.server.config();
        let caller = Caller {
            own: &config.fqdn,
            roots: config.tls.roots.as_deref(),
        };
        let opened = Session::open(&caller, hop, addresses).await;
        opened.map_err(Outcome::PutOff)
    }
}

/// Of two reasons the one that leaves hope.
fn worse(one: Outcome, other: Outcome) -> Outcome {
    match one {
        Outcome::PutOff(_) => one,
        _ => other,
    }
}

fn not_now(hop: &Hop, error: &std::io::Error) -> Outcome {
    Outcome::PutOff(format!("{} cannot be looked up: {error}", hop.host))
}

fn no_server(why: NoServer) -> Outcome {
    match why {
        NoServer::Never(why) => Outcome::Failed(why),
        NoServer::NotNow(why) => Outcome::PutOff(why),
    }
}

/// What an operator reads at night: no address, and nothing that another system says, which may hold one.
fn say(id: ObjectId, outcomes: &[(u64, Outcome)]) {
    tracing::debug!(%id, ?outcomes, "tried to deliver a message to another system");
    let failed = outcomes.iter();
    let failed = failed.filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
    let recipients = failed.count();
    if recipients > 0
        && let Some(times) = GIVEN_UP.now()
    {
        tracing::info!(%id, recipients, times, "another system does not take a message; its sender is told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_later_is_looked_at_then_and_not_after_half_a_minute() {
        let wait = |next, now| until(Timestamp(next), Timestamp(now));
        assert_eq!(wait(5_000, 4_000), Duration::from_secs(1));
        assert_eq!(wait(4_000, 5_000), Duration::ZERO);
        assert_eq!(wait(i64::MAX, i64::MIN), LOOK_EVERY);
    }
}
