//! Who is calling: bearer tokens (RFC 6750, RFC 7519) of issuers that the settings name.
//!
//! An [`issuer`] has its keys, its algorithms and the municipalities that it may speak for. Its [`keys`] come from
//! files, or from its [`provider`], over the network, and are kept fresh ([`refresh`]). What comes out is a
//! [`caller::Caller`]; who that person is in the organisation is not decided here.

pub mod caller;
pub mod claims;
pub mod guard;
pub mod issuer;
pub mod keys;
pub mod local;
pub mod provider;
pub mod refresh;
pub mod scope;
