//! The list of everything that the jobs need, each with its reason. To need something new, add it here.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{
    cached, npm,
    purpose::{Purpose, Source},
    wasm,
};
use crate::{failure::Failure, paths, versions};

/// Folder of the packages for building the browser client.
pub const BUILD_TOOLS: &str = "xtask/npm";
/// Folder of the browser tests and of their packages.
pub const BROWSER_TESTS: &str = "tests/browser";

/// One thing that a job needs.
pub struct Need {
    /// How people call it.
    pub name: &'static str,
    /// What it is for.
    pub why: &'static str,
    /// What does not work without it.
    pub without: &'static str,
    /// Whether the job can go on without it.
    pub needed: bool,
    /// Whether it is there; a quick look.
    pub present: Box<dyn Fn() -> bool>,
    /// How it is installed.
    pub source: Source,
}

impl Need {
    /// Where it comes from, in a word or two.
    pub fn origin(&self) -> String {
        match &self.source {
            Source::Apt(packages) => format!("apt: {}", packages.join(" ")),
            Source::RustupComponent(_) | Source::WasmTarget => "rustup".to_owned(),
            Source::Crate(name, version) => {
                format!("crates.io: {name} {version}, some minutes to compile")
            }
            Source::Npm(folder) => format!("npm: {folder}/package-lock.json"),
        }
    }

    /// The command with which a person installs it.
    pub fn by_hand(&self) -> String {
        match &self.source {
            Source::Apt(packages) => format!(
                "as root: apt-get update && apt-get install -y {}   (elsewhere: your system's package of {})",
                packages.join(" "),
                self.name
            ),
            Source::RustupComponent(name) => format!("rustup component add {name}"),
            Source::WasmTarget => format!(
                "rustup target add wasm32-unknown-unknown   (or on Debian, as root: apt-get install -y {}, and run this again)",
                wasm::SUBSTITUTE_PACKAGES.join(" ")
            ),
            Source::Crate(name, version) => {
                format!(
                    "cargo install {name} --version ={version} --root {}",
                    cached::folder(name, version).display()
                )
            }
            Source::Npm(folder) => npm::by_hand(folder),
        }
    }
}

/// Everything that a purpose needs, in the order of installation.
pub fn of(purpose: Purpose) -> Result<Vec<Need>, Failure> {
    let mut needs = for_building()?;
    if purpose != Purpose::Demo {
        needs.extend(for_a_browser());
    }
    if purpose == Purpose::Test {
        needs.extend(for_tests());
    }
    Ok(needs)
}

fn for_building() -> Result<Vec<Need>, Failure> {
    let server = "nothing can be built";
    let client = "the browser client cannot be built";
    Ok(vec![
        apt(
            "a C compiler",
            "links Rust programs; SQLite and the cryptography are partly C",
            server,
            "cc",
            &["build-essential"],
        ),
        Need {
            name: "the target wasm32-unknown-unknown",
            why: "the browser client is WebAssembly",
            without: client,
            needed: true,
            present: Box::new(|| wasm::compiler().is_some()),
            source: Source::WasmTarget,
        },
        apt(
            "Node.js",
            "runs wasm-opt and the browser tests",
            client,
            "node",
            &["nodejs"],
        ),
        apt(
            "npm",
            "installs wasm-opt and the packages of the browser tests",
            client,
            "npm",
            &["npm"],
        ),
        tool(
            "wasm-bindgen-cli",
            versions::wasm_bindgen()?,
            "makes the JavaScript around the WebAssembly",
            client,
            true,
        ),
        tool(
            "wasm-pack",
            versions::WASM_PACK.to_owned(),
            "builds the browser client",
            client,
            true,
        ),
        packages(
            "binaryen (wasm-opt)",
            BUILD_TOOLS,
            "halves the WebAssembly",
            client,
        ),
        Need {
            needed: false,
            ..apt(
                "espeak-ng",
                "speaks the voice messages of the demo",
                "the demo's messages are tones instead of speech",
                "espeak-ng",
                &["espeak-ng"],
            )
        },
    ])
}

fn for_a_browser() -> Vec<Need> {
    let browser = "My CallPilot is not tested or measured in a browser";
    vec![
        Need {
            present: Box::new(|| chromium().is_some()),
            ..apt(
                "Chromium",
                "the browser of the browser tests",
                browser,
                "chromium",
                &["chromium"],
            )
        },
        packages(
            "playwright-core and axe-core",
            BROWSER_TESTS,
            "drive the browser and judge its pages",
            browser,
        ),
    ]
}

fn for_tests() -> Vec<Need> {
    let component = |name, program: &'static str, why, without| Need {
        name,
        why,
        without,
        needed: false,
        present: Box::new(move || is_beside_cargo(program)),
        source: Source::RustupComponent(name),
    };
    let mut needs = vec![
        component(
            "rustfmt",
            "cargo-fmt",
            "checks the format",
            "the format is not checked",
        ),
        component(
            "clippy",
            "cargo-clippy",
            "looks for faults in the code",
            "lints are not checked",
        ),
        apt(
            "ffmpeg",
            "an independent judge of the audio",
            "audio is not compared with ffmpeg's",
            "ffmpeg",
            &["ffmpeg"],
        ),
        apt(
            "swaks",
            "an independent SMTP client",
            "SMTP is not tested with swaks",
            "swaks",
            &["swaks"],
        ),
        apt(
            "OpenSSL",
            "an independent reader of CMS envelopes",
            "envelopes are not read by OpenSSL",
            "openssl",
            &["openssl"],
        ),
        apt(
            "faketime",
            "gives a server another clock",
            "servers are not tested with wrong clocks",
            "faketime",
            &["faketime"],
        ),
        tool(
            "cargo-deny",
            versions::CARGO_DENY.to_owned(),
            "checks licences and sources of the dependencies",
            "licences, bans and sources are not checked",
            false,
        ),
    ];
    if any_test_runs_in_a_browser() {
        let without = "WebAssembly tests do not run in a browser";
        needs.push(apt(
            "chromedriver",
            "runs WebAssembly tests in Chromium",
            without,
            "chromedriver",
            &["chromium-driver"],
        ));
    }
    needs
}

fn apt(
    name: &'static str,
    why: &'static str,
    without: &'static str,
    program: &'static str,
    packages: &'static [&'static str],
) -> Need {
    let present = Box::new(move || paths::on_path(program).is_some());
    Need {
        name,
        why,
        without,
        needed: true,
        present,
        source: Source::Apt(packages),
    }
}

fn tool(
    name: &'static str,
    version: String,
    why: &'static str,
    without: &'static str,
    needed: bool,
) -> Need {
    let wanted = version.clone();
    let present = Box::new(move || cached::is_there(name, &wanted));
    Need {
        name,
        why,
        without,
        needed,
        present,
        source: Source::Crate(name, version),
    }
}

fn packages(
    name: &'static str,
    folder: &'static str,
    why: &'static str,
    without: &'static str,
) -> Need {
    let present = Box::new(move || npm::is_there(folder));
    Need {
        name,
        why,
        without,
        needed: true,
        present,
        source: Source::Npm(folder),
    }
}

/// Chromium or a near relative: `$CHROMIUM`, else the first found on `PATH`.
pub fn chromium() -> Option<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Some(PathBuf::from(named)).filter(|file| file.is_file());
    }
    ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .find_map(|name| paths::on_path(name))
}

/// True when a program stands beside the cargo that runs us: rustup's proxies on `PATH` are there even without the component.
fn is_beside_cargo(program: &str) -> bool {
    let cargo = env::var_os("CARGO").map(PathBuf::from);
    cargo
        .as_deref()
        .and_then(Path::parent)
        .is_some_and(|folder| folder.join(program).is_file())
}

/// True when a WebAssembly test asks to run in a browser instead of Node.js.
pub fn any_test_runs_in_a_browser() -> bool {
    crate::test::wasm_test_files()
        .iter()
        .any(|file| fs::read_to_string(file).is_ok_and(|text| text.contains("run_in_browser")))
}
