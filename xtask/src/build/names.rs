//! Short names between an application and its glue.
//!
//! What the module takes from the glue and gives to it is called by wasm-bindgen with long names and hashes, which no compression makes
//! small: 3 kB of 254 on the wire. Nobody but the two reads them, so each gets one letter or two, in both files. What the glue does not
//! call is no longer given, and wasm-opt leaves out what is behind it. The chunks of the application take from it what they share with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};

use wasm_encoder::{
    ExportSection, ImportSection, Module,
    reencode::{Error, Reencode, utils},
};
use wasmparser::{CustomSectionReader, Export, ImportSectionReader, Parser, Payload};

/// Classes of `wasm-streams` that give a stream of Rust's to the browser. The glue has them; it can make one only by an import of the module
/// whose name begins so.
const CLASSES: [(&str, &str); 3] = [
    (
        "intounderlyingbytesource",
        "__wbg_intounderlyingbytesource_new",
    ),
    ("intounderlyingsink", "__wbg_intounderlyingsink_new"),
    ("intounderlyingsource", "__wbg_intounderlyingsource_new"),
];
/// How the glue calls what the module gives.
const CALLED: &str = "wasm.";
/// What the first bundle is called in its chunks, as `app/chunks.js` has it.
const FIRST_BUNDLE: &str = "main";

/// What belongs together: the names between its parts are changed in all of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// The first bundle.
    pub module: Vec<u8>,
    /// wasm-bindgen's module.
    pub glue: String,
    /// The chunks. All that they take is given by the first bundle.
    pub chunks: Vec<Vec<u8>>,
}

/// A program with short names.
///
/// # Errors
/// A part is no module.
pub fn shorten(program: &Program) -> Result<Program, Error<Infallible>> {
    let mut called = called(&program.glue);
    for chunk in &program.chunks {
        called.extend(taken(chunk)?);
    }
    let mut names = Names {
        called,
        ..Names::default()
    };
    let mut short = Module::new();
    names.parse_core_module(&mut short, Parser::new(0), &program.module)?;
    let glue = names.rename(&program.glue);
    let chunks = program.chunks.iter().map(|chunk| {
        let mut short = Module::new();
        Chunk(&names.given).parse_core_module(&mut short, Parser::new(0), chunk)?;
        Ok(short.finish())
    });
    Ok(Program {
        module: short.finish(),
        chunks: chunks.collect::<Result<_, Error<Infallible>>>()?,
        glue,
    })
}

/// The names that a module takes.
fn taken(module: &[u8]) -> Result<Vec<String>, Error<Infallible>> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ImportSection(imports) = payload? {
            for import in imports.into_imports() {
                names.push(import?.name.to_owned());
            }
        }
    }
    Ok(names)
}

/// A chunk takes from the first bundle what that gives, under its short names.
struct Chunk<'a>(&'a BTreeMap<String, String>);

impl Reencode for Chunk<'_> {
    type Error = Infallible;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        for import in section.into_imports() {
            let import = import?;
            let short = self.0.get(import.name).map_or(import.name, String::as_str);
            let kind = self.entity_type(import.ty)?;
            imports.import(FIRST_BUNDLE, short, kind);
        }
        Ok(())
    }

    fn parse_custom_section(
        &mut self,
        _: &mut Module,
        _: CustomSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        Ok(())
    }
}

#[derive(Default)]
struct Names {
    /// What the glue calls.
    called: BTreeSet<String>,
    taken: BTreeMap<String, String>,
    given: BTreeMap<String, String>,
}

impl Reencode for Names {
    type Error = Infallible;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        for import in section.into_imports() {
            let import = import?;
            let next = letters(self.taken.len());
            let short = self.taken.entry(import.name.to_owned()).or_insert(next);
            let short = short.clone();
            let kind = self.entity_type(import.ty)?;
            imports.import(import.module, &short, kind);
        }
        Ok(())
    }

    /// Notes of compilers to other compilers: no browser reads them.
    fn parse_custom_section(
        &mut self,
        _: &mut Module,
        _: CustomSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        Ok(())
    }

    fn parse_export(
        &mut self,
        exports: &mut ExportSection,
        export: Export<'_>,
    ) -> Result<(), Error<Infallible>> {
        if !self.called.contains(export.name) {
            return Ok(());
        }
        let short = letters(self.given.len());
        self.given.insert(export.name.to_owned(), short.clone());
        let renamed = Export {
            name: &short,
            ..export
        };
        utils::parse_export(self, exports, renamed)
    }
}

impl Names {
    fn rename(&self, glue: &str) -> String {
        let mut renamed = String::with_capacity(glue.len());
        for (before, word, after) in words(glue) {
            let short = if before.ends_with(CALLED) {
                self.given.get(word)
            } else if after.starts_with(':') {
                self.taken.get(word)
            } else {
                None
            };
            renamed.push_str(short.map_or(word, String::as_str));
        }
        renamed
    }
}

/// What the glue calls, but for classes that it cannot make.
fn called(glue: &str) -> BTreeSet<String> {
    let words = words(glue).filter(|(before, ..)| before.ends_with(CALLED));
    let unused = |word: &str| {
        let class = |(class, new): &(&str, &str)| {
            let of_it = word.trim_start_matches("__wbg_").starts_with(class);
            of_it && !glue.contains(new)
        };
        CLASSES.iter().any(class)
    };
    let called = words.map(|(_, word, _)| word).filter(|word| !unused(word));
    called.map(str::to_owned).collect()
}

/// A text in words and what is between them, each with what stands before and behind it.
fn words(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (before, rest) = text.split_at(at);
        let first = rest.chars().next()?;
        let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
        let ends = |c: char| in_word(c) != in_word(first);
        let (word, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        at += word.len();
        Some((before, word, after))
    })
}

/// The n-th short name: `a` to `Z`, then `aa` and so on.
fn letters(n: usize) -> String {
    const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let last = char::from(LETTERS[n % 52]);
    match n / 52 {
        0 => last.to_string(),
        rest => format!("{}{last}", letters(rest - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{EntityType, ExportKind, TypeSection};

    fn module() -> Vec<u8> {
        let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
        types.ty().function([], []);
        for name in ["__wbg_now_0123456789abcdef", "__wbg_log_fedcba9876543210"] {
            imports.import("./glue.js", name, EntityType::Function(0));
        }
        let mut exports = ExportSection::new();
        let all = ["start", "unused", "intounderlyingsink_close"];
        for (index, name) in (0..).zip(all) {
            exports.export(name, ExportKind::Func, index % 2);
        }
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&exports);
        module.finish()
    }

    fn program(glue: &str, chunks: Vec<Vec<u8>>) -> Program {
        Program {
            module: module(),
            glue: glue.to_owned(),
            chunks,
        }
    }

    fn given(module: &[u8]) -> Vec<String> {
        let payloads = Parser::new(0).parse_all(module);
        let exports = payloads.filter_map(|payload| match payload.expect("a section") {
            Payload::ExportSection(exports) => Some(exports),
            _ => None,
        });
        let all = exports.flatten().map(|export| export.expect("an export"));
        all.map(|export| export.name.to_owned()).collect()
    }

    const GLUE: &str = "const import0 = {\n  __wbg_now_0123456789abcdef: () => Date.now(),\n  \
        __wbg_log_fedcba9876543210: (start) => { start ? wasm.start() : wasm.intounderlyingsink_close(); },\n};";

    #[test]
    fn both_sides_call_each_other_by_the_same_short_names_and_the_rest_stays() {
        let short = shorten(&program(GLUE, Vec::new())).expect("a module");
        assert_eq!(
            short.glue,
            "const import0 = {\n  a: () => Date.now(),\n  \
             b: (start) => { start ? wasm.a() : wasm.intounderlyingsink_close(); },\n};"
        );
        assert_eq!(taken(&short.module).expect("a module"), ["a", "b"]);
        assert_eq!(
            given(&short.module),
            ["a"],
            "and what is not called is not given"
        );
    }

    #[test]
    fn a_chunk_takes_by_the_short_name_what_only_it_needs() {
        let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
        types.ty().function([], []);
        imports.import("__wasm_split", "unused", EntityType::Function(0));
        let mut chunk = Module::new();
        chunk.section(&types).section(&imports);
        let short = shorten(&program(GLUE, vec![chunk.finish()])).expect("modules");
        assert_eq!(
            given(&short.module),
            ["a", "b"],
            "it is given for the chunk"
        );
        assert_eq!(taken(&short.chunks[0]).expect("a module"), ["b"]);
    }

    #[test]
    fn a_class_that_the_glue_can_make_stays() {
        let glue = format!("{GLUE} __wbg_intounderlyingsink_new_1: 0");
        assert!(called(&glue).contains("intounderlyingsink_close"));
        assert!(!called(GLUE).contains("intounderlyingsink_close"));
    }

    #[test]
    fn no_two_names_are_the_same() {
        let all: BTreeSet<_> = (0..6_000).map(letters).collect();
        assert_eq!(all.len(), 6_000);
        assert_eq!(
            (letters(0), letters(51), letters(52)),
            ("a".into(), "Z".into(), "aa".into())
        );
    }
}
