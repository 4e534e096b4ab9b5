//! The measurements, and the table that is printed.

use std::time::{Duration, Instant};

use medstrategi::db::Engine;

use crate::ceiling::{BARE_ARRAYS, BARE_BATCHES, BARE_PREPARED};
use crate::common::{Memory, megabytes, memory, percentile, reset_peak};
use crate::service::{Run, Service};
use crate::tasks::{
    BARE_NEWEST, BARE_SCAN, BARE_SERIES, NEWEST, SERIES, SERIES_BOTH, SERIES_HIDING, SERIES_HIDING_COLD, TABLE,
    TABLE_HIDING, Task,
};
use crate::{NEW_CSV, NEW_JSON, REVISED, UNCHANGED};

/// The least requests of a round, however long an answer takes.
const MIN_RUNS: usize = 5;

/// The measurements of one task.
pub struct Row {
    pub name: &'static str,
    /// The number of values of a run; 0 if it is about something else.
    pub values: usize,
    pub took: Vec<Duration>,
    pub statements: u64,
    /// The peak memory in MB, on systems that record it.
    pub peak: Option<f64>,
}

impl Row {
    pub fn new(name: &'static str, values: usize) -> Self {
        Self { name, values, took: Vec::new(), statements: 0, peak: None }
    }

    /// Measures a single run.
    pub fn once(name: &'static str, service: &Service<'_>, task: &Task) -> Self {
        let mut row = Self::new(name, task.values);
        let mut work = service.worker(task);
        let is_recorded = reset_peak("self");
        row.record(work());
        row.record_peak(is_recorded);
        row
    }

    pub fn measure(&mut self, service: &Service<'_>, task: &Task, span: Duration) {
        let mut work = service.worker(task);
        // Warm up the connection, so that its statements are prepared.
        work();
        let is_recorded = reset_peak("self");
        let (start, before) = (Instant::now(), self.took.len());
        while self.took.len() < before + MIN_RUNS || start.elapsed() < span {
            self.record(work());
        }
        self.record_peak(is_recorded);
    }

    pub fn record(&mut self, Run { took, statements }: Run) {
        self.took.push(took);
        self.statements += statements;
    }

    /// Records the peak since the last reset.
    pub fn record_peak(&mut self, is_recorded: bool) {
        let peak = memory("self", Memory::Peak).filter(|_| is_recorded);
        self.peak = self.peak.into_iter().chain(peak).reduce(f64::max);
    }

    /// The time in ms that `percent` of the runs did not exceed.
    pub fn milliseconds(&self, percent: usize) -> f64 {
        percentile(&self.took, percent)
    }

    /// Values a second.
    pub fn rate(&self) -> f64 {
        let seconds = self.took.iter().sum::<Duration>().as_secs_f64();
        (self.values * self.took.len()) as f64 / seconds
    }

    pub fn print(&self) {
        let statements = match self.statements {
            // Bare SQL is not counted.
            0 => String::new(),
            all => format!("{:.0}", all as f64 / self.took.len() as f64),
        };
        let (values, rate) = match self.values {
            0 => (String::new(), String::new()),
            values => (values.to_string(), format!("{:.0}", self.rate())),
        };
        println!(
            "{:<46}| {values:>8} {:>5} {statements:>10} {:>10.3} {:>10.3} {rate:>10} {:>8}",
            self.name,
            self.took.len(),
            self.milliseconds(50),
            self.milliseconds(99),
            megabytes(self.peak),
        );
    }
}

pub fn print_table_head() {
    println!(
        "\n{:<46}| {:>8} {:>5} {:>10} {:>10} {:>10} {:>10} {:>8}",
        "", "values", "runs", "statements", "p50, ms", "p99, ms", "values/s", "peak MB"
    );
}

pub fn print_ratios(engine: Engine, rows: &[Row]) {
    let row = |name: &str| rows.iter().find(|row| row.name == name).expect("it was measured");
    let other = if engine == Engine::Sqlite { BARE_PREPARED } else { BARE_ARRAYS };
    let insert = row(BARE_BATCHES).rate().max(row(other).rate());
    println!("\nbeside the quicker of the bare INSERTs, in values/s:");
    for name in [NEW_JSON, NEW_CSV, UNCHANGED, REVISED] {
        println!("{name:<46}| {:>8.0} %", 100.0 * row(name).rate() / insert);
    }
    println!("beside their bare SQL, in p50:");
    let pairs = [
        (SERIES, BARE_SERIES),
        (SERIES_HIDING, BARE_SERIES),
        (SERIES_BOTH, BARE_SERIES),
        (SERIES_HIDING_COLD, BARE_SCAN),
        (NEWEST, BARE_NEWEST),
        (TABLE, BARE_SCAN),
        (TABLE_HIDING, BARE_SCAN),
    ];
    for (name, bare) in pairs {
        println!("{name:<46}| {:>8.2} times", row(name).milliseconds(50) / row(bare).milliseconds(50));
    }
}
