//! Which package may use which: the arrows of ARCHITECTURE.md.

use std::{collections::BTreeSet, fs};

use toml::{Table, Value};

use crate::tree::{self, Fault};

/// Each package of ours with the packages of ours that it may use.
const MAY_USE: [(&str, &[&str]); 21] = [
    ("codec", &[]),
    ("contract", &[]),
    ("plugin-sdk", &["contract"]),
    ("ui", &["contract", "plugin-sdk"]),
    ("my-callpilot", &["codec", "contract", "ui"]),
    ("domain", &["contract"]),
    ("gr-proto", &["contract", "domain", "ledger"]),
    ("ledger", &["contract", "domain"]),
    ("compressed-sound", &["codec"]),
    ("vpim", &["codec", "compressed-sound"]),
    ("demo", &["vpim"]),
    ("store", &["contract", "domain", "ledger"]),
    ("writer", &["domain", "gr-proto", "ledger", "store"]),
    (
        "server",
        &[
            "allocator",
            "contract",
            "demo",
            "domain",
            "gr-proto",
            "ledger",
            "store",
            "vpim",
            "writer",
        ],
    ),
    ("allocator", &[]),
    ("counting-allocator", &[]),
    ("faulty-disk", &["store"]),
    (
        "fuzz-targets",
        &[
            "compressed-sound",
            "contract",
            "counting-allocator",
            "domain",
            "gr-proto",
            "server",
            "vpim",
        ],
    ),
    (
        "tests",
        &[
            "contract",
            "domain",
            "faulty-disk",
            "gr-proto",
            "ledger",
            "plugin-sdk",
            "server",
            "store",
            "vpim",
            "writer",
        ],
    ),
    ("plugin-sdk-wasm", &["contract", "plugin-sdk"]),
    ("plugin-sdk-c", &["contract", "plugin-sdk"]),
];

/// Packages that are jobs or tools of the repository: they use nothing of ours, and nothing uses them.
const ALONE: [&str; 1] = ["xtask"];

/// One package: its manifest's path, and the manifest.
pub struct Package {
    /// The manifest's path from the top of the repository.
    pub path: String,
    /// The package's name.
    pub name: String,
    manifest: Table,
}

impl Package {
    /// Reads a manifest.
    pub fn new(path: &str, text: &str) -> Self {
        let manifest = text
            .parse::<Table>()
            .unwrap_or_else(|error| panic!("{path} is not TOML: {error}"));
        let name = manifest
            .get("package")
            .and_then(|package| package.get("name"))
            .and_then(Value::as_str);
        Self {
            path: path.to_owned(),
            name: name.unwrap_or_default().to_owned(),
            manifest,
        }
    }

    /// The crates that the package uses when it runs or is built, for whatever target; not those of its tests.
    pub fn dependencies(&self) -> BTreeSet<String> {
        let targets = self.manifest.get("target").and_then(Value::as_table);
        let tables = targets
            .into_iter()
            .flat_map(Table::values)
            .filter_map(Value::as_table)
            .chain([&self.manifest]);
        let dependencies = tables.flat_map(|table| {
            ["dependencies", "build-dependencies"]
                .map(|kind| table.get(kind).and_then(Value::as_table))
        });
        dependencies
            .flatten()
            .flatten()
            .map(|(name, value)| {
                let renamed = value.get("package").and_then(Value::as_str);
                renamed.unwrap_or(name).to_owned()
            })
            .collect()
    }
}

/// The packages of the workspace.
pub fn packages() -> Vec<Package> {
    let workspace = read("Cargo.toml");
    let workspace = workspace
        .parse::<Table>()
        .expect("the top Cargo.toml is TOML");
    let members = workspace["workspace"]["members"]
        .as_array()
        .expect("a workspace has members");
    members
        .iter()
        .map(|member| {
            let path = format!(
                "{}/Cargo.toml",
                member.as_str().expect("a member is a path")
            );
            Package::new(&path, &read(&path))
        })
        .collect()
}

/// Dependencies that point the wrong way, and packages for which no rule is written.
pub fn faults(packages: &[Package]) -> Vec<Fault> {
    let ours = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect::<BTreeSet<_>>();
    let mut faults = Vec::new();
    for package in packages {
        let fault = |what| Fault {
            place: package.path.clone(),
            what,
        };
        let rule = MAY_USE
            .iter()
            .find(|(name, _)| *name == package.name)
            .map(|(_, allowed)| *allowed);
        let Some(allowed) = rule.or(ALONE.contains(&package.name.as_str()).then_some(&[])) else {
            faults.push(fault(format!(
                "no rule says what `{}` may use",
                package.name
            )));
            continue;
        };
        for used in package
            .dependencies()
            .iter()
            .filter(|used| ours.contains(used.as_str()))
        {
            if !allowed.contains(&used.as_str()) {
                faults.push(fault(format!("`{}` must not use `{used}`", package.name)));
            }
        }
    }
    faults
}

/// Packages with lints of their own: those of the workspace, without the one that forbids `unsafe` in a way that nothing can allow again.
const OWN_LINTS: [&str; 3] = ["allocator", "counting-allocator", "faulty-disk"];

/// Packages that do not take the lints of the workspace.
pub fn lint_faults(packages: &[Package]) -> Vec<Fault> {
    let takes = |package: &Package| {
        let lints = package
            .manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        lints.and_then(Value::as_bool) == Some(true)
    };
    let faulty = packages
        .iter()
        .filter(|package| !OWN_LINTS.contains(&&*package.name) && !takes(package));
    faulty
        .map(|package| Fault {
            place: package.path.clone(),
            what: "it has lints of its own, or none".to_owned(),
        })
        .collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(tree::root().join(path))
        .unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, rest: &str) -> Package {
        Package::new(
            &format!("{name}/Cargo.toml"),
            &format!("[package]\nname = \"{name}\"\n{rest}"),
        )
    }

    fn whats(faults: &[Fault]) -> Vec<&str> {
        faults.iter().map(|fault| fault.what.as_str()).collect()
    }

    #[test]
    fn a_wrong_arrow_is_a_fault_however_it_is_written() {
        let packages = [
            package(
                "store",
                "[dependencies]\ngr-proto = { path = \"x\" }\ndomain.workspace = true",
            ),
            package(
                "my-callpilot",
                "[target.'cfg(unix)'.dependencies]\nbackend = { package = \"server\", path = \"x\" }",
            ),
            package("contract", "[build-dependencies]\ndomain.workspace = true"),
            package("gr-proto", ""),
            package("server", "[dependencies]\nstore.workspace = true"),
            package("domain", "[dependencies]\ncontract.workspace = true"),
        ];
        let expected = [
            "`store` must not use `gr-proto`",
            "`my-callpilot` must not use `server`",
            "`contract` must not use `domain`",
        ];
        assert_eq!(whats(&faults(&packages)), expected);
    }

    #[test]
    fn what_only_tests_use_is_no_arrow() {
        let packages = [
            package("store", "[dev-dependencies]\nserver.workspace = true"),
            package("server", ""),
        ];
        assert_eq!(faults(&packages), []);
    }

    #[test]
    fn a_new_package_needs_a_rule_and_the_lints() {
        let packages = [package("common", "[lints.rust]\nunsafe_code = \"allow\"")];
        assert_eq!(
            whats(&faults(&packages)),
            ["no rule says what `common` may use"]
        );
        assert_eq!(lint_faults(&packages).len(), 1);
        assert_eq!(
            lint_faults(&[package("domain", "[lints]\nworkspace = true")]),
            []
        );
    }
}
