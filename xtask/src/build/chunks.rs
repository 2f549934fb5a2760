//! Cuts an application into its first bundle and chunks that are fetched when they are first needed.
//!
//! The crate `wasm_split_cli_support` does the cutting: from the functions that are marked as the beginnings of a chunk (`ui::lazy_page!`) it follows
//! the linker's relocations, and what is reached from nowhere else goes into the chunk. Both share memory, stack and the table of functions, so they
//! are one program. Here its chunks are put beside the bundle, and `app/chunks.js`, which fetches them, into the module of wasm-bindgen.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use wasm_split_cli_support::Options;

use crate::failure::Failure;

/// From where the bundle takes the functions that fetch its chunks. No file is called so: it stands in wasm-bindgen's module.
const LINK_MODULE: &str = "./chunks.js";
/// Where in `app/chunks.js` the list of files goes.
pub const LIST: &str = "/*CHUNKS*/{}";
/// The beginning of the name of a function that fetches a chunk.
const LOADER: &str = "__wasm_split_load_";
/// The file of [`Chunks`] in the folder of the compiled client.
const LIST_FILE: &str = "chunks.json";

/// The files of each chunk, named without folder and ending.
pub type Chunks = BTreeMap<String, Vec<String>>;

/// Cuts the linked module `whole`; the first bundle is written to `first`, chunks and their list to `folder`.
pub fn cut(whole: &Path, first: &Path, folder: &Path) -> Result<(), Failure> {
    let module =
        fs::read(whole).map_err(|source| Failure::io("read what was linked", whole, &source))?;
    let mut options = Options::new(&module);
    options.output_dir = folder;
    options.main_out_path = first;
    options.link_name = LINK_MODULE;
    let cut = wasm_split_cli_support::transform(options).map_err(|fault| {
        Failure::new(format!("the client cannot be cut: {fault:#}")).at(whole.display())
    })?;
    let chunks: Chunks = cut.prefetch_map.into_iter().collect();
    let list = folder.join(LIST_FILE);
    let text = serde_json::to_vec(&chunks)
        .map_err(|fault| Failure::new(format!("the list of chunks cannot be written: {fault}")))?;
    fs::write(&list, text).map_err(|source| Failure::io("write the list of chunks", &list, &source))
}

/// The chunks that were cut into a folder.
pub fn list(folder: &Path) -> Result<Chunks, Failure> {
    let list = folder.join(LIST_FILE);
    let text =
        fs::read(&list).map_err(|source| Failure::io("read the list of chunks", &list, &source))?;
    serde_json::from_slice(&text).map_err(|fault| {
        Failure::new(format!("the list of chunks is damaged: {fault}")).at(list.display())
    })
}

/// The files of all chunks in a folder, each once.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut names: Vec<String> = list(folder)?.into_values().flatten().collect();
    names.sort();
    names.dedup();
    Ok(names.iter().map(|name| file(folder, name)).collect())
}

/// The file of a chunk.
pub fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.wasm"))
}

/// wasm-bindgen's module with what fetches the chunks in place of the import of it. It imports the same once for each chunk.
pub fn join(glue: &str, fetching: &str, chunks: &Chunks) -> Result<String, Failure> {
    let mut imports = glue.lines().filter_map(|line| {
        let name = line.strip_prefix("import * as ")?;
        let (name, from) = name.split_once(" from ")?;
        let from = from.trim_end_matches(';').trim_matches(['"', '\'']);
        (from == LINK_MODULE).then_some((line, name))
    });
    let Some((line, name)) = imports.next() else {
        return match chunks.is_empty() {
            true => Ok(glue.to_owned()),
            false => Err(Failure::new(
                "the module of wasm-bindgen imports nothing that fetches chunks",
            )),
        };
    };
    let loaders = chunks
        .keys()
        .map(|chunk| format!("  {LOADER}{chunk}: chunkLoader(\"{chunk}\"),\n"));
    let loaders: String = loaders.collect();
    let inside = format!("{fetching}\nconst {name} = {{\n{loaders}}};");
    let first = glue.replacen(line, &inside, 1);
    Ok(imports.fold(first, |glue, (line, other)| {
        glue.replacen(line, &format!("const {other} = {name};"), 1)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks() -> Chunks {
        let files = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Chunks::from([
            ("fax".to_owned(), files(&["chunk_3", "split_fax"])),
            ("help".to_owned(), files(&["split_help"])),
        ])
    }

    #[test]
    fn what_is_imported_several_times_is_one_and_the_same() {
        let import = |n| format!("import * as import{n} from \"./chunks.js\"\n");
        let glue = [import(1), import(2), import(3)].concat();
        let joined = join(&glue, "", &chunks()).expect("it is imported");
        assert!(!joined.contains("from"), "{joined}");
        assert!(joined.ends_with("};\nconst import2 = import1;\nconst import3 = import1;\n"));
    }

    #[test]
    fn what_fetches_the_chunks_stands_in_the_module_that_imported_it() {
        let glue = "import * as import1 from \"./chunks.js\"\nconst imports = {\n  \"./chunks.js\": import1,\n};\n";
        let joined = join(glue, "const CHUNKS = {};", &chunks()).expect("it is imported");
        assert_eq!(
            joined,
            "const CHUNKS = {};\nconst import1 = {\n  __wasm_split_load_fax: chunkLoader(\"fax\"),\n  \
             __wasm_split_load_help: chunkLoader(\"help\"),\n};\nconst imports = {\n  \"./chunks.js\": import1,\n};\n"
        );
    }

    #[test]
    fn chunks_that_nothing_could_fetch_are_refused() {
        assert!(join("export default 1;", "", &chunks()).is_err());
        let same = join("export default 1;", "", &Chunks::new()).expect("nothing is needed");
        assert_eq!(same, "export default 1;");
    }
}
