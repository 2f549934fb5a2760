//! The change of the GR password: which roots there are, in files and in memory, and which session keys follow from them.

use super::{Server, WriterError};
use crate::gr::envelope::Keyring;
use crate::gr::pairing::{self, Pairing, Secret, SessionKeys};
use domain::Timestamp;
use std::path::Path;
use std::sync::PoisonError;
use std::time::Instant;

/// The roots of a pair, and what is left of the one before.
#[derive(Clone, Default)]
pub(super) struct Roots {
    /// The one that holds; `None`: there is no pair.
    pub(super) current: Option<Secret>,
    /// The one that will, when the partner has it, too.
    pub(super) next: Option<Secret>,
    /// The session key of before, whose tokens are good until then.
    pub(super) sessions_before: Option<(Secret, Timestamp)>,
}

impl Roots {
    /// Those in the data folder.
    pub(super) fn load(
        data_dir: &Path,
        pairing: Option<&Pairing>,
        now: Timestamp,
    ) -> Result<Self, WriterError> {
        let Some(pairing) = pairing else {
            return Ok(Self::default());
        };
        Ok(Self {
            current: Some(pairing.root.clone()),
            next: pairing::load_next(data_dir, &pairing.root)?,
            sessions_before: pairing::load_sessions_before(data_dir, now)?,
        })
    }
}

impl Server {
    /// The keys of the pair.
    pub fn gr_keys(&self) -> &crate::gr::GrKeys {
        &self.0.gr_keys
    }

    /// The root of the pair; `None`: there is none.
    pub async fn root(&self) -> Option<Secret> {
        self.0.roots.lock().await.current.clone()
    }

    /// Changes the root: when the partner has the new one, too, or `at_once`, without waiting and without taking anything of the old one
    /// any longer, sessions included. The root that holds, entered again, ends a change that was begun.
    ///
    /// # Errors
    /// What the disk cannot do; then nothing has changed.
    pub async fn change_root(&self, new: Secret, at_once: bool) -> Result<(), WriterError> {
        let mut roots = self.0.roots.lock().await;
        let Some(current) = roots.current.clone() else {
            return Ok(());
        };
        let mut changed = roots.clone();
        match (new == current, at_once) {
            (true, _) => {
                self.on_disk(pairing::erase_next).await?;
                changed.next = None;
            }
            (false, true) => {
                let root = new.clone();
                self.on_disk(move |dir| {
                    pairing::save_root(&root, dir)?;
                    pairing::erase_next(dir)?;
                    pairing::erase_sessions_before(dir)
                })
                .await?;
                changed = Roots {
                    current: Some(new),
                    ..Roots::default()
                };
            }
            (false, false) => {
                let root = new.clone();
                self.on_disk(move |dir| pairing::save_next(&root, dir))
                    .await?;
                changed.next = Some(new);
            }
        }
        *roots = changed;
        let (of_current, next) = (roots.current != Some(current), roots.next.clone());
        if of_current {
            self.begin_keys(&roots);
        } else {
            self.0
                .gr_keys
                .change_to(next.and_then(|root| self.ring(&root)));
        }
        self.derive_session_keys(&roots);
        Ok(())
    }

    /// The partner has the new root: it holds from now on.
    ///
    /// # Errors
    /// What the disk cannot do; then the old one goes on holding, and the next mail under the new one asks again.
    pub async fn go_over_to_new_root(&self) -> Result<(), WriterError> {
        let mut roots = self.0.roots.lock().await;
        let (Some(before), Some(next)) = (roots.current.clone(), roots.next.clone()) else {
            return Ok(());
        };
        let length_ms = self.config().login.session_hours.saturating_mul(3_600_000);
        let until = Timestamp(self.now().0.saturating_add_unsigned(length_ms));
        let sessions = pairing::session_key(&before);
        let (root, key) = (next.clone(), sessions.clone());
        self.on_disk(move |dir| {
            pairing::save_sessions_before(&key, until, dir)?;
            pairing::save_root(&root, dir)?;
            pairing::erase_next(dir)
        })
        .await?;
        *roots = Roots {
            current: Some(next),
            next: None,
            sessions_before: Some((sessions, until)),
        };
        self.0.gr_keys.go_over(Instant::now());
        self.derive_session_keys(&roots);
        tracing::info!("both servers have the new GR password: it holds from now on");
        Ok(())
    }

    /// Publishes the keys of GR mail for these roots and the partner that there is.
    pub(super) fn begin_keys(&self, roots: &Roots) {
        let next = roots.next.as_ref().and_then(|root| self.ring(root));
        match roots.current.as_ref().and_then(|root| self.ring(root)) {
            Some(current) => self.0.gr_keys.begin(current, next),
            None => self.0.gr_keys.end(),
        }
    }

    fn ring(&self, root: &Secret) -> Option<Keyring> {
        let pair = self.0.pair.borrow();
        let partner = pair.partner.as_ref()?;
        Some(Keyring::new(root, &self.config().fqdn, &partner.fqdn))
    }

    pub(super) fn derive_session_keys(&self, roots: &Roots) {
        let keys = pairing::session_keys(
            roots.current.as_ref(),
            roots.next.as_ref(),
            &self.0.own_session_key,
        );
        let mut held = self
            .0
            .session_keys
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *held = (keys, roots.sessions_before.clone());
    }

    /// The keys of session tokens.
    pub fn session_keys(&self) -> SessionKeys {
        let held = self
            .0
            .session_keys
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let (mut keys, before) = held.clone();
        let before = before.filter(|(_, until)| self.now() < *until);
        keys.accepted.extend(before.map(|(key, _)| key));
        keys
    }

    async fn on_disk(
        &self,
        write: impl FnOnce(&Path) -> Result<(), WriterError> + Send + 'static,
    ) -> Result<(), WriterError> {
        let dir = self.config().data_dir.clone();
        let written = tokio::task::spawn_blocking(move || write(&dir)).await;
        written.map_err(|_| WriterError::OutOfService)?
    }
}
