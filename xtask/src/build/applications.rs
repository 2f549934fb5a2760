//! The browser's applications: each a package below `app/crates`, a WebAssembly bundle, and an address.

use std::path::{Path, PathBuf};

use crate::paths;

/// One application.
pub struct Application {
    /// Its package, and the name of its bundle.
    pub package: &'static str,
    /// Below this address lie its pages; `boot.js` starts it there.
    pub base: &'static str,
}

/// All of them. Where no other is meant, the first is started.
pub const APPLICATIONS: [Application; 1] = [Application {
    package: "my-callpilot",
    base: "/MyCallPilot/",
}];

impl Application {
    /// Where its package lies.
    pub fn source(&self) -> PathBuf {
        Path::new("app/crates").join(self.package)
    }

    /// Where its compiled client is put: [`Self::module`], [`Self::wasm`], its chunks with their list and perhaps `snippets/`.
    pub fn compiled(&self) -> PathBuf {
        paths::wasm_target().join("client").join(self.package)
    }

    /// The file name of wasm-bindgen's module.
    pub fn module(&self) -> String {
        format!("{}.js", self.package)
    }

    /// The file name of its WebAssembly.
    pub fn wasm(&self) -> String {
        format!("{}_bg.wasm", self.package)
    }
}
