//! Which mutants a source file has: its conditions, and the ways in which each can be wrong.
//!
//! A condition is what stands in `if`, `while`, a match guard, `matches!`, `.then`, an operand of `&&` and `||`, a comparison, the
//! answer of a function that says yes or no, and the closure given to `filter`, `any` and their kind. Left out are tests, assertions
//! (they are for our own bugs), `const fn`, and what is written for people (`Debug`, `Display`). Rules that only a test can switch
//! off count as the constants that they are in a server; `gr-sim --rules` judges those.

use std::{collections::BTreeSet, ops::Range};

use syn::{
    Attribute, BinOp, Block, Expr, ExprMethodCall, File, ImplItemFn, ItemFn, ItemImpl, ItemMod,
    Lit, Local, Macro, Pat, ReturnType, Signature, Stmt, Token, TraitItemFn, Type, UnOp,
    parse::ParseStream,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{
    mutant::{Kind, Mutant, one_line},
    rewrite::{Edit, Shape},
};

/// Methods whose closure answers yes or no.
const ASK_A_CLOSURE: [&str; 17] = [
    "all",
    "any",
    "extract_if",
    "filter",
    "find",
    "is_err_and",
    "is_none_or",
    "is_ok_and",
    "is_some_and",
    "partition",
    "position",
    "retain",
    "rposition",
    "skip_while",
    "take_if",
    "take_while",
    "trim_matches",
];

/// Methods of the standard library that answer yes or no.
const ANSWER: [&str; 19] = [
    "all",
    "any",
    "contains",
    "contains_key",
    "ends_with",
    "eq_ignore_ascii_case",
    "is_ascii_digit",
    "is_char_boundary",
    "is_empty",
    "is_err",
    "is_err_and",
    "is_multiple_of",
    "is_none",
    "is_none_or",
    "is_ok",
    "is_ok_and",
    "is_some",
    "is_some_and",
    "starts_with",
];

/// Functions whose first argument is a condition.
const DEMAND: [&str; 1] = ["ensure"];

/// Whether a rule of the protocol holds: true in every server.
const SWITCH: &str = "hold";

/// Names of functions of ours that answer yes or no.
#[derive(Debug, Default)]
pub struct Answering {
    plainly: BTreeSet<String>,
    /// After `?`.
    perhaps: BTreeSet<String>,
    otherwise: BTreeSet<String>,
}

impl Answering {
    /// Adds the functions of a file.
    pub fn learn(&mut self, file: &File) {
        self.visit_file(file);
    }

    fn is_plain(&self, name: &str) -> bool {
        self.plainly.contains(name)
            && !self.otherwise.contains(name)
            && !self.perhaps.contains(name)
    }

    fn is_perhaps(&self, name: &str) -> bool {
        self.perhaps.contains(name) && !self.otherwise.contains(name)
    }
}

impl<'ast> Visit<'ast> for Answering {
    fn visit_signature(&mut self, signature: &'ast Signature) {
        let name = signature.ident.to_string();
        // What the standard library's collections call so answers something else.
        let foreign = ["insert", "remove", "push", "next"].contains(&name.as_str());
        match answers(signature) {
            Some(Answer::Plain) if !foreign => self.plainly.insert(name),
            Some(Answer::Ok) if !foreign => self.perhaps.insert(name),
            _ => self.otherwise.insert(name),
        };
    }
}

/// How a function says yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Plain,
    Ok,
    Some,
}

fn answers(signature: &Signature) -> Option<Answer> {
    let ReturnType::Type(_, returned) = &signature.output else {
        return None;
    };
    let words = returned.span().source_text()?;
    let words: String = words.split_whitespace().collect();
    match words.as_str() {
        "bool" => Some(Answer::Plain),
        _ if words.starts_with("Result<bool,") || words == "Result<bool>" => Some(Answer::Ok),
        "Option<bool>" => Some(Answer::Some),
        _ => None,
    }
}

/// Finds the mutants of one file.
pub struct Finder<'a> {
    text: &'a str,
    file: &'a str,
    answering: &'a Answering,
    /// The type whose functions are read.
    owner: Option<String>,
    function: String,
    answer: Option<Answer>,
    /// Variables of the function that only repeat whether a rule holds.
    constants: BTreeSet<String>,
    next: u32,
    mutants: Vec<Mutant>,
    edits: Vec<Edit>,
}

/// Finds the mutants of `text`, which is `parsed`, numbered from `next`.
pub fn find(
    file: &str,
    text: &str,
    parsed: &File,
    answering: &Answering,
    next: u32,
) -> (Vec<Mutant>, Vec<Edit>) {
    let mut finder = Finder {
        text,
        file,
        answering,
        owner: None,
        function: String::new(),
        answer: None,
        constants: BTreeSet::new(),
        next,
        mutants: Vec::new(),
        edits: Vec::new(),
    };
    finder.visit_file(parsed);
    // Outer before inner: a stable sort by the beginning keeps the order in which they were found, which is that.
    finder.edits.sort_by_key(|edit| edit.range.start);
    (finder.mutants, finder.edits)
}

impl Finder<'_> {
    fn mutant(&mut self, kind: Kind, range: &Range<usize>, to: &str) -> u32 {
        let (number, from) = (self.next, one_line(&self.text[range.clone()]));
        self.next += 1;
        self.mutants.push(Mutant {
            number,
            file: self.file.to_owned(),
            function: self.function.clone(),
            line: self.text[..range.start].matches('\n').count() + 1,
            kind,
            from,
            to: to.to_owned(),
            ordinal: 1,
        });
        number
    }

    fn edit(&mut self, range: Range<usize>, shape: Shape) {
        self.edits.push(Edit { range, shape });
    }

    /// What the condition always is in a server, because a test alone can switch a rule off.
    fn constant(&self, expression: &Expr) -> Option<bool> {
        match peeled(expression) {
            Expr::MethodCall(call) if is_switch(call) => Some(true),
            Expr::Path(path) => {
                let name = path.path.get_ident()?.to_string();
                self.constants.contains(&name).then_some(true)
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => {
                self.constant(&unary.expr).map(|always| !always)
            }
            Expr::Binary(binary) => {
                let sides = [self.constant(&binary.left), self.constant(&binary.right)];
                let decides = match binary.op {
                    BinOp::And(_) => false,
                    BinOp::Or(_) => true,
                    _ => return None,
                };
                if sides.contains(&Some(decides)) {
                    return Some(decides);
                }
                (sides == [Some(!decides); 2]).then_some(!decides)
            }
            _ => None,
        }
    }

    /// Whether it is a condition wherever it stands.
    fn is_condition(&self, expression: &Expr) -> bool {
        match peeled(expression) {
            Expr::Binary(binary) => {
                matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) || moved(&binary.op).is_some()
            }
            Expr::Unary(unary) => {
                matches!(unary.op, UnOp::Not(_)) && self.is_condition(&unary.expr)
            }
            Expr::MethodCall(call) => {
                let name = call.method.to_string();
                is_switch(call) || ANSWER.contains(&name.as_str()) || self.answering.is_plain(&name)
            }
            Expr::Call(call) => {
                called(&call.func).is_some_and(|name| self.answering.is_plain(&name))
            }
            Expr::Try(tried) => match peeled(&tried.expr) {
                Expr::MethodCall(call) => self.answering.is_perhaps(&call.method.to_string()),
                Expr::Call(call) => {
                    called(&call.func).is_some_and(|name| self.answering.is_perhaps(&name))
                }
                _ => false,
            },
            Expr::Macro(macro_) => macro_.mac.path.is_ident("matches"),
            _ => false,
        }
    }

    /// A whole condition: it can be forced, and its parts can be wrong.
    fn condition(&mut self, expression: &Expr) {
        let range = expression.span().byte_range();
        match peeled(expression) {
            whole if self.constant(whole).is_some() => {}
            Expr::Lit(literal) if matches!(literal.lit, Lit::Bool(_)) => {
                let other = if &self.text[range.clone()] == "true" {
                    "false"
                } else {
                    "true"
                };
                let number = self.mutant(Kind::Forced, &range, other);
                self.edit(range, Shape::Flipped(number));
            }
            Expr::Match(matched) => {
                self.visit_expr(&matched.expr);
                for arm in &matched.arms {
                    if let Some((_, guard)) = &arm.guard {
                        self.condition(guard);
                    }
                    self.condition(&arm.body);
                }
            }
            Expr::If(chosen) if chosen.else_branch.is_some() => {
                self.condition(&chosen.cond);
                self.answering_block(&chosen.then_branch);
                if let Some((_, other)) = &chosen.else_branch {
                    self.condition(other);
                }
            }
            Expr::Block(block) => self.answering_block(&block.block),
            Expr::Return(_) | Expr::Continue(_) | Expr::Break(_) => self.visit_expr(expression),
            whole if has_let(whole) => {
                let number = self.mutant(Kind::Unmatched, &range, "false");
                self.edit(range.start..range.start, Shape::Unmatched(number));
                self.parts(expression);
            }
            _ => {
                let truly = Some(self.mutant(Kind::Forced, &range, "true"));
                let falsely = Some(self.mutant(Kind::Forced, &range, "false"));
                self.edit(range, Shape::Forced { truly, falsely });
                self.parts(expression);
            }
        }
    }

    /// A block whose last expression is a condition.
    fn answering_block(&mut self, block: &Block) {
        for (at, statement) in block.stmts.iter().enumerate() {
            match statement {
                Stmt::Expr(last, None) if at + 1 == block.stmts.len() => self.condition(last),
                _ => self.visit_stmt(statement),
            }
        }
    }

    /// The parts of a condition that is already forced as a whole.
    fn parts(&mut self, expression: &Expr) {
        match peeled(expression) {
            Expr::Let(matched) => self.visit_expr(&matched.expr),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => self.parts(&unary.expr),
            Expr::Binary(binary) if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) => {
                self.operands(peeled(expression), matches!(binary.op, BinOp::And(_)));
            }
            Expr::Binary(binary) => match moved(&binary.op) {
                Some((operator, moved)) => {
                    let range = peeled(expression).span().byte_range();
                    let (left, right) = (
                        binary.left.span().byte_range(),
                        binary.right.span().byte_range(),
                    );
                    let sides = (&self.text[left.clone()], &self.text[right.clone()]);
                    let to = one_line(&format!("{} {moved} {}", sides.0, sides.1));
                    let number = self.mutant(Kind::Compared, &range, &to);
                    let shape = Shape::Compared {
                        left,
                        right,
                        operator,
                        moved,
                        number,
                    };
                    self.edit(range, shape);
                    self.visit_expr(&binary.left);
                    self.visit_expr(&binary.right);
                }
                None => visit::visit_expr(self, peeled(expression)),
            },
            Expr::Macro(macro_) => self.matches(&macro_.mac),
            Expr::MethodCall(call) => self.method(call),
            other => visit::visit_expr(self, other),
        }
    }

    /// The operands of a chain of `&&` or of `||`. One that is always as if it were not there is passed over.
    fn operands(&mut self, chain: &Expr, and: bool) {
        let mut operands = Vec::new();
        flatten(chain, and, &mut operands);
        operands.retain(|operand| self.constant(operand).is_none());
        let several = operands.len() > 1;
        for operand in operands {
            if several && !has_let(operand) {
                let range = operand.span().byte_range();
                let number = self.mutant(Kind::Dropped, &range, if and { "true" } else { "false" });
                let (truly, falsely) = if and {
                    (Some(number), None)
                } else {
                    (None, Some(number))
                };
                self.edit(range, Shape::Forced { truly, falsely });
            }
            self.parts(operand);
        }
    }

    fn method(&mut self, call: &ExprMethodCall) {
        let name = call.method.to_string();
        let first = call.args.first();
        let closure = match first {
            Some(Expr::Closure(closure)) => Some(closure),
            _ => None,
        };
        let then = name == "then" && closure.is_some_and(|closure| closure.inputs.is_empty());
        if then || name == "then_some" {
            self.condition(&call.receiver);
        } else {
            self.visit_expr(&call.receiver);
        }
        match closure {
            Some(closure) if ASK_A_CLOSURE.contains(&name.as_str()) => {
                self.condition(&closure.body)
            }
            _ => call
                .args
                .iter()
                .for_each(|argument| self.visit_expr(argument)),
        }
    }

    /// The guard within `matches!(…, … if guard)`.
    fn matches(&mut self, mac: &Macro) {
        let guard = mac.parse_body_with(|input: ParseStream<'_>| {
            let matched: Expr = input.parse()?;
            input.parse::<Token![,]>()?;
            Pat::parse_multi_with_leading_vert(input)?;
            let guard = match input.parse::<Option<Token![if]>>()? {
                Some(_) => Some(input.parse::<Expr>()?),
                None => None,
            };
            input.parse::<Option<Token![,]>>()?;
            Ok((matched, guard))
        });
        if let Ok((matched, guard)) = guard {
            self.visit_expr(&matched);
            if let Some(guard) = guard {
                self.condition(&guard);
            }
        }
    }

    fn body(&mut self, attributes: &[Attribute], signature: &Signature, block: &Block) {
        let switch = signature.ident == SWITCH && answers(signature) == Some(Answer::Plain);
        if is_for_tests(attributes) || signature.constness.is_some() || switch {
            return;
        }
        let name = signature.ident.to_string();
        let function = match &self.owner {
            Some(owner) => format!("{owner}::{name}"),
            None => name,
        };
        let outer = std::mem::replace(&mut self.function, function);
        let answer = std::mem::replace(&mut self.answer, answers(signature));
        let constants = std::mem::take(&mut self.constants);
        if Returns::within(block) {
            self.answered(signature, block);
        }
        match self.answer {
            Some(Answer::Plain) => self.answering_block(block),
            _ => self.visit_block(block),
        }
        (self.function, self.answer, self.constants) = (outer, answer, constants);
    }

    /// The function can answer at once. One that answers only at its end cannot: the condition there can be forced itself.
    fn answered(&mut self, signature: &Signature, block: &Block) {
        let [yes, no] = match self.answer {
            Some(Answer::Plain) => ["true", "false"],
            Some(Answer::Ok) => ["Ok(true)", "Ok(false)"],
            Some(Answer::Some) => ["Some(true)", "Some(false)"],
            None => return,
        };
        let name = signature.ident.span().byte_range();
        let answers = [yes, no].map(|to| (self.mutant(Kind::Answered, &name, to), to));
        let begin = block.brace_token.span.open().byte_range().end;
        self.edit(begin..begin, Shape::Answered(answers.to_vec()));
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast ItemImpl) {
        let implemented = block
            .trait_
            .as_ref()
            .and_then(|(_, path, _)| path.segments.last());
        let for_people =
            implemented.is_some_and(|name| name.ident == "Debug" || name.ident == "Display");
        if for_people || is_for_tests(&block.attrs) {
            return;
        }
        let owner = match &*block.self_ty {
            Type::Path(path) => path.path.segments.last().map(|name| name.ident.to_string()),
            _ => None,
        };
        let outer = std::mem::replace(&mut self.owner, owner);
        visit::visit_item_impl(self, block);
        self.owner = outer;
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.body(&function.attrs, &function.sig, &function.block);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.body(&function.attrs, &function.sig, &function.block);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.body(&function.attrs, &function.sig, block);
        }
    }

    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}

    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}

    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}

    fn visit_macro(&mut self, _: &'ast Macro) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_pat(&mut self, _: &'ast Pat) {}

    fn visit_type(&mut self, _: &'ast Type) {}

    fn visit_local(&mut self, local: &'ast Local) {
        if let (Pat::Ident(name), Some(init)) = (&local.pat, &local.init)
            && self.constant(&init.expr) == Some(true)
        {
            self.constants.insert(name.ident.to_string());
        }
        visit::visit_local(self, local);
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        if self.is_condition(expression) {
            return self.condition(expression);
        }
        match expression {
            Expr::If(chosen) => {
                self.condition(&chosen.cond);
                self.visit_block(&chosen.then_branch);
                if let Some((_, other)) = &chosen.else_branch {
                    self.visit_expr(other);
                }
            }
            Expr::While(repeated) => {
                self.condition(&repeated.cond);
                self.visit_block(&repeated.body);
            }
            Expr::Match(matched) => {
                self.visit_expr(&matched.expr);
                for arm in &matched.arms {
                    if let Some((_, guard)) = &arm.guard {
                        self.condition(guard);
                    }
                    self.visit_expr(&arm.body);
                }
            }
            Expr::MethodCall(call) => self.method(call),
            Expr::Call(call) => {
                let name = called(&call.func).unwrap_or_default();
                let ok = name == "Ok" && self.answer == Some(Answer::Ok);
                let some = name == "Some" && self.answer == Some(Answer::Some);
                match call.args.first() {
                    Some(first) if ok || some || DEMAND.contains(&name.as_str()) => {
                        self.condition(first);
                        call.args
                            .iter()
                            .skip(1)
                            .for_each(|argument| self.visit_expr(argument));
                    }
                    _ => visit::visit_expr_call(self, call),
                }
            }
            _ => visit::visit_expr(self, expression),
        }
    }
}

/// Without parentheses around it.
fn peeled(expression: &Expr) -> &Expr {
    match expression {
        Expr::Paren(inner) => peeled(&inner.expr),
        Expr::Group(inner) => peeled(&inner.expr),
        _ => expression,
    }
}

fn called(function: &Expr) -> Option<String> {
    match function {
        Expr::Path(path) => path.path.segments.last().map(|name| name.ident.to_string()),
        _ => None,
    }
}

/// Whether it is a chain in which something is matched.
fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
            has_let(&binary.left) || has_let(&binary.right)
        }
        _ => false,
    }
}

fn flatten<'a>(chain: &'a Expr, and: bool, operands: &mut Vec<&'a Expr>) {
    match chain {
        Expr::Binary(binary)
            if matches!(
                (&binary.op, and),
                (BinOp::And(_), true) | (BinOp::Or(_), false)
            ) =>
        {
            flatten(&binary.left, and, operands);
            flatten(&binary.right, and, operands);
        }
        _ => operands.push(chain),
    }
}

/// Asks whether a rule of the protocol holds.
fn is_switch(call: &ExprMethodCall) -> bool {
    let rule = |argument: &Expr| match argument {
        Expr::Path(path) => path.path.segments[0].ident == "Rule",
        _ => false,
    };
    call.method == SWITCH && call.args.len() == 1 && call.args.iter().all(rule)
}

/// A comparison, and the one that it becomes.
fn moved(operator: &BinOp) -> Option<(&'static str, &'static str)> {
    match operator {
        BinOp::Lt(_) => Some(("<", "<=")),
        BinOp::Le(_) => Some(("<=", "<")),
        BinOp::Gt(_) => Some((">", ">=")),
        BinOp::Ge(_) => Some((">=", ">")),
        BinOp::Eq(_) => Some(("==", "!=")),
        BinOp::Ne(_) => Some(("!=", "==")),
        _ => None,
    }
}

/// Whether a function answers anywhere but at its end.
#[derive(Default)]
struct Returns(bool);

impl Returns {
    fn within(block: &Block) -> bool {
        let mut returns = Self::default();
        returns.visit_block(block);
        returns.0
    }
}

impl<'ast> Visit<'ast> for Returns {
    fn visit_expr_return(&mut self, _: &'ast syn::ExprReturn) {
        self.0 = true;
    }

    fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}

    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let words = attribute.span().source_text().unwrap_or_default();
        words.starts_with("#[test")
            || words.starts_with("#[cfg(test")
            || words.starts_with("#[cfg(feature")
    })
}
