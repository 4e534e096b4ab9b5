//! Lists of assignments, line by line.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::forerunners::Forerunners;
use super::history::{self, Whose};
use super::model::{Addressed, Assignment, Member, Party, Position, Share, each_share, is_overdue, is_stale};
use super::stage::{Judgement, Stage};
use super::store::{self, Which};
use crate::committee::level;
use crate::db::Tenant;
use crate::db::types::{Id, Reference, RegisterKey};
use crate::period::Period;
use crate::problem::{Problem, Result};

/// Whose assignments are wanted.
#[derive(Debug, Clone)]
pub enum Of {
    /// Those of an action.
    Action(Id),
    /// Those of a committee, by key or id.
    Committee(Reference),
}

/// Which assignments are wanted.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only those at this stage.
    pub stage: Option<Stage>,
    /// Only those judged so.
    pub judgement: Option<Judgement>,
    /// Only those that are, or aren't, overdue.
    pub overdue: Option<bool>,
    /// Only those that are, or aren't, stale.
    pub stale: Option<bool>,
    /// Only those of this time.
    pub occurrence: Option<Period>,
    /// Only those of committees at this level.
    pub level: Option<Reference>,
    /// Only those of this committee.
    pub committee: Option<Reference>,
    /// Only those of this unit.
    pub unit: Option<Reference>,
    /// Only those of this strategy.
    pub strategy: Option<Reference>,
    /// Only those that are, or aren't, local.
    pub local: Option<bool>,
}

impl Filter {
    fn takes_share(&self, share: &Share<'_>, levels: &HashMap<Id, RegisterKey>) -> bool {
        let Share { action, occurrence, member } = share;
        let is_party = |reference: &Reference, wanted: fn(Party) -> Option<Id>| {
            wanted(member.party).is_some_and(|id| reference.names(id, &member.key))
        };
        let is_level = |reference: &Reference| {
            let level = member.level_id.and_then(|id| Some((id, levels.get(&id)?)));
            level.is_some_and(|(id, key)| reference.names(id, key))
        };
        self.occurrence.is_none_or(|wanted| occurrence.period == Some(wanted))
            && self.local.is_none_or(|wanted| action.is_local() == wanted)
            && self.committee.as_ref().is_none_or(|wanted| is_party(wanted, Party::committee_id))
            && self.unit.as_ref().is_none_or(|wanted| is_party(wanted, Party::unit_id))
            && self.level.as_ref().is_none_or(is_level)
    }

    fn takes(&self, assignment: &Assignment) -> bool {
        self.stage.is_none_or(|wanted| assignment.stage == wanted)
            && self.judgement.is_none_or(|wanted| assignment.judgement == wanted)
            && self.overdue.is_none_or(|wanted| assignment.is_overdue == wanted)
            && self.stale.is_none_or(|wanted| assignment.is_stale == wanted)
    }

    fn takes_strategy(&self, action: &Addressed) -> bool {
        self.strategy.as_ref().is_none_or(|wanted| wanted.names(action.strategy_id, &action.strategy))
    }
}

/// At most `most` assignments after a place, as they stand on a day.
pub fn list(
    tenant: &mut Tenant<'_>,
    of: &Of,
    filter: &Filter,
    on: NaiveDate,
    after: Option<Position>,
    most: Option<usize>,
) -> Result<Vec<Assignment>> {
    let committees = store::committees(tenant)?;
    let members: Vec<Member> = committees.into_iter().map(|node| node.member).collect();
    let (actions, members, whose, all) = match of {
        Of::Action(id) => {
            let mut found = store::actions(tenant, Which::Action(*id))?;
            found.retain(|action| action.id == *id);
            if found.is_empty() {
                return Err(Problem::not_found("action"));
            }
            (found, members, Whose::Action(*id), None)
        }
        Of::Committee(reference) => {
            let is_it = |member: &Member| reference.names(member.party.id(), &member.key);
            let own: Vec<Member> = members.into_iter().filter(is_it).collect();
            let party = own.first().map(|member| member.party).ok_or_else(|| Problem::not_found("committee"))?;
            let all = store::actions(tenant, Which::All)?;
            let mut found = all.clone();
            found.retain(|action| !action.is_draft && filter.takes_strategy(action));
            found.iter_mut().for_each(|action| action.named.retain(|member| member.party == party));
            (found, own, Whose::Committee(party.id()), Some(all))
        }
    };
    let levels = level::store::names(tenant)?.into_iter();
    let levels: HashMap<Id, RegisterKey> = levels.filter_map(|(id, path)| Some((id, path.key()?.clone()))).collect();
    let latest = history::latest(tenant, whose, on)?;
    let forerunners = Forerunners::read(tenant, &actions, all, on)?;
    // No more are kept than are wanted, however many there are.
    let mut assignments: BTreeMap<Position, Assignment> = BTreeMap::new();
    let most = most.unwrap_or(usize::MAX);
    each_share(&actions, &members, on, |share| {
        if !filter.takes_share(&share, &levels) {
            return;
        }
        let Share { action, occurrence, member } = share;
        let report = latest.get(&share.place());
        let stage = report.map_or(Stage::NotStarted, |report| report.stage);
        let is_begun = matches!(stage, Stage::InProgress | Stage::Done);
        let assignment = Assignment {
            action: action.path.clone(),
            action_id: action.id,
            title: action.title.clone(),
            is_local: action.is_local(),
            committee: member.party.committee_id().map(|_| member.key.clone()),
            unit: member.party.unit_id().map(|_| member.key.clone()),
            name: member.name.clone(),
            level: member.level_id.and_then(|id| levels.get(&id).cloned()),
            occurrence: occurrence.period,
            starts_on: occurrence.starts_on,
            due_on: occurrence.due_on,
            stage,
            judgement: report.map_or(Judgement::None, |report| report.judgement),
            is_overdue: is_overdue(&occurrence, stage, on),
            is_stale: report.is_some_and(|report| is_stale(action.schedule, stage, report.reported_at, on)),
            is_ahead_of_forerunner: is_begun && forerunners.hold_up(action.id),
            report_id: report.map(|report| report.id),
            reported_at: report.map(|report| report.reported_at),
            note: None,
            minutes_url: None,
            discussed_on: None,
        };
        let position = assignment.position();
        let follows = after.as_ref().is_none_or(|after| position > *after);
        if follows && filter.takes(&assignment) {
            assignments.insert(position, assignment);
            if assignments.len() > most {
                assignments.pop_last();
            }
        }
    });
    let mut assignments: Vec<Assignment> = assignments.into_values().collect();
    let told: Vec<Id> = assignments.iter().filter_map(|assignment| assignment.report_id).collect();
    let mut words = history::words(tenant, &told)?;
    for assignment in &mut assignments {
        if let Some(said) = assignment.report_id.and_then(|id| words.remove(&id)) {
            (assignment.note, assignment.minutes_url, assignment.discussed_on) = said;
        }
    }
    Ok(assignments)
}
