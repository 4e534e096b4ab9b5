//! Summing up: which assignments stand behind the figures of what.

use std::collections::{HashMap, HashSet};

use chrono::{Months, NaiveDate};

use super::label::Counted;
use super::model::ProgressKind;
use super::series::{self, Point};
use super::store::{self, Heading};
use crate::action::assignment::count::{Census, Entry};
use crate::action::assignment::figures::Figures;
use crate::action::assignment::list::Forerunners;
use crate::action::assignment::model::{Addressed, Member, Party, each_share};
use crate::action::assignment::store::{self as assignments, Board, Node, Told, Which};
use crate::db::Tenant;
use crate::db::types::{Id, Reference, RegisterKey};
use crate::http::language::Language;
use crate::problem::{Problem, Result};

/// What is wanted beside the figures themselves.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The day that is asked for.
    pub on: NaiveDate,
    /// The same one step down.
    pub children: bool,
    /// The figures month by month.
    pub series: bool,
}

/// The sums of one thing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// All that has begun.
    pub all: Figures,
    /// What is running.
    pub running: Figures,
    /// Local actions, where they are told apart.
    pub local: Option<Figures>,
    /// With all committees below.
    pub subtree: Option<Figures>,
}

impl Sums {
    /// The sums of a plan's occurrences, the local ones apart.
    fn of<'e, 'a: 'e>(entries: impl Iterator<Item = &'e Entry<'a>>, on: NaiveDate) -> Self {
        let mut sums = Self { local: Some(Figures::default()), ..Self::default() };
        entries.for_each(|entry| sums.add(entry.action.is_local(), entry.occurrence.is_running(on), entry.figures));
        sums
    }

    /// The sums of an action, local or not, those of the local ones that it inspired apart.
    fn of_action(action: Id, entries: &[Entry<'_>], on: NaiveDate) -> Self {
        let mut sums = Self { local: Some(Figures::default()), ..Self::default() };
        for entry in entries {
            let is_inspired = entry.action.parent_id == Some(action);
            if entry.action.id == action || is_inspired {
                sums.add(is_inspired, entry.occurrence.is_running(on), entry.figures);
            }
        }
        sums
    }

    fn add(&mut self, is_local: bool, is_running: bool, figures: Figures) {
        if is_local {
            *self.local.get_or_insert_default() += figures;
        } else {
            self.all += figures;
            if is_running {
                self.running += figures;
            }
        }
    }
}

/// One thing, and its sums.
#[derive(Debug)]
pub struct Part {
    /// What it is.
    pub kind: ProgressKind,
    /// Its id.
    pub id: Option<Id>,
    /// Its key.
    pub key: Option<String>,
    /// Its title; empty where the service has a word of its own for it.
    title: String,
    /// What its assignments are, counted together.
    pub counted: Counted,
    /// What its running assignments are.
    pub counted_running: Counted,
    /// The sums.
    pub sums: Sums,
}

impl Part {
    fn new(kind: ProgressKind, id: Id, key: &impl ToString, title: &impl ToString, sums: Sums) -> Self {
        let counted = Counted::Assignments;
        let (id, key, title) = (Some(id), Some(key.to_string()), title.to_string());
        Self { kind, id, key, title, counted, counted_running: counted, sums }
    }

    fn of_action(action: &Addressed, sums: Sums) -> Self {
        let parties = Counted::parties(action);
        let is_once = action.schedule.recurrence.is_none();
        let counted = if is_once { parties } else { Counted::Assignments };
        let key = action.path.rsplit('/').next().unwrap_or_default().to_owned();
        Self {
            counted,
            counted_running: parties,
            ..Self::new(ProgressKind::Action, action.id, &key, &action.title, sums)
        }
    }

    /// Its title.
    pub fn title(&self, language: Language) -> String {
        match self.kind {
            ProgressKind::Me => language.pick("Mine udvalg", "My committees").to_owned(),
            ProgressKind::Occurrence if self.title.is_empty() => language.pick("Én gang", "Once").to_owned(),
            _ => self.title.clone(),
        }
    }
}

/// How far something has come.
#[derive(Debug)]
pub struct Gathered {
    /// What, and how far.
    pub part: Part,
    /// On which day.
    pub on: NaiveDate,
    /// Of actions: the day from which it is no longer pursued.
    pub cancelled_on: Option<NaiveDate>,
    /// Of actions: those that come first, and whether they are done.
    pub forerunners: Option<Vec<(Addressed, bool)>>,
    /// What stands one step down.
    pub children: Option<Vec<Part>>,
    /// The figures month by month.
    pub series: Option<Vec<Point>>,
}

impl Gathered {
    fn new(part: Part, on: NaiveDate) -> Self {
        Self { part, on, cancelled_on: None, forerunners: None, children: None, series: None }
    }
}

/// How far a strategy has come; its focus areas stand one step down.
pub fn strategy(tenant: &mut Tenant<'_>, reference: &Reference, wanted: Wanted) -> Result<Gathered> {
    let on = wanted.on;
    let heading = store::strategy(tenant, reference)?;
    let which = Which::Strategy(heading.id);
    let actions = assignments::actions(tenant, which)?;
    let board = Board::read(tenant, which, actions, on)?;
    let entries = board.entries();
    let sums = Sums::of(entries.iter(), on);
    let mut gathered =
        Gathered::new(Part::new(ProgressKind::Strategy, heading.id, &heading.key, &heading.title, sums), on);
    if wanted.children {
        let area = |(id, key, title)| {
            let own = entries.iter().filter(|entry| entry.action.focus_area_id == id);
            Part::new(ProgressKind::FocusArea, id, &key, &title, Sums::of(own, on))
        };
        gathered.children = Some(store::focus_areas(tenant, heading.id)?.into_iter().map(area).collect());
    }
    if wanted.series {
        gathered.series = Some(plan_series(tenant, which, &planned(board.actions), heading.days, on)?);
    }
    Ok(gathered)
}

/// How far a focus area has come; its actions stand one step down.
pub fn focus_area(tenant: &mut Tenant<'_>, id: Id, wanted: Wanted) -> Result<Gathered> {
    let on = wanted.on;
    let Heading { key, title, days, .. } = store::focus_area(tenant, id)?;
    let which = Which::FocusArea(id);
    let actions = assignments::actions(tenant, which)?;
    let board = Board::read(tenant, which, actions, on)?;
    let entries = board.entries();
    let sums = Sums::of(entries.iter(), on);
    let mut gathered = Gathered::new(Part::new(ProgressKind::FocusArea, id, &key, &title, sums), on);
    if wanted.children {
        let planned = board.actions.iter().filter(|action| !action.is_local());
        let part = |action: &Addressed| Part::of_action(action, Sums::of_action(action.id, &entries, on));
        gathered.children = Some(planned.map(part).collect());
    }
    if wanted.series {
        gathered.series = Some(plan_series(tenant, which, &planned(board.actions), days, on)?);
    }
    Ok(gathered)
}

/// Those that stand in a plan.
fn planned(mut actions: Vec<Addressed>) -> Vec<Addressed> {
    actions.retain(|action| !action.is_local());
    actions
}

/// How far an action has come; its occurrences stand one step down.
pub fn action(tenant: &mut Tenant<'_>, id: Id, wanted: Wanted) -> Result<Gathered> {
    let on = wanted.on;
    let which = Which::Action(id);
    let actions = assignments::actions(tenant, which)?;
    let board = Board::read(tenant, which, actions, on)?;
    let entries = board.entries();
    let itself = board.actions.iter().find(|action| action.id == id).ok_or_else(|| Problem::not_found("action"))?;
    let mut gathered = Gathered::new(Part::of_action(itself, Sums::of_action(id, &entries, on)), on);
    gathered.cancelled_on = itself.schedule.cancelled_on;
    let forerunners = Forerunners::read(tenant, std::slice::from_ref(itself), None, on)?;
    let told = forerunners.of(id).iter().map(|first| (first.action.clone(), first.is_done));
    gathered.forerunners = Some(told.collect());
    if wanted.children {
        let occurrence = |entry: &Entry<'_>| {
            let sums = Sums { local: None, ..Sums::of_action(id, std::slice::from_ref(entry), on) };
            let name = entry.occurrence.period.map(|period| period.to_string());
            let parties = Counted::parties(itself);
            Part {
                kind: ProgressKind::Occurrence,
                id: None,
                title: name.clone().unwrap_or_default(),
                key: name,
                counted: parties,
                counted_running: parties,
                sums,
            }
        };
        gathered.children = Some(entries.iter().filter(|entry| entry.action.id == id).map(occurrence).collect());
    }
    if wanted.series {
        let days = (itself.schedule.starts_on, itself.strategy_days.1);
        gathered.series = Some(plan_series(tenant, which, std::slice::from_ref(itself), days, on)?);
    }
    Ok(gathered)
}

fn plan_series(
    tenant: &mut Tenant<'_>,
    which: Which,
    actions: &[Addressed],
    (first, last): (Option<NaiveDate>, Option<NaiveDate>),
    on: NaiveDate,
) -> Result<Vec<Point>> {
    let census = assignments::census(tenant)?;
    let history = assignments::history(tenant, which, actions, on)?;
    let first = first.or(history.first().map(|told| told.reported_at.day())).unwrap_or(on);
    Ok(series::points(actions, &census, &history, &series::days(first, last, on)))
}

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

    fn children(&self, id: Id) -> impl Iterator<Item = &Member> {
        self.below.get(&id).into_iter().flatten().map(|place| &self.nodes[*place].member)
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

/// The own sums of committees.
struct Own {
    actions: Vec<Addressed>,
    members: Vec<Member>,
    sums: HashMap<Id, Sums>,
}

impl Own {
    /// Drafts ask nothing of anybody yet.
    fn read(tenant: &mut Tenant<'_>, tree: &Tree, ids: &[Id], on: NaiveDate) -> Result<Self> {
        let wanted: HashSet<Party> = ids.iter().copied().map(Party::Committee).collect();
        let mut actions = assignments::actions(tenant, Which::All)?;
        actions.retain(|action| !action.is_draft);
        actions.iter_mut().for_each(|action| action.named.retain(|member| wanted.contains(&member.party)));
        let members: Vec<Member> = ids.iter().filter_map(|id| tree.member(*id).cloned()).collect();
        let latest = assignments::latest_of_committees(tenant, ids, on)?;
        let none = Sums { local: Some(Figures::default()), ..Sums::default() };
        let mut sums: HashMap<Id, Sums> = ids.iter().map(|id| (*id, none)).collect();
        each_share(&actions, &members, on, |share| {
            let figures = share.figures(latest.get(&share.place()).copied(), on);
            let own = sums.entry(share.member.party.id()).or_insert(none);
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
        let mut actions = planned(self.actions.clone());
        actions.iter_mut().for_each(|action| action.named.retain(|member| wanted.contains(&member.party)));
        let mut history = assignments::history_of_committees(tenant, ids, on)?;
        history.retain(|told: &Told| wanted.contains(&told.place.2));
        let first = on.checked_sub_months(Months::new(24)).unwrap_or(on);
        Ok(series::points(&actions, &census, &history, &series::days(first, None, on)))
    }
}

/// How far a committee has come, by itself and with all below it; those right below it that exist on the day stand one
/// step down.
pub fn committee(tenant: &mut Tenant<'_>, reference: &Reference, wanted: Wanted) -> Result<Gathered> {
    let on = wanted.on;
    let tree = Tree::read(tenant)?;
    let is_it = |node: &&Node| match reference {
        Reference::Id(id) => node.member.party.id() == *id,
        path => path.key() == Some(&node.member.key),
    };
    let member = &tree.nodes.iter().find(is_it).ok_or_else(|| Problem::not_found("committee"))?.member;
    let id = member.party.id();
    let own = Own::read(tenant, &tree, &tree.subtree(id), on)?;
    let mut gathered = Gathered::new(own.part(&tree, member), on);
    if wanted.children {
        let present = tree.children(id).filter(|member| member.lifetime.holds(on));
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
    let mine = match person {
        Some(key) => store::committees_of(tenant, key)?,
        None => Vec::new(),
    };
    let tree = Tree::read(tenant)?;
    // Who is nobody here, or sits nowhere, is told so without any further question.
    let read: HashSet<Id> = match wanted.children {
        true => mine.iter().flat_map(|id| tree.subtree(*id)).collect(),
        false => mine.iter().copied().collect(),
    };
    let own = Own::read(tenant, &tree, &read.into_iter().collect::<Vec<_>>(), on)?;
    let mut sums = Sums { local: Some(Figures::default()), ..Sums::default() };
    for of in mine.iter().map(|id| own.of(*id)) {
        sums.all += of.all;
        sums.running += of.running;
        *sums.local.get_or_insert_default() += of.local.unwrap_or_default();
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
    };
    let mut gathered = Gathered::new(part, on);
    if wanted.children {
        let mut members: Vec<&Member> = mine.iter().filter_map(|id| tree.member(*id)).collect();
        members.sort_by(|a, b| a.key.cmp(&b.key));
        gathered.children = Some(members.into_iter().map(|member| own.part(&tree, member)).collect());
    }
    if wanted.series {
        gathered.series = Some(own.series(tenant, &mine, on)?);
    }
    Ok(gathered)
}
