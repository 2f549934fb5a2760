//! How much memory reading mails and messages may take at once, over the whole process.
//!
//! What reading one mail takes follows from its length (`vpim::limits`). Here those are added up: whoever begins takes so many bytes of
//! a budget (`limits.reading_bytes_max`), waits a little if they are not there, and is put off then. Mails that come in have one half and
//! answers to users the other, so strangers' mails never keep a user from reading. The work itself runs on the blocking pool.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use writer::RateLimitedLog;

/// How long somebody waits for the budget before being put off.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Compressed sound takes longer, and so do its turns: so many times as long is waited for one.
const TURN_WAIT_FACTOR: u32 = 6;

/// Half of the processors, so that strangers' sound leaves the others to those who hear theirs.
fn transcoders_max() -> usize {
    std::thread::available_parallelism().map_or(1, |all| all.get().div_ceil(2))
}

/// That somebody was put off is logged so often at most.
static CROWDED: RateLimitedLog = RateLimitedLog::new(Duration::from_secs(60));

/// For whom is read; each has its half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadingSide {
    /// A mail that comes in.
    Deposits,
    /// A message or greeting, for the answer to a request.
    Answers,
}

/// Others read so much at present that there was no room within the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowded;

/// The budget.
#[derive(Debug)]
pub struct Reading {
    deposits: Arc<Semaphore>,
    answers: Arc<Semaphore>,
    /// Bytes of each half.
    half: u32,
    wait_max: Duration,
    /// Mails whose compressed sound may be made telephone sound at once.
    transcoders: Arc<Semaphore>,
}

/// Bytes taken out of the budget, given back when this is dropped.
#[derive(Debug)]
pub struct ReadingPermit {
    _permit: OwnedSemaphorePermit,
}

impl Reading {
    /// A budget of so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self::waiting(bytes_max, WAIT_MAX)
    }

    fn waiting(bytes_max: usize, wait_max: Duration) -> Self {
        let half = u32::try_from(bytes_max / 2).unwrap_or(u32::MAX).max(1);
        let new = || Arc::new(Semaphore::new(half as usize));
        Self {
            deposits: new(),
            answers: new(),
            half,
            wait_max,
            transcoders: Arc::new(Semaphore::new(transcoders_max())),
        }
    }

    /// Takes one of the few places where compressed sound is made telephone sound, for as long as what is returned lives.
    ///
    /// # Errors
    /// [`Crowded`] if none is free within a minute.
    pub async fn take_turn_to_transcode(&self) -> Result<ReadingPermit, Crowded> {
        let turn = Arc::clone(&self.transcoders).acquire_owned();
        let turn = tokio::time::timeout(self.wait_max * TURN_WAIT_FACTOR, turn).await;
        match turn {
            Ok(Ok(permit)) => Ok(ReadingPermit { _permit: permit }),
            Ok(Err(_)) | Err(_) => {
                metrics::counter!("callpilot_reading_put_off_total", "side" => "transcoding")
                    .increment(1);
                Err(Crowded)
            }
        }
    }

    /// Takes `bytes` of the budget for as long as what is returned lives. Whoever needs more than there is in all has it alone.
    ///
    /// # Errors
    /// [`Crowded`] if they are not there within ten seconds.
    pub async fn take(&self, side: ReadingSide, bytes: usize) -> Result<ReadingPermit, Crowded> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.half);
        let (half, name) = match side {
            ReadingSide::Deposits => (&self.deposits, "deposit"),
            ReadingSide::Answers => (&self.answers, "answer"),
        };
        let permit = Arc::clone(half).acquire_many_owned(bytes);
        match tokio::time::timeout(self.wait_max, permit).await {
            Ok(Ok(permit)) => Ok(ReadingPermit { _permit: permit }),
            Ok(Err(_)) | Err(_) => {
                metrics::counter!("callpilot_reading_put_off_total", "side" => name).increment(1);
                if let Some(times) = CROWDED.now() {
                    tracing::warn!(
                        times,
                        side = name,
                        "somebody was put off: too much is being read at once. If it repeats, look who sends so much, or raise limits.reading_bytes_max"
                    );
                }
                Err(Crowded)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 200 bytes, where nobody waits.
    fn small() -> Reading {
        Reading::waiting(200, Duration::ZERO)
    }

    fn run(test: impl Future<Output = ()>) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().build().unwrap().block_on(test);
    }

    #[test]
    fn whoever_finds_no_room_is_put_off_and_the_next_one_is_not() {
        run(async {
            let reading = small();
            let first = reading.take(ReadingSide::Deposits, 60).await.unwrap();
            let refused = reading.take(ReadingSide::Deposits, 60).await;
            assert_eq!(refused.err(), Some(Crowded));
            drop(first);
            assert!(reading.take(ReadingSide::Deposits, 60).await.is_ok());
        });
    }

    #[test]
    fn mails_that_come_in_leave_room_for_answers() {
        run(async {
            let reading = small();
            let _deposits = reading.take(ReadingSide::Deposits, 100).await.unwrap();
            assert!(reading.take(ReadingSide::Answers, 100).await.is_ok());
        });
    }

    #[test]
    fn who_finds_no_turn_to_transcode_is_put_off() {
        run(async {
            let reading = small();
            let mut turns = Vec::new();
            for _ in 0..transcoders_max() {
                turns.push(reading.take_turn_to_transcode().await.unwrap());
            }
            let refused = reading.take_turn_to_transcode().await;
            assert_eq!(refused.err(), Some(Crowded));
            turns.pop();
            assert!(reading.take_turn_to_transcode().await.is_ok());
        });
    }

    #[test]
    fn a_mail_larger_than_the_budget_is_read_alone() {
        run(async {
            let reading = small();
            let large = reading
                .take(ReadingSide::Deposits, usize::MAX)
                .await
                .unwrap();
            assert!(reading.take(ReadingSide::Deposits, 1).await.is_err());
            drop(large);
            assert!(reading.take(ReadingSide::Deposits, 1).await.is_ok());
        });
    }
}
