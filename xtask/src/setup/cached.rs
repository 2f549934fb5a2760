//! Programs from crates.io, compiled once into the cache: one folder for each version, whole or not there.

use std::{env, fs, path::PathBuf, process::Command};

use crate::{failure::Failure, paths, process, versions};

/// The folder of one version of a tool; its programs are in `bin` below.
pub fn folder(name: &str, version: &str) -> PathBuf {
    paths::cache().join(format!("{name}-{version}"))
}

/// True when this version of the tool is installed.
pub fn is_there(name: &str, version: &str) -> bool {
    folder(name, version).join("bin").is_dir()
}

/// Compiles and installs one version of a tool.
pub fn install(name: &str, version: &str) -> Result<(), Failure> {
    let folder = folder(name, version);
    let partial = paths::partial(&folder);
    let compile = |locked: bool| {
        let mut command = Command::new("cargo");
        command
            .args([
                "install",
                "--quiet",
                name,
                "--version",
                &format!("={version}"),
                "--root",
            ])
            .arg(&partial);
        if locked {
            command.arg("--locked");
        }
        // Outside the clone its `.cargo/config.toml` does not apply. These tools run for seconds: a quick build serves best.
        command
            .current_dir(paths::cache())
            .env("CARGO_TARGET_DIR", paths::cache().join("compiling"));
        command
            .env_remove("RUSTFLAGS")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        command
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        process::say(format!("setup: {}", process::shown(&command)));
        process::run(&mut command)
    };
    // A mirror may lag behind the versions that the tool's own lock file names.
    compile(true).or_else(|_| {
        process::say(
            "setup: not with the tool's own lock file; trying with the newest fitting dependencies",
        );
        compile(false)
    })?;
    fs::rename(&partial, &folder)
        .map_err(|source| Failure::io("move the finished tool to its place", &folder, &source))
}

/// Frees the space that compiling the tools took.
pub fn clear_leftovers() {
    // Nothing is lost when it stays.
    let _ = fs::remove_dir_all(paths::cache().join("compiling"));
}

/// Puts the cached tools before everything else on a command's `PATH`.
pub fn add_to_path(command: &mut Command, first: &[PathBuf]) -> Result<(), Failure> {
    let tools = [
        ("wasm-bindgen-cli", versions::wasm_bindgen()?),
        ("wasm-pack", versions::WASM_PACK.to_owned()),
        ("cargo-deny", versions::CARGO_DENY.to_owned()),
    ];
    let mut folders = first.to_vec();
    folders.extend(
        tools
            .iter()
            .map(|(name, version)| folder(name, version).join("bin")),
    );
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let joined = env::join_paths(folders).map_err(|source| {
        Failure::new(format!(
            "a folder of the cache cannot stand on PATH: {source}"
        ))
        .at(paths::cache().display())
    })?;
    command.env("PATH", joined);
    Ok(())
}
