//! From trees as clients want them to trees that can be written: references resolved, rules that
//! span parts checked, and each part compared with what is stored.

use std::collections::{HashMap, HashSet};

use super::model::{FocusAreaFields, ObjectiveBody, StrategyBody, StrategyFields};
use super::store::{self, PathRow};
use super::tree::{Tree, keep_unnamed};
use crate::action::model::ActionBody;
use crate::action::store::{self as actions, Links};
use crate::db::Tenant;
use crate::db::change::Operation;
use crate::db::change_log::Change;
use crate::db::types::{Id, Key, Reference, RegisterKey, Timestamp};
use crate::period;
use crate::problem::{Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::register::Directory;
use crate::resource::{self, Body, Draft, Entity, UpsertOutcome};

/// What becomes of stored parts that a wanted tree doesn't name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnamed {
    /// They go: the tree is wanted as it is written.
    Remove,
    /// They stay: a bundle adds and changes.
    Keep,
}

/// A part about to be written, and where it stands.
#[derive(Debug)]
pub struct Part<B> {
    /// The strategy or focus area that it belongs to.
    pub parent_id: Id,
    /// Its place in the parent's array.
    pub position: i32,
    /// Its place until now.
    stored_position: Option<i32>,
    /// What is to be written.
    pub outcome: UpsertOutcome<B>,
}

impl<B: Body> Part<B> {
    fn new(stored: Option<(i32, Entity<B>)>, place: Place<'_>, wanted: B, now: Timestamp) -> Self {
        let Place { id, path, parent_id, position } = place;
        let (stored_position, stored) = stored.unzip();
        let mut outcome = UpsertOutcome::compare(stored, id, wanted, now);
        if let UpsertOutcome::Created(created) = &mut outcome {
            created.identity.path = Some(Reference::Path(path.to_vec()).to_string());
        }
        Self { parent_id, position, stored_position, outcome }
    }

    /// Whether it stands in another place than before; its order is its parent's matter, so that its
    /// own version stays.
    fn is_moved(&self) -> bool {
        self.stored_position.is_some_and(|stored| stored != self.position)
    }

    /// Whether its row has to be written anew.
    pub fn is_rewritten(&self) -> bool {
        !self.outcome.is_created() && (!self.outcome.is_unchanged() || self.is_moved())
    }

    /// Whether the answer of its parent is another one for it.
    fn changes_parent(&self) -> bool {
        !self.outcome.is_unchanged() || self.is_moved()
    }

    /// Its row in the change log: none where only something below it changed.
    pub fn change(&self) -> Option<Change> {
        let mut change = match (&self.outcome, self.is_moved()) {
            (UpsertOutcome::Unchanged(stored), true) => {
                let fields = resource::fields(stored);
                let before = Some(fields.clone());
                Change { before, ..Change::new(B::ENTITY, stored.id(), Operation::Updated, fields) }
            }
            (outcome, _) => outcome.change()?,
        };
        let place = |fields: &mut Option<serde_json::Value>, position: Option<i32>| {
            if let (Some(serde_json::Value::Object(fields)), Some(position)) = (fields, position) {
                fields.insert("position".into(), position.into());
            }
        };
        place(&mut change.before, self.stored_position);
        place(&mut change.after, Some(self.position));
        (change.operation != Operation::Updated || change.before != change.after).then_some(change)
    }
}

/// Where a part is to stand.
struct Place<'p> {
    /// Its id, where it is new.
    id: Id,
    path: &'p [RegisterKey],
    parent_id: Id,
    position: i32,
}

/// Raises the version of a row that itself stays as it is.
fn touch<B: Body>(outcome: &mut UpsertOutcome<B>, now: Timestamp) {
    if let UpsertOutcome::Unchanged(before) = outcome {
        let after = Entity { revision: before.revision.next(now), ..before.clone() };
        *outcome = UpsertOutcome::Updated { before: before.clone(), after };
    }
}

/// A tree that was checked and waits to be written.
#[derive(Debug)]
pub struct PreparedTree {
    /// The strategy's own fields.
    pub strategy: UpsertOutcome<StrategyFields>,
    /// The committee that adopted it.
    pub adopted_by_id: Option<Id>,
    /// The strategy that it follows.
    pub predecessor_id: Option<Id>,
    /// Its focus areas.
    pub areas: Vec<Part<FocusAreaFields>>,
    /// Their objectives.
    pub objectives: Vec<Part<ObjectiveBody>>,
    /// Their actions.
    pub actions: Vec<Part<ActionBody>>,
    /// Per focus area, those that it continues.
    pub continues: HashMap<Id, Vec<Id>>,
    /// Per action, what its references resolved to.
    pub links: HashMap<Id, Links>,
    /// The pairs of counterparts, the stating side first; none where they stay as they are.
    pub new_pairs: Option<Vec<(Id, Id)>>,
    /// What the wanted tree no longer has.
    pub removed: Removed,
}

/// Parts that go.
#[derive(Debug, Default)]
pub struct Removed {
    /// Focus areas.
    pub areas: Vec<Entity<FocusAreaFields>>,
    /// Objectives, also those of areas that go.
    pub objectives: Vec<Entity<ObjectiveBody>>,
    /// Actions, also those of areas that go.
    pub actions: Vec<Entity<ActionBody>>,
}

/// Trees that were checked and wait to be written.
#[derive(Debug)]
pub struct Prepared {
    /// The trees, in the order of their drafts.
    pub trees: Vec<PreparedTree>,
    /// What still refers, from elsewhere, to parts that would go.
    pub in_use: Vec<String>,
}

/// Compares wanted trees with what is stored and checks them; faults go to `faults`.
pub fn prepare(
    tenant: &mut Tenant<'_>,
    committees: &Directory,
    mut drafts: Vec<Draft<StrategyBody>>,
    unnamed: Unnamed,
    errors: &mut ValidationErrors,
) -> Result<Prepared> {
    let heads = drafts.iter().map(|draft| (draft.pointer.clone(), &draft.body.fields.key));
    resource::check_duplicate_keys(heads, errors);
    let keys = drafts.iter().map(|draft| draft.body.fields.key.clone()).collect();
    let filter = store::Filter { keys: Some(keys), ..store::Filter::default() };
    let mut stored: HashMap<Key, Tree> =
        store::trees(tenant, filter)?.into_iter().map(|tree| (tree.strategy.own.body.key.clone(), tree)).collect();
    let mut names = StrategyNames::load(tenant, committees)?;
    for draft in &mut drafts {
        let stored = stored.get(&draft.body.fields.key);
        if let (Unnamed::Keep, Some(stored)) = (unnamed, stored) {
            keep_unnamed(&mut draft.body, &stored.bundled());
        }
        draft.body.check(&draft.pointer, errors);
        names.enter(&draft.body, stored);
    }
    for draft in &drafts {
        let starts_on = draft.body.fields.starts_on;
        let stored = stored.get(&draft.body.fields.key).map(|tree| &tree.strategy.own);
        let bears_no_recurrence = starts_on.is_none_or(|first| first < period::earliest());
        if let Some(stored) = stored.filter(|stored| bears_no_recurrence && stored.body.starts_on != starts_on)
            && actions::has_local_counting_from(tenant, stored.id())?
        {
            let earliest = period::earliest();
            let detail = format!(
                "local actions recur from it: name a day from {earliest} on, or give those a starts_on of their own"
            );
            errors.add(format!("{}/starts_on", draft.pointer), detail);
        }
    }
    let now = tenant.now();
    let mut edges = Edges::default();
    let mut trees = Vec::new();
    for draft in drafts {
        let stored = stored.remove(&draft.body.fields.key);
        let resolver = Resolver { names: &names, errors, edges: &mut edges, now };
        trees.extend(resolver.tree(draft, stored));
    }
    edges.check(tenant, &trees, errors)?;
    let in_use = in_use(tenant, &trees)?;
    Ok(Prepared { trees, in_use })
}

fn in_use(tenant: &mut Tenant<'_>, trees: &[PreparedTree]) -> Result<Vec<String>> {
    let strategy_ids: Vec<Id> = trees.iter().map(|tree| tree.strategy.entity().id()).collect();
    let area_ids: Vec<Id> = trees.iter().flat_map(|tree| &tree.removed.areas).map(Entity::id).collect();
    let action_ids: Vec<Id> = trees.iter().flat_map(|tree| &tree.removed.actions).map(Entity::id).collect();
    let mut in_use = Vec::new();
    for batch in area_ids.chunks(crate::db::connection::batch()) {
        in_use.extend(resource::dependents("focus area", store::continuing(tenant, batch, &strategy_ids)?));
    }
    for batch in action_ids.chunks(crate::db::connection::batch()) {
        in_use.extend(resource::dependents("action", actions::successors(tenant, batch, &strategy_ids)?));
    }
    let objective_ids: Vec<Id> = trees.iter().flat_map(|tree| &tree.removed.objectives).map(Entity::id).collect();
    for batch in objective_ids.chunks(crate::db::connection::batch()) {
        in_use.extend(resource::dependents("indicator", store::measuring(tenant, batch)?));
    }
    let removed: Vec<_> = trees.iter().flat_map(|tree| &tree.removed.actions).collect();
    for batch in removed.chunks(crate::db::connection::batch()) {
        in_use.extend(actions::dependents(tenant, batch)?);
    }
    Ok(in_use)
}

/// The parts of one kind by the keys that lead to them.
struct Paths {
    what: &'static str,
    depth: usize,
    ids: HashMap<Vec<RegisterKey>, Id>,
    paths: HashMap<Id, Vec<RegisterKey>>,
    of_strategy: HashMap<RegisterKey, Vec<Id>>,
}

impl Paths {
    fn new(what: &'static str, depth: usize, rows: Vec<PathRow>) -> Self {
        let mut paths = Self { what, depth, ids: HashMap::new(), paths: HashMap::new(), of_strategy: HashMap::new() };
        rows.into_iter().for_each(|(id, path)| paths.add(id, path));
        paths
    }

    fn add(&mut self, id: Id, path: Vec<RegisterKey>) {
        self.of_strategy.entry(path[0].clone()).or_default().push(id);
        self.ids.insert(path.clone(), id);
        self.paths.insert(id, path);
    }

    fn forget_strategy(&mut self, key: &RegisterKey) {
        for id in self.of_strategy.remove(key).into_iter().flatten() {
            if let Some(path) = self.paths.remove(&id) {
                self.ids.remove(&path);
            }
        }
    }

    fn resolve(
        &self,
        reference: &mut Reference,
        base: &[RegisterKey],
        at: &str,
        errors: &mut ValidationErrors,
    ) -> Option<Id> {
        let id = match &*reference {
            Reference::Id(id) => Some(*id),
            Reference::Path(path) => {
                Reference::expand(path, base, self.depth).and_then(|path| self.ids.get(&path).copied())
            }
        };
        let Some((id, path)) = id.and_then(|id| Some((id, self.paths.get(&id)?))) else {
            errors.add(at, format!("names no {} of this municipality: '{reference}'", self.what));
            return None;
        };
        *reference = Reference::shortest(path, base);
        Some(id)
    }
}

/// Everything that a tree can refer to, the wanted trees standing in the place of the stored ones.
struct StrategyNames<'n> {
    committees: &'n Directory,
    strategies: ReferenceIndex,
    areas: Paths,
    objectives: Paths,
    actions: Paths,
}

impl<'n> StrategyNames<'n> {
    fn load(tenant: &mut Tenant<'_>, committees: &'n Directory) -> Result<Self> {
        Ok(Self {
            committees,
            strategies: store::names(tenant)?,
            areas: Paths::new("focus area", 2, store::area_paths(tenant)?),
            // Counterparts stand in one strategy, so the wanted trees' own objectives are enough.
            objectives: Paths::new("objective", 3, Vec::new()),
            actions: Paths::new("action", 3, store::action_paths(tenant)?),
        })
    }

    /// Puts a wanted tree's names in the place of the stored one's; what is new gets its id here.
    fn enter(&mut self, body: &StrategyBody, stored: Option<&Tree>) {
        let key = RegisterKey::from(body.fields.key.clone());
        self.areas.forget_strategy(&key);
        self.objectives.forget_strategy(&key);
        self.actions.forget_strategy(&key);
        let strategy_id = stored.map_or_else(Id::new, |tree| tree.strategy.own.id());
        self.strategies.insert(strategy_id, key.clone());
        for area in &body.focus_areas {
            let stored = stored.and_then(|tree| {
                tree.strategy.focus_areas.iter().find(|stored| stored.own.body.key == area.fields.key)
            });
            let path = vec![key.clone(), area.fields.key.clone().into()];
            self.areas.add(stored.map_or_else(Id::new, |stored| stored.own.id()), path.clone());
            for objective in &area.objectives {
                let stored = stored.and_then(|area| find(&area.objectives, &objective.key));
                let path = [path.clone(), vec![objective.key.clone().into()]].concat();
                self.objectives.add(stored.map_or_else(Id::new, |(_, stored)| stored.id()), path);
            }
            for action in &area.actions {
                let stored = stored.and_then(|area| find(&area.actions, &action.key));
                let path = [path.clone(), vec![action.key.clone().into()]].concat();
                self.actions.add(stored.map_or_else(Id::new, |(_, stored)| stored.id()), path);
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

/// The references that must not run in a circle, each with the pointer that drew it.
#[derive(Default)]
struct Edges {
    predecessors: Vec<(Id, Id, Option<String>)>,
    lineage: Vec<(Id, Id, Option<String>)>,
    actions: Vec<(Id, Id, Option<String>)>,
}

impl Edges {
    fn check(self, tenant: &mut Tenant<'_>, trees: &[PreparedTree], errors: &mut ValidationErrors) -> Result<()> {
        let strategies = trees.iter().map(|tree| tree.strategy.entity().id()).collect();
        let areas = trees.iter().flat_map(|tree| &tree.areas).map(|part| part.outcome.entity().id()).collect();
        let actions = trees.iter().flat_map(|tree| &tree.actions).map(|part| part.outcome.entity().id()).collect();
        let checks = [
            (self.predecessors, store::predecessor_edges(tenant)?, strategies, "makes the strategy follow itself"),
            (self.lineage, store::lineage_edges(tenant)?, areas, "makes the focus area continue itself"),
            (self.actions, actions::edges(tenant)?, actions, "makes the action wait for itself"),
        ];
        for (mut drawn, stored, redrawn, detail) in checks {
            let redrawn: HashSet<Id> = redrawn;
            let kept = stored.into_iter().filter(|(from, _)| !redrawn.contains(from));
            drawn.extend(kept.map(|(from, to)| (from, to, None)));
            resource::check_cycles(&drawn, &format!("{detail}: leave it out, or name another"), errors);
        }
        Ok(())
    }
}

/// Resolves one tree.
struct Resolver<'r, 'n> {
    names: &'r StrategyNames<'n>,
    errors: &'r mut ValidationErrors,
    edges: &'r mut Edges,
    now: Timestamp,
}

impl Resolver<'_, '_> {
    fn tree(mut self, draft: Draft<StrategyBody>, stored: Option<Tree>) -> Option<PreparedTree> {
        let Draft { pointer, mut body } = draft;
        let base = [RegisterKey::from(body.fields.key.clone())];
        let id = self.names.strategies.id(base[0].as_str())?;
        let (adopted_by_id, predecessor_id) = self.strategy(id, &mut body.fields, &pointer);
        let pairs = self.counterparts(&mut body, stored.as_ref(), &pointer);
        let stored_pairs = stored.as_ref().map(stated_pairs).unwrap_or_default();
        let (stored_own, stored_areas) = match stored {
            Some(Tree { strategy, .. }) => (Some(strategy.own), strategy.focus_areas),
            None => (None, Vec::new()),
        };
        let mut tree = PreparedTree {
            strategy: UpsertOutcome::compare(stored_own, id, body.fields, self.now),
            adopted_by_id,
            predecessor_id,
            areas: Vec::new(),
            objectives: Vec::new(),
            actions: Vec::new(),
            continues: HashMap::new(),
            links: HashMap::new(),
            new_pairs: (pairs != stored_pairs).then(|| pairs.into_iter().collect()),
            removed: Removed::default(),
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
            let Some(area_id) = self.names.areas.ids.get(path.as_slice()).copied() else { continue };
            let continues = self.lineage(area_id, &mut area.fields, &path, &at);
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
                let Some(id) = self.names.objectives.ids.get(&path).copied() else { continue };
                let stored = find(stored_objectives, &objective.key);
                let place = Place { id, path: &path, parent_id: area_id, position };
                let part = Part::new(stored, place, objective, self.now);
                changed_below |= part.changes_parent();
                tree.objectives.push(part);
            }
            for (mut action, position) in area.actions.into_iter().zip(0..) {
                let whole = [path.as_slice(), &[action.key.clone().into()]].concat();
                let Some(id) = self.names.actions.ids.get(&whole).copied() else { continue };
                let links = self.action(id, &mut action, &path, &format!("{at}/actions/{position}"));
                tree.links.insert(id, links);
                let stored = find(stored_actions, &action.key);
                let place = Place { id, path: &whole, parent_id: area_id, position };
                let part = Part::new(stored, place, action, self.now);
                changed_below |= part.changes_parent();
                tree.actions.push(part);
            }

            let stored = stored.map(|(stored, position)| (position, stored.own.clone()));
            let place = Place { id: area_id, path: &path, parent_id: id, position };
            let mut part = Part::new(stored, place, area.fields, self.now);
            if changed_below {
                touch(&mut part.outcome, self.now);
            }
            tree.areas.push(part);
        }
        let changed_below = tree.areas.iter().any(Part::changes_parent) || !tree.removed.areas.is_empty();
        if changed_below || tree.new_pairs.is_some() {
            touch(&mut tree.strategy, self.now);
        }
        Some(tree)
    }

    fn strategy(&mut self, id: Id, fields: &mut StrategyFields, pointer: &str) -> (Option<Id>, Option<Id>) {
        let committees = &self.names.committees.committees;
        let at = format!("{pointer}/adopted_by");
        let adopted_by_id = committees.resolve_optional("committee", &mut fields.adopted_by, &at, self.errors);
        let at = format!("{pointer}/predecessor");
        let predecessor_id =
            self.names.strategies.resolve_optional("strategy", &mut fields.predecessor, &at, self.errors);
        if let Some(predecessor_id) = predecessor_id {
            self.edges.predecessors.push((id, predecessor_id, Some(at)));
        }
        (adopted_by_id, predecessor_id)
    }

    fn lineage(&mut self, id: Id, fields: &mut FocusAreaFields, path: &[RegisterKey], at: &str) -> Vec<Id> {
        let mut ids = Vec::new();
        for (n, reference) in fields.continues.iter_mut().enumerate() {
            let at = format!("{at}/continues/{n}");
            let Some(continued) = self.names.areas.resolve(reference, &path[..1], &at, self.errors) else { continue };
            if self.names.areas.paths.get(&continued).is_some_and(|continued| continued[0] == path[0]) {
                self.errors.add(at, "stands in the same strategy: name a focus area of another one");
            } else if ids.contains(&continued) {
                self.errors.add(at, "stands here twice");
            } else {
                ids.push(continued);
                self.edges.lineage.push((id, continued, Some(at)));
            }
        }
        ids
    }

    fn action(&mut self, id: Id, action: &mut ActionBody, base: &[RegisterKey], at: &str) -> Links {
        let mut links = Links::default();
        let Directory { levels, units, committees, .. } = self.names.committees;
        for (n, entry) in action.audience.iter_mut().enumerate() {
            let at = format!("{at}/audience/{n}");
            let errors = &mut *self.errors;
            links.audience.push([
                levels.resolve_optional("level", &mut entry.level, &format!("{at}/level"), errors),
                committees.resolve_optional("committee", &mut entry.committee, &format!("{at}/committee"), errors),
                units.resolve_optional("unit", &mut entry.unit, &format!("{at}/unit"), errors),
            ]);
        }
        action.check_audience_distinct(at, self.errors);
        for (n, reference) in action.after.iter_mut().enumerate() {
            let at = format!("{at}/after/{n}");
            match self.names.actions.resolve(reference, base, &at, self.errors) {
                Some(first) if links.predecessor_ids.contains(&first) => self.errors.add(at, "stands here twice"),
                Some(first) => {
                    links.predecessor_ids.push(first);
                    self.edges.actions.push((id, first, Some(at)));
                }
                None => {}
            }
        }
        links
    }

    /// Pairs up counterparts and writes each on both sides. Answers the pairs, the stating side first.
    fn counterparts(&mut self, body: &mut StrategyBody, stored: Option<&Tree>, pointer: &str) -> HashSet<(Id, Id)> {
        let strategy = RegisterKey::from(body.fields.key.clone());
        let objectives = &self.names.objectives;
        let stored_pairs = stored.map(stated_pairs).unwrap_or_default();
        let mut partners: HashMap<Id, Id> = HashMap::new();
        let mut pairs = HashSet::new();
        for (n, area) in body.focus_areas.iter_mut().enumerate() {
            let base = [strategy.clone(), area.fields.key.clone().into()];
            for (m, objective) in area.objectives.iter_mut().enumerate() {
                let Some(reference) = &mut objective.counterpart else { continue };
                let at = format!("{pointer}/focus_areas/{n}/objectives/{m}/counterpart");
                let own = [base.as_slice(), &[objective.key.clone().into()]].concat();
                let Some(own) = objectives.ids.get(&own).copied() else { continue };
                let Some(other) = objectives.resolve(reference, &base, &at, self.errors) else { continue };
                if objectives.paths.get(&other).is_none_or(|path| path[0] != strategy) {
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
                let own = objectives.ids.get(&[base.as_slice(), &[objective.key.clone().into()]].concat());
                let partner = own.and_then(|own| partners.get(own)).and_then(|id| objectives.paths.get(id));
                objective.counterpart = partner.map(|path| Reference::shortest(path, &base));
            }
        }
        pairs
    }
}

fn stated_pairs(tree: &Tree) -> HashSet<(Id, Id)> {
    let objectives = || tree.strategy.focus_areas.iter().flat_map(|area| &area.objectives);
    let by_path: HashMap<&str, Id> =
        objectives().filter_map(|objective| Some((objective.identity.path.as_deref()?, objective.id()))).collect();
    let pair = |objective: &Entity<ObjectiveBody>| {
        let own: Vec<RegisterKey> =
            objective.identity.path.as_deref()?.split('/').map_while(|key| key.parse().ok()).collect();
        let Some(Reference::Path(path)) = &objective.body.counterpart else { return None };
        let other = Reference::Path(Reference::expand(path, own.get(..2)?, 3)?).to_string();
        Some((objective.id(), *by_path.get(other.as_str())?))
    };
    objectives().filter(|objective| tree.stating.contains(&objective.id())).filter_map(pair).collect()
}
