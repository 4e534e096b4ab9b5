//! Use cases of committees beside those of every row.

use chrono::NaiveDate;

use super::Committees;
use super::tree::CommitteeTree;
use crate::db::Tenant;
use crate::problem::Result;
use crate::register::{Register as _, Selection};

/// The whole tree of committees on a day.
pub fn read_tree(tenant: &mut Tenant<'_>, on: NaiveDate) -> Result<CommitteeTree> {
    Ok(CommitteeTree::new(&Committees::select(tenant, Selection::All)?, on))
}
