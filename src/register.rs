//! Registers: units, employees, committees and memberships, the rows that an HR system keeps too.
//!
//! They come one by one, in bundles, and by the ten thousands in a sync. Whichever way they come, they
//! take the same two steps: [`prepare`] compares and checks them without writing, [`apply`] writes what
//! differs, both in batches. A kind of row says no more than what is its own.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use serde::de::DeserializeOwned;

use crate::date_range::DateRange;
use crate::db::types::{Id, Reference, RegisterKey, Timestamp};
use crate::db::{Tenant, Writer, connection};
use crate::forest::Forest;
use crate::period;
use crate::problem::{Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::resource::{self, Body, Draft, Entity, Resource, UpsertOutcome};

crate::text_enum! {
    /// Who keeps the row up to date. The HR system leaves alone what editors keep.
    ManagedBy {
        /// The HR system.
        Hr = "hr",
        /// A person, through this API or a bundle.
        Editor = "editor",
    }
}

// The enum comes out of a macro that takes no derives.
#[allow(clippy::derivable_impls)]
impl Default for ManagedBy {
    fn default() -> Self {
        Self::Editor
    }
}

/// A row's fields that decide who may touch it and when it exists.
pub trait Managed: Body<Key = RegisterKey> {
    /// Who keeps it up to date.
    fn managed_by(&self) -> ManagedBy;
    /// The days on which it exists.
    fn date_range(&self) -> DateRange;
    /// Gives it another last day.
    fn set_ends_on(&mut self, day: Option<NaiveDate>);
}

/// Notes an end before the start, unless it stands for a row of the HR system's that was called off.
pub fn check_days(row: &impl Managed, pointer: &str, errors: &mut ValidationErrors) {
    if !may_be_called_off(row) {
        check_order(row, pointer, errors);
    }
}

/// Notes what [`check_days`] lets pass, where a client wants other days than are stored: calling a row off is the
/// sync's, for what a snapshot no longer has.
pub fn check_new_days<B: Managed>(wanted: &B, stored: Option<&B>, pointer: &str, errors: &mut ValidationErrors) {
    if may_be_called_off(wanted) && stored.is_none_or(|stored| stored.date_range() != wanted.date_range()) {
        check_order(wanted, pointer, errors);
    }
}

fn may_be_called_off(row: &impl Managed) -> bool {
    let DateRange { starts_on, ends_on } = row.date_range();
    let day_before = starts_on.and_then(|first| first.pred_opt());
    row.managed_by() == ManagedBy::Hr && ends_on.is_some() && ends_on == day_before
}

fn check_order(row: &impl Managed, pointer: &str, errors: &mut ValidationErrors) {
    let DateRange { starts_on, ends_on } = row.date_range();
    resource::check_order(("starts_on", starts_on), ("ends_on", ends_on), pointer, errors);
}

/// Implements [`Managed`] for a body whose fields have these names.
#[macro_export]
macro_rules! managed {
    ($body:ty) => {
        impl $crate::register::Managed for $body {
            fn managed_by(&self) -> $crate::register::ManagedBy {
                self.managed_by
            }

            fn date_range(&self) -> $crate::date_range::DateRange {
                $crate::date_range::DateRange::new(self.starts_on, self.ends_on)
            }

            fn set_ends_on(&mut self, day: Option<chrono::NaiveDate>) {
                self.ends_on = day;
            }
        }
    };
}

/// Which rows are wanted.
#[derive(Debug, Clone, Default)]
pub enum Selection {
    /// The one with this id.
    Id(Id),
    /// Those with these keys; of the size of a batch.
    Keys(Vec<RegisterKey>),
    /// All of the municipality.
    #[default]
    All,
}

impl Selection {
    /// The row that `reference` names; none where it can't name any.
    pub fn of(reference: &Reference) -> Option<Self> {
        match reference {
            Reference::Id(id) => Some(Self::Id(*id)),
            path => path.key().map(|key| Self::Keys(vec![key.clone()])),
        }
    }
}

/// The names under which a municipality's rows can be referred to, as far as somebody needs them.
#[derive(Debug, Default)]
pub struct Directory {
    /// Levels.
    pub levels: ReferenceIndex,
    /// Units.
    pub units: ReferenceIndex,
    /// Committees.
    pub committees: ReferenceIndex,
    /// Employees: their keys, never people's names.
    pub employees: ReferenceIndex,
    /// Memberships.
    pub memberships: ReferenceIndex,
    /// The first and last days of employees that are about to be written.
    pub employment: HashMap<Id, DateRange>,
}

/// One kind of row that HR systems keep too.
pub trait Register: Sized + 'static {
    /// What clients write.
    type Body: Managed + DeserializeOwned;
    /// What a row's references resolved to.
    type Links;
    /// What clients call one of them.
    const WHAT: &'static str;

    /// The rows wanted, in the order of their keys.
    fn select(tenant: &mut Tenant<'_>, selection: Selection) -> Result<Vec<Entity<Self::Body>>>;

    /// Adds the names of stored rows that the drafts may refer to.
    fn learn_names(tenant: &mut Tenant<'_>, drafts: &[Draft<Self::Body>], directory: &mut Directory) -> Result<()>;

    /// Where the directory keeps this kind's own names.
    fn own_names(directory: &mut Directory) -> &mut ReferenceIndex;

    /// The rules for one row, and what its references resolve to; none where one is missing that it can't do
    /// without.
    fn check(
        draft: &mut Draft<Self::Body>,
        directory: &Directory,
        errors: &mut ValidationErrors,
    ) -> Option<Self::Links>;

    /// Takes back what a stored row must not be given again; nothing, with most.
    fn settle(_wanted: &mut Self::Body, _stored: &Self::Body, _today: NaiveDate) {}

    /// The rules that span rows, those in the batch and those already stored.
    fn check_together(
        tenant: &mut Tenant<'_>,
        rows: &[Checked<Self>],
        directory: &mut Directory,
        errors: &mut ValidationErrors,
    ) -> Result<()>;

    /// Writes rows, new and changed ones alike, in batches.
    fn write(writer: &mut Writer<'_>, rows: &[&Checked<Self>]) -> Result<()>;

    /// How many rows the HR system manages that have not ended before `day`.
    fn count_under_hr(tenant: &mut Tenant<'_>, day: NaiveDate) -> Result<i64>;

    /// Sentences that name what refers to a row.
    fn dependents(tenant: &mut Tenant<'_>, id: Id) -> Result<Vec<String>>;

    /// Removes a row to which nothing refers.
    fn delete(writer: &mut Writer<'_>, id: Id) -> Result<()>;
}

/// A row that was compared and checked, and waits to be written.
pub struct Checked<R: Register> {
    /// Where it stands in what the client sent.
    pub pointer: String,
    /// What storing it comes to.
    pub outcome: UpsertOutcome<R::Body>,
    /// What its references resolved to.
    pub links: R::Links,
}

/// The stored rows under the drafts' keys.
pub fn stored<R: Register>(
    tenant: &mut Tenant<'_>,
    drafts: &[Draft<R::Body>],
) -> Result<HashMap<RegisterKey, Entity<R::Body>>> {
    let mut stored = HashMap::new();
    for batch in drafts.chunks(connection::batch()) {
        let keys = batch.iter().map(|draft| draft.body.key().clone()).collect();
        let rows = R::select(tenant, Selection::Keys(keys))?;
        stored.extend(rows.into_iter().map(|row| (row.body.key().clone(), row)));
    }
    Ok(stored)
}

/// Compares drafts with what is stored and checks them; faults go to `faults`, their names to the directory.
pub fn prepare<R: Register>(
    tenant: &mut Tenant<'_>,
    directory: &mut Directory,
    drafts: Vec<Draft<R::Body>>,
    errors: &mut ValidationErrors,
) -> Result<Vec<Checked<R>>> {
    resource::check_duplicate_keys(drafts.iter().map(|draft| (draft.pointer.clone(), draft.body.key())), errors);
    let existing = stored::<R>(tenant, &drafts)?;
    prepare_over(tenant, directory, existing, drafts, errors)
}

/// [`prepare`] for drafts whose stored rows are at hand, and whose keys are distinct.
pub fn prepare_over<R: Register>(
    tenant: &mut Tenant<'_>,
    directory: &mut Directory,
    mut existing: HashMap<RegisterKey, Entity<R::Body>>,
    drafts: Vec<Draft<R::Body>>,
    errors: &mut ValidationErrors,
) -> Result<Vec<Checked<R>>> {
    R::learn_names(tenant, &drafts, directory)?;
    let now = Timestamp::now();
    let mut ids = Vec::with_capacity(drafts.len());
    for draft in &drafts {
        let id = existing.get(draft.body.key()).map_or_else(Id::new, Entity::id);
        R::own_names(directory).insert(id, draft.body.key().clone());
        ids.push(id);
    }
    let mut rows = Vec::with_capacity(drafts.len());
    let today = period::today();
    for (mut draft, id) in drafts.into_iter().zip(ids) {
        if let Some(stored) = existing.get(draft.body.key()) {
            R::settle(&mut draft.body, &stored.body, today);
        }
        let Some(links) = R::check(&mut draft, directory, errors) else { continue };
        let Draft { pointer, body } = draft;
        let outcome = UpsertOutcome::compare(existing.remove(body.key()), id, body, now);
        rows.push(Checked { pointer, outcome, links });
    }
    R::check_together(tenant, &rows, directory, errors)?;
    Ok(rows)
}

/// Writes what differs from what is stored, and logs it.
pub fn apply<R: Register>(writer: &mut Writer<'_>, mut rows: Vec<Checked<R>>) -> Result<Vec<UpsertOutcome<R::Body>>> {
    let now = writer.now();
    rows.iter_mut().for_each(|row| row.outcome.stamp(now));
    let changed: Vec<&Checked<R>> = rows.iter().filter(|row| !row.outcome.is_unchanged()).collect();
    if !changed.is_empty() {
        R::write(writer, &changed)?;
        writer.log(changed.iter().filter_map(|row| row.outcome.change()))?;
    }
    Ok(rows.into_iter().map(|row| row.outcome).collect())
}

impl<R: Register> Resource for R {
    type Body = R::Body;
    const WHAT: &'static str = R::WHAT;

    fn find(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Option<Entity<R::Body>>> {
        match Selection::of(reference) {
            Some(selection) => Ok(R::select(tenant, selection)?.pop()),
            None => Ok(None),
        }
    }

    fn save(writer: &mut Writer<'_>, drafts: Vec<Draft<R::Body>>) -> Result<Vec<UpsertOutcome<R::Body>>> {
        let mut errors = ValidationErrors::default();
        let existing = stored::<R>(writer, &drafts)?;
        for draft in &drafts {
            let stored = existing.get(draft.body.key()).map(|stored| &stored.body);
            check_new_days(&draft.body, stored, &draft.pointer, &mut errors);
        }
        let rows = prepare_over::<R>(writer, &mut Directory::default(), existing, drafts, &mut errors)?;
        errors.into_result()?;
        apply(writer, rows)
    }

    fn remove(writer: &mut Writer<'_>, stored: &Entity<R::Body>) -> Result<()> {
        resource::check_unused(R::WHAT, R::dependents(writer, stored.id())?)?;
        R::delete(writer, stored.id())
    }
}

/// Notes what makes the rows no tree, or one that is deeper than any organisation. The rows of the batch are checked
/// together with the `stored` ones that it leaves alone: ids and parents.
pub fn check_tree<R: Register>(
    rows: &[Checked<R>],
    parent: impl Fn(&R::Links) -> Option<Id>,
    stored: impl FnOnce() -> Result<Vec<(Id, Option<Id>)>>,
    errors: &mut ValidationErrors,
) -> Result<()> {
    let pointers: HashMap<Id, String> =
        rows.iter().map(|row| (row.outcome.entity().id(), format!("{}/parent", row.pointer))).collect();
    let mut links: Vec<(Id, Option<Id>)> =
        rows.iter().map(|row| (row.outcome.entity().id(), parent(&row.links))).collect();
    if links.iter().all(|(_, parent)| parent.is_none()) {
        return Ok(());
    }
    links.extend(stored()?.into_iter().filter(|(id, _)| !pointers.contains_key(id)));
    let edges: Vec<_> =
        links.iter().filter_map(|(id, parent)| Some((*id, (*parent)?, pointers.get(id).cloned()))).collect();
    let detail = format!("puts the {} below itself: choose another parent", R::WHAT);
    let errors_before = errors.count();
    resource::check_cycles(&edges, &detail, errors);
    if errors.count() == errors_before {
        check_depth(&Forest::new(links), &pointers, errors);
    }
    Ok(())
}

/// No organisation has as many levels. More are a mistake, and nobody could read answers that are nested as deeply.
const MAX_DEPTH: usize = 50;

fn check_depth(forest: &Forest<Id>, pointers: &HashMap<Id, String>, errors: &mut ValidationErrors) {
    let mut reported = HashSet::new();
    for id in forest.bottom_up() {
        let path: Vec<Id> = std::iter::once(id).chain(forest.ancestors(id)).take(MAX_DEPTH + 1).collect();
        if path.len() > MAX_DEPTH
            && let Some(pointer) = path[..MAX_DEPTH].iter().find_map(|id| pointers.get(id))
            && reported.insert(pointer)
        {
            errors.add(pointer.clone(), format!("makes a tree of more than {MAX_DEPTH} levels: choose another parent"));
        }
    }
}

/// [`Register::count_under_hr`] of a table.
#[macro_export]
macro_rules! count_under_hr {
    ($table:ident, $tenant:expr, $day:expr) => {
        $table::table
            .filter($table::municipality_id.eq($tenant.municipality_id))
            .filter($table::managed_by.eq($crate::register::ManagedBy::Hr))
            .filter($table::ends_on.is_null().or($table::ends_on.ge($day)))
            // What was called off ends before it begins, and was never there.
            .filter($table::starts_on.is_null().or($table::ends_on.is_null()).or($table::starts_on.le($table::ends_on)))
            .count()
            .get_result($tenant.connection)
    };
}
