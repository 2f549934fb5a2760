//! The binary `callpilot`: arguments in, exit code out. 0 done, 1 failed, 2 wrong usage.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::main()
}
