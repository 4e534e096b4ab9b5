//! Assignments: who has to do an action, when, and how far they are.
//!
//! Assignments are not stored. `model` derives them from an action's audience and dates, the committees and units, and
//! the latest reports. `service` lists them. `snapshot` counts them without listing each, by `occurrence_counts`: for
//! today from totals that `store::projection` keeps up to date, for days in the past from `report_events`.

pub mod model;
pub mod occurrence_counts;
pub mod predecessors;
pub mod report_events;
pub mod routes;
pub mod service;
pub mod snapshot;
pub mod stage;
pub mod stage_counts;
pub mod store;
