//! Conditions of a session at their edges: what is heard, said, believed and remembered exactly up to a limit, and not beyond it. The partner
//! is written by hand where an honest one would not come to the edge by itself.

mod changes;
mod clocks;
mod forge;
mod hellos;
mod lineages;
mod lists;
mod numbers;
mod pasts;
mod plain;
mod quiet;
mod refusals;
mod talks;
mod told;
mod wakes;

#[path = "../support/mod.rs"]
mod support;
