//! Indicators: what is measured, against which targets, and what the numbers say about them. Values come in under
//! [`value`], are summed up the unit tree by [`aggregate`], hidden where a group is small by [`suppression`], and
//! compared with targets by [`verdict`].

pub mod aggregate;
pub mod chart;
pub mod coverage;
pub mod derived;
pub mod frequency;
pub mod model;
pub mod number;
pub mod picture;
pub mod routes;
pub mod service;
pub mod store;
pub mod suppression;
pub mod target;
pub mod value;
pub mod verdict;

/// Indicators as a resource.
pub struct Indicators;
