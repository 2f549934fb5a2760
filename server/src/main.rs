//! The binary `callpilot`.

fn main() {}
