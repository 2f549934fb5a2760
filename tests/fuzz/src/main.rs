//! libFuzzer around one target, which `FUZZ_TARGET` names. Built and started by `cargo xtask fuzz`.
#![no_main]

use counting_allocator::Counting;
use fuzz_targets::{TARGETS, Target};
use std::sync::LazyLock;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static CHOSEN: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    if name == "compressed-sound" {
        // Its promise is that the panics of decoders do no harm; what libFuzzer set up would end the process at the first.
        std::panic::set_hook(Box::new(|_| {}));
    }
    Target::by_name(&name).unwrap_or_else(|| {
        let names = TARGETS.map(|target| target.name).join(", ");
        panic!("FUZZ_TARGET names what is to be explored: {names}")
    })
});

libfuzzer_sys::fuzz_target!(|octets: &[u8]| CHOSEN.run(octets));
