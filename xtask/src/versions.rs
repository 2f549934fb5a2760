//! The versions of the tools that do not come with the system, and where each is decided.

use std::fs;

use crate::{failure::Failure, paths};

/// Builds and packs the browser client. Any 0.15 would do; one version keeps the builds alike.
pub const WASM_PACK: &str = "0.15.1";

/// Checks licences, bans and sources of the dependencies.
pub const CARGO_DENY: &str = "0.20.2";

/// The version of `wasm-bindgen` in Cargo.lock: the command-line tool must be exactly the same.
pub fn wasm_bindgen() -> Result<String, Failure> {
    let file = paths::root().join("Cargo.lock");
    let text = fs::read_to_string(&file)
        .map_err(|source| Failure::io("read the lock file", &file, &source))?;
    locked_version(&text, "wasm-bindgen").ok_or_else(|| {
        Failure::new("the lock file has no package `wasm-bindgen`").at(file.display()).remedy(
            "take Cargo.lock from the repository again (git checkout Cargo.lock), or let `cargo metadata` write it",
        )
    })
}

/// The version of `package` in the text of a Cargo.lock. The file is generated: name and version follow one another.
fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines
        .nth(1)?
        .strip_prefix("version = \"")?
        .strip_suffix('"')
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::locked_version;

    const LOCK: &str = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"9.9.9\"\n\n\
                        [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"…\"\n";

    #[test]
    fn the_version_is_that_of_the_very_package() {
        assert_eq!(
            locked_version(LOCK, "wasm-bindgen").as_deref(),
            Some("0.2.130")
        );
    }

    #[test]
    fn a_package_that_is_not_locked_has_no_version() {
        assert_eq!(locked_version(LOCK, "wasm"), None);
    }
}
