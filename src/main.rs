//! Runs the command line.

use std::process::ExitCode;

/// An HR file takes some hundred megabytes for a moment, on any of many threads. This allocator returns them to the
/// system, while the default one keeps a share for each thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    medstrategi::cli::run()
}
