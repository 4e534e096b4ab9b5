//! Progress: how far an action, a focus area, a strategy or a committee has come, for widgets above all.
//!
//! Every figure is the plain sum of the assignments behind it. `plan` and `committees` sum up (`sums`), also month by month
//! (`series`); `verdicts` counts what the targets of
//! indicators come to; `model` is what is answered, `label` the sentences that are ready to show, `picture` the drawing.

pub mod committees;
pub mod label;
pub mod model;
pub mod picture;
pub mod plan;
pub mod routes;
pub mod series;
pub mod store;
pub mod sums;
pub mod verdicts;
