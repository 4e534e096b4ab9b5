//! The rules for references in strategies. Each function rewrites the references in their shortest form.

use super::cycles::Edges;
use crate::action::model::ActionBody;
use crate::db::types::{Id, Reference, RegisterKey};
use crate::problem::ValidationErrors;
use crate::reference_index::ReferenceIndex;
use crate::register::Directory;
use crate::strategy::model::{FocusAreaFields, StrategyFields};

/// Whether a part belongs to the strategy with this key.
pub fn is_in_strategy(parts: &ReferenceIndex, id: Id, strategy: &RegisterKey) -> bool {
    matches!(parts.path(id), Some(Reference::Path(path)) if path.first() == Some(strategy))
}

/// Resolves the references of a strategy's own fields: the committee that adopted it, and its predecessor.
pub fn resolve_strategy(
    (id, fields): (Id, &mut StrategyFields),
    (committees, strategies): (&ReferenceIndex, &ReferenceIndex),
    pointer: &str,
    edges: &mut Edges,
    errors: &mut ValidationErrors,
) -> (Option<Id>, Option<Id>) {
    let at = format!("{pointer}/adopted_by");
    let adopted_by_id = committees.resolve_optional("committee", &mut fields.adopted_by, &at, errors);
    let at = format!("{pointer}/predecessor");
    let predecessor_id = strategies.resolve_optional("strategy", &mut fields.predecessor, &at, errors);
    if let Some(predecessor_id) = predecessor_id {
        edges.strategies.push((id, predecessor_id, Some(at)));
    }
    (adopted_by_id, predecessor_id)
}

/// Resolves the focus areas that a focus area continues. `path` is its own path.
pub fn resolve_continues(
    (id, fields): (Id, &mut FocusAreaFields),
    path: &[RegisterKey],
    areas: &ReferenceIndex,
    pointer: &str,
    edges: &mut Edges,
    errors: &mut ValidationErrors,
) -> Vec<Id> {
    let mut ids = Vec::new();
    for (n, reference) in fields.continues.iter_mut().enumerate() {
        let at = format!("{pointer}/continues/{n}");
        let Some(continued) = areas.resolve_below("focus area", reference, (&path[..1], 2), &at, errors) else {
            continue;
        };
        if is_in_strategy(areas, continued, &path[0]) {
            errors.add(at, "stands in the same strategy: name a focus area of another one");
        } else if ids.contains(&continued) {
            errors.add(at, "stands here twice");
        } else {
            ids.push(continued);
            edges.focus_areas.push((id, continued, Some(at)));
        }
    }
    ids
}

/// Resolves the levels, committees and units in the audience of an action.
pub fn resolve_audience(
    action: &mut ActionBody,
    directory: &Directory,
    pointer: &str,
    errors: &mut ValidationErrors,
) -> Vec<[Option<Id>; 3]> {
    let Directory { levels, units, committees, .. } = directory;
    let mut resolved = Vec::new();
    for (n, entry) in action.audience.iter_mut().enumerate() {
        let at = format!("{pointer}/audience/{n}");
        resolved.push([
            levels.resolve_optional("level", &mut entry.level, &format!("{at}/level"), errors),
            committees.resolve_optional("committee", &mut entry.committee, &format!("{at}/committee"), errors),
            units.resolve_optional("unit", &mut entry.unit, &format!("{at}/unit"), errors),
        ]);
    }
    action.check_audience_distinct(pointer, errors);
    resolved
}

/// Resolves the predecessors of an action. `base` is the path of its focus area.
pub fn resolve_predecessors(
    (id, action): (Id, &mut ActionBody),
    base: &[RegisterKey],
    actions: &ReferenceIndex,
    pointer: &str,
    edges: &mut Edges,
    errors: &mut ValidationErrors,
) -> Vec<Id> {
    let mut ids = Vec::new();
    for (n, reference) in action.after.iter_mut().enumerate() {
        let at = format!("{pointer}/after/{n}");
        match actions.resolve_below("action", reference, (base, 3), &at, errors) {
            Some(first) if ids.contains(&first) => errors.add(at, "stands here twice"),
            Some(first) => {
                ids.push(first);
                edges.actions.push((id, first, Some(at)));
            }
            None => {}
        }
    }
    ids
}
