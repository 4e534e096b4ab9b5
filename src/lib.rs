//! The map of medstrategi: what lives where.
//!
//! A request walks a straight line: [`server`] → [`api`] → a resource's `routes` → its `store` → its
//! `model`, and back; the caller is resolved on the way in by [`auth`].
//!
//! Between the resources, imports point one way: `strategy → action → municipality → committee → organisation`, and
//! `progress → indicator → action`; `bundle` and `hr_sync` may use all of them.
//! [`http`], [`auth`], [`db`] and [`period`] know no resource.

pub mod cli;
pub mod config;
pub mod metrics;
pub mod telemetry;

pub mod api;
pub mod check;
pub mod housekeeping;
pub mod server;

pub mod auth;
pub mod db;
pub mod http;
pub mod problem;
pub mod reference_index;
pub mod register;
pub mod resource;

pub mod chart;
pub mod cpr;
pub mod date_range;
pub mod forest;
pub mod language;
pub mod period;
pub mod text;
pub mod web_address;

pub mod action;
pub mod audit;
pub mod bundle;
pub mod committee;
pub mod health;
pub mod hr_sync;
pub mod indicator;
pub mod me;
pub mod municipality;
pub mod organisation;
pub mod progress;
pub mod strategy;
