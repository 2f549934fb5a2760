//! The administrative act that the present task is about, for the audit trail.
//!
//! An edge says whose act it is ([`within`]); the first write of the task then puts it into the trail in its own transaction
//! ([`Act::entry`], [`Act::is_durable`]), whichever operation it is. So what was done and the entry that says so are there together or not
//! at all, and a new operation cannot forget it. What an act does without a write of its own is entered by the edge afterwards.

use domain::Timestamp;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use store::{TrailEntry, TrailKind};

tokio::task_local! {
    static ACT: Arc<Act>;
}

/// An administrative act.
#[derive(Debug)]
pub struct Act {
    action: String,
    origin: String,
    who: OnceLock<String>,
    target: Mutex<String>,
    durable: AtomicBool,
}

impl Act {
    /// One that nobody is known yet to do. `target`: what it is done to, as far as it shows from outside.
    pub fn new(action: &str, origin: String, target: String) -> Arc<Self> {
        Arc::new(Self {
            action: action.to_owned(),
            origin,
            who: OnceLock::new(),
            target: Mutex::new(target),
            durable: AtomicBool::new(false),
        })
    }

    /// Its entry, if somebody who may do it does it, and if no transaction has it yet.
    pub fn entry(&self, at: Timestamp, result: &str) -> Option<TrailEntry> {
        let who = self.who.get()?.clone();
        if self.durable.load(Ordering::Acquire) {
            return None;
        }
        Some(self.written(at, who, result))
    }

    /// The entry, whether or not a transaction has it; `None` if nobody who may do it did it.
    pub fn line(&self, at: Timestamp, result: &str) -> Option<TrailEntry> {
        Some(self.written(at, self.who.get()?.clone(), result))
    }

    fn written(&self, at: Timestamp, who: String, result: &str) -> TrailEntry {
        let target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        TrailEntry {
            at,
            kind: TrailKind::Act,
            action: self.action.clone(),
            who,
            origin: self.origin.clone(),
            target: target.clone(),
            result: result.to_owned(),
            times: 1,
        }
    }

    /// A transaction with its entry is durable.
    pub fn is_durable(&self) {
        self.durable.store(true, Ordering::Release);
    }
}

/// The act of the present task.
pub fn present() -> Option<Arc<Act>> {
    ACT.try_with(Arc::clone).ok()
}

/// Runs a future as the one that does this act.
pub fn within<F: Future>(act: Arc<Act>, f: F) -> impl Future<Output = F::Output> {
    ACT.scope(act, f)
}

/// Somebody is known to do the present act, and may.
pub fn done_by(name: &str) {
    if let Some(act) = present() {
        let _ = act.who.set(name.to_owned());
    }
}

/// Says what the present act is done to, or what of it; never a secret.
pub fn about(what: &str) {
    if let Some(act) = present() {
        let mut target = act.target.lock().unwrap_or_else(PoisonError::into_inner);
        if !target.is_empty() {
            target.push_str(": ");
        }
        target.push_str(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_act_is_entered_once_and_only_if_somebody_may_do_it() {
        let act = Act::new("user.change", "192.0.2.1".into(), "7200".into());
        let moment = Timestamp(7);
        assert_eq!(act.entry(moment, "done"), None, "nobody is known");
        within(Arc::clone(&act), async {
            done_by("admin");
            about("name, locked");
        })
        .await;
        let entry = act.entry(moment, "done").unwrap();
        assert_eq!(
            (entry.who.as_str(), entry.target.as_str()),
            ("admin", "7200: name, locked")
        );
        act.is_durable();
        assert_eq!(act.entry(moment, "done"), None);
        assert!(act.line(moment, "done").is_some());
        assert!(present().is_none(), "outside there is none");
    }
}
