//! What a process takes of memory, and the limit of it.

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::fs;

/// Lets a running process have no more memory of its own than this.
///
/// # Panics
/// If there is no such process.
pub fn limit(pid: u32, bytes: u64) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let limit = Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    let pid = pid.expect("the id of a process");
    prlimit(Some(pid), Resource::Data, limit).expect("the limit of a child can be changed");
}

/// What a process took when it was at rest.
pub struct Memory {
    pid: u32,
    rest: u64,
}

impl Memory {
    /// From now on the peak counts anew.
    pub fn at_rest(pid: u32) -> Self {
        // Linux forgets the peak so (proc_pid_clear_refs(5)).
        let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
        Self {
            pid,
            rest: resident(pid, "VmRSS:"),
        }
    }

    /// The most since then, above what it was then.
    pub fn above_rest(&self) -> u64 {
        resident(self.pid, "VmHWM:").saturating_sub(self.rest)
    }
}

/// Bytes; 0 for a process that is gone.
fn resident(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes =
        line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) << 10
}
