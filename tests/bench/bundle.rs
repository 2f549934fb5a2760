//! Size of My CallPilot as it goes over the wire.

use crate::report::{Aim, Report};
use std::fs;
use std::path::Path;

pub fn measure(web_root: &Path, report: &mut Report) {
    let sizes = |beginning: &str, ending: &str| -> Option<u64> {
        let files = fs::read_dir(web_root.join("assets")).ok()?;
        let sizes = files.flatten().filter(|f| {
            let name = f.file_name();
            let name = name.to_string_lossy();
            name.starts_with(beginning) && name.ends_with(ending)
        });
        let sizes: Vec<u64> = sizes
            .filter_map(|f| f.metadata().ok())
            .map(|m| m.len())
            .collect();
        (!sizes.is_empty()).then(|| sizes.iter().sum())
    };
    let kilobytes = |octets: u64| octets as f64 / 1e3;
    match sizes("my-callpilot_bg.", ".wasm.br") {
        Some(wasm) => {
            report.add(
                "bundle_kB",
                "the browser client's WebAssembly, brotli",
                kilobytes(wasm),
                "kB",
                Some(Aim::AtMost(250.0)),
            );
            let others = ["my-callpilot.", "boot."].map(|name| sizes(name, ".js.br").unwrap_or(0));
            let others = others.iter().sum::<u64>() + sizes("style.", ".css.br").unwrap_or(0);
            report.add(
                "scripts_and_styles_kB",
                "its scripts and styles, brotli",
                kilobytes(others),
                "kB",
                None,
            );
        }
        None => eprintln!(
            "bundle: there is no built client in {}: `cargo xtask build` makes it",
            web_root.display()
        ),
    }
}
