//! The copy of the engine in `target/mutants/`: the packages that are judged with all their mutants in them, the simulator, and the
//! little crate that knows which mutant is switched on.
//!
//! Files are written only when they are other than before, so that cargo builds again only what has changed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{
    find::{Answering, find},
    mutant::{Mutant, number_equals},
    rewrite::rewrite,
};
use crate::{build, failure::Failure, paths};

/// The packages whose conditions are judged, by name and folder.
pub const JUDGED: [(&str, &str); 3] = [
    ("domain", "server/crates/domain"),
    ("gr-proto", "server/crates/gr-proto"),
    ("ledger", "server/crates/ledger"),
];

/// Parts of them that are for tests: the ledger in memory, and the suite for all ledgers.
const LEFT_OUT: [&str; 4] = ["conformance", "conformance.rs", "memory", "memory.rs"];

/// Packages that the judged ones need as they are.
const NEEDED: [&str; 4] = [
    "plugin-sdk/crates/contract",
    "server/crates/store",
    "server/crates/writer",
    "tests/faulty-disk",
];

/// The simulator. In the workspace it is part of a package that needs a whole server to build.
const SIMULATOR: &str = "tests/simulation";

/// What it depends on.
const SIMULATOR_NEEDS: [&str; 8] = [
    "bytes",
    "domain",
    "faulty-disk",
    "gr-proto",
    "ledger",
    "mimalloc",
    "store",
    "writer",
];

/// The crate behind each switch.
pub const SWITCH: &str = include_str!("switch.rs");

/// Where the copy stands.
pub fn folder() -> PathBuf {
    paths::target().join("mutants")
}

/// All mutants of the engine as it is now, and each source file as it is with them.
pub struct Found {
    /// The mutants, in the order of files and lines.
    pub mutants: Vec<Mutant>,
    /// Each file from the top of the clone, and its text.
    rewritten: Vec<(PathBuf, String)>,
}

/// Reads the judged packages.
pub fn find_all() -> Result<Found, Failure> {
    let mut sources = Vec::new();
    let mut answering = Answering::default();
    for (name, package) in JUDGED {
        let folder = paths::root().join(package).join("src");
        let mut files = build::files(&folder)?;
        files.retain(|file| {
            let within = file.strip_prefix(&folder).unwrap_or(file);
            let rust = file.extension().is_some_and(|extension| extension == "rs");
            rust && !LEFT_OUT.iter().any(|part| within.starts_with(part))
        });
        files.sort();
        for path in files {
            let text = read(&path)?;
            let parsed = syn::parse_file(&text)
                .map_err(|source| Failure::new(format!("not Rust: {source}")).at(path.display()))?;
            answering.learn(&parsed);
            let within = path.strip_prefix(&folder).unwrap_or(&path);
            sources.push((format!("{name}/{}", within.display()), path, text, parsed));
        }
    }
    let mut found = Found {
        mutants: Vec::new(),
        rewritten: Vec::new(),
    };
    for (name, path, text, parsed) in sources {
        // Numbers begin at 1: with 0 all is as it is written.
        let next = found.mutants.len() as u32 + 1;
        let (mutants, edits) = find(&name, &text, &parsed, &answering, next);
        found.mutants.extend(mutants);
        let path = path
            .strip_prefix(paths::root())
            .unwrap_or(&path)
            .to_path_buf();
        found.rewritten.push((path, rewrite(&text, &edits)));
    }
    number_equals(&mut found.mutants);
    Ok(found)
}

/// Writes the copy, and removes from it what has gone from the clone: cargo would go on running a test that is there no more.
pub fn write(found: &Found) -> Result<(), Failure> {
    let mut copy = Copy::default();
    copy_sources(found, &mut copy)?;
    copy_manifests(&mut copy)?;
    for part in ["plugin-sdk", "server", "tests"] {
        for file in build::files(&folder().join(part))? {
            if !copy.written.contains(&file) {
                fs::remove_file(&file).map_err(|source| Failure::io("remove", &file, &source))?;
            }
        }
    }
    Ok(())
}

/// What has been written.
#[derive(Default)]
struct Copy {
    written: BTreeSet<PathBuf>,
}

impl Copy {
    fn put(&mut self, path: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
        let path = folder().join(path);
        let content = content.as_ref();
        self.written.insert(path.clone());
        if fs::read(&path).is_ok_and(|old| old == content) {
            return Ok(());
        }
        fs::create_dir_all(path.parent().unwrap_or(&path))
            .and_then(|()| fs::write(&path, content))
            .map_err(|source| Failure::io("write", &path, &source))
    }
}

fn copy_sources(found: &Found, copy: &mut Copy) -> Result<(), Failure> {
    let packages = JUDGED.iter().map(|(_, package)| *package).chain(NEEDED);
    for package in packages {
        let from = paths::root().join(package);
        for file in build::files(&from)? {
            let path = file.strip_prefix(paths::root()).unwrap_or(&file);
            let judged = found.rewritten.iter().find(|(judged, _)| judged == path);
            let is_judged = JUDGED.iter().any(|(_, judged)| *judged == package);
            match judged {
                Some((_, text)) => copy.put(path, text)?,
                None if is_judged && path.ends_with("Cargo.toml") => {
                    copy.put(path, with_switch(&read(&file)?, &file)?)?;
                }
                // Test data need not be text.
                None => {
                    let content = fs::read(&file);
                    let content = content.map_err(|source| Failure::io("read", &file, &source))?;
                    copy.put(path, content)?;
                }
            }
        }
    }
    for file in build::files(&paths::root().join(SIMULATOR))? {
        let path = file.strip_prefix(paths::root()).unwrap_or(&file);
        copy.put(path, read(&file)?)?;
    }
    copy.put(Path::new("mutants/src/lib.rs"), SWITCH)
}

fn copy_manifests(copy: &mut Copy) -> Result<(), Failure> {
    copy.put(Path::new("mutants/Cargo.toml"), package("mutants", ""))?;
    let needs = SIMULATOR_NEEDS.map(|name| format!("{name}.workspace = true\n"));
    let simulator = format!(
        "[[bin]]\nname = \"gr-sim\"\npath = \"main.rs\"\n\n\
        [features]\nrule-switches = []\n\n\
        [dependencies]\n{}",
        needs.concat()
    );
    copy.put(
        &Path::new(SIMULATOR).join("Cargo.toml"),
        package("simulation", &simulator),
    )?;
    copy.put(
        Path::new("Cargo.lock"),
        read(&paths::root().join("Cargo.lock"))?,
    )?;
    copy.put(Path::new("Cargo.toml"), workspace()?)
}

fn package(name: &str, rest: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition.workspace = true\npublish = false\n\n{rest}"
    )
}

/// The top manifest: the same dependencies, other members, and no lints, for nobody reads the copy.
fn workspace() -> Result<String, Failure> {
    let path = paths::root().join("Cargo.toml");
    let mut manifest = table(&read(&path)?, &path)?;
    let members = NEEDED
        .iter()
        .copied()
        .chain(JUDGED.iter().map(|(_, package)| *package));
    let members = members.chain([SIMULATOR, "mutants"]).map(Value::from);
    let members = Value::Array(members.collect());
    let workspace = manifest.get_mut("workspace").and_then(Value::as_table_mut);
    let workspace = workspace.ok_or_else(|| Failure::new("no [workspace]").at(path.display()))?;
    workspace.remove("default-members");
    workspace.insert("members".to_owned(), members);
    let mut lints = Table::new();
    lints.insert("rust".to_owned(), Value::Table(warnings_allowed()));
    workspace.insert("lints".to_owned(), Value::Table(lints));
    let dependencies = workspace
        .get_mut("dependencies")
        .and_then(Value::as_table_mut);
    if let Some(dependencies) = dependencies {
        let mut here = Table::new();
        here.insert("path".to_owned(), "mutants".into());
        dependencies.insert("mutants".to_owned(), Value::Table(here));
    }
    Ok(manifest.to_string())
}

fn warnings_allowed() -> Table {
    let mut level = Table::new();
    level.insert("warnings".to_owned(), "allow".into());
    level
}

/// The manifest of a judged package, with the crate behind the switches.
fn with_switch(text: &str, path: &Path) -> Result<String, Failure> {
    let mut manifest = table(text, path)?;
    let dependencies = manifest
        .get_mut("dependencies")
        .and_then(Value::as_table_mut);
    let dependencies =
        dependencies.ok_or_else(|| Failure::new("no [dependencies]").at(path.display()))?;
    let mut inherited = Table::new();
    inherited.insert("workspace".to_owned(), true.into());
    dependencies.insert("mutants".to_owned(), Value::Table(inherited));
    Ok(manifest.to_string())
}

fn table(text: &str, path: &Path) -> Result<Table, Failure> {
    text.parse::<Table>()
        .map_err(|source| Failure::new(format!("not TOML: {source}")).at(path.display()))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::io("read", path, &source))
}
