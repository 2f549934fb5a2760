//! System packages by apt, in one call.

use std::{
    io::{self, IsTerminal as _},
    process::Command,
};

use crate::{
    failure::Failure,
    paths,
    process::{self, say},
};

/// Installs packages. When one of them cannot be had, the others are still installed, one by one.
pub fn install(packages: &[&str]) -> Result<(), Failure> {
    if packages.is_empty() {
        return Ok(());
    }
    let by_hand = format!(
        "as root: apt-get update && apt-get install -y {}",
        packages.join(" ")
    );
    if paths::on_path("apt-get").is_none() {
        return Err(Failure::new("this system has no apt-get").remedy(format!(
            "install these with your system's tool; on Debian {by_hand}"
        )));
    }
    // Asked once beforehand: without root there is no sense in trying each package.
    as_root()?;
    apt_get(&["update"])
        .map_err(|_| Failure::new("apt-get update failed; its own words are above"))?;
    if apt_get_install(packages).is_ok() {
        return Ok(());
    }
    say("setup: apt could not install them together; trying each alone");
    let failed = packages
        .iter()
        .filter(|package| apt_get_install(&[package]).is_err());
    let failed = failed.copied().collect::<Vec<_>>();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "apt cannot install {}; its own words are above",
        failed.join(", ")
    ))
    .remedy(by_hand))
}

fn apt_get_install(packages: &[&str]) -> Result<(), Failure> {
    let mut words = vec!["install", "-y", "--no-install-recommends"];
    words.extend(packages);
    apt_get(&words)
}

fn apt_get(words: &[&str]) -> Result<(), Failure> {
    let mut command = as_root()?;
    command
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"])
        .args(words);
    say(format!("setup: {}", process::shown(&command)));
    process::run_quietly(&mut command)
}

/// A command that runs its arguments as root: variables, then a program and its arguments, as env(1) takes them.
fn as_root() -> Result<Command, Failure> {
    if process::output(Command::new("id").arg("-u")).as_deref() == Some("0") {
        return Ok(Command::new("env"));
    }
    if paths::on_path("sudo").is_none() {
        return Err(Failure::new(
            "installing system packages needs root, and this machine has no sudo",
        ));
    }
    let mut sudo = Command::new("sudo");
    if !io::stdin().is_terminal() {
        // Nobody can type a password: fail instead of waiting for one.
        sudo.arg("-n");
    }
    // Sudo drops the variables of its caller; env sets them after it.
    sudo.arg("env");
    Ok(sudo)
}
