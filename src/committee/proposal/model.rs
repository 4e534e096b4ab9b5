//! Proposals about committees: the rules that make them from facts, and their reasons.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use fluent_templates::fluent_bundle::FluentValue;
use serde::Serialize;
use utoipa::ToSchema;

use crate::committee::membership::model::{MemberFunction, MemberRole};
use crate::committee::model::CommitteeForm;
use crate::db::types::{Id, RegisterKey};
use crate::forest::Forest;
use crate::http::example::example;
use crate::language::Language;
use crate::text::ShortText;

crate::text_enum! {
    /// What is proposed.
    ProposalKind {
        /// The workplace has shrunk below the level's `staff_meeting_below`: a staff meeting would do.
        BecomeStaffMeeting = "become_staff_meeting",
        /// The workplace has grown to the level's `staff_meeting_below`: it should have a committee.
        BecomeCommittee = "become_committee",
        /// A unit that the committee covers has ended.
        UnitEnded = "unit_ended",
        /// Whoever holds the seat has left.
        HolderLeft = "holder_left",
        /// Nobody chairs the committee.
        NoChair = "no_chair",
        /// The committee has no safety representative.
        NoSafetyRep = "no_safety_rep",
        /// More than one person chairs the committee: a former chair is back.
        TwoChairs = "two_chairs",
    }
}

/// Something to decide about a committee.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!(example!("proposal")))]
pub struct Proposal {
    /// What is proposed.
    pub kind: ProposalKind,
    /// The committee's key.
    pub committee: RegisterKey,
    /// The committee's name.
    pub name: ShortText,
    /// The key of the unit that has ended.
    pub unit: Option<RegisterKey>,
    /// The key of the seat whose holder has left.
    pub membership: Option<RegisterKey>,
    /// How many work in the units that the committee covers.
    pub headcount: Option<i64>,
    /// The level's limit.
    pub staff_meeting_below: Option<i32>,
    /// The reason, in a sentence.
    pub reason: String,
}

/// What the rules need to know about a unit.
#[derive(Debug, Clone)]
pub struct UnitFacts {
    /// Its id.
    pub id: Id,
    /// Its key.
    pub key: RegisterKey,
    /// Its name.
    pub name: ShortText,
    /// The unit that it is a part of.
    pub parent_id: Option<Id>,
    /// How many work there with all that is below it, where HR gives the number.
    pub headcount: Option<i64>,
    /// How many employees are known to work in it.
    pub employees: i64,
    /// Whether it exists on the day.
    pub is_there: bool,
    /// Its last day, where it has ended.
    pub ended_on: Option<NaiveDate>,
}

/// What the rules need to know about a committee that exists.
#[derive(Debug, Clone)]
pub struct CommitteeFacts {
    /// Its id.
    pub id: Id,
    /// Its key.
    pub key: RegisterKey,
    /// Its name.
    pub name: ShortText,
    /// In which form it meets.
    pub form: CommitteeForm,
    /// Its level's limit.
    pub staff_meeting_below: Option<i32>,
    /// The units that it covers.
    pub unit_ids: Vec<Id>,
}

/// What the rules need to know about a seat of the day.
#[derive(Debug, Clone)]
pub struct SeatFacts {
    /// The committee.
    pub committee_id: Id,
    /// The membership's key.
    pub key: RegisterKey,
    /// What its holder is.
    pub role: MemberRole,
    /// The function that brings its holder in.
    pub function: Option<MemberFunction>,
    /// Whether an employee of the day holds it.
    pub is_held: bool,
    /// The holder's last day, where it has passed.
    pub holder_left_on: Option<NaiveDate>,
}

/// Everything that proposals are made from, as of one day.
#[derive(Debug, Default)]
pub struct Facts {
    /// All units.
    pub units: Vec<UnitFacts>,
    /// The committees of the day, in the order of their keys.
    pub committees: Vec<CommitteeFacts>,
    /// Their seats of the day, in the order of their keys.
    pub seats: Vec<SeatFacts>,
}

/// The proposals that follow from the facts, in the order of the committees' keys.
pub fn proposals(facts: &Facts, language: Language) -> Vec<Proposal> {
    let organisation = Organisation::new(&facts.units);
    let mut seats: HashMap<Id, Vec<&SeatFacts>> = HashMap::new();
    for seat in &facts.seats {
        seats.entry(seat.committee_id).or_default().push(seat);
    }
    let mut proposals = Vec::new();
    for committee in &facts.committees {
        let seats = seats.get(&committee.id).map(Vec::as_slice).unwrap_or_default();
        proposals.extend(about_form(committee, &organisation, language));
        proposals.extend(about_units(committee, &organisation, language));
        proposals.extend(about_seats(committee, seats, language));
    }
    proposals
}

/// A proposal with its reason, which is the message `proposal-<kind>` with these variables.
fn proposal(
    kind: ProposalKind,
    committee: &CommitteeFacts,
    language: Language,
    variables: &[(&str, FluentValue<'_>)],
) -> Proposal {
    let (name, committee) = (committee.name.clone(), committee.key.clone());
    let reason = language.format(&format!("proposal-{kind}"), variables);
    Proposal { kind, committee, name, unit: None, membership: None, headcount: None, staff_meeting_below: None, reason }
}

/// Rule 9 of staff meetings: the level says from how many on a workplace has a committee.
fn about_form(committee: &CommitteeFacts, organisation: &Organisation<'_>, language: Language) -> Option<Proposal> {
    let limit = committee.staff_meeting_below?;
    let headcount = organisation.headcount_of(&committee.unit_ids)?;
    let kind = match (committee.form, headcount < i64::from(limit)) {
        (CommitteeForm::Committee, true) => ProposalKind::BecomeStaffMeeting,
        (CommitteeForm::StaffMeeting, false) => ProposalKind::BecomeCommittee,
        _ => return None,
    };
    let proposal = proposal(kind, committee, language, &[("headcount", headcount.into()), ("limit", limit.into())]);
    Some(Proposal { headcount: Some(headcount), staff_meeting_below: Some(limit), ..proposal })
}

fn about_units(committee: &CommitteeFacts, organisation: &Organisation<'_>, language: Language) -> Vec<Proposal> {
    let covered = committee.unit_ids.iter().filter_map(|id| organisation.units.get(id));
    let ended = covered.filter_map(|unit| {
        let variables = [("unit", unit.name.as_str().into()), ("day", unit.ended_on?.to_string().into())];
        let proposal = proposal(ProposalKind::UnitEnded, committee, language, &variables);
        Some(Proposal { unit: Some(unit.key.clone()), ..proposal })
    });
    ended.collect()
}

fn about_seats(committee: &CommitteeFacts, seats: &[&SeatFacts], language: Language) -> Vec<Proposal> {
    let mut proposals = Vec::new();
    for seat in seats {
        let Some(day) = seat.holder_left_on else { continue };
        let proposal = proposal(ProposalKind::HolderLeft, committee, language, &[("day", day.to_string().into())]);
        proposals.push(Proposal { membership: Some(seat.key.clone()), ..proposal });
    }
    let is_safety_rep =
        |seat: &SeatFacts| seat.function == Some(MemberFunction::SafetyRep) && seat.role != MemberRole::Substitute;
    let held = seats.iter().filter(|seat| seat.is_held);
    let chairs = held.clone().filter(|seat| seat.role == MemberRole::Chair).count();
    let has_safety_rep = held.clone().any(|seat| is_safety_rep(seat));
    let is_committee = committee.form == CommitteeForm::Committee;
    for (kind, is_proposed) in [
        (ProposalKind::TwoChairs, chairs > 1),
        (ProposalKind::NoChair, is_committee && chairs == 0),
        (ProposalKind::NoSafetyRep, is_committee && !has_safety_rep),
    ] {
        if is_proposed {
            proposals.push(proposal(kind, committee, language, &[]));
        }
    }
    proposals
}

/// The units as a tree.
struct Organisation<'f> {
    units: HashMap<Id, &'f UnitFacts>,
    forest: Forest<Id>,
}

impl<'f> Organisation<'f> {
    fn new(units: &'f [UnitFacts]) -> Self {
        let forest = Forest::new(units.iter().map(|unit| (unit.id, unit.parent_id)));
        Self { units: units.iter().map(|unit| (unit.id, unit)).collect(), forest }
    }

    /// How many people work in these units and below them, each unit counted once. None if that isn't known: for one of
    /// them there is neither a number nor an employee.
    fn headcount_of(&self, unit_ids: &[Id]) -> Option<i64> {
        let covered: HashSet<Id> = unit_ids.iter().copied().filter(|id| self.is_there(*id)).collect();
        let is_below_another = |id: &Id| self.forest.ancestors(*id).any(|above| covered.contains(&above));
        let mut tops = covered.iter().filter(|id| !is_below_another(id)).peekable();
        tops.peek()?;
        tops.map(|id| self.headcount(*id)).sum()
    }

    fn is_there(&self, id: Id) -> bool {
        self.units.get(&id).is_some_and(|unit| unit.is_there)
    }

    /// The number that HR gives for a unit, else the employees known in it and below it.
    fn headcount(&self, id: Id) -> Option<i64> {
        let mut waiting = vec![id];
        let (mut count, mut is_known) = (0, false);
        while let Some(id) = waiting.pop() {
            let Some(unit) = self.units.get(&id) else { continue };
            match unit.headcount {
                // What has ended counts nobody; what was below it may still be there.
                _ if !unit.is_there => waiting.extend(self.forest.children(id)),
                Some(given) => {
                    count += given;
                    is_known = true;
                }
                None => {
                    count += unit.employees;
                    is_known |= unit.employees > 0;
                    waiting.extend(self.forest.children(id));
                }
            }
        }
        is_known.then_some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Town {
        facts: Facts,
        ids: HashMap<&'static str, Id>,
    }

    impl Town {
        fn new() -> Self {
            Self { facts: Facts::default(), ids: HashMap::new() }
        }

        fn unit(mut self, key: &'static str, parent: Option<&str>, headcount: Option<i64>, employees: i64) -> Self {
            let id = Id::new();
            self.ids.insert(key, id);
            let parent_id = parent.map(|parent| self.ids[parent]);
            let (name, key) = (key.parse().unwrap(), key.parse().unwrap());
            self.facts.units.push(UnitFacts {
                id,
                key,
                name,
                parent_id,
                headcount,
                employees,
                is_there: true,
                ended_on: None,
            });
            self
        }

        fn committee(mut self, key: &'static str, form: CommitteeForm, units: &[&str]) -> Self {
            let id = Id::new();
            self.ids.insert(key, id);
            let unit_ids = units.iter().map(|unit| self.ids[unit]).collect();
            let (name, key) = (key.parse().unwrap(), key.parse().unwrap());
            let staff_meeting_below = Some(20);
            self.facts.committees.push(CommitteeFacts { id, key, name, form, staff_meeting_below, unit_ids });
            self
        }

        fn seat(mut self, committee: &str, role: MemberRole, function: Option<MemberFunction>, is_held: bool) -> Self {
            let key = format!("s{}", self.facts.seats.len()).parse().unwrap();
            let committee_id = self.ids[committee];
            self.facts.seats.push(SeatFacts { committee_id, key, role, function, is_held, holder_left_on: None });
            self
        }

        fn kinds(&self) -> Vec<&'static str> {
            proposals(&self.facts, Language::default()).iter().map(|proposal| proposal.kind.as_str()).collect()
        }

        fn headcount(&self) -> Option<i64> {
            proposals(&self.facts, Language::default()).iter().find_map(|proposal| proposal.headcount)
        }
    }

    #[test]
    fn workplaces_that_cross_the_limit_are_proposed_for_another_form() {
        let meeting =
            |headcount| Town::new().unit("u", None, headcount, 0).committee("c", CommitteeForm::StaffMeeting, &["u"]);
        assert_eq!(meeting(Some(19)).kinds(), [""; 0]);
        assert_eq!(meeting(Some(20)).kinds(), ["become_committee"]);
        assert_eq!(meeting(None).kinds(), [""; 0], "it isn't known");
        let committee = |headcount| {
            Town::new().unit("u", None, Some(headcount), 0).committee("c", CommitteeForm::Committee, &["u"]).seat(
                "c",
                MemberRole::Chair,
                Some(MemberFunction::SafetyRep),
                true,
            )
        };
        assert_eq!(committee(20).kinds(), [""; 0]);
        assert_eq!(committee(19).kinds(), ["become_staff_meeting"]);
    }

    #[test]
    fn people_are_counted_once() {
        let town = Town::new()
            .unit("top", None, None, 2)
            .unit("a", Some("top"), Some(30), 4)
            .unit("below-a", Some("a"), None, 9)
            .unit("b", Some("top"), None, 5)
            .committee("c", CommitteeForm::StaffMeeting, &["top", "a", "below-a"]);
        assert_eq!(town.headcount(), Some(2 + 30 + 5));
    }

    #[test]
    fn an_unknown_headcount_is_not_zero() {
        let town = |employees| {
            Town::new().unit("a", None, Some(10), 0).unit("b", None, None, employees).committee(
                "c",
                CommitteeForm::Committee,
                &["a", "b"],
            )
        };
        assert_eq!(town(0).headcount(), None);
        assert_eq!(town(3).headcount(), Some(13));
    }

    #[test]
    fn committees_without_chair_or_safety_rep_are_proposed() {
        let town = |role, function, is_held| {
            Town::new().committee("c", CommitteeForm::Committee, &[]).seat("c", role, function, is_held).kinds()
        };
        assert_eq!(town(MemberRole::Chair, None, true), ["no_safety_rep"]);
        assert_eq!(town(MemberRole::Chair, None, false), ["no_chair", "no_safety_rep"]);
        assert_eq!(town(MemberRole::Member, Some(MemberFunction::SafetyRep), true), ["no_chair"]);
        assert_eq!(town(MemberRole::Substitute, Some(MemberFunction::SafetyRep), true), ["no_chair", "no_safety_rep"]);
        assert_eq!(Town::new().committee("c", CommitteeForm::WorkGroup, &[]).kinds(), [""; 0]);
        let two = Town::new().committee("c", CommitteeForm::WorkGroup, &[]);
        let two = two.seat("c", MemberRole::Chair, None, true).seat("c", MemberRole::Chair, None, true);
        assert_eq!(two.kinds(), ["two_chairs"]);
    }
}
