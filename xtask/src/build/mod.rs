//! Builds the server and the browser's applications, and only what has changed since.
//!
//! # The web root
//!
//! `dist/` is the address space below `/MyCallPilot/`, file by file:
//!
//! | file | address | made from |
//! |---|---|---|
//! | `index.html` | `/MyCallPilot/` | the top-level `index.html`, the page of every application; `<!--STYLE-->` and `<!--APP-->` become the tags below |
//! | `sw.js` | `/MyCallPilot/sw.js` | `app/sw.js`; `/*PRECACHE*/[]` becomes the list of addresses, `/*CHUNKS*/[]` that of the chunks, which are kept later, `__BUILD_ID__` the build's name |
//! | `assets/PACKAGE.<hash>.js` | `/MyCallPilot/assets/…` | wasm-bindgen's module of an application |
//! | `assets/PACKAGE_bg.<hash>.wasm` | | the application's first bundle, by wasm-pack with [`bind`], and wasm-opt |
//! | `assets/PACKAGE-CHUNK.<hash>.wasm` | | its chunks, each fetched when it is first needed; the list of them is in the module |
//! | `assets/boot.<hash>.js` | | `app/boot.js`, which starts the application of the page's address; `/*APPLICATIONS*/[]` becomes the list. No script stands in the page, so the policy `script-src 'self' 'wasm-unsafe-eval'` holds |
//! | `assets/style.<hash>.css` | | `app/crates/ui/style/*.css`, joined in the order of their names |
//! | `assets/…` | | everything in the `static/` of an application, under its own name, which does not change with its content |
//!
//! A name with a hash (16 hexadecimal digits before the extension) never changes its content and may be kept for ever. Beside
//! each file of text or WebAssembly stands the same, compressed, with `.br` and `.gz` added to its name. Scripts and style come without their
//! comments ([`bare`]).
//!
//! `<!--STYLE-->` becomes the link to the style sheet, `<!--APP-->` the module script of `boot`, which fetches the bundle of the one
//! application that is needed. When it cannot start, `boot` sets `data-boot="failed"` on the `html` element, by which the page can
//! show what to do. Another application is a package, a row in [`APPLICATIONS`], and a route of the server to the same page.

mod applications;
mod bare;
pub mod bind;
mod chunks;
mod compress;
mod first_load;
mod inputs;
mod names;
mod order;
mod web_root;

use std::{fs, path::Path, process::Command};

pub use self::{
    applications::{APPLICATIONS, Application},
    inputs::files,
};
use crate::{
    failure::Failure,
    paths,
    process::{self, say},
    setup::{
        self,
        wasm::{self, Compiler},
    },
};

/// The profile of the browser's applications.
const PROFILE: &str = "wasm-release";

/// What wasm-opt may use: what every browser of the last four years knows and rustc already emits.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// What wasm-opt does. `-Oz` gives the smallest module and not the smallest on the wire: what it makes unlike its surroundings to save a
/// few bytes brotli finds no more. These were found by trying, one by one (kB of brotli for one module: `-Oz` 257.2, `-Os` 256.2, without
/// `local-cse` 254.9, with all of them 254.0).
const WASM_PASSES: [&str; 4] = [
    "-Os",
    "--skip-pass=local-cse",
    "--skip-pass=simplify-locals",
    "--one-caller-inline-max-function-size=0",
];

/// Builds the server to `target/release/callpilot`.
pub fn server() -> Result<(), Failure> {
    program("callpilot")
}

/// Builds one program of the workspace to `target/release/`.
///
/// No package is named, so that cargo takes all default members and their features together: the tests take the same,
/// and nothing is compiled twice.
pub fn program(name: &str) -> Result<(), Failure> {
    let mut command = Command::new("cargo");
    command
        .args(["build", "--release", "--bin", name])
        .current_dir(paths::root());
    process::run(&mut command)
}

/// Builds the browser's applications and the web root `dist/`.
pub fn app() -> Result<(), Failure> {
    // Two jobs at once would take each other's files away; the second waits, and then finds all of it done.
    let _lock = paths::lock(&paths::wasm_target().join("lock"))?;
    let root = paths::root();
    let compiled = inputs::digest(&root, &inputs::COMPILED, &inputs::WEB_ROOT)?;
    let stamp = paths::wasm_target().join("client.inputs");
    if !inputs::stamp_is(&stamp, &compiled) || !APPLICATIONS.iter().all(Application::is_whole) {
        for application in &APPLICATIONS {
            application.build()?;
        }
        inputs::set_stamp(&stamp, &compiled)?;
    }

    let everything = inputs::digest(&root, &inputs::WEB_ROOT, &[])? + &compiled;
    let stamp = paths::wasm_target().join("web-root.inputs");
    if inputs::stamp_is(&stamp, &everything) && paths::dist().join("index.html").is_file() {
        say("build: the browser client is up to date");
        return Ok(());
    }
    let built = APPLICATIONS
        .iter()
        .map(|application| (application, application.compiled()));
    web_root::assemble(&root, &built.collect::<Vec<_>>(), &paths::dist())?;
    inputs::set_stamp(&stamp, &everything)
}

/// Says how large the first load is, and fails where it is larger than it may be. A build is not judged: another compiler may make another size.
pub fn judge_first_load() -> Result<String, Failure> {
    first_load::judge(&paths::dist())
}

/// The setting of cargo by which a panic in a library names its file without the folder where this machine keeps it: a client tells
/// nothing of the machine that built it, and is smaller. And by the relocations that the linker keeps it is known what a function needs, and so what
/// belongs into which chunk. Cargo adds it to what `.cargo/config.toml` says.
fn flags() -> String {
    let sources = paths::cargo_home().join("registry").join("src");
    let folders = fs::read_dir(sources).into_iter().flatten().flatten();
    let flags = folders.map(|folder| format!("--remap-path-prefix={}=", folder.path().display()));
    // Debug's quotes are those of a basic string of TOML, for paths that people have.
    let relocations = "-Clink-arg=--emit-relocs".to_owned();
    let flags: Vec<String> = flags.chain([relocations]).collect();
    format!("target.{}.rustflags={flags:?}", wasm::TARGET)
}

impl Application {
    fn is_whole(&self) -> bool {
        let compiled = self.compiled();
        let files = [self.module(), self.wasm()].map(|file| compiled.join(file));
        files.iter().all(|file| file.is_file())
            && chunks::files(&compiled).is_ok_and(|files| files.iter().all(|file| file.is_file()))
    }

    fn build(&self) -> Result<(), Failure> {
        let compiler = wasm::compiler().ok_or_else(|| {
            Failure::new("there is no compiler for wasm32").remedy("run `cargo xtask setup`")
        })?;
        say(format!(
            "build: compiling {} ({}'s compiler)",
            self.package,
            compiler.name()
        ));
        web_root::remove(&self.compiled())?;
        self.pack(&compiler)?;
        self.join()?;
        say("build: making it small (wasm-opt)");
        let mut modules = chunks::files(&self.compiled())?;
        modules.push(self.compiled().join(self.wasm()));
        for module in modules {
            optimise(&module)?;
            order(&module)?;
        }
        Ok(())
    }

    /// Compiles it, cuts it and makes the JavaScript around it ([`bind`]).
    fn pack(&self, compiler: &Compiler) -> Result<(), Failure> {
        let mut command = compiler.command("wasm-pack")?;
        bind::put_before(&mut command)?;
        // Everything is installed already: `no-install` keeps wasm-pack from downloading programs of its own.
        command.arg("build").arg(self.source());
        command.args(["--target", "web", "--mode", "no-install"]);
        command.args(["--no-opt", "--no-pack", "--no-typescript"]);
        command.args(["--profile", PROFILE, "--out-name", self.package]);
        command.arg("--out-dir").arg(self.compiled());
        process::run(command.args(["--", "--config", &flags()]))
    }

    /// Puts what fetches the chunks into wasm-bindgen's module, and gives what lies between the parts short names.
    fn join(&self) -> Result<(), Failure> {
        let read = |path: &Path| {
            fs::read(path).map_err(|source| Failure::io("read what was compiled", path, &source))
        };
        let text = |path: &Path| Ok(String::from_utf8_lossy(&read(path)?).into_owned());
        let whole = self.compiled().join(self.wasm());
        let glue = self.compiled().join(self.module());
        let files = chunks::files(&self.compiled())?;
        let fetching = text(&paths::root().join("app/chunks.js"))?;
        let program = names::Program {
            module: read(&whole)?,
            glue: chunks::join(&text(&glue)?, &fetching, &chunks::list(&self.compiled())?)?,
            chunks: files
                .iter()
                .map(|file| read(file))
                .collect::<Result<_, _>>()?,
        };
        let short = names::shorten(&program)
            .map_err(|fault| Failure::new(format!("{} is no module: {fault}", whole.display())))?;
        let mut parts = vec![(whole, short.module), (glue, short.glue.into_bytes())];
        parts.extend(files.into_iter().zip(short.chunks));
        for (path, content) in parts {
            fs::write(&path, content)
                .map_err(|source| Failure::io("write what was compiled", &path, &source))?;
        }
        Ok(())
    }
}

fn optimise(whole: &Path) -> Result<(), Failure> {
    let small = whole.with_extension("small");
    let mut command = Command::new("node");
    command
        .arg(setup::wasm_opt())
        .arg(whole)
        .arg("-o")
        .arg(&small);
    // The profile does not strip, because wasm-bindgen reads a section that stripping removes; here it is safe.
    command
        .args(["--strip-debug", "--strip-producers"])
        .args(WASM_PASSES)
        .args(WASM_FEATURES);
    process::run(&mut command)?;
    fs::rename(&small, whole)
        .map_err(|source| Failure::io("put the small client in place of the large", whole, &source))
}

fn order(whole: &Path) -> Result<(), Failure> {
    let module =
        fs::read(whole).map_err(|source| Failure::io("read the small client", whole, &source))?;
    let ordered = order::like_beside_like(&module)
        .map_err(|fault| Failure::new(format!("{} is no module: {fault}", whole.display())))?;
    fs::write(whole, ordered)
        .map_err(|source| Failure::io("write the ordered client", whole, &source))
}
