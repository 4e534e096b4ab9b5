//! The rules of assignments: who has to do an action follows from its audience and dates, and from who exists then.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::stage::{Judgement, Stage};
use super::stage_counts::StageCounts;
use crate::action::schedule::{Occurrence, Schedule};
use crate::date_range::DateRange;
use crate::db::types::{Id, RegisterKey, Timestamp};
use crate::http::example::example;
use crate::period::Period;
use crate::text::{LongText, ShortText};
use crate::web_address::WebAddress;

/// A committee or unit that can have assignments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assignee {
    /// A committee.
    Committee(Id),
    /// A unit.
    Unit(Id),
}

impl Assignee {
    /// The committee's or the unit's id.
    pub fn id(self) -> Id {
        match self {
            Self::Committee(id) | Self::Unit(id) => id,
        }
    }

    /// The id, where it is a committee's.
    pub fn committee_id(self) -> Option<Id> {
        match self {
            Self::Committee(id) => Some(id),
            Self::Unit(_) => None,
        }
    }

    /// The id, where it is a unit's.
    pub fn unit_id(self) -> Option<Id> {
        match self {
            Self::Committee(_) => None,
            Self::Unit(id) => Some(id),
        }
    }

    /// From two columns of which one is filled.
    pub fn from_columns(committee_id: Option<Id>, unit_id: Option<Id>) -> Option<Self> {
        committee_id.map(Self::Committee).or(unit_id.map(Self::Unit))
    }
}

/// A committee or unit, with what assignments depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssigneeInfo {
    /// Which one.
    pub assignee: Assignee,
    /// Its key.
    pub key: RegisterKey,
    /// Its name.
    pub name: ShortText,
    /// A committee's level.
    pub level_id: Option<Id>,
    /// When it exists.
    pub exists: DateRange,
}

/// An action, with the committees and units that have to do it.
#[derive(Debug, Clone)]
pub struct ActionWithAssignees {
    /// Its id.
    pub id: Id,
    /// The keys that lead to it: of its strategy, area and itself, or of its committee and itself.
    pub path: String,
    /// Its title.
    pub title: ShortText,
    /// The focus area in which it stands; of a local action, the one of the action that inspired it.
    pub focus_area_id: Id,
    /// The strategy of that area.
    pub strategy_id: Id,
    /// The strategy's key.
    pub strategy: RegisterKey,
    /// Whether that strategy is a draft.
    pub is_draft: bool,
    /// The action that inspired it, if it is local.
    pub parent_id: Option<Id>,
    /// When it is to be done.
    pub schedule: Schedule,
    /// The strategy's first and last day.
    pub strategy_dates: (Option<NaiveDate>, Option<NaiveDate>),
    /// The levels whose committees all have to do it.
    pub level_ids: Vec<Id>,
    /// The committees and units that have to do it by name, and not by their level already.
    pub named: Vec<AssigneeInfo>,
}

impl ActionWithAssignees {
    /// Whether a committee started it by itself.
    pub fn is_local(&self) -> bool {
        self.parent_id.is_some()
    }

    /// Whether a committee or unit has to do it, on a day on which that exists.
    pub fn addresses(&self, assignee: Assignee, level_id: Option<Id>) -> bool {
        self.addresses_level(level_id) || self.named.iter().any(|member| member.assignee == assignee)
    }

    /// Whether it is to be done by all committees of a level.
    pub fn addresses_level(&self, level_id: Option<Id>) -> bool {
        level_id.is_some_and(|level| self.level_ids.contains(&level))
    }
}

/// The key of an assignment: the action, the occurrence's period, and the committee or unit.
pub type AssignmentKey = (Id, Option<Period>, Assignee);

/// The latest report of an assignment.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestReport {
    /// The report.
    pub id: Id,
    /// How far it was.
    pub stage: Stage,
    /// How those who reported saw the way ahead.
    pub judgement: Judgement,
    /// When it was reported.
    pub reported_at: Timestamp,
}

/// What a committee or unit has to do: one occurrence of an action, and how far they are.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!(example!("assignment")))]
pub struct Assignment {
    /// The action: the keys that lead to it.
    pub action: String,
    /// The action's id.
    pub action_id: Id,
    /// The action's title.
    pub title: ShortText,
    /// Whether a committee started the action by itself.
    pub is_local: bool,
    /// The key of the committee that has to do it; null where it is a unit.
    pub committee: Option<RegisterKey>,
    /// The key of the unit that has to do it; null where it is a committee.
    pub unit: Option<RegisterKey>,
    /// What the committee or unit is called.
    pub name: ShortText,
    /// The key of the committee's level.
    pub level: Option<RegisterKey>,
    /// Which time, where the action recurs; what is done every second year is named by the first of the two.
    pub occurrence: Option<Period>,
    /// First day; null = no day was set.
    pub starts_on: Option<NaiveDate>,
    /// The day by which it is done; null = no day was set.
    pub due_on: Option<NaiveDate>,
    /// How far it is.
    pub stage: Stage,
    /// How those who reported see the way ahead.
    pub judgement: Judgement,
    /// Whether the day by which it is done has passed, and it is neither done nor dropped.
    pub is_overdue: bool,
    /// Whether it is in progress and nothing was reported for as long as it takes until it recurs, or for a year.
    pub is_stale: bool,
    /// Whether it was begun before an action that comes first is done, unless that was cancelled.
    pub is_ahead_of_forerunner: bool,
    /// The report that says so; null where nothing was reported.
    pub report_id: Option<Id>,
    /// When it was reported.
    pub reported_at: Option<Timestamp>,
    /// What those who reported wrote.
    pub note: Option<LongText>,
    /// Where the minutes stand.
    pub minutes_url: Option<WebAddress>,
    /// When the committee discussed it.
    pub discussed_on: Option<NaiveDate>,
}

/// The sort key of an assignment in a list: action, its id, occurrence, whether it is a unit's, and the key of the
/// committee or unit.
pub type ListPosition = (String, Id, String, bool, String);

impl Assignment {
    /// Its sort key in a list: by action, occurrence and assignee, committees before units. The id decides between two
    /// actions with one path.
    pub fn position(&self) -> ListPosition {
        let period = self.occurrence.map(|period| period.to_string()).unwrap_or_default();
        let assignee = self.committee.as_ref().or(self.unit.as_ref()).map(ToString::to_string).unwrap_or_default();
        (self.action.clone(), self.action_id, period, self.unit.is_some(), assignee)
    }
}

/// An assignment, by references to what it consists of.
#[derive(Debug, Clone, Copy)]
pub struct AssignmentRef<'a> {
    /// The action.
    pub action: &'a ActionWithAssignees,
    /// Which time.
    pub occurrence: Occurrence,
    /// Who has to do it.
    pub member: &'a AssigneeInfo,
}

impl AssignmentRef<'_> {
    /// The key of the assignment.
    pub fn key(&self) -> AssignmentKey {
        (self.action.id, self.occurrence.period, self.member.assignee)
    }

    /// The counts of this one assignment, given its latest report.
    pub fn counts(&self, latest: Option<(Stage, Timestamp)>, on: NaiveDate) -> StageCounts {
        let (stage, reported_at) = latest.unzip();
        let stage = stage.unwrap_or(Stage::NotStarted);
        let is_stale = reported_at.is_some_and(|at| is_stale(self.action.schedule, stage, at, on));
        let mut counts = StageCounts::expecting(1);
        counts.last_reported_at = reported_at;
        counts.count(stage, 1);
        counts.stale = u64::from(is_stale);
        counts.overdue = u64::from(is_overdue(&self.occurrence, stage, on));
        counts
    }
}

/// Whether an assignment at this stage is late.
pub fn is_overdue(occurrence: &Occurrence, stage: Stage, on: NaiveDate) -> bool {
    !matches!(stage, Stage::Done | Stage::Dropped) && occurrence.is_overdue(on)
}

/// Whether an assignment at this stage has been silent for too long.
pub fn is_stale(schedule: Schedule, stage: Stage, reported_at: Timestamp, on: NaiveDate) -> bool {
    stage == Stage::InProgress && schedule.is_stale(reported_at.day(), on)
}

/// Calls `visit` with every assignment of `actions` that has begun by `on`: of `members`, who may have to do an action
/// by their level, and of those who are named.
pub fn for_each_assignment<'a>(
    actions: &'a [ActionWithAssignees],
    members: &'a [AssigneeInfo],
    on: NaiveDate,
    mut visit: impl FnMut(AssignmentRef<'a>),
) {
    let mut by_level: HashMap<Id, Vec<&AssigneeInfo>> = HashMap::new();
    for member in members {
        if let Some(level) = member.level_id {
            by_level.entry(level).or_default().push(member);
        }
    }
    for action in actions {
        let by_level = action.level_ids.iter().filter_map(|level| by_level.get(level)).flatten().copied();
        let addressed: Vec<&AssigneeInfo> = by_level.chain(&action.named).collect();
        if addressed.is_empty() {
            continue;
        }
        for occurrence in action.schedule.occurrences(on) {
            let day = occurrence.reference_day(on);
            let present = addressed.iter().filter(|member| member.exists.contains(day));
            present.for_each(|member| visit(AssignmentRef { action, occurrence, member }));
        }
    }
}
