//! What of the house-keeping fails at present: said once in the log, and shown until it works again.

use domain::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use writer::WriterError;

/// A part of house-keeping that fails and is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpkeepFault {
    /// Which part.
    pub what: &'static str,
    /// Since when.
    pub since: Timestamp,
    /// How often in a row.
    pub times: u64,
    /// Why, as it was told last.
    pub why: String,
}

/// The parts that fail. A handle.
#[derive(Clone, Debug, Default)]
pub struct UpkeepFaults(Arc<Mutex<BTreeMap<&'static str, UpkeepFault>>>);

impl UpkeepFaults {
    /// A part was done, or failed.
    pub fn note(&self, what: &'static str, result: Result<(), &WriterError>, now: Timestamp) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gauge = metrics::gauge!("callpilot_upkeep_failing", "what" => what);
        match result {
            Ok(()) => {
                if let Some(UpkeepFault { times, .. }) = faults.remove(what) {
                    gauge.set(0.0);
                    tracing::info!(times, "house-keeping works again: {what}");
                }
            }
            Err(error) => {
                metrics::counter!("callpilot_upkeep_faults_total").increment(1);
                let fault = faults.entry(what).or_insert_with(|| {
                    gauge.set(1.0);
                    tracing::warn!(%error, "house-keeping fails: {what}. Nothing else suffers from it; it is tried again");
                    UpkeepFault {
                        what,
                        since: now,
                        times: 0,
                        why: String::new(),
                    }
                });
                fault.times += 1;
                fault.why = error.to_string();
            }
        }
    }

    /// What fails at present.
    pub fn present(&self) -> Vec<UpkeepFault> {
        let faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_shown_with_its_beginning_until_it_works_again() {
        let faults = UpkeepFaults::default();
        for at in [5, 9] {
            faults.note("tidying", Err(&WriterError::Undone), Timestamp(at));
        }
        faults.note("sweeping", Ok(()), Timestamp(9));
        let present = faults.present();
        assert_eq!(present.len(), 1);
        assert_eq!((present[0].since, present[0].times), (Timestamp(5), 2));
        faults.note("tidying", Ok(()), Timestamp(10));
        assert_eq!(faults.present(), []);
    }
}
