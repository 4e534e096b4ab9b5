//! Authentication: bearer tokens (RFC 6750, RFC 7519) of the issuers in the settings.
//!
//! An [`issuer`] has keys, algorithms and the municipalities that it may speak for. Its [`keys`] come from files or,
//! over the network, from its [`provider`], and are fetched again from time to time ([`refresh`]). The result is a
//! [`caller::Caller`]. Which employee that is, the organisation finds out.

pub mod caller;
pub mod claims;
pub mod guard;
pub mod issuer;
pub mod keys;
pub mod local;
pub mod provider;
pub mod refresh;
pub mod scope;
