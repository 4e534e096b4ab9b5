//! Code that the benchmarks share. Each uses some of it.
#![allow(dead_code, unused_imports)]

pub mod bare;
pub mod databases;
pub mod in_process;
pub mod interruption;
pub mod program;
pub mod sql;
pub mod town;
pub mod wire;

use std::time::Duration;

/// The longest time that a client waits for an answer.
pub const MAX_WAIT: Duration = Duration::from_secs(300);

/// The default number of connections to the database.
pub const POOL: u32 = 10;

/// Whether the benchmark only shows that it works: `cargo bench` passes --bench, `cargo test` does not.
pub fn is_smoke_test() -> bool {
    let has = |expected: &str| std::env::args().any(|argument| argument == expected);
    has("--test") || !has("--bench")
}

/// Warns if the build is not optimised.
pub fn warn_about_debug_build() {
    if cfg!(debug_assertions) {
        println!("NOT OPTIMISED: this build says nothing about speed; `cargo bench` makes one that does.");
    }
}

/// Pseudo-random numbers, the same in each run (SplitMix64).
pub struct Rng(pub u64);

impl Rng {
    /// A number from 0 to `limit` - 1.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}

/// The time in ms that `percent` of the runs did not exceed.
pub fn percentile(took: &[Duration], percent: usize) -> f64 {
    let mut took = took.to_vec();
    took.sort();
    let place = (took.len() * percent).div_ceil(100).max(1);
    took[place - 1].as_secs_f64() * 1e3
}

/// A figure that the system keeps about a process's memory.
pub enum Memory {
    /// The memory in use.
    Resident,
    /// The most memory in use since the last [reset](reset_peak).
    Peak,
}

/// The memory of a process (`self`, or its number) in MB, on systems that record it.
pub fn memory(process: &str, what: Memory) -> Option<f64> {
    let name = match what {
        Memory::Resident => "VmRSS:",
        Memory::Peak => "VmHWM:",
    };
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

/// Resets the recorded peak memory of a process. Returns false on systems that don't record it.
pub fn reset_peak(process: &str) -> bool {
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").is_ok()
}

pub fn megabytes(memory: Option<f64>) -> String {
    memory.map_or("n/a".to_owned(), |megabytes| format!("{megabytes:.0}"))
}
