//! The steps of the test run, by name.

use clap::ValueEnum;

/// One step of the test run, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// cargo fmt --check
    Format,
    /// clippy without a warning: all packages natively, the browser client also for wasm32
    Lints,
    /// cargo deny: licences, bans and sources; advisories where their database is at hand
    Licences,
    /// Build the server and the browser client, which the tests run
    Build,
    /// Unit, integration, simulation and tidiness tests
    Native,
    /// The examples in the documentation
    Docs,
    /// WebAssembly tests, in Node.js or headless Chromium as each asks
    Wasm,
    /// Journeys of My CallPilot in Chromium against two real servers
    Browser,
    /// Only the rules of the source tree (part of native)
    Tidy,
}

impl Step {
    /// What runs when nothing is chosen. Tidy is a part of native.
    pub const ALL: [Self; 8] = [
        Self::Format,
        Self::Lints,
        Self::Licences,
        Self::Build,
        Self::Native,
        Self::Docs,
        Self::Wasm,
        Self::Browser,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Lints => "lints",
            Self::Licences => "licences",
            Self::Build => "build",
            Self::Native => "native",
            Self::Docs => "docs",
            Self::Wasm => "wasm",
            Self::Browser => "browser",
            Self::Tidy => "tidy",
        }
    }
}
