//! Taking a bundle in.

use super::model::{Bundle, ImportAnswer};
use crate::committee::level;
use crate::committee::membership::Memberships;
use crate::committee::{Committees, store as committees};
use crate::db::types::Id;
use crate::db::{Database, Principal, Writer};
use crate::municipality::model::MunicipalityBody;
use crate::municipality::store as municipality;
use crate::organisation::Units;
use crate::organisation::employee::Employees;
use crate::problem::{Faults, Problem, Result};
use crate::register::{self, Directory};
use crate::resource::{Counts, Draft, Saved};
use crate::strategy::resolve::{self, Part, PreparedTree, Unnamed};
use crate::strategy::save;

/// Imports a bundle into its municipality, which is created where there is none: for the command
/// line, which stands outside any municipality.
pub fn import_creating(database: &Database, issuer: &str, subject: &str, bundle: Bundle) -> Result<ImportAnswer> {
    let head = bundle.municipality.clone();
    let principal =
        Principal { municipality: head.key.clone(), issuer: issuer.to_owned(), subject: subject.to_owned() };
    let is_new = std::cell::Cell::new(false);
    let locate = |connection: &mut _, _: &_| -> Result<Id> {
        let (id, created) = municipality::find_or_create(connection, &head)?;
        is_new.set(created);
        Ok(id)
    };
    database.write_creating(&principal, locate, |writer| {
        if is_new.get() {
            let created = Saved::Created(municipality::read(writer)?);
            writer.log(created.change())?;
        }
        let answer = import(writer, bundle)?;
        let created = Counts { created: 1, ..Counts::default() };
        Ok(if is_new.get() { ImportAnswer { municipality: created, ..answer } } else { answer })
    })
}

/// Imports a bundle into the writer's own municipality: all of it, or, where there is a fault, nothing.
pub fn import(writer: &mut Writer<'_>, bundle: Bundle) -> Result<ImportAnswer> {
    check_municipality(writer, &bundle.municipality)?;
    let left_out = bundle.left_out();
    let Bundle { municipality: head, levels, units, employees, committees, memberships, strategies, .. } = bundle;
    let mut faults = Faults::default();
    let mut directory = Directory::default();
    committees::learn_names(writer, &mut directory)?;
    let levels = level::store::prepare(writer, &mut directory.levels, Draft::array("/levels", levels), &mut faults)?;
    let units = register::prepare::<Units>(writer, &mut directory, Draft::array("/units", units), &mut faults)?;
    let drafts = Draft::array("/employees", employees);
    let employees = register::prepare::<Employees>(writer, &mut directory, drafts, &mut faults)?;
    let drafts = Draft::array("/committees", committees);
    let committees = register::prepare::<Committees>(writer, &mut directory, drafts, &mut faults)?;
    let drafts = Draft::array("/memberships", memberships);
    let memberships = register::prepare::<Memberships>(writer, &mut directory, drafts, &mut faults)?;
    let drafts = Draft::array("/strategies", strategies);
    let strategies = resolve::prepare(writer, &directory, drafts, Unnamed::Keep, &mut faults)?;
    faults.into_result()?;

    let head = municipality::save(writer, head)?;
    let levels = level::store::apply(writer, levels)?;
    let units = register::apply(writer, units)?;
    let employees = register::apply(writer, employees)?;
    let committees = register::apply(writer, committees)?;
    let memberships = register::apply(writer, memberships)?;
    save::apply(writer, &strategies)?;
    let trees = &strategies.trees;
    Ok(ImportAnswer {
        municipality: Counts::of([&head]),
        levels: Counts::of(&levels),
        units: Counts::of(&units),
        employees: Counts::of(&employees),
        committees: Counts::of(&committees),
        memberships: Counts::of(&memberships),
        strategies: Counts::of(trees.iter().map(|tree| &tree.strategy)),
        focus_areas: count(trees, |tree| &tree.areas),
        objectives: count(trees, |tree| &tree.objectives),
        actions: count(trees, |tree| &tree.actions),
        left_out,
    })
}

fn check_municipality(writer: &mut Writer<'_>, head: &MunicipalityBody) -> Result<()> {
    let own = municipality::read(writer)?.body.key;
    if own == head.key {
        return Ok(());
    }
    Err(Problem::invalid(
        "/municipality/key",
        format!("is another municipality's: this token speaks for '{own}' alone"),
    ))
}

fn count<'t, B: crate::resource::Body + 't>(
    trees: &'t [PreparedTree],
    parts: impl Fn(&'t PreparedTree) -> &'t Vec<Part<B>>,
) -> Counts {
    Counts::of(trees.iter().flat_map(parts).map(|part| &part.saved))
}
