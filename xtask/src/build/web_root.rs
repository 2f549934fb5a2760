//! Puts the web root together from its parts; the contract is in the documentation of [`super`].

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{applications::Application, bare, chunks, compress, inputs};
use crate::{failure::Failure, paths, process::say};

/// Where the web root is served.
const BASE: &str = "/MyCallPilot/";

/// Builds a new web root beside the old one and then puts it in its place: a failed build leaves the old one whole.
///
/// Each application comes with the folder of its compiled client.
pub fn assemble(
    root: &Path,
    built: &[(&Application, PathBuf)],
    dist: &Path,
) -> Result<(), Failure> {
    let new = paths::partial(dist);
    remove(&new)?;
    let web = WebRoot { folder: new };
    web.fill(root, built)?;
    web.say_sizes()?;
    remove(dist)?;
    fs::rename(&web.folder, dist)
        .map_err(|source| Failure::io("put the new web root in its place", dist, &source))
}

struct WebRoot {
    folder: PathBuf,
}

impl WebRoot {
    fn fill(&self, root: &Path, built: &[(&Application, PathBuf)]) -> Result<(), Failure> {
        let mut later = Vec::new();
        let applications = built
            .iter()
            .map(|(application, compiled)| {
                self.add_application(root, application, compiled, &mut later)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let boot = replace(
            &text(&root.join("app/boot.js"))?,
            "/*APPLICATIONS*/[]",
            &json!(applications).to_string(),
            "app/boot.js",
        )?;
        let boot = self.add_hashed("boot", "js", bare::script(&boot).as_bytes())?;
        let style = style(&root.join("app/crates/ui/style"))?;
        let style = self.add_hashed("style", "css", bare::style(&style).as_bytes())?;

        let page = text(&root.join("index.html"))?;
        let page = replace(
            &page,
            "<!--STYLE-->",
            &format!(r#"<link rel="stylesheet" href="{style}">"#),
            "index.html",
        )?;
        let page = replace(
            &page,
            "<!--APP-->",
            &format!(r#"<script type="module" src="{boot}"></script>"#),
            "index.html",
        )?;
        self.add("index.html", page.as_bytes())?;

        let (mut addresses, build_id) = self.content()?;
        addresses.retain(|address| !later.contains(address));
        let worker = text(&root.join("app/sw.js"))?;
        let worker = replace(
            &worker,
            "/*PRECACHE*/[]",
            &json!(addresses).to_string(),
            "app/sw.js",
        )?;
        let worker = replace(
            &worker,
            "/*CHUNKS*/[]",
            &json!(later).to_string(),
            "app/sw.js",
        )?;
        let worker = replace(&worker, "__BUILD_ID__", &build_id, "app/sw.js")?;
        self.add("sw.js", bare::script(&worker).as_bytes())?;

        for file in inputs::files(&self.folder)? {
            compress::beside(&file)?;
        }
        Ok(())
    }

    /// Adds the bundle of an application and its other files; gives back what `boot` needs to start it. The addresses of its chunks are added
    /// to `later`.
    fn add_application(
        &self,
        root: &Path,
        application: &Application,
        compiled: &Path,
        later: &mut Vec<String>,
    ) -> Result<Value, Failure> {
        let files = root.join(application.source()).join("static");
        self.copy_folder(&files, "assets")?;
        // wasm-bindgen's module imports these by relative names.
        self.copy_folder(&compiled.join("snippets"), "assets/snippets")?;
        let wasm = read(&compiled.join(application.wasm()))?;
        let module = text(&compiled.join(application.module()))?;
        let module = self.add_chunks(application, compiled, &module, later)?;
        Ok(json!({
            "base": application.base,
            "module": self.add_hashed(application.package, "js", bare::script(&module).as_bytes())?,
            "wasm": self.add_hashed(&format!("{}_bg", application.package), "wasm", &wasm)?,
        }))
    }

    /// Adds the chunks of an application; gives back its module with their addresses and digests.
    fn add_chunks(
        &self,
        application: &Application,
        compiled: &Path,
        module: &str,
        later: &mut Vec<String>,
    ) -> Result<String, Failure> {
        let chunks = chunks::list(compiled)?;
        if chunks.is_empty() {
            return Ok(module.to_owned());
        }
        let mut list = BTreeMap::new();
        for (chunk, files) in &chunks {
            let mut add = |name: &String| {
                let content = read(&chunks::file(compiled, name))?;
                let stem = format!("{}-{name}", application.package);
                let digest = BASE64.encode(Sha256::digest(&content));
                let address = self.add_hashed(&stem, "wasm", &content)?;
                if !later.contains(&address) {
                    later.push(address.clone());
                }
                Ok([address, format!("sha256-{digest}")])
            };
            let files = files
                .iter()
                .map(&mut add)
                .collect::<Result<Vec<_>, Failure>>()?;
            list.insert(chunk, files);
        }
        replace(
            module,
            chunks::LIST,
            &json!(list).to_string(),
            "app/chunks.js",
        )
    }

    /// The address of everything in the web root so far, and a name for just this content.
    fn content(&self) -> Result<(Vec<String>, String), Failure> {
        let mut hasher = blake3::Hasher::new();
        let mut addresses = Vec::new();
        for file in inputs::files(&self.folder)? {
            let name = file
                .strip_prefix(&self.folder)
                .unwrap_or(&file)
                .to_string_lossy()
                .into_owned();
            hasher
                .update(name.as_bytes())
                .update(blake3::hash(&read(&file)?).as_bytes());
            addresses.push(format!(
                "{BASE}{}",
                if name == "index.html" { "" } else { &name }
            ));
        }
        Ok((addresses, short(hasher.finalize())))
    }

    /// Adds a file under a name that holds its digest; gives back its address.
    fn add_hashed(&self, stem: &str, extension: &str, content: &[u8]) -> Result<String, Failure> {
        let name = format!("assets/{stem}.{}.{extension}", short(blake3::hash(content)));
        self.add(&name, content)?;
        Ok(format!("{BASE}{name}"))
    }

    fn add(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        let file = self.folder.join(name);
        let folder = file.parent().unwrap_or(&self.folder);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, content));
        written.map_err(|source| Failure::io("write the file", &file, &source))
    }

    fn copy_folder(&self, from: &Path, to: &str) -> Result<(), Failure> {
        for file in inputs::files(from)? {
            let name = file
                .strip_prefix(from)
                .unwrap_or(&file)
                .to_string_lossy()
                .into_owned();
            self.add(&format!("{to}/{name}"), &read(&file)?)?;
        }
        Ok(())
    }

    fn say_sizes(&self) -> Result<(), Failure> {
        let size = |path: &Path| fs::metadata(path).map_or(0, |data| data.len()) / 1000;
        for file in inputs::files(&self.folder)? {
            if file
                .extension()
                .is_some_and(|extension| extension == "wasm")
            {
                let compressed = file.with_extension("wasm.br");
                say(format!(
                    "build: {} is {} kB, {} kB on the wire (brotli)",
                    file.file_name().unwrap_or_default().to_string_lossy(),
                    size(&file),
                    size(&compressed)
                ));
            }
        }
        Ok(())
    }
}

fn style(folder: &Path) -> Result<String, Failure> {
    let mut joined = String::new();
    for file in inputs::files(folder)?
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "css"))
    {
        joined.push_str(&text(file)?);
        joined.push('\n');
    }
    if joined.is_empty() {
        return Err(Failure::new("there is no style sheet")
            .at(folder.display())
            .remedy("put at least one .css file there"));
    }
    Ok(joined)
}

/// Replaces a placeholder; a file without it would make a page that silently lacks a part.
fn replace(text: &str, placeholder: &str, by: &str, file: &str) -> Result<String, Failure> {
    if !text.contains(placeholder) {
        let remedy = "put it where the build is to write (see the top of xtask/src/build/mod.rs)";
        return Err(
            Failure::new(format!("the placeholder {placeholder} is missing"))
                .at(file)
                .remedy(remedy),
        );
    }
    Ok(text.replace(placeholder, by))
}

fn short(hash: blake3::Hash) -> String {
    hash.to_hex()[..16].to_owned()
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|source| Failure::io("read the file", file, &source))
}

fn text(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|source| Failure::io("read the file", file, &source))
}

/// Removes a folder with all that is in it, if it is there.
pub fn remove(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Failure::io("remove the old folder", folder, &source))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::applications::APPLICATIONS, *};

    fn parts(folder: &Path) -> PathBuf {
        let write = |name: &str, content: &str| {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().expect("a file has a folder"))
                .expect("the folder is ours");
            fs::write(file, content).expect("the folder is ours");
        };
        write("index.html", "<head><!--STYLE--><!--APP--></head>");
        write("app/crates/ui/style/20-page.css", "b{}");
        write("app/crates/ui/style/10-base.css", "a{}");
        write("app/crates/my-callpilot/static/icon.svg", "<svg/>");
        write(
            "app/boot.js",
            "const APPLICATIONS = /*APPLICATIONS*/[]; start(APPLICATIONS);",
        );
        write(
            "app/sw.js",
            "const FILES = /*PRECACHE*/[]; const CHUNKS = /*CHUNKS*/[]; const BUILD = '__BUILD_ID__';",
        );
        write(
            "client/my-callpilot.js",
            "export default async () => /*CHUNKS*/{};",
        );
        write(
            "client/chunks.json",
            r#"{"fax":["both","fax"],"help":["both"]}"#,
        );
        write("client/both.wasm", "\0asm both");
        write("client/fax.wasm", "\0asm fax");
        write("client/my-callpilot_bg.wasm", "\0asm");
        folder.join("client")
    }

    fn assembled(folder: &Path, client: &Path, dist: &Path) -> Result<(), Failure> {
        assemble(folder, &[(&APPLICATIONS[0], client.to_path_buf())], dist)
    }

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        remove(&folder).expect("the folder is ours");
        folder
    }

    #[test]
    fn every_address_in_the_page_and_in_the_worker_is_a_file_of_the_web_root() {
        let folder = scratch("addresses");
        let client = parts(&folder);
        let dist = folder.join("dist");
        assembled(&folder, &client, &dist).expect("all parts are there");

        let page = text(&dist.join("index.html")).expect("there is a page");
        let worker = text(&dist.join("sw.js")).expect("there is a worker");
        let boot = page.split('"').find_map(|word| {
            let name = word.strip_prefix(BASE)?;
            name.starts_with("assets/boot.").then(|| dist.join(name))
        });
        let boot = text(&boot.expect("the page names it")).expect("there is a boot script");
        assert!(
            !page.contains("<!--")
                && !boot.contains("/*")
                && !worker.contains("PRECACHE")
                && !worker.contains("__BUILD_ID__")
        );
        let addresses = [&page, &boot, &worker]
            .into_iter()
            .flat_map(|text| text.split('"'))
            .filter_map(|word| word.strip_prefix(BASE));
        let addresses = addresses
            .filter(|name| !name.is_empty())
            .collect::<Vec<_>>();
        assert!(addresses.len() >= 9, "{addresses:?}");
        for name in addresses {
            assert!(
                dist.join(name).is_file(),
                "{name} is named but is not there"
            );
        }
        remove(&folder).expect("the folder is ours");
    }

    #[test]
    fn chunks_are_known_to_the_module_by_address_and_digest_and_kept_only_later() {
        let folder = scratch("chunks");
        let client = parts(&folder);
        let dist = folder.join("dist");
        assembled(&folder, &client, &dist).expect("all parts are there");
        let worker = text(&dist.join("sw.js")).expect("there is a worker");
        let list = |name: &str| -> Vec<String> {
            let rest = worker.split(&format!("const {name} = ")).nth(1);
            let list = rest.and_then(|rest| rest.split(';').next());
            serde_json::from_str(list.expect("it has the list")).expect("a list")
        };
        let [both, fax] = &list("CHUNKS")[..] else {
            panic!("not two chunks: {worker}");
        };
        assert!(both.contains("/assets/my-callpilot-both.") && fax.contains("-fax."));
        assert!(!list("FILES").contains(both) && !list("FILES").contains(fax));
        let files = inputs::files(&dist.join("assets")).expect("there are files");
        let module = files.iter().find(|file| {
            file.extension().is_some_and(|extension| extension == "js")
                && !file.to_string_lossy().contains("boot")
        });
        let module = text(module.expect("there is a module")).expect("it is text");
        let digest = BASE64.encode(Sha256::digest(b"\0asm fax"));
        assert!(
            module.contains(&format!(r#"["{fax}","sha256-{digest}"]"#)),
            "{module}"
        );
        remove(&folder).expect("the folder is ours");
    }

    #[test]
    fn style_sheets_are_joined_in_the_order_of_their_names() {
        let folder = scratch("style");
        parts(&folder);
        assert_eq!(
            style(&folder.join("app/crates/ui/style")).expect("there are two"),
            "a{}\nb{}\n"
        );
        remove(&folder).expect("the folder is ours");
    }

    #[test]
    fn a_page_without_a_placeholder_is_refused_and_the_old_web_root_stays() {
        let folder = scratch("placeholder");
        let client = parts(&folder);
        let dist = folder.join("dist");
        fs::create_dir_all(&dist).expect("the folder is ours");
        fs::write(folder.join("index.html"), "<head><!--STYLE--></head>")
            .expect("the folder is ours");
        let failure =
            assembled(&folder, &client, &dist).expect_err("there is no place for the client");
        assert!(
            failure.what.contains("<!--APP-->") && dist.is_dir(),
            "{failure}"
        );
        remove(&folder).expect("the folder is ours");
    }
}
