//! Starts the command that the command line names.

use std::process::ExitCode;

/// A night's file takes some hundred megabytes for a second, on any of many threads; this allocator gives them
/// back, where the system's keeps a share for each thread that ever had a file.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    medstrategi::cli::run()
}
