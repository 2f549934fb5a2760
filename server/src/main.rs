//! The binary `callpilot`: arguments in, exit code out. 0 done, 1 failed, 2 wrong usage.

use std::process::ExitCode;

/// The system's allocator keeps large blocks that were freed, for each thread; after some long mails a server would hold on to hundreds of
/// megabytes (`cargo xtask attack`).
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

fn main() -> ExitCode {
    allocator::give_back_at_once();
    server::cli::main()
}
