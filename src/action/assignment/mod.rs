//! Assignments: who has to do an action, when, and how far they are.
//!
//! They are not stored. `model` tells them from an action's audience and dates, the committees, and the latest reports;
//! `count` sums them up without listing each, from what `board` and `history` read; `tally` keeps, beside the reports, the
//! counts from which today's sums are quick to tell.

pub mod board;
pub mod count;
pub mod figures;
pub mod forerunners;
pub mod history;
pub mod list;
pub mod model;
pub mod routes;
pub mod stage;
pub mod store;
pub mod tally;
