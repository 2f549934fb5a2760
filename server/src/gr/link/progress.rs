//! Deadlines by progress: as long as octets move on a connection, nothing is cut.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

/// So long a connection may stand still: no octet is taken, and no answer comes that is due. A partner that hangs is found out sooner by
/// the engine, which watches for signs of life; this gives its connection back.
pub const STILL_MAX: Duration = Duration::from_secs(30);
/// Octets that the system takes ahead of the network. What it has taken counts as moved, so it must not take so many that a slow link is
/// busy with them for longer than [`STILL_MAX`].
pub const AHEAD_MAX: u32 = 512 << 10;

/// When octets last moved.
#[derive(Debug)]
pub struct Progress {
    last: Mutex<Instant>,
    still_max: Duration,
}

impl Progress {
    /// Of a connection that has just been made.
    pub fn begin() -> Self {
        Self::within(STILL_MAX)
    }

    fn within(still_max: Duration) -> Self {
        let last = Mutex::new(Instant::now());
        Self { last, still_max }
    }

    /// Octets have moved.
    fn moved(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Until when something has to move again, for whoever waits since then.
    fn deadline(&self, since: Instant) -> Instant {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.max(since) + self.still_max
    }

    /// Writes all of it, however long that takes, as long as it moves.
    pub async fn write(
        &self,
        to: &mut (impl AsyncWrite + Unpin),
        mut bytes: &[u8],
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            let taken = timeout(self.still_max, to.write(bytes)).await??;
            if taken == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.moved();
            bytes = &bytes[taken..];
        }
        // TLS may have taken what the network has not; a plain connection has nothing to flush.
        timeout(self.still_max, to.flush()).await?
    }

    /// Waits for what is due, as long as something moves in either direction.
    pub async fn due<T>(&self, coming: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let mut coming = std::pin::pin!(coming);
        let since = Instant::now();
        loop {
            let deadline = self.deadline(since);
            match timeout_at(deadline, &mut coming).await {
                Ok(came) => {
                    self.moved();
                    return came;
                }
                Err(_) if self.deadline(since) > deadline => {}
                Err(late) => return Err(late.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As short as it may be: these tests wait until it is over.
    const STILL: Duration = Duration::from_millis(20);

    #[test]
    fn whatever_moves_puts_the_deadline_off() {
        let progress = Progress::within(STILL);
        let since = Instant::now();
        let before = progress.deadline(since);
        while Instant::now() <= since {}
        progress.moved();
        assert!(progress.deadline(since) > before);
        let later = since + 9 * STILL;
        let deadline = progress.deadline(later);
        assert_eq!(deadline, later + STILL, "nobody waited before that");
    }

    #[tokio::test]
    async fn a_mail_leaves_in_as_many_steps_as_it_takes() {
        let progress = Progress::begin();
        let (mut near, mut far) = tokio::io::duplex(10);
        let mut read = vec![0; 200];
        let reading = tokio::io::AsyncReadExt::read_exact(&mut far, &mut read);
        let (written, taken) = tokio::join!(progress.write(&mut near, &[7; 200]), reading);
        written.expect("all of it");
        assert_eq!((taken.expect("all of it"), read), (200, vec![7; 200]));
    }

    #[tokio::test]
    async fn a_connection_that_stands_still_is_given_up() {
        let progress = Progress::within(STILL);
        let (mut near, _far) = tokio::io::duplex(10);
        let error = progress.write(&mut near, &[7; 200]).await;
        assert_eq!(
            error.expect_err("nobody reads").kind(),
            io::ErrorKind::TimedOut
        );
        let error = progress.due(std::future::pending::<io::Result<()>>()).await;
        assert_eq!(
            error.expect_err("it never comes").kind(),
            io::ErrorKind::TimedOut
        );
    }
}
