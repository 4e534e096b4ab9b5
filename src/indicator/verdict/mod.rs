//! Verdicts: whether an indicator's targets are met on a day, from which values, and why.
//!
//! They rest on the values that the reader may see: where a value that it takes is hidden, there is no verdict.
//! `rules` says what each kind of target asks for, `evaluate` which values count, `reason` makes the sentence, and
//! `service` loads what it takes.

mod evaluate;
mod model;
mod reason;
pub mod routes;
mod rules;
pub mod service;

#[cfg(test)]
mod tests;

pub use evaluate::evaluate;
pub use model::{Evidence, Input, InputKind, Reading, Readings, Verdict, VerdictKind};
pub use rules::Goal;
