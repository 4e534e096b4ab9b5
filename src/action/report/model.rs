//! What a report is.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::action::assignment::model::{ActionWithAssignees, Assignee, AssigneeInfo};
use crate::action::assignment::stage::{Judgement, Stage};
use crate::db::types::{Id, Reference, RegisterKey, Timestamp};
use crate::http::example::example;
use crate::period::Period;
use crate::problem::ValidationErrors;
use crate::text::{LongText, check_no_cpr};
use crate::web_address::WebAddress;

/// How far a committee or a unit is with an action, as it reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("report_body")))]
pub struct ReportBody {
    /// Which committee reports; or `unit`. Of a local action it is its own, and may be left out.
    #[serde(default)]
    pub committee: Option<Reference>,
    /// Which unit reports; or `committee`.
    #[serde(default)]
    pub unit: Option<Reference>,
    /// Which time, where the action recurs, as its assignments name it; none where it is done once.
    #[serde(default)]
    pub occurrence: Option<Period>,
    /// How far it is.
    pub stage: Stage,
    /// How those who report see the way ahead.
    #[serde(default)]
    #[schema(default = "none")]
    pub judgement: Judgement,
    /// In their own words.
    #[serde(default)]
    pub note: Option<LongText>,
    /// Where the minutes stand.
    #[serde(default)]
    pub minutes_url: Option<WebAddress>,
    /// The day on which it was discussed; none of those to come.
    #[serde(default)]
    pub discussed_on: Option<NaiveDate>,
}

impl ReportBody {
    /// The rules for the content of a report.
    pub fn check(&self, today: NaiveDate, pointer: &str, errors: &mut ValidationErrors) {
        if let Some(note) = &self.note {
            check_no_cpr(&format!("{pointer}/note"), note.as_str(), errors);
        }
        if let Some(minutes_url) = &self.minutes_url {
            check_no_cpr(&format!("{pointer}/minutes_url"), &minutes_url.to_string(), errors);
        }
        if self.discussed_on.is_some_and(|day| day > today) {
            errors.add(format!("{pointer}/discussed_on"), format!("lies ahead: write {today} or a day before it"));
        }
    }
}

/// The rules for a report on an action, made today. `member` is who reports and its pointer in the body; none if it
/// does not exist.
pub fn check_fits(
    action: &ActionWithAssignees,
    member: Option<(&AssigneeInfo, &str)>,
    period: Option<Period>,
    today: NaiveDate,
    errors: &mut ValidationErrors,
) {
    if action.is_draft {
        errors.add("", "the action stands in a draft: reports are taken once its strategy is adopted");
    }
    let occurrence = action.schedule.occurrence(period, today);
    if let Err(detail) = &occurrence {
        errors.add("/occurrence", detail);
    }
    let Some((member, pointer)) = member else { return };
    let AssigneeInfo { key, exists, .. } = member;
    if !action.addresses(member.assignee, member.level_id) {
        let detail = format!("the action is not '{key}' to do: its assignments name those who report");
        return errors.add(pointer, detail);
    }
    if let Some(last) = exists.ends_on.filter(|last| *last < today) {
        return errors.add(pointer, format!("'{key}' ended on {last}, and takes no more reports"));
    }
    let day = occurrence.map(|occurrence| occurrence.reference_day(today));
    if let Some(day) = day.ok().filter(|day| !exists.contains(*day)) {
        errors.add(pointer, format!("'{key}' did not exist on {day}, the day that decides who has to do it"));
    }
}

/// A stored report.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!(example!("report")))]
pub struct Report {
    /// Given by the service.
    pub id: Id,
    /// The action: the keys that lead to it.
    pub action: String,
    /// The action's id.
    pub action_id: Id,
    /// The key of the committee that reported; null where it was a unit.
    pub committee: Option<RegisterKey>,
    /// The key of the unit that reported; null where it was a committee.
    pub unit: Option<RegisterKey>,
    /// Which time, where the action recurs.
    pub occurrence: Option<Period>,
    /// How far it was.
    pub stage: Stage,
    /// How those who reported saw the way ahead.
    pub judgement: Judgement,
    /// In their own words.
    pub note: Option<LongText>,
    /// Where the minutes stand.
    pub minutes_url: Option<WebAddress>,
    /// The day on which it was discussed.
    pub discussed_on: Option<NaiveDate>,
    /// The key of the employee who reported; null where no employee is known, and for all but `med.hr`.
    pub reported_by: Option<RegisterKey>,
    /// When it was reported.
    pub reported_at: Timestamp,
}

/// A report in a bundle, with who made it and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("bundled_report")))]
pub struct BundledReport {
    /// The action: `strategy/area/action`, or `committee/action` where it is local.
    pub action: Reference,
    /// What was reported.
    #[serde(flatten)]
    pub report: ReportBody,
    /// The employee who reported.
    #[serde(default)]
    pub reported_by: Option<Reference>,
    /// When it was reported; not in the future. It distinguishes the reports of one assignment.
    pub reported_at: Timestamp,
}

/// What identifies a report: action, period, committee or unit, and time.
pub type ReportIdentity = (Id, Option<Period>, Assignee, Timestamp);
