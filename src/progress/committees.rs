//! The progress of committees, by themselves and with all below them.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{Months, NaiveDate};

use super::label::Counted;
use super::series::{self, Point};
use super::sums::{Part, ProgressKind, ProgressQuery, ProgressSummary, Sums};
use crate::action::assignment::model::{ActionWithAssignees, Assignee, AssigneeInfo, for_each_assignment};
use crate::action::assignment::occurrence_counts::CommitteeCounts;
use crate::action::assignment::report_events::ReportEvent;
use crate::action::assignment::snapshot::AssignmentSnapshot;
use crate::action::assignment::store::reports::{history_of_committees, latest_of_committees};
use crate::action::assignment::store::{self as assignments, ActionSelector};
use crate::committee::membership::store::{self as memberships, Filter};
use crate::db::Tenant;
use crate::db::types::{Id, Reference, RegisterKey};
use crate::forest::Forest;
use crate::period;
use crate::problem::{Problem, Result};

/// The committees of a municipality.
struct CommitteeTree {
    infos: HashMap<Id, AssigneeInfo>,
    forest: Forest<Id>,
}

impl CommitteeTree {
    fn read(tenant: &mut Tenant<'_>) -> Result<Self> {
        let nodes = assignments::committees(tenant)?;
        let forest = Forest::new(nodes.iter().map(|node| (node.member.assignee.id(), node.parent_id)));
        let infos = nodes.into_iter().map(|node| (node.member.assignee.id(), node.member)).collect();
        Ok(Self { infos, forest })
    }

    fn get(&self, id: Id) -> Option<&AssigneeInfo> {
        self.infos.get(&id)
    }

    fn find(&self, reference: &Reference) -> Option<&AssigneeInfo> {
        self.infos.values().find(|info| reference.names(info.assignee.id(), &info.key))
    }

    fn children(&self, id: Id) -> impl Iterator<Item = &AssigneeInfo> {
        self.forest.children(id).iter().filter_map(|id| self.get(*id))
    }

    /// Whether these are all committees that have a level.
    fn has_all_levels(&self, ids: &[Id]) -> bool {
        let ids: HashSet<Id> = ids.iter().copied().collect();
        self.infos.values().all(|info| info.level_id.is_none() || ids.contains(&info.assignee.id()))
    }
}

/// The actions of plans and of committees themselves, without those of drafts.
fn adopted_actions(tenant: &mut Tenant<'_>) -> Result<Vec<ActionWithAssignees>> {
    let mut actions = assignments::actions(tenant, ActionSelector::All)?;
    actions.retain(|action| !action.is_draft);
    Ok(actions)
}

/// The same actions, with only these committees among the named assignees.
fn restrict_to(ids: &[Id], actions: &[ActionWithAssignees]) -> Vec<ActionWithAssignees> {
    let assignees: HashSet<Assignee> = ids.iter().copied().map(Assignee::Committee).collect();
    let mut actions = actions.to_vec();
    actions.iter_mut().for_each(|action| action.named.retain(|member| assignees.contains(&member.assignee)));
    actions
}

/// The sums of committees, each by itself.
struct OwnSums {
    actions: Vec<ActionWithAssignees>,
    members: Vec<AssigneeInfo>,
    sums: HashMap<Id, Sums>,
}

impl OwnSums {
    fn read(
        tenant: &mut Tenant<'_>,
        tree: &CommitteeTree,
        actions: &[ActionWithAssignees],
        ids: &[Id],
        on: NaiveDate,
    ) -> Result<Self> {
        let actions = restrict_to(ids, actions);
        let members: Vec<AssigneeInfo> = ids.iter().filter_map(|id| tree.get(*id).cloned()).collect();
        let latest = latest_of_committees(tenant, ids, on)?;
        let mut sums: HashMap<Id, Sums> = ids.iter().map(|id| (*id, Sums::default())).collect();
        for_each_assignment(&actions, &members, on, |assignment_ref| {
            let counts = assignment_ref.counts(latest.get(&assignment_ref.key()).copied(), on);
            let own = sums.entry(assignment_ref.member.assignee.id()).or_default();
            own.add(assignment_ref.action.is_local(), assignment_ref.occurrence.is_running(on), counts);
        });
        Ok(Self { actions, members, sums })
    }

    fn of(&self, id: Id) -> Sums {
        self.sums.get(&id).copied().unwrap_or_default()
    }

    fn part(&self, tree: &CommitteeTree, member: &AssigneeInfo) -> Part {
        let id = member.assignee.id();
        let subtree = tree.forest.subtree(id).into_iter().map(|id| self.of(id).all).sum();
        let sums = Sums { subtree: Some(subtree), ..self.of(id) };
        Part::new(ProgressKind::Committee, id, &member.key, &member.name, sums)
    }

    /// The counts of some of the committees month by month, for the last two years.
    fn series(&self, tenant: &mut Tenant<'_>, ids: &[Id], on: NaiveDate) -> Result<Vec<Point>> {
        let assignees: HashSet<Assignee> = ids.iter().copied().map(Assignee::Committee).collect();
        let members = || self.members.iter().filter(|member| assignees.contains(&member.assignee));
        let committee_counts =
            CommitteeCounts::of(members().filter_map(|member| Some((member.level_id?, member.exists, 1))));
        let mut actions = restrict_to(ids, &self.actions);
        actions.retain(|action| !action.is_local());
        let mut history = history_of_committees(tenant, ids, on)?;
        history.retain(|event: &ReportEvent| assignees.contains(&event.key.2));
        Ok(series::points(&actions, &committee_counts, &history, &series::days(two_years_before(on), None, on)))
    }
}

/// The progress of a committee, by itself and with all below it. Its children are the committees right below it that
/// exist on the day.
pub fn committee(tenant: &mut Tenant<'_>, reference: &Reference, query: ProgressQuery) -> Result<ProgressSummary> {
    let on = query.on;
    let tree = CommitteeTree::read(tenant)?;
    let member = tree.find(reference).ok_or_else(|| Problem::not_found("committee"))?;
    let id = member.assignee.id();
    let (actions, subtree) = (adopted_actions(tenant)?, tree.forest.subtree(id));
    // If the subtree holds all committees with a level, its sum comes from the stored totals.
    let by_counts = !query.children && tree.has_all_levels(&subtree);
    let read: &[Id] = if by_counts { &[id] } else { &subtree };
    let own = OwnSums::read(tenant, &tree, &actions, read, on)?;
    let mut part = own.part(&tree, member);
    if by_counts {
        let mut planned = restrict_to(&subtree, &actions);
        planned.retain(|action| !action.is_local());
        let snapshot = AssignmentSnapshot::from_actions(tenant, planned, on)?;
        part.sums.subtree = Some(snapshot.by_occurrence().iter().map(|entry| entry.counts).sum());
    }
    let mut summary = ProgressSummary::new(part, on);
    if query.children {
        let present = tree.children(id).filter(|member| member.exists.contains(on));
        summary.children = Some(present.map(|member| own.part(&tree, member)).collect());
    }
    if query.series {
        summary.series = Some(own.series(tenant, &[id], on)?);
    }
    Ok(summary)
}

/// The progress of the committees in which a person sits today. Each of them is a child.
pub fn me(tenant: &mut Tenant<'_>, person: Option<&RegisterKey>, query: ProgressQuery) -> Result<ProgressSummary> {
    let on = query.on;
    let seats = match person {
        Some(key) => {
            let filter = Filter { employee: Some(key.clone()), on: Some(period::today()), ..Filter::default() };
            memberships::list(tenant, filter, None)?
        }
        None => Vec::new(),
    };
    // By key; once, however many seats the person has in it.
    let mine: BTreeSet<Reference> = seats.into_iter().map(|seat| seat.membership.body.committee).collect();
    let mut sums = Sums::default();
    let (mut children, mut series) = (Vec::new(), Vec::new());
    // Without seats there is nothing more to read.
    if !mine.is_empty() {
        let (tree, actions) = (CommitteeTree::read(tenant)?, adopted_actions(tenant)?);
        let members: Vec<&AssigneeInfo> = mine.iter().filter_map(|committee| tree.find(committee)).collect();
        let ids: Vec<Id> = members.iter().map(|member| member.assignee.id()).collect();
        let read: HashSet<Id> = match query.children {
            true => ids.iter().flat_map(|id| tree.forest.subtree(*id)).collect(),
            false => ids.iter().copied().collect(),
        };
        let own = OwnSums::read(tenant, &tree, &actions, &read.into_iter().collect::<Vec<_>>(), on)?;
        for of in ids.iter().map(|id| own.of(*id)) {
            sums.all += of.all;
            sums.running += of.running;
            sums.local += of.local;
        }
        if query.children {
            children = members.into_iter().map(|member| own.part(&tree, member)).collect();
        }
        if query.series {
            series = own.series(tenant, &ids, on)?;
        }
    } else if query.series {
        series = series::points(&[], &CommitteeCounts::default(), &[], &series::days(two_years_before(on), None, on));
    }
    let counted = Counted::Assignments;
    let part = Part {
        kind: ProgressKind::Me,
        id: None,
        key: None,
        title: String::new(),
        counted,
        counted_running: counted,
        sums,
        verdicts: None,
    };
    let mut summary = ProgressSummary::new(part, on);
    summary.children = query.children.then_some(children);
    summary.series = query.series.then_some(series);
    Ok(summary)
}

fn two_years_before(day: NaiveDate) -> NaiveDate {
    day.checked_sub_months(Months::new(24)).unwrap_or(day)
}
