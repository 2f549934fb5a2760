//! Running other programs: one way to start them, and one way to say that they failed.

use std::{
    fs,
    io::{self, Write as _},
    os::{
        fd::AsFd as _,
        unix::fs::FileTypeExt as _,
        unix::process::{CommandExt as _, ExitStatusExt as _},
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::failure::Failure;

/// Prints a line for the person who watches. Standard output stays free for the program that a job starts.
pub fn say(line: impl AsRef<str>) {
    let mut stderr = io::stderr().lock();
    // Nobody may be listening any more; the job goes on.
    let _ = writeln!(stderr, "{}", line.as_ref());
}

/// A command as a person would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command to its end, its output on standard error. Errors when it cannot start or does not succeed.
pub fn run(command: &mut Command) -> Result<(), Failure> {
    let stderr = io::stderr().as_fd().try_clone_to_owned();
    let stderr = stderr
        .map_err(|source| Failure::new(format!("standard error cannot be shared: {source}")))?;
    judge(
        command.stdin(Stdio::null()).stdout(stderr).status(),
        command,
    )
}

/// Runs a command to its end and shows only its errors: for apt, which writes a page for each package.
pub fn run_quietly(command: &mut Command) -> Result<(), Failure> {
    judge(
        command.stdin(Stdio::null()).stdout(Stdio::null()).status(),
        command,
    )
}

/// Sees to it that /dev/null is a device. A tool that runs as root may put a plain file in its place; cargo asks rustc with /dev/null as its
/// input, so what others throw away would then be compiled, and the refusal be remembered. Only root can mend it; others are told.
pub fn see_to_null() {
    let null = Path::new("/dev/null");
    let is_device = |data: fs::Metadata| data.file_type().is_char_device();
    if fs::metadata(null).is_ok_and(is_device) {
        return;
    }
    say(
        "/dev/null is no device but a plain file, which breaks what cargo asks rustc; it is made anew",
    );
    let made = fs::remove_file(null).and_then(|()| {
        let mut command = Command::new("mknod");
        command.args(["-m", "666", "/dev/null", "c", "1", "3"]);
        command.status()
    });
    if !made.is_ok_and(|status| status.success()) {
        say("it cannot be: as root, rm /dev/null && mknod -m 666 /dev/null c 1 3");
    }
}

/// Runs a command to its end and shows nothing; what it wrote to standard error is in the failure.
pub fn run_unseen(command: &mut Command) -> Result<(), Failure> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|source| cannot_start(&source, command))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let status = output.status;
    Err(Failure::new(format!("{status}: {}", words.trim())).at(shown(command)))
}

/// Runs a command to its end with this program's own standard output: for test runners, whose output is the product.
pub fn run_shown(command: &mut Command) -> Result<(), Failure> {
    judge(command.stdin(Stdio::null()).status(), command)
}

/// Runs a command and gives back its trimmed standard output; `None` when it does not start or does not succeed.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a command but ends it after `limit`: for downloads that may hang on a network that drops packets.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<(), Failure> {
    let stderr = io::stderr().as_fd().try_clone_to_owned();
    let stderr = stderr
        .map_err(|source| Failure::new(format!("standard error cannot be shared: {source}")))?;
    let child = command.stdin(Stdio::null()).stdout(stderr).spawn();
    let mut child = child.map_err(|source| cannot_start(&source, command))?;
    match wait_until(&mut child, Instant::now() + limit) {
        Ok(Some(status)) => judge(Ok(status), command),
        outcome => {
            // Killing and reaping fail only when the child has ended meanwhile.
            let _ = child.kill();
            let _ = child.wait();
            let why = outcome.err().map_or_else(
                || format!("no end after {} s", limit.as_secs()),
                |e| e.to_string(),
            );
            Err(Failure::new(why).at(shown(command)))
        }
    }
}

fn wait_until(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Becomes another program. Signals then reach it directly, and no process of ours is left between it and the terminal.
pub fn become_program(command: &mut Command) -> Failure {
    cannot_start(&command.exec(), command)
}

fn judge(outcome: io::Result<ExitStatus>, command: &Command) -> Result<(), Failure> {
    match outcome {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(ending(status)).at(shown(command))),
        Err(source) => Err(cannot_start(&source, command)),
    }
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => {
            format!("the command ended with exit code {code}; its own words are above")
        }
        (None, Some(signal)) => format!("the command was ended by signal {signal}"),
        (None, None) => "the command ended in an unknown way".to_owned(),
    }
}

fn cannot_start(source: &io::Error, command: &Command) -> Failure {
    let failure =
        Failure::new(format!("the command cannot be started: {source}")).at(shown(command));
    if source.kind() == io::ErrorKind::NotFound {
        return failure.remedy(format!(
            "install `{}`",
            command.get_program().to_string_lossy()
        ));
    }
    failure
}
