//! Focus areas, of which the own fields are changed.

use std::collections::{HashMap, HashSet};

use super::{Effects, Located, Part, Requested};
use crate::action::store::PlanPosition;
use crate::db::types::{Id, RegisterKey};
use crate::db::{Tenant, Writer};
use crate::problem::{Result, ValidationErrors};
use crate::resource::Precondition;
use crate::strategy::model::{FocusArea, FocusAreaFields};
use crate::strategy::resolve::cycles::{self, EdgeKind, Edges};
use crate::strategy::resolve::references::resolve_continues;
use crate::strategy::store::references::{Candidates, area_paths};
use crate::strategy::store::{parts, write};
use crate::strategy::tree_change::PartChange;

/// PATCH: changes a focus area's own fields to what `change` returns for them.
pub fn change(
    writer: &mut Writer<'_>,
    id: Id,
    precondition: &Precondition,
    change: impl FnOnce(&FocusAreaFields) -> Result<FocusAreaFields>,
) -> Result<FocusArea> {
    let (place, part) = parts::focus_area(writer, id)?;
    let own = super::change(writer, Located { part, place }, precondition, change)?;
    let (objectives, actions) = (parts::objectives_of(writer, id)?, parts::actions_of(writer, id)?);
    Ok(FocusArea { own, objectives, actions })
}

impl Part for FocusAreaFields {
    type Links = Vec<Id>;

    fn parent_id(place: &PlanPosition) -> Id {
        place.strategy_id
    }

    fn path(&self, place: &PlanPosition) -> Vec<RegisterKey> {
        vec![place.strategy_key.clone(), self.key.clone().into()]
    }

    fn resolve(
        &mut self,
        tenant: &mut Tenant<'_>,
        requested: &Requested<'_, Self>,
        errors: &mut ValidationErrors,
    ) -> Result<Vec<Id>> {
        if requested.stored.is_some_and(|stored| stored.continues == self.continues) {
            return Ok(Vec::new());
        }
        let (ids, keys) = Candidates::split(&self.continues);
        let areas = area_paths(tenant, Candidates::Named(&ids, &keys))?;
        let (path, mut edges) = (self.path(requested.place), Edges::default());
        let continues = resolve_continues((requested.id, self), &path, &areas, "", &mut edges, errors);
        let rewritten = HashSet::from([requested.id]);
        cycles::check(tenant, EdgeKind::FocusAreas, edges.focus_areas, &rewritten, errors)?;
        Ok(continues)
    }

    fn write(
        writer: &mut Writer<'_>,
        place: &PlanPosition,
        change: PartChange<Self>,
        continues: Vec<Id>,
    ) -> Result<Effects> {
        write::write_focus_areas(writer, &[change], &HashMap::from([(place.focus_area_id, continues)]))?;
        Ok(Effects::default())
    }
}
