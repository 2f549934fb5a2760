//! The compiler for wasm32: rustup's own target, or a substitute where rustup cannot download.
//!
//! The substitute is Debian's newer compiler (`rustc-web`). Its package for wasm32 is not in Debian 12, so `std` is built once
//! from `rust-web-src`, with bitcode, which link-time optimisation needs. All of it stands in the cache: a small sysroot
//! with that `std`, links to Debian's own files, and a `rustc` that is Debian's with that sysroot. Nothing in /usr is changed.

use std::{
    fs, io,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::cached;
use crate::{
    failure::Failure,
    paths,
    process::{self, say},
};

/// The target's name.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's packages for the substitute; `lld-22` holds the linker.
pub const SUBSTITUTE_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_RUSTLIB: &str = "/usr/lib/rustlib";

/// How long rustup may try to download the target (some 20 MB).
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(180);

/// A compiler that can build for wasm32.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// The toolchain in use has the target.
    Rustup,
    /// Debian's compiler with the sysroot in this folder.
    Substitute(PathBuf),
}

impl Compiler {
    /// One word for reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rustup => "rustup",
            Self::Substitute(_) => "debian",
        }
    }

    /// A command that builds for wasm32 with this compiler and finds the cached tools.
    pub fn command(&self, program: &str) -> Result<Command, Failure> {
        let mut command = Command::new(program);
        let mut first = Vec::new();
        if let Self::Substitute(sysroot) = self {
            first.push(sysroot.join("bin"));
            // `cargo run` names rustup's compiler and its libraries to us; this command has another.
            for variable in ["RUSTUP_TOOLCHAIN", "RUSTC", "CARGO", "LD_LIBRARY_PATH"] {
                command.env_remove(variable);
            }
        }
        cached::add_to_path(&mut command, &first)?;
        command
            .env("CARGO_TARGET_DIR", paths::wasm_target())
            .current_dir(paths::root());
        Ok(command)
    }
}

/// The compiler for wasm32, when there is one.
pub fn compiler() -> Option<Compiler> {
    let libraries = process::output(Command::new("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        TARGET,
    ]));
    if libraries.is_some_and(|folder| holds_std(Path::new(&folder))) {
        return Some(Compiler::Rustup);
    }
    let sysroot = sysroot()?;
    holds_std(&sysroot.join(libraries_in_sysroot())).then_some(Compiler::Substitute(sysroot))
}

/// Asks rustup for the target, and looks whether it came.
pub fn add_target() -> Result<(), Failure> {
    let mut command = Command::new("rustup");
    command.args(["target", "add", TARGET]);
    say(format!("setup: {}", process::shown(&command)));
    process::run_within(&mut command, DOWNLOAD_LIMIT)?;
    match compiler() {
        Some(_) => Ok(()),
        // It believes its own records; files that somebody removed are not in them.
        None => Err(Failure::new(
            "rustup says that the target is there, but its files are not",
        )),
    }
}

/// Builds the substitute from Debian's packages; `first` is why rustup's own target cannot be had.
pub fn build_substitute(first: &Failure) -> Result<(), Failure> {
    let sysroot = sysroot().ok_or_else(|| {
        Failure::new(format!(
            "rustup cannot get it ({}), and Debian's compiler is not there",
            first.what
        ))
    })?;
    say(format!(
        "setup: building std for wasm32 once, about a minute ({})",
        sysroot.display()
    ));
    let partial = paths::partial(&sysroot);
    lay_out(&partial)
        .map_err(|source| Failure::io("lay out the substitute compiler", &partial, &source))?;
    build_std(&partial)?;
    // The wrapper names the folder in which it will stand.
    write_wrapper(&partial, &sysroot)
        .and_then(|()| fs::rename(&partial, &sysroot))
        .map_err(|source| {
            Failure::io(
                "move the substitute compiler to its place",
                &sysroot,
                &source,
            )
        })
}

/// The folder of the substitute for Debian's present compiler; `None` when that is not installed.
fn sysroot() -> Option<PathBuf> {
    let mut command = Command::new(DEBIAN_RUSTC);
    let version = process::output(command.arg("--version").env_remove("LD_LIBRARY_PATH"))?;
    let number = version.split(' ').nth(1)?;
    Path::new(DEBIAN_RUSTLIB)
        .join("src/rust/library")
        .is_dir()
        .then(|| paths::cache().join(format!("wasm-compiler-{number}")))
}

fn lay_out(sysroot: &Path) -> io::Result<()> {
    match fs::remove_dir_all(sysroot) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(source),
        _ => {}
    }
    let rustlib = sysroot.join("lib/rustlib");
    fs::create_dir_all(sysroot.join(libraries_in_sysroot()))?;
    fs::create_dir_all(sysroot.join("bin"))?;
    for entry in fs::read_dir(DEBIAN_RUSTLIB)? {
        let entry = entry?;
        if entry.file_name() != TARGET {
            symlink(entry.path(), rustlib.join(entry.file_name()))?;
        }
    }
    symlink("/usr/bin/cargo", sysroot.join("bin/cargo"))?;
    symlink(newest_lld()?, sysroot.join("bin/rust-lld"))?;
    write_wrapper(sysroot, sysroot)
}

/// Debian names its linker after LLVM's version: `lld-22`.
fn newest_lld() -> io::Result<PathBuf> {
    let names =
        fs::read_dir("/usr/bin")?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let newest = names
        .filter_map(|name| name.strip_prefix("lld-")?.parse::<u32>().ok())
        .max();
    newest
        .map(|version| PathBuf::from(format!("/usr/bin/lld-{version}")))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "no /usr/bin/lld-N; install the package lld-22",
            )
        })
}

fn write_wrapper(folder: &Path, sysroot: &Path) -> io::Result<()> {
    let wrapper = folder.join("bin/rustc");
    fs::write(
        &wrapper,
        format!(
            "#!/bin/sh\nexec {DEBIAN_RUSTC} --sysroot '{}' \"$@\"\n",
            sysroot.display()
        ),
    )?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))
}

/// Builds std with an empty crate around it and puts the libraries into the sysroot.
fn build_std(sysroot: &Path) -> Result<(), Failure> {
    let empty = sysroot.join("empty");
    let io = |source| Failure::io("build std for wasm32", &empty, &source);
    fs::create_dir_all(empty.join("src")).map_err(io)?;
    fs::write(empty.join("src/lib.rs"), "").map_err(io)?;
    let manifest =
        "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(empty.join("Cargo.toml"), manifest).map_err(io)?;

    let mut command = Compiler::Substitute(sysroot.to_path_buf()).command("cargo")?;
    // `test` is what wasm-bindgen-test needs; building std is unstable, hence the bootstrap flag.
    command.args([
        "build",
        "--release",
        "--target",
        TARGET,
        "-Zbuild-std=std,panic_abort,proc_macro,test",
    ]);
    command
        .current_dir(&empty)
        .env("CARGO_TARGET_DIR", empty.join("target"));
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Cembed-bitcode=yes");
    process::run(&mut command)?;

    let built = empty.join("target").join(TARGET).join("release/deps");
    for entry in fs::read_dir(built).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            fs::copy(
                entry.path(),
                sysroot.join(libraries_in_sysroot()).join(name),
            )
            .map_err(io)?;
        }
    }
    fs::remove_dir_all(&empty).map_err(io)
}

fn libraries_in_sysroot() -> String {
    format!("lib/rustlib/{TARGET}/lib")
}

fn holds_std(folder: &Path) -> bool {
    let names = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name()));
    names
        .map(|name| name.to_string_lossy().into_owned())
        .any(|name| name.starts_with("libstd-") && name.ends_with(".rlib"))
}
