//! What was measured on.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Processor, cores, kernel, file system.
pub fn describe(dir: &Path) -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|l| {
        l.strip_prefix("model name")?
            .split_once(": ")
            .map(|(_, model)| model.trim())
    });
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let file_system = Command::new("stat")
        .args(["--file-system", "--format=%T"])
        .arg(dir)
        .output();
    let file_system = file_system
        .map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
        .unwrap_or_default();
    format!(
        "{cores} cores of {}, Linux {}, {file_system}; both servers and the measuring program on this machine",
        model.unwrap_or("an unknown processor"),
        kernel.trim()
    )
}

/// Seconds of processor time that programs started here have used, once they have ended.
pub fn children_seconds() -> f64 {
    /// `USER_HZ`: what Linux tells programs is in hundredths of a second.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which may hold anything, in parentheses: fields 3 and following; cutime and cstime are 16 and 17 (proc(5)).
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(13).take(2);
    ticks
        .filter_map(|field| field.parse::<f64>().ok())
        .sum::<f64>()
        / TICKS
}
