//! Progress: how far an action, a focus area, a strategy or a committee has come. Above all for widgets.
//!
//! Every count is the plain sum of the assignments behind it. `plan` and `committees` are the use cases; they build a
//! summary (`sums`), with counts month by month (`series`) and verdicts on indicators (`verdicts`). `model` is the
//! answer, `label` its sentences, `picture` the drawing.

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
