//! wasm-pack's `wasm-bindgen`: it cuts the program into its first bundle and chunks before the real one makes the JavaScript around the first.
//!
//! wasm-pack compiles a package and hands what was linked to the program `wasm-bindgen` of its `PATH`; the cut has to come between the two. So
//! [`put_before`] puts a script of that name there, which calls `xtask bind`, and that is [`run`].

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::chunks;
use crate::{failure::Failure, paths, process, setup::wasm};

const PROGRAM: &str = "wasm-bindgen";

/// Makes a command find the script before the real program.
pub fn put_before(command: &mut Command) -> Result<(), Failure> {
    let folder = paths::wasm_target().join("bin");
    let script = folder.join(PROGRAM);
    let xtask = env::current_exe()
        .map_err(|source| Failure::io("find xtask itself", Path::new("xtask"), &source))?;
    let words = format!("#!/bin/sh\nexec '{}' bind \"$@\"\n", xtask.display());
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&script, words))
        .and_then(|()| executable(&script))
        .map_err(|source| Failure::io("write wasm-pack's wasm-bindgen", &script, &source))?;
    let path = command.get_envs().find(|(name, _)| *name == "PATH");
    let path = path.and_then(|(_, path)| path).map(OsStr::to_owned);
    let path = path.or_else(|| env::var_os("PATH")).unwrap_or_default();
    let folders = [folder].into_iter().chain(env::split_paths(&path));
    let joined = env::join_paths(folders)
        .map_err(|fault| Failure::new(format!("PATH cannot be set: {fault}")))?;
    command.env("PATH", joined);
    Ok(())
}

#[cfg(unix)]
fn executable(script: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(script, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Does what wasm-pack asks its `wasm-bindgen` to do: with a module and a folder it cuts the module first.
pub fn run(arguments: &[OsString]) -> Result<(), Failure> {
    let compiler =
        wasm::compiler().ok_or_else(|| Failure::new("there is no compiler for wasm32"))?;
    let mut command = compiler.command(PROGRAM)?;
    match module_and_folder(arguments) {
        Some((module, folder)) => {
            fs::create_dir_all(&folder)
                .map_err(|source| Failure::io("make the folder of the client", &folder, &source))?;
            let first = folder.join("first.wasm");
            chunks::cut(&module, &first, &folder)?;
            // What the linker exports (memory, stack, table of functions) is what the chunks share.
            command.arg(first).arg("--keep-lld-exports");
            command.args(arguments.iter().filter(|one| **one != *module.as_os_str()));
            process::run(&mut command)
        }
        // It asks for the version.
        None => process::run_shown(command.args(arguments)),
    }
}

fn module_and_folder(arguments: &[OsString]) -> Option<(PathBuf, PathBuf)> {
    let is_module = |one: &&OsString| Path::new(one).extension() == Some(OsStr::new("wasm"));
    let module = arguments.iter().find(is_module)?;
    let folder = arguments.iter().position(|one| one == "--out-dir")? + 1;
    Some((PathBuf::from(module), PathBuf::from(arguments.get(folder)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_with_a_folder_is_cut_and_a_question_is_handed_on() {
        let of = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let asked = of(&["a/client.wasm", "--out-dir", "b", "--target", "web"]);
        let expected = (PathBuf::from("a/client.wasm"), PathBuf::from("b"));
        assert_eq!(module_and_folder(&asked), Some(expected));
        assert_eq!(module_and_folder(&of(&["--version"])), None);
        assert_eq!(module_and_folder(&of(&["a.wasm", "--out-dir"])), None);
    }
}
