//! Verdicts: whether an indicator's targets are met on a day, from which values, and why.
//!
//! They rest on the values that the reader may see: where a value that it takes is hidden, there is no verdict.
//! `evaluate` holds the rules, `compare` the arithmetic, `reason` makes the sentence, `service` loads what it takes.

mod compare;
mod evaluate;
mod model;
mod reason;
pub mod routes;
pub mod service;

#[cfg(test)]
mod tests;

pub use evaluate::evaluate;
pub use model::{Evidence, Input, InputKind, Reading, Readings, Verdict, VerdictKind};
