//! What a membership is, who is a member on a day, and what may be shown of it.

use std::collections::HashMap;
use std::hash::Hash;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::date_range::DateRange;
use crate::db::change::EntityKind;
use crate::db::types::{Id, Reference, RegisterKey, Timestamp};
use crate::http::example::example;
use crate::problem::ValidationErrors;
use crate::register::{self, Managed as _, ManagedBy};
use crate::resource::{Body, Entity};
use crate::text::{ShortText, check_no_cpr};

crate::text_enum! {
    /// What somebody is in the committee.
    MemberRole {
        /// Chairs it (formand); one at a time.
        Chair = "chair",
        /// Chairs it in the chair's absence (næstformand).
        DeputyChair = "deputy_chair",
        /// A member (medlem).
        Member = "member",
        /// Keeps its minutes (sekretær).
        Secretary = "secretary",
        /// Steps in for a member (suppleant).
        Substitute = "substitute",
    }
}

crate::text_enum! {
    /// Whom somebody represents.
    Side {
        /// The management (ledelsessiden).
        Management = "management",
        /// The employees (medarbejdersiden).
        Employees = "employees",
    }
}

crate::text_enum! {
    /// The function that brings somebody into the committee.
    MemberFunction {
        /// A leader (leder).
        Leader = "leader",
        /// A shop steward (tillidsrepræsentant, TR).
        ShopSteward = "shop_steward",
        /// A safety representative (arbejdsmiljørepræsentant, AMR).
        SafetyRep = "safety_rep",
    }
}

/// A seat in a committee (medlemskab), held or vacant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("membership_body")))]
pub struct MembershipBody {
    /// Chosen by the client, unique among the municipality's memberships; never changes. Everybody who may read
    /// committees sees it, so that it is no place for an employee's key, let alone a CPR number.
    pub key: RegisterKey,
    /// The committee.
    pub committee: Reference,
    /// Who holds the seat; none = it is vacant.
    #[serde(default)]
    pub employee: Option<Reference>,
    /// What its holder is in the committee.
    pub role: MemberRole,
    /// Whom its holder represents.
    #[serde(default)]
    pub side: Option<Side>,
    /// The function that brings its holder into the committee; none = no particular one.
    #[serde(default)]
    pub function: Option<MemberFunction>,
    /// First day, inclusive; none = since ever. It may lie ahead.
    #[serde(default)]
    pub starts_on: Option<NaiveDate>,
    /// Last day, inclusive; none = open-ended. Setting it ends the membership.
    #[serde(default)]
    pub ends_on: Option<NaiveDate>,
    /// Who keeps the row up to date; `editor` unless said otherwise.
    #[serde(default)]
    #[schema(default = "editor")]
    pub managed_by: ManagedBy,
}

/// A membership as stored.
pub type Membership = Entity<MembershipBody>;

impl Body for MembershipBody {
    const ENTITY: EntityKind = EntityKind::Membership;
    const ANSWER: &'static str = "Membership";
    type Key = RegisterKey;

    fn key(&self) -> &RegisterKey {
        &self.key
    }

    fn last_day(&self) -> Option<NaiveDate> {
        self.ends_on
    }
}

crate::managed!(MembershipBody);

impl MembershipBody {
    /// The fields that are for `med.hr` alone.
    pub const PERSONAL_FIELDS: &'static [&'static str] = &["employee"];

    /// The rules for one membership by itself.
    pub fn check(&self, pointer: &str, errors: &mut ValidationErrors) {
        register::check_days(self, pointer, errors);
        check_no_cpr(&format!("{pointer}/key"), self.key.as_str(), errors);
    }
}

/// When somebody chairs which committee.
#[derive(Debug, Clone)]
pub struct Chair<C> {
    /// The committee.
    pub committee: C,
    /// The membership's key.
    pub key: RegisterKey,
    /// The membership's days.
    pub seat: DateRange,
    /// The holder's days in the house: who is not there chairs nothing.
    pub employment: DateRange,
    /// Where it stands in what the client sent; none where it is stored and left alone, or holds no more than before.
    pub pointer: Option<String>,
}

impl<C> Chair<C> {
    /// Of a chair without a first day no more is known than that they hold the seat now, or held it on its
    /// last day: HR systems that send no dates may still let one chair follow another. None where it is held on
    /// no day at all.
    fn days(&self, today: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
        let last = self.seat.intersection(self.employment).ends_on.unwrap_or(NaiveDate::MAX);
        let first = self.seat.starts_on.unwrap_or(last.min(today));
        let first = self.employment.starts_on.map_or(first, |hired| hired.max(first));
        (first <= last).then_some((first, last))
    }
}

impl MembershipBody {
    /// Whether the seat of a chair is held by somebody else than before, or for longer: else nobody comes into
    /// anybody's way who didn't stand there already.
    pub fn is_wider_than(&self, before: &Self) -> bool {
        let same = (before.role, &before.committee, &before.employee) == (self.role, &self.committee, &self.employee);
        !same || self.date_range().reaches_beyond(before.date_range())
    }
}

/// A chair's first day, last day, key and pointer.
type HeldSeat = (NaiveDate, NaiveDate, RegisterKey, Option<String>);

/// Notes each chair who holds the seat at the same time as another.
pub fn check_one_chair_at_a_time<C: Eq + Hash>(chairs: Vec<Chair<C>>, today: NaiveDate, errors: &mut ValidationErrors) {
    let mut by_committee: HashMap<C, Vec<HeldSeat>> = HashMap::new();
    for chair in chairs {
        let Some((first, last)) = chair.days(today) else { continue };
        by_committee.entry(chair.committee).or_default().push((first, last, chair.key, chair.pointer));
    }
    for chairs in by_committee.values_mut() {
        chairs.sort();
        // Of those that began before, the one that holds the seat longest: of all, and of those that were sent.
        let (mut longest, mut longest_sent): (Option<&HeldSeat>, Option<&HeldSeat>) = (None, None);
        for chair in chairs.iter() {
            // What is stored is nothing that the client could mend.
            let other = if chair.3.is_some() { longest } else { longest_sent };
            if let Some(other) = other.filter(|other| chair.0 <= other.1) {
                let (pointer, key) = if chair.3.is_some() { (&chair.3, &other.2) } else { (&other.3, &chair.2) };
                let at = format!("{}/role", pointer.as_deref().unwrap_or_default());
                errors.add(at, format!("a committee has one chair at a time: '{key}' holds the seat then"));
            }
            longest = longest.filter(|other| other.1 >= chair.1).or(Some(chair));
            if chair.3.is_some() {
                longest_sent = longest_sent.filter(|other| other.1 >= chair.1).or(Some(chair));
            }
        }
    }
}

/// Who holds a seat.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    /// The employee's key.
    pub key: RegisterKey,
    /// The employee's name.
    pub name: ShortText,
    /// Whether the name is for `med.hr` alone.
    pub name_protected: bool,
}

/// A membership together with its holder.
#[derive(Debug, Clone)]
pub struct Seat {
    /// The membership.
    pub membership: Membership,
    /// Who holds it; none = vacant.
    pub holder: Option<Holder>,
}

/// How much a caller may see of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Names and roles of members, where the name is not protected.
    House,
    /// Everything.
    Hr,
}

/// A member of a committee, or a vacant seat.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!(example!("member")))]
pub struct Member {
    /// The membership's id.
    pub id: Id,
    /// The membership's key.
    pub key: RegisterKey,
    /// The committee's key.
    pub committee: RegisterKey,
    /// The holder's name; null where the seat is vacant, or where the name is protected and the token lacks `med.hr`.
    pub name: Option<ShortText>,
    /// Whether nobody holds the seat.
    pub vacant: bool,
    /// The holder's key; null for tokens without `med.hr`.
    pub employee: Option<RegisterKey>,
    /// What the holder is in the committee.
    pub role: MemberRole,
    /// Whom the holder represents.
    pub side: Option<Side>,
    /// The function that brings the holder into the committee.
    pub function: Option<MemberFunction>,
    /// First day, inclusive; none = since ever.
    pub starts_on: Option<NaiveDate>,
    /// Last day, inclusive; none = open-ended.
    pub ends_on: Option<NaiveDate>,
    /// Who keeps the row up to date.
    pub managed_by: ManagedBy,
    /// 1 at first, one more with every change; what `If-Match` compares.
    #[schema(minimum = 1, example = 1)]
    pub version: i32,
    /// When the row was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Seat {
    /// What a caller gets to see of it.
    pub fn shown_to(self, sight: Sight) -> Member {
        let Self { membership, holder } = self;
        let (id, revision) = (membership.id(), membership.revision);
        let MembershipBody { key, committee, role, side, function, starts_on, ends_on, managed_by, .. } =
            membership.body;
        let vacant = holder.is_none();
        let shown = holder.filter(|holder| sight == Sight::Hr || !holder.name_protected);
        let (name, employee) = shown.map(|holder| (holder.name, holder.key)).unzip();
        Member {
            id,
            committee: committee.key().cloned().unwrap_or_else(|| key.clone()),
            key,
            name,
            vacant,
            employee: employee.filter(|_| sight == Sight::Hr),
            role,
            side,
            function,
            starts_on,
            ends_on,
            managed_by,
            version: revision.version,
            created_at: revision.created_at,
            updated_at: revision.updated_at,
        }
    }
}

/// The trio of a committee's workplace: who leads, who speaks for the staff, who looks after safety.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Trio {
    /// The committee's key.
    #[schema(example = "lokal-med-skolen-ved-aaen")]
    pub committee: RegisterKey,
    /// The day that is told about.
    #[schema(example = "2026-01-01")]
    pub on: NaiveDate,
    /// The leaders.
    pub leader: Vec<Member>,
    /// The shop stewards (TR).
    pub shop_steward: Vec<Member>,
    /// The safety representatives (AMR).
    pub safety_rep: Vec<Member>,
    /// Whether there is at least one of each.
    #[schema(example = true)]
    pub complete: bool,
}

impl Trio {
    /// The trio among a committee's members: substitutes and vacant seats make none.
    pub fn of(committee: RegisterKey, on: NaiveDate, members: Vec<Member>) -> Self {
        let with = |function: MemberFunction| -> Vec<Member> {
            let counts = |member: &&Member| {
                member.function == Some(function) && !member.vacant && member.role != MemberRole::Substitute
            };
            members.iter().filter(counts).cloned().collect()
        };
        let leader = with(MemberFunction::Leader);
        let shop_steward = with(MemberFunction::ShopSteward);
        let safety_rep = with(MemberFunction::SafetyRep);
        let complete = [&leader, &shop_steward, &safety_rep].iter().all(|members| !members.is_empty());
        Self { committee, on, leader, shop_steward, safety_rep, complete }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<NaiveDate> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    fn errors(chairs: &[(&str, &str, &str)]) -> usize {
        let chairs = chairs.iter().enumerate().map(|(n, (committee, starts_on, ends_on))| Chair {
            committee: (*committee).to_owned(),
            key: format!("k{n}").parse().unwrap(),
            seat: DateRange::new(day(starts_on), day(ends_on)),
            employment: DateRange::default(),
            pointer: Some(format!("/{n}")),
        });
        let mut errors = ValidationErrors::default();
        check_one_chair_at_a_time(chairs.collect(), "2026-01-01".parse().unwrap(), &mut errors);
        errors.count()
    }

    #[test]
    fn two_chairs_never_hold_the_seat_at_once() {
        assert_eq!(errors(&[("a", "2025-01-01", "2025-06-30"), ("a", "2025-07-01", "")]), 0);
        assert_eq!(errors(&[("a", "2025-01-01", "2025-07-01"), ("a", "2025-07-01", "")]), 1);
        assert_eq!(errors(&[("a", "", ""), ("b", "", "")]), 0);
        assert_eq!(errors(&[("a", "", ""), ("a", "", "")]), 1);
        assert_eq!(errors(&[("a", "", ""), ("a", "2030-01-01", "")]), 1);
        assert_eq!(errors(&[("a", "2020-01-01", ""), ("a", "2021-01-01", "2021-12-31"), ("a", "2022-01-01", "")]), 2);
        assert_eq!(errors(&[("a", "2025-07-01", ""), ("a", "2025-01-01", "2025-06-30")]), 0, "in any order");
    }

    #[test]
    fn a_chair_without_a_first_day_may_follow_another() {
        assert_eq!(errors(&[("a", "", "2025-06-30"), ("a", "", "")]), 0);
        assert_eq!(errors(&[("a", "", "2025-06-30"), ("a", "2025-06-30", "")]), 1);
        assert_eq!(errors(&[("a", "", "2030-12-31"), ("a", "", "")]), 1, "both hold it today");
        assert_eq!(errors(&[("a", "2020-01-01", "2029-12-31"), ("a", "", "2030-12-31")]), 1);
        assert_eq!(errors(&[("a", "", "2026-12-31"), ("a", "2027-01-01", "")]), 0);
        assert_eq!(errors(&[("a", "2027-01-01", "2026-12-31"), ("a", "2020-01-01", "")]), 0, "called off");
    }
}
