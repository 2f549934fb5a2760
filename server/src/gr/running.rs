//! The writer thread and the link to the partner, from their start to their end.

use super::link::{self, LinkState};
use crate::serve::ServeError;
use crate::server::{Server, WriterError};
use crate::writer_thread::{ThreadEnded, WriterThread};
use std::thread::JoinHandle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What runs for as long as the server does.
pub struct Running {
    writer: JoinHandle<ThreadEnded>,
    link: tokio::task::JoinHandle<()>,
    security: watch::Receiver<LinkState>,
}

impl Running {
    /// Starts both. When the writer ends by itself, `stop` is cancelled: a server that cannot write is none.
    pub fn start(
        server: &Server,
        mut writer: WriterThread,
        stop: CancellationToken,
    ) -> Result<Self, WriterError> {
        let starts = writer.link_starts.take();
        let starts =
            starts.ok_or_else(|| WriterError::Damaged("the link was started twice".into()))?;
        let (security, shown) = watch::channel(LinkState::default());
        let supervised = link::supervise(server.clone(), starts, security, stop.clone());
        let link = tokio::spawn(supervised);
        let run = move || {
            // However it ends, by a panic too: a server that cannot write is none, and must not look like one.
            let _stop = stop.drop_guard();
            writer.run()
        };
        let thread = std::thread::Builder::new().name("writer".into());
        let writer = thread
            .spawn(run)
            .map_err(|e| WriterError::io("the writer thread", e))?;
        Ok(Self {
            writer,
            link,
            security: shown,
        })
    }

    /// Whether the link to the partner is secured, and why not.
    pub fn link_security(&self) -> watch::Receiver<LinkState> {
        self.security.clone()
    }

    /// Ends the writer when all that was accepted is written, then waits for the link.
    pub async fn stop(self, server: &Server) -> Result<(), ServeError> {
        server.stop().await;
        let ended = tokio::task::spawn_blocking(move || self.writer.join()).await;
        if let Err(error) = self.link.await {
            tracing::error!(%error, "the link to the GR partner ended by a fault");
        }
        match ended {
            Ok(Ok(ThreadEnded::Stopped)) => Ok(()),
            Ok(Ok(ThreadEnded::DiskFailed)) => Err(ServeError::DiskFailed),
            // A panic of the writer has been printed; what it had not answered for was not promised to anybody.
            _ => Err(ServeError::Broken("the writer")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::server::{Abort, Wait};

    #[tokio::test]
    async fn a_writer_that_panics_ends_the_server_and_nobody_takes_it_for_a_sound_one() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().display();
        let text = format!("fqdn = \"cp-a.test.example\"\ndata_dir = \"{data}\"\n");
        let config = Config::parse(&text, "cp.toml", &|_| None).unwrap();
        let (server, writer) = Server::open(config).unwrap();
        let stop = CancellationToken::new();
        let running = Running::start(&server, writer, stop.clone()).unwrap();
        assert!(server.is_writing());
        let fault = server.write(Wait::Local, |_| -> Result<(), Abort<()>> {
            panic!("a fault of our own")
        });
        assert!(fault.await.is_err(), "its caller is told");
        stop.cancelled().await;
        assert!(!server.is_writing());
        let ended = running.stop(&server).await;
        assert!(matches!(ended, Err(ServeError::Broken("the writer"))));
    }
}
