//! File handles: how many this process may have open, and how many of them listeners may take.
//!
//! Each connection is one, each segment that is read another. The system gives a process a low limit that it may raise by itself up to a high
//! one, which is done at start. Listeners never take the last of them: those are the store's, so that strangers cannot keep it from opening
//! what it needs.

use super::Places;
use crate::config::Config;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Mutex, PoisonError};

/// What the server needs besides connections: segments, readers of the database with three files each, pages, certificates, its log.
const OWN: u64 = 512;
/// Of a small limit, what is kept back for that is this part.
const SHARE_OF_OWN: u64 = 2;

/// How many files this process may have open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handles {
    /// At this moment. `u64::MAX`: no limit.
    pub soft: u64,
    /// What it can be raised to.
    pub hard: u64,
}

impl Handles {
    /// As they are.
    pub fn of_this_process() -> Self {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        Self {
            soft: current.unwrap_or(u64::MAX),
            hard: maximum.unwrap_or(u64::MAX),
        }
    }

    /// Raises the limit as far as it goes, and says in the log what that is and whether it is enough.
    pub fn raise(config: &Config) -> Self {
        let found = Self::of_this_process();
        let wanted = Rlimit {
            current: (found.hard != u64::MAX).then_some(found.hard),
            maximum: (found.hard != u64::MAX).then_some(found.hard),
        };
        if found.soft < found.hard
            && let Err(error) = setrlimit(Resource::Nofile, wanted)
        {
            tracing::warn!(%error, "the limit of open files cannot be raised");
        }
        let now = Self::of_this_process();
        let (limit, found, needed) = (now.soft, found.soft, needed(config));
        match now.judge(config) {
            Ok(_) => tracing::info!(limit, found, needed, "open files"),
            Err(fault) => tracing::warn!(limit, found, needed, "open files: {fault}"),
        }
        now
    }

    /// Those of another process of this machine, and how many it has open.
    ///
    /// # Errors
    /// The system does not tell: another account's process, or none any more.
    pub fn of_process(pid: u32) -> io::Result<(Self, u64)> {
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits"))?;
        let limits = Self::parse(&limits)
            .ok_or_else(|| io::Error::other("its limit of open files is not told"))?;
        let open = std::fs::read_dir(format!("/proc/{pid}/fd"))?.count();
        Ok((limits, open as u64))
    }

    fn parse(limits: &str) -> Option<Self> {
        let mut lines = limits.lines();
        let figures = lines.find_map(|line| line.strip_prefix("Max open files"))?;
        let mut figures = figures.split_ascii_whitespace().map(|figure| match figure {
            "unlimited" => Some(u64::MAX),
            number => number.parse().ok(),
        });
        let (soft, hard) = (figures.next()??, figures.next()??);
        Some(Self { soft, hard })
    }

    /// Whether these are enough for a configuration, in a sentence.
    ///
    /// # Errors
    /// What to do if they are not.
    pub fn judge(self, config: &Config) -> Result<String, String> {
        let needed = needed(config);
        let said = match self.soft {
            u64::MAX => "any number of files may be open".to_owned(),
            soft => format!("{soft} files may be open"),
        };
        if self.soft >= needed {
            return Ok(format!(
                "{said}, and the configured connections need {needed}"
            ));
        }
        Err(format!(
            "{said}, but the configured connections may need {needed}: raise the hard limit (LimitNOFILE= of the service, or ulimit -Hn), or lower \
             http.connections_max and smtp.connections_max. Until then the longest waiting connections make room"
        ))
    }

    /// Listeners take no file handle with this number or a greater one. The system gives out the least free number, so it says how many are
    /// open.
    pub fn for_listeners(self) -> u64 {
        self.soft - OWN.min(self.soft / SHARE_OF_OWN)
    }
}

/// Files that are open when all configured connections are.
pub fn needed(config: &Config) -> u64 {
    (config.http.connections_max as u64)
        .saturating_add(config.smtp.connections_max as u64)
        .saturating_add(OWN)
}

/// The file handles that listeners may take, all together. Cheap to clone.
#[derive(Clone)]
pub struct ListenerHandles {
    most: u64,
    sharers: Arc<Mutex<Vec<Places>>>,
}

impl ListenerHandles {
    /// Of those that this process may have.
    pub fn new(handles: Handles) -> Self {
        Self {
            most: handles.for_listeners(),
            sharers: Arc::default(),
        }
    }

    /// The connections that hold these places share the handles.
    pub(super) fn shared_with(&self, places: &Places) {
        let mut sharers = self.sharers();
        if !sharers.iter().any(|sharer| sharer.is(places)) {
            sharers.push(places.clone());
        }
    }

    /// Whether a listener may keep this one, or leaves it to the store.
    pub(super) fn may_take(&self, handle: &impl AsFd) -> bool {
        let number = handle.as_fd().as_raw_fd();
        u64::try_from(number).is_ok_and(|number| number < self.most)
    }

    /// The longest waiting connection makes room, of the protocol that has most of them waiting. False: none waits, or enough are leaving.
    pub(super) fn make_room(&self) -> bool {
        let most = self
            .sharers()
            .iter()
            .max_by_key(|places| places.waiting())
            .cloned();
        most.is_some_and(|places| places.make_room())
    }

    fn sharers(&self) -> std::sync::MutexGuard<'_, Vec<Places>> {
        self.sharers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error says that no file can be opened at present: by this process, or by any.
pub fn is_used_up(error: &io::Error) -> bool {
    let used_up = [Errno::MFILE, Errno::NFILE];
    used_up
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_judged_by_the_configured_connections_and_the_last_handles_are_the_stores() {
        let text = "fqdn = \"a.example\"\nhttp.connections_max = 1_000\nsmtp.connections_max = 100";
        let config = Config::parse(text, "cp.toml", &|_| None).unwrap();
        let handles = |soft| Handles { soft, hard: soft };
        assert_eq!(needed(&config), 1_612);
        assert!(handles(1_612).judge(&config).is_ok());
        assert!(handles(u64::MAX).judge(&config).is_ok());
        let fault = handles(1_024).judge(&config).unwrap_err();
        assert!(
            fault.contains("1024 files") && fault.contains("1612"),
            "{fault}"
        );
        assert_eq!(handles(1_612).for_listeners(), 1_100);
        assert_eq!(handles(100).for_listeners(), 50);
    }

    #[test]
    fn the_limit_of_another_process_is_read_as_the_system_writes_it() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max processes             63379                63379                processes \n\
                    Max open files            1024                 unlimited            files     \n";
        let (soft, hard) = (1_024, u64::MAX);
        assert_eq!(Handles::parse(text), Some(Handles { soft, hard }));
        assert_eq!(Handles::parse("Max open files many"), None);
        let (own, open) = Handles::of_process(std::process::id()).unwrap();
        assert!(own == Handles::of_this_process() && open > 0);
    }

    #[test]
    fn too_many_open_files_are_load_and_other_faults_are_not() {
        for errno in [Errno::MFILE, Errno::NFILE] {
            assert!(is_used_up(&errno.into()));
        }
        assert!(!is_used_up(&Errno::IO.into()));
        assert!(!is_used_up(&io::ErrorKind::NotFound.into()));
    }
}
