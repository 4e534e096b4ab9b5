//! What the benchmarks share. Each of them uses a part of it.
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

/// No answer takes longer.
pub const BEARABLE_WAIT: Duration = Duration::from_secs(300);

/// How many connections the program has to its database where nothing else is set.
pub const POOL: u32 = 10;

/// Whether it is tried whether the benchmark works at all: `cargo bench` says --bench; `cargo test` says nothing.
pub fn is_smoke_test() -> bool {
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    has("--test") || !has("--bench")
}

/// Says so where the build is one that says nothing about speed.
pub fn tell_of_build() {
    if cfg!(debug_assertions) {
        println!("NOT OPTIMISED: this build says nothing about speed; `cargo bench` makes one that does.");
    }
}

/// The same throws each time (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    /// 0 to one less than `sides`.
    pub fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }
}

/// The time that so many percent did not exceed, in ms; of few, 99 % are all.
pub fn percentile(took: &[Duration], percent: usize) -> f64 {
    let mut took = took.to_vec();
    took.sort();
    let place = (took.len() * percent).div_ceil(100).max(1);
    took[place - 1].as_secs_f64() * 1e3
}

/// What the system tells of a process's memory.
pub enum Memory {
    /// What it has in use.
    Resident,
    /// The most that it had in use since that was [forgotten](forget_peak).
    Peak,
}

/// The memory of a process (`self`, or its number), in MB, where the system tells.
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

/// Lets the system's record of a process's peak memory begin anew. False where there is no such record.
pub fn forget_peak(process: &str) -> bool {
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").is_ok()
}

pub fn megabytes(memory: Option<f64>) -> String {
    memory.map_or("n/a".to_owned(), |megabytes| format!("{megabytes:.0}"))
}
