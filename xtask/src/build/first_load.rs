//! What a browser fetches before it shows the inbox, and the limits that it has to keep.

use std::{fs, path::Path};

use super::inputs;
use crate::failure::Failure;

/// Bytes on the wire of the first bundle.
const BUNDLE_MAX: u64 = 250_000;
/// Bytes on the wire of everything: page, style, scripts, bundle, signs.
const ALL_MAX: u64 = 260_000;
/// The end of the name of a first bundle before the digest, which chunks do not have.
const BUNDLE: &str = "_bg";

/// Says how large the first load from a web root is, compressed by brotli as the server sends it.
///
/// # Errors
/// It is larger than the limits allow.
pub fn judge(web_root: &Path) -> Result<String, Failure> {
    let (mut bundle, mut all) = (0, 0);
    for file in inputs::files(web_root)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let compressed = [".br", ".gz"].iter().any(|ending| name.ends_with(ending));
        let is_bundle = name
            .split('.')
            .next()
            .is_some_and(|stem| stem.ends_with(BUNDLE));
        let is_chunk = name.ends_with(".wasm") && !is_bundle;
        // The service worker comes when the page stands.
        if compressed || is_chunk || name == "sw.js" {
            continue;
        }
        let mut sent = file.clone().into_os_string();
        sent.push(".br");
        let size = fs::metadata(&sent).or_else(|_| fs::metadata(&file));
        let size = size.map_err(|source| Failure::io("measure the file", &file, &source))?;
        all += size.len();
        if is_bundle {
            bundle += size.len();
        }
    }
    let said = format!("the first load is {all} bytes of brotli, {bundle} of them WebAssembly");
    if bundle > BUNDLE_MAX || all > ALL_MAX {
        let limits = format!("{said}; the limits are {ALL_MAX} and {BUNDLE_MAX}");
        return Err(Failure::new(limits)
            .remedy("put what the inbox does not need into a chunk (`ui::lazy_page!`)"));
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_and_the_worker_do_not_count_and_what_is_too_much_is_refused() {
        let folder = std::env::temp_dir().join(format!("xtask-first-load-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the folder is ours");
        let write = |name: &str, size: usize| {
            fs::write(folder.join(name), vec![b'.'; size]).expect("the folder is ours");
        };
        write("index.html", 900);
        write("index.html.br", 400);
        write("index.html.gz", 500);
        write("sw.js", 50_000);
        write("app-help.0123456789abcdef.wasm.br", 100_000);
        write("app-help.0123456789abcdef.wasm", 300_000);
        write("app_bg.0123456789abcdef.wasm", 900_000);
        write("app_bg.0123456789abcdef.wasm.br", 250_000);
        write("pair.svg", 100);
        let said = judge(&folder).expect("it is within the limits");
        assert!(
            said.contains("is 250500 bytes") && said.contains("250000 of them"),
            "{said}"
        );
        write("app_bg.0123456789abcdef.wasm.br", 250_001);
        assert!(judge(&folder).is_err());
        write("app_bg.0123456789abcdef.wasm.br", 250_000);
        write("pair.svg", 9_601);
        assert!(judge(&folder).is_err());
        fs::remove_dir_all(&folder).expect("the folder is ours");
    }
}
