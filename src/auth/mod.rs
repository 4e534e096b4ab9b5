//! Who is calling: bearer tokens (RFC 6750, RFC 7519) of issuers that the settings name.
//!
//! An issuer has its keys, its algorithms and the municipalities that it may speak for. What comes
//! out is a [`caller::Caller`]; who that person is in the organisation is not decided here.

pub mod caller;
pub mod guard;
pub mod issuer;
pub mod local;
pub mod scope;
