//! Coverage: the values of computed indicators, which are the share of a level's committees that have done an action.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::model::Frequency;
use crate::action::assignment::model::{ActionWithAssignees, AssigneeInfo};
use crate::action::assignment::report_events::ReportEvent;
use crate::action::assignment::stage::Stage;
use crate::action::assignment::store::reports::history;
use crate::action::assignment::store::{self as assignments, ActionSelector};
use crate::action::schedule::Occurrence;
use crate::db::Tenant;
use crate::db::types::Id;
use crate::period::Period;
use crate::problem::Result;

/// What a computed indicator measures.
#[derive(Debug, Clone, Copy)]
pub struct CoverageDefinition {
    /// The indicator.
    pub indicator_id: Id,
    /// The action that is to be done.
    pub action_id: Id,
    /// The level whose committees are counted.
    pub level_id: Id,
    /// How long its periods are.
    pub frequency: Frequency,
}

/// The coverage of one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coverage {
    /// In percent.
    pub share: f64,
    /// How many assignments it is a share of: one for every committee and every occurrence of the action.
    pub expected: i64,
    /// Whether the period has not ended yet.
    pub is_provisional: bool,
}

/// The coverage of every period from the action's beginning to `today`, by indicator. Runs four statements, however
/// many definitions there are.
pub fn coverage(
    tenant: &mut Tenant<'_>,
    definitions: &[CoverageDefinition],
    today: NaiveDate,
) -> Result<HashMap<Id, BTreeMap<Period, Coverage>>> {
    if definitions.is_empty() {
        return Ok(HashMap::new());
    }
    let selector = match definitions {
        [single] => ActionSelector::Action(single.action_id),
        _ => ActionSelector::All,
    };
    let mut actions = assignments::actions(tenant, selector)?;
    actions.retain(|action| definitions.iter().any(|definition| definition.action_id == action.id));
    let committees = assignments::committees(tenant)?;
    let told = history(tenant, &actions, today)?;
    let mut found = HashMap::new();
    for definition in definitions {
        let Some(action) = actions.iter().find(|action| action.id == definition.action_id) else { continue };
        let at_level = committees.iter().map(|node| &node.member);
        let members: Vec<&AssigneeInfo> =
            at_level.filter(|member| member.level_id == Some(definition.level_id)).collect();
        let told: Vec<&ReportEvent> = told.iter().filter(|told| told.key.0 == action.id).collect();
        found.insert(definition.indicator_id, action_coverage(action, &members, &told, definition.frequency, today));
    }
    Ok(found)
}

fn action_coverage(
    action: &ActionWithAssignees,
    members: &[&AssigneeInfo],
    told: &[&ReportEvent],
    frequency: Frequency,
    today: NaiveDate,
) -> BTreeMap<Period, Coverage> {
    let mut found = BTreeMap::new();
    let Some(span) = frequency.span() else { return found };
    let first = action.schedule.starts_on.or(told.first().map(|told| told.reported_at.day()));
    let Some(first) = first else { return found };
    let mut period = Period::containing(first, span);
    let mut latest: HashMap<_, Stage> = HashMap::new();
    let mut consumed = 0;
    // A report on a recurring action names its occurrence and counts for it whenever it comes; one on an action that is
    // done once counts from the day on which it comes.
    if action.schedule.recurrence.is_some() {
        latest.extend(told.iter().map(|told| ((told.key.1, told.key.2), told.stage)));
        consumed = told.len();
    }
    while period.first_day() <= today {
        let day = period.last_day().min(today);
        while let Some(next) = told.get(consumed).filter(|told| told.reported_at.day() <= day) {
            latest.insert((next.key.1, next.key.2), next.stage);
            consumed += 1;
        }
        let (mut expected, mut done) = (0, 0);
        for occurrence in occurrences_in(action, period, day) {
            let reference_day = occurrence.reference_day(day);
            for member in members.iter().filter(|member| member.exists.contains(reference_day)) {
                expected += 1;
                done += i64::from(latest.get(&(occurrence.period, member.assignee)) == Some(&Stage::Done));
            }
        }
        if expected > 0 {
            let share = done as f64 * 100.0 / expected as f64;
            found.insert(period, Coverage { share, expected, is_provisional: today <= period.last_day() });
        }
        // Every second year, beginning with the action's first.
        let step = if frequency == Frequency::Biennium { 2 } else { 1 };
        for _ in 0..step {
            period = period.successor();
        }
    }
    found
}

/// The occurrences that count in a period. An action that is done once counts in every period since it began; an
/// occurrence of a recurring one in the period in which it is due.
fn occurrences_in(action: &ActionWithAssignees, period: Period, day: NaiveDate) -> Vec<Occurrence> {
    let mut occurrences = action.schedule.occurrences(day);
    if action.schedule.recurrence.is_some() {
        let days = period.first_day()..=period.last_day();
        occurrences.retain(|occurrence| occurrence.due_on.is_some_and(|due| days.contains(&due)));
    }
    occurrences
}
