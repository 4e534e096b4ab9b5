//! From requested trees to trees that can be written: resolves references, checks the rules that span parts, and
//! compares each part with the stored one.

pub mod cycles;
pub mod references;

use std::collections::{HashMap, HashSet};

use super::model::{Objective, StrategyBody};
use super::store::references::{self as stored_references, Candidates};
use super::store::{self, Filter};
use super::tree::{Tree, retain_unnamed};
use super::tree_change::{PartChange, RemovedParts, Slot, TreeChange, TreeChanges, raise_version};
use crate::action::store::{self as actions, Links};
use crate::db::types::{Id, Key, Reference, RegisterKey, Timestamp};
use crate::db::{Tenant, connection};
use crate::period;
use crate::problem::{Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::register::Directory;
use crate::resource::{self, Body, Draft, Entity, UpsertOutcome};
use cycles::{EdgeKind, Edges};

/// What happens to stored parts that a requested tree leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnnamedParts {
    /// They are removed: the request is the whole tree.
    Remove,
    /// They stay: a bundle adds and changes.
    Retain,
}

/// Compares requested trees with the stored ones and checks them. What is wrong with them goes to `errors`.
pub fn prepare(
    tenant: &mut Tenant<'_>,
    directory: &Directory,
    mut drafts: Vec<Draft<StrategyBody>>,
    unnamed: UnnamedParts,
    errors: &mut ValidationErrors,
) -> Result<TreeChanges> {
    let heads = drafts.iter().map(|draft| (draft.pointer.clone(), &draft.body.fields.key));
    resource::check_duplicate_keys(heads, errors);
    let keys = drafts.iter().map(|draft| draft.body.fields.key.clone()).collect();
    let filter = Filter { keys: Some(keys), ..Filter::default() };
    let mut stored: HashMap<Key, Tree> =
        store::trees(tenant, filter)?.into_iter().map(|tree| (tree.strategy.own.body.key.clone(), tree)).collect();
    let mut targets = Targets::load(tenant, directory)?;
    for draft in &mut drafts {
        let stored = stored.get(&draft.body.fields.key);
        if let (UnnamedParts::Retain, Some(stored)) = (unnamed, stored) {
            retain_unnamed(&mut draft.body, &stored.bundled());
        }
        draft.body.check(&draft.pointer, errors);
        targets.replace(&draft.body, stored);
    }
    for draft in &drafts {
        if let Some(stored) = stored.get(&draft.body.fields.key) {
            check_recurring_local_actions(tenant, draft, stored, errors)?;
        }
    }
    let now = tenant.now();
    let mut edges = Edges::default();
    let mut trees = Vec::new();
    for draft in drafts {
        let stored = stored.remove(&draft.body.fields.key);
        let resolver = Resolver { targets: &targets, errors, edges: &mut edges, now };
        trees.extend(resolver.tree(draft, stored));
    }
    check_cycles(tenant, edges, &trees, errors)?;
    let in_use = in_use(tenant, &trees)?;
    Ok(TreeChanges { trees, in_use })
}

/// Local actions without a first day of their own recur from the strategy's, so it can't be taken away or be too early.
fn check_recurring_local_actions(
    tenant: &mut Tenant<'_>,
    draft: &Draft<StrategyBody>,
    stored: &Tree,
    errors: &mut ValidationErrors,
) -> Result<()> {
    let (own, starts_on) = (&stored.strategy.own, draft.body.fields.starts_on);
    let earliest = period::earliest();
    let is_fit = starts_on.is_some_and(|first| first >= earliest);
    if !is_fit && own.body.starts_on != starts_on && actions::has_local_counting_from(tenant, own.id())? {
        let detail = format!(
            "local actions recur from it: name a day from {earliest} on, or give those a starts_on of their own"
        );
        errors.add(format!("{}/starts_on", draft.pointer), detail);
    }
    Ok(())
}

fn check_cycles(
    tenant: &mut Tenant<'_>,
    edges: Edges,
    trees: &[TreeChange],
    errors: &mut ValidationErrors,
) -> Result<()> {
    let strategies = trees.iter().map(|tree| tree.strategy.entity().id()).collect();
    let areas = trees.iter().flat_map(|tree| &tree.areas).map(|part| part.outcome.entity().id()).collect();
    let actions = trees.iter().flat_map(|tree| &tree.actions).map(|part| part.outcome.entity().id()).collect();
    cycles::check(tenant, EdgeKind::Strategies, edges.strategies, &strategies, errors)?;
    cycles::check(tenant, EdgeKind::FocusAreas, edges.focus_areas, &areas, errors)?;
    cycles::check(tenant, EdgeKind::Actions, edges.actions, &actions, errors)
}

/// Sentences that name what refers, from other strategies and elsewhere, to parts that would be removed.
fn in_use(tenant: &mut Tenant<'_>, trees: &[TreeChange]) -> Result<Vec<String>> {
    let strategy_ids: Vec<Id> = trees.iter().map(|tree| tree.strategy.entity().id()).collect();
    let area_ids: Vec<Id> = trees.iter().flat_map(|tree| &tree.removed.areas).map(Entity::id).collect();
    let action_ids: Vec<Id> = trees.iter().flat_map(|tree| &tree.removed.actions).map(Entity::id).collect();
    let mut in_use = Vec::new();
    for batch in area_ids.chunks(connection::batch()) {
        in_use.extend(resource::dependents("focus area", stored_references::continuing(tenant, batch, &strategy_ids)?));
    }
    for batch in action_ids.chunks(connection::batch()) {
        in_use.extend(resource::dependents("action", actions::successors(tenant, batch, &strategy_ids)?));
    }
    let objective_ids: Vec<Id> = trees.iter().flat_map(|tree| &tree.removed.objectives).map(Entity::id).collect();
    for batch in objective_ids.chunks(connection::batch()) {
        in_use.extend(resource::dependents("indicator", stored_references::measuring(tenant, batch)?));
    }
    let removed: Vec<_> = trees.iter().flat_map(|tree| &tree.removed.actions).collect();
    for batch in removed.chunks(connection::batch()) {
        in_use.extend(actions::dependents(tenant, batch)?);
    }
    Ok(in_use)
}

/// Everything that a tree can refer to. Requested trees take the place of the stored ones.
struct Targets<'n> {
    directory: &'n Directory,
    strategies: ReferenceIndex,
    areas: ReferenceIndex,
    objectives: ReferenceIndex,
    actions: ReferenceIndex,
}

impl<'n> Targets<'n> {
    fn load(tenant: &mut Tenant<'_>, directory: &'n Directory) -> Result<Self> {
        Ok(Self {
            directory,
            strategies: stored_references::names(tenant)?,
            areas: stored_references::area_paths(tenant, Candidates::All)?,
            // Counterparts belong to one strategy, so the requested trees' own objectives are enough.
            objectives: ReferenceIndex::default(),
            actions: stored_references::action_paths(tenant, Candidates::All)?,
        })
    }

    /// Puts a requested tree in the place of the stored one. New parts get their ids here.
    fn replace(&mut self, body: &StrategyBody, stored: Option<&Tree>) {
        let key = RegisterKey::from(body.fields.key.clone());
        for area in stored.into_iter().flat_map(|tree| &tree.strategy.focus_areas) {
            self.areas.remove(area.own.id());
            area.actions.iter().for_each(|action| self.actions.remove(action.id()));
        }
        let strategy_id = stored.map_or_else(Id::new, |tree| tree.strategy.own.id());
        self.strategies.insert(strategy_id, key.clone());
        for area in &body.focus_areas {
            let stored = stored.and_then(|tree| {
                tree.strategy.focus_areas.iter().find(|stored| stored.own.body.key == area.fields.key)
            });
            let path = vec![key.clone(), area.fields.key.clone().into()];
            let id = stored.map_or_else(Id::new, |stored| stored.own.id());
            self.areas.insert(id, Reference::Path(path.clone()));
            for objective in &area.objectives {
                let stored = stored.and_then(|area| find(&area.objectives, &objective.key));
                let path = [path.clone(), vec![objective.key.clone().into()]].concat();
                let id = stored.map_or_else(Id::new, |(_, stored)| stored.id());
                self.objectives.insert(id, Reference::Path(path));
            }
            for action in &area.actions {
                let stored = stored.and_then(|area| find(&area.actions, &action.key));
                let path = [path.clone(), vec![action.key.clone().into()]].concat();
                let id = stored.map_or_else(Id::new, |(_, stored)| stored.id());
                self.actions.insert(id, Reference::Path(path));
            }
        }
    }
}

fn find<B: Body>(parts: &[Entity<B>], key: &B::Key) -> Option<(i32, Entity<B>)> {
    parts.iter().zip(0..).find(|(part, _)| part.body.key() == key).map(|(part, n)| (n, part.clone()))
}

fn unnamed<B: Body>(stored: &[Entity<B>], wanted: &[B]) -> Vec<Entity<B>> {
    let named: HashSet<&B::Key> = wanted.iter().map(Body::key).collect();
    stored.iter().filter(|part| !named.contains(part.body.key())).cloned().collect()
}

/// Resolves one tree.
struct Resolver<'r, 'n> {
    targets: &'r Targets<'n>,
    errors: &'r mut ValidationErrors,
    edges: &'r mut Edges,
    now: Timestamp,
}

impl Resolver<'_, '_> {
    fn tree(mut self, draft: Draft<StrategyBody>, stored: Option<Tree>) -> Option<TreeChange> {
        let Draft { pointer, mut body } = draft;
        let base = [RegisterKey::from(body.fields.key.clone())];
        let id = self.targets.strategies.id(base[0].as_str())?;
        let names = (&self.targets.directory.committees, &self.targets.strategies);
        let own = (id, &mut body.fields);
        let (adopted_by_id, predecessor_id) =
            references::resolve_strategy(own, names, &pointer, self.edges, self.errors);
        let pairs = self.counterparts(&mut body, stored.as_ref(), &pointer);
        let stored_pairs = stored.as_ref().map(stated_pairs).unwrap_or_default();
        let (stored_own, stored_areas) = match stored {
            Some(Tree { strategy, .. }) => (Some(strategy.own), strategy.focus_areas),
            None => (None, Vec::new()),
        };
        let mut tree = TreeChange {
            strategy: UpsertOutcome::compare(stored_own, id, body.fields, self.now),
            adopted_by_id,
            predecessor_id,
            areas: Vec::new(),
            objectives: Vec::new(),
            actions: Vec::new(),
            continues: HashMap::new(),
            links: HashMap::new(),
            new_pairs: (pairs != stored_pairs).then(|| pairs.into_iter().collect()),
            removed: RemovedParts::default(),
        };
        let named: HashSet<&Key> = body.focus_areas.iter().map(|area| &area.fields.key).collect();
        for gone in stored_areas.iter().filter(|area| !named.contains(&area.own.body.key)) {
            tree.removed.areas.push(gone.own.clone());
            tree.removed.objectives.extend(gone.objectives.iter().cloned());
            tree.removed.actions.extend(gone.actions.iter().cloned());
        }
        for (mut area, position) in body.focus_areas.into_iter().zip(0..) {
            let at = format!("{pointer}/focus_areas/{position}");
            let stored = stored_areas.iter().zip(0..).find(|(stored, _)| stored.own.body.key == area.fields.key);
            let path = [base[0].clone(), area.fields.key.clone().into()];
            let areas = &self.targets.areas;
            let Some(area_id) = areas.find(&Reference::Path(path.to_vec())) else { continue };
            let own = (area_id, &mut area.fields);
            let continues = references::resolve_continues(own, &path, areas, &at, self.edges, self.errors);
            tree.continues.insert(area_id, continues);

            let (stored_objectives, stored_actions) = match stored {
                Some((stored, _)) => (stored.objectives.as_slice(), stored.actions.as_slice()),
                None => Default::default(),
            };
            let gone_objectives = unnamed(stored_objectives, &area.objectives);
            let gone_actions = unnamed(stored_actions, &area.actions);
            let mut changed_below = !gone_objectives.is_empty() || !gone_actions.is_empty();
            tree.removed.objectives.extend(gone_objectives);
            tree.removed.actions.extend(gone_actions);

            for (objective, position) in area.objectives.into_iter().zip(0..) {
                let path = [path.as_slice(), &[objective.key.clone().into()]].concat();
                let Some(id) = self.targets.objectives.find(&Reference::Path(path.clone())) else { continue };
                let stored = find(stored_objectives, &objective.key);
                let slot = Slot { id, path: &path, parent_id: area_id, position };
                let part = PartChange::compare(stored, slot, objective, self.now);
                changed_below |= part.affects_parent();
                tree.objectives.push(part);
            }
            for (mut action, position) in area.actions.into_iter().zip(0..) {
                let whole = [path.as_slice(), &[action.key.clone().into()]].concat();
                let Some(id) = self.targets.actions.find(&Reference::Path(whole.clone())) else { continue };
                let at = format!("{at}/actions/{position}");
                let audience = references::resolve_audience(&mut action, self.targets.directory, &at, self.errors);
                let (own, known) = ((id, &mut action), &self.targets.actions);
                let predecessor_ids = references::resolve_predecessors(own, &path, known, &at, self.edges, self.errors);
                let links = Links { audience: Some(audience), predecessor_ids: Some(predecessor_ids) };
                tree.links.insert(id, links);
                let stored = find(stored_actions, &action.key);
                let slot = Slot { id, path: &whole, parent_id: area_id, position };
                let part = PartChange::compare(stored, slot, action, self.now);
                changed_below |= part.affects_parent();
                tree.actions.push(part);
            }

            let stored = stored.map(|(stored, position)| (position, stored.own.clone()));
            let slot = Slot { id: area_id, path: &path, parent_id: id, position };
            let mut part = PartChange::compare(stored, slot, area.fields, self.now);
            if changed_below {
                raise_version(&mut part.outcome, self.now);
            }
            tree.areas.push(part);
        }
        let changed_below = tree.areas.iter().any(PartChange::affects_parent) || !tree.removed.areas.is_empty();
        if changed_below || tree.new_pairs.is_some() {
            raise_version(&mut tree.strategy, self.now);
        }
        Some(tree)
    }

    /// Pairs up counterparts and writes each on both sides. Returns the pairs, the side that states the pair first.
    fn counterparts(&mut self, body: &mut StrategyBody, stored: Option<&Tree>, pointer: &str) -> HashSet<(Id, Id)> {
        let strategy = RegisterKey::from(body.fields.key.clone());
        let objectives = &self.targets.objectives;
        let stored_pairs = stored.map(stated_pairs).unwrap_or_default();
        let mut partners: HashMap<Id, Id> = HashMap::new();
        let mut pairs = HashSet::new();
        for (n, area) in body.focus_areas.iter_mut().enumerate() {
            let base = [strategy.clone(), area.fields.key.clone().into()];
            for (m, objective) in area.objectives.iter_mut().enumerate() {
                let Some(reference) = &mut objective.counterpart else { continue };
                let at = format!("{pointer}/focus_areas/{n}/objectives/{m}/counterpart");
                let own = [base.as_slice(), &[objective.key.clone().into()]].concat();
                let Some(own) = objectives.find(&Reference::Path(own)) else { continue };
                let Some(other) = objectives.resolve_below("objective", reference, (&base, 3), &at, self.errors) else {
                    continue;
                };
                if !references::is_in_strategy(objectives, other, &strategy) {
                    self.errors.add(at, "stands in another strategy: a counterpart is an objective of the same one");
                } else if own == other {
                    self.errors.add(at, "names the objective itself");
                } else if partners.get(&own).is_some_and(|partner| *partner != other)
                    || partners.get(&other).is_some_and(|partner| *partner != own)
                {
                    self.errors.add(at, "an objective has one counterpart at most, and one of these two has another");
                } else {
                    partners.insert(own, other);
                    partners.insert(other, own);
                    if !pairs.contains(&(other, own)) {
                        let stated_there = stored_pairs.contains(&(other, own));
                        pairs.insert(if stated_there { (other, own) } else { (own, other) });
                    }
                }
            }
        }
        for area in &mut body.focus_areas {
            let base = [strategy.clone(), area.fields.key.clone().into()];
            for objective in &mut area.objectives {
                let path = [base.as_slice(), &[objective.key.clone().into()]].concat();
                let own = objectives.find(&Reference::Path(path));
                let partner = own.and_then(|own| partners.get(&own)).and_then(|id| objectives.path(*id));
                objective.counterpart = match partner {
                    Some(Reference::Path(path)) => Some(Reference::shortest(path, &base)),
                    _ => None,
                };
            }
        }
        pairs
    }
}

fn stated_pairs(tree: &Tree) -> HashSet<(Id, Id)> {
    let objectives = || tree.strategy.focus_areas.iter().flat_map(|area| &area.objectives);
    let by_path: HashMap<&str, Id> =
        objectives().filter_map(|objective| Some((objective.identity.path.as_deref()?, objective.id()))).collect();
    let pair = |objective: &Objective| {
        let own: Vec<RegisterKey> =
            objective.identity.path.as_deref()?.split('/').map_while(|key| key.parse().ok()).collect();
        let Some(Reference::Path(path)) = &objective.body.counterpart else { return None };
        let other = Reference::Path(Reference::expand(path, own.get(..2)?, 3)?).to_string();
        Some((objective.id(), *by_path.get(other.as_str())?))
    };
    objectives().filter(|objective| tree.stating.contains(&objective.id())).filter_map(pair).collect()
}
