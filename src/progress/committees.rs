//! How far committees have come, by themselves and with all below them.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{Months, NaiveDate};

use super::label::Counted;
use super::series::{self, Point};
use super::sums::{Gathered, Part, ProgressKind, Sums, Wanted};
use crate::action::assignment::board::Board;
use crate::action::assignment::count::Census;
use crate::action::assignment::history::{Told, history_of_committees, latest_of_committees};
use crate::action::assignment::model::{Addressed, Member, Party, each_share};
use crate::action::assignment::store::{self as assignments, Node, Which};
use crate::committee::membership::store::{self as memberships, Filter};
use crate::db::Tenant;
use crate::db::types::{Id, Reference, RegisterKey};
use crate::period;
use crate::problem::{Problem, Result};

/// The committees of a municipality, and who stands below whom.
struct Tree {
    nodes: Vec<Node>,
    places: HashMap<Id, usize>,
    below: HashMap<Id, Vec<usize>>,
}

impl Tree {
    fn read(tenant: &mut Tenant<'_>) -> Result<Self> {
        let nodes = assignments::committees(tenant)?;
        let places = nodes.iter().enumerate().map(|(place, node)| (node.member.party.id(), place)).collect();
        let mut below: HashMap<Id, Vec<usize>> = HashMap::new();
        for (place, node) in nodes.iter().enumerate() {
            if let Some(parent) = node.parent_id {
                below.entry(parent).or_default().push(place);
            }
        }
        Ok(Self { nodes, places, below })
    }

    fn member(&self, id: Id) -> Option<&Member> {
        self.places.get(&id).map(|place| &self.nodes[*place].member)
    }

    fn find(&self, reference: &Reference) -> Option<&Member> {
        let mut members = self.nodes.iter().map(|node| &node.member);
        members.find(|member| reference.names(member.party.id(), &member.key))
    }

    fn children(&self, id: Id) -> impl Iterator<Item = &Member> {
        self.below.get(&id).into_iter().flatten().map(|place| &self.nodes[*place].member)
    }

    /// Whether these are all committees that have a level.
    fn has_all_levels(&self, ids: &[Id]) -> bool {
        let ids: HashSet<Id> = ids.iter().copied().collect();
        self.nodes.iter().all(|node| node.member.level_id.is_none() || ids.contains(&node.member.party.id()))
    }

    /// The committee itself, and all below it, whether they exist on a day or not.
    fn subtree(&self, id: Id) -> Vec<Id> {
        let mut found = vec![id];
        let mut next = 0;
        while let Some(above) = found.get(next).copied() {
            found.extend(self.children(above).map(|member| member.party.id()));
            next += 1;
        }
        found
    }
}

/// What plans and committees themselves ask of committees. Drafts ask nothing of anybody yet.
fn asked(tenant: &mut Tenant<'_>) -> Result<Vec<Addressed>> {
    let mut actions = assignments::actions(tenant, Which::All)?;
    actions.retain(|action| !action.is_draft);
    Ok(actions)
}

/// The same, of some committees alone where they are named.
fn asked_of(ids: &[Id], actions: &[Addressed]) -> Vec<Addressed> {
    let wanted: HashSet<Party> = ids.iter().copied().map(Party::Committee).collect();
    let mut actions = actions.to_vec();
    actions.iter_mut().for_each(|action| action.named.retain(|member| wanted.contains(&member.party)));
    actions
}

/// The own sums of committees.
struct Own {
    actions: Vec<Addressed>,
    members: Vec<Member>,
    sums: HashMap<Id, Sums>,
}

impl Own {
    fn read(tenant: &mut Tenant<'_>, tree: &Tree, asked: &[Addressed], ids: &[Id], on: NaiveDate) -> Result<Self> {
        let actions = asked_of(ids, asked);
        let members: Vec<Member> = ids.iter().filter_map(|id| tree.member(*id).cloned()).collect();
        let latest = latest_of_committees(tenant, ids, on)?;
        let mut sums: HashMap<Id, Sums> = ids.iter().map(|id| (*id, Sums::default())).collect();
        each_share(&actions, &members, on, |share| {
            let figures = share.figures(latest.get(&share.place()).copied(), on);
            let own = sums.entry(share.member.party.id()).or_default();
            own.add(share.action.is_local(), share.occurrence.is_running(on), figures);
        });
        Ok(Self { actions, members, sums })
    }

    fn of(&self, id: Id) -> Sums {
        self.sums.get(&id).copied().unwrap_or_default()
    }

    fn part(&self, tree: &Tree, member: &Member) -> Part {
        let id = member.party.id();
        let subtree = tree.subtree(id).into_iter().map(|id| self.of(id).all).sum();
        let sums = Sums { subtree: Some(subtree), ..self.of(id) };
        Part::new(ProgressKind::Committee, id, &member.key, &member.name, sums)
    }

    /// The figures of some of the committees month by month: the last two years.
    fn series(&self, tenant: &mut Tenant<'_>, ids: &[Id], on: NaiveDate) -> Result<Vec<Point>> {
        let wanted: HashSet<Party> = ids.iter().copied().map(Party::Committee).collect();
        let members = || self.members.iter().filter(|member| wanted.contains(&member.party));
        let census = Census::of(members().filter_map(|member| Some((member.level_id?, member.lifetime, 1))));
        let mut actions = asked_of(ids, &self.actions);
        actions.retain(|action| !action.is_local());
        let mut history = history_of_committees(tenant, ids, on)?;
        history.retain(|told: &Told| wanted.contains(&told.place.2));
        Ok(series::points(&actions, &census, &history, &series::days(two_years_before(on), None, on)))
    }
}

/// How far a committee has come, by itself and with all below it; those right below it that exist on the day stand one
/// step down.
pub fn committee(tenant: &mut Tenant<'_>, reference: &Reference, wanted: Wanted) -> Result<Gathered> {
    let on = wanted.on;
    let tree = Tree::read(tenant)?;
    let member = tree.find(reference).ok_or_else(|| Problem::not_found("committee"))?;
    let id = member.party.id();
    let (asked, subtree) = (asked(tenant)?, tree.subtree(id));
    // Where the subtree is the whole house, its sum is told from the counts that are kept for plans.
    let by_counts = !wanted.children && tree.has_all_levels(&subtree);
    let read: &[Id] = if by_counts { &[id] } else { &subtree };
    let own = Own::read(tenant, &tree, &asked, read, on)?;
    let mut part = own.part(&tree, member);
    if by_counts {
        let mut planned = asked_of(&subtree, &asked);
        planned.retain(|action| !action.is_local());
        let board = Board::of(tenant, planned, on)?;
        part.sums.subtree = Some(board.entries().iter().map(|entry| entry.figures).sum());
    }
    let mut gathered = Gathered::new(part, on);
    if wanted.children {
        let present = tree.children(id).filter(|member| member.lifetime.contains(on));
        gathered.children = Some(present.map(|member| own.part(&tree, member)).collect());
    }
    if wanted.series {
        gathered.series = Some(own.series(tenant, &[id], on)?);
    }
    Ok(gathered)
}

/// How far the committees have come in which somebody sits today; each of them stands one step down.
pub fn me(tenant: &mut Tenant<'_>, person: Option<&RegisterKey>, wanted: Wanted) -> Result<Gathered> {
    let on = wanted.on;
    let seats = match person {
        Some(key) => {
            let filter = Filter { employee: Some(key.clone()), on: Some(period::today()), ..Filter::default() };
            memberships::list(tenant, filter, None)?
        }
        None => Vec::new(),
    };
    // By key, and once however many seats somebody has in it.
    let mine: BTreeSet<Reference> = seats.into_iter().map(|seat| seat.membership.body.committee).collect();
    let mut sums = Sums::default();
    let (mut children, mut series) = (Vec::new(), Vec::new());
    // Who is nobody here, or sits nowhere, is told so without any further question.
    if !mine.is_empty() {
        let (tree, asked) = (Tree::read(tenant)?, asked(tenant)?);
        let members: Vec<&Member> = mine.iter().filter_map(|committee| tree.find(committee)).collect();
        let ids: Vec<Id> = members.iter().map(|member| member.party.id()).collect();
        let read: HashSet<Id> = match wanted.children {
            true => ids.iter().flat_map(|id| tree.subtree(*id)).collect(),
            false => ids.iter().copied().collect(),
        };
        let own = Own::read(tenant, &tree, &asked, &read.into_iter().collect::<Vec<_>>(), on)?;
        for of in ids.iter().map(|id| own.of(*id)) {
            sums.all += of.all;
            sums.running += of.running;
            sums.local += of.local;
        }
        if wanted.children {
            children = members.into_iter().map(|member| own.part(&tree, member)).collect();
        }
        if wanted.series {
            series = own.series(tenant, &ids, on)?;
        }
    } else if wanted.series {
        series = series::points(&[], &Census::default(), &[], &series::days(two_years_before(on), None, on));
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
    let mut gathered = Gathered::new(part, on);
    gathered.children = wanted.children.then_some(children);
    gathered.series = wanted.series.then_some(series);
    Ok(gathered)
}

fn two_years_before(day: NaiveDate) -> NaiveDate {
    day.checked_sub_months(Months::new(24)).unwrap_or(day)
}
