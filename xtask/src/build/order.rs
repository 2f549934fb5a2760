//! Like functions beside like ones.
//!
//! A generic function is compiled once for each type, and the copies are nearly the same. Brotli writes what it has seen before as a length
//! and a distance, and a short distance takes fewer bits; what stands next to its like also teaches it what comes next. The linker's order is
//! that of the compilation, in which the copies lie far apart. The order means nothing to the module itself: functions are called by their
//! number, which this changes everywhere.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    convert::Infallible,
};

use wasm_encoder::{
    CodeSection, FunctionSection, Module,
    reencode::{Error, Reencode, utils},
};
use wasmparser::{
    CodeSectionReader, FunctionBody, FunctionSectionReader, Parser, Payload, TypeRef,
};

/// Bytes in a row that two functions may have in common: the least that is worth a distance.
type Stretch = [u8; 4];

/// A module that does the same, with its functions in an order that compresses well.
///
/// # Errors
/// The module is none.
pub fn like_beside_like(module: &[u8]) -> Result<Vec<u8>, Error<Infallible>> {
    let mut imported = 0;
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes()),
            _ => {}
        }
    }
    let order = chain(&bodies);
    let mut place = vec![0; order.len()];
    for (new, old) in (0..).zip(&order) {
        place[*old] = new;
    }
    let mut ordered = Module::new();
    let mut functions = Order {
        imported,
        order,
        place,
    };
    functions.parse_core_module(&mut ordered, Parser::new(0), module)?;
    Ok(ordered.finish())
}

struct Order {
    /// So many functions are imported; they come first and stay where they are.
    imported: u32,
    /// The former place of each function.
    order: Vec<usize>,
    /// The new place of each function.
    place: Vec<u32>,
}

impl Reencode for Order {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Infallible>> {
        let own = function.checked_sub(self.imported);
        let moved = own.and_then(|own| self.place.get(own as usize));
        Ok(moved.map_or(function, |place| self.imported + place))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        let kinds: Vec<u32> = section.into_iter().collect::<Result<_, _>>()?;
        for &old in &self.order {
            functions.function(kinds[old]);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        let bodies: Vec<FunctionBody<'_>> = section.into_iter().collect::<Result<_, _>>()?;
        for old in self.order.clone() {
            utils::parse_function_body(self, code, bodies[old].clone())?;
        }
        Ok(())
    }
}

/// The functions in an order in which each is followed by the one most like it of those that are left; where none is like it, by the
/// shortest.
fn chain(bodies: &[&[u8]]) -> Vec<usize> {
    let likeness = Likeness::of(bodies);
    let mut shortest: Vec<usize> = (0..bodies.len()).collect();
    shortest.sort_by_key(|&function| bodies[function].len());
    let mut starts = shortest.into_iter();
    let mut left = vec![true; bodies.len()];
    let mut order: Vec<usize> = Vec::with_capacity(bodies.len());
    loop {
        let like = order.last().and_then(|&last| likeness.next(last, &left));
        let Some(next) = like.or_else(|| starts.by_ref().find(|&start| left[start])) else {
            return order;
        };
        left[next] = false;
        order.push(next);
    }
}

/// What functions have in common.
struct Likeness {
    /// The stretches of each function.
    stretches: Vec<BTreeSet<Stretch>>,
    /// The functions that have a stretch.
    holders: HashMap<Stretch, Vec<usize>>,
}

impl Likeness {
    fn of(bodies: &[&[u8]]) -> Self {
        let stretches: Vec<BTreeSet<Stretch>> = bodies
            .iter()
            .map(|body| body.windows(4).filter_map(|w| w.try_into().ok()).collect())
            .collect();
        let mut holders: HashMap<Stretch, Vec<usize>> = HashMap::new();
        for (function, stretches) in stretches.iter().enumerate() {
            for stretch in stretches {
                holders.entry(*stretch).or_default().push(function);
            }
        }
        Self { stretches, holders }
    }

    /// Of the functions that are left, the one of which `last` has the largest share; of several the longest.
    fn next(&self, last: usize, left: &[bool]) -> Option<usize> {
        let mut common: BTreeMap<usize, usize> = BTreeMap::new();
        for stretch in &self.stretches[last] {
            for &function in &self.holders[stretch] {
                if left[function] {
                    *common.entry(function).or_default() += 1;
                }
            }
        }
        let share = |&(function, common): &(usize, usize)| {
            let all = self.stretches[function].len();
            (common * 1_000 / all, all)
        };
        let most = common.into_iter().max_by_key(share);
        most.map(|(function, _)| function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{
        EntityType, ExportKind, ExportSection, Function, ImportSection, TypeSection, ValType,
    };

    /// Three functions behind an imported one: two that are alike, and one that is not and stands between them, also by its length.
    fn module() -> Vec<u8> {
        let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
        types.ty().function([], []);
        types.ty().function([ValType::I64], []);
        imports.import("./glue.js", "log", EntityType::Function(0));
        let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
        let drops = |values: &[i32], calls: u32| {
            let mut body = Function::new([]);
            for value in values {
                body.instructions().i32_const(*value).drop();
            }
            body.instructions().call(calls).end();
            body
        };
        let first = drops(&[1_000_000, 2_000_000, 3_000_000], 0);
        let second = drops(&[1_000_000, 2_000_000, 3_000_000, 4_000_000], 1);
        let mut other = Function::new([]);
        for _ in 0..7 {
            other.instructions().local_get(0).drop();
        }
        other.instructions().call(3).end();
        for (kind, body) in [(0, first), (1, other), (0, second)] {
            functions.function(kind);
            code.function(&body);
        }
        let mut exports = ExportSection::new();
        for (name, function) in [("first", 1), ("other", 2), ("second", 3)] {
            exports.export(name, ExportKind::Func, function);
        }
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions);
        module.section(&exports).section(&code);
        module.finish()
    }

    #[derive(Default)]
    struct Shape {
        kinds: Vec<u32>,
        bodies: Vec<Vec<u8>>,
        exports: HashMap<String, u32>,
    }

    fn shape(module: &[u8]) -> Shape {
        let mut shape = Shape::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload.expect("a section") {
                Payload::FunctionSection(kinds) => {
                    shape.kinds = kinds
                        .into_iter()
                        .map(|kind| kind.expect("a kind"))
                        .collect();
                }
                Payload::CodeSectionEntry(body) => shape.bodies.push(body.as_bytes().to_vec()),
                Payload::ExportSection(exports) => {
                    let exports = exports.into_iter().map(|export| export.expect("an export"));
                    shape.exports = exports.map(|e| (e.name.to_owned(), e.index)).collect();
                }
                _ => {}
            }
        }
        shape
    }

    /// What a body calls: the byte behind the last instruction but one.
    fn called(body: &[u8]) -> u32 {
        u32::from(body[body.len() - 2])
    }

    #[test]
    fn like_functions_stand_side_by_side_and_everything_still_means_the_same_ones() {
        let ordered = shape(&like_beside_like(&module()).expect("a module"));
        let place = |name: &str| ordered.exports[name];
        let body = |name: &str| &ordered.bodies[place(name) as usize - 1];
        assert_eq!(place("first").abs_diff(place("second")), 1);
        assert_ne!(place("other"), 2, "it stands between them no more");
        assert_eq!(called(body("first")), 0, "what is imported stays in place");
        assert_eq!(called(body("second")), place("first"));
        assert_eq!(called(body("other")), place("second"));
        let kinds =
            ["first", "other", "second"].map(|name| ordered.kinds[place(name) as usize - 1]);
        assert_eq!(kinds, [0, 1, 0]);
    }

    #[test]
    fn each_is_followed_by_the_one_most_like_it_and_otherwise_by_the_shortest() {
        let bodies: [&[u8]; 5] = [
            b"abcdefgh-123",
            b"zzzzzzzzzzzzz",
            b"abcdefgh-12345",
            b"x",
            b"zzzzzzzzzzzzzz?",
        ];
        assert_eq!(chain(&bodies), [3, 0, 2, 1, 4]);
        assert!(chain(&[]).is_empty());
    }
}
